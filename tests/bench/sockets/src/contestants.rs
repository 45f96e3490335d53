//! Those who do the work: each module is one client, used as its own documentation advises.
//!
//! A contestant connects, prepares what the workload says is prepared, does a few units to warm up, and then does `count` units
//! between [`Stopwatch::start`] and [`Stopwatch::stop`]. It returns the checksum of what was decoded between the two: 0 is added for what
//! decodes nothing (connecting, inserts, `COPY` in), and for inserts the rows that the server says were inserted.

pub mod floor;
pub mod purepg;

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
        note: "The same driver on async-std, whose sockets are waited for by another thread.",
    },
];
