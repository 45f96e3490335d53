//! Statements that are used by their text: prepared once, kept by their text, prepared again when they went stale.

use std::sync::Arc;

use hashlink::LruCache;
use purepg_proto::Target;

use crate::columns::type_of;
use crate::connection::Connection;
use crate::connection::execute::with_best_formats;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::statement::{Description, Name, Statement};

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

impl<S: ByteStream> Connection<S> {
    /// The statement of a text: the one that is kept, or a new one. That one's segment is left open, for what it is to do.
    pub(super) async fn statement_of(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement);
        }
        let name = Name::unique(self.closing());
        let op = self.operation(|batch| {
            batch
                .parse(name.as_str(), sql, &[])
                .describe(Target::Statement(name.as_str()))
                .flush();
        })?;
        let sql: Arc<str> = sql.into();
        let description = self.described(op, &sql).await?;
        // What has neither is mostly DDL, which nobody runs twice.
        let lasting = !description.params.is_empty() || description.columns.is_some();
        let statement = Statement::new(name, sql, description);
        if lasting {
            self.statements.insert(&statement);
        }
        Ok(statement)
    }

    /// What the server has to say of a statement: what it said, or what it says now that the statement is prepared again. Then
    /// too its segment is left open.
    pub(super) async fn description_of(
        &mut self,
        statement: &Statement,
    ) -> Result<Arc<Description>, Error> {
        if let Some(description) = statement.description() {
            return Ok(description);
        }
        let (name, sql) = (statement.name(), statement.shared_sql());
        let op = self.operation(|batch| {
            // It may be there still, and only give other columns.
            batch
                .close(Target::Statement(name))
                .parse(name, sql, &[])
                .describe(Target::Statement(name))
                .flush();
        })?;
        let description = Arc::new(self.described(op, sql).await?);
        statement.described_again(Arc::clone(&description));
        Ok(description)
    }
}

/// What the server described, in the formats that rows are to come in.
pub(super) fn description(
    params: &[purepg_proto::Oid],
    columns: Option<&Arc<purepg_proto::Columns>>,
) -> Description {
    Description {
        params: params.iter().copied().map(type_of).collect(),
        columns: columns.map(|columns| with_best_formats(columns)),
    }
}

/// True for an error that says that the server does not have a statement any more, or not as it was described; if it was the answer to
/// `Bind`. The message is in the server's language, so the function that raised it tells.
pub(super) fn is_stale(error: &Error) -> bool {
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
pub(super) fn is_about_the_plan(error: &Error) -> bool {
    let sqlstate = error.sqlstate().unwrap_or_default();
    sqlstate.starts_with("42") || sqlstate.starts_with("XX")
}
