//! How a call begins, and how it ends: before anything is sent nothing of an earlier one is in its way, and behind it the facts are facts.

use std::future::poll_fn;
use std::time::Duration;

use purepg_proto::{OpId, Reply};

use crate::connection::Connection;
use crate::error::Error;
use crate::query::Query;
use crate::runtime::ByteStream;
use crate::written::Written;

impl<S: ByteStream> Connection<S> {
    /// Before anything new: whatever is under way belongs to somebody who has gone.
    pub(crate) async fn make_way(&mut self) -> Result<(), Error> {
        self.make_way_within(self.query_timeout).await
    }

    /// The same, and from here on the call has so long a time.
    #[inline]
    pub(crate) async fn make_way_within(&mut self, limit: Option<Duration>) -> Result<(), Error> {
        if limit.is_none() && self.nothing_is_in_the_way() {
            self.call_begins();
            return Ok(());
        }
        self.clear_the_way(limit).await
    }

    /// True where [`clear_the_way`](Self::clear_the_way) would find nothing to do: the last call went to its end.
    fn nothing_is_in_the_way(&self) -> bool {
        self.core.is_at_rest()
            && self.is_flushed()
            && self.deadline.is_unset()
            && self.transactions.is_settled()
            && self.canceller.get().is_none()
            && self.abandoned.is_nothing()
            && self.closes_in.is_none()
            && self.naming.is_none()
            && self.closing.is_empty()
            && self.statements.none_was_given_up()
    }

    /// Begins a call without waiting for anything, if there is nothing to wait for.
    pub(crate) fn begin_now(&mut self) -> bool {
        let begins = self.nothing_is_in_the_way() && self.check_transaction().is_ok();
        if begins {
            self.call_begins();
        }
        begins
    }

    /// From here on a call that has begun has so long a time, or as long as one has that does not say so itself.
    pub(crate) fn go_on_within(&mut self, limit: Option<Duration>) {
        self.set_deadline(limit.or(self.query_timeout));
    }

    /// Has the operation that was begun last, and of which nothing was sent, end its segment.
    pub(crate) fn sync_behind(&mut self, op: OpId) -> Result<(), Error> {
        self.core.sync_behind(op)?;
        self.note_segment(false);
        Ok(())
    }

    async fn clear_the_way(&mut self, limit: Option<Duration>) -> Result<(), Error> {
        self.set_deadline(limit);
        self.note_preparing(true);
        if let Some(canceller) = self.canceller.get() {
            canceller.call_begins();
        }
        self.abandon_all();
        if self.closes_in.take().is_some() {
            // Not taken back: they were carried out, or will be.
            self.to_close.clear();
        }
        self.closing.drain_into(&mut self.to_close);
        self.to_close.extend(self.statements.forgotten());
        // Whoever waited for its statement was forgotten, or has closed it.
        if let Some(left) = self.naming.take()
            && !self.to_close.contains(&left)
        {
            self.to_close.push_back(left);
        }
        self.call_begins();
        if self.core.is_dead() {
            self.learn_end();
            return Err(self.ended());
        }
        // What was sent in part goes out whole first: the core takes little behind it.
        let ready = self.outlast().await;
        self.call_begins();
        self.note_preparing(false);
        ready.map_err(Error::before_sending)?;
        match self.canceller.get() {
            Some(canceller) if !canceller.call_may_send() => Err(Error::Cancelled),
            _ => Ok(()),
        }
    }

    /// Before a query, which may have a time of its own.
    pub(crate) async fn make_way_for(&mut self, query: &Query<'_>) -> Result<(), Error> {
        self.make_way_within(query.timeout.or(self.query_timeout))
            .await
    }

    async fn outlast(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_written(cx)).await?;
        self.outlast_abandoned().await?;
        self.outlast_cancels().await
    }

    /// Waits for the end of an operation whose answers matter to nobody.
    pub(super) async fn finish(&mut self, op: OpId, sql: Option<&Written>) -> Result<(), Error> {
        loop {
            if let Reply::Finished(outcome) = self.reply(op).await? {
                let result = self.check(outcome, sql);
                self.settle().await?;
                return result;
            }
        }
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_settled(cx)).await
    }

    /// What is returned with an error is a connection whose facts are facts.
    pub(crate) async fn settled(&mut self, error: Error) -> Error {
        if let Error::Timeout { .. } = error {
            // It has been, or the server has had its time for that.
            return error;
        }
        self.abandon_all();
        // Should the connection end meanwhile, the first error still says more, but that it has. It has not where the time ran out.
        match self.settle().await {
            Ok(()) | Err(Error::Timeout { .. }) => error,
            Err(end) => error.with_end(end),
        }
    }
}

impl<S> Connection<S> {
    /// Takes back a call that has sent nothing.
    pub(crate) fn give_up(&mut self) {
        self.abandon_all();
        self.note_segment(false);
        self.publish();
    }
}
