//! Ranges and multiranges.

use std::ops::Bound;

use bytes::{BufMut as _, BytesMut};

use super::invalid;
use super::parts::{self, Reader};
use super::quoting::{is_space, quote, take_byte, take_quoted, take_until};
use crate::column::Format;
use crate::error::BoxError;
use crate::range::{Multirange, Range};
use crate::{FromSql, FromSqlOwned, IsNull, Kind, ToSql, Type};

// The flags of the binary form (rangetypes.h); the others are the server's own.
const EMPTY: u8 = 0x01;
const LOWER_INCLUDED: u8 = 0x02;
const UPPER_INCLUDED: u8 = 0x04;
const LOWER_UNBOUNDED: u8 = 0x08;
const UPPER_UNBOUNDED: u8 = 0x10;

/// The type of the bounds; of a type of which nothing is known another such.
fn bound_of(range: &Type) -> Option<&Type> {
    match range.kind() {
        Kind::Range => range.part(),
        _ => range.is_unknown().then_some(range),
    }
}

/// The type of the ranges.
fn range_of(multirange: &Type) -> Option<&Type> {
    match multirange.kind() {
        Kind::Multirange => multirange.part(),
        _ => multirange.is_unknown().then_some(multirange),
    }
}

fn known(part: Option<&Type>, format: Format) -> Result<&Type, BoxError> {
    match part {
        Some(part) if part.is_unknown() && format == Format::Binary => Err(super::unsupported(
            "nothing is known of its type: ask for the text format",
        )),
        Some(part) => Ok(part),
        None => Err(invalid("not a range")),
    }
}

impl<'a, T: FromSqlOwned> FromSql<'a> for Range<T> {
    fn accepts(ty: &Type) -> bool {
        bound_of(ty).is_some_and(|bound| T::accepts(bound.underlying()))
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let bound = known(bound_of(ty), Format::Binary)?;
        let mut reader = Reader::new(raw);
        let flags = reader.byte()?;
        let mut read = |unbounded, included| -> Result<Bound<T>, BoxError> {
            if flags & (unbounded | EMPTY) != 0 {
                return Ok(Bound::Unbounded);
            }
            let value = reader.value()?;
            refuse_null(if value.is_none() {
                IsNull::Yes
            } else {
                IsNull::No
            })?;
            let value = parts::read(bound, value, Format::Binary)?;
            Ok(new_bound(value, flags & included != 0))
        };
        let lower = read(LOWER_UNBOUNDED, LOWER_INCLUDED)?;
        let upper = read(UPPER_UNBOUNDED, UPPER_INCLUDED)?;
        reader.end()?;
        Ok(if flags & EMPTY != 0 {
            Self::Empty
        } else {
            Self::Bounds(lower, upper)
        })
    }

    fn from_text(ty: &Type, mut raw: &'a [u8]) -> Result<Self, BoxError> {
        let bound = known(bound_of(ty), Format::Text)?;
        let range = take_range(bound, &mut raw)?;
        if raw.is_empty() {
            Ok(range)
        } else {
            Err(invalid("something behind its end"))
        }
    }
}

fn new_bound<T>(value: T, included: bool) -> Bound<T> {
    if included {
        Bound::Included(value)
    } else {
        Bound::Excluded(value)
    }
}

/// Takes a range from the front of the text.
fn take_range<T: FromSqlOwned>(bound: &Type, text: &mut &[u8]) -> Result<Range<T>, BoxError> {
    if let Some(rest) = text.strip_prefix(b"empty") {
        *text = rest;
        return Ok(Range::Empty);
    }
    let lower_included = take_byte(text, b'[');
    if !lower_included && !take_byte(text, b'(') {
        return Err(invalid("a range that begins with neither [ nor ("));
    }
    let lower = take_bound(bound, text)?;
    if !take_byte(text, b',') {
        return Err(invalid("a range without a comma"));
    }
    let upper = take_bound(bound, text)?;
    let upper_included = take_byte(text, b']');
    if !upper_included && !take_byte(text, b')') {
        return Err(invalid("a range that ends with neither ] nor )"));
    }
    let bound = |value: Option<T>, included| match value {
        Some(value) => new_bound(value, included),
        None => Bound::Unbounded,
    };
    Ok(Range::Bounds(
        bound(lower, lower_included),
        bound(upper, upper_included),
    ))
}

/// A bound; `None` where there is none.
fn take_bound<T: FromSqlOwned>(ty: &Type, text: &mut &[u8]) -> Result<Option<T>, BoxError> {
    if text.first() == Some(&b'"') {
        let value = take_quoted(text, true)?;
        return parts::read(ty, Some(&value), Format::Text).map(Some);
    }
    let value = take_until(text, |byte| {
        matches!(byte, b',' | b')' | b']' | b'(' | b'[' | b'"' | b'\\')
    });
    if value.is_empty() {
        return Ok(None);
    }
    parts::read(ty, Some(value), Format::Text).map(Some)
}

