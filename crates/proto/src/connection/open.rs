//! Replies: what the server owes, taken one message at a time.

use alloc::sync::Arc;

use crate::Target;
use crate::connection::Connection;
use crate::connection::frames::{Message, Next};
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
use crate::message::backend::tag::Tag;
use crate::message::frontend::extended;
use crate::pipeline::expect::{Expect, Step, step};
use crate::pipeline::owed::Owed;
use crate::rows::RowBatch;
use crate::wire::frame::HEADER;
use crate::wire::reader::Reader;

impl Connection {
    /// Takes a whole message that may come now; `Ok(None)` when nobody needs to hear of it.
    pub(super) fn take_reply(&mut self, message: Message) -> Next {
        match message.tag {
            Tag::DataRow => self.take_rows(),
            Tag::CopyData => self.take_copy_data(),
            Tag::CopyInResponse | Tag::CopyBothResponse => self.take_copy_begin(message),
            Tag::Error => match self.take_error(message) {
                Ok(()) => Ok(None),
                Err(kind) => self.broken(kind, message.byte),
            },
            Tag::Notice | Tag::Notification | Tag::ParameterStatus => {
                match self.take_unsolicited(message) {
                    Ok(fact) => Ok(Some(Event::Unsolicited(fact))),
                    Err(kind) => self.broken(kind, message.byte),
                }
            }
            _ => self.take_rarer(message),
        }
    }

    /// The connection ends here: its first last word.
    #[cold]
    fn broken(&mut self, kind: ProtocolErrorKind, byte: u8) -> Next {
        self.end_broken(kind, Some(byte));
        self.next_event()
    }

    #[inline]
    pub(super) fn take_rows(&mut self) -> Next {
        let owed = self.queue.front().map(|owed| owed.op);
        let Some((op, columns)) = owed.zip(self.queue.columns()) else {
            return self.broken(ProtocolErrorKind::UndescribedRow, b'D');
        };
        let run = data_row::run(self.receive.data(), columns.len(), self.limits.max_message);
        let columns = Arc::clone(columns);
        let run = match run {
            Ok(run) => run,
            Err(bad) => return self.broken(bad_row(bad), b'D'),
        };
        if let Err(kind) = self.count_result(run.bytes) {
            return self.broken(kind, b'D');
        }
        let taken = self.receive.take(run.bytes);
        let batch = RowBatch::new(taken, run, columns);
        Ok(Some(Event::Reply(op, Reply::Rows(batch))))
    }

    fn take_copy_data(&mut self) -> Next {
        let Some(op) = self.queue.front().map(|owed| owed.op) else {
            return self.broken(ProtocolErrorKind::UnexpectedMessage, b'd');
        };
        let run = copy_data::run(self.receive.data(), self.limits.max_message);
        if let Err(kind) = self.count_result(run) {
            return self.broken(kind, b'd');
        }
        let data = CopyData::new(self.receive.take(run));
        Ok(Some(Event::Reply(op, Reply::CopyData(data))))
    }

    /// What is handed out counts; what nobody wants to hear of takes no memory.
    #[inline]
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

