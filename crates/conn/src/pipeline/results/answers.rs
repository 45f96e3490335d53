//! What the server answers to the queries of a pipeline.

use std::mem;
use std::sync::Arc;

use purepg_proto::{Event, Outcome, Reply, RowBatch};

use crate::columns::Columns;
use crate::error::{Error, UsageError};
use crate::pipeline::results::{Current, PipelineResults, Sent};
use crate::runtime::ByteStream;
use crate::statement::Statement;
use crate::written::Written;

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// Takes note of one answer; gives the result that it completes.
    pub(super) fn follow(
        &mut self,
        event: Event,
        take: &mut impl FnMut(&mut Current, RowBatch, &Arc<Columns>),
    ) -> Option<Result<u64, Error>> {
        let Event::Reply(op, reply) = event else {
            return None;
        };
        if matches!(reply, Reply::Finished(Outcome::Lost)) {
            // Why is still to come.
            return None;
        }
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
            Sent::Queries(queries) if op <= queries.until => {
                if let Some(running) = queries.running.take() {
                    self.running = Some(running);
                }
                let current = &mut self.current;
                match reply {
                    Reply::Columns(described) => {
                        current.columns = Some(self.connection.columns(described));
                    }
                    Reply::Rows(rows) => {
                        let own = current.columns.clone();
                        let known = self
                            .running
                            .as_ref()
                            .and_then(|known| known.columns.as_ref());
                        let columns = own.as_ref().or(known)?;
                        current.delivered += u64::try_from(rows.len()).unwrap_or(0);
                        match self.connection.check_readable() {
                            Ok(()) => take(current, rows, columns),
                            Err(error) => {
                                current.fault.get_or_insert(error);
                            }
                        }
                    }
                    Reply::StatementComplete(tag) => {
                        current.row_count = tag.rows().unwrap_or(0);
                        self.connection.note_tag(&tag);
                    }
                    Reply::Suspended => current.row_count = current.delivered,
                    Reply::CopyOut(_) => {
                        current.fault.get_or_insert(UsageError::CopyOut.into());
                    }
                    Reply::Finished(outcome) => return self.finish(outcome),
                    _ => {}
                }
                None
            }
            _ => None,
        }
    }

    /// The oldest query has its result.
    pub(super) fn query_is_over(&mut self) {
        if let Some(Sent::Queries(queries)) = self.sent.front_mut() {
            queries.count -= 1;
            if queries.count == 0 {
                self.sent.pop_front();
            }
        }
    }

    /// The oldest query is over: its result.
    #[inline]
    pub(super) fn finish(&mut self, outcome: Outcome) -> Option<Result<u64, Error>> {
        let Some(Sent::Queries(queries)) = self.sent.front_mut() else {
            return None;
        };
        if let Some(running) = queries.running.take() {
            self.running = Some(running);
        }
        let (segment, written) = (queries.segment, queries.written.take());
        self.query_is_over();
        let current = &mut self.current;
        let row_count = mem::take(&mut current.row_count);
        current.delivered = 0;
        self.last_columns = current.columns.take();
        let fault = current.fault.take();
        if !matches!(outcome, Outcome::Complete) {
            return Some(Err(self.failed(outcome, segment, written.as_ref())));
        }
        // A change is reported behind the rows that were made with it.
        let running = self.running.as_ref();
        let known = running.and_then(|running| running.columns.as_ref());
        let readable = match self.last_columns.as_ref().or(known) {
            Some(_) => self.connection.check_readable(),
            None => Ok(()),
        };
        Some(fault.map_or(readable, Err).map(|()| row_count))
    }

    /// What became of a query of this segment that is over, and has failed.
    #[cold]
    fn failed(&mut self, outcome: Outcome, segment: usize, written: Option<&Written>) -> Error {
        let failed = matches!(outcome, Outcome::Failed(_));
        let statement = self.running.as_ref().map(|running| &running.statement);
        let of_statement = statement.map(Statement::written);
        let written = written.or(of_statement.as_ref());
        let Err(error) = self.connection.check(outcome, written) else {
            return Error::Aborted;
        };
        if failed {
            if let Some(statement) = statement {
                self.connection.note_failure(statement, &error);
            }
            // What was sent of its segment is skipped; the rest would begin another one.
            // A statement that is being described is skipped too, and tells so itself.
            if segment == self.segment && !self.describing {
                self.abort_rest();
            }
        }
        error
    }
}
