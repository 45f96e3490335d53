//! Composite values, field by field: what `#[derive(FromSql, ToSql)]` and types of one's own are made with.

mod read;
mod write;

pub use read::{CompositeField, CompositeReader};
pub use write::CompositeFields;

#[cfg(test)]
mod tests;
