//! Servers in memory, and what was said to them.

use std::sync::{Arc, Mutex};

use purepg_conn::{Config, Connection, Error, Runtime};
use purepg_testkit::recorded::{Record, Recorded};
use purepg_testkit::scripted::{ModelServer, ScriptedStream};
use purepg_tests_live::{Context, Replaced};

pub(crate) type Stream = Recorded<ScriptedStream>;

/// A runtime whose streams lead to servers that `server` makes, and what is written to each.
pub(crate) struct Models<R> {
    pub(crate) runtime: Arc<Replaced<R, Stream>>,
    records: Arc<Mutex<Vec<Record>>>,
}

impl<R: Runtime> Models<R> {
    /// `server` is told how many there were before.
    pub(crate) fn new(
        cx: &Context<R>,
        server: impl Fn(usize) -> ModelServer + Send + Sync + 'static,
    ) -> Self {
        let records: Arc<Mutex<Vec<Record>>> = Arc::default();
        let noted = Arc::clone(&records);
        let runtime = Replaced::new(&cx.runtime, move |number| {
            let record = Record::default();
            noted.lock().unwrap().push(record.clone());
            let (stream, _) = ScriptedStream::new(server(number));
            Recorded::new(stream, record)
        });
        Self { runtime, records }
    }

    pub(crate) async fn connect(&self, config: &Config) -> Result<Connection<Stream>, Error> {
        purepg_conn::connect(Arc::clone(&self.runtime), config).await
    }

    /// What was written to each since the last time.
    pub(crate) fn written(&self) -> Vec<Vec<u8>> {
        let records = std::mem::take(&mut *self.records.lock().unwrap());
        records.iter().map(|record| record.take().bytes).collect()
    }
}

/// Over what is taken for a Unix socket.
pub(crate) fn over_unix() -> Config {
    Config::new("/nowhere", "me")
}

pub(crate) fn contains(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|part| part == secret.as_bytes())
}
