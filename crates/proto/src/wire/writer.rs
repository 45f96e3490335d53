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
    patch_checked(out, start, length.ok_or(UsageError::BufferDisturbed)?)
}

/// Writes the length of a frame that begins at `start`, and is as long as `frame` with its type, to where it belongs.
pub(crate) fn patch_length(
    out: &mut BytesMut,
    start: usize,
    frame: usize,
) -> Result<(), UsageError> {
    let length = frame.checked_sub(1).ok_or(UsageError::BufferDisturbed)?;
    patch_checked(out, start + 1, length)
}

fn patch_checked(out: &mut BytesMut, at: usize, length: usize) -> Result<(), UsageError> {
    if length > MAX_MESSAGE {
        return Err(UsageError::MessageTooLong { length });
    }
    patch_i32(out, at, length)
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
    if has_nul(string.as_bytes()) {
        return Err(UsageError::NulByte { what });
    }
    out.put_slice(string.as_bytes());
    out.put_u8(0);
    Ok(())
}

/// Eight bytes at a time: names are short, and looked through for each query.
#[inline]
fn has_nul(bytes: &[u8]) -> bool {
    /// A one in each byte, and the highest bit of each.
    const ONES: u64 = u64::MAX / 255;
    const HIGHEST: u64 = ONES << 7;
    let (words, rest) = bytes.as_chunks();
    let in_words = words.iter().any(|word| {
        let word = u64::from_ne_bytes(*word);
        word.wrapping_sub(ONES) & !word & HIGHEST != 0
    });
    in_words || rest.contains(&0)
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
    fn a_nul_is_found_wherever_it_stands() {
        for length in 0..40 {
            for other in [1, 0x7F, 0x80, 0x81, 0xFF] {
                let mut bytes = alloc::vec![other; length];
                assert!(!has_nul(&bytes));
                for place in 0..length {
                    bytes[place] = 0;
                    assert!(has_nul(&bytes), "{place} of {length}");
                    bytes[place] = other;
                }
            }
        }
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
