//! The messages of the start-up, taken one at a time.

use crate::auth::{BearerToken, Password, ScramKeys};
use crate::connection::Connection;
use crate::connection::frames::Taken;
use crate::connection::phase::{Context, Next, Phase};
use crate::error::{ProtocolErrorKind, UsageError};
use crate::event::{Closed, Event, StartupEvent, Unsolicited};
use crate::message::backend::authentication::Authentication;
use crate::message::backend::backend_key_data::CancelKey;
use crate::message::backend::negotiate_protocol_version::{
    NegotiateProtocolVersion, NegotiationError,
};
use crate::message::backend::parameter_status::ParameterChange;
use crate::message::backend::ready_for_query::TransactionStatus;
use crate::message::backend::response::{Notice, ServerError};
use crate::message::backend::tag::Tag;
use crate::message::frontend::extended;
use crate::startup::Oauth;
use crate::wire::frame::HEADER;
use crate::wire::reader::Malformed;

impl Connection {
    /// Takes the message at the front, whose frame has `len` bytes, while the connection is not open.
    pub(super) fn take_startup(&mut self, len: usize) -> Result<Taken, ProtocolErrorKind> {
        let frame = self.receive.data();
        let tag = frame.first().copied().and_then(Tag::from_byte);
        let body = frame.get(HEADER..len).unwrap_or_default();
        let event = match tag {
            Some(Tag::Error) => {
                // Whatever its severity: a server that refuses somebody closes the connection.
                let error = ServerError::decode(body).map_err(malformed)?;
                self.receive.consume(len);
                let ended = self.error(ProtocolErrorKind::Ended, None);
                self.end(Closed::Fatal(error), ended);
                return Ok(Taken::Nothing);
            }
            Some(Tag::Authentication) => {
                let message = Authentication::decode(body).map_err(malformed)?;
                let phase = Phase::take(&mut self.phase).map_err(|_| ProtocolErrorKind::Ended)?;
                let mut context = Context {
                    send: &mut self.send,
                    startup: &self.startup,
                    tls: self.entry.tls.as_ref(),
                    nonce: &self.nonce,
                    limits: &self.limits,
                };
                let (phase, event) = phase.handle(message, &mut context)?;
                if let Phase::Authenticated(authenticated) = &phase {
                    self.entry.admission = Some(authenticated.admission);
                }
                self.phase = Ok(phase);
                event
            }
            Some(Tag::NegotiateProtocolVersion) => {
                let message = NegotiateProtocolVersion::decode(body).map_err(malformed)?;
                self.negotiate(&message)?;
                None
            }
            Some(tag) if matches!(self.phase, Ok(Phase::Authenticated(_))) => match tag {
                Tag::ParameterStatus => {
                    let change = ParameterChange::decode(body).map_err(malformed)?;
                    self.receive.consume(len);
                    self.set_parameter(&change)?;
                    return Ok(Taken::Nothing);
                }
                Tag::BackendKeyData => {
                    self.cancel_key =
                        Some(CancelKey::decode(body, self.entry.version).map_err(malformed)?);
                    None
                }
                Tag::Notice => {
                    let notice = Notice::decode(body).map_err(malformed)?;
                    Some(Event::Unsolicited(Unsolicited::Notice(notice)))
                }
                Tag::ReadyForQuery => {
                    self.transaction_status = TransactionStatus::decode(body).map_err(malformed)?;
                    self.phase = Ok(Phase::Open);
                    self.startup.forget_secrets();
                    self.send.messages_follow();
                    if self.terminating {
                        extended::write_terminate(self.send.bytes_mut());
                    }
                    Some(Event::Startup(StartupEvent::Ready))
                }
                _ => return Err(ProtocolErrorKind::UnexpectedMessage),
            },
            _ => return Err(ProtocolErrorKind::UnexpectedMessage),
        };
        self.receive.consume(len);
        Ok(event.map_or(Taken::Nothing, Taken::Event))
    }

