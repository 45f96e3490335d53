//! What the server answers, one event at a time.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use purepg_proto::{Event, OpId, Outcome, ProtocolError, Reply};

use crate::connection::Connection;
use crate::connection::drive::Moved;
use crate::error::Error;
use crate::runtime::ByteStream;

/// An event as the core gives it: it is large, and passed on as it is.
pub(crate) type Known = Result<Option<Event>, ProtocolError>;

impl<S: ByteStream> Connection<S> {
    /// The next event of those that have arrived. Where this gives none, a `poll` tells why.
    #[inline]
    pub(crate) fn known_event(&mut self) -> Known {
        if self.is_expired() {
            return Ok(None);
        }
        self.next_known()
    }

    /// The next event of those that have arrived, as long as it is our turn.
    #[inline]
    fn next_known(&mut self) -> Known {
        while !self.link.had_its_turn() {
            let event = self.core.next_event();
            self.link.worked(1);
            match &event {
                Ok(Some(Event::Reply(op, Reply::Finished(outcome)))) => {
                    self.note_finished(*op, outcome);
                    self.publish();
                }
                Ok(Some(Event::Unsolicited(_) | Event::Closed(_))) => {
                    self.note_aside(event);
                    continue;
                }
                _ => {}
            }
            return event;
        }
        Ok(None)
    }

    /// What belongs to nobody.
    #[cold]
    fn note_aside(&mut self, event: Known) {
        match event {
            Ok(Some(Event::Unsolicited(fact))) => self.note(fact),
            Ok(Some(Event::Closed(reason))) => self.note_end(reason),
            _ => {}
        }
    }

    /// The next event that belongs to somebody. First what is known already, then what waits to be sent, then what comes: reading goes
    /// on while writing is blocked, or two peers that only write would wait for each other.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        loop {
            match ready!(self.poll_event_unless(cx, |_| false)) {
                Ok(Some(event)) => return Poll::Ready(Ok(event)),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// The same, but `None` once everything known is handed out and `enough` says so.
    pub(super) fn poll_event_unless(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool,
    ) -> Poll<Result<Option<Event>, Error>> {
        let event = self.poll_event_in_time(cx, enough);
        self.publish();
        event
    }

    /// The next event; `None` as soon as another operation is accepted, if that `is_wanted`. What was asked for so far may be answered no
    /// sooner than more is asked for.
    pub(crate) fn poll_event_or_room(
        &mut self,
        cx: &mut Context<'_>,
        is_wanted: bool,
    ) -> Poll<Result<Option<Event>, Error>> {
        self.poll_event_unless(cx, |this| is_wanted && !this.is_full())
    }

    fn poll_event_in_time(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool,
    ) -> Poll<Result<Option<Event>, Error>> {
        if !self.is_expired() {
            match self.poll_next_event(cx, enough) {
                Poll::Pending if self.is_out_of_time(cx) => self.expire()?,
                event => return event,
            }
        }
        self.poll_expired(cx)
    }

    pub(super) fn poll_next_event(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool,
    ) -> Poll<Result<Option<Event>, Error>> {
        // The stream has nothing yet, and will tell.
        let mut waiting = false;
        loop {
            match self.next_known() {
                Ok(Some(event)) => return Poll::Ready(Ok(Some(event))),
                Ok(None) if self.link.had_its_turn() => {
                    self.link.begin_turn();
                    self.poll_cancelling(cx);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(None) if enough(self) => return Poll::Ready(Ok(None)),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(self.ended())),
            }
            match self.poll_io(cx, &mut waiting) {
                Moved::Received => continue,
                Moved::Sent if enough(self) => return Poll::Ready(Ok(None)),
                Moved::Sent if !waiting || !self.is_flushed() => continue,
                _ => {}
            }
            if !self.poll_cancelling(cx) {
                self.link.begin_turn();
                return Poll::Pending;
            }
        }
    }

    /// The next answer to `op`. Where the connection ends first, the error is what ended it.
    pub(crate) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        op: OpId,
    ) -> Poll<Result<Reply, Error>> {
        loop {
            match ready!(self.poll_event(cx))? {
                // The reason is still to come.
                Event::Reply(_, Reply::Finished(Outcome::Lost)) => {}
                Event::Reply(id, reply) if id == op => {
                    return Poll::Ready(Ok(reply));
                }
                _ => {}
            }
        }
    }

    pub(super) async fn reply(&mut self, op: OpId) -> Result<Reply, Error> {
        poll_fn(|cx| self.poll_reply(cx, op)).await
    }

    /// Ready when nothing is under way any more, so that facts are facts. What nobody answers (a `CopyFail`) is sent by then, too.
    pub(crate) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let settled = |this: &Self| this.core.in_flight() == 0 && !this.core.wants_write();
        loop {
            match ready!(self.poll_event_unless(cx, settled))? {
                Some(_) => {}
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}
