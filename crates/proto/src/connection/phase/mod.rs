//! The way in: one struct for each state, whose handler consumes it and returns the next.

mod asking;
mod oauth;
mod requested;
mod scram;
mod tls;

use crate::auth::{Nonce, Password};
use crate::buffer::send::SendBuffer;
use crate::error::{ProtocolError, ProtocolErrorKind, UsageError};
use crate::event::{Closed, Event};
use crate::limits::Limits;
use crate::message::backend::authentication::Authentication;
use crate::startup::{AuthMethod, Startup, TlsFacts};

pub(super) use self::asking::{AwaitingPassword, AwaitingToken};
use self::oauth::{OauthDismissed, OauthSent};
pub(super) use self::requested::{Admission, Answered, Authenticated, Requested};
use self::scram::{Deriving, SaslContinue, SaslFinal};
pub(super) use self::tls::{Answer, Direct, Opening, SslRequested, Upgrading};

/// Where a connection stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// `SSLRequest` was sent.
    SslRequested(SslRequested),
    /// TLS begins without being asked for.
    Direct(Direct),
    /// TLS is being established.
    Upgrading(Upgrading),
    /// A `CancelRequest` was sent: the end of the stream is awaited.
    Cancelling(Cancelling),
    /// The server has not said yet what it wants.
    Requested(Requested),
    /// The caller has to give a password.
    AwaitingPassword(AwaitingPassword),
    /// The caller has to give a bearer token.
    AwaitingToken(AwaitingToken),
    /// The first message of SCRAM was sent.
    SaslContinue(SaslContinue),
    /// The keys are being derived.
    Deriving(Deriving),
    /// The proof was sent; the server has to prove itself.
    SaslFinal(SaslFinal),
    /// A bearer token was sent.
    OauthSent(OauthSent),
    /// The bearer token was of no use.
    OauthDismissed(OauthDismissed),
    /// All that was asked for was given.
    Answered(Answered),
    /// Let in; the session is being set up.
    Authenticated(Authenticated),
    /// Open: the queue is the state.
    Open,
    /// The end, which is still to be handed out.
    Ending {
        closed: Closed,
        error: ProtocolError,
    },
    /// What stands here while a handler runs, and what an error then names.
    Handling { state: &'static str },
}

/// Nothing is left to be said by either side.
#[derive(Debug)]
pub(super) struct Cancelling;

/// What a handler may use.
pub(super) struct Context<'a> {
    pub(super) send: &'a mut SendBuffer,
    pub(super) startup: &'a Startup,
    pub(super) tls: Option<&'a TlsFacts>,
    pub(super) nonce: &'a Nonce,
    pub(super) limits: &'a Limits,
}

pub(super) type Next = Result<(Phase, Option<Event>), ProtocolErrorKind>;

impl Phase {
    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Ending { .. })
    }

    pub(super) fn is_authenticated(&self) -> bool {
        matches!(self, Self::Authenticated(_) | Self::Open)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::SslRequested(_) => "SslRequested",
            Self::Direct(_) => "Direct",
            Self::Upgrading(_) => "Upgrading",
            Self::Cancelling(_) => "Cancelling",
            Self::Requested(_) => "Requested",
            Self::AwaitingPassword(_) => "AwaitingPassword",
            Self::AwaitingToken(_) => "AwaitingToken",
            Self::SaslContinue(_) => "SaslContinue",
            Self::Deriving(_) => "Deriving",
            Self::SaslFinal(_) => "SaslFinal",
            Self::OauthSent(_) => "OauthSent",
            Self::OauthDismissed(_) => "OauthDismissed",
            Self::Answered(_) => "Answered",
            Self::Authenticated(_) => "Authenticated",
            Self::Open => "Open",
            Self::Ending { .. } => "Ending",
            Self::Handling { state } => state,
        }
    }

    /// Takes the phase, for a handler that consumes it. What stands in its place has its name, for errors.
    pub(super) fn take(slot: &mut Result<Self, ProtocolError>) -> Result<Self, ProtocolError> {
        let state = slot.as_ref().map_or("Ended", Self::name);
        core::mem::replace(slot, Ok(Self::Handling { state }))
    }

    pub(super) fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
        match self {
            Self::Requested(state) => state.handle(message, context),
            Self::SaslContinue(state) => state.handle(message, context),
            Self::Deriving(state) => state.handle(&message),
            Self::SaslFinal(state) => state.handle(message),
            Self::OauthSent(state) => state.handle(message, context),
            Self::Answered(state) => state.handle(&message),
            Self::SslRequested(_)
            | Self::Direct(_)
            | Self::Upgrading(_)
            | Self::Cancelling(_)
            | Self::AwaitingPassword(_)
            | Self::AwaitingToken(_)
            | Self::OauthDismissed(_)
            | Self::Authenticated(_)
            | Self::Open
            | Self::Ending { .. }
            | Self::Handling { .. } => Err(ProtocolErrorKind::UnexpectedMessage),
        }
    }
}

/// What a message has around its secret, at the most.
const ROOM: usize = 32;

impl<'a> Context<'a> {
    /// `None` when it has to be asked for.
    fn known_password(
        &self,
        method: AuthMethod,
    ) -> Result<Option<&'a Password>, ProtocolErrorKind> {
        match self.password(method) {
            Err(_) if self.startup.password_on_demand => Ok(None),
            known => known.map(Some),
        }
    }

    fn password(&self, method: AuthMethod) -> Result<&'a Password, ProtocolErrorKind> {
        // An empty password is none, as for libpq: a server could not tell it from one.
        let password = self
            .startup
            .password
            .as_ref()
            .filter(|password| !password.is_empty());
        password.ok_or(ProtocolErrorKind::PasswordMissing {
            method: method.name(),
        })
    }

    fn send_secret(
        &mut self,
        length: usize,
        write: impl FnOnce(&mut bytes::BytesMut) -> Result<(), UsageError>,
    ) -> Result<(), ProtocolErrorKind> {
        self.send.mark_secret(length + ROOM);
        write(self.send.bytes_mut()).map_err(ProtocolErrorKind::Misuse)
    }
}
