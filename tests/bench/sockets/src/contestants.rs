//! Those who do the work: each module is one client, used as its own documentation advises.
//!
//! A contestant connects, prepares what the workload says is prepared, does a few units to warm up, and then does `count` units
//! between [`Stopwatch::start`] and [`Stopwatch::stop`]. It returns the checksum of what was decoded between the two: 0 is added for what
//! decodes nothing (connecting, inserts, `COPY` in), and for inserts the rows that the server says were inserted.

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
