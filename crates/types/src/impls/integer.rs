//! `int2`, `int4`, `int8`, and the unsigned `oid`, `xid`, `cid` and `xid8`; the `reg*` types as the oids that they are; `"char"` as an `i8`.
//!
//! Every Rust integer here reads and writes every one of these but `"char"`, where the value fits, and is written as a `numeric`.

use std::fmt::Write as _;
use std::num::IntErrorKind;

use bytes::BytesMut;

use super::{fixed, invalid, out_of_range, unsupported, utf8};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, IsNull, Numeric, ToSql, Type};

/// Whether it is an integer type.
#[inline]
pub(crate) fn is_integer(ty: &Type) -> bool {
    matches!(
        ty.oid(),
        oids::INT2 | oids::INT4 | oids::INT8 | oids::OID | oids::XID | oids::CID | oids::XID8
    )
}

/// Whether it is one of the types whose value is an oid, and whose text is the name of what has this oid.
pub(crate) fn is_alias(ty: &Type) -> bool {
    matches!(
        ty.oid(),
        oids::REGPROC
            | oids::REGPROCEDURE
            | oids::REGOPER
            | oids::REGOPERATOR
            | oids::REGCLASS
            | oids::REGTYPE
            | oids::REGROLE
            | oids::REGNAMESPACE
            | oids::REGCONFIG
            | oids::REGDICTIONARY
            | oids::REGCOLLATION
    )
}

fn is_written(ty: &Type) -> bool {
    is_integer(ty) || is_alias(ty) || ty.oid() == oids::NUMERIC
}

macro_rules! integer {
    ($($rust:ident: $($own:ident)?;)*) => { $(
        impl<'a> FromSql<'a> for $rust {
            #[inline]
            fn accepts(ty: &Type) -> bool {
                // The type of the same width comes first, here and below, so that reading it
                // compiles to one comparison, a check of the length and a swap of bytes.
                $(ty.oid() == oids::$own ||)? is_integer(ty) || is_alias(ty)
            }

            #[inline]
            fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                $(if ty.oid() == oids::$own {
                    return Ok(Self::from_be_bytes(fixed(raw)?));
                })?
                let value = read_binary(ty, raw)?;
                Self::try_from(value).map_err(|_| out_of_range(value.to_string()))
            }

            #[inline]
            fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                let value = read_text(ty, raw)?;
                Self::try_from(value).map_err(|_| out_of_range(value.to_string()))
            }
        }

        impl ToSql for $rust {
            fn accepts(&self, ty: &Type) -> bool {
                $(ty.oid() == oids::$own ||)? is_written(ty)
            }

            fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                $(if ty.oid() == oids::$own {
                    out.extend_from_slice(&self.to_be_bytes());
                    return Ok(IsNull::No);
                })?
                write_binary(i128::from(*self), ty, out)
            }

            fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                check(i128::from(*self), ty)?;
                write!(out, "{self}")?;
                Ok(IsNull::No)
            }
        }
    )* };
}

integer! {
    i16: INT2;
    i32: INT4;
    i64: INT8;
    u16: ;
    u32: OID;
    u64: XID8;
}

/// Wide enough for every one of them.
fn read_binary(ty: &Type, raw: &[u8]) -> Result<i128, BoxError> {
    match ty.oid() {
        oids::INT2 => Ok(i16::from_be_bytes(fixed(raw)?).into()),
        oids::INT4 => Ok(i32::from_be_bytes(fixed(raw)?).into()),
        oids::INT8 => Ok(i64::from_be_bytes(fixed(raw)?).into()),
        oids::XID8 => Ok(u64::from_be_bytes(fixed(raw)?).into()),
        _ => Ok(u32::from_be_bytes(fixed(raw)?).into()),
    }
}

fn read_text(ty: &Type, raw: &[u8]) -> Result<i128, BoxError> {
    if is_alias(ty) {
        return read_alias(raw);
    }
    utf8(raw)?
        .parse()
        .map_err(|error: std::num::ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => out_of_range("the value"),
            _ => invalid("not an integer"),
        })
}

