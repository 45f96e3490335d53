//! One statement with many parameters, in one pipeline.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use purepg_proto::{Event, OpId, Outcome, Reply};
use purepg_types::Params;

use crate::connection::Connection;
use crate::connection::execute::Bound;
use crate::error::{Error, UsageError};
use crate::query::{IntoQuery, Query, What};
use crate::runtime::ByteStream;
use crate::written::Written;

impl<S: ByteStream> Connection<S> {
    /// Runs a statement once for each set of parameters, without waiting in between, and returns the sum of the row counts. Rows are
    /// discarded.
    ///
    /// It is all or nothing: outside of a transaction they are one. The sets are taken from the iterator as fast as the server takes
    /// them. Without any, nothing is sent.
    ///
    /// # Errors
    /// The first one, as for [`fetch`](Self::fetch); nothing of it stays then (in a transaction, that has failed).
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing. What was sent may be carried out, but not a part of it, unless a transaction
    /// is open.
    pub async fn execute_many<'q, P: Params>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl IntoIterator<Item = P, IntoIter: Send> + Send,
    ) -> Result<u64, Error> {
        let query = query.into_query();
        self.make_way_for(&query).await?;
        self.check_transaction()?;
        let sets = params.into_iter();
        match self.pipe(&query, sets).await {
            Ok(count) => Ok(count),
            Err(error) => Err(self.settled(error).await),
        }
    }

    async fn pipe<P: Params>(
        &mut self,
        query: &Query<'_>,
        sets: impl Iterator<Item = P> + Send,
    ) -> Result<u64, Error> {
        let mut sets = sets.peekable();
        // As the first set is given, by position or by name, all of them are.
        let Some(first) = sets.peek() else {
            return Ok(0);
        };
        let mut text = self.text(&query.what, first)?;
        let written = text.written();
        if self.is_copy(text.sql()) {
            return Err(UsageError::CopyInPipeline.into());
        }
        let found = match &query.what {
            What::Text(_) => self.statement_of(text.sql(), written.as_ref()).await?,
            What::Prepared(statement) => self.statement_of_handle(statement).await?,
        };
        let (statement, description) = (&found.statement, &found.description);
        let mut bound = Bound::new(query, statement, description, &self.types);
        bound.sync = false;
        let mut progress = Progress::new(written.unwrap_or_else(|| statement.written()));
        for set in sets {
            if self.is_full() {
                poll_fn(|cx| self.poll_room(&mut progress, cx)).await?;
            }
            let (_, params) = text.number(&set)?;
            let op = self.start_bound(&bound, &params)?;
            self.note_segment(true);
            progress.under_way.push_back(op);
        }
        poll_fn(|cx| self.poll_room(&mut progress, cx)).await?;
        // Its end commits.
        let sync = self.operation(|batch| {
            batch.sync();
        })?;
        progress.under_way.push_back(sync);
        poll_fn(|cx| self.poll_end(&mut progress, cx)).await?;
        self.note_segment(false);
        let Some(error) = progress.failure else {
            return Ok(progress.row_count);
        };
        if let Some(statement) = found.into_old() {
            // The sets are spent: it cannot be tried again here.
            self.note_failure(&statement, &error);
        }
        Err(error)
    }

    /// Ready when another operation is to be asked for. Not when one is over: without a Sync the server keeps its answers for itself as
    /// long as they are few.
    fn poll_room(
        &mut self,
        progress: &mut Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while let Some(event) = ready!(self.poll_event_unless(cx, |this| !this.is_full()))? {
            self.follow_many(progress, event);
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when all of them are over.
    fn poll_end(
        &mut self,
        progress: &mut Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while !progress.under_way.is_empty() {
            let event = ready!(self.poll_event(cx))?;
            self.follow_many(progress, event);
        }
        Poll::Ready(Ok(()))
    }

    fn follow_many(&self, progress: &mut Progress, event: Event) {
        let Event::Reply(op, reply) = event else {
            return;
        };
        if progress.under_way.front() != Some(&op) {
            return;
        }
        match reply {
            Reply::StatementComplete(tag) => progress.row_count += tag.rows().unwrap_or(0),
            Reply::Finished(outcome) => {
                progress.under_way.pop_front();
                // What comes behind the first failure was skipped.
                let failed = matches!(outcome, Outcome::Failed(_));
                if failed && progress.failure.is_none() {
                    progress.failure = self.check(outcome, Some(&progress.written)).err();
                }
            }
            _ => {}
        }
    }
}

#[derive(Debug)]
struct Progress {
    written: Written,
    under_way: VecDeque<OpId>,
    row_count: u64,
    failure: Option<Error>,
}

impl Progress {
    fn new(written: Written) -> Self {
        Self {
            written,
            under_way: VecDeque::new(),
            row_count: 0,
            failure: None,
        }
    }
}
