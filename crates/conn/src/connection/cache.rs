//! Statements that are used by their text: prepared once, kept by their text, prepared again when they went stale.

use std::sync::Arc;

use hashlink::LruCache;
use purepg_proto::{Oid, OpId, Reply, Target};

use crate::columns::type_of;
use crate::connection::Connection;
use crate::connection::execute::with_best_formats;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::statement::{Description, Name, Statement};
use crate::written::Written;

/// The statements of one connection, by their text. What gives way is closed on the server, with the next thing that is written.
pub(super) struct StatementCache(Option<LruCache<Arc<str>, Statement>>);

impl StatementCache {
    pub(super) fn new(size: usize) -> Self {
        Self((size > 0).then(|| LruCache::new(size)))
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    fn get(&mut self, sql: &str) -> Option<Statement> {
        self.0.as_mut()?.get(sql).cloned()
    }

    fn insert(&mut self, statement: &Statement) {
        if let Some(statements) = &mut self.0 {
            statements.insert(Arc::clone(statement.shared_sql()), statement.clone());
        }
    }

    /// The server has none of them any more.
    pub(super) fn clear(&mut self) {
        if let Some(statements) = &mut self.0 {
            statements.clear();
        }
    }
}

impl std::fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let statements = self.0.as_ref().map_or(0, LruCache::len);
        f.debug_tuple("StatementCache").field(&statements).finish()
    }
}

/// A statement that is being parsed and described; its segment is left open, for what it is to do.
#[derive(Debug)]
pub(crate) struct Describing {
    what: Described,
    /// As its caller wrote it.
    written: Written,
    types: Box<[Oid]>,
    columns: Option<Arc<purepg_proto::Columns>>,
}

#[derive(Debug)]
enum Described {
    New(Name, Arc<str>),
    /// It went stale.
    Again(Statement),
}

impl Describing {
    /// Sends what has to be sent. `written`: as its caller wrote it, where that is not `sql`.
    pub(crate) fn begin<S: ByteStream>(
        connection: &mut Connection<S>,
        known: Option<Statement>,
        sql: &str,
        written: Option<Written>,
    ) -> Result<(OpId, Self), Error> {
        connection.check_text(sql)?;
        let what = match known {
            Some(statement) => Described::Again(statement),
            None if connection.statements.is_on() => {
                Described::New(Name::unique(connection.closing()), sql.into())
            }
            None => Described::New(Name::unnamed(connection.closing()), sql.into()),
        };
        let op = connection.operation(|batch| {
            let name = what.name();
            if let Described::Again(_) = what {
                // It may be there still, and only give other columns.
                batch.close(Target::Statement(name));
            }
            batch
                .parse(name, sql, &[])
                .describe(Target::Statement(name))
                .flush();
        })?;
        let written = written.unwrap_or_else(|| Written::as_sent(Arc::clone(what.sql())));
        let describing = Self {
            what,
            written,
            types: Box::default(),
            columns: None,
        };
        Ok((op, describing))
    }

    /// Takes note of an answer; gives the statement once it is described.
    pub(crate) fn follow<S: ByteStream>(
        &mut self,
        connection: &mut Connection<S>,
        reply: Reply,
    ) -> Option<Result<Statement, Error>> {
        match reply {
            Reply::Parameters(types) => self.types = types,
            Reply::Columns(columns) => self.columns = Some(columns),
            Reply::Finished(outcome) => {
                let checked = connection.check(outcome, Some(&self.written));
                return Some(checked.map(|()| self.statement(connection)));
            }
            _ => {}
        }
        None
    }

    fn statement<S: ByteStream>(&mut self, connection: &mut Connection<S>) -> Statement {
        let description = description(&self.types, self.columns.as_ref());
        let statement = match &mut self.what {
            Described::Again(statement) => {
                statement.described_again(Arc::new(description));
                return statement.clone();
            }
            Described::New(name, sql) => {
                let name = std::mem::replace(name, Name::unnamed(connection.closing()));
                // What has neither is mostly DDL, which nobody runs twice.
                let lasting = !description.params.is_empty() || description.columns.is_some();
                let statement = Statement::new(name, Arc::clone(sql), description);
                if !lasting {
                    return statement;
                }
                statement
            }
        };
        connection.statements.insert(&statement);
        statement
    }
}

impl Described {
    fn name(&self) -> &str {
        match self {
            Self::New(name, _) => name.as_str(),
            Self::Again(statement) => statement.name(),
        }
    }

    fn sql(&self) -> &Arc<str> {
        match self {
            Self::New(_, sql) => sql,
            Self::Again(statement) => statement.shared_sql(),
        }
    }
}

impl<S: ByteStream> Connection<S> {
    /// The statement of a text, if it is kept.
    pub(crate) fn known_statement(&mut self, sql: &str) -> Option<Statement> {
        self.statements.get(sql)
    }

    /// The statement of a text, be it a new one, and what the server says of it.
    pub(super) async fn statement_of(
        &mut self,
        sql: &str,
        written: Option<&Written>,
    ) -> Result<(Statement, Arc<Description>), Error> {
        let known = self.statements.get(sql);
        self.described_statement(known, sql, written).await
    }

    /// What the server has to say of a statement: what it said, or what it says now that the statement is prepared again.
    pub(super) async fn description_of(
        &mut self,
        statement: &Statement,
    ) -> Result<Arc<Description>, Error> {
        let known = Some(statement.clone());
        let described = self.described_statement(known, statement.sql(), None);
        described.await.map(|(_, description)| description)
    }

    async fn described_statement(
        &mut self,
        known: Option<Statement>,
        sql: &str,
        written: Option<&Written>,
    ) -> Result<(Statement, Arc<Description>), Error> {
        let described = known.as_ref().and_then(Statement::description);
        if let Some(found) = known.clone().zip(described) {
            return Ok(found);
        }
        let (op, mut describing) = Describing::begin(self, known, sql, written.cloned())?;
        loop {
            let reply = self.reply(op).await?;
            if let Some(statement) = describing.follow(self, reply) {
                let statement = statement?;
                let description = statement.description();
                return description
                    .map(|description| (statement, description))
                    .ok_or(Error::Aborted);
            }
        }
    }

    /// A prepared statement failed before it had done anything: it may have to be prepared again.
    pub(crate) fn note_failure(&self, statement: &Statement, error: &Error) -> bool {
        let stale = is_stale(error);
        if stale || is_about_the_plan(error) {
            statement.went_stale();
        }
        stale
    }
}

/// What the server described, in the formats that rows are to come in.
pub(super) fn description(
    params: &[Oid],
    columns: Option<&Arc<purepg_proto::Columns>>,
) -> Description {
    Description {
        params: params.iter().copied().map(type_of).collect(),
        columns: columns.map(|columns| with_best_formats(columns)),
    }
}

/// True for an error that says that the server does not have a statement any more, or not as it was described; if it was the answer to
/// `Bind`. The message is in the server's language, so the function that raised it tells.
fn is_stale(error: &Error) -> bool {
    let Some(error) = error.server() else {
        return false;
    };
    match error.sqlstate() {
        Some("26000") => true,
        Some("0A000") => error.routine() == Some("RevalidateCachedQuery"),
        _ => false,
    }
}

/// True for an error that may be due to what a statement was planned for, such as a type that has gone: it is planned anew the next
/// time.
fn is_about_the_plan(error: &Error) -> bool {
    let sqlstate = error.sqlstate().unwrap_or_default();
    sqlstate.starts_with("42") || sqlstate.starts_with("XX")
}