/// The oid itself stands where nothing has it; a name never looks like one, for names of digits are quoted.
fn read_alias(raw: &[u8]) -> Result<i128, BoxError> {
    if raw == b"-" {
        return Ok(0);
    }
    let oid = utf8(raw)?.parse::<u32>().map_err(|_| {
        unsupported("in the text format it is a name: read it as a string, or cast it to oid")
    })?;
    Ok(oid.into())
}

fn write_binary(value: i128, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    match ty.oid() {
        oids::INT2 => out.extend_from_slice(&fit::<i16>(value)?.to_be_bytes()),
        oids::INT4 => out.extend_from_slice(&fit::<i32>(value)?.to_be_bytes()),
        oids::INT8 => out.extend_from_slice(&fit::<i64>(value)?.to_be_bytes()),
        oids::XID8 => out.extend_from_slice(&fit::<u64>(value)?.to_be_bytes()),
        oids::NUMERIC => Numeric::from(value).write_binary(out)?,
        _ => out.extend_from_slice(&fit::<u32>(value)?.to_be_bytes()),
    }
    Ok(IsNull::No)
}

/// What `write_binary` would say. In the text format the server would say it, or take `-1` as an oid.
fn check(value: i128, ty: &Type) -> Result<(), BoxError> {
    match ty.oid() {
        oids::INT2 => fit::<i16>(value).map(drop),
        oids::INT4 => fit::<i32>(value).map(drop),
        oids::INT8 => fit::<i64>(value).map(drop),
        oids::XID8 => fit::<u64>(value).map(drop),
        oids::NUMERIC => Ok(()),
        _ => fit::<u32>(value).map(drop),
    }
}

fn fit<T: TryFrom<i128>>(value: i128) -> Result<T, BoxError> {
    T::try_from(value).map_err(|_| out_of_range("the value"))
}

impl<'a> FromSql<'a> for i8 {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::CHAR || is_integer(ty) || is_alias(ty)
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if ty.oid() == oids::CHAR {
            return Ok(Self::from_be_bytes(fixed(raw)?));
        }
        let value = read_binary(ty, raw)?;
        Self::try_from(value).map_err(|_| out_of_range(value.to_string()))
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if ty.oid() == oids::CHAR {
            return read_char(raw);
        }
        let value = read_text(ty, raw)?;
        Self::try_from(value).map_err(|_| out_of_range(value.to_string()))
    }
}

fn read_char(raw: &[u8]) -> Result<i8, BoxError> {
    let octal = |digit: u8| (b'0'..=b'7').contains(&digit).then(|| digit - b'0');
    match *raw {
        [] => Ok(0),
        [byte] => Ok(i8::from_be_bytes([byte])),
        // A byte of 0x80 and above, as charout writes it since PostgreSQL 16.
        [b'\\', high @ b'0'..=b'3', middle, low] => match (octal(middle), octal(low)) {
            (Some(middle), Some(low)) => {
                let byte = (high - b'0') << 6 | middle << 3 | low;
                Ok(i8::from_be_bytes([byte]))
            }
            _ => Err(invalid("not a single byte")),
        },
        _ => Err(invalid("not a single byte")),
    }
}

impl ToSql for i8 {
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::CHAR || is_written(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if ty.oid() == oids::CHAR {
            out.extend_from_slice(&self.to_be_bytes());
            return Ok(IsNull::No);
        }
        write_binary(i128::from(*self), ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if ty.oid() != oids::CHAR {
            return i16::from(*self).to_text(ty, out);
        }
        match u8::try_from(*self) {
            // The zero byte is the empty string.
            Ok(0) => {}
            Ok(byte) => out.extend_from_slice(&[byte]),
            // Before PostgreSQL 16, charin reads `\200` as a backslash: no text is right everywhere.
            Err(_) => return Err(unsupported("a negative one has no text form")),
        }
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests;
