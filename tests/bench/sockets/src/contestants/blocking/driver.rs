//! The core, a socket that blocks, and the statement that was prepared.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use purepg_proto::{
    Batch, Bind, BindValues, CommandTag, Connection, Event, Format, Limits, Nonce, Outcome, Reply,
    RowBatch, RowShape, ScramKeys, Startup, StartupEvent, Target, Transport,
};
use purepg_testkit::server::{DATABASE, PASSWORD};
use purepg_types::{Column, DecodeError, EncodeError, Field, IsNull, ToSql, Type, encode};

use super::{Result, Server};
use crate::contestants::loops::wait_for_answer;

/// A connection without a runtime.
pub(super) struct Driver {
    pub(super) core: Connection,
    stream: UnixStream,
}

/// What is known of a statement that was prepared.
pub(super) struct Statement {
    parameters: Vec<Type>,
    columns: Arc<purepg_proto::Columns>,
    pub(super) list: Vec<Column>,
}

/// Binds and executes.
#[inline]
pub(super) fn execute(
    batch: &mut Batch<'_>,
    statement: &Statement,
    values: &[&dyn ToSql],
) -> Result<()> {
    let bind = Bind {
        portal: "",
        statement: "s",
        parameter_formats: &[Format::Binary],
        result_formats: &[Format::Binary],
    };
    batch.bind(bind, |out| write(out, statement, values))?;
    batch.execute("", None, RowShape::Known(Arc::clone(&statement.columns)));
    Ok(())
}

/// Writes the values of a bind.
#[inline]
pub(super) fn write(
    out: &mut BindValues<'_>,
    statement: &Statement,
    values: &[&dyn ToSql],
) -> std::result::Result<(), EncodeError> {
    for (index, (value, ty)) in values.iter().zip(&statement.parameters).enumerate() {
        out.value::<EncodeError>(|out| {
            let binary = purepg_types::Format::Binary;
            Ok(encode(index, *value, ty, binary, out)? == IsNull::No)
        })?;
    }
    Ok(())
}

impl Driver {
    /// With the keys that a connection before has derived, or derives them, should the server want a password.
    pub(super) fn connect(
        server: &Server,
        user: &str,
        keys: &mut Option<ScramKeys>,
    ) -> Result<Self> {
        let mut startup = Startup::new(user, Transport::UnixSocket)
            .database(DATABASE)
            .password(PASSWORD);
        if let Some(keys) = keys {
            startup = startup.scram_keys(keys.clone());
        }
        let mut entropy = [0; Nonce::ENTROPY_LEN];
        getrandom::fill(&mut entropy)?;
        let core = Connection::new(startup, Nonce::from_entropy(entropy), Limits::default());
        let socket = format!(".s.PGSQL.{}", server.port);
        let stream = UnixStream::connect(server.folder.join(socket))?;
        let mut driver = Self { core, stream };
        loop {
            match driver.event()? {
                Event::Startup(StartupEvent::DeriveKey(job)) => {
                    let derived = keys.insert(job.run()).clone();
                    driver.core.key_derived(derived)?;
                }
                Event::Startup(StartupEvent::Ready) => return Ok(driver),
                Event::Closed(reason) => return Err(format!("{reason:?}").into()),
                _ => {}
            }
        }
    }

    /// Says goodbye.
    pub(super) fn close(mut self) -> Result<()> {
        self.core.terminate();
        self.write()?;
        Ok(())
    }

    /// Prepares the statement `s`, and hears what it is.
    pub(super) fn prepare(&mut self, sql: &str) -> Result<Statement> {
        let mut batch = self.core.batch();
        batch.parse("s", sql, &[]);
        batch.describe(Target::Statement("s")).sync();
        batch.commit()?;
        let mut parameters = Vec::new();
        let mut columns = Arc::new(purepg_proto::Columns::from_iter([]));
        self.replies(1, |reply| {
            match reply {
                Reply::Parameters(oids) => parameters = oids.iter().copied().map(ty).collect(),
                Reply::Columns(described) => {
                    let formats = vec![Format::Binary; described.len()];
                    columns = Arc::new(described.with_formats(&formats));
                }
                _ => {}
            }
            Ok(())
        })?;
        let list = typed(&columns);
        Ok(Statement {
            parameters,
            columns,
            list,
        })
    }

