//! What derived code needs, and nobody else.

pub use bytes::BytesMut;

use crate::composite::can_be_composite;
use crate::error::{BoxError, DecodeError};
use crate::impls::invalid;
use crate::{Column, Field, Fields, Type};

/// Fields that were read already, for a struct that reads them again.
#[derive(Debug)]
pub struct FieldList<'l, 'r> {
    columns: &'r [Column],
    fields: std::slice::Iter<'l, Field<'r>>,
}

impl<'l, 'r> FieldList<'l, 'r> {
    /// The fields of a row of these columns.
    pub fn new(columns: &'r [Column], fields: &'l [Field<'r>]) -> Self {
        Self {
            columns,
            fields: fields.iter(),
        }
    }
}

impl<'r> Fields<'r> for FieldList<'_, 'r> {
    fn columns(&self) -> &'r [Column] {
        self.columns
    }

    fn next_field(&mut self) -> Result<Field<'r>, DecodeError> {
        let field = self.fields.next().copied();
        field.ok_or_else(|| DecodeError::malformed("it has no further field"))
    }
}

/// A field has no column.
#[cold]
pub fn no_column(name: &str) -> DecodeError {
    DecodeError::no_such_column(format!("there is no column {name:?}"))
}

/// An enum has no such variant.
#[cold]
pub fn unknown_label(label: &str) -> BoxError {
    invalid(format!("no variant has the label {label:?}"))
}

/// A composite type lacks a field.
#[cold]
pub fn no_field(name: &str) -> BoxError {
    invalid(format!("there is no field {name:?}"))
}

/// A record has more fields than the struct.
#[cold]
pub fn too_many_fields() -> BoxError {
    invalid("it has more fields than the struct")
}

/// A field of a struct: its name, unless it goes by its place; whether it may be missing; and what it can be read from.
type Expected<'a> = (Option<&'a str>, bool, fn(&Type) -> bool);

/// Whether the type has these fields. One of which nothing is known may have them.
pub fn is_composite_of(ty: &Type, expected: &[Expected<'_>]) -> bool {
    let fields = ty.underlying().fields();
    if !can_be_composite(ty.underlying()) {
        return false;
    }
    let in_order = expected.iter().all(|(name, ..)| name.is_none());
    if fields.is_empty() {
        return true;
    }
    if in_order && fields.len() != expected.len() {
        return false;
    }
    expected
        .iter()
        .enumerate()
        .all(|(place, (name, may_lack, accepts))| {
            let field = match name {
                Some(name) => fields.iter().find(|field| field.name() == *name),
                None => fields.get(place),
            };
            field.map_or(*may_lack, |field| accepts(field.ty().underlying()))
        })
}
