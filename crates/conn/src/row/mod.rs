//! Rows and their values.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use purepg_proto::RowPlace;
use purepg_types::{Column, DecodeError, Field, FromRow, FromSql, Value};

use crate::columns::{Columns, FEW};
use crate::error::Error;

mod batch;
mod index;
#[cfg(feature = "serde")]
mod serialize;

pub(crate) use batch::{KeptRows, only_first};
pub use batch::{RowBatch, RowBatchIter};
pub use index::RowIndex;

/// A row of one's own. It keeps the rows alive that arrived together with it (at most 64 KiB of them, or the size of the row):
/// [`detach`](Self::detach) copies it out.
#[derive(Clone)]
pub struct Row {
    batch: Arc<RowBatch>,
    place: RowPlace,
    /// Where each field stands, for rows of many columns that are read at random.
    places: OnceLock<Box<[FieldPlace]>>,
}

/// First byte and the one behind the last; `None` for NULL.
type FieldPlace = Option<(u32, u32)>;

/// A row that its batch lends.
#[derive(Clone, Copy)]
pub struct RowRef<'b> {
    row: purepg_proto::RowRef<'b>,
    columns: &'b Columns,
}

impl Row {
    fn new(batch: Arc<RowBatch>, place: RowPlace) -> Self {
        Self {
            batch,
            place,
            places: OnceLock::new(),
        }
    }

    /// The value of a column, by its place or its name; of several columns with one name it is the last.
    ///
    /// # Errors
    /// [`Error::Decode`] when there is no such column, or its value is not one of the type that was asked for: it names the column,
    /// its PostgreSQL type and the Rust type.
    pub fn get<'r, T: FromSql<'r>>(&'r self, index: impl RowIndex) -> Result<T, Error> {
        let columns = self.batch.columns();
        let place = index.place(&|name| self.batch.shared_columns().find(name))?;
        let Some(column) = columns.get(place) else {
            return Err(no_place(place, columns));
        };
        let value = if columns.len() <= FEW {
            self.as_ref().value(place)?
        } else {
            let bytes = self.as_ref().row.as_bytes();
            let (start, end) = self.places()?.get(place).copied().flatten().unzip();
            let place = start.zip(end).and_then(|(start, end)| {
                Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
            });
            place.and_then(|place| bytes.get(place))
        };
        Ok(Field::new(column, value).decode()?)
    }

    /// All values, in one pass: a tuple of up to 16, or a type that implements [`FromRow`].
    ///
    /// # Errors
    /// [`Error::Decode`] when the number of columns differs, or a value is not one of its type.
    pub fn decode<'r, T: FromRow<'r>>(&'r self) -> Result<T, Error> {
        self.as_ref().decode()
    }

    /// All values, whatever their types are. Bytes that are no value of their column's type, for which [`get`](Self::get) gives an error,
    /// come as they are, as a [`Value::Binary`].
    pub fn values(&self) -> Vec<Value> {
        // A row that is kept was checked whole.
        self.as_ref().values().unwrap_or_default()
    }

    /// The same by the names of the columns; of several with one name it is the last.
    pub fn to_map(&self) -> HashMap<String, Value> {
        let names = self.columns().iter().map(Column::name);
        names.map(String::from).zip(self.values()).collect()
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        self.batch.columns()
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.columns().len()
    }

    /// True for a row without columns.
    pub fn is_empty(&self) -> bool {
        self.columns().is_empty()
    }

    /// Copies the row away from those that arrived with it, which would stay alive as long as the row does. A large row that came
    /// all but alone stays where it is.
    #[must_use]
    pub fn detach(self) -> Self {
        self.batch.detached(self.place)
    }

    /// The same row, lent.
    #[inline]
    pub fn as_ref(&self) -> RowRef<'_> {
        self.batch.row(self.place)
    }

    fn places(&self) -> Result<&[FieldPlace], Error> {
        if let Some(places) = self.places.get() {
            return Ok(places);
        }
        let row = self.as_ref().row;
        let mut end = 0_usize;
        let mut places = Vec::with_capacity(row.columns().len());
        for field in row.fields() {
            let value = field.map_err(malformed)?;
            let start = end + 4;
            end = start + value.map_or(0, <[u8]>::len);
            // A row is shorter than 1 GiB, so this is never a wrong place; were it longer, the field would read as NULL.
            let place = u32::try_from(start).ok().zip(u32::try_from(end).ok());
            places.push(value.and(place));
        }
        Ok(self.places.get_or_init(|| places.into()))
    }
}

