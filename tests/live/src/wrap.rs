//! Runtimes whose streams are wrapped, so that they misbehave.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use purepg_conn::{BoxFuture, Endpoint, Runtime, SocketOptions};

/// A runtime of somebody else's, whose streams are wrapped.
pub struct Wrapped<R: Runtime, W> {
    inner: Arc<R>,
    wrap: Arc<dyn Fn(R::Stream) -> W + Send + Sync>,
    stream: PhantomData<fn() -> W>,
}

impl<R: Runtime, W> Wrapped<R, W> {
    /// Wraps every stream that `inner` opens.
    pub fn new(inner: &Arc<R>, wrap: impl Fn(R::Stream) -> W + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            wrap: Arc::new(wrap),
            stream: PhantomData,
        })
    }
}

impl<R: Runtime, W> fmt::Debug for Wrapped<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").finish_non_exhaustive()
    }
}

impl<R: Runtime, W> Runtime for Wrapped<R, W>
where
    W: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = W;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<W>> {
        let stream = self.inner.connect(endpoint, options);
        let wrap = Arc::clone(&self.wrap);
        Box::pin(async move { stream.await.map(|stream| wrap(stream)) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}
