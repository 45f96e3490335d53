//! Why there is nothing to log in with.

use purepg_types::BoxError;

use super::issuer::Shown;
use crate::error::Error;

/// Why there is no password or token: whoever was asked has none, or must not be asked. None of these has a password or a token in its text,
/// unless the error of whoever was asked has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Whoever was asked failed.
    #[error("no {what} could be had: {source}")]
    Callback {
        /// What was asked for.
        what: &'static str,
        /// Why there is none.
        source: BoxError,
    },
    /// Whoever was asked panicked.
    #[error("no {what} could be had: the function that gives it panicked")]
    Panicked {
        /// What was asked for.
        what: &'static str,
    },
    /// What was given is no bearer token.
    #[error("what was given for a bearer token is none: {0}")]
    NoToken(#[source] purepg_proto::UsageError),
    /// What the server says of tokens is not what RFC 7628 has it say.
    #[error("what the server says of bearer tokens is malformed: {reason}")]
    ChallengeMalformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server would take no token, whoever issued it.
    #[error(
        "the server wants no other bearer token: it says \"{}\"",
        Shown(status)
    )]
    Status {
        /// What it says in place of `invalid_token`.
        status: Box<str>,
    },
    /// The server does not say who issues tokens.
    #[error("the server does not say where the issuer of bearer tokens describes itself")]
    DiscoveryMissing,
    /// The server says where the issuer describes itself, and it is no place for that.
    #[error(
        "the server says that the issuer describes itself at \"{}\": {reason}",
        Shown(url)
    )]
    DiscoveryMalformed {
        /// The place.
        url: Box<str>,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The server wants tokens of another issuer than the one that is trusted.
    #[error(
        "the server wants bearer tokens of another issuer, which describes itself at \"{}\": oauth_issuer is \"{}\"",
        Shown(url),
        Shown(issuer)
    )]
    Issuer {
        /// Where that issuer describes itself.
        url: Box<str>,
        /// The one that is trusted.
        issuer: Box<str>,
    },
}

impl From<CredentialsError> for Error {
    fn from(error: CredentialsError) -> Self {
        Self::Credentials(Box::new(error))
    }
}
