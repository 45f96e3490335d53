//! One statement with many parameters, in one pipeline.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::iter::Peekable;
use std::task::{Context, Poll, ready};

use purepg_proto::{Event, OpId, Outcome, Reply};
use purepg_types::Params;

use crate::connection::Connection;
use crate::connection::bound::{Bound, Formats};
use crate::error::{Error, UsageError};
use crate::named::Text;
use crate::query::{IntoQuery, Query};
use crate::runtime::ByteStream;
use crate::written::Written;

/// An operation is for so many sets at most, and is no longer than it needs to be for a set beyond so many bytes: what was begun cannot be
/// taken back, and is remembered until it is answered.
const SETS: usize = 256;
const ENOUGH: usize = 16 * 1024;

/// So many sets may be under way. The answers to these are more than a server keeps for itself before it sends them.
const MOST_SETS: usize = 32 * 1024;

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
    /// is open; with what was sent in part goes the rest of it, some 16 KiB of parameters at most and one set more.
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
        let sql = text.sql();
        let found = self
            .statement_of(&query.what, sql, written.as_ref())
            .await?;
        let (statement, description) = (&found.statement, &found.description);
        let mut bound = Bound::new(query, statement, description, &self.types);
        (bound.sync, bound.silent) = (false, true);
        let mut progress = Progress::new(written.unwrap_or_else(|| statement.written()));
        while sets.peek().is_some() {
            if self.is_full() || progress.is_full() {
                poll_fn(|cx| self.poll_room(&mut progress, cx)).await?;
            }
            let (op, count) = self.start_some(&bound, &mut text, &mut sets)?;
            self.note_segment(true);
            progress.started(op, count);
        }
        poll_fn(|cx| self.poll_room(&mut progress, cx)).await?;
        // Its end commits.
        let sync = self.operation(|batch| {
            batch.sync();
        })?;
        progress.started(sync, 0);
        poll_fn(|cx| self.poll_end(&mut progress, cx)).await?;
        self.note_segment(false);
        let Some(error) = progress.failure else {
            return Ok(progress.row_count);
        };
        if found.is_old {
            // The sets are spent: it cannot be tried again here.
            self.note_failure(&found.statement, &error);
        }
        Err(error)
    }

    /// One operation for as many of the sets as go well together; gives how many these are.
    fn start_some<P: Params>(
        &mut self,
        bound: &Bound<'_>,
        text: &mut Text<'_>,
        sets: &mut Peekable<impl Iterator<Item = P>>,
    ) -> Result<(OpId, usize), Error> {
        let mut count = 0;
        let mut formats: Option<Formats> = None;
        self.check_values(bound.parameters())?;
        let op = self.start_bound_with(bound, |batch, repeated| {
            while let Some(set) = sets.peek() {
                let numbered;
                let params: &dyn Params =
                    if formats.is_some() && text.is_numbered() && !set.is_named() {
                        set
                    } else {
                        numbered = text.number(set)?.1;
                        &numbered
                    };
                match &formats {
                    None => {
                        let wanted = bound.formats(params)?;
                        bound.bind(batch, &wanted, params)?;
                        bound.execute(batch, repeated);
                        formats = Some(wanted);
                    }
                    Some(formats) if bound.has_formats(formats, params)? => {
                        batch.again(|out| bound.write(out, formats, params))?;
                    }
                    Some(_) => break,
                }
                sets.next();
                count += 1;
                if count == SETS || batch.written() >= ENOUGH {
                    break;
                }
            }
            Ok(())
        })?;
        Ok((op, count))
    }

    /// Ready when another operation is to be asked for. Not when one is over: without a Sync the server keeps its answers for itself as
    /// long as they are few.
    fn poll_room(
        &mut self,
        progress: &mut Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            let is_full = progress.is_full();
            let enough = |this: &Self| !is_full && !this.is_full();
            match ready!(self.poll_event_unless(cx, enough))? {
                Some(event) => self.follow_many(progress, &event),
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Ready when all of them are over.
    fn poll_end(
        &mut self,
        progress: &mut Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while !progress.under_way.is_empty() {
            match self.known_event() {
                Ok(Some(event)) => self.follow_many(progress, &event),
                _ => {
                    let event = ready!(self.poll_event(cx))?;
                    self.follow_many(progress, &event);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn follow_many(&self, progress: &mut Progress, event: &Event) {
        let Event::Reply(op, reply) = event else {
            return;
        };
        if !matches!(progress.under_way.front(), Some((front, _)) if front == op) {
            return;
        }
        match reply {
            Reply::StatementComplete(tag) => {
                let rows = tag.rows().unwrap_or(0);
                progress.row_count = progress.row_count.saturating_add(rows);
            }
            // Why is still to come.
            Reply::Finished(Outcome::Lost) => {}
            Reply::Finished(outcome) => {
                progress.ended();
                // What comes behind the first failure was skipped.
                if let Outcome::Failed(_) = outcome
                    && progress.failure.is_none()
                {
                    let failed = self.check(outcome.clone(), Some(&progress.written));
                    progress.failure = failed.err();
                }
            }
            _ => {}
        }
    }
}

#[derive(Debug)]
struct Progress {
    written: Written,
    /// Operations, and how many sets each of them is for.
    under_way: VecDeque<(OpId, usize)>,
    /// So many sets together.
    sets: usize,
    row_count: u64,
    failure: Option<Error>,
}

impl Progress {
    fn new(written: Written) -> Self {
        Self {
            written,
            under_way: VecDeque::new(),
            sets: 0,
            row_count: 0,
            failure: None,
        }
    }

    /// True when one of them has to be over before another is asked for.
    fn is_full(&self) -> bool {
        self.sets >= MOST_SETS
    }

    fn started(&mut self, op: OpId, sets: usize) {
        self.under_way.push_back((op, sets));
        self.sets += sets;
    }

    fn ended(&mut self) {
        let sets = self.under_way.pop_front().map_or(0, |(_, sets)| sets);
        self.sets -= sets;
    }
}
