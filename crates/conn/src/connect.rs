//! The way in: addresses, time, jobs that block.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use purepg_proto::{DeriveKey, ScramKeys};

use crate::config::{Address, Config, Settings};
use crate::connection::Connection;
use crate::enter::enter;
use crate::error::Error;
use crate::runtime::{ByteStream, Endpoint, Runtime};

/// Opens a connection through a runtime.
///
/// Every address of a host name is tried, in order, until one accepts. With [`SslMode::Allow`](crate::SslMode::Allow) and
/// [`SslMode::Prefer`](crate::SslMode::Prefer) a second connection to it is made, the other way, where the first is refused: see there. The timeout of the configuration covers everything: the look-up
/// of the name, all attempts, and the authentication.
///
/// # Errors
/// [`Error::Config`] for a configuration that makes no sense, [`Error::Io`] when no address can be reached (the last reason),
/// `Error::Tls`, [`Error::MissingPassword`], [`Error::InvalidPassword`], [`Error::Database`] when the server refuses, [`Error::Timeout`].
///
/// # Cancel safety
/// Dropping the future closes the socket.
pub async fn connect<R: Runtime>(
    runtime: Arc<R>,
    config: &Config,
) -> Result<Connection<R::Stream>, Error> {
    config.validate()?;
    let settings = config.settings();
    let runtime: Arc<dyn Runtime<Stream = R::Stream>> = runtime;
    let work = open(Arc::clone(&runtime), settings);
    let Some(timeout) = settings.connect_timeout() else {
        return work.await.map_err(no_statement);
    };
    match select(std::pin::pin!(work), runtime.sleep(timeout)).await {
        Either::Left((result, _)) => result.map_err(no_statement),
        Either::Right(((), _)) => Err(Error::Timeout {
            doing: format!("connecting to {}", settings.address()).into(),
            unsent: true,
            connected: false,
        }),
    }
}

/// There was no statement yet. What the server says by itself speaks for itself.
fn no_statement(error: Error) -> Error {
    match error {
        Error::Io { .. } | Error::Timeout { .. } => error.before_sending(),
        error => error,
    }
}

async fn open<S: ByteStream>(
    runtime: Arc<dyn Runtime<Stream = S>>,
    settings: &Settings,
) -> Result<Connection<S>, Error> {
    let address = settings.address();
    let endpoints = resolve(&*runtime, address.clone()).await?;
    let (stream, endpoint) = open_first(&*runtime, endpoints, &address).await?;
    enter(runtime, stream, endpoint, settings).await
}

/// A stream to the first of these that accepts; else why the last one did not.
async fn open_first<R: Runtime + ?Sized>(
    runtime: &R,
    endpoints: Vec<Endpoint>,
    address: &Address,
) -> Result<(R::Stream, Endpoint), Error> {
    let mut failure = None;
    for endpoint in endpoints {
        match runtime.connect(&endpoint).await {
            Ok(stream) => return Ok((stream, endpoint)),
            Err(error) => failure = Some(Error::io(format!("connecting to {endpoint}"), error)),
        }
    }
    Err(failure.unwrap_or_else(|| {
        let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        Error::io(format!("connecting to {address}"), none)
    }))
}

/// Every place that an address means.
async fn resolve<R: Runtime + ?Sized>(
    runtime: &R,
    address: Address,
) -> Result<Vec<Endpoint>, Error> {
    let (host, port) = match address {
        Address::Unix(path) => return Ok(vec![Endpoint::Unix(path)]),
        Address::Abstract(name) => return Ok(vec![Endpoint::Abstract(name)]),
        Address::Tcp { host, port } => (host, port),
    };
    if let Ok(ip) = host.parse() {
        return Ok(vec![Endpoint::Tcp(SocketAddr::new(ip, port))]);
    }
    let context = format!("looking up {host}");
    let look_up = move || (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
    let addresses = run_blocking(runtime, look_up).await?;
    let addresses = addresses.map_err(|error| Error::io(context, error))?;
    Ok(addresses.into_iter().map(Endpoint::Tcp).collect())
}

/// So many rounds of a derivation run before it looks whether anybody still waits.
const ROUNDS: u32 = 1_024;

/// Derives keys where it blocks nobody. Dropping the future stops the job.
pub(crate) async fn derive<R: Runtime + ?Sized>(
    runtime: &R,
    mut job: DeriveKey,
) -> Result<ScramKeys, Error> {
    struct StopOnDrop(Arc<AtomicBool>);
    impl Drop for StopOnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = StopOnDrop(Arc::default());
    let stopped = Arc::clone(&stop.0);
    let keys = run_blocking(runtime, move || {
        loop {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(keys) = job.advance(ROUNDS) {
                return Some(keys);
            }
        }
    });
    keys.await?.ok_or_else(|| Error::Timeout {
        doing: "deriving a key".into(),
        unsent: true,
        connected: false,
    })
}

/// Runs a job through the runtime, and brings its result back.
pub(crate) fn run_blocking<R: Runtime + ?Sized, T: Send + 'static>(
    runtime: &R,
    job: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send {
    let result = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&result);
    let done = runtime.run_blocking(Box::new(move || {
        let value = job();
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }));
    async move {
        done.await;
        let value = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A runtime that shuts down lets go of its jobs.
        value.ok_or_else(|| {
            Error::io(
                "running a job",
                io::Error::other("the runtime did not run it"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::io::Cursor;

    use super::*;
    use crate::runtime::BoxFuture;

    /// Somebody who listens on port 3 alone.
    struct Third;

    impl Runtime for Third {
        type Stream = Cursor<Vec<u8>>;

        fn connect(&self, endpoint: &Endpoint) -> BoxFuture<'static, io::Result<Self::Stream>> {
            let listens = matches!(endpoint, Endpoint::Tcp(address) if address.port() == 3);
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            let stream = if listens {
                Ok(Cursor::default())
            } else {
                Err(refused)
            };
            Box::pin(std::future::ready(stream))
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }

        fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
            job();
            Box::pin(std::future::ready(()))
        }
    }

    #[test]
    fn acceptance_3_one_address_after_the_other() {
        let endpoint = |port| Endpoint::Tcp(([127, 0, 0, 1], port).into());
        let address = Address::Tcp {
            host: "name".into(),
            port: 1,
        };
        let open = |ports: &[u16]| {
            let endpoints = ports.iter().copied().map(endpoint).collect();
            open_first(&Third, endpoints, &address)
                .now_or_never()
                .unwrap()
        };
        assert_eq!(open(&[1, 2, 3, 4]).unwrap().1, endpoint(3));
        let error = open(&[1, 2]).unwrap_err().to_string();
        assert_eq!(error, "connecting to 127.0.0.1:2: connection refused");
        let error = open(&[]).unwrap_err().to_string();
        assert_eq!(error, "connecting to name:1: the name has no address");
    }

    #[test]
    fn a_name_is_looked_up_and_an_address_is_not() {
        let resolve = |host: &str| {
            let address = Address::Tcp {
                host: host.into(),
                port: 3,
            };
            resolve(&Third, address).now_or_never().unwrap()
        };
        let all = resolve("localhost").unwrap();
        assert!(
            all.iter()
                .all(|end| matches!(end, Endpoint::Tcp(at) if at.ip().is_loopback()))
        );
        assert!(!all.is_empty());
        assert_eq!(
            resolve("::1").unwrap(),
            [Endpoint::Tcp("[::1]:3".parse().unwrap())]
        );
        let error = resolve("no such host").unwrap_err();
        assert!(
            error.to_string().starts_with("looking up no such host: "),
            "{error}"
        );
    }
}
