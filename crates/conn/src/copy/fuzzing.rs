//! For the fuzz targets, and for nobody else.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use purepg_types::{DecodeError, Fields as _, Params, Type};

use super::rows_out::{Columns, CopyRow};
use super::tuples::{Tuples, write_header, write_trailer, write_tuple};
use crate::error::Error;

/// The rows of data in the binary format, which comes in these pieces, and how it ended.
pub fn copied_rows<'d>(
    types: &[Type],
    pieces: impl IntoIterator<Item = &'d [u8]>,
) -> (Vec<CopyRow>, Result<(), DecodeError>) {
    let columns = Columns::of(types);
    let mut tuples = Tuples::new(types.len());
    let mut rows = Vec::new();
    for piece in pieces {
        tuples.push(Bytes::copy_from_slice(piece));
        loop {
            match tuples.next() {
                Ok(Some(tuple)) => rows.push(CopyRow::new(tuple, Arc::clone(&columns))),
                Ok(None) => break,
                Err(error) => return (rows, Err(error)),
            }
        }
    }
    let end = tuples.finish();
    (rows, end)
}

/// Data in the binary format that consists of these rows.
///
/// # Errors
/// When one cannot be written.
pub fn copied<R: Params>(types: &[Type], rows: &[R]) -> Result<Vec<u8>, Error> {
    let mut out = BytesMut::new();
    write_header(&mut out);
    for row in rows {
        write_tuple(types, row, &mut out)?;
    }
    write_trailer(&mut out);
    Ok(out.to_vec())
}

/// A value as it came; `None` is NULL, or what is not there.
pub fn copied_value(row: &CopyRow, place: usize) -> Option<Vec<u8>> {
    let mut fields = row.fields();
    for _ in 0..place {
        fields.next_field().ok()?;
    }
    Some(fields.next_field().ok()?.value()?.to_vec())
}
