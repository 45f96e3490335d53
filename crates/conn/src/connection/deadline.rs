//! How long a call may take, and what happens when it takes longer.

use std::task::{Context, Poll};
use std::time::Duration;

use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::timer::Timer;

/// So long after its time a call waits for the server to notice the cancel, so that the connection is ready when it returns.
const GRACE: Duration = Duration::from_secs(1);

/// The time of the current call.
#[derive(Default)]
pub(super) struct Deadline {
    limit: Duration,
    timer: Option<Timer>,
    /// Its time is over: what is left of it is being cancelled.
    grace: Option<Timer>,
    /// Its time was over.
    over: bool,
    /// The server has not ended it either.
    overrun: bool,
    /// What others left is still in its way.
    preparing: bool,
}

impl Deadline {
    /// True for that of a call that may take as long as it will, and of which nothing has to be said.
    pub(super) fn is_unset(&self) -> bool {
        let timed = self.timer.is_some() || self.grace.is_some();
        !(timed || self.over || self.overrun || self.preparing)
    }

    fn error(&self, unsent: bool) -> Error {
        Error::Timeout {
            doing: format!("waiting for the server ({:?})", self.limit).into(),
            unsent,
            connected: true,
        }
    }
}

impl<S: ByteStream> Connection<S> {
    /// The current call has so long a time, from now on.
    pub(super) fn set_deadline(&mut self, limit: Option<Duration>) {
        self.deadline = match limit.filter(|limit| !limit.is_zero()) {
            None => Deadline::default(),
            Some(limit) => Deadline {
                limit,
                timer: Some(Timer::new(&*self.runtime, limit)),
                ..Deadline::default()
            },
        };
    }

    /// Nothing of the current call is under way yet, or something is.
    pub(super) fn note_preparing(&mut self, preparing: bool) {
        self.deadline.preparing = preparing;
    }

    /// Whoever waits has waited long enough.
    pub(super) fn is_out_of_time(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self.deadline.timer.as_mut();
        timer.is_some_and(|timer| timer.has_run_out(cx))
    }

    pub(super) fn is_expired(&self) -> bool {
        self.deadline.grace.is_some()
    }

    /// What is to be said of the rest of a call that ran out of time.
    pub(crate) fn timeout_error(&self) -> Option<Error> {
        self.deadline.over.then(|| self.deadline.error(false))
    }

    /// The last call ran out of time, and the server did not end it.
    pub(crate) fn has_overrun(&self) -> bool {
        self.deadline.overrun
    }

    /// The time is over: what was not sent is taken back, what was is cancelled.
    pub(super) fn expire(&mut self) -> Result<(), Error> {
        self.deadline.timer = None;
        self.deadline.over = true;
        let unsent = self.deadline.preparing || self.is_unsent();
        self.abandon_all();
        if unsent {
            return Err(self.deadline.error(true));
        }
        self.pursue();
        self.deadline.grace = Some(Timer::new(&*self.runtime, GRACE));
        Ok(())
    }

    /// Ready with the error that tells of it: once nothing is under way any more, or the server has had its time for that.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let over = |this: &Self| this.core.in_flight() == 0 && !this.is_cancelling();
        let error = loop {
            match self.next_known() {
                Ok(Some(_)) => continue,
                Ok(None) if over(self) => break self.deadline.error(false),
                Ok(None) => {}
                Err(_) => break self.ended(),
            }
            if self.poll_moved(cx, over).is_pending() {
                let grace = self.deadline.grace.as_mut();
                if grace.is_some_and(|grace| !grace.has_run_out(cx)) {
                    return Poll::Pending;
                }
                self.deadline.overrun = true;
                break self.deadline.error(false);
            }
        };
        self.deadline.grace = None;
        Poll::Ready(error)
    }
}
