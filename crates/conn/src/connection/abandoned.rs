//! Results that nobody wants any more, and that are cancelled when they turn out to be large.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use purepg_proto::TransactionStatus;

use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;

#[derive(Debug, Default)]
pub(super) struct Abandoned {
    /// So many bytes are read past; `None`: all of them.
    limit: Option<usize>,
    /// How many bytes had been received when somebody first found what is left.
    since: Option<usize>,
}

impl Abandoned {
    pub(super) fn new(limit: Option<usize>) -> Self {
        let since = None;
        Self { limit, since }
    }

    /// True when no call has met any.
    pub(super) fn is_nothing(&self) -> bool {
        self.since.is_none()
    }
}

impl<S: ByteStream> Connection<S> {
    /// Before something new is sent, if that was chosen: reads past what is left, and cancels it when it is too much.
    pub(super) async fn outlast_abandoned(&mut self) -> Result<(), Error> {
        let Some(limit) = self.abandoned.limit else {
            return Ok(());
        };
        let since = *self.abandoned.since.get_or_insert(self.bytes_received());
        // A call that is dropped here goes on counting with the next one.
        poll_fn(|cx| self.poll_until(cx, |this| this.is_over_or_large(since, limit))).await?;
        if self.core.in_flight() > 0 && self.may_be_cancelled() {
            self.pursue();
            poll_fn(|cx| self.poll_until(cx, |this| !this.is_cancelling())).await?;
        }
        self.abandoned.since = None;
        Ok(())
    }

    fn is_over_or_large(&self, since: usize, limit: usize) -> bool {
        let received = self.bytes_received().saturating_sub(since);
        self.core.in_flight() == 0 || !self.may_be_cancelled() || received >= limit
    }

    /// Neither a transaction of the caller's nor the end of one is hit.
    fn may_be_cancelled(&self) -> bool {
        let outside = self.core.transaction_status() == TransactionStatus::Idle;
        outside && !self.in_transaction() && self.is_caught_up() && !self.is_ending_any()
    }

    /// Ready when `enough` says so; what comes meanwhile belongs to nobody.
    pub(super) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Self) -> bool + Copy,
    ) -> Poll<Result<(), Error>> {
        loop {
            match ready!(self.poll_event_unless(cx, enough))? {
                Some(_) => {}
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}
