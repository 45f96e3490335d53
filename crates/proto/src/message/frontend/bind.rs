//! `Bind` (`B`): values are written by who has them, and a message can be repeated with others.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::error::UsageError;
use crate::wire::writer::{c_string, count, end_frame, patch_length};
use crate::{Bind, Format};

/// Values that are as long as this together are not copied.
const LARGE: usize = 64 * 1024;
/// So much room for values is kept at most.
const KEEP: usize = 2 * LARGE;
/// What comes behind them, the formats of all columns that a result can have among it, is no longer.
const BEHIND: usize = 8 * 1024;

/// Takes the values of a `Bind`, one after the other.
pub struct BindValues<'a> {
    out: &'a mut BytesMut,
    written: usize,
    error: Option<UsageError>,
}

impl BindValues<'_> {
    /// Appends one value.
    ///
    /// `write` appends its bytes to the buffer it is lent, which holds the values before it and nothing else of the output; it returns
    /// false for NULL, which has no bytes.
    ///
    /// # Errors
    /// Those of `write`. The whole batch is rolled back then.
    #[inline]
    pub fn value<E>(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> Result<bool, E>,
    ) -> Result<(), E> {
        let at = self.out.len();
        self.out.extend_from_slice(&NULL);
        let present = write(self.out)?;
        self.written += 1;
        let length = self.out.len().checked_sub(at + NULL.len());
        let word = length.and_then(|length| i32::try_from(length).ok());
        let slot = self.out.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        match (word, slot) {
            (Some(word), Some(slot)) if present => *slot = word.to_be_bytes(),
            _ => self.without_bytes(at, length, present),
        }
        Ok(())
    }

    /// NULL, or what went wrong.
    fn without_bytes(&mut self, at: usize, length: Option<usize>, present: bool) {
        let error = match length {
            None => UsageError::BufferDisturbed,
            Some(length) if present => UsageError::MessageTooLong { length },
            Some(_) => {
                self.out.truncate(at + NULL.len());
                return;
            }
        };
        self.error.get_or_insert(error);
    }

    /// Appends a value whose bytes are at hand; `None` is NULL.
    pub fn bytes(&mut self, value: Option<&[u8]>) {
        self.written += 1;
        match value.map(|value| (value, i32::try_from(value.len()))) {
            None => self.out.extend_from_slice(&NULL),
            Some((value, Ok(length))) => {
                self.out.reserve(NULL.len() + value.len());
                self.out.extend_from_slice(&length.to_be_bytes());
                self.out.extend_from_slice(value);
            }
            Some((value, Err(_))) => {
                let length = value.len();
                self.error
                    .get_or_insert(UsageError::MessageTooLong { length });
            }
        }
    }
}

/// The length of a value that there is none of: -1.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// How many were written: values may be secret.
impl fmt::Debug for BindValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindValues")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Where the parts of a message stand in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    start: usize,
    /// Where the number of values stands, and the values behind it.
    count_at: usize,
    values_end: usize,
    end: usize,
    /// Of how many values the formats are told one by one.
    formats: Option<usize>,
}

