//! [`Compat`]: types that implement the traits of `postgres-types`.

use ::postgres_types as other;
use bytes::BytesMut;

use super::{invalid, unsupported};
use crate::error::BoxError;
use crate::impls::parts::Reader;
use crate::{FromSql, IsNull, Kind, ToSql, Type};

/// A value of a type that implements `FromSql` or `ToSql` of the crate `postgres-types`, as very many crates have them.
///
/// Those traits know the binary format alone, so that such a value cannot be read from a result that came as text. The result of a query
/// without parameters does, and so do values of a type that this crate does not read in binary, as most types of extensions: the driver's
/// `Query::binary_results` asks for the binary format.
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

/// That crate makes room for as many parts as are announced before it looks for them: so there must be bytes for them.
fn check_counts(ty: &Type, raw: &[u8]) -> Result<(), BoxError> {
    let ty = ty.underlying();
    let mut reader = Reader::new(raw);
    match ty.kind() {
        _ if ty.is_hstore() => {
            // Each is two lengths at least.
            reader.count(8)?;
        }
        Kind::Array => {
            let dimensions = reader.int()?;
            let _ = (reader.int()?, reader.oid()?);
            let mut count = usize::from(dimensions > 0);
            for _ in 0..dimensions {
                let length = usize::try_from(reader.int()?).ok();
                let product = length.and_then(|length| count.checked_mul(length));
                count = product.ok_or_else(|| invalid("more elements than an array can have"))?;
                let _lower_bound = reader.int()?;
            }
            if count > reader.left() / 4 {
                return Err(invalid("more elements than there are bytes for"));
            }
            let element = ty.part().filter(|element| has_counts(element));
            for _ in 0..element.map_or(0, |_| count) {
                check_part(element, reader.value()?)?;
            }
        }
        Kind::Composite if has_counts(ty) => {
            for field in ty.fields().iter().take(reader.count(8)?) {
                reader.oid()?;
                check_part(Some(field.ty()), reader.value()?)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn check_part(ty: Option<&Type>, raw: Option<&[u8]>) -> Result<(), BoxError> {
    match (ty, raw) {
        (Some(ty), Some(raw)) => check_counts(ty, raw),
        _ => Ok(()),
    }
}

fn has_counts(ty: &Type) -> bool {
    let ty = ty.underlying();
    matches!(ty.kind(), Kind::Array | Kind::Composite) || ty.is_hstore()
}

impl<'a, T: other::FromSql<'a>> FromSql<'a> for Compat<T> {
    fn accepts(ty: &Type) -> bool {
        T::accepts(&theirs(ty))
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        check_counts(ty, raw)?;
        T::from_sql(&theirs(ty), raw).map(Self)
    }

    fn from_text(_: &Type, _: &'a [u8]) -> Result<Self, BoxError> {
        Err(unsupported(
            "postgres-types reads no text: ask for the binary format, with Query::binary_results",
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
                r#"column "a" (int4) cannot be read as Compat<i32>: postgres-types reads no text: ask for the binary format, with Query::binary_results"#.into()
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

    /// That crate would make room for all of them at once.
    #[test]
    fn security_41_counts_are_checked_before_that_crate_believes_them() {
        type Map = std::collections::HashMap<String, Option<String>>;

        let hstore = Type::new(70_006, "hstore", Kind::Base, None);
        let array = |ty: &Type| Type::new(70_007, "_array", Kind::Array, Some(ty.clone()));
        let header = |lengths: &[i32]| {
            let count = i32::try_from(lengths.len()).unwrap().to_be_bytes();
            let dimensions = lengths.iter().flat_map(|length| {
                let bounds = [length.to_be_bytes(), [0, 0, 0, 1]];
                bounds.into_iter().flatten()
            });
            let oid = [0, 0, 0, 0, 0, 0, 0, 23].into_iter();
            count.into_iter().chain(oid).chain(dimensions).collect()
        };
        let count = i32::MAX.to_be_bytes().to_vec();
        for lengths in [&[i32::MAX][..], &[1 << 10, 1 << 20], &[-1], &[1 << 30; 4]] {
            let raw: Vec<u8> = header(lengths);
            let error = failure::<Compat<Vec<i32>>>(&binary(Type::INT4_ARRAY), &raw);
            assert_eq!(error.0, DecodeErrorKind::Invalid);
            assert!(error.1.contains("more elements than"), "{error:?}");
        }
        let error = failure::<Compat<Map>>(&binary(hstore.clone()), &count);
        assert!(
            error.1.ends_with("more parts than there are bytes for"),
            "{error:?}"
        );
        // Within others, too.
        let one = [&header(&[1])[..], &[0, 0, 0, 4], &count].concat();
        let error = failure::<Compat<Vec<Map>>>(&binary(array(&hstore)), &one);
        assert!(
            error.1.ends_with("more parts than there are bytes for"),
            "{error:?}"
        );
        let fields = [crate::TypeField::new("a", hstore.clone())];
        let pair = Type::new(70_008, "pair", Kind::Composite, None).with_fields(fields);
        let raw = [&[0, 0, 0, 1, 0, 1, 0x11, 0x76, 0, 0, 0, 4], &count[..]].concat();
        let error = check_counts(&pair, &raw).unwrap_err().to_string();
        assert_eq!(error, "more parts than there are bytes for");
        assert!(check_counts(&array(&pair), &header(&[])).is_ok());
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
