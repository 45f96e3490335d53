//! A scripted server as a stream.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

use super::ModelServer;

/// The client's end of a connection to a [`ModelServer`] that lives in memory: what is written is answered at once, without a thread, a
/// task, or a runtime.
///
/// Dropping it is the end of the connection. Behind [`OneByte`](crate::io::OneByte) it moves a byte at a time.
#[derive(Debug)]
pub struct ScriptedStream(ServerHandle);

/// The server behind a stream, for whoever wants to look at it or to interfere, also after the stream is gone.
#[derive(Clone, Debug)]
pub struct ServerHandle(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    server: ModelServer,
    reader: Option<Waker>,
    dropped: bool,
}

impl ScriptedStream {
    /// A connection to this server, and the server.
    pub fn new(server: ModelServer) -> (Self, ServerHandle) {
        let shared = Shared {
            server,
            reader: None,
            dropped: false,
        };
        let handle = ServerHandle(Arc::new(Mutex::new(shared)));
        (Self(handle.clone()), handle)
    }
}

impl ServerHandle {
    /// Looks at the server, or makes it do something; what it then sends wakes whoever reads.
    pub fn with<T>(&self, act: impl FnOnce(&mut ModelServer) -> T) -> T {
        let mut shared = self.lock();
        let result = act(&mut shared.server);
        let waker = shared.reader.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// The statements whose effects were committed, in order.
    pub fn effects(&self) -> Vec<String> {
        self.lock().server.effects().to_vec()
    }

    /// True when the server waits for a query and nothing is half done.
    pub fn is_idle(&self) -> bool {
        self.lock().server.is_idle()
    }

    /// True once the client has dropped its stream, or closed it.
    pub fn is_dropped(&self) -> bool {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for ScriptedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut shared = self.0.lock();
        let output = shared.server.output();
        let n = output.len().min(buf.len());
        buf[..n].copy_from_slice(&output[..n]);
        shared.server.output_taken(n);
        if n > 0 || buf.is_empty() || shared.server.is_closed() {
            return Poll::Ready(Ok(n));
        }
        shared.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for ScriptedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let handle = &self.0;
        if handle.lock().server.is_closed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        handle.with(|server| server.receive(buf));
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().dropped = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for ScriptedStream {
    fn drop(&mut self) {
        self.0.lock().dropped = true;
    }
}
