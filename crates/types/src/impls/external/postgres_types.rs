//! [`Compat`]: types that implement the traits of `postgres-types`.

use ::postgres_types as other;
use bytes::BytesMut;

use super::unsupported;
use crate::error::BoxError;
use crate::{FromSql, IsNull, Kind, ToSql, Type};

/// A value of a type that implements `FromSql` or `ToSql` of the crate `postgres-types`, as very many crates have them.
///
/// Those traits know the binary format alone, so that such a value cannot be read from a result that came as text, as that of a query without
/// parameters does, nor that of a type which this crate reads as text.
///
/// ```
/// use purepg_types::{Column, Compat, Field, Format, Type};
///
/// let column = Column::new("a", Type::INT4_ARRAY, Format::Binary);
/// let raw = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7];
/// let Compat(list) = Field::new(&column, Some(&raw)).decode::<Compat<Vec<i32>>>()?;
/// assert_eq!(list, [7]);
/// # Ok::<(), purepg_types::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Compat<T>(pub T);

/// The type as the other crate describes it. What is not known here, such as the labels of an enum, is not known there.
fn theirs(ty: &Type) -> other::Type {
    if let Some(known) = other::Type::from_oid(ty.oid()) {
        return known;
    }
    let element = ty.element().as_ref().map(theirs);
    let kind = match (ty.kind(), element) {
        (Kind::Array, Some(element)) => other::Kind::Array(element),
        (Kind::Range, Some(element)) => other::Kind::Range(element),
        (Kind::Multirange, Some(element)) => other::Kind::Multirange(element),
        (Kind::Domain, Some(element)) => other::Kind::Domain(element),
        (Kind::Enum, _) => other::Kind::Enum(Vec::new()),
        (Kind::Composite, _) => other::Kind::Composite(Vec::new()),
        (Kind::Pseudo, _) => other::Kind::Pseudo,
        _ => other::Kind::Simple,
    };
    other::Type::new(ty.name().into(), ty.oid(), kind, String::new())
}

impl<'a, T: other::FromSql<'a>> FromSql<'a> for Compat<T> {
    fn accepts(ty: &Type) -> bool {
        T::accepts(&theirs(ty))
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        T::from_sql(&theirs(ty), raw).map(Self)
    }

    fn from_text(_: &Type, _: &'a [u8]) -> Result<Self, BoxError> {
        Err(unsupported(
            "postgres-types reads no text: ask for the binary format",
        ))
    }

    fn from_null(ty: &Type) -> Result<Self, BoxError> {
        // Its own answer does not tell that it was NULL.
        T::from_sql_null(&theirs(ty)).map(Self).map_err(|reason| {
            match reason.downcast::<other::WasNull>() {
                Ok(_) => Box::new(crate::ValueError::Null),
                Err(reason) => reason,
            }
        })
    }
}

impl<T: other::ToSql + Send + Sync> ToSql for Compat<T> {
    fn accepts(&self, ty: &Type) -> bool {
        T::accepts(&theirs(ty))
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        matches!(self.0.encode_format(&theirs(ty)), other::Format::Binary)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        write(&self.0, ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if self.supports_binary(ty) {
            return Err(unsupported(
                "postgres-types writes it in the binary format alone",
            ));
        }
        write(&self.0, ty, out)
    }
}

fn write<T: other::ToSql>(value: &T, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    Ok(match value.to_sql(&theirs(ty), out)? {
        other::IsNull::Yes => IsNull::Yes,
        other::IsNull::No => IsNull::No,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::{Column, DecodeErrorKind, EncodeErrorKind, Field, Format};

    #[test]
    fn what_postgres_types_reads_and_writes() {
        let list = Compat(vec![Some(1_i32), None]);
        let raw = super::super::testing::write(&list, &Type::INT4_ARRAY, Format::Binary)
            .unwrap()
            .unwrap();
        let read: Compat<Vec<Option<i32>>> = read(&binary(Type::INT4_ARRAY), &raw).unwrap();
        assert_eq!(read, list);
        let none = Compat(None::<i32>);
        let written = super::super::testing::write(&none, &Type::INT4, Format::Binary).unwrap();
        assert_eq!(written, None);
        let column = binary(Type::INT4);
        let field = Field::new(&column, None);
        assert_eq!(field.decode::<Compat<Option<i32>>>().unwrap(), none);
        assert_eq!(
            field.decode::<Compat<i32>>().unwrap_err().kind(),
            DecodeErrorKind::Null
        );
    }

    #[test]
    fn its_refusals_are_ours() {
        assert_eq!(
            failure::<Compat<i32>>(&text(Type::INT4), b"1"),
            (
                DecodeErrorKind::Unsupported,
                r#"column "a" (int4) cannot be read as Compat<i32>: postgres-types reads no text: ask for the binary format"#.into()
            )
        );
        assert_eq!(
            failure::<Compat<i32>>(&binary(Type::INT8), &[0; 8]).0,
            DecodeErrorKind::WrongType
        );
        assert_eq!(
            failure::<Compat<i32>>(&binary(Type::INT4), &[0; 3]).0,
            DecodeErrorKind::Invalid
        );
        assert_eq!(
            write_failure(&Compat(1_i32), &Type::INT8, Format::Binary).0,
            EncodeErrorKind::WrongType
        );
        assert_eq!(
            write_failure(&Compat(1_i32), &Type::INT4, Format::Text).0,
            EncodeErrorKind::Unsupported
        );
    }

    #[test]
    fn types_that_are_not_built_in_keep_their_names() {
        let mood = Type::new(70_000, "mood", Kind::Enum, None);
        let raw = super::super::testing::write(
            &Compat("sad"),
            &Type::new(70_001, "ltree", Kind::Base, None),
            Format::Binary,
        );
        assert_eq!(raw.unwrap().unwrap(), b"\x01sad");
        for (ty, kind) in [
            (mood.clone(), other::Kind::Enum(Vec::new())),
            (
                Type::new(70_002, "_mood", Kind::Array, Some(mood.clone())),
                other::Kind::Array(theirs(&mood)),
            ),
            (
                Type::new(70_003, "r", Kind::Range, Some(Type::INT4)),
                other::Kind::Range(other::Type::INT4),
            ),
            (
                Type::new(70_004, "c", Kind::Composite, None),
                other::Kind::Composite(Vec::new()),
            ),
            (Type::unknown(70_005), other::Kind::Simple),
        ] {
            assert_eq!(theirs(&ty).kind(), &kind);
            assert_eq!(theirs(&ty).name(), ty.name());
        }
        let column = Column::new(
            "a",
            Type::new(70_001, "ltree", Kind::Base, None),
            Format::Binary,
        );
        assert_eq!(
            read::<Compat<&str>>(&column, b"\x01a.b").unwrap(),
            Compat("a.b")
        );
    }
}
