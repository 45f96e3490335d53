//! What arrays, ranges, composite types and hstore consist of: values of other types, one behind the other.

use bytes::{BufMut as _, BytesMut};

use super::{invalid, out_of_range};
use crate::column::Format;
use crate::error::{BoxError, ValueError};
use crate::{FromSql, IsNull, ToSql, Type};

/// The binary form of what consists of others, from front to back.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BoxError> {
        let (first, rest) = self.0.split_first_chunk().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, BoxError> {
        self.fixed().map(u8::from_be_bytes)
    }

    pub(crate) fn int(&mut self) -> Result<i32, BoxError> {
        self.fixed().map(i32::from_be_bytes)
    }

    pub(crate) fn oid(&mut self) -> Result<u32, BoxError> {
        self.fixed().map(u32::from_be_bytes)
    }

    /// How many parts follow, each of which has at least as many bytes.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<usize, BoxError> {
        let count = usize::try_from(self.int()?).map_err(|_| invalid("a negative count"))?;
        if count.checked_mul(bytes).is_none_or(|all| all > self.left()) {
            return Err(invalid("more parts than there are bytes for"));
        }
        Ok(count)
    }

    /// A value behind its length, -1 for NULL.
    pub(crate) fn value(&mut self) -> Result<Option<&'a [u8]>, BoxError> {
        let length = self.int()?;
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| invalid("a negative length"))?;
        let (value, rest) = self.0.split_at_checked(length).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(Some(value))
    }

    pub(crate) fn end(self) -> Result<(), BoxError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(invalid(format!("{left} bytes behind its end"))),
        }
    }
}

#[cold]
fn too_short() -> BoxError {
    invalid("it ends too early")
}

/// Reads a part. Its type is one that `T` accepts.
#[inline]
pub(crate) fn read<'a, T: FromSql<'a>>(
    ty: &Type,
    raw: Option<&'a [u8]>,
    format: Format,
) -> Result<T, BoxError> {
    let ty = ty.underlying();
    match (raw, format) {
        (Some(raw), Format::Binary) => T::from_binary(ty, raw),
        (Some(raw), Format::Text) => T::from_text(ty, raw),
        (None, _) => T::from_null(ty),
    }
}

/// Appends a part behind its length, in the binary format.
pub(crate) fn write_binary<T: ToSql + ?Sized>(
    value: &T,
    ty: &Type,
    out: &mut BytesMut,
) -> Result<IsNull, BoxError> {
    let start = out.len();
    out.put_i32(-1);
    let is_null = value.to_binary(ty.underlying(), out)?;
    let behind = start.saturating_add(4);
    match is_null {
        IsNull::Yes => out.truncate(behind),
        IsNull::No => {
            let length = length(out.len().saturating_sub(behind))?;
            patch(out, start, length);
        }
    }
    Ok(is_null)
}

/// A length or a count, as the binary formats have it.
pub(crate) fn length(length: usize) -> Result<i32, ValueError> {
    i32::try_from(length).map_err(|_| ValueError::OutOfRange(format!("{length}").into()))
}

/// Writes a number over one that was left open.
pub(crate) fn patch(out: &mut BytesMut, at: usize, number: i32) {
    if let Some(place) = out
        .get_mut(at..)
        .and_then(|rest| rest.first_chunk_mut::<4>())
    {
        *place = number.to_be_bytes();
    }
}

/// An integer of a text form.
pub(crate) fn number(digits: &[u8]) -> Result<i32, BoxError> {
    let text = std::str::from_utf8(digits).map_err(|_| invalid("not an integer"))?;
    let is_integer = !text.starts_with('+');
    match text.parse::<i64>() {
        Ok(number) if is_integer => {
            i32::try_from(number).map_err(|_| out_of_range(text.to_owned()))
        }
        _ => Err(invalid("not an integer")),
    }
}
