//! `float4` and `float8`.

use std::fmt::Write as _;
use std::str::FromStr;

use bytes::BytesMut;

use super::{fixed, invalid, out_of_range, utf8};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, IsNull, ToSql, Type};

impl<'a> FromSql<'a> for f32 {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::FLOAT4
    }

    #[inline]
    fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self::from_be_bytes(fixed(raw)?))
    }

    fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let value: Self = read_text(raw)?;
        if value.is_infinite() && !is_infinity(raw) {
            return Err(out_of_range("the value"));
        }
        Ok(value)
    }
}

impl<'a> FromSql<'a> for f64 {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::FLOAT8 || ty.oid() == oids::FLOAT4
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if ty.oid() == oids::FLOAT8 {
            Ok(Self::from_be_bytes(fixed(raw)?))
        } else {
            f32::from_binary(ty, raw).map(Self::from)
        }
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        // A float4 is read as what it is and widened, so that both formats give the same number.
        if ty.oid() == oids::FLOAT4 {
            return f32::from_text(ty, raw).map(Self::from);
        }
        let value: Self = read_text(raw)?;
        if value.is_infinite() && !is_infinity(raw) {
            return Err(out_of_range("the value"));
        }
        Ok(value)
    }
}

/// Reads what float8out writes. Rust reads other spellings of the three special values as well; they
/// do no harm.
fn read_text<T: FromStr>(raw: &[u8]) -> Result<T, BoxError> {
    utf8(raw)?.parse().map_err(|_| invalid("not a number"))
}

/// Tells infinity from a number that is too large, which Rust reads as infinity.
fn is_infinity(raw: &[u8]) -> bool {
    matches!(raw, b"Infinity" | b"-Infinity")
}

impl ToSql for f32 {
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::FLOAT4 || ty.oid() == oids::FLOAT8
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if ty.oid() == oids::FLOAT8 {
            return f64::from(*self).to_binary(ty, out);
        }
        out.extend_from_slice(&self.to_be_bytes());
        Ok(IsNull::No)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        // Widened first, or float8 would get the digits that tell one f32 from the next.
        if ty.oid() == oids::FLOAT8 || !self.is_finite() {
            return f64::from(*self).to_text(ty, out);
        }
        write!(out, "{self:e}")?;
        Ok(IsNull::No)
    }
}

