//! Eager queries, each of which has the connection for itself.

use purepg_types::{FromRow, FromSql, Params};

use crate::error::Error;
use crate::query::IntoQuery;
use crate::row::Row;
use crate::runtime::ByteStream;
use crate::shared::SharedConnection;
use crate::statement::Statement;
use crate::transaction::Transaction;

impl<S: ByteStream> SharedConnection<S> {
    /// All rows: see [`Connection::fetch`](crate::Connection::fetch).
    ///
    /// # Errors
    /// As [`Connection::fetch`](crate::Connection::fetch).
    ///
    /// # Cancel safety
    /// As [`Connection::fetch`](crate::Connection::fetch).
    pub async fn fetch<'q>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Vec<Row>, Error> {
        self.lock().await.fetch(query, params).await
    }

    /// The first row; the others are discarded.
    ///
    /// # Errors
    /// As [`Connection::fetch_one`](crate::Connection::fetch_one).
    ///
    /// # Cancel safety
    /// As [`Connection::fetch`](crate::Connection::fetch).
    pub async fn fetch_one<'q>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Row, Error> {
        self.lock().await.fetch_one(query, params).await
    }

    /// The first row, if there is one; the others are discarded.
    ///
    /// # Errors
    /// As [`Connection::fetch`](crate::Connection::fetch).
    ///
    /// # Cancel safety
    /// As [`Connection::fetch`](crate::Connection::fetch).
    pub async fn fetch_optional<'q>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Option<Row>, Error> {
        self.lock().await.fetch_optional(query, params).await
    }

    /// The first column of the first row.
    ///
    /// # Errors
    /// As [`Connection::fetch_scalar`](crate::Connection::fetch_scalar).
    ///
    /// # Cancel safety
    /// As [`Connection::fetch`](crate::Connection::fetch).
    pub async fn fetch_scalar<'q, T>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<T, Error>
    where
        T: for<'r> FromSql<'r>,
    {
        self.lock().await.fetch_scalar(query, params).await
    }

    /// All rows, as values of a type of one's own: see [`Connection::fetch_as`](crate::Connection::fetch_as).
    ///
    /// # Errors
    /// As [`Connection::fetch_as`](crate::Connection::fetch_as).
    ///
    /// # Cancel safety
    /// As [`Connection::fetch`](crate::Connection::fetch).
    pub async fn fetch_as<'q, T>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r> + Send,
    {
        self.lock().await.fetch_as(query, params).await
    }

    /// Runs it, discards its rows, and returns the number of rows that it counted: see
    /// [`Connection::execute`](crate::Connection::execute).
    ///
    /// # Errors
    /// As [`Connection::execute`](crate::Connection::execute).
    ///
    /// # Cancel safety
    /// As [`Connection::fetch`](crate::Connection::fetch).
    pub async fn execute<'q>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<u64, Error> {
        self.lock().await.execute(query, params).await
    }

    /// Has the server parse a statement, to be run again and again without that work, by any clone.
    ///
    /// # Errors
    /// As [`Connection::prepare`](crate::Connection::prepare).
    ///
    /// # Cancel safety
    /// As [`Connection::prepare`](crate::Connection::prepare).
    pub async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        self.lock().await.prepare(sql).await
    }

    /// Runs a statement once for each set of parameters, without waiting in between: see
    /// [`Connection::execute_many`](crate::Connection::execute_many).
    ///
    /// # Errors
    /// As [`Connection::execute_many`](crate::Connection::execute_many).
    ///
    /// # Cancel safety
    /// As [`Connection::execute_many`](crate::Connection::execute_many).
    pub async fn execute_many<'q, P: Params>(
        &self,
        query: impl IntoQuery<'q> + Send,
        params: impl IntoIterator<Item = P, IntoIter: Send> + Send,
    ) -> Result<u64, Error> {
        self.lock().await.execute_many(query, params).await
    }

    /// Closes a prepared statement on the server, and waits for that.
    ///
    /// # Errors
    /// As [`Connection::close_statement`](crate::Connection::close_statement).
    ///
    /// # Cancel safety
    /// As [`Connection::close_statement`](crate::Connection::close_statement).
    pub async fn close_statement(&self, statement: Statement) -> Result<(), Error> {
        self.lock().await.close_statement(statement).await
    }

    /// Forgets what the session was told, by any clone: see [`Connection::reset`](crate::Connection::reset).
    ///
    /// # Errors
    /// As [`Connection::reset`](crate::Connection::reset).
    ///
    /// # Cancel safety
    /// As [`Connection::reset`](crate::Connection::reset).
    pub async fn reset(&self) -> Result<(), Error> {
        self.lock().await.reset().await
    }

    /// Asks the server whether it is there, and waits for its answer.
    ///
    /// # Errors
    /// As [`Connection::ping`](crate::Connection::ping).
    ///
    /// # Cancel safety
    /// As [`Connection::ping`](crate::Connection::ping).
    pub async fn ping(&self) -> Result<(), Error> {
        self.lock().await.ping().await
    }

    /// Runs `work` in a transaction, as [`Connection::with_transaction`](crate::Connection::with_transaction) does. The connection is this task's until it ends: nobody can slip
    /// into the transaction. So `work` must do everything through the transaction: a query on this connection from inside would wait for
    /// itself, for ever.
    ///
    /// # Errors
    /// As [`Connection::with_transaction`](crate::Connection::with_transaction).
    ///
    /// # Cancel safety
    /// As [`Connection::with_transaction`](crate::Connection::with_transaction).
    pub async fn with_transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction<'_, S>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.lock().await.with_transaction(work).await
    }

    /// The same for work that has errors of its own.
    ///
    /// # Errors
    /// As [`Connection::try_transaction`](crate::Connection::try_transaction).
    ///
    /// # Cancel safety
    /// As [`Connection::with_transaction`](crate::Connection::with_transaction).
    pub async fn try_transaction<T, E: From<Error>>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction<'_, S>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.lock().await.try_transaction(work).await
    }
}
