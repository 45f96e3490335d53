//! One row: its fields from left to right.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use crate::message::backend::row_description::Columns;
use crate::rows::batch::{RowBatch, RowPlace};

/// A row that is lent by its batch.
#[derive(Clone, Copy)]
pub struct RowRef<'b> {
    /// The fields: a length and that many bytes each.
    bytes: &'b [u8],
    columns: &'b Columns,
}

/// A row of one's own.
#[derive(Clone)]
pub struct Row {
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// Within a batch, from this offset on.
    Shared {
        batch: Arc<RowBatch>,
        place: RowPlace,
    },
    /// Alone.
    Detached(Arc<(Box<[u8]>, Arc<Columns>)>),
}

/// A field that is not what its row promises. It is an error of this access alone: the connection lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("field {column} of the row is malformed: {what}")]
#[non_exhaustive]
pub struct FieldError {
    /// The column, from 0.
    pub column: usize,
    what: &'static str,
}

impl<'b> RowRef<'b> {
    #[inline]
    pub(crate) fn new(bytes: &'b [u8], columns: &'b Columns) -> Self {
        Self { bytes, columns }
    }

    /// The columns.
    pub fn columns(&self) -> &'b Columns {
        self.columns
    }

    /// The values from left to right; `None` is NULL. Each is checked when it is reached.
    #[inline]
    pub fn fields(&self) -> Fields<'b> {
        Fields {
            rest: self.bytes,
            left: self.columns.len(),
            count: self.columns.len(),
        }
    }

    /// The value of a column, from 0; `None` beyond the last. Walks over those before it.
    pub fn field(&self, column: usize) -> Option<Result<Option<&'b [u8]>, FieldError>> {
        self.fields().nth(column)
    }

    /// The fields as the wire has them: four bytes of length (-1 for NULL) and the value, for each column.
    pub fn as_bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Every field is there and nothing behind the last one.
    ///
    /// # Errors
    /// The first field that is malformed.
    pub fn check(&self) -> Result<(), FieldError> {
        let mut fields = self.fields();
        fields.by_ref().try_for_each(|field| field.map(drop))?;
        if fields.rest.is_empty() {
            Ok(())
        } else {
            Err(FieldError {
                column: fields.count,
                what: "bytes behind the last field",
            })
        }
    }

    /// A row of one's own, copied out of the batch, checked whole.
    ///
    /// # Errors
    /// The first field that is malformed.
    pub fn to_row(&self) -> Result<Row, FieldError> {
        self.check()?;
        let alone = (Box::from(self.bytes), Arc::new(self.columns.clone()));
        Ok(Row {
            place: Place::Detached(Arc::new(alone)),
        })
    }
}

impl Row {
    pub(crate) fn shared(batch: Arc<RowBatch>, place: RowPlace) -> Self {
        Self {
            place: Place::Shared { batch, place },
        }
    }

    /// The same row, lent.
    #[inline]
    pub fn as_ref(&self) -> RowRef<'_> {
        match &self.place {
            Place::Shared { batch, place } => batch.row(*place),
            Place::Detached(alone) => RowRef {
                bytes: &alone.0,
                columns: &alone.1,
            },
        }
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        self.as_ref().columns
    }

    /// Copies the row out of its batch, which would stay alive as long as the row does.
    #[must_use]
    pub fn detach(self) -> Self {
        let Place::Shared { batch, place } = &self.place else {
            return self;
        };
        let alone = (
            Box::from(batch.row(*place).bytes),
            Arc::clone(batch.columns()),
        );
        Self {
            place: Place::Detached(Arc::new(alone)),
        }
    }
}

/// The column names: values may be secret.
impl fmt::Debug for RowRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(super::super::Column::name)
            .collect();
        f.debug_struct("Row")
            .field("columns", &names)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// The values of a row from left to right.
#[derive(Clone)]
pub struct Fields<'b> {
    rest: &'b [u8],
    left: usize,
    count: usize,
}

/// How many are left: values may be secret.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<Option<&'b [u8]>, FieldError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(match take_field(self.rest) {
            Ok((value, rest)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(what) => {
                let column = self.count - self.left - 1;
                // What follows has no place to start from.
                self.left = 0;
                Err(FieldError { column, what })
            }
        })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

#[inline]
fn take_field(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), &'static str> {
    let (length, rest) = bytes
        .split_first_chunk::<4>()
        .ok_or("its length is missing")?;
    if *length == NULL {
        return Ok((None, rest));
    }
    // A row is shorter than 2 GiB, so that a negative length, read without its sign, is longer than any: one comparison for both.
    let whole = usize::try_from(u32::from_be_bytes(*length))
        .ok()
        .and_then(|length| rest.split_at_checked(length));
    match whole {
        Some((value, rest)) => Ok((Some(value), rest)),
        None if i32::from_be_bytes(*length) < 0 => Err("its length is negative"),
        None => Err("it is longer than its row"),
    }
}

/// The length of a value that is none: -1.
const NULL: [u8; 4] = [0xff; 4];

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::{Column, Format};

    fn columns(count: usize) -> Columns {
        (0..count)
            .map(|i| Column::new(alloc::format!("c{i}"), 25, Format::Text))
            .collect()
    }

    #[test]
    fn values_and_nulls() {
        let columns = columns(3);
        let row = RowRef::new(b"\0\0\0\x02hi\xff\xff\xff\xff\0\0\0\0", &columns);
        let values: Result<Vec<_>, _> = row.fields().collect();
        assert_eq!(values, Ok(alloc::vec![Some(&b"hi"[..]), None, Some(b"")]));
        assert_eq!(row.field(2), Some(Ok(Some(&b""[..]))));
        assert_eq!(row.field(3), None);
        assert_eq!(row.check(), Ok(()));
        assert_eq!(
            row.to_row().unwrap().as_ref().field(0),
            Some(Ok(Some(&b"hi"[..])))
        );
    }

    #[test]
    fn security_38_lengths_are_checked() {
        let columns = columns(2);
        for (bytes, what) in [
            (&b"\xff\xff\xff\xfe"[..], "its length is negative"),
            (b"\x80\0\0\0", "its length is negative"),
            (b"\0\0\0\x05four", "it is longer than its row"),
            (b"\x7f\xff\xff\xff", "it is longer than its row"),
            (b"\0\0\0", "its length is missing"),
            (b"", "its length is missing"),
        ] {
            let row = RowRef::new(bytes, &columns);
            let error = FieldError { column: 0, what };
            let found: Vec<_> = row.fields().collect();
            assert_eq!(found, [Err(error)]);
            assert_eq!(row.check(), Err(error));
            assert!(row.to_row().is_err());
        }
        let behind = RowRef::new(b"\0\0\0\0\0\0\0\0x", &columns);
        let error = behind.check().unwrap_err();
        assert_eq!(error.column, 2);
        assert_eq!(
            alloc::format!("{error}"),
            "field 2 of the row is malformed: bytes behind the last field"
        );
    }

    #[test]
    fn debug_shows_no_value() {
        let columns = columns(1);
        let row = RowRef::new(b"\0\0\0\x06secret", &columns);
        let shown: String = alloc::format!("{row:?} {:?}", row.to_row().unwrap());
        assert!(!shown.contains("secret") && shown.contains("c0"), "{shown}");
    }
}
