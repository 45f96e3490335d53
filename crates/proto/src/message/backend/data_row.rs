//! `DataRow` (`D`): found in runs, read field by field.

use memchr::memchr;

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
    let run = Wanted { columns, limit }.measure(data);
    if run.rows == 0 {
        first(data, columns).map(|()| run)
    } else {
        Ok(run)
    }
}

/// What makes a frame a row of a result.
#[derive(Clone, Copy)]
struct Wanted {
    columns: usize,
    limit: usize,
}

/// So many walks go side by side.
const WALKS: usize = 3;

/// Less is walked from its front alone.
const WORTH_MORE_WALKS: usize = 1024;

/// So many bytes are searched for a place where a walk can begin.
const SEARCHED: usize = 1024;

impl Wanted {
    /// Where a row ends is in its header, so a walk waits for memory at each row. Several walks wait together: one begins at the front,
    /// the others further on, at what looks like a row. Each of those counts if the one before it comes to that very place.
    fn measure(self, data: &[u8]) -> Run {
        let mut rest = Walk::new(data, 0, data.len());
        rest.step(self);
        // Many a result is one row, however much stands behind it.
        if data.get(rest.at) != Some(&b'D') {
            return rest.run();
        }
        if data.len() >= WORTH_MORE_WALKS {
            let mut run = rest.run();
            let mut walks = self.walks(data, rest.at);
            while walks.iter_mut().all(|walk| walk.step(self)) {}
            for walk in &mut walks {
                if walk.start != run.bytes {
                    break;
                }
                while walk.step(self) {}
                run.bytes = walk.at;
                run.rows += walk.rows;
            }
            rest.at = run.bytes;
            rest.rows = run.rows;
        }
        while rest.step(self) {}
        rest.run()
    }

    /// Walks from `first`, from about a third and from about two thirds, each to where the next one began.
    fn walks(self, data: &[u8], first: usize) -> [Walk<'_>; WALKS] {
        let mut end = data.len();
        let mut walks = [first; WALKS].map(|start| Walk::new(data, start, end));
        for (i, walk) in walks.iter_mut().enumerate().rev() {
            if i > 0 {
                walk.start = self.search(data, data.len() / WALKS * i).min(end);
            }
            (walk.at, walk.end) = (walk.start, end);
            end = walk.start;
        }
        walks
    }

    /// The first place from `at` on where a whole row seems to stand; the end where none is found.
    fn search(self, data: &[u8], mut at: usize) -> usize {
        let until = data.len().min(at + SEARCHED);
        while let Some(distance) = data.get(at..until).and_then(|part| memchr(b'D', part)) {
            at += distance;
            if self.split(data.get(at..).unwrap_or_default()).is_some() {
                return at;
            }
            at += 1;
        }
        data.len()
    }

    /// What lies behind the row at the front, if a whole one stands there.
    #[inline]
    fn split(self, data: &[u8]) -> Option<&[u8]> {
        let Some(&[b'D', a, b, c, d, high, low]) = data.first_chunk::<ROW_HEADER>() else {
            return None;
        };
        // Six bytes are the length word and the count.
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        let found = u16::from_be_bytes([high, low]);
        if length < 6 || length >= self.limit || usize::from(found) != self.columns {
            return None;
        }
        let (_, behind) = data.split_at_checked(length + 1)?;
        Some(behind)
    }
}

/// Goes from row to row.
struct Walk<'a> {
    data: &'a [u8],
    start: usize,
    at: usize,
    /// It goes no further once it is there, or beyond.
    end: usize,
    rows: u32,
}

impl<'a> Walk<'a> {
    fn new(data: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            data,
            start,
            at: start,
            end,
            rows: 0,
        }
    }

    /// What it has gone over, if it began at the front.
    fn run(&self) -> Run {
        Run {
            bytes: self.at,
            rows: self.rows,
        }
    }

    /// False at its end, and where no whole row of the result stands.
    #[inline]
    fn step(&mut self, wanted: Wanted) -> bool {
        if self.at >= self.end {
            return false;
        }
        let rest = self.data.get(self.at..).unwrap_or_default();
        let Some(behind) = wanted.split(rest) else {
            return false;
        };
        self.at = self.data.len() - behind.len();
        self.rows += 1;
        true
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

    /// One walk from the front, as plain as can be.
    fn plain(data: &[u8], columns: usize) -> Run {
        let mut run = Run::default();
        while let Some(&[b'D', a, b, c, d, high, low]) = data[run.bytes..].first_chunk() {
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap();
            let fits = (6..LIMIT).contains(&length)
                && usize::from(u16::from_be_bytes([high, low])) == columns
                && data.len() - run.bytes > length;
            if !fits {
                break;
            }
            run.bytes += length + 1;
            run.rows += 1;
        }
        run
    }

    proptest::proptest! {
        /// Values that look like rows, rows that look like nothing, something else somewhere between, and cut anywhere.
        #[test]
        fn walks_side_by_side_find_what_one_finds(
            pieces in proptest::collection::vec((0_usize..6, 0_usize..400), 1..60),
            cut in 0_usize..20_000,
        ) {
            let mut data = Vec::new();
            for (kind, length) in pieces {
                let decoys = || row(2, b"D\0\0").into_iter().cycle().take(length);
                match kind {
                    0 => data.extend(row(2, &alloc::vec![b'D'; length])),
                    1 => data.extend(row(2, &decoys().collect::<Vec<_>>())),
                    2 => data.extend(row(2, b"")),
                    3 if length < 4 => data.extend(decoys()),
                    4 if length < 4 => data.extend(row(3, b"")),
                    _ => data.extend(row(2, &row(2, &alloc::vec![0; length]))),
                }
            }
            data.truncate(cut);
            let found = Wanted { columns: 2, limit: LIMIT }.measure(&data);
            proptest::prop_assert_eq!(found, plain(&data, 2));
        }
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
