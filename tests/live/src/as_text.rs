//! The text format where the binary one would do.

use std::fmt;

use bytes::BytesMut;
use purepg_conn::{BoxError, IsNull, ToSql, Type};

/// A value that is sent in the text format, though it could be sent in binary.
pub struct AsText<'a>(pub &'a dyn ToSql);

impl fmt::Debug for AsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsText").finish_non_exhaustive()
    }
}

impl ToSql for AsText<'_> {
    fn accepts(&self, ty: &Type) -> bool {
        self.0.accepts(ty)
    }

    fn supports_binary(&self, _: &Type) -> bool {
        false
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.0.to_text(ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.0.to_text(ty, out)
    }
}
