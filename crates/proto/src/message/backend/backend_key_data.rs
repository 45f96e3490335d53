//! `BackendKeyData` (`K`): what a cancel request has to name.

use alloc::boxed::Box;
use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::message::frontend::cancel_request;
use crate::startup::ProtocolVersion;
use crate::wire::reader::{Malformed, Reader};

/// The key that lets somebody cancel what this connection runs. Its secret appears in no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelKey {
    process_id: i32,
    secret: Box<[u8]>,
}

impl CancelKey {
    pub(crate) fn decode(body: &[u8], version: ProtocolVersion) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let process_id = reader.i32("the server's process id")?;
        let secret = reader.rest();
        let (lengths, what) = match version {
            ProtocolVersion::V3_0 => (4..=4, "a cancel key of four bytes"),
            ProtocolVersion::V3_2 => (4..=256, "a cancel key of 4 to 256 bytes"),
        };
        if !lengths.contains(&secret.len()) {
            return Err(Malformed(what));
        }
        Ok(Self {
            process_id,
            secret: secret.into(),
        })
    }

    /// The process of the server that serves this connection.
    pub fn process_id(&self) -> i32 {
        self.process_id
    }

    /// The secret of the key: four bytes in protocol 3.0, 4 to 256 in 3.2, where PostgreSQL 18 makes 32.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The whole `CancelRequest`, for a stream of its own to the same server; nothing else is sent there, and nothing answered.
    /// [`Startup::cancel`](crate::Startup::cancel) does all that belongs to it, TLS included.
    pub fn to_request(&self) -> Bytes {
        let mut message = BytesMut::new();
        cancel_request::write(&mut message, self);
        message.freeze()
    }
}

impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelKey")
            .field("process_id", &self.process_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use ProtocolVersion::{V3_0, V3_2};

    #[test]
    fn acceptance_12_a_key_is_as_long_as_its_version_has_it() {
        let key = CancelKey::decode(b"\0\0\x01\0abcd", V3_0).unwrap();
        assert_eq!((key.process_id(), key.secret()), (256, &b"abcd"[..]));
        let decode = |length, version| {
            let mut body = vec![0, 0, 1, 0];
            body.resize(4 + length, b'x');
            CancelKey::decode(&body, version).map(|key| key.secret().len())
        };
        for length in [0, 3, 5, 32, 256, 257] {
            assert_eq!(
                decode(length, V3_0),
                Err(Malformed("a cancel key of four bytes"))
            );
        }
        for length in [4, 5, 32, 256] {
            assert_eq!(decode(length, V3_2), Ok(length));
        }
        for length in [0, 3, 257, 1_000] {
            assert_eq!(
                decode(length, V3_2),
                Err(Malformed("a cancel key of 4 to 256 bytes"))
            );
        }
        assert!(CancelKey::decode(b"\0\0\x01", V3_2).is_err());
    }

    #[test]
    fn a_request_names_the_process_and_the_secret() {
        let key = CancelKey::decode(b"\0\0\x01\0abcd", V3_0).unwrap();
        assert_eq!(
            &key.to_request()[..],
            b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x01\0abcd"
        );
        let long = [b"\0\0\x01\0".as_slice(), &[7; 32]].concat();
        let key = CancelKey::decode(&long, V3_2).unwrap();
        let request = key.to_request();
        assert_eq!((request.len(), &request[..4]), (44, &b"\0\0\0\x2c"[..]));
    }

    #[test]
    fn debug_keeps_the_secret() {
        let key = CancelKey::decode(b"\0\0\x01\0\x61\x61\x61\x61", V3_0).unwrap();
        assert_eq!(
            alloc::format!("{key:?}"),
            "CancelKey { process_id: 256, .. }"
        );
    }
}