    /// Puts an execution into the output; the last one of a pipeline brings the Sync.
    #[inline]
    pub(super) fn push(
        &mut self,
        statement: &Statement,
        values: &[&dyn ToSql],
        sync: bool,
    ) -> Result<()> {
        let mut batch = self.core.batch();
        execute(&mut batch, statement, values)?;
        if sync {
            batch.sync();
        }
        batch.commit()?;
        Ok(())
    }

    /// One execution, whose rows are taken.
    #[inline]
    pub(super) fn rows(
        &mut self,
        statement: &Statement,
        values: &[&dyn ToSql],
        mut take: impl FnMut(&mut Fields<'_>) -> Result<()>,
    ) -> Result<()> {
        self.push(statement, values, true)?;
        self.replies(1, |reply| match reply {
            Reply::Rows(batch) => each(&batch, &statement.list, &mut take),
            _ => Ok(()),
        })
    }

    /// Runs what has no rows.
    pub(super) fn simple(&mut self, sql: &str) -> Result<()> {
        let mut batch = self.core.batch();
        batch.query(sql);
        batch.commit()?;
        self.replies(1, |_| Ok(()))
    }

    /// How many rows so many operations say they were.
    #[inline]
    pub(super) fn completed(&mut self, operations: u64) -> Result<u64> {
        let mut rows = 0;
        self.replies(operations, |reply| {
            if let Reply::StatementComplete(tag) = reply {
                rows += CommandTag::rows(&tag).unwrap_or(0);
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// What comes until so many operations are over.
    #[inline]
    pub(super) fn replies(
        &mut self,
        operations: u64,
        mut each: impl FnMut(Reply) -> Result<()>,
    ) -> Result<()> {
        let mut left = operations;
        while left > 0 {
            match self.event()? {
                Event::Reply(_, Reply::Finished(Outcome::Complete)) => left -= 1,
                Event::Reply(_, Reply::Finished(Outcome::Failed(error))) => {
                    return Err(error.into());
                }
                Event::Reply(_, Reply::Finished(outcome)) => {
                    return Err(format!("{outcome:?}").into());
                }
                Event::Reply(_, reply) => each(reply)?,
                Event::Closed(reason) => return Err(format!("{reason:?}").into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The next fact. All that waits is written before anything is read: what is asked for here is little, and the server takes it.
    #[inline]
    pub(super) fn event(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.core.next_event()? {
                return Ok(event);
            }
            if self.write()? {
                wait_for_answer(&self.stream)?;
            }
            match self.stream.read(self.core.recv_space()) {
                Ok(0) => self.core.recv_eof(),
                Ok(read) => self.core.recv_filled(read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes what waits, and says whether there was anything.
    #[inline]
    pub(super) fn write(&mut self) -> Result<bool> {
        let has_asked = self.core.wants_write();
        while self.core.wants_write() {
            match self.stream.write(self.core.output()) {
                Ok(written) => self.core.output_sent(written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(has_asked)
    }
}

/// Takes each row of a batch.
#[inline]
pub(super) fn each(
    batch: &RowBatch,
    columns: &[Column],
    take: &mut impl FnMut(&mut Fields<'_>) -> Result<()>,
) -> Result<()> {
    for row in batch {
        take(&mut Fields {
            columns,
            next: 0,
            values: row.fields(),
        })?;
    }
    Ok(())
}

/// The columns of a result with their types.
pub(super) fn typed(columns: &purepg_proto::Columns) -> Vec<Column> {
    let typed = columns.iter().map(|column| {
        let format = match column.format() {
            Format::Text => purepg_types::Format::Text,
            Format::Binary => purepg_types::Format::Binary,
        };
        Column::new(column.name(), ty(column.type_oid()), format)
    });
    typed.collect()
}

fn ty(oid: u32) -> Type {
    Type::from_oid(oid).unwrap_or_else(|| Type::unknown(oid))
}

/// The fields of a row with their columns.
#[derive(Clone)]
pub(super) struct Fields<'b> {
    columns: &'b [Column],
    next: usize,
    values: purepg_proto::Fields<'b>,
}

impl<'b> purepg_types::Fields<'b> for Fields<'b> {
    #[inline]
    fn columns(&self) -> &'b [Column] {
        self.columns
    }

    #[inline]
    fn next_field(&mut self) -> std::result::Result<Field<'b>, DecodeError> {
        match (self.columns.get(self.next), self.values.next()) {
            (Some(column), Some(Ok(value))) => {
                self.next += 1;
                Ok(Field::new(column, value))
            }
            _ => Err(DecodeError::malformed("it has no further field")),
        }
    }
}
