//! `DataRow` (`D`): found in runs, read field by field.

use crate::wire::frame::{Front, HEADER, front};

/// The header and the count of columns.
pub(crate) const ROW_HEADER: usize = HEADER + 2;

/// A run of whole `DataRow` frames at the front of a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// The length of all of them.
    pub(crate) bytes: usize,
    pub(crate) rows: u32,
}

/// Why the first frame of a buffer is not a row of this result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadRow {
    /// Too short for a count of columns.
    NoColumnCount,
    /// Another count of columns than was described.
    ColumnCount { expected: usize, found: u16 },
}

/// Measures the run: whole frames of `columns` columns, none longer than `limit`. A frame that does not fit ends the run: it is an
/// error only when it comes first, so that the rows before it are handed out.
pub(crate) fn run(data: &[u8], columns: usize, limit: usize) -> Result<Run, BadRow> {
    // More than i32::MAX is no length, whatever the limit.
    let limit = limit.min(1 << 31);
    let mut run = Run::default();
    let mut rest = data;
    while let Some(&[b'D', a, b, c, d, high, low]) = rest.first_chunk::<ROW_HEADER>() {
        // Six bytes are the length word and the count.
        let length = u32::from_be_bytes([a, b, c, d]);
        let Ok(length) = usize::try_from(length) else {
            break;
        };
        if length < 6 || length >= limit {
            break;
        }
        let found = u16::from_be_bytes([high, low]);
        if usize::from(found) != columns {
            break;
        }
        let Some((_, behind)) = rest.split_at_checked(length + 1) else {
            break;
        };
        rest = behind;
        run.rows += 1;
    }
    run.bytes = data.len() - rest.len();
    if run.rows == 0 {
        first(data, columns).map(|()| run)
    } else {
        Ok(run)
    }
}

/// What is wrong with the first frame, which is whole and of legal length.
fn first(data: &[u8], columns: usize) -> Result<(), BadRow> {
    let Front::Frame { len, .. } = front(data) else {
        return Ok(());
    };
    let Some(frame) = data.get(..len) else {
        return Ok(());
    };
    match frame.first_chunk::<ROW_HEADER>() {
        None => Err(BadRow::NoColumnCount),
        Some(&[.., high, low]) => {
            let found = u16::from_be_bytes([high, low]);
            if usize::from(found) == columns {
                Ok(())
            } else {
                Err(BadRow::ColumnCount {
                    expected: columns,
                    found,
                })
            }
        }
    }
}

/// Splits the first row off a run: the bytes behind its count of columns, and the rest of the run.
#[inline]
pub(crate) fn split_row(run: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_, a, b, c, d, _, _], behind) = run.split_first_chunk::<ROW_HEADER>()?;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    behind.split_at_checked(length.checked_sub(6)?)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn row(columns: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 6).unwrap();
        [
            &b"D"[..],
            &length.to_be_bytes(),
            &columns.to_be_bytes(),
            body,
        ]
        .concat()
    }

    #[test]
    fn a_run_is_as_long_as_what_has_arrived() {
        let two = [row(1, b"\0\0\0\x01a"), row(1, b"\xff\xff\xff\xff")].concat();
        let data = [&two[..], b"C\0\0\0\x0dSELECT 2\0"].concat();
        let whole = Run {
            bytes: two.len(),
            rows: 2,
        };
        assert_eq!(run(&data, 1, LIMIT), Ok(whole));
        assert_eq!(run(&two, 1, LIMIT), Ok(whole));
        let first = row(1, b"\0\0\0\x01a").len();
        for n in 0..two.len() {
            let expected = if n < first {
                Run::default()
            } else {
                Run {
                    bytes: first,
                    rows: 1,
                }
            };
            assert_eq!(run(&two[..n], 1, LIMIT), Ok(expected), "{n}");
        }
    }

    #[test]
    fn security_40_a_row_of_other_columns_is_an_error_when_it_comes_first() {
        let data = [row(1, b"\0\0\0\x01a"), row(2, b"\0\0\0\x01a")].concat();
        let first = row(1, b"\0\0\0\x01a").len();
        assert_eq!(
            run(&data, 1, LIMIT),
            Ok(Run {
                bytes: first,
                rows: 1
            })
        );
        assert_eq!(
            run(&data[first..], 1, LIMIT),
            Err(BadRow::ColumnCount {
                expected: 1,
                found: 2
            })
        );
        assert_eq!(
            run(&row(0, b""), 1, LIMIT),
            Err(BadRow::ColumnCount {
                expected: 1,
                found: 0
            })
        );
        assert_eq!(run(b"D\0\0\0\x04", 0, LIMIT), Err(BadRow::NoColumnCount));
        assert_eq!(run(b"D\0\0\0\x05\0Z", 0, LIMIT), Err(BadRow::NoColumnCount));
    }

    #[test]
    fn rows_are_split_where_they_end() {
        let data = [row(1, b"abc"), row(0, b"")].concat();
        let (first, rest) = split_row(&data).unwrap();
        assert_eq!(first, b"abc");
        assert_eq!(split_row(rest), Some((&b""[..], &b""[..])));
        assert_eq!(split_row(b""), None);
    }
}
