//! Statements that are used by their text: prepared once, kept by their text, prepared again when they went stale.

use std::sync::Arc;

use hashlink::LruCache;
use purepg_proto::{Oid, OpId, Reply, Target};
use purepg_types::Type;

use crate::config::Settings;
use crate::connection::Connection;
use crate::connection::execute::with_best_formats;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::statement::{Description, Name, Statement};
use crate::types::{Lookup, Types, Wanted};
use crate::written::Written;

/// The statements of one connection, by their text. What gives way is closed on the server, with the next thing that is written.
pub(super) struct StatementCache {
    statements: LruCache<Arc<str>, Statement>,
    /// Longer texts are not kept.
    max_text: usize,
}

impl StatementCache {
    /// Keeps none.
    pub(super) fn off() -> Self {
        Self {
            statements: LruCache::new(0),
            max_text: 0,
        }
    }

    pub(super) fn new(settings: &Settings) -> Self {
        let size = settings.statement_cache_size();
        let max_text = settings.statement_cache_max_text();
        Self {
            statements: LruCache::new(size),
            max_text,
        }
    }

    /// True for a text that is worth a name on the server.
    fn may_keep(&self, sql: &str) -> bool {
        self.statements.capacity() > 0 && sql.len() <= self.max_text
    }

    fn get(&mut self, sql: &str) -> Option<Statement> {
        self.statements.get(sql).cloned()
    }

    fn insert(&mut self, statement: &Statement) {
        if self.may_keep(statement.sql()) {
            let sql = Arc::clone(statement.shared_sql());
            self.statements.insert(sql, statement.clone());
        }
    }

    /// The server has none of them any more, or would understand them otherwise now.
    pub(crate) fn clear(&mut self) {
        self.statements.clear();
    }
}

impl std::fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let statements = self.statements.len();
        f.debug_tuple("StatementCache").field(&statements).finish()
    }
}

