//! What a caller asks of the server: one operation at a time, all or nothing.

use alloc::sync::Arc;
use core::convert::Infallible;

use crate::connection::Connection;
use crate::error::UsageError;
use crate::message::backend::row_description::Columns;
use crate::message::frontend::{bind, extended, query};
use crate::pipeline::expect::Expect;
use crate::pipeline::fence::Fence;
use crate::pipeline::owed::Owed;
use crate::{BindValues, Format, Oid, OpId};

mod again;
mod copy_in;

use again::Round;
use copy_in::speaks_of_copy;

/// Messages of one operation: one query, or parse, bind, describe and execute that belong together, or closes, with or without the
/// sync that ends their segment.
///
/// Each message goes straight into the output, and what the server will owe for it into the queue, in the same step.
/// [`commit`](Self::commit) makes them one operation; a batch that is dropped uncommitted, or met an error, leaves no trace. The first
/// error is kept, later messages are then ignored, and `commit` returns it.
#[derive(Debug)]
#[must_use = "a batch that is not committed leaves no trace"]
pub struct Batch<'a> {
    connection: &'a mut Connection,
    op: OpId,
    output_start: u64,
    queue_mark: usize,
    error: Option<UsageError>,
    seen: Seen,
    fence: Option<Fence>,
    /// Nothing but preludes so far.
    is_prelude: bool,
    /// What is parsed here may be a `COPY FROM STDIN`.
    copy_parsed: Option<bool>,
    /// What may be repeated.
    round: Option<Round>,
}

/// What a batch holds already.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    query: bool,
    parse: bool,
    bind: bool,
    execute: bool,
    describe: bool,
    sync: bool,
}

/// A prepared statement or a portal, by name; the empty name is the unnamed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A prepared statement.
    Statement(&'a str),
    /// A portal.
    Portal(&'a str),
}

/// What `Bind` binds, its values aside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bind<'a> {
    /// The portal to make; empty for the unnamed one.
    pub portal: &'a str,
    /// The statement to bind; empty for the unnamed one.
    pub statement: &'a str,
    /// None: all values are text; one: it is that of all of them; else one for each.
    pub parameter_formats: &'a [Format],
    /// None: all columns are text; one: it is that of all of them; else one for each.
    pub result_formats: &'a [Format],
}

/// The columns of the rows that an execute will give.
#[derive(Clone, Debug)]
pub enum RowShape {
    /// Those that a describe in the same batch will tell.
    Described,
    /// Known already, from an earlier describe. A row that differs is a protocol error.
    Known(Arc<Columns>),
}

impl<'a> Batch<'a> {
    pub(crate) fn new(connection: &'a mut Connection) -> Self {
        let error = connection.refuses_batches();
        connection.begin_batch();
        let parts = connection.parts();
        let op = parts.queue.next_op();
        let output_start = parts.send.end();
        let queue_mark = parts.queue.len();
        Self {
            connection,
            op,
            output_start,
            queue_mark,
            error,
            seen: Seen::default(),
            fence: None,
            is_prelude: true,
            copy_parsed: None,
            round: None,
        }
    }

    /// A command that goes before the operation, in its segment, such as `BEGIN` or `SAVEPOINT`: should it fail, the operation fails with
    /// its error, and nothing of the rest is carried out. It returns no rows, and what it answers otherwise is not handed out. It
    /// replaces the unnamed statement. It must come first; several come in order.
    pub fn prelude(&mut self, command: &str) -> &mut Self {
        if self.error.is_none() && !self.is_prelude {
            self.error = Some(UsageError::BehindTheEnd { message: "prelude" });
        }
        let first = self.connection.parts().queue.len();
        self.message("prelude", false, Some(Expect::Parse), |out| {
            extended::write_parse(out, "", command, &[])
        });
        self.message("prelude", false, Some(Expect::Bind), |out| {
            let (bind, none) = (Bind::default(), &mut bytes::BytesMut::new());
            let Ok(written) = bind::write(out, none, &bind, |_| Ok::<_, Infallible>(()));
            written.map(|_| ())
        });
        self.message("prelude", false, Some(Expect::Rows), |out| {
            extended::write_execute(out, "", None)
        });
        if self.error.is_none() {
            let queue = self.connection.parts().queue;
            queue.know_columns(Some(Arc::new(Columns::from_iter([]))));
            queue.silence(first..queue.len());
        }
        self.is_prelude = true;
        self
    }

