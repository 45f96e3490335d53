//! `json` and `jsonb` through `serde_json`.

use ::serde_json::Value;
use bytes::{BufMut as _, BytesMut};
use serde::{Deserialize, Serialize};

use super::super::text::{VERSION, is_versioned, strip_version};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, IsNull, ToSql, Type};

/// A value that is stored as `json` or `jsonb`: read with its `Deserialize`, written with its `Serialize`.
///
/// ```
/// use purepg_types::{Column, Field, Format, Json, Type};
///
/// #[derive(serde::Deserialize)]
/// struct Author<'a> { name: &'a str, books: u32 }
///
/// let column = Column::new("author", Type::JSON, Format::Binary);
/// let field = Field::new(&column, Some(br#"{"name": "Inger", "books": 7}"#));
/// let Json(author) = field.decode::<Json<Author>>()?;
/// assert_eq!((author.name, author.books), ("Inger", 7));
/// # Ok::<(), purepg_types::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Json<T>(pub T);

fn is_json(ty: &Type) -> bool {
    ty.oid() == oids::JSON || ty.oid() == oids::JSONB
}

impl<'a, T: Deserialize<'a>> FromSql<'a> for Json<T> {
    fn accepts(ty: &Type) -> bool {
        is_json(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let text = if is_versioned(ty) {
            strip_version(raw)?
        } else {
            raw
        };
        Self::from_text(ty, text)
    }

    fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(::serde_json::from_slice(raw)?))
    }
}

impl<T: Serialize + Send + Sync> ToSql for Json<T> {
    fn accepts(&self, ty: &Type) -> bool {
        is_json(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if is_versioned(ty) {
            out.put_u8(VERSION);
        }
        self.to_text(ty, out)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        ::serde_json::to_writer(out.writer(), &self.0)?;
        Ok(IsNull::No)
    }
}

impl<'a> FromSql<'a> for Value {
    fn accepts(ty: &Type) -> bool {
        is_json(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Json::from_binary(ty, raw).map(|Json(value)| value)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Json::from_text(ty, raw).map(|Json(value)| value)
    }
}

impl ToSql for Value {
    fn accepts(&self, ty: &Type) -> bool {
        is_json(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        Json(self).to_binary(ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        Json(self).to_text(ty, out)
    }
}

#[cfg(test)]
mod tests {
    use ::serde_json::json;
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{DecodeErrorKind, Format};

    #[test]
    fn both_types_in_both_formats() {
        let value = json!({"a": [1, 2.5, null, true, "\u{1f600}\""], "b": {}});
        for ty in [Type::JSON, Type::JSONB] {
            round_trip(&value, &ty);
            round_trip(&Json(value.clone()), &ty);
            round_trip(&Json((1, String::from("x"))), &ty);
        }
        let written = write(&json!([1]), &Type::JSONB, Format::Binary).unwrap();
        assert_eq!(written.unwrap(), b"\x01[1]");
        let written = write(&json!([1]), &Type::JSON, Format::Binary).unwrap();
        assert_eq!(written.unwrap(), b"[1]");
        let column = binary(Type::JSONB);
        let Json(borrowed) = read::<Json<&str>>(&column, b"\x01\"x\"").unwrap();
        assert_eq!(borrowed, "x");
        // The null of JSON is a value.
        assert_eq!(
            read::<Value>(&text(Type::JSON), b"null").unwrap(),
            Value::Null
        );
        assert!(
            write(&Value::Null, &Type::JSONB, Format::Text)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn what_is_not_such_json_is_an_error() {
        for raw in [
            &b""[..],
            b"\x02{}",
            b"{}",
            b"\x01",
            b"\x01{",
            b"\x01{} {}",
            b"\x01\xff",
        ] {
            assert_eq!(
                failure::<Value>(&binary(Type::JSONB), raw).0,
                DecodeErrorKind::Invalid,
                "{raw:?}"
            );
        }
        let (kind, message) = failure::<Json<u8>>(&text(Type::JSON), b"300");
        assert_eq!(kind, DecodeErrorKind::Invalid);
        assert!(message.contains("300"), "{message}");
        // Recursion is bounded.
        let deep = "[".repeat(100_000);
        assert_eq!(
            failure::<Value>(&text(Type::JSON), deep.as_bytes()).0,
            DecodeErrorKind::Invalid
        );
        assert_eq!(
            failure::<Value>(&text(Type::TEXT), b"1").0,
            DecodeErrorKind::WrongType
        );
        let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert!(write(&Json(keys), &Type::JSON, Format::Text).is_err());
    }

    proptest! {
        #[test]
        fn any_string(value: String, numbers: Vec<i64>) {
            for ty in [Type::JSON, Type::JSONB] {
                round_trip(&Json((value.clone(), numbers.clone())), &ty);
            }
        }
    }
}