/// Appends the message. The number of values is the number that `values` appended, whose own error is the outer one. On an error the
/// buffer is as it was. Values are written to `lent`, which is empty before and after it: what waits in the output belongs to others.
pub(crate) fn write<E>(
    out: &mut BytesMut,
    lent: &mut BytesMut,
    bind: &Bind<'_>,
    values: impl FnOnce(&mut BindValues<'_>) -> Result<(), E>,
) -> Result<Result<Written, UsageError>, E> {
    let start = out.len();
    let written = match write_head(out, bind) {
        Ok(count_at) => write_values(lent, values)
            .map(|count| write_rest(out, lent, bind, start..count_at, count?)),
        Err(error) => Ok(Err(error)),
    };
    empty(lent);
    if !matches!(written, Ok(Ok(_))) {
        out.truncate(start);
    }
    written
}

/// The values, and what stands behind them; before them there is `head`.
fn write_rest(
    out: &mut BytesMut,
    values: &mut BytesMut,
    bind: &Bind<'_>,
    head: Range<usize>,
    count: usize,
) -> Result<Written, UsageError> {
    let formats = bind.parameter_formats.len();
    let formats = (formats > 1).then_some(formats);
    let (start, count_at) = (head.start, head.end);
    if is_large(values, out) {
        put_before(out, core::mem::take(values));
    } else {
        out.extend_from_slice(values);
    }
    patch_count(out, count_at, formats, count)?;
    let values_end = out.len();
    write_formats(out, "result formats", bind.result_formats)?;
    end_frame(out, start)?;
    Ok(Written {
        start,
        count_at,
        values_end,
        end: out.len(),
        formats,
    })
}

/// Appends once more what stands from the start of a message to `end`, with other values in the message.
pub(crate) fn write_again<E>(
    out: &mut BytesMut,
    lent: &mut BytesMut,
    written: Written,
    end: usize,
    values: impl FnOnce(&mut BindValues<'_>) -> Result<(), E>,
) -> Result<Result<(), UsageError>, E> {
    let start = out.len();
    let again = write_values(lent, values).map(|count| repeat(out, lent, written, end, count?));
    empty(lent);
    if !matches!(again, Ok(Ok(()))) {
        out.truncate(start);
    }
    again
}

fn repeat(
    out: &mut BytesMut,
    values: &mut BytesMut,
    written: Written,
    end: usize,
    count: usize,
) -> Result<(), UsageError> {
    let start = out.len();
    let (head, tail) = (
        written.start..written.count_at + COUNT,
        written.values_end..end,
    );
    let count_at = start + (written.count_at - written.start);
    let message = head.len() + values.len() + (written.end - written.values_end);
    if is_large(values, out) {
        append_copy(out, head);
        put_before(out, core::mem::take(values));
        append_copy(out, tail);
    } else {
        let values_at = start + head.len();
        let values_end = values_at + values.len();
        out.resize(values_end + tail.len(), 0);
        out.copy_within(head, start);
        out.copy_within(tail, values_end);
        if let Some(space) = out.get_mut(values_at..values_end) {
            space.copy_from_slice(values);
        }
    }
    patch_count(out, count_at, written.formats, count)?;
    patch_length(out, start, message)
}

/// What stands before the values; gives where their number belongs.
#[inline]
fn write_head(out: &mut BytesMut, bind: &Bind<'_>) -> Result<usize, UsageError> {
    if bind.portal.is_empty() {
        out.extend_from_slice(b"B\0\0\0\0\0");
    } else {
        out.extend_from_slice(b"B\0\0\0\0");
        c_string(out, "portal name", bind.portal)?;
    }
    c_string(out, "statement name", bind.statement)?;
    write_formats(out, "parameter formats", bind.parameter_formats)?;
    let count_at = out.len();
    out.extend_from_slice(&[0; COUNT]);
    Ok(count_at)
}

/// The length of the word that counts the values.
const COUNT: usize = 2;

/// Has the values written; gives how many there are.
#[inline]
fn write_values<E>(
    lent: &mut BytesMut,
    values: impl FnOnce(&mut BindValues<'_>) -> Result<(), E>,
) -> Result<Result<usize, UsageError>, E> {
    // Who was to write values before may have panicked.
    lent.clear();
    let mut writer = BindValues {
        out: lent,
        written: 0,
        error: None,
    };
    values(&mut writer)?;
    Ok(match writer.error {
        None => Ok(writer.written),
        Some(error) => Err(error),
    })
}

/// For who writes values next.
fn empty(lent: &mut BytesMut) {
    lent.clear();
    if lent.capacity() > KEEP {
        *lent = BytesMut::new();
    }
}

#[inline]
fn patch_count(
    out: &mut BytesMut,
    count_at: usize,
    formats: Option<usize>,
    values: usize,
) -> Result<(), UsageError> {
    if let Some(formats) = formats.filter(|&formats| formats != values) {
        return Err(UsageError::FormatCount { formats, values });
    }
    let count = u16::try_from(values).map_err(|_| UsageError::TooMany {
        what: "parameters",
        count: values,
    })?;
    out.get_mut(count_at..)
        .and_then(<[u8]>::first_chunk_mut)
        .map(|slot| *slot = count.to_be_bytes())
        .ok_or(UsageError::BufferDisturbed)
}

/// Appends what stands at a place in the buffer already.
#[inline]
fn append_copy(out: &mut BytesMut, range: Range<usize>) {
    let end = out.len();
    out.resize(end + range.len(), 0);
    out.copy_within(range, end);
}

/// True for values that stay where they are, and before which is put what stands before them: copied, they would be held twice.
#[inline]
fn is_large(values: &BytesMut, before: &BytesMut) -> bool {
    values.len() >= LARGE && values.len() >= before.len()
}

fn put_before(out: &mut BytesMut, values: BytesMut) {
    let before = out.len();
    let mut all = Vec::from(values);
    let length = all.len();
    all.reserve_exact(before + BEHIND);
    all.resize(length + before, 0);
    all.copy_within(..length, before);
    if let Some(front) = all.get_mut(..before) {
        front.copy_from_slice(out);
    }
    *out = Bytes::from(all).into();
}

/// So many are put together before they are appended.
const FORMATS: usize = 16;

#[inline]
fn write_formats(
    out: &mut BytesMut,
    what: &'static str,
    formats: &[Format],
) -> Result<(), UsageError> {
    match *formats {
        [] => out.extend_from_slice(&[0; 2]),
        [of_all] => out.extend_from_slice(&[0, 1, 0, code(of_all)]),
        _ => return write_each(out, what, formats),
    }
    Ok(())
}

fn write_each(
    out: &mut BytesMut,
    what: &'static str,
    formats: &[Format],
) -> Result<(), UsageError> {
    count(out, what, formats.len())?;
    for some in formats.chunks(FORMATS) {
        let mut codes = [[0; 2]; FORMATS];
        for (place, &format) in codes.iter_mut().zip(some) {
            *place = [0, code(format)];
        }
        let codes = codes.get(..some.len()).unwrap_or_default();
        out.extend_from_slice(codes.as_flattened());
    }
    Ok(())
}

/// The lower half of its two bytes.
fn code(format: Format) -> u8 {
    match format {
        Format::Text => 0,
        Format::Binary => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(parameter_formats: &[Format]) -> Bind<'_> {
        Bind {
            portal: "",
            statement: "s",
            parameter_formats,
            result_formats: &[Format::Binary],
        }
    }

    #[test]
    fn values_stand_where_they_were_written() {
        let mut out = BytesMut::new();
        let written = write::<()>(&mut out, &mut BytesMut::new(), &bind(&[]), |values| {
            values.bytes(Some(b"a"));
            values.bytes(None);
            values.bytes(Some(b""));
            Ok(())
        });
        assert!(matches!(written, Ok(Ok(_))));
        assert_eq!(
            &out[..],
            b"B\0\0\0\x1c\0s\0\0\0\0\x03\0\0\0\x01a\xff\xff\xff\xff\0\0\0\0\0\x01\0\x01"
        );
    }

    #[test]
    fn large_values_are_put_behind_what_stands_before_them() {
        let value = alloc::vec![7; 10 * LARGE];
        for before in [0, 1, 100, LARGE, 20 * LARGE] {
            let mut out = BytesMut::from(&alloc::vec![1; before][..]);
            write::<()>(
                &mut out,
                &mut BytesMut::new(),
                &bind(&[Format::Binary]),
                |values| {
                    values.value(|out| {
                        out.extend_from_slice(&value);
                        Ok(true)
                    })
                },
            )
            .unwrap()
            .unwrap();
            let capacity = out.capacity();
            let (front, message) = out.split_at(before);
            assert!(front.iter().all(|byte| *byte == 1));
            assert_eq!(message.first(), Some(&b'B'));
            let length = i32::from_be_bytes(*message[1..].first_chunk().unwrap());
            assert_eq!(usize::try_from(length).unwrap() + 1, message.len());
            let (head, rest) = message.split_at(message.len() - value.len() - 4);
            assert!(head.ends_with(&(10 * i32::try_from(LARGE).unwrap()).to_be_bytes()));
            assert_eq!(rest, [&value[..], b"\0\x01\0\x01"].concat());
            if before < value.len() {
                assert!(capacity < before + value.len() + 2 * BEHIND, "{capacity}");
            }
        }
    }

    #[test]
    fn what_is_lent_for_large_values_is_given_back() {
        let large = alloc::vec![7; 10 * KEEP];
        for fails in [false, true] {
            let (mut out, mut lent) = (BytesMut::new(), BytesMut::new());
            out.extend_from_slice(&alloc::vec![1; 20 * KEEP]);
            let written = write(&mut out, &mut lent, &bind(&[]), |values| {
                values.bytes(Some(&large));
                if fails { Err(()) } else { Ok(()) }
            });
            assert_eq!(written.is_err(), fails);
            assert!(lent.is_empty() && lent.capacity() <= KEEP);
        }
    }

    #[test]
    fn a_writer_is_lent_nothing_of_the_others() {
        let mut out = BytesMut::from(&b"before"[..]);
        let disturbed = write::<()>(&mut out, &mut BytesMut::new(), &bind(&[]), |values| {
            values.value(|out| {
                *out = BytesMut::new();
                Ok(true)
            })
        });
        assert_eq!(disturbed, Ok(Err(UsageError::BufferDisturbed)));
        assert_eq!(&out[..], b"before");
    }

    #[test]
    fn formats_stand_in_order_however_many_they_are() {
        for length in [0, 1, 2, 15, 16, 17, 40] {
            let formats: Vec<Format> = (0..length)
                .map(|i| {
                    if i % 3 == 0 {
                        Format::Binary
                    } else {
                        Format::Text
                    }
                })
                .collect();
            let mut out = BytesMut::new();
            write_formats(&mut out, "formats", &formats).unwrap();
            let words: Vec<u8> = out.chunks(2).map(|word| word[1]).collect();
            assert!(out.iter().step_by(2).all(|&high| high == 0));
            let codes = formats.iter().map(|&format| code(format));
            let expected: Vec<u8> = core::iter::once(length).chain(codes).collect();
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn errors_leave_no_trace() {
        let mut out = BytesMut::new();
        let error = write(&mut out, &mut BytesMut::new(), &bind(&[]), |values| {
            values.value(|_| Err("mine"))
        });
        assert_eq!(error, Err("mine"));
        let two = [Format::Text, Format::Binary];
        let error = write::<()>(&mut out, &mut BytesMut::new(), &bind(&two), |values| {
            values.bytes(None);
            Ok(())
        });
        let (formats, values) = (2, 1);
        assert_eq!(error, Ok(Err(UsageError::FormatCount { formats, values })));
        let error = write::<()>(&mut out, &mut BytesMut::new(), &bind(&[]), |values| {
            (0..=65_535).for_each(|_| values.bytes(None));
            Ok(())
        });
        let too_many = UsageError::TooMany {
            what: "parameters",
            count: 65_536,
        };
        assert_eq!(error, Ok(Err(too_many)));
        assert!(out.is_empty());
    }
}
