//! From a password to keys, where it blocks nobody.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use purepg_proto::{DeriveKey, ScramKeys};

use crate::connect::run_blocking;
use crate::error::Error;
use crate::runtime::Runtime;

/// Up to so many iterations are run where they are asked for: PostgreSQL's own number, some half a millisecond of work, for which a thread is
/// hardly worth its while. More are a blocking job.
const INLINE: u32 = 4_096;

/// So many of them in one go, some hundred microseconds: then others get their turn, a timeout among them.
const INLINE_SLICE: u32 = 1_024;

/// So many of a job run before it looks whether anybody still waits.
const JOB_SLICE: u32 = 1_024;

/// Derives keys. Dropping the future stops it.
pub(super) async fn derive<R: Runtime + ?Sized>(
    runtime: &R,
    job: DeriveKey,
) -> Result<ScramKeys, Error> {
    if job.iterations() <= INLINE {
        Ok(Inline(job).await)
    } else {
        derive_elsewhere(runtime, job).await
    }
}

/// A slice for each poll.
struct Inline(DeriveKey);

impl Future for Inline {
    type Output = ScramKeys;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ScramKeys> {
        match self.0.advance(INLINE_SLICE) {
            Some(keys) => Poll::Ready(keys),
            None => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

async fn derive_elsewhere<R: Runtime + ?Sized>(
    runtime: &R,
    mut job: DeriveKey,
) -> Result<ScramKeys, Error> {
    struct StopOnDrop(Arc<AtomicBool>);
    impl Drop for StopOnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = StopOnDrop(Arc::default());
    let stopped = Arc::clone(&stop.0);
    let keys = run_blocking(runtime, move || {
        loop {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(keys) = job.advance(JOB_SLICE) {
                return Some(keys);
            }
        }
    });
    keys.await?.ok_or_else(|| Error::Timeout {
        doing: "deriving a key".into(),
        unsent: true,
        connected: false,
    })
}
