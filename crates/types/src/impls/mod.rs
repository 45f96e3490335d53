//! The conversions, one file for each family of types, reading and writing together.

mod array;
mod bits;
mod bool;
mod bytea;
mod datetime;
pub(crate) mod external;
mod float;
mod geometry;
mod hstore;
mod integer;
mod network;
mod numeric;
mod option;
pub(crate) mod parts;
pub(crate) mod quoting;
mod range;
mod system;
mod text;
mod uuid;
mod wire;
mod wrapper;

pub(crate) use array::text as array_text;
pub(crate) use hstore::print as print_hstore;
pub(crate) use integer::is_integer;

use std::borrow::Cow;
use std::str::Utf8Error;

use ascii::AsAsciiStr as _;

use crate::error::{BoxError, ValueError};

/// A value whose binary form has one length.
#[inline]
fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], BoxError> {
    match raw.try_into() {
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(wrong_length(N, raw.len())),
    }
}

#[cold]
fn wrong_length(expected: usize, found: usize) -> BoxError {
    invalid(format!("{found} bytes instead of {expected}"))
}

#[inline]
fn utf8(raw: &[u8]) -> Result<&str, BoxError> {
    // Most text is ASCII, and that is found out in a third of the time.
    if let Ok(text) = raw.as_ascii_str() {
        return Ok(text.as_str());
    }
    match std::str::from_utf8(raw) {
        Ok(text) => Ok(text),
        Err(error) => Err(not_utf8(error)),
    }
}

#[cold]
fn not_utf8(error: Utf8Error) -> BoxError {
    invalid(format!("not valid UTF-8 at byte {}", error.valid_up_to()))
}

#[cold]
pub(crate) fn invalid(reason: impl Into<Cow<'static, str>>) -> BoxError {
    Box::new(ValueError::Invalid(reason.into()))
}

#[cold]
fn out_of_range(what: impl Into<Cow<'static, str>>) -> BoxError {
    Box::new(ValueError::OutOfRange(what.into()))
}

#[cold]
pub(crate) fn unsupported(reason: impl Into<Cow<'static, str>>) -> BoxError {
    Box::new(ValueError::Unsupported(reason.into()))
}

#[cfg(test)]
pub(crate) mod testing;
