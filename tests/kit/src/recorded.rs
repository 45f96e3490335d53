//! A stream that notes what is written to it, and how often one side had to wait for the other.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::frontend::{Frontend, FrontendReader};

/// A stream, and a note of what was written to it.
#[derive(Debug)]
pub struct Recorded<S> {
    stream: S,
    record: Record,
}

/// What was written, seen from outside. Clones are the same record.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Written>>);

/// What was written since it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// In so many calls.
    pub writes: usize,
    /// So often something was written behind something that was read: round trips, if each is waited for.
    pub trips: usize,
    has_read: bool,
}

impl<S> Recorded<S> {
    /// Notes what is written to this stream from now on.
    pub fn new(stream: S, record: Record) -> Self {
        Self { stream, record }
    }
}

impl Record {
    /// What was written since the last time.
    pub fn take(&self) -> Written {
        let next = Written {
            has_read: true,
            ..Written::default()
        };
        std::mem::replace(&mut *self.lock(), next)
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    /// The messages of a connection that is open.
    ///
    /// # Panics
    /// When these are no whole messages.
    pub fn messages(&self) -> Vec<Frontend> {
        let mut reader = FrontendReader::started();
        reader.push(&self.bytes);
        let next = || reader.next_message().expect("messages are written");
        std::iter::from_fn(next).collect()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.stream).poll_read(cx, space));
        self.record.lock().has_read = true;
        Poll::Ready(n)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        let mut written = self.record.lock();
        written.bytes.extend_from_slice(&bytes[..n]);
        written.writes += 1;
        written.trips += usize::from(std::mem::take(&mut written.has_read));
        drop(written);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
