//! [`Wire`]: what the types of this crate's own have in common, and types of other crates that go through them.

use std::fmt::{Display, Write as _};
use std::str::FromStr;

use bytes::BytesMut;

use super::utf8;
use crate::error::{BoxError, ValueError};
use crate::{IsNull, Type};

/// A type whose text, as PostgreSQL prints and reads it, is its [`Display`] and [`FromStr`].
pub(super) trait Wire: Display + FromStr<Err = ValueError> + Send + Sync {
    /// The types whose values it reads.
    fn reads(ty: &Type) -> bool;

    /// The types whose values it writes.
    fn writes(ty: &Type) -> bool {
        Self::reads(ty)
    }

    fn read(ty: &Type, raw: &[u8]) -> Result<Self, BoxError>;

    fn write(&self, ty: &Type, out: &mut BytesMut) -> Result<(), BoxError>;
}

pub(super) fn read_text<T: Wire>(raw: &[u8]) -> Result<T, BoxError> {
    Ok(utf8(raw)?.parse()?)
}

pub(super) fn write_binary<T: Wire>(
    value: &T,
    ty: &Type,
    out: &mut BytesMut,
) -> Result<IsNull, BoxError> {
    value.write(ty, out)?;
    Ok(IsNull::No)
}

pub(super) fn write_text<T: Wire>(value: &T, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    write!(out, "{value}")?;
    Ok(IsNull::No)
}

/// Implements the two traits for types that are [`Wire`].
macro_rules! wire {
    ($($rust:ty),* $(,)?) => { $(
        impl<'a> crate::FromSql<'a> for $rust {
            #[inline]
            fn accepts(ty: &crate::Type) -> bool {
                <Self as crate::impls::wire::Wire>::reads(ty)
            }

            #[inline]
            fn from_binary(ty: &crate::Type, raw: &'a [u8]) -> Result<Self, crate::BoxError> {
                <Self as crate::impls::wire::Wire>::read(ty, raw)
            }

            fn from_text(_: &crate::Type, raw: &'a [u8]) -> Result<Self, crate::BoxError> {
                crate::impls::wire::read_text(raw)
            }
        }

        impl crate::ToSql for $rust {
            fn accepts(&self, ty: &crate::Type) -> bool {
                <Self as crate::impls::wire::Wire>::writes(ty)
            }

            fn to_binary(&self, ty: &crate::Type, out: &mut bytes::BytesMut) -> Result<crate::IsNull, crate::BoxError> {
                crate::impls::wire::write_binary(self, ty, out)
            }

            fn to_text(&self, _: &crate::Type, out: &mut bytes::BytesMut) -> Result<crate::IsNull, crate::BoxError> {
                crate::impls::wire::write_text(self, out)
            }
        }
    )* };
}

/// Implements the two traits for types of others, which are read as one of ours and then converted, and the other way round.
macro_rules! through {
    ($($rust:ty = $own:ty { from: $from:expr, to: $to:expr $(,)? })*) => { $(
        impl<'a> crate::FromSql<'a> for $rust {
            #[inline]
            fn accepts(ty: &crate::Type) -> bool {
                <$own as crate::FromSql>::accepts(ty)
            }

            fn from_binary(ty: &crate::Type, raw: &'a [u8]) -> Result<Self, crate::BoxError> {
                let convert: fn($own) -> Result<$rust, crate::BoxError> = $from;
                convert(<$own as crate::FromSql>::from_binary(ty, raw)?)
            }

            fn from_text(ty: &crate::Type, raw: &'a [u8]) -> Result<Self, crate::BoxError> {
                let convert: fn($own) -> Result<$rust, crate::BoxError> = $from;
                convert(<$own as crate::FromSql>::from_text(ty, raw)?)
            }
        }

        crate::impls::wire::written_through!(($rust) = $own, $to);
    )* };
}

/// The half of [`through!`] that writes.
macro_rules! written_through {
    (($rust:ty) = $own:ty, $to:expr) => {
        impl crate::ToSql for $rust {
            fn accepts(&self, ty: &crate::Type) -> bool {
                <$own as crate::impls::wire::Wire>::writes(ty)
            }

            fn to_binary(
                &self,
                ty: &crate::Type,
                out: &mut bytes::BytesMut,
            ) -> Result<crate::IsNull, crate::BoxError> {
                let convert: fn(&$rust) -> Result<$own, crate::BoxError> = $to;
                crate::impls::wire::write_binary(&convert(self)?, ty, out)
            }

            fn to_text(
                &self,
                _: &crate::Type,
                out: &mut bytes::BytesMut,
            ) -> Result<crate::IsNull, crate::BoxError> {
                let convert: fn(&$rust) -> Result<$own, crate::BoxError> = $to;
                crate::impls::wire::write_text(&convert(self)?, out)
            }
        }
    };
}

pub(super) use {through, wire, written_through};