impl<'b> RowRef<'b> {
    #[inline]
    pub(crate) fn new(row: purepg_proto::RowRef<'b>, columns: &'b Columns) -> Self {
        Self { row, columns }
    }

    /// The value of a column, by its place or its name; of several columns with one name it is the last. Walks over the values
    /// before it: [`decode`](Self::decode) reads many at the price of one walk.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn get<T: FromSql<'b>>(&self, index: impl RowIndex) -> Result<T, Error> {
        let columns = self.columns.as_slice();
        let place = index.place(&|name| self.columns.find(name))?;
        let Some(column) = columns.get(place) else {
            return Err(no_place(place, columns));
        };
        Ok(Field::new(column, self.value(place)?).decode()?)
    }

    /// All values, in one pass: a tuple of up to 16, or a type that implements [`FromRow`].
    ///
    /// # Errors
    /// As [`Row::decode`].
    #[inline]
    pub fn decode<T: FromRow<'b>>(&self) -> Result<T, Error> {
        let mut fields = Fields {
            row: self.row,
            columns: self.columns.as_slice(),
            rest: self.columns.as_slice().iter(),
            values: self.row.fields(),
        };
        self.columns
            .plans()
            .decode(&mut fields)
            .map_err(Error::from)
    }

    /// All values, as [`Row::values`].
    ///
    /// # Errors
    /// [`Error::Decode`] when the row is not well-formed.
    pub fn values(&self) -> Result<Vec<Value>, Error> {
        let columns = self.columns.as_slice().iter();
        columns
            .zip(self.row.fields())
            .map(|(column, value)| {
                let value = value.map_err(malformed)?;
                let decoded = Field::new(column, value).decode();
                let as_it_is =
                    || Value::Binary(column.ty().clone(), value.unwrap_or_default().into());
                Ok(decoded.unwrap_or_else(|_| as_it_is()))
            })
            .collect()
    }

    /// The columns.
    pub fn columns(&self) -> &'b [Column] {
        self.columns.as_slice()
    }

    fn value(&self, place: usize) -> Result<Option<&'b [u8]>, Error> {
        match self.row.field(place) {
            Some(value) => Ok(value.map_err(malformed)?),
            None => Err(no_place(place, self.columns.as_slice())),
        }
    }
}

/// The values of a row with what is known of their columns.
#[derive(Clone)]
struct Fields<'b> {
    row: purepg_proto::RowRef<'b>,
    columns: &'b [Column],
    rest: std::slice::Iter<'b, Column>,
    values: purepg_proto::Fields<'b>,
}

impl<'b> purepg_types::Fields<'b> for Fields<'b> {
    #[inline]
    fn columns(&self) -> &'b [Column] {
        self.columns
    }

    #[inline]
    fn next_field(&mut self) -> Result<Field<'b>, DecodeError> {
        match (self.rest.next(), self.values.next()) {
            (Some(column), Some(Ok(value))) => Ok(Field::new(column, value)),
            // What is wrong is found out once more: to keep it would cost every field something.
            _ => Err(no_further(self.row)),
        }
    }
}

/// Why a row gives no further field.
#[cold]
fn no_further(row: purepg_proto::RowRef<'_>) -> DecodeError {
    match row.fields().find_map(Result::err) {
        Some(error) => DecodeError::malformed(error.to_string()),
        None => DecodeError::malformed("it has no further field"),
    }
}

fn malformed(error: purepg_proto::FieldError) -> Error {
    Error::Decode(DecodeError::malformed(error.to_string()))
}

#[cold]
fn no_place(place: usize, columns: &[Column]) -> Error {
    let count = columns.len();
    let plural = if count == 1 { "" } else { "s" };
    Error::Decode(DecodeError::no_such_column(format!(
        "there is no column at place {place} (from 0) of {count} column{plural}"
    )))
}

/// The column names: values may be secret.
impl fmt::Debug for RowRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row.fmt(f)
    }
}

/// The column names: values may be secret.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}
