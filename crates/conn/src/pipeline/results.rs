//! What becomes of the queries of a pipeline: what is sent of them, and what was answered.

mod ends;

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
use crate::connection::{Bound, Connection, Describing};
use crate::error::{Error, UsageError};
use crate::pipeline::{Item, QueryOutcome};
use crate::query::What;
use crate::row::{KeptRows, RowBatch};
use crate::runtime::ByteStream;
use crate::statement::Statement;
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
        written: Written,
        columns: Option<Arc<Columns>>,
    },
    /// What makes the server abandon a segment.
    Failing(OpId),
    Failed(Error),
}

impl<'c, 'q, S> PipelineResults<'c, 'q, S> {
    pub(super) fn new(connection: &'c mut Connection<S>, items: VecDeque<Item<'q>>) -> Self {
        Self {
            connection,
            items,
            sent: VecDeque::new(),
            describing: false,
            described: None,
            segment: 0,
            begun: false,
            current: QueryOutcome::default(),
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
        poll_fn(|cx| self.poll_result(cx)).await
    }

    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<QueryOutcome, Error>>> {
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
                    if let Some(result) = self.follow(op, reply) {
                        return Poll::Ready(Some(result));
                    }
                }
                _ => {}
            }
        }
    }

    /// As much as the connection takes.
    fn send(&mut self) -> Result<(), Error> {
        while !self.describing && self.connection.is_open() && !self.connection.is_full() {
            let Some(item) = self.items.pop_front() else {
                break;
            };
            let Item::Query(query, params) = item else {
                continue;
            };
            if query.timeout.is_some() {
                self.fail(UsageError::TimeoutInPipeline.into())?;
                continue;
            }
            let mut text = match self.connection.text(&query.what, &*params) {
                Ok(text) => text,
                Err(error) => {
                    self.fail(error.into())?;
                    continue;
                }
            };
            let written = text.written();
            let (sql, numbered) = match text.number(&*params) {
                Ok(numbered) => numbered,
                Err(error) => {
                    self.fail(error.into())?;
                    continue;
                }
            };
            if self.connection.is_copy(sql) {
                self.fail(UsageError::CopyInPipeline.into())?;
                continue;
            }
            let statement = match &query.what {
                _ if self.described.is_some() => self.described.take(),
                What::Text(_) => self.connection.known_statement(sql),
                What::Prepared(statement) => match self.connection.own(statement) {
                    Ok(statement) => Some(statement.clone()),
                    Err(error) => {
                        self.fail(error)?;
                        continue;
                    }
                },
            };
            let description = statement
                .as_ref()
                .and_then(|statement| self.connection.known_description(statement));
            let Some((statement, description)) = statement.clone().zip(description) else {
                match Describing::begin(self.connection, statement, sql, written) {
                    Ok(describing) => {
                        self.sent.push_back(Sent::Describe(describing));
                        self.items.push_front(Item::Query(query, params));
                        (self.describing, self.begun) = (true, true);
                    }
                    Err(error) => self.fail(error)?,
                }
                continue;
            };
            let types = self.connection.types();
            let mut bound = Bound::new(&query, &statement, &description, written, types);
            bound.sync = matches!(self.items.front(), None | Some(Item::Sync));
            match self.connection.start_bound(&bound, &numbered) {
                Ok(cursor) => {
                    let (op, columns) = (cursor.op(), cursor.columns().cloned());
                    self.sent.push_back(Sent::Query {
                        op,
                        segment: self.segment,
                        statement: statement.clone(),
                        written: bound.written,
                        columns,
                    });
                    self.begun = !bound.sync;
                    self.connection.note_segment(self.begun);
                    self.connection.note_sent(&statement);
                    self.segment += usize::from(bound.sync);
                }
                Err(error) => self.fail(error)?,
            }
        }
        Ok(())
    }

    /// Takes note of one answer; gives the result that it completes.
    fn follow(&mut self, op: OpId, reply: Reply) -> Option<Result<QueryOutcome, Error>> {
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
                        *columns = Some(Columns::new(described, self.connection.types()));
                    }
                    Reply::Rows(rows) => {
                        let rows = columns.clone().map(|columns| RowBatch::new(rows, columns));
                        if let Err(error) = self.keep(rows?) {
                            self.fault.get_or_insert(error);
                        }
                    }
                    Reply::StatementComplete(tag) => {
                        self.current.row_count = tag.rows().unwrap_or(0);
                        self.connection.note_tag(&tag);
                    }
                    Reply::Suspended => {
                        let delivered = self.current.rows.len();
                        self.current.row_count = u64::try_from(delivered).unwrap_or(u64::MAX);
                    }
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

    fn keep(&mut self, batch: RowBatch) -> Result<(), Error> {
        self.connection.check_readable()?;
        self.current.rows.reserve(batch.len());
        let mut kept = KeptRows::new(batch);
        while let Some(row) = kept.next() {
            self.current.rows.push(row?);
        }
        Ok(())
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
        let fault = self.fault.take();
        let failed = matches!(outcome, Outcome::Failed(_));
        let checked = self.connection.check(outcome, Some(&written));
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

impl<S: ByteStream> Stream for PipelineResults<'_, '_, S> {
    type Item = Result<QueryOutcome, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_result(cx)
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
