//! Two ends of a connection in memory.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

/// A connection in memory: what is written into one end is read from the other. At most `capacity` bytes wait on either way; then writing
/// waits, as it does for a socket whose peer does not read.
///
/// Dropping an end, or closing it, is the end of the stream for the other.
pub fn pipe(capacity: usize) -> (PipeEnd, PipeEnd) {
    let there = Arc::new(Mutex::new(Way::default()));
    let back = Arc::new(Mutex::new(Way::default()));
    let end = |incoming: &Arc<_>, outgoing: &Arc<_>| PipeEnd {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        capacity,
    };
    (end(&back, &there), end(&there, &back))
}

/// One end of a [`pipe`].
#[derive(Debug)]
pub struct PipeEnd {
    incoming: Arc<Mutex<Way>>,
    outgoing: Arc<Mutex<Way>>,
    capacity: usize,
}

/// One of the two directions.
#[derive(Debug, Default)]
struct Way {
    bytes: VecDeque<u8>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    writer_gone: bool,
    reader_gone: bool,
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl AsyncRead for PipeEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut way = lock(&self.incoming);
        let n = buf.len().min(way.bytes.len());
        if n == 0 && !buf.is_empty() && !way.writer_gone {
            way.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (slot, byte) in buf.iter_mut().zip(way.bytes.drain(..n)) {
            *slot = byte;
        }
        let writer = way.writer.take();
        drop(way);
        wake(writer);
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for PipeEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut way = lock(&self.outgoing);
        if way.reader_gone || way.writer_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let n = buf.len().min(self.capacity.saturating_sub(way.bytes.len()));
        if n == 0 && !buf.is_empty() {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        way.bytes.extend(&buf[..n]);
        let reader = way.reader.take();
        drop(way);
        wake(reader);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = lock(&self.outgoing);
        way.writer_gone = true;
        let reader = way.reader.take();
        drop(way);
        wake(reader);
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut outgoing = lock(&self.outgoing);
        outgoing.writer_gone = true;
        let reader = outgoing.reader.take();
        drop(outgoing);
        wake(reader);
        let mut incoming = lock(&self.incoming);
        incoming.reader_gone = true;
        let writer = incoming.writer.take();
        drop(incoming);
        wake(writer);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;
    use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::drop_at::run;

    #[test]
    fn bytes_go_through_however_narrow_it_is() {
        let (mut a, mut b) = pipe(3);
        let sent: Vec<u8> = (0..=255).collect();
        let mut received = Vec::new();
        let write = async {
            a.write_all(&sent).await.unwrap();
            a.close().await.unwrap();
        };
        run(join(write, async {
            b.read_to_end(&mut received).await.unwrap()
        }))
        .expect("nobody waits for ever");
        assert_eq!(received, sent);
        run(b.write_all(b"yes")).unwrap().unwrap();
        assert!(run(b.write_all(b"?")).is_none(), "it is full");
        let mut answer = [0; 3];
        run(a.read_exact(&mut answer)).unwrap().unwrap();
        assert_eq!(&answer, b"yes");
    }

    #[test]
    fn dropping_an_end_is_the_end() {
        let (mut a, b) = pipe(8);
        assert!(run(a.read(&mut [0])).is_none(), "it waits");
        drop(b);
        assert_eq!(run(a.read(&mut [0])).unwrap().unwrap(), 0);
        let error = run(a.write(b"x")).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
