//! Data of a `COPY … TO STDOUT`.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use purepg_proto::CopyData;
use purepg_types::Format;

use crate::connection::{Connection, CopyState};
use crate::error::Error;
use crate::runtime::ByteStream;

/// Gives the data of a `COPY … TO STDOUT`, as it arrives: [`Connection::copy_out`]. After an error, or the last of it, there is no more.
///
/// Boundaries between chunks mean nothing: a row may go on in the next one.
///
/// # Cancel safety
/// It may be dropped at any moment, and so may the futures of its methods: no data is lost with a future, and what a dropped one leaves
/// is read past by the connection's next call.
pub struct CopyOut<'c, S> {
    connection: &'c mut Connection<S>,
    copy: CopyState,
}

impl<'c, S: ByteStream> CopyOut<'c, S> {
    pub(crate) fn new(connection: &'c mut Connection<S>, copy: CopyState) -> Self {
        Self { connection, copy }
    }

    /// The data that has arrived, or the next to arrive, in one piece of its own; `None` at the end.
    ///
    /// # Errors
    /// What the server or the connection met amid the data, and [`UsageError::SecondCopy`](crate::UsageError::SecondCopy), at its end,
    /// when the text held another COPY.
    ///
    /// # Cancel safety
    /// Dropping the future loses no data.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The data that has arrived, or the next to arrive, lent: the fast path, since nothing is copied; `None` at the end.
    ///
    /// It stands where the connection will read again. Drop it before the next call, or the connection needs another buffer.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Dropping the future loses no data.
    pub async fn next_run(&mut self) -> Result<Option<CopyData>, Error> {
        poll_fn(|cx| self.poll_run(cx)).await
    }

    /// Discards what is left, and returns the number of rows that the server counted.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing.
    pub async fn row_count(mut self) -> Result<u64, Error> {
        while self.next_run().await?.is_some() {}
        Ok(self.copy.row_count())
    }

    /// Text, which is what `csv` is as well, or binary.
    pub fn format(&self) -> Format {
        self.copy.format()
    }

    /// How many columns its rows have.
    pub fn column_count(&self) -> usize {
        self.copy.columns()
    }

    pub(super) fn poll_run(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<CopyData>, Error>> {
        self.connection.poll_copy_data(&mut self.copy, cx)
    }

    /// An error when the values in the data would be misread.
    pub(super) fn check_readable(&self) -> Result<(), Error> {
        self.connection.check_readable()
    }

    /// Nobody wants the rest.
    pub(super) fn give_up(&mut self) {
        self.copy.give_up();
    }

    pub(super) fn is_over(&self) -> bool {
        self.copy.is_over()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            let run = ready!(self.poll_run(cx)).transpose();
            match run.map(|run| run.map(|run| run.to_bytes())) {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                chunk => return Poll::Ready(chunk),
            }
        }
    }
}

impl<S: ByteStream> Stream for CopyOut<'_, S> {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx)
    }
}

impl<S: ByteStream> FusedStream for CopyOut<'_, S> {
    fn is_terminated(&self) -> bool {
        self.is_over()
    }
}

impl<S> fmt::Debug for CopyOut<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOut")
            .field("copy", &self.copy)
            .finish_non_exhaustive()
    }
}
