//! Tests against real servers, each written once and run through both adapters, over TCP and over a Unix socket.
//!
//! A scenario is an async function of a [`Context`]; [`live!`] makes tests of it.

#![cfg(unix)]

mod as_text;
mod canned;
pub mod drops;
mod in_memory;
mod memory;
mod replaced;
pub mod results;
mod wrap;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use purepg_conn::{AuthMethod, AuthMethods, Config, Connection, Error, Runtime, SslMode};
use purepg_testkit::io::{OneByte, OneByteControl};
use purepg_testkit::recorded::{Record, Recorded};
use purepg_testkit::server::{DATABASE, PASSWORD, Server, USER_TRUST};

pub use as_text::AsText;
pub use canned::Canned;
pub use drops::Slow;
pub use in_memory::InMemory;
pub use memory::{peak_kib, resident_kib};
pub use replaced::Replaced;
pub use wrap::Wrapped;

/// No scenario takes as long: one that does hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// A runtime whose streams move one byte at a time if the environment asks for it.
pub type Switched<R> = Wrapped<R, OneByte<<R as Runtime>::Stream>>;

/// The runtime of the adapter for tokio.
pub type OnTokio = Switched<purepg_conn_tokio::Tokio>;

/// The runtime of the adapter for async-std.
pub type OnAsyncStd = Switched<purepg_conn_async_std::AsyncStd>;

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP on the loopback interface.
    Tcp,
    /// A Unix socket.
    Unix,
}

/// What a scenario runs on.
#[derive(Debug)]
pub struct Context<R> {
    /// The runtime of the adapter.
    pub runtime: Arc<R>,
    /// How to reach the server.
    pub transport: Transport,
}

impl<R: Runtime> Context<R> {
    /// The server of this test binary.
    pub fn server(&self) -> &'static Server {
        Server::shared()
    }

    /// A configuration for one of the server's users, without a password.
    pub fn config(&self, user: &str) -> Config {
        self.config_of(self.server(), user)
    }

    /// The same for a server of the scenario's own.
    pub fn config_of(&self, server: &Server, user: &str) -> Config {
        let config = match self.transport {
            Transport::Tcp => Config::new(server.host(), user),
            Transport::Unix => Config::new(server.socket_dir().display().to_string(), user),
        };
        config.port(server.port()).database(DATABASE)
    }

    /// The same with the password, sent in whatever way the server asks for.
    pub fn config_with_password(&self, user: &str) -> Config {
        let any = [
            AuthMethod::Password,
            AuthMethod::Md5,
            AuthMethod::ScramSha256,
        ];
        self.config(user)
            .password(PASSWORD)
            .require_auth(AuthMethods::only(any))
    }

    /// Connects with a configuration.
    ///
    /// # Errors
    /// Those of `connect`.
    pub async fn try_connect(&self, config: &Config) -> Result<Connection<R::Stream>, Error> {
        purepg_conn::connect(Arc::clone(&self.runtime), config).await
    }

    /// A connection of the user who needs no password.
    ///
    /// # Panics
    /// When the server lets nobody in.
    pub async fn connect(&self) -> Connection<R::Stream> {
        self.try_connect(&self.config(USER_TRUST))
            .await
            .expect("the server lets everybody in")
    }

    /// A connection to a server in memory, whose first answer lets everybody in.
    ///
    /// # Panics
    /// When it does not.
    pub async fn connect_canned(&self, config: &Config, server: Canned) -> Connection<Canned> {
        let runtime = Wrapped::new(&self.runtime, move |_| server.clone());
        let config = config.clone().ssl_mode(SslMode::Disable);
        let connected = purepg_conn::connect(runtime, &config).await;
        connected.expect("the server in memory lets everybody in")
    }
}

impl<R: Runtime> Context<R> {
    /// A connection, and a record of what it writes from now on.
    ///
    /// # Panics
    /// When the server does not let it in.
    pub async fn connect_recorded(
        &self,
        config: &Config,
    ) -> (Connection<Recorded<R::Stream>>, Record) {
        let record = Record::default();
        let noted = record.clone();
        let runtime = Wrapped::new(&self.runtime, move |stream| {
            Recorded::new(stream, noted.clone())
        });
        let connected = purepg_conn::connect(runtime, config).await;
        record.take();
        (connected.expect("the server lets it in"), record)
    }

