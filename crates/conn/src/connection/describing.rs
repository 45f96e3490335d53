//! Parsing a statement and asking what it is: its parameters, its columns, and what their types are.

use std::sync::Arc;

use purepg_proto::{Oid, OpId, Reply, Target};
use purepg_types::Type;

use crate::columns::Columns;
use crate::connection::Connection;
use crate::connection::bound::to_core;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::statement::{Description, Name, Statement};
use crate::types::{Lookup, Types, Wanted};
use crate::written::Written;

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
                    connection.statements.give_up(&statement);
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

/// The columns of a statement, in the formats that its rows are to come in.
fn with_best_formats(columns: &purepg_proto::Columns, types: &Types) -> Arc<Columns> {
    let formats: Vec<_> = columns
        .iter()
        .map(|column| to_core(types.get(column.type_oid()).preferred_format()))
        .collect();
    Columns::new(Arc::new(columns.with_formats(&formats)), types)
}
