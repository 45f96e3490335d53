//! Streams that move one byte at a time.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::drop_at::current_poll;

/// A stream of which every read and every write moves one byte at most, and returns `Pending` before it does, having woken itself.
///
/// Below [`drop_after`](crate::drop_at::drop_after) one byte moves in one poll of that future, whichever way: so a drop after every poll is a
/// drop between any two bytes, however often a driver that has moved something tries to move more.
///
/// Any stream will do, a real socket too. It begins switched on; its [`control`](Self::control) turns it off and on and has the
/// counts, also while a connection owns the stream.
#[derive(Debug)]
pub struct OneByte<S> {
    stream: S,
    control: OneByteControl,
    /// Whether the next read, and the next write, returned `Pending` already.
    read_paused: bool,
    write_paused: bool,
    /// The poll in which the last byte moved.
    moved_in: Option<u64>,
    /// False: everything moves a byte at a time, however much it is.
    is_bounded: bool,
    /// What was read, and what was written, since the last flush.
    read: u64,
    written: u64,
}

/// Of a bounded stream so much moves a byte at a time behind each flush, in each direction: what one question and its answer need.
const BEHIND_A_FLUSH: u64 = 4 << 10;

/// And so much in all.
const IN_ALL: u64 = 1 << 20;

/// The environment variable that has whole test suites run over streams that move one byte: anything but nothing and `0` asks for it.
pub const ONE_BYTE: &str = "PUREPG_TEST_ONE_BYTE";

/// True when the environment asks for streams that move one byte.
pub fn is_asked_for() -> bool {
    std::env::var_os(ONE_BYTE).is_some_and(|value| !value.is_empty() && value != "0")
}

/// The switch of a [`OneByte`], and its counts.
#[derive(Clone, Debug)]
pub struct OneByteControl(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    on: AtomicBool,
    /// It is on while so many bytes were written, from the first of these numbers up to the second.
    from: AtomicU64,
    to: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    pending: AtomicU64,
}

impl<S> OneByte<S> {
    /// The same stream, a byte at a time.
    pub fn new(stream: S) -> Self {
        let shared = Shared {
            on: AtomicBool::new(true),
            from: AtomicU64::new(0),
            to: AtomicU64::new(u64::MAX),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            pending: AtomicU64::new(0),
        };
        Self {
            stream,
            control: OneByteControl(Arc::new(shared)),
            read_paused: false,
            write_paused: false,
            moved_in: None,
            is_bounded: false,
            read: 0,
            written: 0,
        }
    }

    /// The same stream, a byte at a time if the environment asks for it ([`ONE_BYTE`]): for tests that run either way. It is bounded: of a
    /// lot of data only the beginning moves so, or suites would take hours.
    pub fn if_asked_for(stream: S) -> Self {
        let mut this = Self::new(stream);
        this.control.set(is_asked_for());
        this.is_bounded = true;
        this
    }

    /// Whether the next byte moves alone, behind so many in its direction.
    fn is_limited(&self, before: u64) -> bool {
        let all = self.control.bytes_read() + self.control.bytes_written();
        self.control.is_in_window()
            && !(self.is_bounded && (before >= BEHIND_A_FLUSH || all >= IN_ALL))
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
        self.0.from.store(0, Ordering::SeqCst);
        self.0.to.store(u64::MAX, Ordering::SeqCst);
        self.0.on.store(on, Ordering::SeqCst);
    }

    /// Turns the limit on for a part of what follows: while at least so many bytes and fewer than so many were written, counted from now.
    /// What comes before that, and behind, moves whole.
    pub fn only(&self, written: Range<u64>) {
        let now = self.bytes_written();
        let (from, to) = (written.start, written.end);
        self.0
            .from
            .store(now.saturating_add(from), Ordering::SeqCst);
        self.0.to.store(now.saturating_add(to), Ordering::SeqCst);
        self.0.on.store(true, Ordering::SeqCst);
    }

    /// How many bytes may be written before it is on for a part; 0 when none.
    fn before_window(&self) -> u64 {
        let from = self.0.from.load(Ordering::SeqCst);
        if self.is_on() {
            from.saturating_sub(self.bytes_written())
        } else {
            0
        }
    }

