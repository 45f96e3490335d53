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

/// What waiting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    /// An event, perhaps.
    Perhaps,
    /// Somebody wanted no more than this.
    Enough,
}

impl<S: ByteStream> Connection<S> {
    /// The next event of those that have arrived. Where this gives none, a `poll` tells why.
    #[expect(clippy::inline_always, reason = "as for next_known")]
    #[inline(always)]
    pub(crate) fn known_event(&mut self) -> Known {
        if self.is_expired() {
            return Ok(None);
        }
        self.next_known()
    }

    /// The next event of those that have arrived, as long as it is our turn.
    #[expect(
        clippy::inline_always,
        reason = "an event is large: the core puts it where whoever asked for it looks at it"
    )]
    #[inline(always)]
    pub(super) fn next_known(&mut self) -> Known {
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
        self.publish();
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
        loop {
            match self.known_event() {
                Ok(Some(event)) => return Poll::Ready(Ok(Some(event))),
                Ok(None) if self.knows_all() && enough(self) => return Poll::Ready(Ok(None)),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(self.ended())),
            }
            if ready!(self.poll_more(cx, &enough))? == More::Enough {
                return Poll::Ready(Ok(None));
            }
        }
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

    /// True when [`known_event`](Self::known_event) gives nothing because nothing has arrived.
    pub(super) fn knows_all(&self) -> bool {
        !self.is_expired() && !self.link.had_its_turn()
    }

    /// Where [`known_event`](Self::known_event) has given none: ready when there may be one.
    pub(super) fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool,
    ) -> Poll<Result<More, Error>> {
        let more = self.poll_more_in_time(cx, enough);
        self.publish();
        more
    }

    fn poll_more_in_time(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool,
    ) -> Poll<Result<More, Error>> {
        if !self.is_expired() {
            match self.poll_moved(cx, enough) {
                Poll::Pending if self.is_out_of_time(cx) => self.expire()?,
                moved => return moved.map(Ok),
            }
        }
        self.poll_expired(cx).map(Err)
    }

    /// Moves bytes, as long as it is our turn.
    #[inline]
    pub(super) fn poll_moved(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool,
    ) -> Poll<More> {
        if self.link.had_its_turn() {
            self.link.begin_turn();
            self.poll_cancelling(cx);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let perhaps = match self.poll_io(cx) {
            Moved::Received => true,
            Moved::Sent { .. } if enough(self) => return Poll::Ready(More::Enough),
            Moved::Sent { awaits_answer } => !(awaits_answer && self.is_flushed()),
            Moved::Nothing => false,
        };
        if perhaps || self.poll_cancelling(cx) {
            return Poll::Ready(More::Perhaps);
        }
        self.link.begin_turn();
        Poll::Pending
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
