//! Statements that are used by their text: prepared once, kept by their text, prepared again when they went stale.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::Settings;
use crate::connection::Connection;
use crate::connection::describing::Describing;
use crate::error::Error;
use crate::query::What;
use crate::runtime::ByteStream;
use crate::statement::{Description, Lent, Statement};
use crate::written::Written;
use hashlink::LruCache;

/// The statements of one connection, by their text. What gives way is closed on the server, with the next thing that is written.
pub(super) struct StatementCache {
    statements: LruCache<Arc<str>, Statement>,
    /// Longer texts are not kept.
    max_text: usize,
    /// Those that are kept no more and that the call under way may need: whoever has a handle when it is over was forgotten.
    given_up: Vec<Lent>,
}

impl StatementCache {
    /// Keeps none.
    pub(super) fn off() -> Self {
        Self {
            statements: LruCache::new(0),
            max_text: 0,
            given_up: Vec::new(),
        }
    }

    pub(super) fn new(settings: &Settings) -> Self {
        let size = settings.statement_cache_size();
        let max_text = settings.statement_cache_max_text();
        Self {
            statements: LruCache::new(size),
            max_text,
            given_up: Vec::new(),
        }
    }

    /// True for a text that is worth a name on the server.
    pub(super) fn may_keep(&self, sql: &str) -> bool {
        self.statements.capacity() > 0 && sql.len() <= self.max_text
    }

    fn get(&mut self, sql: &str) -> Option<Statement> {
        self.statements.get(sql).cloned()
    }

    pub(super) fn insert(&mut self, statement: &Statement) {
        if !self.may_keep(statement.sql()) {
            self.give_up(statement);
            return;
        }
        let sql = Arc::clone(statement.shared_sql());
        let same = self.statements.remove(&sql);
        let oldest = if self.statements.len() == self.statements.capacity() {
            self.statements.remove_lru().map(|(_, oldest)| oldest)
        } else {
            None
        };
        for former in same.iter().chain(&oldest) {
            self.give_up(former);
        }
        self.statements.insert(sql, statement.clone());
    }

    /// The server has none of them any more, or would understand them otherwise now.
    pub(crate) fn clear(&mut self) {
        while let Some((_, statement)) = self.statements.remove_lru() {
            self.give_up(&statement);
        }
    }

    /// It is closed when nobody has a handle any more, at the latest by the next call.
    pub(super) fn give_up(&mut self, statement: &Statement) {
        // Of a long pipeline most are closed by now.
        if self.given_up.len() == self.given_up.capacity() {
            self.given_up.retain(|lent| lent.name().is_some());
        }
        self.given_up.push(statement.lent());
    }

    pub(super) fn none_was_given_up(&self) -> bool {
        self.given_up.is_empty()
    }

    /// At the start of a call: the names of statements that were given up, and that somebody has who was forgotten.
    pub(super) fn forgotten(&mut self) -> impl Iterator<Item = String> {
        self.given_up.drain(..).filter_map(|lent| lent.name())
    }
}

impl std::fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let statements = self.statements.len();
        f.debug_tuple("StatementCache").field(&statements).finish()
    }
}

/// A statement as the server has described it.
pub(crate) struct Found<'s> {
    pub(crate) statement: Cow<'s, Statement>,
    pub(crate) description: Cow<'s, Arc<Description>>,
    /// That was not just now, so that it may have gone stale since.
    pub(crate) is_old: bool,
}

impl<S: ByteStream> Connection<S> {
    /// The statement of a text, if it is kept.
    pub(crate) fn known_statement(&mut self, sql: &str) -> Option<Statement> {
        self.statements.get(sql)
    }

    /// What is known of a statement; `None` when it has to be described again, be it that only something about its types may have changed.
    pub(crate) fn known_description<'s>(
        &mut self,
        statement: &'s Statement,
    ) -> Option<Cow<'s, Arc<Description>>> {
        let description = statement.description()?;
        self.types.refresh();
        let generation = self.types.generation();
        let current = description
            .types_generation
            .is_none_or(|known| known == generation);
        current.then_some(description)
    }

    /// The statement that a query runs, whose text this is; one that was not known, or is not known any more, is prepared.
    pub(super) async fn statement_of<'s>(
        &mut self,
        what: &'s What<'_>,
        sql: &str,
        written: Option<&Written>,
    ) -> Result<Found<'s>, Error> {
        match self.found(what, sql)? {
            Some(found) => Ok(found),
            None => self.described_statement(what, sql, written).await,
        }
    }

    /// The same, where the server need not be asked.
    pub(super) fn found<'s>(
        &mut self,
        what: &'s What<'_>,
        sql: &str,
    ) -> Result<Option<Found<'s>>, Error> {
        if self.types.has_missing_in_records() {
            return Ok(None);
        }
        let statement = match what {
            What::Text(_) => match self.statements.get(sql) {
                Some(statement) => Cow::Owned(statement),
                None => return Ok(None),
            },
            What::Prepared(statement) => Cow::Borrowed(self.own(statement)?),
        };
        let description = match &statement {
            Cow::Borrowed(statement) => self.known_description(statement),
            Cow::Owned(statement) => {
                let description = self.known_description(statement);
                description.map(|description| Cow::Owned(description.into_owned()))
            }
        };
        Ok(description.map(|description| Found {
            statement,
            description,
            is_old: true,
        }))
    }

    /// The same, where it has to be, be it only that something has to be learned of its types.
    pub(super) async fn described_statement<'s>(
        &mut self,
        what: &What<'_>,
        sql: &str,
        written: Option<&Written>,
    ) -> Result<Found<'s>, Error> {
        self.look_up_members().await?;
        let known = match what {
            What::Text(_) => self.statements.get(sql),
            What::Prepared(statement) => Some(self.own(statement)?.clone()),
        };
        let described = known
            .as_ref()
            .and_then(|statement| self.known_description(statement))
            .map(Cow::into_owned);
        let known = match (known, described) {
            (Some(statement), Some(description)) => {
                return Ok(Found {
                    statement: Cow::Owned(statement),
                    description: Cow::Owned(description),
                    is_old: true,
                });
            }
            (known, _) => known,
        };
        let mut describing = Describing::begin(self, known, sql, written.cloned())?;
        loop {
            let reply = self.reply(describing.op()).await?;
            if let Some(statement) = describing.follow(self, reply) {
                let statement = statement?;
                let description = statement.description().ok_or(Error::Aborted)?;
                let description = Cow::Owned(description.into_owned());
                return Ok(Found {
                    statement: Cow::Owned(statement),
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
