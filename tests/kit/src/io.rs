//! Streams that move one byte at a time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// A stream of which every read and every write moves one byte at most, and returns `Pending` before it does, having woken itself: a read
/// once, a write twice. A driver that has written something tries to write more in the same poll; only behind a second `Pending` in a
/// row it gives its caller the chance to drop it there.
///
/// Any stream will do, a real socket too. It begins switched on; its [`control`](Self::control) turns it off and on and has the
/// counts, also while a connection owns the stream.
#[derive(Debug)]
pub struct OneByte<S> {
    stream: S,
    control: OneByteControl,
    /// How often the next read, and the next write, returned `Pending` already.
    before_read: u32,
    before_write: u32,
}

/// So often.
const BEFORE_READ: u32 = 1;
const BEFORE_WRITE: u32 = 2;

/// The switch of a [`OneByte`], and its counts.
#[derive(Clone, Debug)]
pub struct OneByteControl(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    on: AtomicBool,
    read: AtomicU64,
    written: AtomicU64,
    pending: AtomicU64,
}

impl<S> OneByte<S> {
    /// The same stream, a byte at a time.
    pub fn new(stream: S) -> Self {
        let shared = Shared {
            on: AtomicBool::new(true),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            pending: AtomicU64::new(0),
        };
        Self {
            stream,
            control: OneByteControl(Arc::new(shared)),
            before_read: 0,
            before_write: 0,
        }
    }

    /// Its switch and its counts: a handle that outlives the stream.
    pub fn control(&self) -> OneByteControl {
        self.control.clone()
    }

    /// The stream within.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream within.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream within, as it was.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl OneByteControl {
    /// Turns the limit on or off, from the next read or write on.
    pub fn set(&self, on: bool) {
        self.0.on.store(on, Ordering::SeqCst);
    }

    /// True while the limit is on.
    pub fn is_on(&self) -> bool {
        self.0.on.load(Ordering::SeqCst)
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.0.read.load(Ordering::SeqCst)
    }

    /// Bytes written so far.
    pub fn bytes_written(&self) -> u64 {
        self.0.written.load(Ordering::SeqCst)
    }

    /// How often `Pending` was returned that the stream itself would not have returned.
    pub fn extra_pendings(&self) -> u64 {
        self.0.pending.load(Ordering::SeqCst)
    }

    fn pause(&self, cx: &mut Context<'_>) {
        self.0.pending.fetch_add(1, Ordering::SeqCst);
        cx.waker().wake_by_ref();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OneByte<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut space = buf;
        if this.control.is_on() {
            if this.before_read < BEFORE_READ {
                this.before_read += 1;
                this.control.pause(cx);
                return Poll::Pending;
            }
            let one = space.len().min(1);
            space = &mut space[..one];
        }
        let read = Pin::new(&mut this.stream).poll_read(cx, space);
        count(&read, &this.control.0.read, &mut this.before_read);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OneByte<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut data = buf;
        if this.control.is_on() {
            if this.before_write < BEFORE_WRITE {
                this.before_write += 1;
                this.control.pause(cx);
                return Poll::Pending;
            }
            data = &data[..data.len().min(1)];
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, data);
        count(&written, &this.control.0.written, &mut this.before_write);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Counts what moved; the next byte needs `Pending`s of its own.
fn count(moved: &Poll<io::Result<usize>>, total: &AtomicU64, before: &mut u32) {
    if let Poll::Ready(result) = moved {
        *before = 0;
        let n = result.as_ref().map_or(0, |&n| n);
        total.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _, Cursor};

    use super::*;
    use crate::drop_at::run;

    #[test]
    fn one_byte_at_a_time_and_pendings_before_each() {
        let mut stream = OneByte::new(Cursor::new(b"hello".to_vec()));
        let control = stream.control();
        let mut space = [0; 4];
        assert_eq!(run(stream.read(&mut space)).unwrap().unwrap(), 1);
        run(stream.read_exact(&mut space)).unwrap().unwrap();
        assert_eq!(&space, b"ello");
        assert_eq!((control.bytes_read(), control.extra_pendings()), (5, 5));
        assert_eq!(
            run(stream.read(&mut space)).unwrap().unwrap(),
            0,
            "the end is told"
        );

        let mut stream = OneByte::new(Cursor::new(Vec::new()));
        let control = stream.control();
        assert_eq!(run(stream.write(b"hello")).unwrap().unwrap(), 1);
        run(stream.write_all(b"ello")).unwrap().unwrap();
        assert_eq!((control.bytes_written(), control.extra_pendings()), (5, 10));
        assert_eq!(stream.into_inner().into_inner(), b"hello");
    }

    #[test]
    fn it_can_be_turned_off() {
        let mut stream = OneByte::new(Cursor::new(b"hello".to_vec()));
        stream.control().set(false);
        let mut space = [0; 8];
        assert_eq!(run(stream.read(&mut space)).unwrap().unwrap(), 5);
        assert_eq!(stream.control().extra_pendings(), 0);
    }
}
