//! `ReadyForQuery` (`Z`).

use crate::wire::reader::{Malformed, Reader};

/// Where the session stands, as the last `ReadyForQuery` said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionStatus {
    /// In no transaction block.
    Idle,
    /// In a transaction block.
    InTransaction,
    /// In a transaction block that has failed: the server refuses everything until it is rolled back.
    Failed,
}

impl TransactionStatus {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let status = match reader.u8("a transaction status")? {
            b'I' => Self::Idle,
            b'T' => Self::InTransaction,
            b'E' => Self::Failed,
            _ => return Err(Malformed("the transaction status I, T or E")),
        };
        reader.end()?;
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_letters() {
        assert_eq!(TransactionStatus::decode(b"I"), Ok(TransactionStatus::Idle));
        assert_eq!(
            TransactionStatus::decode(b"T"),
            Ok(TransactionStatus::InTransaction)
        );
        assert_eq!(
            TransactionStatus::decode(b"E"),
            Ok(TransactionStatus::Failed)
        );
        for body in [&b""[..], b"i", b"II", b"X"] {
            assert!(TransactionStatus::decode(body).is_err());
        }
    }
}
