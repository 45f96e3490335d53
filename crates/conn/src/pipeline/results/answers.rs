//! What the server answers to the queries of a pipeline.

use std::mem;
use std::sync::Arc;

use purepg_proto::{Event, Outcome, Reply, RowBatch};

use crate::columns::Columns;
use crate::error::{Error, UsageError};
use crate::pipeline::results::{Current, PipelineResults, Sent};
use crate::runtime::ByteStream;

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// Takes note of one answer; gives the result that it completes.
    #[inline]
    pub(super) fn follow(
        &mut self,
        event: Event,
        take: &mut impl FnMut(&mut Current, RowBatch, &Arc<Columns>),
    ) -> Option<Result<u64, Error>> {
        // Most answers, without being moved.
        if let Event::Reply(op, reply) = &event
            && let Some(Sent::Query { op: query, .. }) = self.sent.front()
            && query == op
        {
            match reply {
                Reply::StatementComplete(tag) => {
                    self.current.row_count = tag.rows().unwrap_or(0);
                    self.connection.note_tag(tag);
                    return None;
                }
                Reply::Finished(Outcome::Complete) => return self.finish(Outcome::Complete),
                _ => {}
            }
        }
        self.follow_rarer(event, take)
    }

    fn follow_rarer(
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
            Sent::Query {
                op: query, running, ..
            } if *query == op => {
                if let Some(running) = running.take() {
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

    fn finish(&mut self, outcome: Outcome) -> Option<Result<u64, Error>> {
        let Some(Sent::Query {
            segment,
            running,
            written,
            ..
        }) = self.sent.pop_front()
        else {
            return None;
        };
        if let Some(running) = running {
            self.running = Some(running);
        }
        let current = &mut self.current;
        let row_count = mem::take(&mut current.row_count);
        current.delivered = 0;
        self.last_columns = current.columns.take();
        let fault = current.fault.take();
        let failed = matches!(outcome, Outcome::Failed(_));
        let running = self.running.as_ref();
        let checked = match outcome {
            Outcome::Complete => Ok(()),
            outcome => {
                let written = written.or_else(|| running.map(|known| known.statement.written()));
                self.connection.check(outcome, written.as_ref())
            }
        };
        Some(match checked {
            Ok(()) => {
                // A change is reported behind the rows that were made with it.
                let known = running.and_then(|running| running.columns.as_ref());
                let readable = match self.last_columns.as_ref().or(known) {
                    Some(_) => self.connection.check_readable(),
                    None => Ok(()),
                };
                fault.map_or(readable, Err).map(|()| row_count)
            }
            Err(error) => {
                if failed {
                    if let Some(running) = running {
                        self.connection.note_failure(&running.statement, &error);
                    }
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
