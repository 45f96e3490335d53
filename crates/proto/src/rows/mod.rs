//! Rows: lent from the batch they arrived in, or kept.

mod batch;
mod described;
mod row;

pub(crate) use described::Described;

pub use batch::{RowBatch, RowBatchIter, RowPlace};
pub use row::{FieldError, Fields, Row, RowRef};
