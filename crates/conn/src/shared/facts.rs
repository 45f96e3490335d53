//! What is known of a connection that somebody else may be using.

use std::sync::{Mutex, MutexGuard, PoisonError};

use purepg_proto::{Parameters, TransactionStatus};

/// The latest facts. The connection writes them as they change; whoever wants to know reads them without waiting for its lock.
#[derive(Debug)]
pub(crate) struct Facts(Mutex<Latest>);

#[derive(Debug)]
struct Latest {
    state: State,
    parameters: Parameters,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) is_ready: bool,
    pub(crate) is_idle: bool,
    pub(crate) is_dead: bool,
    pub(crate) in_transaction: bool,
    pub(crate) transaction_status: TransactionStatus,
}

impl Facts {
    pub(super) fn new(state: State, parameters: Parameters) -> Self {
        Self(Mutex::new(Latest { state, parameters }))
    }

    pub(crate) fn set_state(&self, state: State) {
        self.latest().state = state;
    }

    pub(crate) fn set_parameters(&self, parameters: Parameters) {
        self.latest().parameters = parameters;
    }

    pub(super) fn state(&self) -> State {
        self.latest().state
    }

    pub(super) fn parameters(&self) -> Parameters {
        self.latest().parameters.clone()
    }

    /// Nothing that holds it can panic.
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
