//! Frames: what is refused by its header, and who takes the rest.

use crate::OpId;
use crate::connection::Connection;
use crate::connection::phase::Phase;
use crate::error::{ProtocolError, ProtocolErrorKind};
use crate::event::{Event, Reply};
use crate::limits::Limits;
use crate::message::backend::tag::Tag;
use crate::pipeline::expect::{Step, step};
use crate::pipeline::owed::Due;
use crate::wire::frame::{Front, front};

/// What [`Connection::next_event`] gives. An event is large: who makes one gives it in this form, and whoever called him returns that as
/// it is, so that it is written once, to where it is wanted.
pub(super) type Next = Result<Option<Event>, ProtocolError>;

/// What a step of the start-up found.
pub(super) enum Taken {
    Event(Event),
    /// A message that nobody needs to hear of.
    Nothing,
    NeedBytes,
}

/// What broke, and the type of the message that did.
pub(super) type Broken = (ProtocolErrorKind, Option<u8>);

/// A message that may come now, in an open connection.
#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) byte: u8,
    pub(super) tag: Tag,
    /// What it does to what is owed. What an error does depends on what it says, too.
    pub(super) step: Step,
    /// The length of its frame.
    pub(super) len: usize,
    /// The operation that is to hear of it.
    pub(super) heard: Option<OpId>,
}

impl Message {
    /// True for an answer that is an event, whatever it says.
    fn is_event(&self) -> bool {
        use Tag as T;
        let is_answer = matches!(
            self.tag,
            T::ParseComplete
                | T::BindComplete
                | T::CloseComplete
                | T::ParameterDescription
                | T::NoData
                | T::RowDescription
                | T::CommandComplete
                | T::EmptyQueryResponse
                | T::PortalSuspended
        );
        is_answer && self.heard.is_some()
    }
}

/// What stands at the front of an open connection.
enum Look {
    NeedBytes,
    Refused,
    /// Data that nobody wanted, and that is gone.
    Gone,
    /// Rows that somebody wants.
    Rows,
    /// The whole of any other message.
    Message(Message),
}

impl Connection {
    /// The next event, or `None` when more bytes are needed for it.
    #[inline]
    pub(super) fn next(&mut self) -> Next {
        loop {
            if let Some((op, outcome)) = self.finished.take() {
                return Ok(Some(Event::Reply(op, Reply::Finished(outcome))));
            }
            if !matches!(self.phase, Ok(Phase::Open)) {
                match self.next_unless_open() {
                    Some(next) => return next,
                    None => continue,
                }
            }
            if self.queue.front_is_skipped() {
                self.finished = self.queue.pop();
                continue;
            }
            match self.look() {
                Look::Rows => return self.take_rows(),
                Look::Message(message) if message.is_event() => return self.take_answer(message),
                Look::Message(message) => {
                    let next = if message.tag == Tag::BindComplete {
                        self.take_answer(message)
                    } else {
                        self.take_reply(message)
                    };
                    if !matches!(next, Ok(None)) {
                        return next;
                    }
                }
                Look::Gone => {}
                Look::NeedBytes if !self.eof => return Ok(None),
                Look::NeedBytes => self.end_of_stream(),
                Look::Refused => self.refuse(),
            }
        }
    }

    /// The same while the connection is not open; `None` when a step was taken that nobody needs to hear of.
    #[cold]
    fn next_unless_open(&mut self) -> Option<Next> {
        match &self.phase {
            Err(error) => return Some(Err(error.clone())),
            Ok(phase) if phase.is_ending() => return Some(Ok(Some(self.next_ending()))),
            Ok(_) => {}
        }
        match self.take_message() {
            Ok(Taken::Event(event)) => return Some(Ok(Some(event))),
            Ok(Taken::NeedBytes) if !self.eof => return Some(Ok(None)),
            Ok(Taken::NeedBytes) => self.end_of_stream(),
            Ok(Taken::Nothing) => {}
            Err((kind, tag)) => self.end_broken(kind, tag),
        }
        None
    }

    /// Takes the message at the front, while the connection is not open.
    fn take_message(&mut self) -> Result<Taken, Broken> {
        let (tag, len) = match front(self.receive.data()) {
            Front::Partial => return self.take_unframed(),
            Front::BadLength { tag, declared } => {
                return Err((ProtocolErrorKind::BadLength { declared }, Some(tag)));
            }
            Front::Frame { tag, len } => (tag, len),
        };
        if let Some(kind) = self.refuses_frame(tag, len) {
            return Err((kind, Some(tag)));
        }
        if self.receive.data().len() < len {
            return Ok(Taken::NeedBytes);
        }
        self.take_startup(len).map_err(|kind| (kind, Some(tag)))
    }

