//! The messages of a client.

use super::message::Field::{
    Byte, Data, Id, Int16, Int32, Parameters, Password, Repeat, SaslInitial, Secret, Statement,
    String, Value,
};
use super::message::{Message, Named, Unknown};

/// One code stands where a start-up message has its version.
const CANCEL_REQUEST: [u8; 4] = 80_877_102_i32.to_be_bytes();
const SSL_REQUEST: [u8; 4] = 80_877_103_i32.to_be_bytes();
const GSSENC_REQUEST: [u8; 4] = 80_877_104_i32.to_be_bytes();

/// What a message without a type byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    Startup,
    /// It is answered by a single byte, which libpq calls so.
    EncryptionRequest(&'static str),
    CancelRequest,
}

/// The mechanisms whose names are printed: what stands in the place of another one may be anything.
pub(super) const MECHANISMS: [&[u8]; 3] = [b"SCRAM-SHA-256", b"SCRAM-SHA-256-PLUS", b"OAUTHBEARER"];

/// The part of a `p` message that is printed: the longest name of a mechanism, its NUL, and a length.
pub(super) const PRINTED_OF_RESPONSE: usize = 18 + 1 + 4;

/// A message without a type byte.
pub(super) fn first(body: &[u8]) -> (First, Message) {
    match body.first_chunk() {
        Some(&CANCEL_REQUEST) => (
            First::CancelRequest,
            Message::new("CancelRequest", &[Int16, Int16, Id, Secret]),
        ),
        Some(&SSL_REQUEST) => (
            First::EncryptionRequest("SSLResponse"),
            Message::new("SSLRequest", &[Int16, Int16]),
        ),
        Some(&GSSENC_REQUEST) => (
            First::EncryptionRequest("GSSENCResponse"),
            Message::new("GSSENCRequest", &[Int16, Int16]),
        ),
        _ => (
            First::Startup,
            Message::new("StartupMessage", &[Int16, Int16, Parameters]),
        ),
    }
}

/// A message with a type byte, `p` aside.
pub(super) fn typed(tag: u8) -> Named {
    Ok(match tag {
        b'B' => Message::new(
            "Bind",
            &[
                String,
                String,
                Repeat(&[Int16]),
                Repeat(&[Value]),
                Repeat(&[Int16]),
            ],
        ),
        b'C' => Message::new("Close", &[Byte, String]),
        b'D' => Message::new("Describe", &[Byte, String]),
        b'E' => Message::new("Execute", &[String, Int32]),
        b'F' => Message::new(
            "FunctionCall",
            &[Id, Repeat(&[Int16]), Repeat(&[Value]), Int16],
        ),
        b'H' => Message::new("Flush", &[]),
        b'P' => Message::new("Parse", &[String, Statement, Repeat(&[Id])]),
        b'Q' => Message::new("Query", &[Statement]),
        b'S' => Message::new("Sync", &[]),
        b'X' => Message::new("Terminate", &[]),
        b'c' => Message::new("CopyDone", &[]),
        b'd' => Message::new("CopyData", &[Data]),
        b'f' => Message::new("CopyFail", &[String]),
        _ => return Err(Unknown::Type(tag)),
    })
}

/// The message `p`: what it is depends on what the server asked for last.
pub(super) fn response(asked: Option<i32>) -> Message {
    match asked {
        Some(3 | 5) => Message::new("PasswordMessage", &[Password]),
        Some(7..=9) => Message::new("GSSResponse", &[Secret]),
        Some(10) => Message::new("SASLInitialResponse", &[SaslInitial]),
        Some(11) => Message::new("SASLResponse", &[Secret]),
        _ => Message::new("UnknownAuthenticationResponse", &[Password]),
    }
}
