//! Replies: what the server owes, taken one message at a time.

use alloc::sync::Arc;

use crate::Target;
use crate::connection::Connection;
use crate::connection::frames::Taken;
use crate::connection::startup::malformed;
use crate::copy::CopyData;
use crate::error::ProtocolErrorKind;
use crate::event::{Closed, Event, Reply, Unsolicited};
use crate::message::backend::command_complete::CommandTag;
use crate::message::backend::copy_data;
use crate::message::backend::copy_response::CopyResponse;
use crate::message::backend::data_row::{self, BadRow};
use crate::message::backend::notification::Notification;
use crate::message::backend::parameter_description;
use crate::message::backend::parameter_status::ParameterChange;
use crate::message::backend::ready_for_query::TransactionStatus;
use crate::message::backend::response::{Notice, ServerError};
use crate::message::backend::row_description::Columns;
use crate::message::backend::tag::Tag;
use crate::message::frontend::extended;
use crate::pipeline::expect::{Expect, Step, step};
use crate::pipeline::queue::Owed;
use crate::rows::RowBatch;
use crate::wire::frame::HEADER;
use crate::wire::reader::{Malformed, Reader};

impl Connection {
    /// Takes the whole message at the front, whose frame has `len` bytes, of a type that is legal now.
    pub(super) fn take_reply(&mut self, byte: u8, len: usize) -> Result<Taken, ProtocolErrorKind> {
        let tag = Tag::from_byte(byte).ok_or(ProtocolErrorKind::UnknownMessage)?;
        match tag {
            Tag::DataRow => self.take_rows(),
            Tag::CopyData => self.take_copy_data(),
            Tag::Error => self.take_error(len),
            Tag::Notice | Tag::Notification | Tag::ParameterStatus => {
                self.take_unsolicited(tag, len)
            }
            _ => {
                if tag == Tag::RowDescription {
                    self.check_column_count(len)?;
                }
                let reply = self.decode_reply(tag, len).map_err(malformed)?;
                self.receive.consume(len);
                self.advance(tag, reply)
            }
        }
    }

    /// Throws the data of an abandoned operation away, frame by frame, whether all of it is here or not.
    pub(super) fn discard_muted(&mut self, byte: u8, len: usize) -> bool {
        let unwanted =
            matches!(byte, b'D' | b'd') && self.queue.front().is_some_and(|owed| owed.muted);
        if unwanted {
            self.receive.discard(len);
        }
        unwanted
    }

    pub(super) fn take_rows(&mut self) -> Result<Taken, ProtocolErrorKind> {
        let Some((op, columns)) = self
            .queue
            .front()
            .map(|owed| owed.op)
            .zip(self.queue.columns())
        else {
            return Err(ProtocolErrorKind::UndescribedRow);
        };
        let columns = Arc::clone(columns);
        let run = data_row::run(self.receive.data(), columns.len(), self.limits.max_message);
        let run = run.map_err(|bad| match bad {
            BadRow::NoColumnCount => ProtocolErrorKind::Malformed {
                expected: "a count of columns",
            },
            BadRow::ColumnCount { expected, found } => ProtocolErrorKind::ColumnCount {
                expected,
                found: usize::from(found),
            },
        })?;
        self.count_result(run.bytes)?;
        let taken = self.receive.take(run.bytes);
        let batch = RowBatch::new(taken, run, columns);
        Ok(Taken::Event(Event::Reply(op, Reply::Rows(batch))))
    }

    fn take_copy_data(&mut self) -> Result<Taken, ProtocolErrorKind> {
        let owed = self.queue.front();
        let op = owed
            .map(|owed| owed.op)
            .ok_or(ProtocolErrorKind::UnexpectedMessage)?;
        let run = copy_data::run(self.receive.data(), self.limits.max_message);
        self.count_result(run)?;
        let data = CopyData::new(self.receive.take(run));
        Ok(Taken::Event(Event::Reply(op, Reply::CopyData(data))))
    }

    /// What is handed out counts; what nobody wants to hear of takes no memory.
    fn count_result(&mut self, bytes: usize) -> Result<(), ProtocolErrorKind> {
        let (found, allowed) = (self.queue.count_result(bytes), self.limits.max_result);
        if found > allowed {
            let limit = "max_result";
            return Err(ProtocolErrorKind::LimitExceeded {
                limit,
                found,
                allowed,
            });
        }
        Ok(())
    }

    fn take_error(&mut self, len: usize) -> Result<Taken, ProtocolErrorKind> {
        let body = self.receive.data().get(HEADER..len).unwrap_or_default();
        let error = ServerError::decode(body).map_err(malformed)?;
        let tag = if error.is_fatal() {
            Tag::Fatal
        } else {
            Tag::Error
        };
        let expect = self.queue.expect();
        let step = step(expect, tag).ok_or(ProtocolErrorKind::UnexpectedMessage)?;
        self.receive.consume(len);
        if step == Step::End {
            let ended = self.error(ProtocolErrorKind::Ended, None);
            self.end(Closed::Fatal(error), ended);
            return Ok(Taken::Nothing);
        }
        if self.queue.front().is_some_and(|owed| owed.muted) {
            self.muted_errors += 1;
        }
        self.resend_swallowed_syncs(&error);
        self.queue.fail(error);
        match step {
            Step::Become(next) => self.queue.become_(next),
            _ => {
                self.finished = self.queue.pop();
                if !self.queue.skip() {
                    self.append_sync();
                }
            }
        }
        Ok(Taken::Nothing)
    }

