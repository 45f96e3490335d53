//! The server of a run, with the tables in it.

use purepg_conn_tokio::{Config, Connection, connect};
use purepg_testkit::server::{DATABASE, Options, Server, USER_TRUST};
use tokio::runtime::Runtime;

use crate::contestants::Result;
use crate::workload::SETUP;

/// What differs from a server that is installed: nothing is written to a disk while somebody is measured, no other process of the server
/// wakes up, a table is read in the order in which it was filled, and every query has the same plan each time.
const SETTINGS: [(&str, &str); 15] = [
    ("shared_buffers", "768MB"), // a table that is larger than a quarter of it is not kept
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_replication_slots", "0"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1d"),
    ("bgwriter_lru_maxpages", "0"),
    ("autovacuum", "off"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("synchronize_seqscans", "off"),
    ("max_connections", "100"),
];

/// The major version: some contestants cannot do with an old one.
const MAJOR: u32 = 18;
/// The environment variable that asks for another.
const ANOTHER: &str = "PUREPG_TEST_PG_VERSION";

/// A server, and a connection to it that is nobody's turn.
#[derive(Debug)]
pub struct Bench {
    conn: Connection,
    runtime: Runtime,
    /// Where the contestants go.
    pub server: Server,
}

impl Bench {
    /// Starts it, and fills the tables: some seconds. Beside it, why it is not of the version that was wished for.
    ///
    /// # Errors
    /// There is no server, or it did not do as it was told.
    pub fn start() -> Result<(Self, Option<String>)> {
        let (server, trouble) = start()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let config = Config::new(server.socket_dir().display().to_string(), USER_TRUST)
            .port(server.port())
            .database(DATABASE);
        let conn = runtime.block_on(async {
            let mut conn = connect(&config).await?;
            for sql in SETUP
                .into_iter()
                .chain(["vacuum analyze narrow", "vacuum analyze wide"])
            {
                conn.execute(sql, ()).await?;
            }
            Ok::<_, purepg_conn_tokio::Error>(conn)
        })?;
        let bench = Self {
            conn,
            runtime,
            server,
        };
        Ok((bench, trouble))
    }

    /// Takes out of the table `target` what was rolled back, which nobody else does here.
    ///
    /// # Errors
    /// It was not done.
    pub fn empty_target(&mut self) -> Result<()> {
        let truncate = self.conn.execute("truncate target", ());
        self.runtime.block_on(truncate)?;
        Ok(())
    }

    /// Its version, and the month.
    ///
    /// # Errors
    /// It does not say.
    pub fn version_and_month(&mut self) -> Result<(String, String)> {
        let sql = "select split_part(current_setting('server_version'), ' ', 1) as version, to_char(now(), 'FMMonth YYYY') as month";
        let row = self.runtime.block_on(self.conn.fetch_one(sql, ()))?;
        Ok(row.decode()?)
    }
}

/// Of the version that all contestants can do with, unless the environment asks for another; otherwise of any.
fn start() -> Result<(Server, Option<String>)> {
    let options = || {
        let settings = SETTINGS.into_iter();
        settings.fold(Options::new(), |options, (name, value)| {
            options.setting(name, value)
        })
    };
    if std::env::var_os(ANOTHER).is_some_and(|version| !version.is_empty()) {
        return Ok((Server::start(options())?, None));
    }
    match Server::start(options().version(MAJOR)) {
        Ok(server) => Ok((server, None)),
        Err(error) => {
            let trouble = format!("no PostgreSQL {MAJOR} could be started: {error}");
            Ok((Server::start(options())?, Some(trouble)))
        }
    }
}
