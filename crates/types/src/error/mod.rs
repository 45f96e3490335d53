//! What can go wrong between a Rust value and its bytes.

mod decode;
mod encode;
mod type_name;

use std::borrow::Cow;

pub use decode::{DecodeError, DecodeErrorKind};
pub use encode::{EncodeError, EncodeErrorKind};

use crate::ty::Type;

/// An error of any type, as the conversion traits return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why one value cannot be converted.
///
/// Implementations of [`FromSql`](crate::FromSql) and [`ToSql`](crate::ToSql) return it, boxed, for
/// the failures that have a name here. The text is the last part of the message that a user sees.
/// That of a parameter must not contain its value, which may be a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The value is NULL, and the Rust type has no place for it.
    #[error("it is NULL, which only an Option takes")]
    Null,
    /// The Rust type is not one for this PostgreSQL type.
    #[error("the types do not match")]
    WrongType,
    /// What is named here does not fit into the type that it is to become.
    #[error("{0} does not fit")]
    OutOfRange(Cow<'static, str>),
    /// The bytes, or the value, are not what the type allows: why.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// The conversion exists, but not in this format: why.
    #[error("{0}")]
    Unsupported(Cow<'static, str>),
}

impl ValueError {
    /// Why a Rust type and this one do not go together.
    #[cold]
    pub(crate) fn refusal(ty: &Type) -> Self {
        if *ty == Type::MONEY {
            return Self::Unsupported(
                "how many digits money has behind its point is a setting of the server's: cast it to numeric, or use a string".into(),
            );
        }
        Self::WrongType
    }
}
