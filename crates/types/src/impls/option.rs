//! `Option`: the place for NULL.

use bytes::BytesMut;

use crate::error::BoxError;
use crate::{Format, FromSql, IsNull, ToSql, Type};

impl<'a, T: FromSql<'a>> FromSql<'a> for Option<T> {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        T::accepts(ty)
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        T::from_binary(ty, raw).map(Some)
    }

    #[inline]
    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        T::from_text(ty, raw).map(Some)
    }

    #[inline]
    fn from_null(_: &Type) -> Result<Self, BoxError> {
        Ok(None)
    }
}

impl<T: ToSql> ToSql for Option<T> {
    /// NULL is a value of every type.
    fn accepts(&self, ty: &Type) -> bool {
        self.as_ref().is_none_or(|value| value.accepts(ty))
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        self.as_ref().is_none_or(|value| value.supports_binary(ty))
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Some(value) => value.to_binary(ty, out),
            None => Ok(IsNull::Yes),
        }
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Some(value) => value.to_text(ty, out),
            None => Ok(IsNull::Yes),
        }
    }

    fn to_format(&self, ty: &Type, format: Format, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Some(value) => value.to_format(ty, format, out),
            None => Ok(IsNull::Yes),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::impls::testing::*;
    use crate::{Column, DecodeErrorKind, Field, Format, FromSql, ToSql, Type};

    fn read_null<'r, T: FromSql<'r>>(column: &'r Column) -> Result<T, crate::DecodeError> {
        Field::new(column, None).decode()
    }

    #[test]
    fn null_is_none_and_nothing_else() {
        for format in FORMATS {
            let column = Column::new("a", Type::INT4, format);
            assert_eq!(read_null::<Option<i32>>(&column).unwrap(), None);
            assert_eq!(read_null::<Option<Option<i32>>>(&column).unwrap(), None);

            let error = read_null::<i32>(&column).unwrap_err();
            assert_eq!(error.kind(), DecodeErrorKind::Null);
            assert_eq!(
                error.to_string(),
                r#"column "a" (int4) cannot be read as i32: it is NULL, which only an Option takes"#
            );

            // The type is checked even so: it would fail for the first row that has a value.
            let error = read_null::<Option<&str>>(&column).unwrap_err();
            assert_eq!(error.kind(), DecodeErrorKind::WrongType);
            assert_eq!(
                error.to_string(),
                r#"column "a" (int4) cannot be read as Option<&str>: the types do not match"#
            );

            let column = Column::new("a", Type::TEXT, format);
            assert_eq!(
                read_null::<String>(&column).unwrap_err().kind(),
                DecodeErrorKind::Null
            );
        }
    }

    #[test]
    fn a_value_is_some() {
        round_trip(&Some(7_i64), &Type::INT8);
        round_trip(&Some(String::new()), &Type::TEXT);
        round_trip(&Some(Vec::<u8>::new()), &Type::BYTEA);
        let (kind, text) = failure::<Option<i16>>(&text(Type::INT4), b"70000");
        assert_eq!(kind, DecodeErrorKind::OutOfRange);
        assert_eq!(
            text,
            r#"column "a" (int4) cannot be read as Option<i16>: 70000 does not fit"#
        );
    }

    #[test]
    fn none_is_null_of_every_type() {
        for ty in [Type::INT4, Type::TEXT, Type::JSONB, Type::unknown(70_000)] {
            for format in FORMATS {
                for value in [&None::<i32> as &dyn ToSql, &None::<&str>, &&None::<Vec<u8>>] {
                    assert_eq!(write(value, &ty, format).unwrap(), None);
                }
            }
        }
    }

    #[test]
    fn some_is_written_as_its_value_is() {
        assert!(!Some("1").supports_binary(&Type::INT4));
        assert!(Some("1").supports_binary(&Type::TEXT));
        assert!(None::<&str>.supports_binary(&Type::INT4));
        assert_eq!(
            write(&Some(1_i16), &Type::INT4, Format::Binary)
                .unwrap()
                .unwrap(),
            [0, 0, 0, 1]
        );
        assert_eq!(
            write_failure(&Some(1_i32), &Type::TEXT, Format::Binary).1,
            "parameter $1 (text) cannot be written from Option<i32>: the types do not match"
        );
    }
}
