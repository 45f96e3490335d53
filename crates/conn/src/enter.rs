//! Into one server, at one address: with TLS, without, and once more the other way where libpq would.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use purepg_proto::{
    AuthMethod, Event, Nonce, Notice, ProtocolErrorKind, SqlState, Startup, StartupEvent,
    TlsRequest, Transport,
};

use crate::config::{Host, Settings};
use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::password::with_password;
use crate::route::Route;
use crate::runtime::{BoxFuture, ByteStream, Endpoint, Runtime};
use crate::security::ways;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Logs in over a stream to one place, or over another one to the same.
pub(crate) async fn enter<S: ByteStream>(
    runtime: Arc<dyn Runtime<Stream = S>>,
    host: &Host,
    route: Route,
    settings: &Settings,
) -> Result<Connection<S>, Error> {
    let (settings, warning) = with_password(&*runtime, settings, host).await?;
    // It is large, and would be held twice.
    let result = Box::pin(enter_with(runtime, host, route, &settings)).await;
    result.map_err(|error| error.because_of(warning))
}

async fn enter_with<S: ByteStream>(
    runtime: Arc<dyn Runtime<Stream = S>>,
    host: &Host,
    route: Route,
    settings: &Settings,
) -> Result<Connection<S>, Error> {
    // Whose name it is matters to certificates alone.
    #[cfg(not(feature = "tls"))]
    let _ = host;
    let stream = route.open(&*runtime).await?;
    let ways = ways(settings, route.endpoint());
    #[cfg(feature = "tls")]
    let tls = if ways.iter().any(|way| *way != TlsRequest::None) {
        Some(Tls::load(&*runtime, settings, host.name()).await?)
    } else {
        None
    };
    let mut entry = Entry {
        runtime,
        route,
        settings,
        credentials: Credentials::new(settings),
        #[cfg(feature = "tls")]
        tls,
    };
    let mut ways = ways.iter().copied();
    let first = ways.next().unwrap_or_default();
    let failure = match entry.attempt(stream, first).await {
        Ok(connection) => return Ok(connection),
        Err(failure) => failure,
    };
    let Some(second) = ways.next().filter(|_| failure.other_way) else {
        return Err(failure.error);
    };
    let stream = entry.route.open(&*entry.runtime).await?;
    let result = entry.attempt(stream, second).await;
    result.map_err(|again| again.error.or_rather(failure.error))
}

struct Entry<'a, S> {
    runtime: Arc<dyn Runtime<Stream = S>>,
    route: Route,
    settings: &'a Settings,
    credentials: Credentials<'a>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// Why one way is closed.
struct Failure {
    error: Error,
    /// libpq would go the other one.
    other_way: bool,
}

impl<S: ByteStream> Entry<'_, S> {
    /// One way in: over one stream, or over two where the first is only to learn who issues tokens.
    async fn attempt(&mut self, stream: S, tls: TlsRequest) -> Result<Connection<S>, Failure> {
        let failure = match self.attempt_once(stream, tls).await {
            Ok(connection) => return Ok(connection),
            Err(failure) => failure,
        };
        let learnt = self.credentials.learn_from_challenge(&*self.runtime).await;
        if !learnt.map_err(Failure::for_good)? {
            return Err(failure);
        }
        let stream = self.route.open(&*self.runtime).await;
        let stream = stream.map_err(Failure::for_good)?;
        self.attempt_once(stream, tls).await
    }

    /// In a place of its own: what goes on in here is large, and would be carried along once for each way.
    fn attempt_once(
        &mut self,
        stream: S,
        tls: TlsRequest,
    ) -> BoxFuture<'_, Result<Connection<S>, Failure>> {
        Box::pin(self.over(stream, tls))
    }

    async fn over(&mut self, stream: S, tls: TlsRequest) -> Result<Connection<S>, Failure> {
        let mut connection = self.begin(stream, tls).map_err(Failure::for_good)?;
        let result = self.carry_on(&mut connection).await;
        match result {
            Ok(()) => {
                self.credentials.accepted();
                Ok(connection)
            }
            Err(error) => {
                self.credentials.refused();
                Err(Failure {
                    other_way: is_other_way_open(&error, &mut connection, tls),
                    error,
                })
            }
        }
    }

    fn begin(&self, stream: S, tls: TlsRequest) -> Result<Connection<S>, Error> {
        let mut entropy = [0; Nonce::ENTROPY_LEN];
        getrandom::fill(&mut entropy)
            .map_err(|error| Error::io("drawing a nonce", io::Error::other(error)))?;
        let startup = startup(self.settings, self.route.endpoint(), tls);
        let startup = self.credentials.introduce(startup);
        let nonce = Nonce::from_entropy(entropy);
        let core = purepg_proto::Connection::new(startup, nonce, self.settings.limits().clone());
        let runtime = Arc::clone(&self.runtime);
        let mut connection = Connection::new(core, stream, runtime, self.route.clone());
        connection.configure(self.settings);
        Ok(connection)
    }

    async fn carry_on(&mut self, connection: &mut Connection<S>) -> Result<(), Error> {
        loop {
            match poll_fn(|cx| connection.poll_startup(cx)).await? {
                StartupEvent::Ready => {
                    connection.check_parameters();
                    connection.warn_of_md5();
                    return Ok(());
                }
                StartupEvent::DeriveKey(job) => {
                    let keys = self.credentials.keys(&*self.runtime, *job).await?;
                    connection.core_mut().key_derived(keys)?;
                }
                StartupEvent::PasswordNeeded(method) => {
                    let password = self.credentials.password(&*self.runtime, method).await?;
                    connection.core_mut().password_given(password)?;
                }
                StartupEvent::TokenNeeded => {
                    let token = self.credentials.token(&*self.runtime).await?;
                    connection.core_mut().token_given(token)?;
                }
                StartupEvent::OauthChallenge(challenge) => self.credentials.challenged(challenge),
                #[cfg(feature = "tls")]
                StartupEvent::UpgradeToTls => {
                    if let Some(tls) = &self.tls {
                        connection.upgrade(tls).await?;
                    }
                }
                _ => {}
            }
        }
    }
}

