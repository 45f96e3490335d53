//! [`Converter`]: how values of a type become a [`Value`], for those who register one.

use std::fmt;
use std::sync::Arc;

use crate::column::Format;
use crate::error::BoxError;
use crate::{Type, Value};

type Read = dyn Fn(&Type, &[u8], Format) -> Result<Value, BoxError> + Send + Sync;

/// How values of a type become a [`Value`]: a function, and the format that it wants to be given.
///
/// It serves every [`Value`] of the type that is read, wherever it stands: a column, an element of an array of any sort (`Vec<Value>` included), a
/// bound of a range, a field of a composite type, a member of an anonymous `record`, a field of a derived type. A converter that wants the
/// binary format also decides what a type that is not built in, and comes in it for that reason, is as a `String`.
///
/// Other types of Rust do not ask it: they read what the server sent, as they do without it. A type of one's own implements
/// [`FromSql`](crate::FromSql) and needs no converter.
#[derive(Clone)]
pub struct Converter {
    format: Format,
    read: Arc<Read>,
}

impl Converter {
    /// A function of the type, the bytes of a value, and the format in which these are: mostly the one that is asked for here, but what is
    /// part of other values comes as they do.
    pub fn new(
        format: Format,
        read: impl Fn(&Type, &[u8], Format) -> Result<Value, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            format,
            read: Arc::new(read),
        }
    }

    /// The format in which results of the type are asked for.
    pub fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn read(&self, ty: &Type, raw: &[u8], format: Format) -> Result<Value, BoxError> {
        (self.read)(ty, raw, format)
    }
}

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converter")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
