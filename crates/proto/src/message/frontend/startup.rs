//! `StartupMessage`: as old as the protocol, so it has no type byte.

use bytes::{BufMut, BytesMut};

use crate::error::UsageError;
use crate::startup::ProtocolVersion;
use crate::wire::writer::{c_string, length_prefixed};

/// Servers drop a longer one: `MAX_STARTUP_PACKET_LENGTH`, which does not count the length word.
const MAX_STARTUP: usize = 10_000;

/// Appends the message: pairs of names and values, ended by a NUL.
pub(crate) fn write<'a>(
    out: &mut BytesMut,
    version: ProtocolVersion,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), UsageError> {
    let start = out.len();
    length_prefixed::<UsageError>(out, |out| {
        out.put_u32(version.word());
        for (name, value) in parameters {
            if name.is_empty() {
                return Err(UsageError::EmptyName {
                    what: "start-up parameter",
                });
            }
            c_string(out, "start-up parameter", name)?;
            c_string(out, "start-up parameter", value)?;
        }
        out.put_u8(0);
        match out.len() - start - 4 {
            length if length > MAX_STARTUP => Err(UsageError::StartupTooLong { length }),
            _ => Ok(()),
        }
    })
    .inspect_err(|_| out.truncate(start))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use ProtocolVersion::{V3_0, V3_2};

    #[test]
    fn pairs_and_a_nul() {
        let mut out = BytesMut::new();
        write(&mut out, V3_0, [("user", "me")].into_iter()).unwrap();
        assert_eq!(&out[..], b"\0\0\0\x11\0\x03\0\0user\0me\0\0");
        out.clear();
        write(&mut out, V3_2, [].into_iter()).unwrap();
        assert_eq!(&out[..], b"\0\0\0\x09\0\x03\0\x02\0");
    }

    #[test]
    fn security_27_a_nul_cannot_smuggle_parameters() {
        let mut out = BytesMut::new();
        for pair in [("user", "me\0user\0postgres"), ("user\0", "me"), ("", "me")] {
            assert!(write(&mut out, V3_0, [pair].into_iter()).is_err());
            assert!(out.is_empty());
        }
    }

    #[test]
    fn acceptance_16_too_long_for_a_server() {
        let mut out = BytesMut::new();
        let long: String = core::iter::repeat_n('x', 10_000).collect();
        let error = write(&mut out, V3_0, [("user", long.as_str())].into_iter()).unwrap_err();
        assert_eq!(error, UsageError::StartupTooLong { length: 10_011 });
        assert!(out.is_empty());
    }
}
