//! What an error does to the other queries of a pipeline, and what its end, or that of the connection, does to all of them.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use purepg_proto::RowShape;

use crate::error::Error;
use crate::pipeline::Item;
use crate::pipeline::results::{Current, PipelineResults, Sent};
use crate::runtime::ByteStream;

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// Behind the last result: the connection is ready when it says that there is no more.
    pub(super) fn poll_settled(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<u64, Error>>> {
        // Every query has its result: should the connection have ended meanwhile, the next call on it tells.
        let _ = ready!(self.connection.poll_settled(cx));
        self.done = true;
        Poll::Ready(None)
    }

    pub(super) fn end(&mut self, error: Error) -> Poll<Option<Result<u64, Error>>> {
        self.ended = true;
        self.current = Current::default();
        let first = self.next_lost();
        Poll::Ready(if self.connection.is_dead() {
            first
        } else {
            first.map(|_| Err(error))
        })
    }

    /// The next of those that nobody will answer any more.
    pub(super) fn next_lost(&mut self) -> Option<Result<u64, Error>> {
        let why = if self.connection.is_dead() {
            self.connection.ended()
        } else {
            self.connection.timeout_error().unwrap_or(Error::Aborted)
        };
        while let Some(sent) = self.sent.front() {
            if let Sent::Queries(_) = sent {
                self.query_is_over();
                return Some(Err(why));
            }
            match self.sent.pop_front() {
                Some(Sent::Failed(error)) => return Some(Err(error)),
                Some(Sent::Describe(..)) => self.describing = true,
                _ => {}
            }
        }
        // The first of those that were not sent may have been described, or on its way to be.
        let in_part = mem::take(&mut self.describing) | self.described.take().is_some();
        while let Some(item) = self.items.pop_front() {
            if let Item::Query(..) = item {
                return Some(Err(if in_part { why } else { why.before_sending() }));
            }
        }
        self.done = true;
        None
    }

    /// A query failed here: the server has to give up what it has done of its segment, and nobody looks at the rest.
    pub(super) fn fail(&mut self, error: Error) -> Result<(), Error> {
        self.sent.push_back(Sent::Failed(error));
        if mem::take(&mut self.begun) {
            // A portal that nobody made.
            let op = self.connection.operation(|batch| {
                let none = Arc::new(purepg_proto::Columns::from_iter([]));
                batch
                    .execute(
                        "purepg_failed_before_it_was_sent",
                        None,
                        RowShape::Known(none),
                    )
                    .sync();
            })?;
            self.sent.push_back(Sent::Failing(op));
        }
        self.abort_rest();
        Ok(())
    }

    /// The rest of a segment that has failed.
    pub(super) fn abort_rest(&mut self) {
        while let Some(Item::Query(..)) = self.items.front() {
            self.items.pop_front();
            self.sent.push_back(Sent::Failed(Error::Aborted));
        }
        self.begun = false;
        self.segment += 1;
    }
}