    /// Any number of statements through the simple protocol. It ends its own segment.
    pub fn query(&mut self, sql: &str) -> &mut Self {
        let seen = self.seen;
        let second = seen.query || seen.parse || seen.bind || seen.execute || seen.describe;
        self.seen.query = true;
        self.message("query", second, Some(Expect::Query), |out| {
            query::write(out, sql)
        });
        if self.error.is_none() {
            if self.connection.is_replication() {
                // Any command of it may begin a stream, in which nothing else may be sent.
                self.raise_fence(false);
            } else {
                let may_copy = speaks_of_copy(sql);
                self.connection.parts().queue.may_copy(may_copy);
            }
        }
        self
    }

    /// Prepares a statement; 0 as a parameter's type leaves it to the server.
    pub fn parse(&mut self, statement: &str, sql: &str, parameter_types: &[Oid]) -> &mut Self {
        let second = core::mem::replace(&mut self.seen.parse, true);
        self.copy_parsed = Some(speaks_of_copy(sql));
        self.message("parse", second, Some(Expect::Parse), |out| {
            extended::write_parse(out, statement, sql, parameter_types)
        })
    }

    /// Makes a portal of a statement and values, which `values` writes.
    ///
    /// # Errors
    /// Those of `values`: the batch is rolled back, and commits no more. Other errors are kept for [`commit`](Self::commit).
    pub fn bind<E>(
        &mut self,
        what: Bind<'_>,
        values: impl FnOnce(&mut BindValues<'_>) -> Result<(), E>,
    ) -> Result<&mut Self, E> {
        let second = core::mem::replace(&mut self.seen.bind, true);
        let Some(start) = self.admit("bind", second, Some(Expect::Bind)) else {
            return Ok(self);
        };
        let parts = self.connection.parts();
        let first = parts.queue.len();
        let (out, lent) = parts.send.bytes_and_lent();
        match bind::write(out, lent, &what, values) {
            Ok(Ok(written)) => {
                self.round = Some(Round::new(written, first));
                self.owe(Expect::Bind, start);
            }
            Ok(Err(error)) => self.error = Some(error),
            Err(error) => {
                self.error = Some(UsageError::RolledBack);
                return Err(error);
            }
        }
        Ok(self)
    }

    /// Asks for the parameters and columns of a statement, or the columns of a portal.
    pub fn describe(&mut self, target: Target<'_>) -> &mut Self {
        self.seen.describe = true;
        let expect = match target {
            Target::Statement(_) => Expect::Parameters,
            Target::Portal(_) => Expect::Columns,
        };
        self.message("describe", false, Some(expect), |out| {
            extended::write_describe(out, target)
        })
    }

    /// Runs a portal: at most `max_rows` rows (1 to `i32::MAX`), or all.
    pub fn execute(&mut self, portal: &str, max_rows: Option<u32>, rows: RowShape) -> &mut Self {
        let second = core::mem::replace(&mut self.seen.execute, true);
        let columns = match rows {
            RowShape::Known(columns) => Some(columns),
            RowShape::Described => None,
        };
        if columns.is_none() && !self.seen.describe {
            self.error.get_or_insert(UsageError::UnknownColumns);
        }
        let Some(start) = self.admit("execute", second, Some(Expect::Rows)) else {
            return self;
        };
        let parts = self.connection.parts();
        match extended::write_execute(parts.send.bytes_mut(), portal, max_rows) {
            Err(error) => self.error = Some(error),
            Ok(()) => {
                // A COPY has no columns; what a statement is that was prepared before is unknown.
                let no_rows = columns.as_ref().is_none_or(|columns| columns.is_empty());
                let place = start..parts.send.end();
                parts.queue.push(Owed {
                    may_copy: self.copy_parsed.unwrap_or(no_rows),
                    columns,
                    ..Owed::new(self.op, Expect::Rows, place)
                });
            }
        }
        self
    }

    /// Closes a statement or a portal; one that does not exist is no error. May stand in any batch, before its query or its sync.
    pub fn close(&mut self, target: Target<'_>) -> &mut Self {
        self.message("close", false, Some(Expect::Close), |out| {
            extended::write_close(out, target)
        })
    }

    /// Makes the server send what it has, and leaves the segment open: until a sync comes, the server skips everything after an
    /// error.
    pub fn flush(&mut self) -> &mut Self {
        self.message("flush", false, None, |out| {
            extended::write_flush(out);
            Ok(())
        })
    }

    /// Ends the segment: commits the implicit transaction, and is where the server stops skipping after an error.
    pub fn sync(&mut self) -> &mut Self {
        let second = self.seen.sync;
        self.message("sync", second, Some(Expect::Sync), |out| {
            extended::write_sync(out);
            Ok(())
        });
        self.seen.sync = true;
        self
    }

    /// How many bytes it has appended to the output so far.
    pub fn written(&self) -> usize {
        let written = self.connection.output_end() - self.output_start;
        usize::try_from(written).unwrap_or(usize::MAX)
    }

    /// Makes the messages an operation, to be sent in order.
    ///
    /// # Errors
    /// The first thing that was wrong; nothing is sent then.
    pub fn commit(mut self) -> Result<OpId, UsageError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let parts = self.connection.parts();
        if parts.queue.len() == self.queue_mark {
            return Err(UsageError::EmptyBatch);
        }
        let end = parts.send.end();
        parts.queue.commit(self.op, end);
        if let Some(fence) = self.fence {
            parts.queue.raise_fence(fence);
        }
        self.connection.commit_batch();
        Ok(self.op)
    }

