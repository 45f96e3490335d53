//! The binary form: the number of dimensions, whether there are NULLs, the type of the elements, length and first subscript of each
//! dimension, and the elements behind their lengths.

use bytes::{BufMut as _, BytesMut};

use crate::array::{Dimension, MAX_DIMENSIONS, Shape};
use crate::column::Format;
use crate::error::BoxError;
use crate::impls::parts::{self, Reader};
use crate::impls::{invalid, out_of_range};
use crate::{FromSqlOwned, IsNull, ToSql, Type};

pub(super) fn read<T: FromSqlOwned>(
    element: &Type,
    raw: &[u8],
) -> Result<(Vec<T>, Shape), BoxError> {
    let mut reader = Reader::new(raw);
    let dimensions = usize::try_from(reader.int()?).unwrap_or(usize::MAX);
    if dimensions > MAX_DIMENSIONS {
        return Err(invalid("more than 6 dimensions"));
    }
    // Whether it has NULLs: its elements tell.
    if !matches!(reader.int()?, 0 | 1) {
        return Err(invalid("unknown flags"));
    }
    let oid = reader.oid()?;
    if oid != element.oid() {
        return Err(invalid(format!(
            "elements of the type with oid {oid} instead of {}",
            element.oid()
        )));
    }
    let mut shape = Shape::EMPTY;
    let mut is_empty = false;
    for _ in 0..dimensions {
        let length = usize::try_from(reader.int()?).map_err(|_| invalid("a negative length"))?;
        let dimension = Dimension {
            length,
            lower_bound: reader.int()?,
        };
        if length == 0 {
            // Not how arrays are sent, but an empty vector is.
            is_empty = true;
        } else {
            shape.push(dimension).map_err(invalid)?;
        }
    }
    if is_empty {
        shape = Shape::EMPTY;
    }
    let count = shape.count();
    // Each has a length, of four bytes.
    if count > reader.left() / 4 {
        return Err(invalid("more elements than there are bytes for"));
    }
    // Not more memory than the bytes that are there, however large a `T` is; it grows with what was read.
    let room = raw.len() / size_of::<T>().max(1);
    let mut elements = Vec::with_capacity(count.min(room));
    for _ in 0..count {
        elements.push(parts::read(element, reader.value()?, Format::Binary)?);
    }
    reader.end()?;
    Ok((elements, shape))
}

pub(super) fn write<T: ToSql>(
    elements: &[T],
    shape: &Shape,
    element: &Type,
    out: &mut BytesMut,
) -> Result<(), BoxError> {
    let dimensions = shape.as_slice();
    out.put_i32(parts::length(dimensions.len())?);
    let flags = out.len();
    out.put_i32(0);
    out.put_u32(element.oid());
    for dimension in dimensions {
        let length = i32::try_from(dimension.length);
        out.put_i32(length.map_err(|_| out_of_range("the number of elements"))?);
        out.put_i32(dimension.lower_bound);
    }
    let mut nulls = false;
    for value in elements {
        nulls |= parts::write_binary(value, element, out)? == IsNull::Yes;
    }
    if nulls {
        parts::patch(out, flags, 1);
    }
    Ok(())
}
