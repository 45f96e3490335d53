//! Composite values, field by field: what `#[derive(FromSql, ToSql)]` and types of one's own are made with.

mod dynamic;
mod read;
mod write;

pub use dynamic::Composite;
pub(crate) use read::can_be_composite;
pub use read::{CompositeField, CompositeReader};
pub use write::CompositeFields;
pub(crate) use write::write_field;

#[cfg(test)]
mod tests;
