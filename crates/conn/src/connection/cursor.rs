//! Following an operation from its first answer to its last.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use purepg_proto::{CommandTag, Event, OpId, Outcome, Reply};

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
    fault: Option<Box<Error>>,
    /// What it runs was described some time ago.
    is_old: bool,
    begun: bool,
    /// The parameters were accepted: from here on something may have been done.
    bound: bool,
    done: bool,
    /// Everything that has arrived was looked at.
    waits: bool,
}

/// It is handed on by value, from who sends it to who follows it.
const _: () = assert!(size_of::<Cursor>() <= 80);

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
            is_old: false,
            begun: false,
            bound: false,
            done: false,
            // Its request has to be sent first.
            waits: true,
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

    /// It runs a statement that was described just now, or some time ago.
    pub(super) fn of_statement(mut self, is_old: bool) -> Self {
        self.is_old = is_old;
        self
    }

    /// True while a failure may be due to what has become of its statement.
    pub(crate) fn may_be_stale(&self) -> bool {
        self.is_old && !self.bound
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

    pub(super) fn into_columns(self) -> Option<Arc<Columns>> {
        self.columns
    }
}

/// What is waited for, unless the end comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Begun,
    Rows,
}

impl<S: ByteStream> Connection<S> {
    /// Ready when the server has answered something that tells whether the query works.
    pub(super) fn poll_begun(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        // The first rows cannot come before what begins them.
        self.poll_on(cursor, Until::Begun, cx).map_ok(|_| ())
    }

    /// The next rows; `None` at the end.
    pub(crate) fn poll_rows(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<RowBatch>, Error>> {
        let rows = ready!(self.poll_bare_rows(cursor, cx))?;
        let columns = cursor.columns.as_ref();
        let batch = rows.zip(columns);
        Poll::Ready(Ok(
            batch.map(|(rows, columns)| RowBatch::new(rows, Arc::clone(columns)))
        ))
    }

    /// The same without their columns, which the cursor has.
    pub(super) fn poll_bare_rows(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<purepg_proto::RowBatch>, Error>> {
        self.poll_on(cursor, Until::Rows, cx)
    }

    /// Goes on until there are rows, or the end has come; or until the query has begun.
    //
    // Once for both, so that the second finds the code where the first has had it fetched.
    #[inline(never)]
    fn poll_on(
        &mut self,
        cursor: &mut Cursor,
        until: Until,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<purepg_proto::RowBatch>, Error>> {
        let mut needs_more = cursor.waits;
        while !(cursor.done || (until == Until::Begun && cursor.begun)) {
            if needs_more {
                cursor.waits = self.knows_all();
                let more = ready!(self.poll_more(cx, |_| false));
                more.inspect_err(|_| cursor.done = true)?;
                (cursor.waits, needs_more) = (false, false);
            }
            let event = self.known_event();
            // Most answers, without being moved.
            match &event {
                Ok(Some(Event::Reply(op, reply))) if *op == cursor.op => match reply {
                    Reply::Bound => {
                        cursor.bound = true;
                        cursor.begun |= cursor.columns.is_some();
                        continue;
                    }
                    Reply::StatementComplete(tag) => {
                        cursor.row_count = tag.rows().unwrap_or(0);
                        self.note_tag(tag);
                        continue;
                    }
                    _ => {}
                },
                Ok(Some(_)) => continue,
                Ok(None) => {
                    needs_more = true;
                    continue;
                }
                Err(_) => {
                    cursor.done = true;
                    return Poll::Ready(Err(self.ended()));
                }
            }
            if let Ok(Some(Event::Reply(_, reply))) = event
                && let Some(rows) = self.follow(cursor, reply)?
            {
                return Poll::Ready(Ok(Some(rows)));
            }
        }
        Poll::Ready(Ok(None))
    }

    /// Takes note of one answer; gives the rows, if somebody wants them.
    fn follow(
        &mut self,
        cursor: &mut Cursor,
        reply: Reply,
    ) -> Result<Option<purepg_proto::RowBatch>, Error> {
        match reply {
            Reply::Columns(columns) => {
                cursor.begun = true;
                cursor.results += 1;
                cursor.delivered = 0;
                cursor.columns = Some(self.repeated.columns(columns, &self.types));
            }
            Reply::Rows(rows) => {
                cursor.delivered += u64::try_from(rows.len()).unwrap_or(0);
                if cursor.columns.is_some() && cursor.results == 1 && !cursor.discards {
                    self.check_readable().inspect_err(|_| cursor.done = true)?;
                    return Ok(Some(rows));
                }
            }
            Reply::EmptyQuery => cursor.row_count = 0,
            Reply::Suspended => cursor.row_count = cursor.delivered,
            Reply::CopyOut(_) => {
                let fault = || Box::new(UsageError::CopyOut.into());
                cursor.fault.get_or_insert_with(fault);
            }
            // Why is still to come.
            Reply::Finished(Outcome::Lost) => {}
            Reply::Finished(outcome) => {
                (cursor.begun, cursor.done) = (true, true);
                self.check(outcome, Some(&cursor.sql))?;
                cursor.fault.take().map_or(Ok(()), |fault| Err(*fault))?;
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
