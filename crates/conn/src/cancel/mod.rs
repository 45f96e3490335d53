//! Cancelling what a connection runs: from any task, by a stream of its own.

mod request;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Context;

use futures_util::task::AtomicWaker;
use purepg_proto::CancelKey;

use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;

pub(crate) use request::{Request, Target};

/// Cancels what a connection runs, from any task.
///
/// A token belongs to its connection for as long as that lives, whatever it runs. It does nothing while nothing runs. Clones are the same
/// token.
#[derive(Clone)]
pub struct CancelToken(Weak<Canceller>);

/// What a connection and its tokens share.
pub(crate) struct Canceller {
    /// Sends a request; `None` where the server gave no key.
    new_request: Option<Box<dyn Fn() -> Request + Send + Sync>>,
    state: Mutex<State>,
    /// The task that waits for the connection: it is told of a request, and carries it on.
    connection: AtomicWaker,
}

#[derive(Default)]
struct State {
    running: bool,
    /// A call has begun, of which nothing is sent yet.
    preparing: bool,
    /// That call is to be cancelled.
    asked: bool,
    request: Option<Request>,
}

impl CancelToken {
    pub(crate) fn new(canceller: &Arc<Canceller>) -> Self {
        Self(Arc::downgrade(canceller))
    }

    /// Asks the server to cancel what the connection runs right now, and waits until it has heard. With nothing running, nothing is asked.
    ///
    /// The call that is cancelled ends with an [`Error::Database`] of SQLSTATE 57014 (`query_canceled`), unless it was over before, or with
    /// [`Error::Cancelled`] if nothing of it had been sent yet; the connection lives on. Whoever waits for the connection asks again until everything that it has sent is over, since a server
    /// takes no notice of a request that comes before the statement. It never hits a later call: that waits until the server has taken the
    /// request.
    ///
    /// The request goes to the address that the connection leads to, over a stream of its own, with TLS if the connection has it: the key is
    /// a secret, and without TLS nothing is asked.
    ///
    /// # Errors
    /// [`UsageError::CannotCancel`] where the server gave no key to do it with, as some poolers and other servers do;
    /// [`Error::Io`] and [`Error::Timeout`] (after 30 seconds) when the request could not be delivered. The connection is unharmed. A runtime that
    /// panics outside of its own threads, as tokio does, is told as an [`Error::Io`], too; whoever waits for the connection asks the server
    /// all the same.
    ///
    /// # Cancel safety
    /// Dropping the future does not take the request back: whoever waits for the connection carries it on.
    pub async fn cancel(&self) -> Result<(), Error> {
        let Some(canceller) = self.0.upgrade() else {
            return Ok(());
        };
        let request = canceller.ask()?;
        // The token keeps nothing of the connection alive.
        drop(canceller);
        match request {
            Some(request) => request.await,
            None => Ok(()),
        }
    }
}

impl Canceller {
    pub(crate) fn new<S: ByteStream>(target: Target<S>, key: Option<CancelKey>) -> Self {
        let new_request = key.map(|key| {
            let new = move || Request::new(target.clone(), key.clone());
            Box::new(new) as Box<dyn Fn() -> Request + Send + Sync>
        });
        Self {
            new_request,
            state: Mutex::default(),
            connection: AtomicWaker::new(),
        }
    }

    /// A request on behalf of a token: the one that is under way, or else a new one if there is something to cancel.
    fn ask(&self) -> Result<Option<Request>, UsageError> {
        let Some(new_request) = &self.new_request else {
            return Err(UsageError::CannotCancel);
        };
        let mut state = self.state();
        if state.preparing {
            state.asked = true;
            self.connection.wake();
        }
        if !state.running {
            return Ok(None);
        }
        // One that is over already hit nothing, or something else.
        state.request.take_if(|request| request.is_over());
        let request = state.request.get_or_insert_with(new_request).clone();
        drop(state);
        self.connection.wake();
        Ok(Some(request))
    }

    /// A request on behalf of the connection: the one that is under way, or else a new one.
    pub(crate) fn ask_anyway(&self) -> Option<Request> {
        let new_request = self.new_request.as_ref()?;
        let mut state = self.state();
        Some(state.request.get_or_insert_with(new_request).clone())
    }

    /// The request that is under way, if there is one; of the next one `cx` is told.
    pub(crate) fn request(&self, cx: &Context<'_>) -> Option<Request> {
        self.connection.register(cx.waker());
        self.state().request.clone()
    }

    /// This request is over.
    pub(crate) fn forget(&self, over: &Request) {
        self.state().request.take_if(|request| request.is(over));
    }

    /// A call begins: what was asked before is not about it.
    pub(crate) fn call_begins(&self) {
        let mut state = self.state();
        (state.preparing, state.asked) = (true, false);
    }

    /// The call is about to send something. False when it was cancelled before.
    pub(crate) fn call_may_send(&self) -> bool {
        let mut state = self.state();
        state.preparing = false;
        !std::mem::take(&mut state.asked)
    }

    /// Whether a token has something to cancel.
    pub(crate) fn set_running(&self, running: bool) {
        self.state().running = running;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").finish_non_exhaustive()
    }
}
