//! Queries, from the most eager to the laziest.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use purepg_proto::Target;
use purepg_types::{FromRow, FromSql, Params};

use crate::connection::{Connection, Cursor};
use crate::error::Error;
use crate::query::{IntoQuery, Query};
use crate::row::{KeptRows, Row, RowBatch, only_first};
use crate::runtime::ByteStream;
use crate::statement::{Name, Statement};
use crate::stream::RowStream;
use crate::written::Written;

impl<S: ByteStream> Connection<S> {
    /// All rows.
    ///
    /// Parameters are given by position, for `$1`, `$2`, …, or by name, for `:name`, with [`params!`](crate::params!).
    ///
    /// Of a string of several statements these are the rows of the only one that returns any.
    ///
    /// # Errors
    /// [`Error::Database`] when the server refuses or fails it, [`Error::Usage`] when statement and parameters do not belong together,
    /// [`Error::Encode`] for a parameter that does not fit its type (nothing was run then), [`Error::TooManyResults`] when several
    /// statements return rows, [`Error::ProtectedParameter`] when the session was told to speak another encoding or style of dates, and
    /// what ends a connection.
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing; the statement may be carried out all the same.
    pub async fn fetch<'q>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Vec<Row>, Error> {
        let mut cursor = self.start(&query.into_query(), &params).await?;
        let mut rows = Vec::new();
        while let Some(batch) = self.next_rows(&mut cursor).await? {
            rows.reserve(batch.len());
            let mut kept = KeptRows::new(batch);
            while let Some(row) = kept.next() {
                match row {
                    Ok(row) => rows.push(row),
                    Err(error) => return Err(self.settled(error).await),
                }
            }
        }
        Ok(rows)
    }

    /// All rows, as values of a type of one's own.
    ///
    /// # Errors
    /// [`Error::Decode`] for the first row that is none of these; otherwise as [`fetch`](Self::fetch).
    ///
    /// # Cancel safety
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_as<'q, T>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r> + Send,
    {
        let mut cursor = self.start(&query.into_query(), &params).await?;
        let mut values = Vec::new();
        while let Some(batch) = self.next_rows(&mut cursor).await? {
            values.reserve(batch.len());
            for row in &batch {
                match row.decode() {
                    Ok(value) => values.push(value),
                    Err(error) => return Err(self.settled(error).await),
                }
            }
        }
        Ok(values)
    }

    /// The first row; the others are discarded.
    ///
    /// # Errors
    /// [`Error::NoRows`] when there is none; otherwise as [`fetch`](Self::fetch).
    ///
    /// # Cancel safety
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_one<'q>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Row, Error> {
        self.fetch_optional(query, params)
            .await?
            .ok_or(Error::NoRows)
    }

    /// The first row, if there is one; the others are discarded.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    ///
    /// # Cancel safety
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_optional<'q>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<Option<Row>, Error> {
        let batch = self.first_batch(&query.into_query(), &params).await?;
        batch.and_then(|batch| batch.first()).transpose()
    }

    /// The first column of the first row.
    ///
    /// # Errors
    /// [`Error::NoRows`] when there is no row, [`Error::Decode`] when the value is not one of the type that was asked for; otherwise
    /// as [`fetch`](Self::fetch).
    ///
    /// # Cancel safety
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_scalar<'q, T>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<T, Error>
    where
        T: for<'r> FromSql<'r>,
    {
        let batch = self.first_batch(&query.into_query(), &params).await?;
        let row = batch.as_ref().and_then(RowBatch::first_lent);
        row.ok_or(Error::NoRows)??.get(0)
    }

    /// Runs it, discards its rows, and returns the number of rows that it counted: selected, inserted, updated, deleted, copied. 0 for
    /// a command that counts none; of several statements the last one's.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), but that any number of statements may return rows, in any encoding.
    ///
    /// # Cancel safety
    /// As [`fetch`](Self::fetch).
    pub async fn execute<'q>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<u64, Error> {
        let query = query.into_query();
        let run = self.run(&query, &params, Self::poll_discarded);
        run.await.map(|(_, row_count)| row_count)
    }

    /// Rows as they arrive. The server is not asked for more than somebody takes: what is not taken waits in the socket.
    ///
    /// It returns when the server has accepted the statement: a mistake in it is reported here, not by the first row.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch); what happens amid the rows is reported by the stream.
    ///
    /// # Cancel safety
    /// Dropping the future or the stream costs the connection nothing: the next call reads past what is left.
    pub async fn query<'q>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<RowStream<'_, S>, Error> {
        let cursor = self.start(&query.into_query(), &params).await?;
        Ok(RowStream::new(self, cursor))
    }

    /// Has the server parse a statement, to be run again and again without that work.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing: should the server have parsed the statement, it is closed with the next thing that is sent.
    pub async fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        self.make_way().await?;
        self.check_transaction()?;
        if let Err(error) = self.check_text(sql) {
            return Err(self.settled(error).await);
        }
        // Its drop closes the statement, wherever this future ends.
        let name = Name::unique(self.closing());
        let op = self.operation(|batch| {
            batch
                .parse(name.as_str(), sql, &[])
                .describe(Target::Statement(name.as_str()))
                .sync();
        });
        let op = match op {
            Ok(op) => op,
            Err(error) => return Err(self.settled(error).await),
        };
        self.note_naming(&name);
        let sql: Arc<str> = sql.into();
        let written = Written::as_sent(Arc::clone(&sql));
        let described = self.described(op, &written).await;
        self.naming = None;
        let description = described?;
        Ok(Statement::new(name, sql, description))
    }

    /// The batch that begins with the first row; what is behind it is discarded.
    async fn first_batch(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
    ) -> Result<Option<RowBatch>, Error> {
        let mut first = First::default();
        let run = self.run(query, params, |this, cursor, cx| {
            this.poll_first(cursor, &mut first, cx)
        });
        let (cursor, ()) = run.await?;
        let batch = first.rows.zip(cursor.into_columns());
        Ok(batch.map(|(rows, columns)| RowBatch::new(rows, columns)))
    }

    /// Ready at the end.
    fn poll_first(
        &mut self,
        cursor: &mut Cursor,
        first: &mut First,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            match self.poll_bare_rows(cursor, cx) {
                Poll::Ready(Ok(Some(rows))) => {
                    first.rows.get_or_insert(rows);
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    first.keep();
                    return Poll::Pending;
                }
            }
        }
    }

    /// Ready at the end, with the number of rows that were counted.
    fn poll_discarded(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Error>> {
        cursor.discard_rows();
        match ready!(self.poll_bare_rows(cursor, cx)) {
            Ok(_) | Err(Error::TooManyResults) => Poll::Ready(Ok(cursor.row_count())),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    async fn next_rows(&mut self, cursor: &mut Cursor) -> Result<Option<RowBatch>, Error> {
        match poll_fn(|cx| self.poll_rows(cursor, cx)).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.settled(error).await),
        }
    }
}

/// The rows of which somebody wants the first.
#[derive(Default)]
struct First {
    rows: Option<purepg_proto::RowBatch>,
    is_kept: bool,
}

impl First {
    /// The buffer is needed for what is still to come.
    fn keep(&mut self) {
        if let Some(rows) = self.rows.as_mut().filter(|_| !self.is_kept) {
            *rows = only_first(rows);
            self.is_kept = true;
        }
    }
}
