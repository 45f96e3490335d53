//! Errors, by who is to blame: the peer ([`ProtocolError`]), the caller ([`UsageError`]). What a server reports is data:
//! [`ServerError`](crate::ServerError).

mod protocol;
mod usage;

pub use protocol::{ProtocolError, ProtocolErrorKind};
pub use usage::UsageError;
