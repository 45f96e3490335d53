//! What becomes of the queries of a pipeline: what is sent of them, and what was answered.

mod ends;
mod sending;

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use purepg_proto::{Event, OpId, Outcome, Reply};

use crate::columns::Columns;
use crate::connection::{Connection, Describing};
use crate::error::{Error, UsageError};
use crate::pipeline::{Item, QueryOutcome};
use crate::row::{KeptRows, RowBatch, RowRef};
use crate::runtime::ByteStream;
use crate::statement::Statement;
use crate::written::Written;

/// So many queries are on their way at most that memory is set aside for them at once.
const MANY: usize = 256;

/// What becomes of the queries, in order: one result for each, also where the connection ends amid them.
///
/// Queries are sent, and results read, while somebody waits for them: what is not taken waits in the socket, and the server waits.
///
/// # Cancel safety
/// It may be dropped at any result, and so may the futures of [`next`](Self::next): none is lost with a future. A query that was not sent
/// when it is dropped is not carried out.
#[must_use = "nothing is sent before a result is waited for"]
pub struct PipelineResults<'c, 'q, S> {
    connection: &'c mut Connection<S>,
    /// Those that were not sent.
    items: VecDeque<Item<'q>>,
    /// What was sent, and what failed here, in order.
    sent: VecDeque<Sent>,
    /// A statement has to be described before more is sent.
    describing: bool,
    /// That statement, once it is: the next query is about it.
    described: Option<Statement>,
    /// How many segments were sent to their end.
    segment: usize,
    /// Something of the segment behind these was sent.
    begun: bool,
    current: QueryOutcome,
    /// Rows of the current query so far.
    delivered: u64,
    /// What is wrong with it, though the server did not say so.
    fault: Option<Error>,
    /// Nothing is sent any more, and nothing will be answered.
    ended: bool,
    done: bool,
}

enum Sent {
    Describe(Describing),
    Query {
        op: OpId,
        segment: usize,
        statement: Statement,
        /// As its caller wrote it, where that is not the statement's text.
        written: Option<Written>,
        columns: Option<Arc<Columns>>,
    },
    /// What makes the server abandon a segment.
    Failing(OpId),
    Failed(Error),
}

