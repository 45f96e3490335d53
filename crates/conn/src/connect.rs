//! The way in: addresses, time, authentication.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::future::{Either, select};
use purepg_proto::{
    AuthMethods as CoreMethods, DeriveKey, Event, Limits, Nonce, ScramKeys, Startup, StartupEvent,
    Transport,
};

use crate::config::{Address, AuthMethod, Config, Settings};
use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::{ByteStream, Endpoint, Runtime};

/// Opens a connection through a runtime.
///
/// Every address of a host name is tried, in order, until one accepts. The timeout of the configuration covers everything: the look-up
/// of the name, all attempts, and the authentication.
///
/// # Errors
/// [`Error::Config`] for a configuration that makes no sense, [`Error::Io`] when no address can be reached (the last reason),
/// [`Error::MissingPassword`], [`Error::InvalidPassword`], [`Error::Database`] when the server refuses, [`Error::Timeout`].
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
        return work.await;
    };
    match select(std::pin::pin!(work), runtime.sleep(timeout)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err(Error::Timeout {
            doing: format!("connecting to {}", settings.address()).into(),
        }),
    }
}

async fn open<S: ByteStream>(
    runtime: Arc<dyn Runtime<Stream = S>>,
    settings: &Settings,
) -> Result<Connection<S>, Error> {
    let address = settings.address();
    let mut failure = None;
    for endpoint in resolve(&*runtime, address.clone()).await? {
        match runtime.connect(&endpoint).await {
            Ok(stream) => return enter(runtime, stream, endpoint, settings).await,
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

/// Logs in over a stream that is open.
async fn enter<S: ByteStream>(
    runtime: Arc<dyn Runtime<Stream = S>>,
    stream: S,
    endpoint: Endpoint,
    settings: &Settings,
) -> Result<Connection<S>, Error> {
    let mut entropy = [0; Nonce::ENTROPY_LEN];
    getrandom::fill(&mut entropy)
        .map_err(|error| Error::io("drawing a nonce", io::Error::other(error)))?;
    let startup = startup(settings, &endpoint);
    let nonce = Nonce::from_entropy(entropy);
    let core = purepg_proto::Connection::new(startup, nonce, Limits::default());
    let mut connection = Connection::new(core, stream, runtime, endpoint);
    loop {
        match poll_fn(|cx| connection.poll_startup(cx)).await? {
            StartupEvent::Ready => return Ok(connection),
            StartupEvent::DeriveKey(job) => {
                let keys = derive(&**connection.runtime(), *job).await?;
                connection.core_mut().key_derived(keys)?;
            }
            _ => {}
        }
    }
}

impl<S: ByteStream> Connection<S> {
    fn poll_startup(&mut self, cx: &mut Context<'_>) -> Poll<Result<StartupEvent, Error>> {
        loop {
            match ready!(self.poll_event(cx)) {
                Ok(Event::Startup(event)) => return Poll::Ready(Ok(event)),
                Ok(_) => {}
                Err(Error::Database(error)) => {
                    return Poll::Ready(Err(Error::refused(error)));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// What the server is told first, and what it may ask for.
fn startup(settings: &Settings, endpoint: &Endpoint) -> Startup {
    let transport = match endpoint {
        Endpoint::Tcp(_) => Transport::Tcp,
        Endpoint::Unix(_) => Transport::UnixSocket,
    };
    let policy = settings.require_auth();
    let methods = [
        (AuthMethod::None, CoreMethods::NONE),
        (AuthMethod::Password, CoreMethods::PASSWORD),
        (AuthMethod::Md5, CoreMethods::MD5),
        (AuthMethod::ScramSha256, CoreMethods::SCRAM_SHA_256),
    ];
    let allowed = methods.into_iter().filter(|(method, _)| match transport {
        Transport::UnixSocket => policy.allows_where_private(*method),
        _ => policy.allows(*method),
    });
    let allowed = allowed.fold(CoreMethods::EMPTY, |all, (_, method)| all.with(method));
    let mut startup = Startup::new(settings.user(), transport).require_auth(allowed);
    if let Some(password) = settings.password() {
        startup = startup.password(password);
    }
    for (name, value) in settings.startup_parameters() {
        startup = match name {
            // The core says these by itself.
            "user" | "client_encoding" => startup,
            "database" => startup.database(value),
            _ => startup.parameter(name, value),
        };
    }
    startup
}

/// So many rounds of a derivation run before it looks whether anybody still waits.
const ROUNDS: u32 = 1_024;

/// Derives keys where it blocks nobody. Dropping the future stops the job.
async fn derive<R: Runtime + ?Sized>(runtime: &R, mut job: DeriveKey) -> Result<ScramKeys, Error> {
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
    })
}

/// Runs a job through the runtime, and brings its result back.
fn run_blocking<R: Runtime + ?Sized, T: Send + 'static>(
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
