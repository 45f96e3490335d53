//! A time that was set.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::task::Context;
use std::time::Duration;

use crate::runtime::{BoxFuture, Runtime};

/// Runs out after a while. In a mutex that nobody locks, since what a runtime gives may not be shared, and a connection may.
pub(crate) struct Timer(Mutex<BoxFuture<'static, ()>>);

impl Timer {
    pub(crate) fn new<R: Runtime + ?Sized>(runtime: &R, duration: Duration) -> Self {
        Self(Mutex::new(runtime.sleep(duration)))
    }

    /// True once it has run out; not to be asked again then.
    pub(crate) fn has_run_out(&mut self, cx: &mut Context<'_>) -> bool {
        let sleep = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        sleep.as_mut().poll(cx).is_ready()
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}
