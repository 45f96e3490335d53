//! [`EncodeError`]: why a parameter cannot be written.

use std::error::Error;
use std::fmt;

use super::{BoxError, ValueError, type_name};
use crate::ty::Type;

/// Why a parameter cannot be written. Its text names the parameter and both types, never the value.
pub struct EncodeError(Box<Inner>);

/// What went wrong, to match on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The Rust type is not one for the parameter's type.
    WrongType,
    /// The value does not fit into the parameter's type, or into a message.
    OutOfRange,
    /// The value is not one that PostgreSQL can take.
    Invalid,
    /// The value cannot be written in this format.
    Unsupported,
}

struct Inner {
    kind: EncodeErrorKind,
    index: usize,
    name: Option<Box<str>>,
    type_name: Box<str>,
    rust_type: &'static str,
    reason: BoxError,
}

impl EncodeError {
    /// The parameter at this index, counted from 0, cannot be written. A reason that is a
    /// [`ValueError`] decides the kind; any other makes it [`EncodeErrorKind::Invalid`].
    #[cold]
    pub fn new(index: usize, ty: &Type, rust_type: &'static str, reason: BoxError) -> Self {
        let kind = match reason.downcast_ref() {
            Some(ValueError::WrongType) => EncodeErrorKind::WrongType,
            Some(ValueError::OutOfRange(_)) => EncodeErrorKind::OutOfRange,
            Some(ValueError::Unsupported(_)) => EncodeErrorKind::Unsupported,
            Some(ValueError::Null | ValueError::Invalid(_)) | None => EncodeErrorKind::Invalid,
        };
        Self(Box::new(Inner {
            kind,
            index,
            name: None,
            type_name: ty.to_string().into(),
            rust_type,
            reason,
        }))
    }

    /// The same error of a parameter that the statement calls by this name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> EncodeErrorKind {
        self.0.kind
    }

    /// Which parameter it is, counted from 0: that of `$index + 1`.
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// The name of the parameter, without the colon, where the statement calls it by one.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The PostgreSQL type of the parameter.
    pub fn type_name(&self) -> &str {
        &self.0.type_name
    }

    /// The Rust type of the value, with its path.
    pub fn rust_type(&self) -> &'static str {
        self.0.rust_type
    }

    /// What the conversion said: a [`ValueError`], or the error of an own [`ToSql`](crate::ToSql).
    /// Its text is part of this error's text.
    pub fn reason(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.reason
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.name {
            Some(name) => write!(f, "parameter :{name}")?,
            None => write!(f, "parameter ${}", self.0.index.saturating_add(1))?,
        }
        write!(
            f,
            " ({}) cannot be written from {}: {}",
            type_name::Inert(&self.0.type_name),
            type_name::short(self.0.rust_type),
            self.0.reason
        )
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodeError")
            .field("kind", &self.0.kind)
            .field("index", &self.0.index)
            .field("name", &self.0.name)
            .field("type_name", &self.0.type_name)
            .field("rust_type", &self.0.rust_type)
            .field("reason", &self.0.reason)
            .finish()
    }
}

impl Error for EncodeError {
    /// What is behind the reason, which is in this error's own text.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.reason.source()
    }
}
