//! `PasswordMessage`, `SASLInitialResponse` and `SASLResponse`: all of type `p`.

use bytes::{BufMut, BytesMut};

use crate::error::UsageError;
use crate::wire::writer::{c_string, frame, patch_i32};

/// A password or its MD5 digest, as a string.
pub(crate) fn write_password(out: &mut BytesMut, password: &[u8]) -> Result<(), UsageError> {
    frame(out, b'p', |out| {
        if password.contains(&0) {
            return Err(UsageError::NulByte { what: "password" });
        }
        out.put_slice(password);
        out.put_u8(0);
        Ok(())
    })
}

/// The mechanism that was chosen, and what it says first.
pub(crate) fn write_sasl_initial(
    out: &mut BytesMut,
    mechanism: &str,
    message: &[u8],
) -> Result<(), UsageError> {
    frame(out, b'p', |out| {
        c_string(out, "SASL mechanism", mechanism)?;
        let at = out.len();
        out.put_i32(0);
        out.put_slice(message);
        patch_i32(out, at, message.len())
    })
}

/// What the mechanism says next.
pub(crate) fn write_sasl(out: &mut BytesMut, message: &[u8]) -> Result<(), UsageError> {
    frame(out, b'p', |out| {
        out.put_slice(message);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_shapes_of_one_type() {
        let mut out = BytesMut::new();
        write_password(&mut out, b"pw").unwrap();
        write_sasl_initial(&mut out, "X", b"hi").unwrap();
        write_sasl(&mut out, b"yo").unwrap();
        assert_eq!(
            &out[..],
            b"p\0\0\0\x07pw\0p\0\0\0\x0cX\0\0\0\0\x02hip\0\0\0\x06yo"
        );
        assert!(write_password(&mut out, b"a\0b").is_err());
    }
}
