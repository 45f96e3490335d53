//! The arithmetic of authentication: what a client answers, given what the server sent.
//!
//! MD5 (protocol chapter, "Password Authentication"); SCRAM-SHA-256 with channel binding and without (RFC 5802, RFC 5929, RFC 7677) and
//! OAUTHBEARER (RFC 7628), both in the protocol chapter "SASL Authentication". Nothing here reads a socket, a clock or a source of
//! randomness, and nothing here decides which method is allowed: that is the state machine's.

mod attributes;
mod derive;
mod error;
mod mac;
mod md5;
mod nonce;
mod oauth;
mod password;
mod saslprep;
mod scram;

pub use self::derive::{DeriveKey, ScramKeys};
pub use self::error::ScramError;
pub use self::nonce::Nonce;
pub use self::oauth::{BearerToken, OauthChallenge};
pub use self::password::Password;

pub(crate) use self::md5::md5_response;
pub(crate) use self::oauth::{DISMISSED, initial_response};
pub(crate) use self::scram::{Binding, ClientFirst, ScramLimits, ServerFinal, ServerFirst};
