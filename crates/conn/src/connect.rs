//! The way in: hosts, their addresses, time, jobs that block.

mod attempts;
mod order;
mod resolve;
mod suitable;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use purepg_proto::SqlState;

use crate::config::{Config, Host, LoadBalanceHosts, Settings, TargetSessionAttrs};
use crate::connection::Connection;
use crate::enter::enter;
use crate::error::Error;
use crate::route::Route;
use crate::runtime::{BoxFuture, ByteStream, Endpoint, Runtime};
use attempts::Attempts;
pub use attempts::{ConnectAttempt, ConnectError};
use order::shuffle;
use resolve::{LookUp, resolve};

/// Opens a connection through a runtime.
///
/// The hosts of the configuration are tried, in order, and each address of a host, until one lets the client in that
/// [will do](Config::target_session_attrs). With [`SslMode::Allow`](crate::SslMode::Allow) and
/// [`SslMode::Prefer`](crate::SslMode::Prefer) a second connection to an address is made, the other way, where the first is refused: see
/// there. Which failures lead to the next address or host, and what else there is to say of it, stands at
/// [`Config`](Config#several-hosts).
///
/// # Errors
/// [`Error::Config`] for a configuration that makes no sense, [`Error::Io`] when an address cannot be reached,
/// `Error::Tls`, [`Error::MissingPassword`], [`Error::InvalidPassword`], [`Error::Credentials`] when there is nothing to log in with, [`Error::Database`] when the server refuses,
/// [`Error::UnsuitableServer`], [`Error::WrongPeer`], [`Error::Timeout`]. Where more than one attempt was made, [`Error::Connect`] lists all
/// of them.
///
/// # Cancel safety
/// Dropping the future closes the socket, stops what derives a key, and drops the future of whoever is asked for a password or a token. A
/// function that blocks is let go of.
pub async fn connect<R: Runtime>(
    runtime: Arc<R>,
    config: &Config,
) -> Result<Connection<R::Stream>, Error> {
    config.validate()?;
    let settings = config.settings();
    let search = Search {
        runtime,
        settings,
        hosts: settings.hosts(),
        look_up: resolve::look_up,
        draw: getrandom::u64,
    };
    let mut attempts = Attempts::default();
    let Some(timeout) = settings.total_connect_timeout() else {
        let found = search.run(&mut attempts).await;
        return found.ok_or_else(|| attempts.into_error());
    };
    let out_of_time = search.runtime.sleep(timeout);
    let found = match select(pin!(search.run(&mut attempts)), out_of_time).await {
        Either::Left((found, _)) => Some(found),
        Either::Right(((), _)) => None,
    };
    found
        .unwrap_or_else(|| {
            attempts.run_out_of_time();
            None
        })
        .ok_or_else(|| attempts.into_error())
}

/// A search for a server that lets the client in and will do.
struct Search<'a, S, D> {
    runtime: Arc<dyn Runtime<Stream = S>>,
    settings: &'a Settings,
    hosts: Vec<Host>,
    /// What addresses a name has.
    look_up: LookUp,
    /// Where random numbers come from.
    draw: D,
}

/// How the search goes on behind a failure, as libpq's does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// With the next address of the same host, then with the next host.
    Address,
    Host,
    /// Not at all: what is wrong would be wrong elsewhere, too, or somebody should know.
    Nothing,
}