/// A statement that is being parsed and described; its segment is left open, for what it is to do.
#[derive(Debug)]
pub(crate) struct Describing {
    op: OpId,
    what: Described,
    /// As its caller wrote it.
    written: Written,
    types: Box<[Oid]>,
    columns: Option<Arc<purepg_proto::Columns>>,
    /// Behind that, what is not known of its types.
    lookup: Option<Lookup>,
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
    ) -> Result<Self, Error> {
        connection.check_text(sql)?;
        let what = match known {
            Some(statement) => Described::Again(statement),
            None if connection.statements.may_keep(sql) => {
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
        if let Described::New(name, _) = &what {
            connection.note_naming(name);
        }
        let written = written.unwrap_or_else(|| Written::as_sent(Arc::clone(what.sql())));
        Ok(Self {
            op,
            what,
            written,
            types: Box::default(),
            columns: None,
            lookup: None,
        })
    }

    /// Whose answers are awaited.
    pub(crate) fn op(&self) -> OpId {
        self.op
    }

    /// Takes note of an answer; gives the statement once it is described.
    pub(crate) fn follow<S: ByteStream>(
        &mut self,
        connection: &mut Connection<S>,
        reply: Reply,
    ) -> Option<Result<Statement, Error>> {
        if let Some(lookup) = &mut self.lookup {
            let result = connection.follow_lookup(lookup, reply)?;
            if let Some(lookup) = self.lookup.take() {
                let learned = result.map(|()| connection.learn(lookup));
                return Some(learned.map(|()| self.statement(connection)));
            }
            return None;
        }
        match reply {
            Reply::Parameters(types) => self.types = types,
            Reply::Columns(columns) => self.columns = Some(columns),
            Reply::Finished(outcome) => {
                if let Err(error) = connection.check(outcome, Some(&self.written)) {
                    connection.naming = None;
                    return Some(Err(error));
                }
                let missing = missing(&connection.types, &self.types, self.columns.as_deref());
                if missing.is_empty() || connection.check_readable().is_err() {
                    return Some(Ok(self.statement(connection)));
                }
                // In the same segment, which stays open for what the statement is to do.
                let lookup = Lookup::new(Wanted::Oids(missing));
                match connection.begin_lookup(&lookup, false) {
                    Ok(op) => (self.op, self.lookup) = (op, Some(lookup)),
                    Err(error) => return Some(Err(error)),
                }
            }
            _ => {}
        }
        None
    }

    fn statement<S: ByteStream>(&mut self, connection: &mut Connection<S>) -> Statement {
        let description = description(&connection.types, &self.types, self.columns.as_ref());
        let statement = match &mut self.what {
            Described::Again(statement) => {
                statement.described_again(Arc::new(description));
                return statement.clone();
            }
            Described::New(name, sql) => {
                connection.naming = None;
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

/// A statement as the server has described it.
pub(crate) struct Found {
    pub(crate) statement: Statement,
    pub(crate) description: Arc<Description>,
    /// That was not just now, so that it may have gone stale since.
    is_old: bool,
}

impl Found {
    /// The statement, if it may have gone stale.
    pub(crate) fn into_old(self) -> Option<Statement> {
        self.is_old.then_some(self.statement)
    }
}

impl<S: ByteStream> Connection<S> {
    /// The statement of a text, if it is kept.
    pub(crate) fn known_statement(&mut self, sql: &str) -> Option<Statement> {
        self.statements.get(sql)
    }

    /// What is known of a statement; `None` when it has to be described again, be it that only something about its types may have changed.
    pub(crate) fn known_description(&mut self, statement: &Statement) -> Option<Arc<Description>> {
        let description = statement.description()?;
        self.types.refresh();
        let generation = self.types.generation();
        let current = description
            .types_generation
            .is_none_or(|known| known == generation);
        current.then_some(description)
    }

    /// The statement of a text, be it a new one.
    pub(super) async fn statement_of(
        &mut self,
        sql: &str,
        written: Option<&Written>,
    ) -> Result<Found, Error> {
        let known = self.statements.get(sql);
        self.described_statement(known, sql, written).await
    }

    /// A statement that a caller has. It may have to be prepared again.
    pub(super) async fn statement_of_handle(
        &mut self,
        statement: &Statement,
    ) -> Result<Found, Error> {
        let known = Some(self.own(statement)?.clone());
        self.described_statement(known, statement.sql(), None).await
    }

    async fn described_statement(
        &mut self,
        known: Option<Statement>,
        sql: &str,
        written: Option<&Written>,
    ) -> Result<Found, Error> {
        self.look_up_members().await?;
        let described = known
            .as_ref()
            .and_then(|statement| self.known_description(statement));
        if let Some((statement, description)) = known.clone().zip(described) {
            return Ok(Found {
                statement,
                description,
                is_old: true,
            });
        }
        let mut describing = Describing::begin(self, known, sql, written.cloned())?;
        loop {
            let reply = self.reply(describing.op()).await?;
            if let Some(statement) = describing.follow(self, reply) {
                let statement = statement?;
                let description = statement.description().ok_or(Error::Aborted)?;
                return Ok(Found {
                    statement,
                    description,
                    is_old: false,
                });
            }
        }
    }

    /// A statement that was described before has failed. True when that may be due to what has changed since: the next time it is prepared
    /// again.
    pub(crate) fn note_failure(&mut self, statement: &Statement, error: &Error) -> bool {
        let stale = is_stale(error) || is_about_the_plan(error);
        if stale {
            statement.went_stale();
            self.types.forget();
        }
        stale
    }
}

/// What the server described, in the formats that rows are to come in.
pub(super) fn description(
    types: &Types,
    params: &[Oid],
    columns: Option<&Arc<purepg_proto::Columns>>,
) -> Description {
    let is_own = |oid| Type::from_oid(oid).is_none();
    let has_own = oids(params, columns.map(AsRef::as_ref)).any(is_own);
    Description {
        params: params.iter().map(|oid| types.get(*oid)).collect(),
        columns: columns.map(|columns| with_best_formats(columns, types)),
        types_generation: has_own.then(|| types.generation()),
    }
}

/// The types of a statement that have to be looked up.
pub(super) fn missing(
    types: &Types,
    params: &[Oid],
    columns: Option<&purepg_proto::Columns>,
) -> Vec<Oid> {
    types.missing(oids(params, columns))
}

fn oids<'a>(
    params: &'a [Oid],
    columns: Option<&'a purepg_proto::Columns>,
) -> impl Iterator<Item = Oid> + 'a {
    let columns = columns.into_iter().flat_map(|columns| columns.iter());
    let columns = columns.map(purepg_proto::Column::type_oid);
    params.iter().copied().chain(columns)
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

/// True for an error that may be due to what a statement was planned for, such as a type that has gone: of a type that it knows by number
/// only the server says that its cache has no such entry (XX000).
fn is_about_the_plan(error: &Error) -> bool {
    let sqlstate = error.sqlstate().unwrap_or_default();
    sqlstate.starts_with("42") || sqlstate == "XX000"
}
