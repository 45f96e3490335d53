//! A network of servers that were written down.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{pending, ready};
use purepg_conn::{
    BoxFuture, Config, Connection, Endpoint, Error, Runtime, SocketOptions, SslMode,
};
use purepg_testkit::backend;
use purepg_testkit::recorded::{Record, Recorded};
use purepg_tests_live::{Canned, Context};

/// Who is at an address.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Nobody,
    /// Who lets nobody connect, and does not say so.
    BlackHole,
    /// One that answers so, each time.
    Server(Canned),
}

/// Connections of those who got in.
pub(crate) type Connected = Connection<Recorded<Canned>>;

/// An address that was connected to, and what was written to it.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) address: String,
    pub(crate) record: Record,
}

/// A runtime whose streams lead to servers that were written down. Time and jobs are the other runtime's.
pub(crate) struct Network<R> {
    inner: Arc<R>,
    places: HashMap<String, Place>,
    visits: Mutex<Vec<Visit>>,
    /// Names are looked up for ever.
    pub(crate) no_names: bool,
}

impl<R: Runtime> Network<R> {
    pub(crate) fn new<'a>(
        cx: &Context<R>,
        places: impl IntoIterator<Item = (&'a str, Place)>,
    ) -> Self {
        let places = places.into_iter();
        Self {
            inner: Arc::clone(&cx.runtime),
            places: places
                .map(|(address, place)| (address.to_owned(), place))
                .collect(),
            visits: Mutex::default(),
            no_names: false,
        }
    }

    /// Connects, and tells which addresses were visited for it.
    pub(crate) async fn connect(self, config: &Config) -> (Result<Connected, Error>, Vec<Visit>) {
        let network = Arc::new(self);
        let result = purepg_conn::connect(Arc::clone(&network), config).await;
        let visits = std::mem::take(&mut *network.visits.lock().unwrap());
        (result, visits)
    }
}

impl<R: Runtime> Runtime for Network<R> {
    type Stream = Recorded<Canned>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        _: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let (address, record) = (endpoint.to_string(), Record::default());
        let place = self.places.get(&address).cloned();
        let visit = Visit {
            address,
            record: record.clone(),
        };
        self.visits.lock().unwrap().push(visit);
        match place.unwrap_or(Place::Nobody) {
            Place::Nobody => Box::pin(ready(Err(io::ErrorKind::ConnectionRefused.into()))),
            Place::BlackHole => Box::pin(pending()),
            Place::Server(server) => Box::pin(ready(Ok(Recorded::new(server, record)))),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        if self.no_names {
            return Box::pin(pending());
        }
        self.inner.run_blocking(job)
    }
}

/// `ONE` and `TWO`, in this order, without TLS.
pub(crate) fn both() -> Config {
    Config::new("192.0.2.1", "me")
        .port(1)
        .add_host("192.0.2.2", 2)
        .ssl_mode(SslMode::Disable)
}

pub(crate) const ONE: &str = "192.0.2.1:1";
pub(crate) const TWO: &str = "192.0.2.2:2";

/// A server that answers so.
pub(crate) fn server(answers: impl IntoIterator<Item = Vec<u8>>) -> Place {
    Place::Server(Canned::new(answers))
}

/// One that lets everybody in.
pub(crate) fn open() -> Place {
    server([backend::let_in()])
}

/// One that refuses everybody at once.
pub(crate) fn refusing(sqlstate: &str) -> Place {
    server([backend::error_response("FATAL", sqlstate, "go away")])
}

/// The addresses of visits.
pub(crate) fn addresses(visits: &[Visit]) -> Vec<&str> {
    visits.iter().map(|visit| &*visit.address).collect()
}
