//! The messages of a server.

use super::message::Field::{
    Byte, Data, Id, Int16, Int32, List, Names, Payload, Repeat, Report, Secret, String, Unprinted,
    Value,
};
use super::message::{Message, Named, Unknown};

/// An error instead of an answer to a request for encryption: anybody may have written it.
pub(super) const UNENCRYPTED_ERROR: Message = Message::new("ErrorResponse", &[Secret]);

/// An authentication request that ends before it says what it asks for.
pub(super) const NO_AUTHENTICATION: Message = Message::new("Authentication", &[Unprinted(4)]);

/// A message, authentication requests aside.
pub(super) fn typed(tag: u8) -> Named {
    Ok(match tag {
        b'1' => Message::new("ParseComplete", &[]),
        b'2' => Message::new("BindComplete", &[]),
        b'3' => Message::new("CloseComplete", &[]),
        b'A' => Message::new("NotificationResponse", &[Id, String, Payload]),
        b'C' => Message::new("CommandComplete", &[String]),
        b'D' => Message::new("DataRow", &[Repeat(&[Value])]),
        b'E' => Message::new("ErrorResponse", &[Report]),
        b'G' => Message::new("CopyInResponse", &[Byte, Repeat(&[Int16])]),
        b'H' => Message::new("CopyOutResponse", &[Byte, Repeat(&[Int16])]),
        b'I' => Message::new("EmptyQueryResponse", &[]),
        b'K' => Message::new("BackendKeyData", &[Id, Secret]),
        b'N' => Message::new("NoticeResponse", &[Report]),
        b'S' => Message::new("ParameterStatus", &[String, String]),
        b'T' => Message::new(
            "RowDescription",
            &[Repeat(&[String, Id, Int16, Id, Int16, Int32, Int16])],
        ),
        b'V' => Message::new("FunctionCallResponse", &[Value]),
        b'W' => Message::new("CopyBothResponse", &[Byte, Repeat(&[Int16])]),
        b'Z' => Message::new("ReadyForQuery", &[Byte]),
        b'c' => Message::new("CopyDone", &[]),
        b'd' => Message::new("CopyData", &[Data]),
        b'n' => Message::new("NoData", &[]),
        b's' => Message::new("PortalSuspended", &[]),
        b't' => Message::new("ParameterDescription", &[Repeat(&[Id])]),
        b'v' => Message::new("NegotiateProtocolVersion", &[Int32, Names]),
        _ => return Err(Unknown::Type(tag)),
    })
}

/// The message `R`, by the code at its front, which its name stands for.
pub(super) fn authentication(code: i32) -> Named {
    Ok(match code {
        0 => Message::new("AuthenticationOk", &[Unprinted(4)]),
        3 => Message::new("AuthenticationCleartextPassword", &[Unprinted(4)]),
        // With a salt.
        5 => Message::new("AuthenticationMD5Password", &[Unprinted(8)]),
        7 => Message::new("AuthenticationGSS", &[Unprinted(4)]),
        8 => Message::new("AuthenticationGSSContinue", &[Unprinted(4), Secret]),
        9 => Message::new("AuthenticationSSPI", &[Unprinted(4)]),
        10 => Message::new("AuthenticationSASL", &[Unprinted(4), List]),
        11 => Message::new("AuthenticationSASLContinue", &[Unprinted(4), Secret]),
        12 => Message::new("AuthenticationSASLFinal", &[Unprinted(4), Secret]),
        _ => return Err(Unknown::Authentication(code)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::backend::tag::Tag;

    #[test]
    fn every_message_that_the_core_knows_has_a_name() {
        for byte in 0..=u8::MAX {
            let named = byte == b'R' || typed(byte).is_ok();
            assert_eq!(named, Tag::from_byte(byte).is_some(), "{byte:02x}");
        }
    }
}
