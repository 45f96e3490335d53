//! Notifications as they arrive.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use purepg_proto::Notification;

use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;

/// The notifications of the channels that a connection listens to, as they arrive. There is always a next one, until the connection ends:
/// that is one error, and then there are no more.
///
/// # Cancel safety
/// It may be dropped at any moment, and so may the futures of its methods: no notification is lost, the connection has those that were
/// not taken.
pub struct Notifications<'c, S> {
    connection: &'c mut Connection<S>,
    prepared: bool,
    done: bool,
}

impl<'c, S: ByteStream> Notifications<'c, S> {
    pub(crate) fn new(connection: &'c mut Connection<S>) -> Self {
        Self {
            connection,
            prepared: false,
            done: false,
        }
    }

    /// The next notification; `None` once the connection has ended, and said why.
    ///
    /// # Errors
    /// What ended the connection.
    ///
    /// # Cancel safety
    /// Dropping the future loses no notification.
    pub async fn next(&mut self) -> Option<Result<Notification, Error>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Notification, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_notification(cx));
        self.done = next.is_err();
        Poll::Ready(Some(next))
    }

    fn poll_notification(&mut self, cx: &mut Context<'_>) -> Poll<Result<Notification, Error>> {
        // What waits is given out even by a connection that has ended.
        if !self.prepared && !self.connection.has_notification() {
            ready!(self.connection.poll_prepared(cx))?;
            self.prepared = true;
        }
        self.connection.poll_notification(cx)
    }
}

impl<S: ByteStream> Stream for Notifications<'_, S> {
    type Item = Result<Notification, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl<S: ByteStream> FusedStream for Notifications<'_, S> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<S> fmt::Debug for Notifications<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications")
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