    /// What stands at the front, while the connection is open.
    #[inline]
    fn look(&mut self) -> Look {
        if self.receive.is_discarding() {
            return Look::NeedBytes;
        }
        let data = self.receive.data();
        let (byte, len) = match front(data) {
            Front::Partial => return Look::NeedBytes,
            Front::BadLength { .. } => return Look::Refused,
            Front::Frame { tag, len } => (tag, len),
        };
        let is_here = data.len() >= len;
        let due = self.queue.due();
        if self.is_wanted_row(byte, len, due) {
            return if is_here { Look::Rows } else { Look::NeedBytes };
        }
        let Ok((tag, step)) = self.admits(byte, len, due) else {
            return Look::Refused;
        };
        if due.muted && matches!(tag, Tag::DataRow | Tag::CopyData) {
            // Frame by frame, whether all of it is here or not.
            self.receive.discard(len);
            Look::Gone
        } else if is_here {
            Look::Message(Message {
                byte,
                tag,
                step,
                len,
                heard: due.heard,
            })
        } else {
            Look::NeedBytes
        }
    }

    /// Ends the connection: what stands at the front must not.
    #[cold]
    fn refuse(&mut self) {
        let (kind, byte) = match front(self.receive.data()) {
            Front::BadLength { tag, declared } => {
                (Some(ProtocolErrorKind::BadLength { declared }), Some(tag))
            }
            Front::Frame { tag, len } => (self.refuses_frame(tag, len), Some(tag)),
            Front::Partial => (None, None),
        };
        self.end_broken(kind.unwrap_or(ProtocolErrorKind::UnexpectedMessage), byte);
    }

    /// Most of what comes: for a row that may come, and that somebody wants, nothing has to be looked up.
    #[inline]
    fn is_wanted_row(&self, tag: u8, len: usize, due: Due) -> bool {
        tag == b'D'
            && due.expect.takes_rows()
            && !due.muted
            && len <= self.limits.max_message
            && self.queue.result_with(len) <= self.limits.max_result
    }

    /// What a message means that may come now, by its header, while the connection is open.
    #[inline]
    fn admits(&self, byte: u8, len: usize, due: Due) -> Result<(Tag, Step), ProtocolErrorKind> {
        let tag = Tag::from_byte(byte).ok_or(ProtocolErrorKind::UnknownMessage)?;
        let step = match step(due.expect, tag) {
            Some(step) => step,
            // It may be a fatal one, which may come at any moment.
            None if tag == Tag::Error => Step::End,
            None => return Err(ProtocolErrorKind::UnexpectedMessage),
        };
        self.check_length(byte, len)?;
        if matches!(tag, Tag::DataRow | Tag::CopyData) {
            let (found, allowed) = (self.queue.result_with(len), self.limits.max_result);
            if !due.muted && found > allowed {
                let limit = "max_result";
                return Err(ProtocolErrorKind::LimitExceeded {
                    limit,
                    found,
                    allowed,
                });
            }
        }
        Ok((tag, step))
    }

    /// What is wrong with a frame as soon as its header is here: nothing of it is stored then.
    pub(super) fn refuses_frame(&self, byte: u8, len: usize) -> Option<ProtocolErrorKind> {
        let Some(tag) = Tag::from_byte(byte) else {
            return Some(ProtocolErrorKind::UnknownMessage);
        };
        let limits = &self.limits;
        let (limit, allowed) = match &self.phase {
            Ok(Phase::Open) => return self.admits(byte, len, self.queue.due()).err(),
            Ok(phase) if phase.is_authenticated() => return self.check_length(byte, len).err(),
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
        (len > allowed).then_some(ProtocolErrorKind::LimitExceeded {
            limit,
            found: len,
            allowed,
        })
    }

    /// How long a message may be once the server has let us in: data and text may be long, nothing else.
    #[inline]
    fn check_length(&self, byte: u8, found: usize) -> Result<(), ProtocolErrorKind> {
        let Limits {
            max_message,
            max_short_message,
            ..
        } = self.limits;
        let (limit, allowed) = if Tag::may_be_long(byte) {
            ("max_message", max_message)
        } else {
            ("max_short_message", max_short_message.min(max_message))
        };
        if found > allowed {
            return Err(ProtocolErrorKind::LimitExceeded {
                limit,
                found,
                allowed,
            });
        }
        Ok(())
    }
}