    /// The server is older than what was asked for.
    fn negotiate(&mut self, message: &NegotiateProtocolVersion) -> Result<(), ProtocolErrorKind> {
        let Ok(Phase::Requested(state)) = &mut self.phase else {
            return Err(ProtocolErrorKind::UnexpectedMessage);
        };
        let startup = &self.startup;
        let version = if state.negotiated {
            Err(NegotiationError::Repeated)
        } else {
            message.accept(startup.max_version, startup.min_version)
        };
        self.entry.version = version.map_err(ProtocolErrorKind::Negotiation)?;
        state.negotiated = true;
        Ok(())
    }

    /// Takes the keys that a derivation gave.
    ///
    /// # Errors
    /// [`UsageError::NoDerivation`] when none is awaited, [`UsageError::WrongKeys`] for keys that were derived for something else.
    pub fn key_derived(&mut self, keys: ScramKeys) -> Result<(), UsageError> {
        self.forget_batch();
        match &self.phase {
            Ok(Phase::Deriving(deriving)) if deriving.fitting(Some(&keys)).is_none() => {
                return Err(UsageError::WrongKeys);
            }
            Ok(Phase::Deriving(_)) => {}
            _ => return Err(UsageError::NoDerivation),
        }
        if let Ok(Phase::Deriving(deriving)) = Phase::take(&mut self.phase) {
            match deriving.prove(&keys, &mut self.send) {
                Ok(phase) => self.phase = Ok(phase),
                Err(kind) => self.end_broken(kind, None),
            }
        }
        Ok(())
    }

    /// Takes the password that was asked for. An empty one is none, and ends the connection as one that was not given.
    ///
    /// # Errors
    /// [`UsageError::NotAskedFor`] when none was asked for.
    pub fn password_given(&mut self, password: impl Into<Password>) -> Result<(), UsageError> {
        self.forget_batch();
        match Phase::take(&mut self.phase) {
            Ok(Phase::AwaitingPassword(awaiting)) => {
                self.startup.password = Some(password.into());
                self.carry_on(|context| awaiting.given(context));
                Ok(())
            }
            other => {
                self.phase = other;
                Err(UsageError::NotAskedFor { what: "password" })
            }
        }
    }

    /// Takes the bearer token that was asked for.
    ///
    /// # Errors
    /// [`UsageError::NotAskedFor`] when none was asked for.
    pub fn token_given(&mut self, token: BearerToken) -> Result<(), UsageError> {
        self.forget_batch();
        match Phase::take(&mut self.phase) {
            Ok(Phase::AwaitingToken(awaiting)) => {
                self.startup.oauth = Some(Oauth::Token(token));
                self.carry_on(|context| awaiting.given(context));
                Ok(())
            }
            other => {
                self.phase = other;
                let what = "bearer token";
                Err(UsageError::NotAskedFor { what })
            }
        }
    }

    fn carry_on(&mut self, handle: impl FnOnce(&mut Context<'_>) -> Next) {
        let mut context = Context {
            send: &mut self.send,
            startup: &self.startup,
            tls: self.entry.tls.as_ref(),
            nonce: &self.nonce,
            limits: &self.limits,
        };
        match handle(&mut context) {
            // What was asked for is there, so nothing is asked for again.
            Ok((phase, _)) => self.phase = Ok(phase),
            Err(kind) => self.end_broken(kind, None),
        }
    }

    pub(super) fn set_parameter(
        &mut self,
        change: &ParameterChange,
    ) -> Result<(), ProtocolErrorKind> {
        let exceeded = |limit, found, allowed| {
            Err(ProtocolErrorKind::LimitExceeded {
                limit,
                found,
                allowed,
            })
        };
        let size = change.name().len() + change.value().len();
        if size > self.limits.max_server_parameter {
            return exceeded(
                "max_server_parameter",
                size,
                self.limits.max_server_parameter,
            );
        }
        let known = self.parameters.get(change.name()).is_some();
        let count = self.parameters.len();
        if !known && count >= self.limits.max_server_parameters {
            return exceeded(
                "max_server_parameters",
                count + 1,
                self.limits.max_server_parameters,
            );
        }
        self.parameters.set(change.name(), change.value());
        Ok(())
    }
}

pub(super) fn malformed(Malformed(expected): Malformed) -> ProtocolErrorKind {
    ProtocolErrorKind::Malformed { expected }
}
