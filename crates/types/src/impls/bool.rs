//! `bool`.

use bytes::BytesMut;

use super::{fixed, invalid};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, IsNull, ToSql, Type};

impl<'a> FromSql<'a> for bool {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::BOOL
    }

    #[inline]
    fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        match fixed(raw)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(invalid("neither 0 nor 1")),
        }
    }

    #[inline]
    fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        match raw {
            b"f" => Ok(false),
            b"t" => Ok(true),
            _ => Err(invalid("neither t nor f")),
        }
    }
}

impl ToSql for bool {
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::BOOL
    }

    fn to_binary(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        out.extend_from_slice(&[u8::from(*self)]);
        Ok(IsNull::No)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        out.extend_from_slice(if *self { b"t" } else { b"f" });
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format, Type};

    #[test]
    fn both_values_in_both_formats() {
        for value in [false, true] {
            round_trip(&value, &Type::BOOL);
        }
        let written = |value: bool, format| write(&value, &Type::BOOL, format).unwrap().unwrap();
        assert_eq!(written(true, Format::Binary), [1]);
        assert_eq!(written(false, Format::Binary), [0]);
        assert_eq!(written(true, Format::Text), b"t");
        assert_eq!(written(false, Format::Text), b"f");
    }

    #[test]
    fn anything_else_is_an_error() {
        let prefix = r#"column "a" (bool) cannot be read as bool: "#;
        for raw in [[2], *b"t", [255]] {
            assert_eq!(
                failure::<bool>(&binary(Type::BOOL), &raw),
                (DecodeErrorKind::Invalid, format!("{prefix}neither 0 nor 1"))
            );
        }
        for raw in [&[][..], &[0, 0], &[1; 8]] {
            let reason = format!("{} bytes instead of 1", raw.len());
            assert_eq!(
                failure::<bool>(&binary(Type::BOOL), raw),
                (DecodeErrorKind::Invalid, format!("{prefix}{reason}"))
            );
        }
        for raw in ["", "T", "true", "1", "t ", "\0"] {
            assert_eq!(
                failure::<bool>(&text(Type::BOOL), raw.as_bytes()),
                (DecodeErrorKind::Invalid, format!("{prefix}neither t nor f"))
            );
        }
    }

    #[test]
    fn other_types_are_refused() {
        assert_eq!(
            failure::<bool>(&binary(Type::INT2), &[1]),
            (
                DecodeErrorKind::WrongType,
                r#"column "a" (int2) cannot be read as bool: the types do not match"#.into()
            )
        );
        assert_eq!(
            write_failure(&true, &Type::INT4, Format::Text),
            (
                EncodeErrorKind::WrongType,
                "parameter $1 (int4) cannot be written from bool: the types do not match".into()
            )
        );
    }
}