    /// Appends a message and what will be owed for it.
    fn message(
        &mut self,
        name: &'static str,
        second: bool,
        expect: Option<Expect>,
        write: impl FnOnce(&mut bytes::BytesMut) -> Result<(), UsageError>,
    ) -> &mut Self {
        if let Some(start) = self.admit(name, second, expect) {
            if let Err(error) = write(self.connection.parts().send.bytes_mut()) {
                self.error = Some(error);
            } else if let Some(expect) = expect {
                self.owe(expect, start);
            }
        }
        self
    }

    /// Where the place of a message begins that may be added now; `None` when none may.
    fn admit(&mut self, name: &'static str, second: bool, expect: Option<Expect>) -> Option<u64> {
        self.is_prelude = false;
        if self.error.is_some() {
            return None;
        }
        if second {
            self.error = Some(UsageError::SecondOperation { message: name });
        } else if self.seen.sync || (self.seen.query && expect != Some(Expect::Query)) {
            self.error = Some(UsageError::BehindTheEnd { message: name });
        } else if self.connection.is_replication()
            && !matches!(expect, Some(Expect::Query | Expect::Sync))
        {
            self.error = Some(UsageError::Replication { message: name });
        } else {
            let parts = self.connection.parts();
            let first = parts.queue.len() == self.queue_mark;
            return Some(if first {
                self.output_start
            } else {
                parts.send.end()
            });
        }
        None
    }

    /// What was written from `start` on will be answered.
    fn owe(&mut self, expect: Expect, start: u64) {
        let parts = self.connection.parts();
        let place = start..parts.send.end();
        parts.queue.push(Owed::new(self.op, expect, place));
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.connection.forget_batch();
    }
}
