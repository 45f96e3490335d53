//! [`Composite`]: a composite value whose type is not known beforehand.

use bytes::BytesMut;

use super::{CompositeFields, CompositeReader, can_be_composite};
use crate::column::Format;
use crate::error::BoxError;
use crate::{FromSql, IsNull, ToSql, Type, Value};

/// A value of a composite type, or a `record`.
///
/// A type of one's own with `#[derive(FromSql, ToSql)]`, or a [`CompositeReader`], knows the types of the fields beforehand.
///
/// ```
/// use purepg_types::{Composite, Value};
///
/// let value = Composite::new([Value::Int4(1), Value::from("a b"), Value::Null]);
/// assert_eq!(value.to_string(), "(1,\"a b\",)");
/// assert_eq!(value.values().len(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Composite {
    ty: Option<Type>,
    values: Vec<Value>,
}

impl Composite {
    /// A value of fields without names, for a type that has them in this order.
    pub fn new(values: impl Into<Vec<Value>>) -> Self {
        Self {
            ty: None,
            values: values.into(),
        }
    }

    /// Its type; `None` for one that was made of values alone.
    pub fn ty(&self) -> Option<&Type> {
        self.ty.as_ref()
    }

    /// The fields, in the order in which the type has them.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The same, to keep.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// The name of the field at this place; `None` in a `record`, and where nothing is known of the type.
    pub fn name(&self, place: usize) -> Option<&str> {
        let field = self.ty.as_ref()?.fields().get(place)?;
        Some(field.name())
    }

    /// The field with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let fields = self.ty.as_ref()?.fields();
        let place = fields.iter().position(|field| field.name() == name)?;
        self.values.get(place)
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True for a value without fields.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn with_fields<R>(&self, then: impl FnOnce(CompositeFields<'_>) -> R) -> R {
        let list: Vec<&dyn ToSql> = self
            .values
            .iter()
            .map(|value| value as &dyn ToSql)
            .collect();
        then(CompositeFields::InOrder(&list))
    }

    fn read(ty: &Type, raw: &[u8], format: Format) -> Result<Self, BoxError> {
        let mut values = Vec::new();
        for field in CompositeReader::new(ty, raw, format)? {
            values.push(field?.decode()?);
        }
        Ok(Self {
            ty: Some(ty.underlying().clone()),
            values,
        })
    }
}

/// By their values: a `record` has no type to compare.
impl PartialEq for Composite {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<'a> FromSql<'a> for Composite {
    fn accepts(ty: &Type) -> bool {
        can_be_composite(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Self::read(ty, raw, Format::Binary)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Self::read(ty, raw, Format::Text)
    }
}

impl ToSql for Composite {
    fn accepts(&self, ty: &Type) -> bool {
        self.with_fields(|fields| fields.accepts(ty))
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        self.with_fields(|fields| fields.supports_binary(ty))
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.with_fields(|fields| fields.to_binary(ty, out))
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.with_fields(|fields| fields.to_text(ty, out))
    }
}