impl<S, D> Search<'_, S, D>
where
    S: ByteStream,
    D: Fn() -> Result<u64, getrandom::Error>,
{
    /// None when there is none: what became of each attempt is known then.
    async fn run(mut self, attempts: &mut Attempts) -> Option<Connection<S>> {
        let mut hosts = std::mem::take(&mut self.hosts);
        self.arrange(&mut hosts);
        let target = self.settings.target_session_attrs();
        let rounds: &[_] = match target {
            TargetSessionAttrs::PreferStandby => {
                &[TargetSessionAttrs::Standby, TargetSessionAttrs::Any]
            }
            _ => &[target],
        };
        for &target in rounds {
            for host in &hosts {
                match self.try_host(host, target, attempts).await {
                    Ok(connection) => return Some(connection),
                    Err(Next::Nothing) => return None,
                    Err(Next::Address | Next::Host) => {}
                }
            }
        }
        None
    }

    /// Everything about one host. Nothing that is learned here is known to the next one.
    async fn try_host(
        &self,
        host: &Host,
        target: TargetSessionAttrs,
        attempts: &mut Attempts,
    ) -> Result<Connection<S>, Next> {
        let mut clock = Clock::new(&*self.runtime, self.settings);
        attempts.begin(host, None);
        let resolving = resolve(&*self.runtime, host, self.look_up);
        let mut endpoints = match clock.bound(host, resolving).await {
            Ok(endpoints) => endpoints,
            Err(error) => {
                attempts.fail(error);
                return Err(Next::Host);
            }
        };
        self.arrange(&mut endpoints);
        for endpoint in endpoints {
            attempts.begin(host, Some(&endpoint));
            // It is large, and each function that hands it on would hold it twice.
            let attempt = Box::pin(self.try_endpoint(host, endpoint, target));
            let (error, next) = match clock.bound(host, attempt).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(failure)) => failure,
                Err(error) => (error, Next::Address),
            };
            attempts.fail(error);
            if next != Next::Address {
                return Err(next);
            }
            clock = Clock::new(&*self.runtime, self.settings);
        }
        Err(Next::Address)
    }

    async fn try_endpoint(
        &self,
        host: &Host,
        endpoint: Endpoint,
        target: TargetSessionAttrs,
    ) -> Result<Result<Connection<S>, (Error, Next)>, Error> {
        let route = Route::new(endpoint, self.settings);
        let entered = enter(Arc::clone(&self.runtime), host, route, self.settings).await;
        let mut connection = match entered {
            Ok(connection) => connection,
            Err(error) => {
                let next = next(&error);
                return Ok(Err((error, next)));
            }
        };
        let unsuitable = match suitable::check(&mut connection, target).await {
            Ok(()) => return Ok(Ok(connection)),
            Err(error) => error,
        };
        // Whether it could be told so does not matter.
        let _ = connection.close().await;
        Ok(Err((unsuitable, Next::Host)))
    }

    fn arrange<T>(&self, items: &mut [T]) {
        match self.settings.load_balance_hosts() {
            LoadBalanceHosts::Random => shuffle(items, &self.draw),
            LoadBalanceHosts::Disable => {}
        }
    }
}

/// As libpq goes on, and one step further: it gives up where a stream breaks off before the server has let the client in, as happens
/// behind a proxy whose server is gone.
fn next(error: &Error) -> Next {
    match error {
        Error::Io { .. } | Error::Timeout { .. } => Next::Address,
        #[cfg(feature = "tls")]
        Error::Tls(error) if error.is_broken_off() => Next::Address,
        Error::Database(error) if error.code() == Some(SqlState::CANNOT_CONNECT_NOW) => Next::Host,
        _ => Next::Nothing,
    }
}

/// The time that an attempt has.
struct Clock(Option<BoxFuture<'static, ()>>);

impl Clock {
    fn new<R: Runtime + ?Sized>(runtime: &R, settings: &Settings) -> Self {
        let timeout = settings.connect_timeout();
        Self(timeout.map(|timeout| runtime.sleep(timeout)))
    }

    /// Does a part of the attempt in the time that is left.
    async fn bound<T>(
        &mut self,
        host: &Host,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(time) = &mut self.0 else {
            return work.await;
        };
        match select(pin!(work), time).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => Err(timed_out(host)),
        }
    }
}

fn timed_out(host: &Host) -> Error {
    Error::Timeout {
        doing: format!("connecting to {}", host.address()).into(),
        unsent: true,
        connected: false,
    }
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
mod tests;
