//! What becomes of the queries of a pipeline: what is sent of them, and what was answered.

mod ahead;
mod answers;
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
use crate::error::Error;
use crate::pipeline::{Item, QueryOutcome};
use crate::row::{KeptRows, Row, RowBatch, RowRef};
use crate::runtime::ByteStream;
use crate::statement::{Description, Statement};
use crate::written::Written;

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
    /// Whether queries are written before it is run; `None` before the first one.
    is_ahead: Option<bool>,
    /// Those that were not written.
    items: VecDeque<Item<'q>>,
    /// What was written, and what failed here, in order.
    sent: VecDeque<Sent>,
    /// What was written last: more often than not it is written again.
    last: Option<Last>,
    /// A statement has to be described before more is sent.
    describing: bool,
    /// That statement, once it is: the next query is about it.
    described: Option<Statement>,
    /// How many segments were sent to their end.
    segment: usize,
    /// Something of the segment behind these was sent.
    begun: bool,
    /// What the current query runs, or the last one.
    running: Option<Running>,
    current: Current,
    /// The columns of the last query that had a result, where they were described for it alone.
    last_columns: Option<Arc<Columns>>,
    /// Nothing is sent any more, and nothing will be answered.
    ended: bool,
    done: bool,
}

enum Sent {
    Describe(Describing),
    Queries(Queries),
    /// What makes the server abandon a segment.
    Failing(OpId),
    Failed(Error),
}

/// One or several queries in a row that run the same.
struct Queries {
    /// The newest. What was sent before them is over when they are answered.
    until: OpId,
    count: usize,
    segment: usize,
    /// `None` where it is the same as for the query before them.
    running: Option<Running>,
    /// As its caller wrote it, where that is not the statement's text. It is one query then.
    written: Option<Written>,
}

/// A statement as it is known, and whether its results were asked for in the binary format.
struct Last {
    statement: Statement,
    description: Arc<Description>,
    is_binary: bool,
}

/// What one query after the other runs.
struct Running {
    statement: Statement,
    /// Of its rows, where they are known beforehand.
    columns: Option<Arc<Columns>>,
}

/// What is known of a query that is being answered.
#[derive(Default)]
struct Current {
    /// Rows that are kept.
    rows: Vec<Row>,
    /// Columns that were described for it alone.
    columns: Option<Arc<Columns>>,
    delivered: u64,
    row_count: u64,
    /// What is wrong with it, though the server did not say so.
    fault: Option<Error>,
}

impl<'c, S> PipelineResults<'c, '_, S> {
    pub(super) fn new(connection: &'c mut Connection<S>) -> Self {
        Self {
            connection,
            is_ahead: None,
            items: VecDeque::new(),
            sent: VecDeque::new(),
            last: None,
            describing: false,
            described: None,
            segment: 0,
            begun: false,
            running: None,
            current: Current::default(),
            last_columns: None,
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
    /// [`UsageError::CopyInPipeline`](crate::UsageError::CopyInPipeline) for a COPY; otherwise as [`Connection::fetch`]. When the
    /// connection ends, each query that has no result yet is told why, once, and those that were not sent
    /// [may be tried again](Error::is_retryable).
    ///
    /// # Cancel safety
    /// Dropping the future loses no result.
    pub async fn next(&mut self) -> Option<Result<QueryOutcome, Error>> {
        poll_fn(|cx| self.poll_outcome(cx)).await
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
            self.current.show(row.as_ref(), &mut each);
        }
        let mut show = |current: &mut Current, rows: purepg_proto::RowBatch, columns: &Arc<_>| {
            for row in &rows {
                current.show(RowRef::new(row, columns), &mut each);
            }
        };
        poll_fn(|cx| self.poll_result(cx, &mut show)).await
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<QueryOutcome, Error>>> {
        let result = ready!(self.poll_result(cx, &mut keep));
        Poll::Ready(result.map(|result| {
            let rows = mem::take(&mut self.current.rows);
            let known = self
                .running
                .as_ref()
                .and_then(|running| running.columns.clone());
            let columns = self.last_columns.take().or(known);
            result.map(|row_count| QueryOutcome {
                rows,
                row_count,
                columns,
            })
        }))
    }

    /// Ready with the number of rows that the next query counted.
    fn poll_result(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut impl FnMut(&mut Current, purepg_proto::RowBatch, &Arc<Columns>),
    ) -> Poll<Option<Result<u64, Error>>> {
        loop {
            // While the answers to a query come, nothing else has to be looked at.
            while !self.ended
                && let Some(Sent::Queries(queries)) = self.sent.front()
            {
                let event = self.connection.known_event();
                // Most of them, without being moved.
                match &event {
                    Ok(Some(Event::Reply(op, reply))) if *op <= queries.until => match reply {
                        Reply::StatementComplete(tag) => {
                            self.current.row_count = tag.rows().unwrap_or(0);
                            self.connection.note_tag(tag);
                            continue;
                        }
                        Reply::Finished(Outcome::Complete) => {
                            return Poll::Ready(self.finish(Outcome::Complete));
                        }
                        _ => {}
                    },
                    Ok(Some(_)) => continue,
                    _ => break,
                }
                if let Ok(Some(event)) = event
                    && let Some(result) = self.follow(event, take)
                {
                    return Poll::Ready(Some(result));
                }
            }
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
            let more = self.has_more();
            match ready!(self.connection.poll_event_or_room(cx, more)) {
                Ok(Some(event)) => {
                    if let Some(result) = self.follow(event, take) {
                        return Poll::Ready(Some(result));
                    }
                }
                Ok(None) => {}
                Err(error) => return self.end(error),
            }
        }
    }
}

impl Current {
    #[inline]
    fn show(&mut self, row: RowRef<'_>, each: &mut impl FnMut(RowRef<'_>) -> Result<(), Error>) {
        if self.fault.is_none() {
            self.fault = each(row).err();
        }
    }
}

/// Rows that are there to stay.
fn keep(current: &mut Current, rows: purepg_proto::RowBatch, columns: &Arc<Columns>) {
    current.rows.reserve(rows.len());
    let mut kept = KeptRows::new(RowBatch::new(rows, Arc::clone(columns)));
    while let Some(row) = kept.next() {
        match row {
            Ok(row) => current.rows.push(row),
            Err(error) => {
                current.fault.get_or_insert(error);
                return;
            }
        }
    }
}

impl<S: ByteStream> Stream for PipelineResults<'_, '_, S> {
    type Item = Result<QueryOutcome, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_outcome(cx)
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