    fn is_in_window(&self) -> bool {
        let to = self.0.to.load(Ordering::SeqCst);
        self.is_on() && self.before_window() == 0 && self.bytes_written() < to
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
        if !this.is_limited(this.read) {
            let read = Pin::new(&mut this.stream).poll_read(cx, buf);
            count(&read, &this.control.0.read);
            return read;
        }
        if is_early(this.moved_in, &mut this.read_paused) {
            this.control.pause(cx);
            return Poll::Pending;
        }
        let one = buf.len().min(1);
        let read = Pin::new(&mut this.stream).poll_read(cx, &mut buf[..one]);
        if count(&read, &this.control.0.read) {
            this.read_paused = false;
            this.read += 1;
            this.moved_in = current_poll();
        }
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
        if !this.is_limited(this.written) {
            let before = usize::try_from(this.control.before_window()).unwrap_or(usize::MAX);
            let whole = if before == 0 {
                buf
            } else {
                buf.get(..before).unwrap_or(buf)
            };
            let written = Pin::new(&mut this.stream).poll_write(cx, whole);
            count(&written, &this.control.0.written);
            return written;
        }
        if is_early(this.moved_in, &mut this.write_paused) {
            this.control.pause(cx);
            return Poll::Pending;
        }
        let one = buf.len().min(1);
        let written = Pin::new(&mut this.stream).poll_write(cx, &buf[..one]);
        if count(&written, &this.control.0.written) {
            this.write_paused = false;
            this.written += 1;
            this.moved_in = current_poll();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (self.read, self.written) = (0, 0);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Whether the next byte has to wait for another poll.
fn is_early(moved_in: Option<u64>, paused: &mut bool) -> bool {
    match current_poll() {
        Some(poll) => moved_in == Some(poll),
        None => !std::mem::replace(paused, true),
    }
}

/// Counts what moved; true when anything came of it.
fn count(moved: &Poll<io::Result<usize>>, total: &AtomicU64) -> bool {
    let Poll::Ready(result) = moved else {
        return false;
    };
    let n = result.as_ref().map_or(0, |&n| n);
    total.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::SeqCst);
    true
}

#[cfg(test)]
mod tests {
    use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _, Cursor};

    use std::future::poll_fn;

    use super::*;
    use crate::drop_at::{drop_after, run};

    #[test]
    fn one_byte_at_a_time_and_a_pending_before_each() {
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
        assert_eq!((control.bytes_written(), control.extra_pendings()), (5, 5));
        assert_eq!(stream.into_inner().into_inner(), b"hello");
    }

    /// A driver that tries again for as long as either direction moves.
    async fn both_ways(stream: &mut OneByte<Cursor<Vec<u8>>>) {
        let mut moved = 0;
        poll_fn(|cx| {
            loop {
                let written = Pin::new(&mut *stream).poll_write(cx, b"!").is_ready();
                let read = Pin::new(&mut *stream).poll_read(cx, &mut [0]).is_ready();
                moved += u8::from(written) + u8::from(read);
                if moved >= 10 {
                    return Poll::Ready(());
                }
                if !written && !read {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    #[test]
    fn a_future_can_be_dropped_between_any_two_bytes() {
        for polls in 0..10 {
            let mut stream = OneByte::new(Cursor::new(vec![0; 100]));
            let control = stream.control();
            assert_eq!(
                run(drop_after(both_ways(&mut stream), polls)).unwrap(),
                None
            );
            let moved = control.bytes_read() + control.bytes_written();
            assert_eq!(moved, u64::try_from(polls).unwrap());
        }
    }

    #[test]
    fn a_bounded_stream_moves_only_the_beginning_so() {
        let mut stream = OneByte::new(Cursor::new(vec![0; 100_000]));
        stream.is_bounded = true;
        let (control, mut space) = (stream.control(), vec![0; 50_000]);
        let length = usize::try_from(BEHIND_A_FLUSH).unwrap();
        for _ in 0..2 {
            run(stream.read_exact(&mut space[..length]))
                .unwrap()
                .unwrap();
            assert_eq!(run(stream.read(&mut space[..9])).unwrap().unwrap(), 9);
            run(stream.flush()).unwrap().unwrap();
        }
        assert_eq!(control.extra_pendings(), 2 * BEHIND_A_FLUSH);
        control.0.written.store(IN_ALL, Ordering::SeqCst);
        assert_eq!(run(stream.read(&mut space)).unwrap().unwrap(), 50_000);
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