impl<T: ToSql> ToSql for Range<T> {
    /// The empty range, and the one without bounds, are of every range type.
    fn accepts(&self, ty: &Type) -> bool {
        ty.kind() == Kind::Range
            && bound_of(ty).is_some_and(|bound| {
                let bound = bound.underlying();
                self.bounds().all(|value| value.accepts(bound))
            })
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        bound_of(ty.underlying()).is_some_and(|bound| {
            let bound = bound.underlying();
            self.bounds().all(|value| value.supports_binary(bound))
        })
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let bound = known(bound_of(ty), Format::Binary)?;
        let Self::Bounds(lower, upper) = self else {
            out.put_u8(EMPTY);
            return Ok(IsNull::No);
        };
        let flags = |bound: &Bound<T>, included, unbounded| match bound {
            Bound::Included(_) => included,
            Bound::Excluded(_) => 0,
            Bound::Unbounded => unbounded,
        };
        let lower_flags = flags(lower, LOWER_INCLUDED, LOWER_UNBOUNDED);
        let upper_flags = flags(upper, UPPER_INCLUDED, UPPER_UNBOUNDED);
        out.put_u8(lower_flags | upper_flags);
        for value in self.bounds() {
            refuse_null(parts::write_binary(value, bound, out)?)?;
        }
        Ok(IsNull::No)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let bound = known(bound_of(ty), Format::Text)?;
        let Self::Bounds(lower, upper) = self else {
            out.extend_from_slice(b"empty");
            return Ok(IsNull::No);
        };
        let included = matches!(lower, Bound::Included(_));
        out.extend_from_slice(if included { b"[" } else { b"(" });
        write_bound(lower, bound, out)?;
        out.extend_from_slice(b",");
        write_bound(upper, bound, out)?;
        let included = matches!(upper, Bound::Included(_));
        out.extend_from_slice(if included { b"]" } else { b")" });
        Ok(IsNull::No)
    }
}

fn write_bound<T: ToSql>(bound: &Bound<T>, ty: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
    let (Bound::Included(value) | Bound::Excluded(value)) = bound else {
        return Ok(());
    };
    let start = out.len();
    refuse_null(value.to_text(ty.underlying(), out)?)?;
    let written = out.get(start..).unwrap_or_default();
    let special = |&byte: &u8| {
        matches!(byte, b'"' | b'\\' | b'(' | b')' | b'[' | b']' | b',') || is_space(byte)
    };
    if written.is_empty() || written.iter().any(special) {
        quote(out, start, true);
    }
    Ok(())
}

fn refuse_null(is_null: IsNull) -> Result<(), BoxError> {
    match is_null {
        IsNull::No => Ok(()),
        IsNull::Yes => Err(invalid("a bound is not NULL: without one it is unbounded")),
    }
}

impl<'a, T: FromSqlOwned> FromSql<'a> for Multirange<T> {
    fn accepts(ty: &Type) -> bool {
        range_of(ty).is_some_and(Range::<T>::accepts)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let range = known(range_of(ty), Format::Binary)?;
        let mut reader = Reader::new(raw);
        // Each is a length and flags at least.
        let count = reader.count(5)?;
        let mut ranges = Vec::new();
        for _ in 0..count {
            ranges.push(parts::read(range, reader.value()?, Format::Binary)?);
        }
        reader.end()?;
        Ok(Self::from(ranges))
    }

    fn from_text(ty: &Type, mut raw: &'a [u8]) -> Result<Self, BoxError> {
        let range = known(range_of(ty), Format::Text)?;
        let bound = known(bound_of(range), Format::Text)?;
        let text = &mut raw;
        let mut ranges = Vec::new();
        if !take_byte(text, b'{') {
            return Err(invalid("a multirange that does not begin with {"));
        }
        while !take_byte(text, b'}') {
            if !ranges.is_empty() && !take_byte(text, b',') {
                return Err(invalid("no comma between ranges"));
            }
            ranges.push(take_range(bound, text)?);
        }
        if text.is_empty() {
            Ok(Self::from(ranges))
        } else {
            Err(invalid("something behind its end"))
        }
    }
}

impl<T: ToSql> ToSql for Multirange<T> {
    /// One without ranges is of every multirange type.
    fn accepts(&self, ty: &Type) -> bool {
        ty.kind() == Kind::Multirange
            && range_of(ty).is_some_and(|range| self.ranges().iter().all(|r| r.accepts(range)))
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        range_of(ty.underlying())
            .is_some_and(|range| self.ranges().iter().all(|r| r.supports_binary(range)))
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let range = known(range_of(ty), Format::Binary)?;
        out.put_i32(parts::length(self.ranges().len())?);
        for value in self.ranges() {
            let _ = parts::write_binary(value, range, out)?;
        }
        Ok(IsNull::No)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let range = known(range_of(ty), Format::Text)?;
        out.extend_from_slice(b"{");
        for (place, value) in self.ranges().iter().enumerate() {
            out.extend_from_slice(if place > 0 { b"," } else { b"" });
            let _ = value.to_text(range, out)?;
        }
        out.extend_from_slice(b"}");
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests;