    fn take_unsolicited(&mut self, tag: Tag, len: usize) -> Result<Taken, ProtocolErrorKind> {
        let body = self.receive.data().get(HEADER..len).unwrap_or_default();
        let fact = match tag {
            Tag::Notice => Notice::decode(body).map(Unsolicited::Notice),
            Tag::Notification => Notification::decode(body).map(Unsolicited::Notification),
            _ => ParameterChange::decode(body).map(Unsolicited::ParameterChanged),
        };
        let fact = fact.map_err(malformed)?;
        self.receive.consume(len);
        if let Unsolicited::ParameterChanged(change) = &fact {
            self.set_parameter(change)?;
        }
        Ok(Taken::Event(Event::Unsolicited(fact)))
    }

    /// What a message says. The state has not moved yet.
    fn decode_reply(&mut self, tag: Tag, len: usize) -> Result<Option<Reply>, Malformed> {
        let body = self.receive.data().get(HEADER..len).unwrap_or_default();
        let empty = |reply| Reader::new(body).end().map(|()| Some(reply));
        match tag {
            Tag::ParseComplete => empty(Reply::Prepared),
            Tag::BindComplete => empty(Reply::Bound),
            Tag::CloseComplete => empty(Reply::ObjectClosed),
            Tag::NoData => empty(Reply::NoData),
            Tag::PortalSuspended => empty(Reply::Suspended),
            Tag::EmptyQueryResponse => empty(Reply::EmptyQuery),
            Tag::CopyDone => empty(Reply::CopyDone),
            Tag::CommandComplete => CommandTag::decode(body)
                .map(Reply::StatementComplete)
                .map(Some),
            Tag::ParameterDescription => parameter_description::decode(body)
                .map(Reply::Parameters)
                .map(Some),
            Tag::RowDescription => {
                let columns = Arc::new(Columns::decode(body)?);
                self.queue.describe(Arc::clone(&columns));
                Ok(Some(Reply::Columns(columns)))
            }
            Tag::CopyInResponse => CopyResponse::decode(body).map(Reply::CopyIn).map(Some),
            Tag::CopyOutResponse => CopyResponse::decode(body).map(Reply::CopyOut).map(Some),
            Tag::CopyBothResponse => CopyResponse::decode(body).map(Reply::CopyBoth).map(Some),
            Tag::ReadyForQuery => {
                self.transaction_status = TransactionStatus::decode(body)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Before any of them is decoded.
    fn check_column_count(&self, len: usize) -> Result<(), ProtocolErrorKind> {
        let body = self.receive.data().get(HEADER..len).unwrap_or_default();
        let count = Reader::new(body)
            .u16("the number of columns")
            .map_err(malformed)?;
        let (found, allowed) = (usize::from(count), self.limits.max_columns);
        if found > allowed {
            let limit = "max_columns";
            return Err(ProtocolErrorKind::LimitExceeded {
                limit,
                found,
                allowed,
            });
        }
        Ok(())
    }

    /// Moves the state by one message, and hands out what it said if anybody wants to know.
    fn advance(&mut self, tag: Tag, reply: Option<Reply>) -> Result<Taken, ProtocolErrorKind> {
        let step = step(self.queue.expect(), tag).ok_or(ProtocolErrorKind::UnexpectedMessage)?;
        let heard = self
            .queue
            .front()
            .filter(|owed| !owed.muted && !owed.silent)
            .map(|owed| owed.op);
        match step {
            Step::Stay | Step::Skip | Step::End => {}
            Step::Become(next) => {
                self.queue.become_(next);
                let begins = matches!(tag, Tag::CopyInResponse | Tag::CopyBothResponse);
                if begins && !self.copy_begins(next)? {
                    return Ok(Taken::Nothing);
                }
            }
            Step::Done => {
                self.finished = self.queue.pop();
                if self.queue.is_empty() {
                    self.receive.quiet();
                }
            }
        }
        Ok(match (heard, reply) {
            (Some(op), Some(reply)) => Taken::Event(Event::Reply(op, reply)),
            _ => Taken::Nothing,
        })
    }

    /// Makes the server give up the segment that is open: it is asked about a portal that nobody made.
    pub(super) fn append_failure(&mut self) {
        if self.terminating {
            return;
        }
        let op = self.queue.next_op();
        let start = self.send.end();
        let none = Target::Portal("purepg_abandoned");
        let written = extended::write_describe(self.send.bytes_mut(), none);
        debug_assert_eq!(written, Ok(()));
        let end = self.send.end();
        self.queue.push(Owed {
            muted: true,
            ..Owed::new(op, Expect::Columns, start..end)
        });
        self.queue.commit(op, end);
    }

    /// Ends a segment that nobody else will end. A good-bye does that too, and is the last that is said.
    pub(super) fn append_sync(&mut self) {
        if self.terminating {
            return;
        }
        let op = self.queue.next_op();
        let start = self.send.end();
        extended::write_sync(self.send.bytes_mut());
        let end = self.send.end();
        self.queue.push(Owed {
            muted: true,
            ..Owed::new(op, Expect::Sync, start..end)
        });
        self.queue.commit(op, end);
    }
}

/// What is handed out for every message stays within a cache line.
const _: () = assert!(size_of::<Event>() <= 64);
