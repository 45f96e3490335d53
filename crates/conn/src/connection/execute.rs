//! How an operation is begun, and how its answers are followed to its end.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use purepg_proto::{Batch, Bind, OpId, Outcome, Reply, RowShape, Target};
use purepg_types::{EncodeError, Format, IsNull, Params, ToSql, Type};

use crate::columns::{Columns, type_of};
use crate::connection::Connection;
use crate::error::{Error, UsageError};
use crate::query::{Query, What};
use crate::row::RowBatch;

/// An operation that gives rows, and how far it has come. It holds nothing that would be lost with it.
#[derive(Debug)]
pub(crate) struct Cursor {
    op: OpId,
    sql: Arc<str>,
    columns: Option<Arc<Columns>>,
    /// Sets of rows so far.
    results: usize,
    /// Rows of the set so far.
    delivered: u64,
    row_count: u64,
    /// What is wrong, though the server did not say so.
    fault: Option<Error>,
    begun: bool,
    done: bool,
}

/// A statement as the server described it.
pub(super) struct Described {
    pub(super) params: Box<[purepg_proto::Oid]>,
    pub(super) columns: Option<Arc<purepg_proto::Columns>>,
}

/// What is to be bound and executed.
struct Bound<'a> {
    statement: &'a str,
    types: &'a [Type],
    columns: Option<Arc<Columns>>,
    max_rows: Option<u32>,
    sql: Arc<str>,
}

