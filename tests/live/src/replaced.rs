//! A runtime whose streams are of the test's own making.

use std::fmt;
use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use purepg_conn::{BoxFuture, ByteStream, Endpoint, Runtime, SocketOptions};

/// A runtime of somebody else's, but for its streams: each is what a function makes, and no socket is opened. It counts what it does.
pub struct Replaced<R, S> {
    inner: Arc<R>,
    open: Box<dyn Fn(usize) -> S + Send + Sync>,
    opened: AtomicUsize,
    begun: AtomicUsize,
    done: Arc<AtomicUsize>,
}

impl<R, S> Replaced<R, S> {
    /// `open` is told how many streams there were before.
    pub fn new(inner: &Arc<R>, open: impl Fn(usize) -> S + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            open: Box::new(open),
            opened: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            done: Arc::default(),
        })
    }

    /// How many streams were opened.
    pub fn streams(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    /// How many blocking jobs were asked for.
    pub fn jobs(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// How many of these have come to their end.
    pub fn jobs_done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

impl<R, S> fmt::Debug for Replaced<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaced").finish_non_exhaustive()
    }
}

impl<R: Runtime, S: ByteStream> Runtime for Replaced<R, S> {
    type Stream = S;

    fn connect(&self, _: &Endpoint, _: &SocketOptions) -> BoxFuture<'static, io::Result<S>> {
        let number = self.opened.fetch_add(1, Ordering::SeqCst);
        Box::pin(ready(Ok((self.open)(number))))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let done = Arc::clone(&self.done);
        self.inner.run_blocking(Box::new(move || {
            job();
            done.fetch_add(1, Ordering::SeqCst);
        }))
    }
}
