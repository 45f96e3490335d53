//! Those who do the work: each module is one client, used as its own documentation advises.
//!
//! A contestant connects, prepares what the workload says is prepared, does a few units to warm up, and then does `count` units
//! between [`Stopwatch::start`] and [`Stopwatch::stop`]. It returns the checksum of what was decoded between the two: 0 is added for what
//! decodes nothing (connecting, inserts, `COPY` in), and for inserts the rows that the server says were inserted.

pub mod blocking;
pub mod floor;
pub mod libpq;
pub(crate) mod loops;
pub mod purepg;
pub mod sqlx;
pub mod tokio_postgres;
pub mod zero_postgres;

use std::error::Error;
use std::path::PathBuf;

use crate::stopwatch::Stopwatch;
use crate::workload::Workload;

/// Anything may go wrong, and is told in words.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Where the server is: a Unix socket.
#[derive(Debug, Clone)]
pub struct Server {
    /// The folder of the socket.
    pub folder: PathBuf,
    /// The port in the socket's name.
    pub port: u16,
}

/// What a contestant is told.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where.
    pub server: Server,
    /// What.
    pub workload: Workload,
    /// How many units.
    pub count: u64,
}

/// Does the job, or says `None`: this client cannot.
pub type Contestant = fn(&Job, &mut Stopwatch) -> Result<Option<u64>>;

/// A contestant, as it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// A word for the command line and for the head of a column.
    pub name: &'static str,
    /// Does the job.
    pub run: Contestant,
    /// What it is: its version, its runtime, how many Sync messages a batch of a hundred takes, whether statements are cached.
    pub note: &'static str,
}

/// All contestants, in the order of the tables.
pub const ALL: &[Entry] = &[
    Entry {
        name: "floor",
        run: floor::run,
        note: "Written for this benchmark: a blocking loop with one buffer of 64 KiB that writes prepared messages and walks the replies, with few \
               checks and no state. One Sync for 100 queries; a text is one simple query.",
    },
    Entry {
        name: "purepg-tokio",
        run: purepg::tokio,
        note: "This client on tokio's current_thread runtime. One Sync for 100 queries; a text without parameters is one simple query.",
    },
    Entry {
        name: "purepg-async-std",
        run: purepg::async_std,
        note: "The same driver on async-std 1.13.",
    },
    Entry {
        name: "purepg-blocking",
        run: blocking::run,
        note: "This client's core, purepg-proto with purepg-types, in a blocking loop without a runtime. One Sync for 100 queries; a text is one \
               simple query.",
    },
    Entry {
        name: "tokio-postgres",
        run: tokio_postgres::run,
        note: "tokio-postgres 0.7.18 on tokio's current_thread runtime, its connection in a task of its own. 100 Syncs for 100 queries, which are \
               futures that are joined. No statement is cached: query_one prepares, executes and closes a text, with three Syncs.",
    },
    Entry {
        name: "zero-postgres-tokio",
        run: zero_postgres::tokio::run,
        note: "zero-postgres 0.9.0 on tokio's current_thread runtime; it needs a server from PostgreSQL 17 on. One Sync for 100 queries, by its \
               pipeline, and for 100 inserts, by exec_batch. Rows are taken by a handler, which borrows text from its buffer. It has no COPY. No \
               statement is cached: a text is one simple query.",
    },
    Entry {
        name: "zero-postgres-sync",
        run: zero_postgres::blocking::run,
        note: "The same with sockets that block.",
    },
    Entry {
        name: "sqlx",
        run: sqlx::run,
        note: "sqlx 0.9.0 on tokio's current_thread runtime, one connection without a pool. It has no pipeline. Every statement is cached, a text \
               too: it is prepared once, and then executed.",
    },
    Entry {
        name: "libpq",
        run: libpq::run,
        note: "libpq 18 if it is there or can be fetched, else the system's, in a program in C that blocks. One Sync for 100 queries, by its \
               pipeline mode. Values are binary, rows come in chunks of 256, before libpq 17 singly. Text is not checked to be UTF-8. No \
               statement is cached: a text is one simple query.",
    },
];
