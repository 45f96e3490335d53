//! `BackendKeyData` (`K`): what a cancel request has to name.

use alloc::boxed::Box;
use core::fmt;

use crate::wire::reader::{Malformed, Reader};

/// The key that lets somebody cancel what this connection runs. Its secret appears in no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelKey {
    process_id: i32,
    secret: Box<[u8]>,
}

impl CancelKey {
    /// Protocol 3.0: the secret has four bytes.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let process_id = reader.i32("the server's process id")?;
        let secret = reader.array::<4>("a cancel key of four bytes")?;
        reader.end()?;
        Ok(Self {
            process_id,
            secret: Box::new(secret),
        })
    }

    /// The process of the server that serves this connection.
    pub fn process_id(&self) -> i32 {
        self.process_id
    }

    /// The secret of the key: four bytes in protocol 3.0.
    pub fn secret(&self) -> &[u8] {
        &self.secret
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
    use super::*;

    #[test]
    fn four_bytes_no_more_no_less() {
        let key = CancelKey::decode(b"\0\0\x01\0abcd").unwrap();
        assert_eq!((key.process_id(), key.secret()), (256, &b"abcd"[..]));
        assert!(CancelKey::decode(b"\0\0\x01\0abc").is_err());
        assert!(CancelKey::decode(b"\0\0\x01\0abcde").is_err());
    }

    #[test]
    fn debug_keeps_the_secret() {
        let key = CancelKey::decode(b"\0\0\x01\0\x61\x61\x61\x61").unwrap();
        assert_eq!(
            alloc::format!("{key:?}"),
            "CancelKey { process_id: 256, .. }"
        );
    }
}
