//! Following an operation from its first answer to its last.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use purepg_proto::{CommandTag, OpId, Outcome, Reply};

use crate::columns::Columns;
use crate::connection::Connection;
use crate::error::{Error, UsageError};
use crate::row::RowBatch;
use crate::runtime::ByteStream;
use crate::statement::Statement;
use crate::written::Written;

/// An operation that gives rows, and how far it has come. It holds nothing that would be lost with it.
#[derive(Debug)]
pub(crate) struct Cursor {
    op: OpId,
    sql: Written,
    columns: Option<Arc<Columns>>,
    /// Sets of rows so far.
    results: usize,
    /// Rows of the set so far.
    delivered: u64,
    row_count: u64,
    /// Nobody looks at the rows.
    discards: bool,
    /// What is wrong, though the server did not say so.
    fault: Option<Error>,
    begun: bool,
    /// The parameters were accepted: from here on something may have been done.
    bound: bool,
    done: bool,
}

impl Cursor {
    pub(super) fn new(op: OpId, sql: Written, columns: Option<Arc<Columns>>) -> Self {
        let results = usize::from(columns.is_some());
        Self {
            op,
            sql,
            columns,
            results,
            delivered: 0,
            row_count: 0,
            discards: false,
            fault: None,
            begun: false,
            bound: false,
            done: false,
        }
    }

    /// The rows that the last statement counted.
    pub(crate) fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Nobody wants the rest.
    pub(crate) fn give_up(&mut self) {
        self.done = true;
    }

    pub(crate) fn op(&self) -> OpId {
        self.op
    }

    pub(crate) fn sql(&self) -> &Written {
        &self.sql
    }

    pub(super) fn is_bound(&self) -> bool {
        self.bound
    }

    /// Nobody wants the rows, only what the statement counted.
    pub(crate) fn discard_rows(&mut self) {
        self.discards = true;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    pub(crate) fn columns(&self) -> Option<&Arc<Columns>> {
        self.columns.as_ref()
    }
}

impl<S: ByteStream> Connection<S> {
    /// Ready when the server has answered something that tells whether the query works.
    pub(super) fn poll_begun(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while !cursor.begun {
            let reply = ready!(self.poll_reply(cx, cursor.op))?;
            // The first rows cannot come before what begins them.
            self.follow(cursor, reply)?;
        }
        Poll::Ready(Ok(()))
    }

    /// The next rows; `None` at the end.
    pub(crate) fn poll_rows(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<RowBatch>, Error>> {
        while !cursor.done {
            let reply =
                ready!(self.poll_reply(cx, cursor.op)).inspect_err(|_| cursor.done = true)?;
            if let Some(rows) = self.follow(cursor, reply)? {
                return Poll::Ready(Ok(Some(rows)));
            }
        }
        Poll::Ready(Ok(None))
    }

    /// Takes note of one answer.
    fn follow(&mut self, cursor: &mut Cursor, reply: Reply) -> Result<Option<RowBatch>, Error> {
        // Its columns, or its end: until then nobody knows that it works.
        cursor.begun |= match reply {
            Reply::Columns(_) | Reply::Finished(_) => true,
            Reply::Bound => cursor.columns.is_some(),
            _ => false,
        };
        cursor.bound |= matches!(reply, Reply::Bound);
        match reply {
            Reply::Columns(columns) => {
                cursor.results += 1;
                cursor.delivered = 0;
                cursor.columns = Some(self.repeated.columns(columns, &self.types));
            }
            Reply::Rows(rows) => {
                cursor.delivered += u64::try_from(rows.len()).unwrap_or(0);
                if let (Some(columns), 1, false) =
                    (&cursor.columns, cursor.results, cursor.discards)
                {
                    self.check_readable().inspect_err(|_| cursor.done = true)?;
                    return Ok(Some(RowBatch::new(rows, Arc::clone(columns))));
                }
            }
            Reply::StatementComplete(tag) => {
                cursor.row_count = tag.rows().unwrap_or(0);
                self.note_tag(&tag);
            }
            Reply::EmptyQuery => cursor.row_count = 0,
            Reply::Suspended => cursor.row_count = cursor.delivered,
            Reply::CopyOut(_) => {
                cursor.fault.get_or_insert(UsageError::CopyOut.into());
            }
            Reply::Finished(outcome) => {
                cursor.done = true;
                self.check(outcome, Some(&cursor.sql))?;
                cursor.fault.take().map_or(Ok(()), Err)?;
                if cursor.results > 1 {
                    return Err(Error::TooManyResults);
                }
                // It is reported behind the rows that were made with it.
                if cursor.results > 0 && !cursor.discards {
                    self.check_readable()?;
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// What a command that was sent will do to what is known of the session: what is sent behind it must not count on that.
    pub(crate) fn note_sent(&mut self, statement: &Statement) {
        if statement.deallocates_all() {
            self.statements.clear();
        }
    }

    /// What some commands do to what is known of the session.
    pub(crate) fn note_tag(&mut self, tag: &CommandTag) {
        // ALTER, DEALLOCATE, DISCARD, DROP: all others say so at once.
        if !matches!(tag.as_bytes().first(), Some(b'A' | b'D')) {
            return;
        }
        if matches!(tag.as_bytes(), b"DISCARD ALL" | b"DEALLOCATE ALL") {
            self.statements.clear();
        }
        if changes_types(tag.as_bytes()) {
            self.types.forget();
        }
    }

    pub(crate) fn check(&self, outcome: Outcome, sql: Option<&Written>) -> Result<(), Error> {
        match outcome {
            Outcome::Complete => Ok(()),
            Outcome::Failed(error) => Err(Error::database(error, sql)),
            Outcome::Skipped => Err(Error::Aborted),
            Outcome::Lost => Err(self.ended()),
        }
    }
}

/// Whether a command may have changed a type, or taken one away: a table's row is a type, too.
fn changes_types(tag: &[u8]) -> bool {
    let mut words = tag.split(|&byte| byte == b' ');
    let what: &[&[u8]] = &[
        b"TYPE",
        b"DOMAIN",
        b"TABLE",
        b"VIEW",
        b"SCHEMA",
        b"EXTENSION",
        b"OWNED",
    ];
    matches!(words.next(), Some(b"ALTER" | b"DROP"))
        && words.next().is_some_and(|word| what.contains(&word))
}