    fn take_error(&mut self, message: Message) -> Result<(), ProtocolErrorKind> {
        let error = ServerError::decode(self.body(message)).map_err(malformed)?;
        let tag = if error.is_fatal() {
            Tag::Fatal
        } else {
            Tag::Error
        };
        let expect = self.queue.expect();
        let step = step(expect, tag).ok_or(ProtocolErrorKind::UnexpectedMessage)?;
        self.receive.consume(message.len);
        if step == Step::End {
            let ended = self.error(ProtocolErrorKind::Ended, None);
            self.end(Closed::Fatal(error), ended);
            return Ok(());
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
        Ok(())
    }

    fn take_unsolicited(&mut self, message: Message) -> Result<Unsolicited, ProtocolErrorKind> {
        let body = self.body(message);
        let fact = match message.tag {
            Tag::Notice => Notice::decode(body).map(Unsolicited::Notice),
            Tag::Notification => Notification::decode(body).map(Unsolicited::Notification),
            _ => ParameterChange::decode(body).map(Unsolicited::ParameterChanged),
        };
        let fact = fact.map_err(malformed)?;
        self.receive.consume(message.len);
        if let Unsolicited::ParameterChanged(change) = &fact {
            self.set_parameter(change)?;
        }
        Ok(fact)
    }

    /// Takes an answer to one of our messages; `Ok(None)` when nobody needs to hear of it. What it says is read before the state moves.
    //
    // Each event is written out, so that it is made where it is to be: what is passed on is copied.
    #[inline]
    pub(super) fn take_answer(&mut self, message: Message) -> Next {
        match (message.tag, message.heard) {
            (Tag::BindComplete, heard) if message.len == HEADER => {
                self.advance(message.len, message.step);
                Ok(heard.map(|op| Event::Reply(op, Reply::Bound)))
            }
            (Tag::CommandComplete, Some(op)) => match CommandTag::decode(self.body(message)) {
                Ok(command) => {
                    self.advance(message.len, message.step);
                    Ok(Some(Event::Reply(op, Reply::StatementComplete(command))))
                }
                Err(bad) => self.broken(malformed(bad), message.byte),
            },
            _ => self.take_rarer(message),
        }
    }

    /// The same for what comes less often, or is not heard.
    fn take_rarer(&mut self, message: Message) -> Next {
        if message.tag == Tag::ReadyForQuery {
            return match TransactionStatus::decode(self.body(message)) {
                Ok(status) => {
                    self.transaction_status = status;
                    self.advance(message.len, message.step);
                    Ok(None)
                }
                Err(bad) => self.broken(malformed(bad), message.byte),
            };
        }
        match self.decode_reply(message) {
            Ok(reply) => {
                self.advance(message.len, message.step);
                Ok(message.heard.map(|op| Event::Reply(op, reply)))
            }
            Err(kind) => self.broken(kind, message.byte),
        }
    }

    /// What a rarer message says.
    fn decode_reply(&mut self, message: Message) -> Result<Reply, ProtocolErrorKind> {
        let body = self.body(message);
        let empty = |reply| Reader::new(body).end().map(|()| reply);
        let reply = match message.tag {
            Tag::ParseComplete => empty(Reply::Prepared),
            Tag::BindComplete => empty(Reply::Bound),
            Tag::CloseComplete => empty(Reply::ObjectClosed),
            Tag::NoData => empty(Reply::NoData),
            Tag::PortalSuspended => empty(Reply::Suspended),
            Tag::EmptyQueryResponse => empty(Reply::EmptyQuery),
            Tag::CommandComplete => CommandTag::decode(body).map(Reply::StatementComplete),
            Tag::CopyDone => empty(Reply::CopyDone),
            Tag::CopyOutResponse => CopyResponse::decode(body).map(Reply::CopyOut),
            Tag::ParameterDescription => parameter_description::decode(body).map(Reply::Parameters),
            Tag::RowDescription => {
                self.check_column_count(body)?;
                let frame = self.receive.data().get(HEADER..message.len);
                let columns = self.described.columns(frame.unwrap_or_default());
                let columns = columns.map_err(malformed)?;
                self.queue.describe(Arc::clone(&columns));
                Ok(Reply::Columns(columns))
            }
            _ => return Err(ProtocolErrorKind::UnexpectedMessage),
        };
        reply.map_err(malformed)
    }

    /// Takes the first message of a COPY that wants data, or of a replication stream.
    fn take_copy_begin(&mut self, message: Message) -> Next {
        let reply = CopyResponse::decode(self.body(message));
        let begun = reply.map_err(malformed).and_then(|response| {
            self.advance(message.len, message.step);
            let told = self.copy_begins(self.queue.expect())?;
            Ok(message.heard.filter(|_| told).zip(Some(response)))
        });
        match begun {
            Ok(None) => Ok(None),
            Ok(Some((op, response))) => {
                let reply = if message.tag == Tag::CopyInResponse {
                    Reply::CopyIn(response)
                } else {
                    Reply::CopyBoth(response)
                };
                Ok(Some(Event::Reply(op, reply)))
            }
            Err(kind) => self.broken(kind, message.byte),
        }
    }

    #[inline]
    fn body(&self, message: Message) -> &[u8] {
        let frame = self.receive.data().get(HEADER..message.len);
        frame.unwrap_or_default()
    }

    /// Before any of them is decoded.
    fn check_column_count(&self, body: &[u8]) -> Result<(), ProtocolErrorKind> {
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

    /// Takes a message off the front, and moves the state by it.
    fn advance(&mut self, len: usize, step: Step) {
        self.receive.consume(len);
        match step {
            Step::Stay | Step::Skip | Step::End => {}
            Step::Become(next) => self.queue.become_(next),
            Step::Done => {
                if let Some(finished) = self.queue.pop() {
                    self.finished = Some(finished);
                }
                if self.queue.is_empty() {
                    self.receive.quiet();
                    self.queue.quiet();
                    self.send.quiet();
                }
            }
        }
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

#[cold]
fn bad_row(bad: BadRow) -> ProtocolErrorKind {
    match bad {
        BadRow::NoColumnCount => ProtocolErrorKind::Malformed {
            expected: "a count of columns",
        },
        BadRow::ColumnCount { expected, found } => ProtocolErrorKind::ColumnCount {
            expected,
            found: usize::from(found),
        },
    }
}

/// What is handed out for every message stays within a cache line.
const _: () = assert!(size_of::<Event>() <= 64);
