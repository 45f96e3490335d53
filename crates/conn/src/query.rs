//! What to run, and how.

use std::borrow::Cow;
use std::time::Duration;

use crate::statement::Statement;

/// A statement, by its text or prepared, and how it is to be run.
///
/// Text goes as one simple query, and may then be several statements, unless it has parameters, a row limit, or results in the binary
/// format: that goes through the extended protocol.
#[derive(Clone, Debug)]
pub struct Query<'q> {
    pub(crate) what: What<'q>,
    pub(crate) max_rows: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    /// Results come in the binary format, whatever their types are.
    pub(crate) is_binary: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum What<'q> {
    Text(Cow<'q, str>),
    Prepared(Cow<'q, Statement>),
}

/// What can be run: text, a prepared statement, or a [`Query`] of one of them.
pub trait IntoQuery<'q> {
    /// As a query.
    fn into_query(self) -> Query<'q>;
}

impl<'q> Query<'q> {
    /// A query of a text, or of a prepared statement.
    pub fn new(query: impl IntoQuery<'q>) -> Self {
        query.into_query()
    }

    fn of_text(sql: Cow<'q, str>) -> Self {
        Self::of(What::Text(sql))
    }

    fn of(what: What<'q>) -> Self {
        Self {
            what,
            max_rows: None,
            timeout: None,
            is_binary: false,
        }
    }

    /// At most so many rows, from 1 to `i32::MAX`: the server makes no more. The row count is then the number of rows delivered.
    /// Anything else is refused when the query is run.
    #[must_use]
    pub fn max_rows(mut self, max_rows: u32) -> Self {
        self.max_rows = Some(max_rows);
        self
    }

    /// How long the call may take, from its beginning to its last row, with everything that it takes: what an earlier call left, having the
    /// statement parsed and described. It counts instead of [`Config::query_timeout`](crate::Config::query_timeout); zero is no limit.
    ///
    /// When it is over, what was not sent is taken back, and what was is [cancelled](crate::CancelToken::cancel) on the server. The
    /// call returns [`Error::Timeout`](crate::Error::Timeout) once the server has ended the statement, so that the connection is ready
    /// again; in a transaction, that has failed. A server that does not end it within a second is waited for by the next call. The statement
    /// may have been carried out all the same.
    ///
    /// Rows that are there are handed out, however late somebody asks for them: the time counts where the call would wait. On a
    /// [shared](crate::SharedConnection) connection it begins when the call has its turn.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// What its results are like.
impl Query<'_> {
    /// All columns in the binary format. Otherwise those come in it whose types this library reads in it, and the others as text.
    ///
    /// It is for types that are read by code of others, which knows this format alone, such as the types of the crate `postgres-types` behind
    /// `Compat` (feature `postgres-types`). A [`Value`](crate::Value) of a type that this library does not read in it is a
    /// [`Value::Binary`](crate::Value::Binary) then.
    ///
    /// A type without a binary form is an error of the server's.
    #[must_use]
    pub fn binary_results(mut self) -> Self {
        self.is_binary = true;
        self
    }

    /// Whether nothing of it needs the extended protocol, parameters aside.
    pub(crate) fn may_be_simple(&self) -> bool {
        self.max_rows.is_none() && !self.is_binary
    }
}

impl<'q> IntoQuery<'q> for Query<'q> {
    fn into_query(self) -> Self {
        self
    }
}

impl<'q> IntoQuery<'q> for &'q Query<'q> {
    fn into_query(self) -> Query<'q> {
        let what = match &self.what {
            What::Text(sql) => What::Text(Cow::Borrowed(sql)),
            What::Prepared(statement) => What::Prepared(Cow::Borrowed(statement)),
        };
        Query {
            what,
            max_rows: self.max_rows,
            timeout: self.timeout,
            is_binary: self.is_binary,
        }
    }
}

impl<'q> IntoQuery<'q> for &'q str {
    fn into_query(self) -> Query<'q> {
        Query::of_text(self.into())
    }
}

impl<'q> IntoQuery<'q> for &'q String {
    fn into_query(self) -> Query<'q> {
        Query::of_text(self.as_str().into())
    }
}

impl<'q> IntoQuery<'q> for String {
    fn into_query(self) -> Query<'q> {
        Query::of_text(self.into())
    }
}

impl<'q> IntoQuery<'q> for &'q Statement {
    fn into_query(self) -> Query<'q> {
        Query::of(What::Prepared(Cow::Borrowed(self)))
    }
}
