//! Frames with checked lengths, appended to a buffer in place.

use bytes::{BufMut, BytesMut};

use crate::error::UsageError;

/// The longest message that a server accepts: its limit for `Q`, `P`, `B` and `d` (`PQ_LARGE_MESSAGE_LIMIT`).
pub(crate) const MAX_MESSAGE: usize = 0x3FFF_FFFE;

/// Appends one frame whose body `write` appends. On an error the buffer is as it was.
pub(crate) fn frame<E: From<UsageError>>(
    out: &mut BytesMut,
    tag: u8,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.put_u8(tag);
    let result = length_prefixed(out, write);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// A length word that counts itself, then what `write` appends.
pub(crate) fn length_prefixed<E: From<UsageError>>(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.put_i32(0);
    write(out)?;
    Ok(end_length_prefixed(out, start)?)
}

/// Ends a frame that begins at `start` and was written with a length of zero.
pub(crate) fn end_frame(out: &mut BytesMut, start: usize) -> Result<(), UsageError> {
    end_length_prefixed(out, start + 1)
}

/// Writes the length of all that stands behind `start` to there: four bytes that were kept free for it, and count themselves.
fn end_length_prefixed(out: &mut BytesMut, start: usize) -> Result<(), UsageError> {
    // A value's writer is the caller's code: it may have shortened the buffer it was lent.
    let length = out.len().checked_sub(start).filter(|&length| length >= 4);
    let length = length.ok_or(UsageError::BufferDisturbed)?;
    if length > MAX_MESSAGE {
        return Err(UsageError::MessageTooLong { length });
    }
    patch_i32(out, start, length)
}

/// Writes a length into the four bytes that were kept free for it.
pub(crate) fn patch_i32(out: &mut BytesMut, at: usize, length: usize) -> Result<(), UsageError> {
    let word = i32::try_from(length).map_err(|_| UsageError::MessageTooLong { length })?;
    out.get_mut(at..)
        .and_then(<[u8]>::first_chunk_mut)
        .map(|slot| *slot = word.to_be_bytes())
        .ok_or(UsageError::BufferDisturbed)
}

/// A string and its NUL. A NUL inside would end it early and let the rest be read as something else.
pub(crate) fn c_string(
    out: &mut BytesMut,
    what: &'static str,
    string: &str,
) -> Result<(), UsageError> {
    if string.is_empty() {
        out.put_u8(0);
        return Ok(());
    }
    if string.as_bytes().contains(&0) {
        return Err(UsageError::NulByte { what });
    }
    out.put_slice(string.as_bytes());
    out.put_u8(0);
    Ok(())
}

/// A count that the wire holds in 16 bits without a sign (`Int16` in the manual; the server reads it as unsigned).
pub(crate) fn count(
    out: &mut BytesMut,
    what: &'static str,
    count: usize,
) -> Result<(), UsageError> {
    let word = u16::try_from(count).map_err(|_| UsageError::TooMany { what, count })?;
    out.put_u16(word);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_its_own_length() {
        let mut out = BytesMut::new();
        frame::<UsageError>(&mut out, b'Q', |out| c_string(out, "query", "select")).unwrap();
        assert_eq!(&out[..], b"Q\0\0\0\x0bselect\0");
    }

    #[test]
    fn an_error_leaves_no_trace() {
        let mut out = BytesMut::from(&b"before"[..]);
        let error = frame(&mut out, b'Q', |out| c_string(out, "query", "a\0b")).unwrap_err();
        assert_eq!(error, UsageError::NulByte { what: "query" });
        assert_eq!(&out[..], b"before");
    }

    #[test]
    fn security_26_a_count_is_never_truncated() {
        let mut out = BytesMut::new();
        assert_eq!(count(&mut out, "parameters", 65_535), Ok(()));
        assert_eq!(
            count(&mut out, "parameters", 65_536),
            Err(UsageError::TooMany {
                what: "parameters",
                count: 65_536
            })
        );
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn a_writer_that_shortens_the_buffer_is_found_out() {
        let mut out = BytesMut::from(&b"before"[..]);
        let error = frame::<UsageError>(&mut out, b'B', |out| {
            out.clear();
            Ok(())
        });
        assert_eq!(error, Err(UsageError::BufferDisturbed));
    }
}
