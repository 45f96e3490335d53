//! Rows as they arrive.

use std::fmt;
use std::sync::Arc;

use purepg_proto::RowPlace;
use purepg_types::Column;

use crate::columns::Columns;
use crate::error::Error;
use crate::row::{Row, RowRef, malformed};

/// Rows as they arrived: never empty. `for row in &batch` lends them and allocates nothing.
#[derive(Clone)]
pub struct RowBatch {
    rows: purepg_proto::RowBatch,
    columns: Arc<Columns>,
}

/// The first row alone, with memory of its own.
pub(crate) fn only_first(rows: &purepg_proto::RowBatch) -> purepg_proto::RowBatch {
    let place = rows.place_after(RowPlace::START);
    rows.only(place.unwrap_or(RowPlace::START))
}

impl RowBatch {
    pub(crate) fn new(rows: purepg_proto::RowBatch, columns: Arc<Columns>) -> Self {
        Self { rows, columns }
    }

    /// How many rows these are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// False: a batch has a row at least.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Their columns.
    pub fn columns(&self) -> &[Column] {
        self.columns.as_slice()
    }

    pub(super) fn row(&self, place: RowPlace) -> RowRef<'_> {
        RowRef::new(self.rows.row(place), &self.columns)
    }

    /// The first row, checked whole.
    pub(crate) fn first_lent(&self) -> Option<Result<RowRef<'_>, Error>> {
        let row = self.iter().next()?;
        Some(row.row.check().map(|()| row).map_err(malformed))
    }

    /// The first row, checked whole, with memory of its own.
    pub(crate) fn first(&self) -> Option<Result<Row, Error>> {
        let place = self.rows.place_after(RowPlace::START)?;
        Some(match self.rows.row(place).check() {
            Ok(()) => Ok(self.detached(place)),
            Err(error) => Err(malformed(error)),
        })
    }

    fn only(&self, place: RowPlace) -> Self {
        Self {
            rows: self.rows.only(place),
            columns: Arc::clone(&self.columns),
        }
    }

    /// The row at a place, with memory of its own.
    pub(super) fn detached(&self, place: RowPlace) -> Row {
        let batch = self.only(place);
        let place = batch.rows.place_after(RowPlace::START);
        Row::new(Arc::new(batch), place.unwrap_or(RowPlace::START))
    }

    pub(super) fn shared_columns(&self) -> &Columns {
        &self.columns
    }

    /// The rows, lent.
    pub fn iter(&self) -> RowBatchIter<'_> {
        RowBatchIter {
            rows: self.rows.iter(),
            columns: &self.columns,
        }
    }

    /// The rows, kept: they share this batch.
    ///
    /// # Errors
    /// [`Error::Decode`] for a row that is not well-formed.
    pub fn into_rows(self) -> impl Iterator<Item = Result<Row, Error>> + Send {
        let mut rows = KeptRows::new(self);
        std::iter::from_fn(move || rows.next())
    }
}

/// The rows of a batch that are still to be kept.
#[derive(Debug)]
pub(crate) struct KeptRows {
    batch: Arc<RowBatch>,
    place: RowPlace,
}

impl KeptRows {
    pub(crate) fn new(batch: RowBatch) -> Self {
        // Out of the receive buffer, which the next read then fills again.
        let rows = batch.rows.detach();
        Self {
            batch: Arc::new(RowBatch { rows, ..batch }),
            place: RowPlace::START,
        }
    }

    /// The rows that are still to be kept, as a batch.
    pub(crate) fn into_rest(self) -> Option<RowBatch> {
        Some(RowBatch {
            rows: self.batch.rows.rest_after(self.place)?,
            columns: Arc::clone(&self.batch.columns),
        })
    }

    /// The next row. It is checked whole, so that nothing about it can fail later but its types.
    pub(crate) fn next(&mut self) -> Option<Result<Row, Error>> {
        self.place = self.batch.rows.place_after(self.place)?;
        let row = self.batch.rows.row(self.place);
        Some(match row.check() {
            Ok(()) => Ok(Row::new(Arc::clone(&self.batch), self.place)),
            Err(error) => Err(malformed(error)),
        })
    }
}

/// The rows of a batch, lent one after the other.
#[derive(Clone, Debug)]
pub struct RowBatchIter<'b> {
    rows: purepg_proto::RowBatchIter<'b>,
    columns: &'b Columns,
}

impl<'b> Iterator for RowBatchIter<'b> {
    type Item = RowRef<'b>;

    #[inline]
    fn next(&mut self) -> Option<RowRef<'b>> {
        let row = self.rows.next()?;
        Some(RowRef::new(row, self.columns))
    }
}

impl<'b> IntoIterator for &'b RowBatch {
    type Item = RowRef<'b>;
    type IntoIter = RowBatchIter<'b>;

    fn into_iter(self) -> RowBatchIter<'b> {
        self.iter()
    }
}

/// The column names, and how many rows: values may be secret.
impl fmt::Debug for RowBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.fmt(f)
    }
}
