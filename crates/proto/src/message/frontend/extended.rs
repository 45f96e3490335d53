//! The extended protocol but for `Bind`: `Parse`, `Describe`, `Execute`, `Close`, `Flush`, `Sync`; and `Terminate`.

use bytes::{BufMut, BytesMut};

use crate::error::UsageError;
use crate::wire::writer::{c_string, count, frame};
use crate::{Oid, Target};

pub(crate) fn write_parse(
    out: &mut BytesMut,
    statement: &str,
    sql: &str,
    parameter_types: &[Oid],
) -> Result<(), UsageError> {
    frame(out, b'P', |out| {
        c_string(out, "statement name", statement)?;
        c_string(out, "query", sql)?;
        count(out, "parameter types", parameter_types.len())?;
        for &oid in parameter_types {
            out.put_u32(oid);
        }
        Ok(())
    })
}

pub(crate) fn write_describe(out: &mut BytesMut, target: Target<'_>) -> Result<(), UsageError> {
    write_target(out, b'D', target)
}

pub(crate) fn write_close(out: &mut BytesMut, target: Target<'_>) -> Result<(), UsageError> {
    write_target(out, b'C', target)
}

fn write_target(out: &mut BytesMut, tag: u8, target: Target<'_>) -> Result<(), UsageError> {
    let (kind, what, name) = match target {
        Target::Statement(name) => (b'S', "statement name", name),
        Target::Portal(name) => (b'P', "portal name", name),
    };
    frame(out, tag, |out| {
        out.put_u8(kind);
        c_string(out, what, name)
    })
}

/// Zero is no limit on the wire, and so is whatever is negative to the server: hence a limit of 1 to `i32::MAX`, or none.
pub(crate) fn write_execute(
    out: &mut BytesMut,
    portal: &str,
    max_rows: Option<u32>,
) -> Result<(), UsageError> {
    let limit = match max_rows {
        None => 0,
        Some(0) => return Err(UsageError::RowLimit { limit: 0 }),
        Some(limit) => i32::try_from(limit).map_err(|_| UsageError::RowLimit { limit })?,
    };
    if portal.is_empty() && limit == 0 {
        // Nearly always.
        out.put_slice(b"E\0\0\0\x09\0\0\0\0\0");
        return Ok(());
    }
    frame(out, b'E', |out| {
        c_string(out, "portal name", portal)?;
        out.put_i32(limit);
        Ok(())
    })
}

pub(crate) fn write_flush(out: &mut BytesMut) {
    out.put_slice(b"H\0\0\0\x04");
}

/// Of the whole message.
pub(crate) const FLUSH_LENGTH: u64 = 5;

pub(crate) fn write_sync(out: &mut BytesMut) {
    out.put_slice(SYNC);
}

/// The whole message.
pub(crate) const SYNC: &[u8] = b"S\0\0\0\x04";

pub(crate) fn write_terminate(out: &mut BytesMut) {
    out.put_slice(b"X\0\0\0\x04");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(write: impl FnOnce(&mut BytesMut) -> Result<(), UsageError>) -> BytesMut {
        let mut out = BytesMut::new();
        write(&mut out).unwrap();
        out
    }

    #[test]
    fn the_messages_of_the_manual() {
        assert_eq!(
            &bytes(|out| write_parse(out, "s", "q", &[23]))[..],
            b"P\0\0\0\x0es\0q\0\0\x01\0\0\0\x17"
        );
        assert_eq!(
            &bytes(|out| write_describe(out, Target::Statement("s")))[..],
            b"D\0\0\0\x07Ss\0"
        );
        assert_eq!(
            &bytes(|out| write_close(out, Target::Portal("")))[..],
            b"C\0\0\0\x06P\0"
        );
        assert_eq!(
            &bytes(|out| write_execute(out, "", None))[..],
            b"E\0\0\0\x09\0\0\0\0\0"
        );
        assert_eq!(
            &bytes(|out| write_execute(out, "p", Some(7)))[..],
            b"E\0\0\0\x0ap\0\0\0\0\x07"
        );
    }

    #[test]
    fn a_row_limit_never_wraps() {
        let mut out = BytesMut::new();
        for limit in [0, 1 << 31, u32::MAX] {
            let error = write_execute(&mut out, "", Some(limit)).unwrap_err();
            assert_eq!(error, UsageError::RowLimit { limit });
        }
        assert!(out.is_empty());
        assert!(write_execute(&mut out, "", Some(i32::MAX.unsigned_abs())).is_ok());
    }

    #[test]
    fn security_27_no_name_holds_a_nul() {
        let mut out = BytesMut::new();
        assert!(write_parse(&mut out, "a\0", "", &[]).is_err());
        assert!(write_parse(&mut out, "", "a\0", &[]).is_err());
        assert!(write_describe(&mut out, Target::Statement("\0")).is_err());
        assert!(write_close(&mut out, Target::Portal("\0")).is_err());
        assert!(write_execute(&mut out, "\0", None).is_err());
        assert!(out.is_empty());
    }
}
