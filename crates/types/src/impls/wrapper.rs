//! References and owners of a value, which are written as the value is.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;

use crate::error::BoxError;
use crate::{Format, IsNull, ToSql, Type};

macro_rules! as_the_value {
    () => {
        fn accepts(&self, ty: &Type) -> bool {
            (**self).accepts(ty)
        }

        fn supports_binary(&self, ty: &Type) -> bool {
            (**self).supports_binary(ty)
        }

        fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
            (**self).to_binary(ty, out)
        }

        fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
            (**self).to_text(ty, out)
        }

        fn to_format(
            &self,
            ty: &Type,
            format: Format,
            out: &mut BytesMut,
        ) -> Result<IsNull, BoxError> {
            (**self).to_format(ty, format, out)
        }

        fn rust_type(&self) -> &'static str {
            (**self).rust_type()
        }
    };
}

impl<T: ToSql + ?Sized> ToSql for &T {
    as_the_value!();
}

impl<T: ToSql + ?Sized> ToSql for Box<T> {
    as_the_value!();
}

impl<T: ToSql + ?Sized> ToSql for Arc<T> {
    as_the_value!();
}

impl<T> ToSql for Cow<'_, T>
where
    T: ToSql + ToOwned + ?Sized,
    T::Owned: Send + Sync,
{
    as_the_value!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EncodeErrorKind;
    use crate::impls::testing::*;

    #[test]
    fn all_are_written_as_the_value_is() {
        let values: [&dyn ToSql; 9] = [
            &"x",
            &&&"x",
            &String::from("x"),
            &Box::<str>::from("x"),
            &Arc::<str>::from("x"),
            &Cow::Borrowed("x"),
            &Cow::<'_, str>::Owned("x".into()),
            &(Box::new("x") as Box<dyn ToSql>),
            &(&"x" as &dyn ToSql),
        ];
        for value in values {
            for format in FORMATS {
                assert_eq!(write(value, &Type::TEXT, format).unwrap().unwrap(), b"x");
            }
            assert_eq!(
                write(value, &Type::INT4, Format::Text).unwrap().unwrap(),
                b"x"
            );
            assert!(!value.supports_binary(&Type::INT4));
        }
        let bytes: [&dyn ToSql; 6] = [
            &b"x",
            &&b"x"[..],
            &Box::<[u8]>::from(&b"x"[..]),
            &Arc::<[u8]>::from(&b"x"[..]),
            &Cow::Borrowed(&b"x"[..]),
            &vec![b'x'],
        ];
        for value in bytes {
            assert_eq!(
                write(value, &Type::BYTEA, Format::Binary).unwrap().unwrap(),
                b"x"
            );
            assert_eq!(
                write_failure(value, &Type::TEXT, Format::Binary).0,
                EncodeErrorKind::WrongType
            );
        }
    }

    #[test]
    fn errors_name_the_value_and_not_what_it_is_in() {
        let value: Box<dyn ToSql> = Box::new(Arc::new(&1_i64));
        assert_eq!(value.rust_type(), "i64");
        assert_eq!(
            write_failure(&value, &Type::BOOL, Format::Binary).1,
            "parameter $1 (bool) cannot be written from i64: the types do not match"
        );
    }
}
