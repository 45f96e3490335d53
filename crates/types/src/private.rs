//! What derived code needs, and nobody else.

pub use bytes::BytesMut;

use crate::Type;
use crate::composite::can_be_composite;
use crate::error::BoxError;
use crate::impls::invalid;
pub use crate::plan::{fit, no_column, read_plain, refused};

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
