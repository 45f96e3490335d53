//! [`DecodeError`]: why a row, or one of its values, cannot be read.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::{BoxError, ValueError, type_name};
use crate::column::Column;

/// Why a row, or one of its values, cannot be read.
///
/// ```
/// use purepg_types::{Column, DecodeErrorKind, Field, Format, Type};
///
/// let column = Column::new("a", Type::INT8, Format::Text);
/// let error = Field::new(&column, Some(b"3000000000")).decode::<i32>().unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::OutOfRange);
/// assert_eq!(error.to_string(), r#"column "a" (int8) cannot be read as i32: 3000000000 does not fit"#);
/// ```
pub struct DecodeError(Box<Inner>);

/// What went wrong, to match on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The value is NULL, and the Rust type has no place for it.
    Null,
    /// The Rust type is not one for the column's type.
    WrongType,
    /// The value does not fit into the Rust type.
    OutOfRange,
    /// The bytes are not a value of the column's type, or the Rust type refuses the value.
    Invalid,
    /// The Rust type cannot be read from this format.
    Unsupported,
    /// The row has more or fewer columns than the Rust type takes.
    ColumnCount,
    /// The row has no such column.
    NoSuchColumn,
    /// The row itself is not well-formed, so that its fields cannot be told apart.
    Malformed,
}

struct Inner {
    kind: DecodeErrorKind,
    column: Option<Box<str>>,
    type_name: Option<Box<str>>,
    rust_type: Option<&'static str>,
    reason: BoxError,
}

impl DecodeError {
    /// A value of this column cannot be read as this Rust type. A reason that is a [`ValueError`]
    /// decides the kind; any other makes it [`DecodeErrorKind::Invalid`].
    #[cold]
    pub fn new(column: &Column, rust_type: &'static str, reason: BoxError) -> Self {
        let kind = match reason.downcast_ref() {
            Some(ValueError::Null) => DecodeErrorKind::Null,
            Some(ValueError::WrongType) => DecodeErrorKind::WrongType,
            Some(ValueError::OutOfRange(_)) => DecodeErrorKind::OutOfRange,
            Some(ValueError::Unsupported(_)) => DecodeErrorKind::Unsupported,
            Some(ValueError::Invalid(_)) | None => DecodeErrorKind::Invalid,
        };
        Self(Box::new(Inner {
            kind,
            column: Some(column.name().into()),
            type_name: Some(column.ty().to_string().into()),
            rust_type: Some(rust_type),
            reason,
        }))
    }

    /// A row of `actual` columns cannot be read as a `T`, which takes `expected`.
    #[cold]
    pub fn column_count<T>(actual: usize, expected: usize) -> Self {
        let plural = if actual == 1 { "" } else { "s" };
        Self::of_row(
            DecodeErrorKind::ColumnCount,
            Some(std::any::type_name::<T>()),
            format!("the row has {actual} column{plural}, and {expected} are read from it").into(),
        )
    }

    /// The row has no such column: which one was asked for, and what there is.
    #[cold]
    pub fn no_such_column(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of_row(DecodeErrorKind::NoSuchColumn, None, reason.into())
    }

    /// The row is not well-formed: what is wrong with it.
    #[cold]
    pub fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of_row(DecodeErrorKind::Malformed, None, reason.into())
    }

    fn of_row(
        kind: DecodeErrorKind,
        rust_type: Option<&'static str>,
        reason: Cow<'static, str>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            column: None,
            type_name: None,
            rust_type,
            reason: Box::new(ValueError::Invalid(reason)),
        }))
    }

    /// What went wrong.
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// The name of the column; `None` when it is the row that cannot be read.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The PostgreSQL type of the column.
    pub fn type_name(&self) -> Option<&str> {
        self.0.type_name.as_deref()
    }

    /// The Rust type that was asked for, with its path.
    pub fn rust_type(&self) -> Option<&'static str> {
        self.0.rust_type
    }

    /// What the conversion said: a [`ValueError`], or the error of an own
    /// [`FromSql`](crate::FromSql). Its text is part of this error's text.
    pub fn reason(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.reason
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match (&inner.column, &inner.type_name, inner.rust_type) {
            // The name is the server's: escaped, so that it cannot break out of its line.
            (Some(column), Some(ty), Some(rust_type)) => write!(
                f,
                "column {column:?} ({}) cannot be read as {}: ",
                type_name::Inert(ty),
                type_name::short(rust_type)
            )?,
            (_, _, Some(rust_type)) => write!(
                f,
                "a row cannot be read as {}: ",
                type_name::short(rust_type)
            )?,
            _ => f.write_str("the row cannot be read: ")?,
        }
        inner.reason.fmt(f)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError")
            .field("kind", &self.0.kind)
            .field("column", &self.0.column)
            .field("type_name", &self.0.type_name)
            .field("rust_type", &self.0.rust_type)
            .field("reason", &self.0.reason)
            .finish()
    }
}

impl Error for DecodeError {
    /// What is behind the reason, which is in this error's own text.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.reason.source()
    }
}