    /// A connection of the user who needs no password, over a stream that moves one byte and then says `Pending`.
    ///
    /// # Panics
    /// When the server lets nobody in.
    pub async fn connect_slowly(&self) -> Slow<R> {
        self.connect_switched(&self.config(USER_TRUST)).await.0
    }

    /// Such a connection, and the switch of its stream.
    ///
    /// # Panics
    /// When the server does not let it in.
    pub async fn connect_switched(&self, config: &Config) -> (Slow<R>, OneByteControl) {
        let (controls, control) = std::sync::mpsc::channel();
        let runtime = Wrapped::new(&self.runtime, move |stream| {
            let stream = OneByte::new(stream);
            // Of several addresses the last one's counts.
            let _ = controls.send(stream.control());
            stream
        });
        let connected = purepg_conn::connect(runtime, config).await;
        let conn = connected.expect("the server lets it in");
        let control = control.try_iter().last();
        (conn, control.expect("a connection has a stream"))
    }
}

/// Runs a scenario on tokio, over both transports.
///
/// # Panics
/// When the scenario panics or hangs.
pub fn on_tokio<F: Future<Output = ()>>(scenario: impl Fn(Context<OnTokio>) -> F) {
    on_tokio_over(&[Transport::Tcp, Transport::Unix], scenario);
}

/// The same over some.
///
/// # Panics
/// When the scenario panics or hangs.
pub fn on_tokio_over<F: Future<Output = ()>>(
    transports: &[Transport],
    scenario: impl Fn(Context<OnTokio>) -> F,
) {
    for &transport in transports {
        let runtime = switched(purepg_conn_tokio::Tokio);
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let tokio = tokio.expect("a runtime needs no more than a few descriptors");
        tokio.block_on(bounded(
            Arc::clone(&runtime),
            scenario(Context { runtime, transport }),
        ));
    }
}

/// Runs a scenario on async-std, over both transports.
///
/// # Panics
/// When the scenario panics or hangs.
pub fn on_async_std<F: Future<Output = ()>>(scenario: impl Fn(Context<OnAsyncStd>) -> F) {
    on_async_std_over(&[Transport::Tcp, Transport::Unix], scenario);
}

/// The same over some.
///
/// # Panics
/// When the scenario panics or hangs.
pub fn on_async_std_over<F: Future<Output = ()>>(
    transports: &[Transport],
    scenario: impl Fn(Context<OnAsyncStd>) -> F,
) {
    for &transport in transports {
        let runtime = switched(purepg_conn_async_std::AsyncStd);
        let context = Context {
            runtime: Arc::clone(&runtime),
            transport,
        };
        async_std::task::block_on(bounded(runtime, scenario(context)));
    }
}

fn switched<R: Runtime>(runtime: R) -> Arc<Switched<R>> {
    Wrapped::new(&Arc::new(runtime), OneByte::if_asked_for)
}

async fn bounded<R: Runtime>(runtime: Arc<R>, scenario: impl Future<Output = ()>) {
    match select(pin!(scenario), runtime.sleep(HANGS_AFTER)).await {
        Either::Left(((), _)) => {}
        Either::Right(((), _)) => panic!("the scenario hangs"),
    }
}

/// Makes two tests of each scenario: `tokio::name` and `async_std::name`.
#[macro_export]
macro_rules! live {
    ($($name:ident),+ $(,)?) => {
        mod tokio {
            $(#[test] fn $name() { $crate::on_tokio(super::$name); })+
        }
        mod async_std {
            $(#[test] fn $name() { $crate::on_async_std(super::$name); })+
        }
    };
}

/// The same for scenarios that take long, and are the same over any stream: async-std has TCP, and tokio the Unix socket, which is one of our
/// own there.
#[macro_export]
macro_rules! live_by_turns {
    ($($name:ident),+ $(,)?) => {
        mod tokio {
            $(#[test] fn $name() { $crate::on_tokio_over(&[$crate::Transport::Unix], super::$name); })+
        }
        mod async_std {
            $(#[test] fn $name() { $crate::on_async_std_over(&[$crate::Transport::Tcp], super::$name); })+
        }
    };
}

/// The code on the front page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
