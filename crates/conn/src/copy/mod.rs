//! COPY in both directions: bytes, rows in the binary format, and the escapes of the text format.

mod copy_in;
mod copy_out;
mod feed;
pub(crate) mod fuzzing;
mod rows_in;
mod rows_out;
mod sink;
mod source;
pub mod text;
mod tuples;

pub use copy_in::CopyIn;
pub use copy_out::CopyOut;
pub use rows_in::CopyInRows;
pub use rows_out::{CopyOutRows, CopyRow};
