//! What a runtime has to do: three things, and nothing of the protocol. It may tell, too, who is behind a Unix socket.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};

use crate::config::SocketOptions;

/// A future behind a pointer, as an object-safe trait needs it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What carries the bytes of a connection. Every type that can is one.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for S {}

/// One place to connect to: a name was resolved already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// A Unix socket in Linux's abstract namespace: its name, without the zero byte before it.
    Abstract(String),
}

/// What the driver needs of a runtime. The adapters for tokio and async-std implement it; for another runtime it takes some fifty
/// lines.
///
/// Dropping a future that one of these methods returned must give up what it was doing; for a blocking job it is enough to let go of
/// it, the job notices by itself.
pub trait Runtime: Send + Sync + 'static {
    /// What carries the bytes.
    type Stream: ByteStream;

    /// Opens a stream. A socket of TCP is told what makes small messages go out at once (`TCP_NODELAY`), and the options; other streams
    /// have none of it.
    ///
    /// # Errors
    /// Those of the socket; a kind of endpoint that the platform does not have is [`io::ErrorKind::Unsupported`].
    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>>;

    /// The number of the user whose process is at the other end of a Unix socket: the operating system's word, not the process's. Asked
    /// for where the configuration [requires a peer](crate::Config::require_peer).
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where it cannot be told, which is what this does unless it is implemented: then no server will do.
    fn peer_uid(&self, stream: &Self::Stream) -> io::Result<u32> {
        let _ = stream;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Is ready after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs a job that takes a while (a name to resolve, a key to derive) where it blocks nobody; is ready when it is done.
    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}
