//! A run of rows, as it arrived.

use alloc::sync::Arc;
use core::fmt;

use crate::buffer::receive::Taken;
use crate::message::backend::data_row::{ROW_HEADER, Run, split_row};
use crate::message::backend::row_description::Columns;
use crate::rows::row::{FieldError, Row, RowRef};

/// The rows of one result that had arrived when they were asked for: never empty, at most what the receive buffer held.
///
/// `for row in &batch` lends them at the price of a slice; nothing is allocated or counted for a lent row. The batch stands in the
/// buffer that the next read will fill again if the batch was dropped by then; a batch that is held longer costs the connection another
/// buffer.
///
/// A row that is to be kept costs one reference count, [`rows`](Self::rows), and keeps the rows that arrived with it alive (at most
/// 64 KiB, or the size of the row): [`Row::detach`] or [`RowRef::to_row`] copy it out.
#[derive(Clone)]
pub struct RowBatch {
    bytes: Bytes,
    rows: u32,
    columns: Arc<Columns>,
}

/// Where the rows stand.
#[derive(Clone)]
enum Bytes {
    /// Where they arrived.
    Received(Taken),
    /// Copied out.
    Own(Arc<[u8]>),
}

/// Batches up to this size are copied when they are to be kept: the same size as the largest read. A longer one has taken nearly all of
/// its chunk, which would not be filled again.
const COPY: usize = 64 * 1024;

impl RowBatch {
    pub(crate) fn new(taken: Taken, run: Run, columns: Arc<Columns>) -> Self {
        Self {
            bytes: Bytes::Received(taken),
            rows: run.rows,
            columns,
        }
    }

    /// How many rows these are.
    pub fn len(&self) -> usize {
        // A row takes seven bytes at least, so their number always fits.
        usize::try_from(self.rows).unwrap_or(usize::MAX)
    }

    /// False: a batch has a row at least.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Their columns.
    pub fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// The rows, lent.
    #[inline]
    pub fn iter(&self) -> RowBatchIter<'_> {
        RowBatchIter {
            rest: self.bytes(),
            columns: &self.columns,
        }
    }

    /// The same rows out of the buffer that they arrived in, so that it can be filled again while they are kept.
    ///
    /// It copies the rows as they stand, unless that is worse than to leave them the buffer.
    #[must_use]
    pub fn detach(self) -> Self {
        match &self.bytes {
            Bytes::Received(taken) if taken.bytes().len() <= COPY => Self {
                bytes: Bytes::Own(Arc::from(taken.bytes())),
                ..self
            },
            Bytes::Received(_) | Bytes::Own(_) => self,
        }
    }

    /// The rows, kept: all of them share one copy of this batch.
    pub fn rows(self) -> impl Iterator<Item = Result<Row, FieldError>> + Send {
        let batch = Arc::new(self.detach());
        let mut place = RowPlace::START;
        core::iter::from_fn(move || {
            place = batch.place_after(place)?;
            let checked = batch.row(place).check();
            Some(checked.map(|()| Row::shared(Arc::clone(&batch), place)))
        })
    }

    /// Where the next row stands, from a place before it; the first row stands behind [`RowPlace::START`].
    ///
    /// For those who keep rows in types of their own: a place is two words, and [`row`](Self::row) lends what stands there.
    pub fn place_after(&self, before: RowPlace) -> Option<RowPlace> {
        let bytes = self.bytes();
        let (row, rest) = split_row(bytes.get(before.end..)?)?;
        let end = bytes.len() - rest.len();
        Some(RowPlace {
            start: end - row.len(),
            end,
        })
    }

    /// The rows behind a place: what is left of a batch of which the rows before were taken. `None` when there is none.
    pub fn rest_after(&self, place: RowPlace) -> Option<Self> {
        let rest = self.bytes().get(place.end..)?;
        let bytes = match &self.bytes {
            Bytes::Received(taken) => Bytes::Received(Taken {
                start: taken.end - rest.len(),
                ..taken.clone()
            }),
            Bytes::Own(_) => Bytes::Own(Arc::from(rest)),
        };
        let columns = Arc::clone(&self.columns);
        let rest = Self {
            bytes,
            rows: 0,
            columns,
        };
        let rows = u32::try_from(rest.iter().count()).ok()?;
        (rows > 0).then_some(Self { rows, ..rest })
    }

    /// A batch of the row at a place alone, copied out of the chunk of memory that all of them keep alive. A large row that is most of
    /// that chunk takes it along instead.
    #[must_use]
    pub fn only(&self, place: RowPlace) -> Self {
        let start = place.start.saturating_sub(ROW_HEADER);
        let frame = self.bytes().get(start..place.end).unwrap_or_default();
        let bytes = match &self.bytes {
            Bytes::Received(taken)
                if frame.len() > COPY && frame.len() > taken.bytes().len() / 2 =>
            {
                Bytes::Received(Taken {
                    start: taken.start + start,
                    end: taken.start + place.end,
                    ..taken.clone()
                })
            }
            Bytes::Received(_) | Bytes::Own(_) => Bytes::Own(Arc::from(frame)),
        };
        Self {
            bytes,
            rows: 1,
            columns: Arc::clone(&self.columns),
        }
    }

    /// The row at a place of this batch. A place of another batch gives a row whose fields are errors, or are of no meaning.
    #[inline]
    pub fn row(&self, place: RowPlace) -> RowRef<'_> {
        let bytes = self.bytes().get(place.start..place.end);
        RowRef::new(bytes.unwrap_or_default(), &self.columns)
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Received(taken) => taken.bytes(),
            Bytes::Own(bytes) => bytes,
        }
    }
}

/// Where a row stands in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPlace {
    start: usize,
    end: usize,
}

impl RowPlace {
    /// Before the first row: no row stands here.
    pub const START: Self = Self { start: 0, end: 0 };
}

impl<'b> IntoIterator for &'b RowBatch {
    type Item = RowRef<'b>;
    type IntoIter = RowBatchIter<'b>;

    #[inline]
    fn into_iter(self) -> RowBatchIter<'b> {
        self.iter()
    }
}

/// How many rows: values may be secret.
impl fmt::Debug for RowBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowBatch")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The rows of a batch, lent one after the other.
#[derive(Clone)]
pub struct RowBatchIter<'b> {
    rest: &'b [u8],
    columns: &'b Columns,
}

/// Not the rows: values may be secret.
impl fmt::Debug for RowBatchIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowBatchIter").finish_non_exhaustive()
    }
}

impl<'b> Iterator for RowBatchIter<'b> {
    type Item = RowRef<'b>;

    #[inline]
    fn next(&mut self) -> Option<RowRef<'b>> {
        let (row, rest) = split_row(self.rest)?;
        self.rest = rest;
        Some(RowRef::new(row, self.columns))
    }
}
