//! TLS, as far as the core is concerned: it asks for it, and somebody else does it.

use crate::connection::Connection;
use crate::connection::frames::{Broken, Taken};
use crate::connection::phase::{Answer, Direct, Opening, Phase, SslRequested};
use crate::error::{ProtocolErrorKind, UsageError};
use crate::event::{Event, StartupEvent};
use crate::message::frontend::ssl_request::SSL_REQUEST;
use crate::startup::{TlsFacts, TlsRequest};

impl Connection {
    /// Tells that the stream is one of TLS now, as [`StartupEvent::UpgradeToTls`] asked for; what comes from here on came through it. The
    /// connection ends with an error of the protocol if the server chose what it must not (ALPN), or if there is nothing to bind to and
    /// [`ChannelBinding::Require`](crate::ChannelBinding::Require) wants it.
    ///
    /// # Errors
    /// [`UsageError::NoUpgrade`] when no TLS was asked for.
    pub fn tls_established(&mut self, facts: TlsFacts) -> Result<(), UsageError> {
        self.forget_batch();
        let upgrading = match Phase::take(&mut self.phase) {
            Ok(Phase::Upgrading(upgrading)) => upgrading,
            other => {
                self.phase = other;
                return Err(UsageError::NoUpgrade);
            }
        };
        match upgrading.established(&facts, &self.startup) {
            Ok(opening) => {
                self.entry.tls = Some(facts);
                self.open_with(opening);
            }
            Err(kind) => self.end_broken(kind, None),
        }
        Ok(())
    }

    /// Writes what comes first.
    pub(super) fn begin(&mut self) -> Result<(), UsageError> {
        let message = self.startup.first_message()?;
        let opening = Opening::new(&self.startup, message);
        match self.startup.wanted_tls() {
            TlsRequest::None => self.open_with(opening),
            TlsRequest::Direct => self.phase = Ok(Phase::Direct(Direct::new(opening))),
            wanted @ (TlsRequest::Prefer | TlsRequest::Require) => {
                self.send.bytes_mut().extend_from_slice(SSL_REQUEST);
                self.phase = Ok(Phase::SslRequested(SslRequested::new(opening, wanted)));
            }
        }
        Ok(())
    }

    /// True while a single byte is wanted and no more.
    pub(super) fn awaits_tls_answer(&self) -> bool {
        matches!(self.phase, Ok(Phase::SslRequested(_)))
    }

    /// Whether bytes are wanted that are no message, or the beginning of one.
    pub(super) fn wants_unframed(&self) -> bool {
        match self.phase {
            Ok(Phase::Direct(_) | Phase::Upgrading(_)) => false,
            Ok(Phase::SslRequested(_) | Phase::Cancelling(_)) => self.receive.data().is_empty(),
            _ => true,
        }
    }

    /// Takes what is no whole header of a message: in some phases that is all there is.
    pub(super) fn take_unframed(&mut self) -> Result<Taken, Broken> {
        let first = self.receive.data().first().copied();
        match (&self.phase, first) {
            (Ok(Phase::Direct(_)), _) => {
                if let Ok(Phase::Direct(direct)) = Phase::take(&mut self.phase) {
                    self.phase = Ok(Phase::Upgrading(direct.ask()));
                }
                Ok(Taken::Event(Event::Startup(StartupEvent::UpgradeToTls)))
            }
            (Ok(Phase::SslRequested(_)), Some(answer)) => {
                let taken = self.take_tls_answer(answer);
                taken.map_err(|kind| (kind, Some(answer)))
            }
            (Ok(Phase::Cancelling(_)), Some(answer)) => {
                Err((ProtocolErrorKind::CancelAnswered, Some(answer)))
            }
            _ => Ok(Taken::NeedBytes),
        }
    }

    /// True when a cancel request was sent whole: the server then has no more to do than to close the stream.
    pub(super) fn is_cancel_sent(&self) -> bool {
        matches!(self.phase, Ok(Phase::Cancelling(_))) && self.send.is_empty()
    }

    fn take_tls_answer(&mut self, answer: u8) -> Result<Taken, ProtocolErrorKind> {
        // What answers a question that was not asked yet is no answer to it.
        if !self.send.is_empty() {
            return Err(ProtocolErrorKind::TlsAnswerUnknown);
        }
        self.receive.consume(1);
        let Ok(Phase::SslRequested(state)) = Phase::take(&mut self.phase) else {
            return Err(ProtocolErrorKind::Ended);
        };
        match state.answered(answer, &self.startup)? {
            Answer::Upgrade(upgrading) => {
                self.phase = Ok(Phase::Upgrading(upgrading));
                Ok(Taken::Event(Event::Startup(StartupEvent::UpgradeToTls)))
            }
            Answer::InTheClear(opening) => {
                self.open_with(opening);
                Ok(Taken::Nothing)
            }
        }
    }

    /// Writes the first message proper, now that it is known how it travels.
    fn open_with(&mut self, opening: Opening) {
        self.phase = Ok(opening.next());
        self.send.bytes_mut().extend_from_slice(&opening.message);
    }
}
