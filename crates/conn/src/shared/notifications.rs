//! Waiting for notifications, while others use the connection.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use futures_util::future::{Either, select};
use purepg_proto::Notification;

use crate::error::Error;
use crate::runtime::{BoxFuture, ByteStream};
use crate::shared::SharedConnection;
use crate::shared::waiters::woken;

impl<S: ByteStream> SharedConnection<S> {
    /// Listens to a channel, for all clones: see [`Connection::listen`](crate::Connection::listen).
    ///
    /// # Errors
    /// As [`Connection::listen`](crate::Connection::listen).
    ///
    /// # Cancel safety
    /// As [`Connection::listen`](crate::Connection::listen).
    pub async fn listen(&self, channel: &str) -> Result<(), Error> {
        self.lock().await.listen(channel).await
    }

    /// Stops listening to a channel, for all clones.
    ///
    /// # Errors
    /// As [`Connection::listen`](crate::Connection::listen).
    ///
    /// # Cancel safety
    /// As [`Connection::unlisten`](crate::Connection::unlisten).
    pub async fn unlisten(&self, channel: &str) -> Result<(), Error> {
        self.lock().await.unlisten(channel).await
    }

    /// Stops listening to every channel, for all clones.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    ///
    /// # Cancel safety
    /// As [`Connection::unlisten`](crate::Connection::unlisten).
    pub async fn unlisten_all(&self) -> Result<(), Error> {
        self.lock().await.unlisten_all().await
    }

    /// The next notification: one that arrived earlier, be it amid a query of another task, or one to come. Others use the connection
    /// meanwhile; what comes while one of them has it is given out when it is through.
    ///
    /// Of several tasks that wait each notification goes to one.
    ///
    /// # Errors
    /// As [`Connection::notification`](crate::Connection::notification).
    ///
    /// # Cancel safety
    /// Dropping the future loses no notification.
    pub async fn notification(&self) -> Result<Notification, Error> {
        let waiters = &self.0.waiters;
        loop {
            let wait = waiters.wait();
            {
                let mut connection = self.0.connection.lock().await;
                let next = pin!(connection.notification())
                    .poll(&mut Context::from_waker(&waiters.waker()));
                if let Poll::Ready(notification) = next {
                    // It may have read what is for the others, before the socket could wake them.
                    drop(self.guard(connection));
                    return notification;
                }
            }
            woken(wait).await;
        }
    }

    /// The same, but `None` when none has come in so long a time. With a time of zero it takes what has arrived, and waits for nobody.
    ///
    /// # Errors
    /// As [`Connection::notification`](crate::Connection::notification).
    ///
    /// # Cancel safety
    /// Dropping the future, or letting the time run out, loses no notification.
    pub async fn notification_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<Notification>, Error> {
        let sleep = self.0.runtime.sleep(timeout);
        match select(pin!(self.notification()), sleep).await {
            Either::Left((notification, _)) => notification.map(Some),
            Either::Right(((), _)) => Ok(None),
        }
    }

    /// The notifications from now on, and those that wait, as a stream without an end. It keeps nobody out.
    pub fn notifications(&self) -> SharedNotifications<S> {
        SharedNotifications {
            connection: self.clone(),
            next: None,
            done: false,
        }
    }
}

/// The notifications of the channels that a shared connection listens to, as they arrive. There is always a next one, until the
/// connection ends: that is one error, and then there are no more.
///
/// # Cancel safety
/// It may be dropped at any moment, and so may the futures of its methods: no notification is lost, the connection has those that were
/// not taken.
pub struct SharedNotifications<S> {
    connection: SharedConnection<S>,
    next: Option<BoxFuture<'static, Result<Notification, Error>>>,
    done: bool,
}

impl<S: ByteStream> SharedNotifications<S> {
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
        let connection = &self.connection;
        let next = self.next.get_or_insert_with(|| {
            let connection = connection.clone();
            Box::pin(async move { connection.notification().await })
        });
        let notification = ready!(next.as_mut().poll(cx));
        self.next = None;
        self.done = notification.is_err();
        Poll::Ready(Some(notification))
    }
}

impl<S: ByteStream> Stream for SharedNotifications<S> {
    type Item = Result<Notification, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl<S: ByteStream> FusedStream for SharedNotifications<S> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<S> fmt::Debug for SharedNotifications<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedNotifications")
            .field("connection", &self.connection)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
