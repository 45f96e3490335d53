//! One connection for many tasks.

mod facts;
mod notifications;
mod queries;
mod waiters;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use async_lock::{Mutex, MutexGuard};
use purepg_proto::{Parameters, TransactionStatus};

use crate::cancel::CancelToken;
use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::{ByteStream, Endpoint, Runtime};

pub(crate) use facts::{Facts, State};
pub use notifications::SharedNotifications;
use waiters::{Waiters, WakeOnDrop};

/// A connection that many tasks use. Clones are the same connection.
///
/// Each query has the connection for itself until it is over: the others wait, and get it in turn. For more than one query in a row, or
/// for what borrows the connection, such as rows as they arrive, [`lock`](Self::lock) it. Waiting for a notification keeps nobody out.
///
/// Whoever has the lock and waits for a query of this type waits for itself, for ever: while it is held, use the guard.
///
/// # Cancel safety
///
/// As with [`Connection`], any future of this type may be dropped at any moment, at no cost: one that waits for its turn leaves the
/// queue, and what one has begun is read past by whoever comes next.
pub struct SharedConnection<S>(Arc<Shared<S>>);

struct Shared<S> {
    connection: Mutex<Connection<S>>,
    facts: Arc<Facts>,
    waiters: Arc<Waiters>,
    runtime: Arc<dyn Runtime<Stream = S>>,
    endpoint: Endpoint,
    process_id: Option<i32>,
    cancel_token: CancelToken,
}

/// A shared connection, for as long as the guard lives. One that is leaked (`mem::forget`) keeps it for ever.
#[must_use = "the connection is nobody else's while the guard lives"]
pub struct ConnectionGuard<'c, S> {
    connection: MutexGuard<'c, Connection<S>>,
    /// Behind the lock, which is open when they are woken.
    _waiters: WakeOnDrop<'c>,
}

impl<S: ByteStream> Connection<S> {
    /// The same connection, for many tasks.
    pub fn into_shared(mut self) -> SharedConnection<S> {
        let facts = Arc::new(Facts::new(self.state(), self.parameters()));
        self.set_facts(Some(Arc::clone(&facts)));
        SharedConnection(Arc::new(Shared {
            facts,
            waiters: Arc::default(),
            runtime: Arc::clone(self.runtime()),
            endpoint: self.endpoint().clone(),
            process_id: self.process_id(),
            cancel_token: self.cancel_token(),
            connection: Mutex::new(self),
        }))
    }
}

impl<S: ByteStream> SharedConnection<S> {
    /// The connection itself, until the guard is dropped. Others get it in turn, however many queries this one makes meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue.
    pub async fn lock(&self) -> ConnectionGuard<'_, S> {
        self.guard(self.0.connection.lock().await)
    }

    /// Says good-bye and closes the stream, as [`Connection::close`] does, when its turn has come. For the other clones the connection is
    /// closed too.
    ///
    /// # Errors
    /// As [`Connection::close`]; of one that is closed already, nothing.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the stream open until the last clone is dropped.
    pub async fn close(self) -> Result<(), Error> {
        self.lock().await.close_stream().await
    }

    /// The connection, shared no more, if there is no other clone.
    ///
    /// # Errors
    /// This clone, if there is another.
    pub fn into_inner(self) -> Result<Connection<S>, Self> {
        let shared = Arc::try_unwrap(self.0).map_err(Self)?;
        let mut connection = shared.connection.into_inner();
        connection.set_facts(None);
        Ok(connection)
    }

    /// What cancels the queries of this connection, whoever runs them.
    pub fn cancel_token(&self) -> CancelToken {
        self.0.cancel_token.clone()
    }

    fn guard<'c>(&'c self, connection: MutexGuard<'c, Connection<S>>) -> ConnectionGuard<'c, S> {
        ConnectionGuard {
            connection,
            _waiters: self.0.waiters.wake_on_drop(),
        }
    }
}

/// Facts, as they were when somebody last had news of the server: nobody is waited for. Another task may change them at any moment.
impl<S> SharedConnection<S> {
    /// True when the connection is open and nothing is under way.
    pub fn is_ready(&self) -> bool {
        self.0.facts.state().is_ready
    }

    /// True when the connection is ready, in no transaction, and nothing waits to be sent.
    pub fn is_idle(&self) -> bool {
        self.0.facts.state().is_idle
    }

    /// True in a transaction block, a failed one included, whoever began it.
    pub fn in_transaction(&self) -> bool {
        self.0.facts.state().in_transaction
    }

    /// Where the session stands.
    pub fn transaction_status(&self) -> TransactionStatus {
        self.0.facts.state().transaction_status
    }

    /// True once the connection has ended, for whatever reason: it cannot be used again.
    pub fn is_dead(&self) -> bool {
        self.0.facts.state().is_dead
    }

    /// A run-time parameter that the server reports, such as `server_version`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().get(name).map(str::to_owned)
    }

    /// All run-time parameters that the server reports: a snapshot, which costs a reference count.
    pub fn parameters(&self) -> Parameters {
        self.0.facts.parameters()
    }

    /// The time zone of the session, as the server names it.
    pub fn server_timezone(&self) -> Option<String> {
        self.parameter("TimeZone")
    }

    /// The server process behind this connection. Poolers may name none.
    pub fn process_id(&self) -> Option<i32> {
        self.0.process_id
    }

    /// Where the connection leads.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl<S> Deref for ConnectionGuard<'_, S> {
    type Target = Connection<S>;

    fn deref(&self) -> &Connection<S> {
        &self.connection
    }
}

impl<S> DerefMut for ConnectionGuard<'_, S> {
    fn deref_mut(&mut self) -> &mut Connection<S> {
        &mut self.connection
    }
}

impl<S> Drop for ConnectionGuard<'_, S> {
    fn drop(&mut self) {
        self.connection.publish();
    }
}

impl<S> Clone for SharedConnection<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for SharedConnection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedConnection")
            .field("endpoint", &self.0.endpoint)
            .field("process_id", &self.0.process_id)
            .field("state", &self.0.facts.state())
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for ConnectionGuard<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionGuard").field(&**self).finish()
    }
}
