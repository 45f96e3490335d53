//! PostgreSQL client for tokio, on purepg's sans-IO core.
//!
//! ```no_run
//! use purepg_conn_tokio::{Config, connect};
//!
//! # async fn example() -> Result<(), purepg_conn_tokio::Error> {
//! let config = Config::new("localhost", "postgres").password("secret");
//! let mut conn = connect(&config).await?;
//! let sum: i32 = conn.fetch_scalar("select $1::int4 + 1", (41,)).await?;
//! assert_eq!(sum, 42);
//! # Ok(())
//! # }
//! ```
//!
//! Everything here is that of `purepg-conn`, with its stream filled in: [`Connection`] has the queries, [`Config`] says where to
//! connect to. `purepg-conn-async-std` exports the same names.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[cfg(unix)]
mod unix_socket;

use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::compat::{self, TokioAsyncReadCompatExt as _};

pub use purepg_conn::*;
#[cfg(unix)]
pub use unix_socket::UnixSocket;

/// A connection over a socket of tokio's.
pub type Connection = purepg_conn::Connection<Socket>;

/// A transaction on such a connection.
pub type Transaction<'c> = purepg_conn::Transaction<'c, Socket>;

/// The messages of a query on such a connection.
pub type MessageStream<'c> = purepg_conn::MessageStream<'c, Socket>;

/// Queries that do not wait for each other, on such a connection.
pub type Pipeline<'c, 'q> = purepg_conn::Pipeline<'c, 'q, Socket>;

/// What becomes of the queries of a pipeline on such a connection.
pub type PipelineResults<'c, 'q> = purepg_conn::PipelineResults<'c, 'q, Socket>;

/// The rows of a query on such a connection.
pub type RowStream<'c> = purepg_conn::RowStream<'c, Socket>;

/// The notifications of such a connection.
pub type Notifications<'c> = purepg_conn::Notifications<'c, Socket>;

/// Such a connection, for many tasks.
pub type SharedConnection = purepg_conn::SharedConnection<Socket>;

/// Such a connection, while one task has it.
pub type ConnectionGuard<'c> = purepg_conn::ConnectionGuard<'c, Socket>;

/// The notifications of such a connection, while others use it.
pub type SharedNotifications = purepg_conn::SharedNotifications<Socket>;

/// What takes the data of a `COPY … FROM STDIN` on such a connection.
pub type CopyIn<'c> = purepg_conn::CopyIn<'c, Socket>;

/// The data of a `COPY … TO STDOUT` on such a connection.
pub type CopyOut<'c> = purepg_conn::CopyOut<'c, Socket>;

/// What takes the rows of a `COPY … FROM STDIN` in the binary format.
pub type CopyInRows<'c> = purepg_conn::CopyInRows<'c, Socket>;

/// The rows of a `COPY … TO STDOUT` in the binary format.
pub type CopyOutRows<'c> = purepg_conn::CopyOutRows<'c, Socket>;

/// A TCP or a Unix socket.
#[cfg(unix)]
pub type Socket = futures_util::future::Either<compat::Compat<TcpStream>, UnixSocket>;

/// A TCP socket.
#[cfg(not(unix))]
pub type Socket = compat::Compat<TcpStream>;

/// Opens a connection. Needs a tokio runtime with IO and time enabled.
///
/// # Errors
/// As [`purepg_conn::connect`].
///
/// # Cancel safety
/// Dropping the future closes the socket.
pub async fn connect(config: &Config) -> Result<Connection, Error> {
    purepg_conn::connect(Arc::new(Tokio), config).await
}

/// tokio, as the driver needs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    type Stream = Socket;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Socket>> {
        let (endpoint, options) = (endpoint.clone(), options.clone());
        Box::pin(async move {
            match endpoint {
                Endpoint::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    options.apply(&stream)?;
                    Ok(tcp(stream))
                }
                #[cfg(unix)]
                Endpoint::Unix(path) => Ok(Socket::Right(UnixSocket::connect(&path).await?)),
                #[cfg(any(target_os = "linux", target_os = "android"))]
                Endpoint::Abstract(name) => {
                    let path = PathBuf::from(format!("\0{name}"));
                    Ok(Socket::Right(UnixSocket::connect(&path).await?))
                }
                _ => Err(io::ErrorKind::Unsupported.into()),
            }
        })
    }

    #[cfg(unix)]
    fn peer_uid(&self, stream: &Socket) -> io::Result<u32> {
        match stream {
            Socket::Left(_) => Err(io::ErrorKind::Unsupported.into()),
            Socket::Right(stream) => peer_uid(stream),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let job = tokio::task::spawn_blocking(job);
        Box::pin(async move {
            // A job that panicked, or that a runtime shutting down let go of, left no result: the driver sees that.
            let _ = job.await;
        })
    }
}

#[cfg(unix)]
fn tcp(stream: TcpStream) -> Socket {
    Socket::Left(stream.compat())
}

#[cfg(not(unix))]
fn tcp(stream: TcpStream) -> Socket {
    stream.compat()
}
