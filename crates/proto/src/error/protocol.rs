//! What ended a connection for good.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use thiserror::Error;

use crate::auth::ScramError;
use crate::error::UsageError;
use crate::message::backend::negotiate_protocol_version::NegotiationError;

/// Why a connection cannot go on. It is sticky: every later call meets the same error.
#[derive(Clone, PartialEq, Eq, Error)]
pub struct ProtocolError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ProtocolErrorKind,
    tag: Option<u8>,
    state: &'static str,
}

/// What exactly went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtocolErrorKind {
    /// A message type that the protocol does not know.
    #[error("a message of an unknown type")]
    UnknownMessage,
    /// A message that must not come in this state.
    #[error("a message that must not come now")]
    UnexpectedMessage,
    /// A message whose body is not what its type promises.
    #[error("a malformed message: expected {expected}")]
    Malformed {
        /// What should have stood there.
        expected: &'static str,
    },
    /// A length word below 4: it counts itself.
    #[error("a message that declares a length of {declared}")]
    BadLength {
        /// The word.
        declared: i32,
    },
    /// More than [`Limits`](crate::Limits) allow.
    #[error("{found}, more than the limit `{limit}` of {allowed}")]
    LimitExceeded {
        /// The field of `Limits`.
        limit: &'static str,
        /// What came.
        found: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// A row with another number of columns than was described.
    #[error("a row of {found} columns where {expected} were described")]
    ColumnCount {
        /// Columns described.
        expected: usize,
        /// Columns of the row.
        found: usize,
    },
    /// A row of a statement that was not described to have any.
    #[error("a row before any description of its columns")]
    UndescribedRow,
    /// The stream ended without a farewell.
    #[error("the server closed the connection unexpectedly{}", if *within_message { ", amid a message" } else { "" })]
    UnexpectedEof {
        /// In the middle of a message.
        within_message: bool,
    },
    /// The connection is over; the event `Closed` told why.
    #[error("the connection has ended")]
    Ended,
    /// The server has no TLS, and it is required.
    #[error("the server does not do TLS, which is required")]
    TlsRefused,
    /// The server answered the request for TLS with an error. Its text is not shown, since nobody vouches for who wrote it. Who may do without
    /// TLS can try so over another connection.
    #[error("the server answered the request for TLS with an error")]
    TlsRequestFailed,
    /// The server answered the request for TLS with a byte that means nothing, or before it was sent.
    #[error("the server answered the request for TLS with something that is no answer")]
    TlsAnswerUnknown,
    /// Direct TLS in which the server did not choose `postgresql` by ALPN: it may be a server of another protocol.
    #[error("TLS without an ALPN protocol, which a server of direct TLS has to choose")]
    AlpnMissing,
    /// TLS in which the server chose another protocol than `postgresql` by ALPN.
    #[error("TLS for another ALPN protocol than `postgresql`")]
    AlpnMismatch,
    /// Channel binding is required, and the connection has nothing to bind to. Nothing was sent through it.
    #[error("channel binding is required, but {reason}")]
    ChannelBindingUnavailable {
        /// What is missing.
        reason: &'static str,
    },
    /// Channel binding is required, and the server asks for a method without it. No credential was sent.
    #[error("channel binding is required, but the server asks for `{method}` without it")]
    ChannelBindingRequired {
        /// The method that the server asked for, as `require_auth` names it.
        method: &'static str,
    },
    /// The server negotiates the version of the protocol in a way that no server does, or to one that is not acceptable.
    #[error("negotiation of the protocol version: {0}")]
    Negotiation(NegotiationError),
    /// Something came behind a cancel request, which has no answer. It is not shown; whether anything was cancelled is unknown.
    #[error("the server answered a cancel request, which has no answer")]
    CancelAnswered,
    /// The server wants a password and none was given.
    #[error("the server asks for a password ({method}), and none was given")]
    PasswordMissing {
        /// The method that the server asked for.
        method: &'static str,
    },
    /// The server wants a bearer token and none was given.
    #[error("the server asks for a bearer token (oauth), and none was given")]
    BearerTokenMissing,
    /// The server asks for a method that `require_auth`, or the default policy, does not allow on a connection like this one.
    #[error("the server asks for the authentication method `{method}`, which is not allowed here")]
    MethodNotAllowed {
        /// The method that the server asked for, as `require_auth` names it.
        method: &'static str,
    },
    /// The server asks for a method that is not implemented.
    #[error("the server asks for an authentication method that is not supported: {method}")]
    MethodUnsupported {
        /// What the server asked for.
        method: String,
    },
    /// `AuthenticationOk` before the server has proved that it knows the password.
    #[error("the server let us in before it had proved that it knows the password")]
    AuthenticationIncomplete,
    /// The password is not ASCII, and this build cannot prepare it (feature `std`).
    #[error("the password is not ASCII, and this build has no SASLprep")]
    PasswordNotAscii,
    /// The SCRAM exchange failed.
    #[error("SCRAM: {0}")]
    Scram(ScramError),
    /// A call that left nobody knowing what was transferred. The caller is to blame.
    #[error("misuse: {0}")]
    Misuse(UsageError),
}

impl ProtocolError {
    pub(crate) fn new(kind: ProtocolErrorKind, tag: Option<u8>, state: &'static str) -> Self {
        Self(Box::new(Inner { kind, tag, state }))
    }

    /// What went wrong.
    pub fn kind(&self) -> &ProtocolErrorKind {
        &self.0.kind
    }

    /// The type byte of the message that was at fault, if one was.
    pub fn tag(&self) -> Option<u8> {
        self.0.tag
    }

    /// The state that it met: what the server owed, or the step of the start-up.
    pub fn state(&self) -> &'static str {
        self.0.state
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, tag, state } = &*self.0;
        write!(f, "{kind} (")?;
        if let Some(tag) = tag {
            write!(f, "message type '{}', ", tag.escape_ascii())?;
        }
        write!(f, "state {state})")
    }
}

impl fmt::Debug for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, tag, state } = &*self.0;
        let tag = tag.map(char::from);
        f.debug_struct("ProtocolError")
            .field("kind", kind)
            .field("tag", &tag)
            .field("state", state)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn it_names_the_message_and_the_state() {
        let error = ProtocolError::new(ProtocolErrorKind::UnexpectedMessage, Some(b'D'), "Sync");
        assert_eq!(
            format!("{error}"),
            "a message that must not come now (message type 'D', state Sync)"
        );
        assert_eq!((error.tag(), error.state()), (Some(b'D'), "Sync"));
    }
}
