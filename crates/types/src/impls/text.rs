//! Strings: the types whose binary form is their text, and the text form of types that this crate
//! does not know.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;
use memchr::memchr;

use super::integer::is_alias;
use super::{invalid, unsupported, utf8};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{Format, FromSql, IsNull, ToSql, Type, Value};

impl<'a> FromSql<'a> for &'a str {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        is_common(ty) || has_text(ty)
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if is_common(ty) {
            return utf8(raw);
        }
        read_binary(ty, raw)
    }

    #[inline]
    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        ty.note_label(raw);
        utf8(raw)
    }
}

/// The types of most strings, which the two functions above see to without a call.
#[inline]
fn is_common(ty: &Type) -> bool {
    matches!(
        ty.oid(),
        oids::TEXT | oids::VARCHAR | oids::BPCHAR | oids::NAME
    )
}

/// Whether a string is what to read such a value as, at least in the text format.
fn has_text(ty: &Type) -> bool {
    ty.is_text_like()
        || is_versioned(ty)
        || is_alias(ty)
        || matches!(
            ty.oid(),
            oids::XML | oids::VOID | oids::MONEY | oids::TSVECTOR | oids::TSQUERY | oids::ACLITEM
        )
        || is_internal(ty)
        || !ty.is_builtin()
}

/// Whether only the server itself makes such values, which it keeps in its catalogue.
fn is_internal(ty: &Type) -> bool {
    matches!(
        ty.oid(),
        oids::GTSVECTOR
            | oids::PG_NDISTINCT
            | oids::PG_DEPENDENCIES
            | oids::PG_MCV_LIST
            | oids::PG_BRIN_BLOOM_SUMMARY
            | oids::PG_BRIN_MINMAX_MULTI_SUMMARY
    )
}

/// Whether the binary form is a version, which is 1, and then the text.
pub(super) fn is_versioned(ty: &Type) -> bool {
    ty.oid() == oids::JSONB || ty.oid() == oids::JSONPATH
}

/// What stands behind the version.
pub(super) fn strip_version(raw: &[u8]) -> Result<&[u8], BoxError> {
    match raw {
        [VERSION, text @ ..] => Ok(text),
        [version, ..] => Err(invalid(format!(
            "version {version} of its binary form, of which only 1 is known"
        ))),
        [] => Err(invalid("no version before its text")),
    }
}

pub(super) const VERSION: u8 = 1;

fn read_binary<'a>(ty: &Type, raw: &'a [u8]) -> Result<&'a str, BoxError> {
    if is_versioned(ty) {
        return utf8(strip_version(raw)?);
    }
    if !(ty.is_text_like() || matches!(ty.oid(), oids::XML | oids::VOID)) {
        return Err(unsupported(
            "its binary form is not text: ask for the text format, or read it as a String",
        ));
    }
    if ty.oid() == oids::CHAR {
        match raw {
            // As charout has it.
            [0] => return Ok(""),
            [_, _, ..] => return Err(super::wrong_length(1, raw.len())),
            _ => {}
        }
    }
    ty.note_label(raw);
    utf8(raw)
}

impl<'a> FromSql<'a> for char {
    fn accepts(ty: &Type) -> bool {
        <&str as FromSql>::accepts(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        single(<&str>::from_binary(ty, raw)?)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        single(<&str>::from_text(ty, raw)?)
    }
}

fn single(text: &str) -> Result<char, BoxError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(char), None) => Ok(char),
        _ => Err(invalid("not exactly one character")),
    }
}

macro_rules! from_str {
    ($($owner:ty),*) => { $(
        impl<'a> FromSql<'a> for $owner {
            #[inline]
            fn accepts(ty: &Type) -> bool {
                <&str as FromSql>::accepts(ty)
            }

            #[inline]
            fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                if is_printed(ty) {
                    return print(ty, raw).map(Self::from);
                }
                match <&str>::from_binary(ty, raw) {
                    // A byte that is not ASCII is printed as charout does.
                    Err(_) if ty.oid() == oids::CHAR => print(ty, raw).map(Self::from),
                    text => text.map(Self::from),
                }
            }

            #[inline]
            fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                <&str>::from_text(ty, raw).map(Self::from)
            }
        }
    )* };
}

/// Whether the binary form of a type that is not built in is read and printed: what it consists of is known, so that it comes in binary.
#[inline]
fn is_printed(ty: &Type) -> bool {
    !ty.is_builtin() && !ty.is_text_like() && ty.preferred_format() == Format::Binary
}

#[cold]
fn print(ty: &Type, raw: &[u8]) -> Result<String, BoxError> {
    Value::from_binary(ty, raw)?.printed()
}

from_str!(String, Box<str>, Arc<str>, Cow<'a, str>);

impl ToSql for str {
    /// Every type: what is not text-like is sent in the text format, for the server to parse.
    fn accepts(&self, _: &Type) -> bool {
        true
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        has_binary(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if ty.oid() == oids::CHAR {
            return put_char(self, out);
        }
        if is_versioned(ty) {
            out.extend_from_slice(&[VERSION]);
        }
        put(self, out)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        put(self, out)
    }
}

fn has_binary(ty: &Type) -> bool {
    ty.is_text_like() || is_versioned(ty)
}

/// No text of PostgreSQL can hold a zero byte: found out here, the transaction lives on.
fn put(text: &str, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    if memchr(0, text.as_bytes()).is_some() {
        return Err(invalid("a string with a zero byte cannot be stored"));
    }
    out.extend_from_slice(text.as_bytes());
    Ok(IsNull::No)
}

/// "char" is one byte: charrecv refuses more, and has none for the empty string. One that is not ASCII is printed as `\\ooo`.
fn put_char(text: &str, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    match *text.as_bytes() {
        [] => out.extend_from_slice(&[0]),
        [byte] => out.extend_from_slice(&[byte]),
        [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            let digit = |byte: u8| byte & 7;
            out.extend_from_slice(&[digit(a) << 6 | digit(b) << 3 | digit(c)]);
        }
        _ => return Err(invalid("not a single byte")),
    }
    Ok(IsNull::No)
}

macro_rules! to_str {
    ($($rust:ty: $value:ident => $text:expr;)*) => { $(
        impl ToSql for $rust {
            fn accepts(&self, _: &Type) -> bool {
                true
            }

            fn supports_binary(&self, ty: &Type) -> bool {
                has_binary(ty)
            }

            fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                let $value = self;
                $text.to_binary(ty, out)
            }

            fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                let $value = self;
                $text.to_text(ty, out)
            }
        }
    )* };
}

to_str! {
    String: value => value.as_str();
    char: value => value.encode_utf8(&mut [0; 4]);
}

#[cfg(test)]
mod tests;
