//! Frames: what is refused by its header, and who takes the rest.

use crate::connection::Connection;
use crate::connection::phase::Phase;
use crate::error::ProtocolErrorKind;
use crate::event::Event;
use crate::limits::Limits;
use crate::message::backend::tag::Tag;
use crate::pipeline::expect::step;
use crate::wire::frame::{Front, front};

/// What a step of [`Connection::next_event`] found.
pub(super) enum Taken {
    Event(Event),
    /// A message that nobody needs to hear of.
    Nothing,
    NeedBytes,
}

/// What broke, and the type of the message that did.
pub(super) type Broken = (ProtocolErrorKind, Option<u8>);

impl Connection {
    /// Takes the message at the front.
    pub(super) fn take_message(&mut self) -> Result<Taken, Broken> {
        if self.receive.is_discarding() {
            return Ok(Taken::NeedBytes);
        }
        let (tag, len) = match front(self.receive.data()) {
            Front::Partial => return self.take_unframed(),
            Front::BadLength { tag, declared } => {
                return Err((ProtocolErrorKind::BadLength { declared }, Some(tag)));
            }
            Front::Frame { tag, len } => (tag, len),
        };
        if self.is_wanted_row(tag, len) {
            if self.receive.data().len() < len {
                return Ok(Taken::NeedBytes);
            }
            return self.take_rows().map_err(|kind| (kind, Some(tag)));
        }
        if let Some(kind) = self.refuses_frame(tag, len) {
            return Err((kind, Some(tag)));
        }
        let open = matches!(self.phase, Ok(Phase::Open));
        if open && self.discard_muted(tag, len) {
            return Ok(Taken::Nothing);
        }
        if self.receive.data().len() < len {
            return Ok(Taken::NeedBytes);
        }
        let taken = if open {
            self.take_reply(tag, len)
        } else {
            self.take_startup(len)
        };
        taken.map_err(|kind| (kind, Some(tag)))
    }

    /// Most of what comes: for a row that may come, and that somebody wants, nothing has to be looked up.
    fn is_wanted_row(&self, tag: u8, len: usize) -> bool {
        tag == b'D'
            && len <= self.limits.max_message
            && self.queue.result_with(len) <= self.limits.max_result
            && self.queue.rows_are_next()
    }

    /// What is wrong with a frame as soon as its header is here: nothing of it is stored then.
    pub(super) fn refuses_frame(&self, byte: u8, len: usize) -> Option<ProtocolErrorKind> {
        if self.is_wanted_row(byte, len) {
            return None;
        }
        let Some(tag) = Tag::from_byte(byte) else {
            return Some(ProtocolErrorKind::UnknownMessage);
        };
        let limits = &self.limits;
        let (limit, allowed) = match &self.phase {
            Ok(Phase::Open) => {
                if step(self.queue.expect(), tag).is_none() && tag != Tag::Error {
                    return Some(ProtocolErrorKind::UnexpectedMessage);
                }
                length_limit(byte, limits)
            }
            Ok(phase) if phase.is_authenticated() => length_limit(byte, limits),
            Ok(Phase::Cancelling(_)) => return Some(ProtocolErrorKind::CancelAnswered),
            Ok(phase) => match tag {
                Tag::Authentication => ("max_startup_message", limits.max_startup_message),
                Tag::NegotiateProtocolVersion if matches!(phase, Phase::Requested(_)) => {
                    ("max_startup_message", limits.max_startup_message)
                }
                Tag::Error => ("max_startup_error", limits.max_startup_error),
                _ => return Some(ProtocolErrorKind::UnexpectedMessage),
            },
            Err(_) => return None,
        };
        if len > allowed {
            return Some(ProtocolErrorKind::LimitExceeded {
                limit,
                found: len,
                allowed,
            });
        }
        let handed_out = matches!(tag, Tag::DataRow | Tag::CopyData);
        let muted = self.queue.front().is_some_and(|owed| owed.muted);
        let (found, allowed) = (self.queue.result_with(len), limits.max_result);
        (handed_out && !muted && found > allowed).then_some(ProtocolErrorKind::LimitExceeded {
            limit: "max_result",
            found,
            allowed,
        })
    }
}

/// How long a message may be once the server has let us in: data and text may be long, nothing else.
fn length_limit(byte: u8, limits: &Limits) -> (&'static str, usize) {
    if Tag::may_be_long(byte) {
        ("max_message", limits.max_message)
    } else {
        let limit = limits.max_short_message.min(limits.max_message);
        ("max_short_message", limit)
    }
}
