//! Why a server could not be started.

use std::{fmt, io};

/// Why [`Server::start`](super::Server::start) gave no server.
///
/// `Debug` prints what `Display` does, since a test that unwraps shows the former, and the lines of
/// a server's log are unreadable in one escaped string.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No PostgreSQL that fits was found, and none could be fetched: one sentence that says what to
    /// install.
    #[error("{0}")]
    NoServer(String),
    /// An environment variable has a value that makes no sense.
    #[error("{variable}: {problem}")]
    Environment {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A program that prepares a server (`initdb`, `cp`, …) failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: String,
        /// What it printed last, or its status if it printed nothing.
        output: String,
    },
    /// `postgres` ended before it was ready.
    #[error("postgres ended before it was ready; the end of its log:\n{log}")]
    Ended {
        /// The last lines of its log.
        log: String,
    },
    /// `postgres` was not ready in time.
    #[error("postgres was not ready within {seconds} seconds; the end of its log:\n{log}")]
    TimedOut {
        /// How long it was given.
        seconds: u64,
        /// The last lines of its log.
        log: String,
    },
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path it was done to.
        doing: String,
        /// The refusal.
        source: io::Error,
    },
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Says what was being done when an [`io::Error`] came.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, StartError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, StartError> {
        self.map_err(|source| StartError::Io {
            doing: what(),
            source,
        })
    }
}
