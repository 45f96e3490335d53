//! Runtimes whose streams misbehave.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use purepg_conn::{BoxFuture, Endpoint, Runtime};
use purepg_testkit::io::OneByte;

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

    fn connect(&self, endpoint: &Endpoint) -> BoxFuture<'static, io::Result<W>> {
        let stream = self.inner.connect(endpoint);
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

/// One byte for each read and write, and `Pending` before each.
pub type OneByteAtATime<R> = Wrapped<R, OneByte<<R as Runtime>::Stream>>;

/// A stream that fails when so many bytes have come in.
#[derive(Debug)]
pub struct Faulty<S> {
    stream: S,
    left: usize,
    reset: bool,
}

impl<S> Faulty<S> {
    /// After `bytes` bytes the stream ends, or is reset.
    pub fn new(stream: S, bytes: usize, reset: bool) -> Self {
        Self {
            stream,
            left: bytes,
            reset,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Faulty<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.left == 0 {
            let error = io::Error::from(io::ErrorKind::ConnectionReset);
            return Poll::Ready(if self.reset { Err(error) } else { Ok(0) });
        }
        let most = self.left.min(buf.len());
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buf[..most]);
        if let Poll::Ready(Ok(n)) = read {
            self.left -= n;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Faulty<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
