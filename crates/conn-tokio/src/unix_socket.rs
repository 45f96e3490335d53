//! Unix sockets that are not woken for nothing.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::io::{AsyncRead, AsyncWrite};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// So often everything is sent without waiting before nobody listens for room any more.
const QUIET_FLUSHES: u8 = 16;

/// A Unix socket.
///
/// A Unix socket tells its owner whenever the other side has read something, since there is room again. tokio's own listens for that all
/// the time, and so each question wakes whoever waits for the answer, once in vain. This one listens for room only where it has found none.
#[derive(Debug)]
pub struct UnixSocket {
    readable: AsyncFd<UnixStream>,
    /// The same socket, while there may be too little room.
    writable: Option<AsyncFd<UnixStream>>,
    quiet_flushes: u8,
}

impl UnixSocket {
    /// Connects. It need not be waited for: a Unix socket is connected at once. Where it is not, tokio knows what to do.
    pub(crate) async fn connect(path: &Path) -> io::Result<Self> {
        match connect_at_once(path) {
            Ok(stream) => Self::new(stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let stream = tokio::net::UnixStream::connect(path).await?;
                Self::new(stream.into_std()?)
            }
            Err(error) => Err(error),
        }
    }

    /// A socket that does not block.
    fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self {
            readable: listen(stream, Interest::READABLE)?,
            writable: None,
            quiet_flushes: 0,
        })
    }

    /// Writes where room is listened for, from now on.
    fn poll_write_in_room(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let writable = match &mut self.writable {
            Some(writable) => writable,
            none => {
                let same = self.readable.get_ref().try_clone()?;
                self.quiet_flushes = 0;
                none.insert(listen(same, Interest::WRITABLE)?)
            }
        };
        loop {
            let Poll::Ready(room) = writable.poll_write_ready_mut(cx) else {
                self.quiet_flushes = 0;
                return Poll::Pending;
            };
            let mut room = room?;
            let Ok(written) = room.try_io(|socket| socket.get_ref().write(bytes)) else {
                continue;
            };
            // There is no more: trying would be a system call that says so.
            if written.as_ref().is_ok_and(|n| *n < bytes.len()) {
                room.clear_ready();
            }
            return Poll::Ready(written);
        }
    }
}

fn connect_at_once(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let stream = UnixStream::from(OwnedFd::from(socket));
    stream.set_nonblocking(true)?;
    SockRef::from(&stream).connect(&SockAddr::unix(path)?)?;
    Ok(stream)
}

fn listen(stream: UnixStream, to: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // What it was deprecated for is that a type of one's own may close, or change, its descriptor too early; a `UnixStream` does not. What is
    // to take its place is `unsafe`, so that it cannot be called here.
    #[allow(
        deprecated,
        reason = "there is no other safe way to listen for one direction"
    )]
    AsyncFd::with_interest(stream, to)
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}

impl AsyncRead for UnixSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            let mut data = ready!(this.readable.poll_read_ready_mut(cx))?;
            let Ok(read) = data.try_io(|socket| socket.get_ref().read(space)) else {
                continue;
            };
            // There is no more: asking for it would be a system call that says so.
            if read.as_ref().is_ok_and(|n| 0 < *n && *n < space.len()) {
                data.clear_ready();
            }
            return Poll::Ready(read);
        }
    }
}

impl AsyncWrite for UnixSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.writable.is_some() {
            return this.poll_write_in_room(cx, bytes);
        }
        match this.readable.get_ref().write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                this.poll_write_in_room(cx, bytes)
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.writable.is_some() {
            this.quiet_flushes += 1;
            if this.quiet_flushes >= QUIET_FLUSHES {
                this.writable = None;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.readable.get_ref().shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn pair() -> (UnixSocket, UnixSocket) {
        let (one, other) = UnixStream::pair().unwrap();
        let socket = |stream: UnixStream| {
            stream.set_nonblocking(true).unwrap();
            UnixSocket::new(stream).unwrap()
        };
        (socket(one), socket(other))
    }

    fn run(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn where_nobody_listens_nobody_is_found() {
        run(async {
            let missing = Path::new("no such folder/.s.PGSQL.5432");
            let error = UnixSocket::connect(missing).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            let long = "long".repeat(100);
            let error = UnixSocket::connect(Path::new(&long)).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        });
    }

    #[test]
    fn what_one_side_writes_the_other_reads() {
        run(async {
            let (mut one, mut other) = pair();
            for length in [1, 100, 8_192] {
                let sent = vec![7; length];
                one.write_all(&sent).await.unwrap();
                one.flush().await.unwrap();
                assert!(one.writable.is_none(), "there was room");
                let mut space = vec![0; length];
                other.read_exact(&mut space).await.unwrap();
                assert_eq!(space, sent);
            }
            one.close().await.unwrap();
            assert_eq!(other.read(&mut [0; 8]).await.unwrap(), 0);
        });
    }

    #[test]
    fn who_finds_no_room_waits_until_there_is_some() {
        run(async {
            let (mut one, mut other) = pair();
            let sent: Vec<u8> = (0..4_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
            let mut received = Vec::new();
            let write = async {
                one.write_all(&sent).await.unwrap();
                assert!(one.writable.is_some());
                one.close().await.unwrap();
            };
            let read = other.read_to_end(&mut received);
            futures_util::future::join(write, read).await.1.unwrap();
            assert!(received == sent);
        });
    }

    #[test]
    fn nobody_listens_for_room_that_is_not_needed_any_more() {
        run(async {
            let (mut one, mut other) = pair();
            let large = vec![1; 4_000_000];
            let mut space = vec![0; large.len()];
            let write = async { one.write_all(&large).await.unwrap() };
            let ((), read) = futures_util::future::join(write, other.read_exact(&mut space)).await;
            read.unwrap();
            for quiet in 1..=QUIET_FLUSHES {
                assert!(one.writable.is_some(), "{quiet}");
                one.write_all(b"x").await.unwrap();
                one.flush().await.unwrap();
                other.read_exact(&mut [0]).await.unwrap();
            }
            assert!(one.writable.is_none());
            // And again, should it be needed again.
            let write = async { one.write_all(&large).await.unwrap() };
            let ((), read) = futures_util::future::join(write, other.read_exact(&mut space)).await;
            read.unwrap();
            assert!(one.writable.is_some());
        });
    }

    #[test]
    fn a_socket_whose_other_end_is_gone_says_so() {
        run(async {
            let (mut one, other) = pair();
            drop(other);
            assert_eq!(one.read(&mut [0; 8]).await.unwrap(), 0);
            let error = one.write_all(b"x").await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        });
    }
}
