//! `CopyData`, `CopyDone`, `CopyFail`: what a client sends during a COPY.

use bytes::{BufMut, BytesMut};

use crate::error::UsageError;
use crate::wire::writer::{c_string, frame};

/// The longest `CopyFail` that a server accepts: its limit for messages that carry no data (`PQ_SMALL_MESSAGE_LIMIT`).
const MAX_COPY_FAIL: usize = 10_000;

pub(crate) fn write_copy_data(out: &mut BytesMut, data: &[u8]) -> Result<(), UsageError> {
    out.reserve(data.len() + 5);
    frame(out, b'd', |out| {
        out.put_slice(data);
        Ok(())
    })
}

pub(crate) fn write_copy_done(out: &mut BytesMut) {
    out.put_slice(b"c\0\0\0\x04");
}

/// The reason comes back in the server's error, and so reaches the user.
pub(crate) fn write_copy_fail(out: &mut BytesMut, reason: &str) -> Result<(), UsageError> {
    // The length word and the NUL.
    let length = reason.len().saturating_add(5);
    if length > MAX_COPY_FAIL {
        return Err(UsageError::ReasonTooLong { length });
    }
    frame(out, b'f', |out| c_string(out, "reason", reason))
}

/// Ends a COPY that the core has to end by itself: `reason` is short, and has no NUL.
pub(crate) fn write_own_copy_fail(out: &mut BytesMut, reason: &'static str) {
    let written = write_copy_fail(out, reason);
    debug_assert_eq!(written, Ok(()));
}

/// Of the whole message: header, reason, NUL.
pub(crate) fn own_copy_fail_length(reason: &'static str) -> u64 {
    u64::try_from(reason.len()).map_or(u64::MAX, |length| length.saturating_add(6))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn the_messages_of_the_manual() {
        let mut out = BytesMut::new();
        write_copy_data(&mut out, b"1\n").unwrap();
        write_copy_done(&mut out);
        write_copy_fail(&mut out, "no").unwrap();
        assert_eq!(&out[..], b"d\0\0\0\x061\nc\0\0\0\x04f\0\0\0\x07no\0");
        assert_eq!(own_copy_fail_length("no"), 8);
    }

    #[test]
    fn security_27_a_reason_holds_no_nul() {
        let mut out = BytesMut::new();
        let error = write_copy_fail(&mut out, "a\0b");
        assert_eq!(error, Err(UsageError::NulByte { what: "reason" }));
        assert!(out.is_empty());
    }

    #[test]
    fn a_reason_is_as_long_as_servers_accept() {
        let mut out = BytesMut::new();
        let reason = String::from_utf8(alloc::vec![b'x'; MAX_COPY_FAIL - 5]).unwrap();
        assert_eq!(write_copy_fail(&mut out, &reason), Ok(()));
        assert_eq!(out.len(), MAX_COPY_FAIL + 1);
        let error = write_copy_fail(&mut out, &(reason + "x"));
        let length = MAX_COPY_FAIL + 1;
        assert_eq!(error, Err(UsageError::ReasonTooLong { length }));
    }
}
