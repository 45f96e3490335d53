//! The end: what was lost, why, and from then on always the same error.

use crate::connection::Connection;
use crate::connection::phase::Phase;
use crate::error::{ProtocolError, ProtocolErrorKind, UsageError};
use crate::event::{Closed, Event, Reply};

impl Connection {
    pub(super) fn end_of_stream(&mut self) {
        let within_message = !self.receive.data().is_empty() || self.receive.is_discarding();
        if (self.terminating || self.is_cancel_sent()) && !within_message {
            let error = self.error(ProtocolErrorKind::Ended, None);
            self.end(Closed::Terminated, error);
        } else {
            self.end_broken(ProtocolErrorKind::UnexpectedEof { within_message }, None);
        }
    }

    pub(super) fn end_misused(&mut self, error: UsageError) {
        self.end_broken(ProtocolErrorKind::Misuse(error), None);
    }

    pub(super) fn end_broken(&mut self, kind: ProtocolErrorKind, tag: Option<u8>) {
        let error = self.error(kind, tag);
        self.end(Closed::Protocol(error.clone()), error);
    }

    pub(super) fn error(&self, kind: ProtocolErrorKind, tag: Option<u8>) -> ProtocolError {
        let state = match &self.phase {
            Ok(Phase::Open) => self.queue.expect().name(),
            Ok(phase) => phase.name(),
            Err(_) => "Ended",
        };
        ProtocolError::new(kind, tag, state)
    }

    pub(super) fn end(&mut self, closed: Closed, error: ProtocolError) {
        if !self.is_dead() {
            self.phase = Ok(Phase::Ending { closed, error });
            self.send.clear();
        }
    }

    /// The last facts: what was lost, then the end.
    pub(super) fn next_ending(&mut self) -> Event {
        while !self.queue.is_empty() {
            if let Some((op, outcome)) = self.queue.pop_lost() {
                return Event::Reply(op, Reply::Finished(outcome));
            }
        }
        let ended = || ProtocolError::new(ProtocolErrorKind::Ended, None, "Ended");
        match core::mem::replace(&mut self.phase, Err(ended())) {
            Ok(Phase::Ending { closed, error }) => {
                self.phase = Err(error);
                Event::Closed(closed)
            }
            Ok(_) | Err(_) => Event::Closed(Closed::Protocol(ended())),
        }
    }
}