impl Cursor {
    fn new(op: OpId, sql: Arc<str>, columns: Option<Arc<Columns>>) -> Self {
        let results = usize::from(columns.is_some());
        Self {
            op,
            sql,
            columns,
            results,
            delivered: 0,
            row_count: 0,
            fault: None,
            begun: false,
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

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    pub(crate) fn columns(&self) -> Option<&Arc<Columns>> {
        self.columns.as_ref()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Before anything new: whatever is under way belongs to somebody who has gone.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.core.abandon_all();
        self.closing.drain_into(&mut self.unconfirmed);
        if self.core.is_dead() {
            self.learn_end();
            return Err(self.ended());
        }
        // What was sent in part goes out whole first: the core takes little behind it.
        std::future::poll_fn(|cx| self.poll_written(cx)).await
    }

    /// One operation. Statements that nobody needs any more are closed along with it.
    pub(super) fn operation(
        &mut self,
        messages: impl FnOnce(&mut Batch<'_>),
    ) -> Result<OpId, Error> {
        let mut batch = self.core.batch();
        for name in &self.unconfirmed {
            batch.close(Target::Statement(name));
        }
        messages(&mut batch);
        Ok(batch.commit()?)
    }

    /// Waits for the end of an operation whose answers matter to nobody.
    pub(super) async fn finish(&mut self, op: OpId, sql: Option<&Arc<str>>) -> Result<(), Error> {
        loop {
            if let Reply::Finished(outcome) = self.reply(op).await? {
                let result = self.check(outcome, sql);
                self.settle().await?;
                return result;
            }
        }
    }

    /// Waits until nothing is under way.
    pub(super) async fn settle(&mut self) -> Result<(), Error> {
        std::future::poll_fn(|cx| self.poll_settled(cx)).await
    }

    /// Sends a query and waits until the server has answered something: its columns, its end, or an error.
    pub(crate) async fn start(
        &mut self,
        query: Query<'_>,
        params: &dyn Params,
    ) -> Result<Cursor, Error> {
        self.begin().await?;
        let started = match query.what {
            What::Text(sql) if params.is_empty() && query.max_rows.is_none() => {
                self.start_simple(&sql)
            }
            What::Text(sql) => self.start_unnamed(&sql, params, query.max_rows).await,
            What::Prepared(statement) if !statement.belongs_to(&self.closing) => {
                Err(UsageError::ForeignStatement.into())
            }
            What::Prepared(statement) => self.start_bound(
                &Bound {
                    statement: statement.name(),
                    types: statement.params(),
                    columns: statement.fixed_columns().cloned(),
                    max_rows: query.max_rows,
                    sql: Arc::clone(statement.shared_sql()),
                },
                params,
            ),
        };
        let mut cursor = match started {
            Ok(cursor) => cursor,
            Err(error) => return Err(self.settled(error).await),
        };
        match std::future::poll_fn(|cx| self.poll_begun(&mut cursor, cx)).await {
            Ok(()) => Ok(cursor),
            Err(error) => Err(self.settled(error).await),
        }
    }

    /// What is returned with an error is a connection whose facts are facts.
    pub(crate) async fn settled(&mut self, error: Error) -> Error {
        self.core.abandon_all();
        // Should the connection end meanwhile, the first error still says more, but that it has.
        match self.settle().await {
            Ok(()) => error,
            Err(end) => error.with_end(end),
        }
    }

    fn start_simple(&mut self, sql: &str) -> Result<Cursor, Error> {
        let op = self.operation(|batch| {
            batch.query(sql);
        })?;
        Ok(Cursor::new(op, sql.into(), None))
    }

    /// Parse and Describe of the unnamed statement, then Bind and Execute: the types of the parameters have to be known before they
    /// are written.
    async fn start_unnamed(
        &mut self,
        sql: &str,
        params: &dyn Params,
        max_rows: Option<u32>,
    ) -> Result<Cursor, Error> {
        let op = self.operation(|batch| {
            batch
                .parse("", sql, &[])
                .describe(Target::Statement(""))
                .flush();
        })?;
        let sql: Arc<str> = sql.into();
        let described = self.described(op, &sql).await?;
        let types: Vec<Type> = described.params.iter().copied().map(type_of).collect();
        let columns = described.columns.map(|columns| with_best_formats(&columns));
        self.start_bound(
            &Bound {
                statement: "",
                types: &types,
                columns,
                max_rows,
                sql,
            },
            params,
        )
    }

    /// The description that an operation asked for, once it is over.
    pub(super) async fn described(&mut self, op: OpId, sql: &Arc<str>) -> Result<Described, Error> {
        let mut described = Described {
            params: Box::default(),
            columns: None,
        };
        loop {
            match self.reply(op).await? {
                Reply::Parameters(params) => described.params = params,
                Reply::Columns(columns) => described.columns = Some(columns),
                Reply::Finished(outcome) => {
                    return self.check(outcome, Some(sql)).map(|()| described);
                }
                _ => {}
            }
        }
    }

    fn start_bound(&mut self, bound: &Bound<'_>, params: &dyn Params) -> Result<Cursor, Error> {
        let (expected, given) = (bound.types.len(), params.len());
        if expected != given {
            return Err(UsageError::ParameterCount { expected, given }.into());
        }
        let values: Vec<(&dyn ToSql, &Type, Format)> = bound
            .types
            .iter()
            .enumerate()
            .filter_map(|(i, ty)| params.get(i).map(|value| (value, ty, format_of(value, ty))))
            .collect();
        let parameter_formats: Vec<_> =
            values.iter().map(|(.., format)| to_core(*format)).collect();
        let core_columns = bound
            .columns
            .as_ref()
            .map(|columns| Arc::clone(columns.core()));
        let result_formats: Vec<_> = core_columns
            .iter()
            .flat_map(|columns| columns.iter().map(purepg_proto::Column::format))
            .collect();
        let mut batch = self.core.batch();
        for name in &self.unconfirmed {
            batch.close(Target::Statement(name));
        }
        let bind = Bind {
            portal: "",
            statement: bound.statement,
            parameter_formats: &parameter_formats,
            result_formats: &result_formats,
        };
        batch.bind::<EncodeError>(bind, |out| {
            for (i, (value, ty, format)) in values.iter().enumerate() {
                out.value(|out| {
                    let written = purepg_types::encode(i, *value, ty, *format, out);
                    written.map(|is_null| is_null == IsNull::No)
                })?;
            }
            Ok(())
        })?;
        let shape = match core_columns {
            Some(columns) => RowShape::Known(columns),
            None => {
                batch.describe(Target::Portal(""));
                RowShape::Described
            }
        };
        batch.execute("", bound.max_rows, shape).sync();
        let op = batch.commit()?;
        Ok(Cursor::new(
            op,
            Arc::clone(&bound.sql),
            bound.columns.clone(),
        ))
    }

    /// Ready when the server has answered something that tells whether the query works.
    fn poll_begun(&mut self, cursor: &mut Cursor, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
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
        match reply {
            Reply::Columns(columns) => {
                cursor.results += 1;
                cursor.delivered = 0;
                cursor.columns = Some(Columns::new(columns));
            }
            Reply::Rows(rows) => {
                cursor.delivered += u64::try_from(rows.len()).unwrap_or(0);
                if let (Some(columns), 1) = (&cursor.columns, cursor.results) {
                    return Ok(Some(RowBatch::new(rows, Arc::clone(columns))));
                }
            }
            Reply::StatementComplete(tag) => cursor.row_count = tag.rows().unwrap_or(0),
            Reply::EmptyQuery => cursor.row_count = 0,
            Reply::Suspended => cursor.row_count = cursor.delivered,
            Reply::CopyOut => {
                cursor.fault.get_or_insert(UsageError::CopyOut.into());
            }
            Reply::Finished(outcome) => {
                cursor.done = true;
                self.check(outcome, Some(&cursor.sql))?;
                cursor.fault.take().map_or(Ok(()), Err)?;
                if cursor.results > 1 {
                    return Err(Error::TooManyResults);
                }
            }
            _ => {}
        }
        Ok(None)
    }

    pub(super) fn check(&self, outcome: Outcome, sql: Option<&Arc<str>>) -> Result<(), Error> {
        match outcome {
            Outcome::Complete => Ok(()),
            Outcome::Failed(error) => Err(Error::database(error, sql.cloned())),
            Outcome::Skipped => Err(Error::Aborted),
            Outcome::Lost => Err(self.ended()),
        }
    }
}

/// The columns of a statement, in the formats that its rows are to come in.
pub(super) fn with_best_formats(columns: &purepg_proto::Columns) -> Arc<Columns> {
    let formats: Vec<_> = columns
        .iter()
        .map(|column| to_core(type_of(column.type_oid()).preferred_format()))
        .collect();
    Columns::new(Arc::new(columns.with_formats(&formats)))
}

fn format_of(value: &dyn ToSql, ty: &Type) -> Format {
    if value.supports_binary(ty) {
        Format::Binary
    } else {
        Format::Text
    }
}

fn to_core(format: Format) -> purepg_proto::Format {
    match format {
        Format::Text => purepg_proto::Format::Text,
        Format::Binary => purepg_proto::Format::Binary,
    }
}
