//! Rows as they arrive.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use purepg_types::Column;

use crate::connection::{Connection, Cursor};
use crate::error::Error;
use crate::row::{KeptRows, Row, RowBatch};
use crate::runtime::ByteStream;

/// The rows of a query, as they arrive. After an error, or the last row, there are no more.
///
/// # Cancel safety
/// It may be dropped at any row, and so may the futures of its methods: no row is lost with a future, and what a dropped stream leaves
/// is read past by the connection's next call.
pub struct RowStream<'c, S> {
    connection: &'c mut Connection<S>,
    cursor: Cursor,
    /// What is left of the batch that arrived last.
    kept: Option<KeptRows>,
}

impl<'c, S: ByteStream> RowStream<'c, S> {
    pub(crate) fn new(connection: &'c mut Connection<S>, cursor: Cursor) -> Self {
        Self {
            connection,
            cursor,
            kept: None,
        }
    }

    /// The next row; `None` when there is none left.
    ///
    /// # Errors
    /// What the server or the connection met amid the rows.
    ///
    /// # Cancel safety
    /// Dropping the future loses no row.
    pub async fn next(&mut self) -> Option<Result<Row, Error>> {
        poll_fn(|cx| self.poll_row(cx)).await
    }

    /// The rows that have arrived, or the next ones to arrive: the fast path, since they are lent, not kept. After
    /// [`next`](Self::next) they go on with the row behind its last one.
    ///
    /// # Errors
    /// What the server or the connection met amid the rows.
    ///
    /// # Cancel safety
    /// Dropping the future loses no row.
    pub async fn next_batch(&mut self) -> Result<Option<RowBatch>, Error> {
        poll_fn(|cx| self.poll_batch(cx)).await
    }

    /// Discards what is left, and returns the number of rows that the statement counted.
    ///
    /// # Errors
    /// What the server or the connection met amid the rows.
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing.
    pub async fn row_count(mut self) -> Result<u64, Error> {
        self.kept = None;
        self.cursor.discard_rows();
        while self.next_batch().await?.is_some() {}
        Ok(self.cursor.row_count())
    }

    /// The columns; none for a statement that returns no rows.
    pub fn columns(&self) -> &[Column] {
        self.cursor
            .columns()
            .map_or(&[], |columns| columns.as_slice())
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RowBatch>, Error>> {
        if let Some(rest) = self.kept.take().and_then(KeptRows::into_rest) {
            return Poll::Ready(Ok(Some(rest)));
        }
        self.connection.poll_rows(&mut self.cursor, cx)
    }

    fn poll_row(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Row, Error>>> {
        loop {
            match self.kept.as_mut().and_then(KeptRows::next) {
                Some(Ok(row)) => return Poll::Ready(Some(Ok(row))),
                Some(Err(error)) => {
                    self.kept = None;
                    self.cursor.give_up();
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.kept = None,
            }
            match ready!(self.poll_batch(cx)) {
                Ok(Some(batch)) => self.kept = Some(KeptRows::new(batch)),
                Ok(None) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<S: ByteStream> Stream for RowStream<'_, S> {
    type Item = Result<Row, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_row(cx)
    }
}

impl<S: ByteStream> FusedStream for RowStream<'_, S> {
    fn is_terminated(&self) -> bool {
        self.cursor.is_done() && self.kept.is_none()
    }
}

impl<S> fmt::Debug for RowStream<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream")
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
