//! `Query` (`Q`): the whole simple protocol.

use bytes::BytesMut;

use crate::error::UsageError;
use crate::wire::writer::{c_string, frame};

/// A string of any number of statements.
pub(crate) fn write(out: &mut BytesMut, sql: &str) -> Result<(), UsageError> {
    frame(out, b'Q', |out| c_string(out, "query", sql))
}
