//! The messages of the start-up, taken one at a time.

use alloc::vec::Vec;

use crate::auth::ScramKeys;
use crate::connection::Connection;
use crate::connection::frames::Taken;
use crate::connection::phase::{Context, Phase};
use crate::error::{ProtocolErrorKind, UsageError};
use crate::event::{Closed, Event, StartupEvent, Unsolicited};
use crate::message::backend::authentication::Authentication;
use crate::message::backend::backend_key_data::CancelKey;
use crate::message::backend::parameter_status::ParameterChange;
use crate::message::backend::ready_for_query::TransactionStatus;
use crate::message::backend::response::{Notice, ServerError};
use crate::message::backend::tag::Tag;
use crate::message::frontend::extended;
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
                let state = self.phase.as_ref().map_or("Ended", Phase::name);
                let phase = core::mem::replace(&mut self.phase, Ok(Phase::Handling { state }))
                    .map_err(|_| ProtocolErrorKind::Ended)?;
                let mut context = Context {
                    send: &mut self.send,
                    startup: &self.startup,
                    nonce: &self.nonce,
                    limits: &self.limits,
                };
                let (phase, event) = phase.handle(message, &mut context)?;
                self.phase = Ok(phase);
                event
            }
            Some(tag) if matches!(self.phase, Ok(Phase::Authenticated(_))) => match tag {
                Tag::ParameterStatus => {
                    let change = ParameterChange::decode(body).map_err(malformed)?;
                    self.receive.consume(len);
                    self.set_parameter(&change)?;
                    return Ok(Taken::Nothing);
                }
                Tag::BackendKeyData => {
                    self.cancel_key = Some(CancelKey::decode(body).map_err(malformed)?);
                    None
                }
                Tag::Notice => {
                    let notice = Notice::decode(body).map_err(malformed)?;
                    Some(Event::Unsolicited(Unsolicited::Notice(notice)))
                }
                Tag::ReadyForQuery => {
                    self.transaction_status = TransactionStatus::decode(body).map_err(malformed)?;
                    self.phase = Ok(Phase::Open);
                    self.forget_secrets();
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

    pub(super) fn continue_with_keys(&mut self, keys: &ScramKeys) -> Result<(), UsageError> {
        match &self.phase {
            Ok(Phase::Deriving(deriving)) if deriving.fitting(Some(keys)).is_none() => {
                return Err(UsageError::WrongKeys);
            }
            Ok(Phase::Deriving(_)) => {}
            _ => return Err(UsageError::NoDerivation),
        }
        let handling = Ok(Phase::Handling { state: "Deriving" });
        if let Ok(Phase::Deriving(deriving)) = core::mem::replace(&mut self.phase, handling) {
            match deriving.prove(keys, &mut self.send) {
                Ok(phase) => self.phase = Ok(phase),
                Err(kind) => self.end_broken(kind, None),
            }
        }
        Ok(())
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

    /// What let us in is of no use any more.
    fn forget_secrets(&mut self) {
        self.startup.password = None;
        self.startup.keys = None;
        self.startup.parameters = Vec::new();
    }
}

pub(super) fn malformed(Malformed(expected): Malformed) -> ProtocolErrorKind {
    ProtocolErrorKind::Malformed { expected }
}