impl ToSql for f64 {
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::FLOAT8
    }

    fn to_binary(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        out.extend_from_slice(&self.to_be_bytes());
        Ok(IsNull::No)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if self.is_nan() {
            out.extend_from_slice(b"NaN");
        } else if self.is_infinite() {
            let sign: &[u8] = if self.is_sign_negative() { b"-" } else { b"" };
            out.extend_from_slice(sign);
            out.extend_from_slice(b"Infinity");
        } else {
            // The shortest digits that read back as this number, whatever its size.
            write!(out, "{self:e}")?;
        }
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{Column, DecodeErrorKind, EncodeErrorKind, Format};

    fn written(value: &dyn ToSql, ty: &Type, format: Format) -> Vec<u8> {
        write(value, ty, format).unwrap().unwrap()
    }

    /// Equal to the bit, so that it tells -0 from 0; except that a NaN is a NaN.
    fn same64(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    fn check64(value: f64) {
        for format in FORMATS {
            let raw = written(&value, &Type::FLOAT8, format);
            let column = Column::new("a", Type::FLOAT8, format);
            let read: f64 = read(&column, &raw).unwrap();
            assert!(same64(read, value), "{value:?} {read:?} {format:?}");
        }
    }

    fn check32(value: f32) {
        let wide = f64::from(value);
        for format in FORMATS {
            let raw = written(&value, &Type::FLOAT4, format);
            let column = Column::new("a", Type::FLOAT4, format);
            assert!(same64(read::<f32>(&column, &raw).unwrap().into(), wide));
            assert!(same64(read::<f64>(&column, &raw).unwrap(), wide));

            let raw = written(&value, &Type::FLOAT8, format);
            let column = Column::new("a", Type::FLOAT8, format);
            assert!(same64(read::<f64>(&column, &raw).unwrap(), wide));
        }
    }

    proptest! {
        #[test]
        fn any_bits(bits64: u64, bits32: u32) {
            check64(f64::from_bits(bits64));
            check32(f32::from_bits(bits32));
        }
    }

    #[test]
    fn the_extremes() {
        for value in [
            0.0,
            -0.0,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::EPSILON,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.1,
            1e15,
            1e16,
        ] {
            check64(value);
        }
        for value in [
            0.0,
            -0.0,
            f32::MIN,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-45,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.1,
            16_777_217.0,
        ] {
            check32(value);
        }
    }

    #[test]
    fn special_values_are_spelled_as_postgresql_spells_them() {
        for ty in [Type::FLOAT4, Type::FLOAT8] {
            assert_eq!(written(&f32::NAN, &ty, Format::Text), b"NaN");
            assert_eq!(written(&-f32::NAN, &ty, Format::Text), b"NaN");
            assert_eq!(written(&f32::INFINITY, &ty, Format::Text), b"Infinity");
            assert_eq!(written(&f32::NEG_INFINITY, &ty, Format::Text), b"-Infinity");
        }
        assert_eq!(written(&-0.0, &Type::FLOAT8, Format::Text), b"-0e0");
        assert_eq!(written(&1e300, &Type::FLOAT8, Format::Text), b"1e300");
        assert_eq!(written(&-1.5, &Type::FLOAT8, Format::Text), b"-1.5e0");
    }

    #[test]
    fn what_float8out_writes_is_read() {
        for (raw, value) in [
            ("1e+300", 1e300),
            ("-0", -0.0),
            ("1e-07", 1e-7),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("NaN", f64::NAN),
            ("42", 42.0),
        ] {
            let read: f64 = read(&text(Type::FLOAT8), raw.as_bytes()).unwrap();
            assert!(same64(read, value), "{raw}");
        }
        // The same number as in binary, not the nearest one to the digits.
        let read: f64 = read(&text(Type::FLOAT4), b"0.1").unwrap();
        assert!(same64(read, f64::from(0.1_f32)));
    }

    #[test]
    fn what_is_no_such_number_is_an_error() {
        for raw in ["", " 1", "1 ", "0x10", "1,5", "e5", "one", "1\0"] {
            assert_eq!(
                failure::<f64>(&text(Type::FLOAT8), raw.as_bytes()),
                (
                    DecodeErrorKind::Invalid,
                    r#"column "a" (float8) cannot be read as f64: not a number"#.into()
                ),
                "{raw:?}"
            );
        }
        assert_eq!(
            failure::<f64>(&text(Type::FLOAT8), b"-1e400"),
            (
                DecodeErrorKind::OutOfRange,
                r#"column "a" (float8) cannot be read as f64: the value does not fit"#.into()
            )
        );
        assert_eq!(
            failure::<f32>(&text(Type::FLOAT4), b"1e39").0,
            DecodeErrorKind::OutOfRange
        );
        for length in [0_usize, 1, 3, 5, 7, 9] {
            for ty in [Type::FLOAT4, Type::FLOAT8] {
                assert_eq!(
                    failure::<f64>(&binary(ty), &vec![0; length]).0,
                    DecodeErrorKind::Invalid
                );
            }
        }
        assert_eq!(
            failure::<f64>(&binary(Type::FLOAT8), &[0; 4]).1,
            r#"column "a" (float8) cannot be read as f64: 4 bytes instead of 8"#
        );
    }

    #[test]
    fn nothing_is_narrowed() {
        for format in FORMATS {
            let column = Column::new("a", Type::FLOAT8, format);
            assert_eq!(
                failure::<f32>(&column, b"1"),
                (
                    DecodeErrorKind::WrongType,
                    r#"column "a" (float8) cannot be read as f32: the types do not match"#.into()
                )
            );
            assert_eq!(
                write_failure(&1_f64, &Type::FLOAT4, format).0,
                EncodeErrorKind::WrongType
            );
            assert_eq!(
                write_failure(&1_f64, &Type::INT8, format).0,
                EncodeErrorKind::WrongType
            );
        }
        assert_eq!(
            failure::<f64>(&text(Type::NUMERIC), b"1").0,
            DecodeErrorKind::WrongType
        );
    }
}