impl Failure {
    fn for_good(error: Error) -> Self {
        Self {
            error,
            other_way: false,
        }
    }
}

/// libpq's rule: the handshake fails, or the server reports an error before it has let anybody in. Not when the stream breaks off, when the
/// server breaks the protocol, when the caller's own policy is in the way, or when the server has no TLS, where the same stream goes on.
fn is_other_way_open<S: ByteStream>(
    error: &Error,
    connection: &mut Connection<S>,
    asked: TlsRequest,
) -> bool {
    let core = connection.core_mut();
    match error {
        #[cfg(feature = "tls")]
        Error::Tls(error) => error.is_handshake(),
        Error::Protocol(error) => *error.kind() == ProtocolErrorKind::TlsRequestFailed,
        Error::Database(_) | Error::InvalidPassword(_) => {
            let went_plain = asked == TlsRequest::Prefer && core.tls().is_none();
            core.auth_method().is_none() && !went_plain
        }
        _ => false,
    }
}

impl<S: ByteStream> Connection<S> {
    /// As servers will do by themselves.
    fn warn_of_md5(&mut self) {
        if self.core_mut().auth_method() == Some(AuthMethod::Md5) {
            self.remark(Notice::warning(
                SqlState::DEPRECATED_FEATURE,
                "the server was shown an MD5 digest of the password, with which anybody can log in who has seen the server's copy",
                "Give the role its password anew while password_encryption is scram-sha-256, and the server scram-sha-256 in pg_hba.conf.",
            ));
        }
    }

    fn poll_startup(&mut self, cx: &mut Context<'_>) -> Poll<Result<StartupEvent, Error>> {
        loop {
            match ready!(self.poll_event(cx)) {
                Ok(Event::Startup(event)) => return Poll::Ready(Ok(event)),
                Ok(_) => {}
                Err(Error::Database(error)) => {
                    return Poll::Ready(Err(Error::refused(error)));
                }
                Err(error) => return Poll::Ready(Err(error.of_handshake())),
            }
        }
    }
}

/// What the server is told first, and what it may ask for.
fn startup(settings: &Settings, endpoint: &Endpoint, tls: TlsRequest) -> Startup {
    let mut startup = Startup::new(settings.user(), transport(endpoint))
        .tls(tls)
        .channel_binding(settings.channel_binding())
        .require_auth(settings.require_auth())
        .min_protocol_version(settings.min_protocol_version())
        .max_protocol_version(settings.max_protocol_version());
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

/// What the bytes to an endpoint go through.
pub(crate) fn transport(endpoint: &Endpoint) -> Transport {
    match endpoint {
        Endpoint::Tcp(_) => Transport::Tcp,
        Endpoint::Unix(_) | Endpoint::Abstract(_) => Transport::UnixSocket,
    }
}
