//! A query, message by message.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use purepg_proto::{CommandTag, Reply};
use purepg_types::{Column, Params};

use crate::columns::Columns;
use crate::connection::{Connection, Cursor};
use crate::error::{Error, UsageError};
use crate::query::IntoQuery;
use crate::row::{KeptRows, Row, RowBatch};
use crate::runtime::ByteStream;
use crate::statement::Statement;

/// One message of the cycle of a query.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Message {
    /// The columns of the rows that follow, if any do. It comes once for each statement that returns rows.
    Columns(RowColumns),
    /// A row.
    Row(Row),
    /// A statement is complete. Provisional until the stream has ended without an error: what is in one text, or in one transaction, may
    /// still be rolled back.
    Complete(CommandTag),
    /// There was no statement at all.
    EmptyQuery,
    /// The row limit was reached: there may be more rows.
    Suspended,
}

/// The columns of a result: derefs to them.
#[derive(Clone)]
pub struct RowColumns(Arc<Columns>);

impl std::ops::Deref for RowColumns {
    type Target = [Column];

    fn deref(&self) -> &[Column] {
        self.0.as_slice()
    }
}

impl fmt::Debug for RowColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Every message of a query's cycle, in order: see [`Connection::lowlevel_query`].
///
/// # Cancel safety
/// It may be dropped at any message, and so may the futures of [`next`](Self::next): none is lost with a future, and what a dropped stream
/// leaves is read past by the connection's next call.
#[must_use = "nothing is sent before a message is waited for"]
pub struct MessageStream<'c, S> {
    connection: &'c mut Connection<S>,
    cursor: Cursor,
    /// What it runs, if that may have gone stale.
    statement: Option<Statement>,
    columns: Option<Arc<Columns>>,
    /// The columns were known before, and were not told.
    untold: bool,
    kept: Option<KeptRows>,
    fault: Option<Error>,
    done: bool,
}

impl<S: ByteStream> Connection<S> {
    /// Runs a query and gives every message of its cycle: columns, rows, completion, once for each statement of a text of several.
    ///
    /// A text of several statements is one transaction, unless it says otherwise: when one fails, those before it are undone although
    /// they were told to be complete.
    ///
    /// It is sent when the first message is waited for. A text with parameters that is new to the connection is described before that.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch) before it is sent, what the server says of its description included; what it says of running it is told by
    /// the stream.
    ///
    /// # Cancel safety
    /// Dropping the future or the stream costs the connection nothing.
    pub async fn lowlevel_query<'q>(
        &mut self,
        query: impl IntoQuery<'q> + Send,
        params: impl Params,
    ) -> Result<MessageStream<'_, S>, Error> {
        let query = query.into_query();
        let sent = self.run(&query, &params, |_, _, _| Poll::Ready(Ok(())));
        let (cursor, ()) = sent.await?;
        let old = cursor.may_be_stale();
        let statement = old
            .then(|| self.statement_behind(&query, &params))
            .flatten();
        let columns = cursor.columns().cloned();
        Ok(MessageStream {
            connection: self,
            cursor,
            statement,
            untold: columns.is_some(),
            columns,
            kept: None,
            fault: None,
            done: false,
        })
    }
}

impl<S: ByteStream> MessageStream<'_, S> {
    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// What the server or the connection met. It is the last item.
    ///
    /// # Cancel safety
    /// Dropping the future loses no message.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        loop {
            match self.kept.as_mut().and_then(KeptRows::next) {
                Some(Ok(row)) => return Poll::Ready(Some(Ok(Message::Row(row)))),
                Some(Err(error)) => return self.end(Some(error)),
                None => self.kept = None,
            }
            if self.done {
                return Poll::Ready(None);
            }
            let message = match ready!(self.connection.poll_reply(cx, self.cursor.op())) {
                Ok(reply) => self.message(reply),
                Err(error) => return self.end(Some(error)),
            };
            match message {
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Ok(None) if self.done => {
                    let fault = self.fault.take();
                    return self.end(fault);
                }
                Ok(None) => {}
                Err(error) => return self.end(Some(error)),
            }
        }
    }

    fn end(&mut self, error: Option<Error>) -> Poll<Option<Result<Message, Error>>> {
        self.done = true;
        self.kept = None;
        Poll::Ready(error.map(Err))
    }

    fn message(&mut self, reply: Reply) -> Result<Option<Message>, Error> {
        Ok(match reply {
            Reply::Bound if self.untold => {
                self.untold = false;
                self.columns.clone().map(RowColumns).map(Message::Columns)
            }
            Reply::Columns(columns) => {
                let columns = Columns::new(columns, self.connection.types());
                self.columns = Some(Arc::clone(&columns));
                Some(Message::Columns(RowColumns(columns)))
            }
            Reply::Rows(rows) => {
                self.connection.check_readable()?;
                let columns = self.columns.clone();
                let batch = columns.map(|columns| RowBatch::new(rows, columns));
                self.kept = batch.map(KeptRows::new);
                None
            }
            Reply::StatementComplete(tag) => {
                self.connection.note_tag(&tag);
                Some(Message::Complete(tag))
            }
            Reply::EmptyQuery => Some(Message::EmptyQuery),
            Reply::Suspended => Some(Message::Suspended),
            Reply::CopyOut(_) => {
                self.fault = Some(UsageError::CopyOut.into());
                None
            }
            Reply::Finished(outcome) => {
                self.done = true;
                let checked = self.connection.check(outcome, Some(self.cursor.sql()));
                if let (Err(error), Some(statement)) = (&checked, &self.statement) {
                    self.connection.note_failure(statement, error);
                }
                checked?;
                // A change is reported behind the rows that were made with it.
                if self.columns.is_some() {
                    self.connection.check_readable()?;
                }
                None
            }
            _ => None,
        })
    }
}

impl<S: ByteStream> Stream for MessageStream<'_, S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(cx)
    }
}

impl<S: ByteStream> FusedStream for MessageStream<'_, S> {
    fn is_terminated(&self) -> bool {
        self.done && self.kept.is_none()
    }
}

impl<S> fmt::Debug for MessageStream<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream")
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
