//! Streams that break at a chosen byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

/// What happens to one direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends: reading gives 0, writing a broken pipe.
    End,
    /// It is reset: `ConnectionReset` either way.
    Reset,
    /// Nothing moves any more, until [`FaultControl::release`].
    Stall,
}

/// A stream that breaks once so many bytes have moved: those before go through, not one more.
#[derive(Debug)]
pub struct Faulty<S> {
    stream: S,
    control: FaultControl,
}

/// The plan of a [`Faulty`] stream, also while a connection owns it.
#[derive(Clone, Debug, Default)]
pub struct FaultControl(Arc<Mutex<Plans>>);

#[derive(Debug, Default)]
struct Plans {
    read: Plan,
    write: Plan,
}

#[derive(Debug, Default)]
struct Plan {
    moved: u64,
    fault: Option<(u64, Fault)>,
    waker: Option<Waker>,
}

impl<S> Faulty<S> {
    /// The same stream, so far without a fault.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            control: FaultControl::default(),
        }
    }

    /// The same stream, with a plan that somebody has already.
    pub fn planned(stream: S, control: FaultControl) -> Self {
        Self { stream, control }
    }

    /// Its plan.
    pub fn control(&self) -> FaultControl {
        self.control.clone()
    }

    /// After `bytes` bytes were read in all, reading fails.
    #[must_use]
    pub fn read_fails(self, bytes: u64, fault: Fault) -> Self {
        self.control.read_fails(bytes, fault);
        self
    }

    /// After `bytes` bytes were written in all, writing fails.
    #[must_use]
    pub fn write_fails(self, bytes: u64, fault: Fault) -> Self {
        self.control.write_fails(bytes, fault);
        self
    }
}

impl FaultControl {
    /// After `bytes` bytes were read in all, reading fails; at once, if they were.
    pub fn read_fails(&self, bytes: u64, fault: Fault) {
        self.lock().read.set(Some((bytes, fault)));
    }

    /// After `bytes` bytes were written in all, writing fails; at once, if they were.
    pub fn write_fails(&self, bytes: u64, fault: Fault) {
        self.lock().write.set(Some((bytes, fault)));
    }

    /// From now on nothing fails, and what stalled goes on.
    pub fn release(&self) {
        let mut plans = self.lock();
        plans.read.set(None);
        plans.write.set(None);
    }

    /// Bytes that were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.lock().read.moved
    }

    /// Bytes that were written so far.
    pub fn bytes_written(&self) -> u64 {
        self.lock().write.moved
    }

    fn lock(&self) -> MutexGuard<'_, Plans> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn set(&mut self, fault: Option<(u64, Fault)>) {
        self.fault = fault;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// How many of `wanted` bytes may move, or what happens instead.
    fn admit(&mut self, wanted: usize, cx: &Context<'_>) -> Result<usize, Poll<io::Result<usize>>> {
        let Some((at, fault)) = self.fault else {
            return Ok(wanted);
        };
        let left = usize::try_from(at.saturating_sub(self.moved)).unwrap_or(usize::MAX);
        if left > 0 {
            return Ok(wanted.min(left));
        }
        Err(match fault {
            Fault::End => Poll::Ready(Ok(0)),
            Fault::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Fault::Stall => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }

    fn count(&mut self, moved: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(n)) = moved {
            self.moved += u64::try_from(*n).unwrap_or(u64::MAX);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Faulty<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let admitted = self.control.lock().read.admit(buf.len(), cx);
        match admitted {
            Err(instead) => instead,
            Ok(n) => {
                let read = Pin::new(&mut self.stream).poll_read(cx, &mut buf[..n]);
                self.control.lock().read.count(&read);
                read
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Faulty<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let admitted = self.control.lock().write.admit(buf.len(), cx);
        match admitted {
            Err(Poll::Ready(Ok(_))) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Err(instead) => instead,
            Ok(n) => {
                let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..n]);
                self.control.lock().write.count(&written);
                written
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _, Cursor};

    use super::*;
    use crate::drop_at::run;

    #[test]
    fn reading_breaks_at_the_byte() {
        for n in 0..5 {
            let stream = || Faulty::new(Cursor::new(b"hello".to_vec()));
            let mut read = Vec::new();
            let mut ended = stream().read_fails(n, Fault::End);
            run(ended.read_to_end(&mut read)).unwrap().unwrap();
            assert_eq!(read, b"hello"[..usize::try_from(n).unwrap()]);

            let mut reset = stream().read_fails(n, Fault::Reset);
            let error = run(reset.read_to_end(&mut Vec::new()))
                .unwrap()
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

            let mut stalled = stream().read_fails(n, Fault::Stall);
            let control = stalled.control();
            let mut read = Vec::new();
            assert!(run(stalled.read_to_end(&mut read)).is_none());
            assert_eq!(control.bytes_read(), n);
            control.release();
            run(stalled.read_to_end(&mut read)).unwrap().unwrap();
            assert_eq!(control.bytes_read(), 5);
        }
    }

    #[test]
    fn writing_breaks_at_the_byte() {
        for (fault, kind) in [
            (Fault::End, io::ErrorKind::BrokenPipe),
            (Fault::Reset, io::ErrorKind::ConnectionReset),
        ] {
            let mut stream = Faulty::new(Cursor::new(Vec::new())).write_fails(3, fault);
            let error = run(stream.write_all(b"hello")).unwrap().unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(stream.stream.into_inner(), b"hel");
        }
        let mut stream = Faulty::new(Cursor::new(Vec::new())).write_fails(3, Fault::Stall);
        let control = stream.control();
        assert!(run(stream.write_all(b"hello")).is_none());
        assert_eq!(control.bytes_written(), 3);
    }
}