impl<'c, 'q, S> PipelineResults<'c, 'q, S> {
    pub(super) fn new(connection: &'c mut Connection<S>, items: VecDeque<Item<'q>>) -> Self {
        let sent = VecDeque::with_capacity(items.len().min(MANY));
        Self {
            connection,
            items,
            sent,
            describing: false,
            described: None,
            segment: 0,
            begun: false,
            current: QueryOutcome::default(),
            delivered: 0,
            fault: None,
            ended: false,
            done: false,
        }
    }
}

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// What became of the next query; `None` when there is none left.
    ///
    /// # Errors
    /// [`Error::Aborted`] for a query that was not looked at, since one before it in its transaction had failed;
    /// [`UsageError::CopyInPipeline`] for a COPY; otherwise as [`Connection::fetch`]. When the connection ends, each query that has no
    /// result yet is told why, once, and those that were not sent [may be tried again](Error::is_retryable).
    ///
    /// # Cancel safety
    /// Dropping the future loses no result.
    pub async fn next(&mut self) -> Option<Result<QueryOutcome, Error>> {
        poll_fn(|cx| self.poll_result(cx, &mut keep)).await
    }

    /// The same without keeping anything: the rows of the next query are lent to `each` as they arrive, and the number of rows that it
    /// counted is returned. Nothing is allocated for a row.
    ///
    /// # Errors
    /// As [`next`](Self::next), and the first error of `each`, which is not shown any more rows of that query; the other queries are not
    /// touched by it.
    ///
    /// # Cancel safety
    /// Dropping the future loses no result and no row: the next call goes on with the rows that `each` was not shown.
    pub async fn next_with(
        &mut self,
        mut each: impl FnMut(RowRef<'_>) -> Result<(), Error> + Send,
    ) -> Option<Result<u64, Error>> {
        // What a future of `next` had kept before it was dropped.
        for row in mem::take(&mut self.current.rows) {
            self.show(&row.as_ref(), &mut each);
        }
        let mut show = |this: &mut Self, batch: RowBatch| {
            for row in &batch {
                this.show(&row, &mut each);
            }
        };
        let result = poll_fn(|cx| self.poll_result(cx, &mut show)).await?;
        Some(result.map(|outcome| outcome.row_count))
    }

    fn show(&mut self, row: &RowRef<'_>, each: &mut impl FnMut(RowRef<'_>) -> Result<(), Error>) {
        if self.fault.is_none() {
            self.fault = each(*row).err();
        }
    }

    fn poll_result(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut impl FnMut(&mut Self, RowBatch),
    ) -> Poll<Option<Result<QueryOutcome, Error>>> {
        loop {
            if self.done {
                return Poll::Ready(None);
            }
            if self.ended {
                return Poll::Ready(self.next_lost());
            }
            if let Err(error) = self.send() {
                return self.end(error);
            }
            if let Some(Sent::Failed(_)) = self.sent.front() {
                let Some(Sent::Failed(error)) = self.sent.pop_front() else {
                    continue;
                };
                return Poll::Ready(Some(Err(error)));
            }
            if self.sent.is_empty() && self.items.is_empty() {
                return self.poll_settled(cx);
            }
            let more = !self.items.is_empty() && !self.describing && self.connection.is_open();
            let event = match ready!(self.connection.poll_event_or_room(cx, more)) {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                Err(error) => return self.end(error),
            };
            match event {
                // Why is still to come.
                Event::Reply(_, Reply::Finished(Outcome::Lost)) => {}
                Event::Reply(op, reply) => {
                    if let Some(result) = self.follow(op, reply, take) {
                        return Poll::Ready(Some(result));
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes note of one answer; gives the result that it completes.
    fn follow(
        &mut self,
        op: OpId,
        reply: Reply,
        take: &mut impl FnMut(&mut Self, RowBatch),
    ) -> Option<Result<QueryOutcome, Error>> {
        match self.sent.front_mut()? {
            Sent::Describe(describing) if describing.op() == op => {
                let described = describing.follow(self.connection, reply)?;
                self.sent.pop_front();
                self.describing = false;
                let error = match described {
                    Ok(statement) => {
                        self.described = Some(statement);
                        return None;
                    }
                    Err(error) => error,
                };
                // The server has given the segment up already.
                self.items.pop_front();
                self.abort_rest();
                Some(Err(error))
            }
            Sent::Failing(failing) if *failing == op => {
                if let Reply::Finished(_) = reply {
                    self.sent.pop_front();
                }
                None
            }
            Sent::Query {
                op: query, columns, ..
            } if *query == op => {
                match reply {
                    Reply::Columns(described) => {
                        *columns = Some(self.connection.columns(described));
                    }
                    Reply::Rows(rows) => {
                        let rows = columns
                            .clone()
                            .map(|columns| RowBatch::new(rows, columns))?;
                        self.delivered += u64::try_from(rows.len()).unwrap_or(0);
                        match self.connection.check_readable() {
                            Ok(()) => take(self, rows),
                            Err(error) => {
                                self.fault.get_or_insert(error);
                            }
                        }
                    }
                    Reply::StatementComplete(tag) => {
                        self.current.row_count = tag.rows().unwrap_or(0);
                        self.connection.note_tag(&tag);
                    }
                    Reply::Suspended => self.current.row_count = self.delivered,
                    Reply::CopyOut(_) => {
                        self.fault.get_or_insert(UsageError::CopyOut.into());
                    }
                    Reply::Finished(outcome) => return self.finish(outcome),
                    _ => {}
                }
                None
            }
            _ => None,
        }
    }

    fn finish(&mut self, outcome: Outcome) -> Option<Result<QueryOutcome, Error>> {
        let Some(Sent::Query {
            segment,
            statement,
            written,
            columns,
            ..
        }) = self.sent.pop_front()
        else {
            return None;
        };
        let current = mem::take(&mut self.current);
        self.delivered = 0;
        let fault = self.fault.take();
        let failed = matches!(outcome, Outcome::Failed(_));
        let checked = match outcome {
            Outcome::Complete => Ok(()),
            outcome => {
                let written = written.unwrap_or_else(|| statement.written());
                self.connection.check(outcome, Some(&written))
            }
        };
        Some(match checked {
            Ok(()) => {
                // A change is reported behind the rows that were made with it.
                let readable = match columns {
                    Some(_) => self.connection.check_readable(),
                    None => Ok(()),
                };
                let sound = fault.map_or(readable, Err);
                sound.map(|()| QueryOutcome { columns, ..current })
            }
            Err(error) => {
                if failed {
                    self.connection.note_failure(&statement, &error);
                    // What was sent of its segment is skipped; the rest would begin another one.
                    // A statement that is being described is skipped too, and tells so itself.
                    if segment == self.segment && !self.describing {
                        self.abort_rest();
                    }
                }
                Err(error)
            }
        })
    }
}

/// Rows that are there to stay.
fn keep<S>(results: &mut PipelineResults<'_, '_, S>, batch: RowBatch) {
    let rows = &mut results.current.rows;
    rows.reserve(batch.len());
    let mut kept = KeptRows::new(batch);
    while let Some(row) = kept.next() {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => {
                results.fault.get_or_insert(error);
                return;
            }
        }
    }
}

impl<S: ByteStream> Stream for PipelineResults<'_, '_, S> {
    type Item = Result<QueryOutcome, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_result(cx, &mut keep)
    }
}

impl<S: ByteStream> FusedStream for PipelineResults<'_, '_, S> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<S> fmt::Debug for PipelineResults<'_, '_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineResults")
            .field("unsent", &self.items.len())
            .field("sent", &self.sent.len())
            .finish_non_exhaustive()
    }
}
