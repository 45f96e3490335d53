//! Rows: lent from the batch they arrived in, or kept.

mod batch;
mod row;

pub use batch::{RowBatch, RowBatchIter};
pub use row::{FieldError, Fields, Row, RowRef};
