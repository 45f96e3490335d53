//! [`CompositeFields`]: what a composite value is written from.

use std::fmt;

use bytes::{BufMut as _, BytesMut};

use crate::error::BoxError;
use crate::impls::parts;
use crate::impls::quoting::{is_space, quote};
use crate::{IsNull, Kind, ToSql, Type, TypeField};

/// The values of a composite type's fields, by name in any order, or in the order in which the type has them.
///
/// It is written wherever the type has these fields and no others; so the type has to be known, as those of a prepared statement's
/// parameters are. `record` is no type of a parameter.
///
/// ```
/// use bytes::BytesMut;
/// use purepg_types::{CompositeFields, Format, Kind, Type, TypeField, encode};
///
/// let fields = [TypeField::new("x", Type::INT4), TypeField::new("label", Type::TEXT)];
/// let ty = Type::new(70_000, "pixel", Kind::Composite, None).with_fields(fields);
///
/// let mut out = BytesMut::new();
/// let value = CompositeFields::Named(&[("label", &"a b"), ("x", &7)]);
/// assert!(encode(0, &value, &ty, Format::Text, &mut out).is_ok());
/// assert_eq!(&out[..], b"(7,\"a b\")");
/// ```
// Exhaustive: a derive has fields with names, or without.
#[derive(Clone, Copy)]
pub enum CompositeFields<'a> {
    /// Each has the name of a field.
    Named(&'a [(&'a str, &'a dyn ToSql)]),
    /// One for each field.
    InOrder(&'a [&'a dyn ToSql]),
}

impl<'a> CompositeFields<'a> {
    fn len(&self) -> usize {
        match self {
            Self::Named(values) => values.len(),
            Self::InOrder(values) => values.len(),
        }
    }

    fn get(&self, place: usize, field: &TypeField) -> Option<&'a dyn ToSql> {
        match self {
            Self::Named(values) => values
                .iter()
                .find(|(name, _)| *name == field.name())
                .map(|(_, value)| *value),
            Self::InOrder(values) => values.get(place).copied(),
        }
    }

    /// The fields of the type with their values, unless one has none.
    fn pairs<'t>(&self, ty: &'t Type) -> Option<Vec<(&'t Type, &'a dyn ToSql)>> {
        let fields = ty.underlying().fields();
        if ty.underlying().kind() != Kind::Composite || fields.len() != self.len() {
            return None;
        }
        let pairs = fields.iter().enumerate();
        pairs
            .map(|(place, field)| Some((field.ty(), self.get(place, field)?)))
            .collect()
    }

    fn all(&self, ty: &Type, check: impl Fn(&dyn ToSql, &Type) -> bool) -> bool {
        self.pairs(ty).is_some_and(|pairs| {
            let mut pairs = pairs.into_iter();
            pairs.all(|(ty, value)| check(value, ty.underlying()))
        })
    }
}

impl ToSql for CompositeFields<'_> {
    fn accepts(&self, ty: &Type) -> bool {
        self.all(ty, |value, ty| value.accepts(ty))
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        self.all(ty, |value, ty| value.supports_binary(ty))
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let pairs = self.pairs(ty).unwrap_or_default();
        out.put_i32(parts::length(pairs.len())?);
        for (ty, value) in pairs {
            out.put_u32(ty.oid());
            let _ = parts::write_binary(value, ty, out)?;
        }
        Ok(IsNull::No)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let pairs = self.pairs(ty).unwrap_or_default();
        out.extend_from_slice(b"(");
        for (place, (ty, value)) in pairs.into_iter().enumerate() {
            out.extend_from_slice(if place > 0 { b"," } else { b"" });
            write_field(value, ty, out)?;
        }
        out.extend_from_slice(b")");
        Ok(IsNull::No)
    }
}

pub(crate) fn write_field(
    value: &dyn ToSql,
    ty: &Type,
    out: &mut BytesMut,
) -> Result<(), BoxError> {
    let start = out.len();
    if value.to_text(ty.underlying(), out)? == IsNull::Yes {
        out.truncate(start);
        return Ok(());
    }
    let written = out.get(start..).unwrap_or_default();
    let special = |&byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || is_space(byte);
    if written.is_empty() || written.iter().any(special) {
        quote(out, start, true);
    }
    Ok(())
}

/// Names and Rust types: values may be secret.
impl fmt::Debug for CompositeFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(values) => f
                .debug_map()
                .entries(values.iter().map(|(name, value)| (name, value.rust_type())))
                .finish(),
            Self::InOrder(values) => f
                .debug_list()
                .entries(values.iter().copied().map(ToSql::rust_type))
                .finish(),
        }
    }
}
