//! What became of each attempt to connect.

use std::fmt;

use super::timed_out;
use crate::config::Host;
use crate::error::Error;
use crate::runtime::Endpoint;

/// Why no connection could be made, although it was tried more than once.
///
/// `Display` shows a line for each attempt. What the server said in the last one that it said something in is
/// [`Error::server`], as with other errors.
#[derive(Debug)]
pub struct ConnectError {
    attempts: Vec<ConnectAttempt>,
}

/// One attempt to connect, and why it failed.
#[derive(Debug)]
pub struct ConnectAttempt {
    host: Host,
    endpoint: Option<Endpoint>,
    error: Error,
}

impl ConnectError {
    /// All of them, in the order in which they were made: two or more. A host that was tried in the second round of
    /// [`PreferStandby`](crate::TargetSessionAttrs::PreferStandby) is there twice.
    pub fn attempts(&self) -> &[ConnectAttempt] {
        &self.attempts
    }

    /// Why the last one failed. Where it was no use going on, such as with a wrong password, this is why.
    pub fn last(&self) -> Option<&Error> {
        self.attempts.last().map(ConnectAttempt::error)
    }

    /// The errors, the last one first.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Error> {
        self.attempts.iter().rev().map(ConnectAttempt::error)
    }
}

impl ConnectAttempt {
    /// Which host it was.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Which of its addresses, unless none was found.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// Why it failed.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection in {} attempts", self.attempts.len())?;
        for attempt in &self.attempts {
            write!(f, "\n{attempt}")?;
        }
        Ok(())
    }
}

/// `db:5432 (192.0.2.1:5432): ` and the error, whose further lines are indented.
impl fmt::Display for ConnectAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.host.address().to_string();
        f.write_str(&address)?;
        let endpoint = self.endpoint.as_ref().map(ToString::to_string);
        if let Some(endpoint) = endpoint.filter(|endpoint| *endpoint != address) {
            write!(f, " ({endpoint})")?;
        }
        let error = self.error.to_string().replace('\n', "\n    ");
        write!(f, ": {error}")
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.last().map(|error| error as _)
    }
}

/// What has failed so far, and what is being tried.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: Vec<ConnectAttempt>,
    current: Option<(Host, Option<Endpoint>)>,
}

impl Attempts {
    pub(super) fn begin(&mut self, host: &Host, endpoint: Option<&Endpoint>) {
        self.current = Some((host.clone(), endpoint.cloned()));
    }

    pub(super) fn fail(&mut self, error: Error) {
        if let Some((host, endpoint)) = self.current.take() {
            self.failed.push(ConnectAttempt {
                host,
                endpoint,
                error: no_statement(error),
            });
        }
    }

    /// The time for everything is up.
    pub(super) fn run_out_of_time(&mut self) {
        if let Some((host, _)) = &self.current {
            let error = timed_out(host);
            self.fail(error);
        }
    }

    /// One attempt speaks for itself.
    pub(super) fn into_error(self) -> Error {
        let mut attempts = self.failed;
        if attempts.len() > 1 {
            return Error::Connect(Box::new(ConnectError { attempts }));
        }
        // There always was one.
        attempts.pop().map_or(Error::Closed, |only| only.error)
    }
}

/// There was no statement yet. What the server says by itself speaks for itself.
fn no_statement(error: Error) -> Error {
    match error {
        Error::Io { .. } | Error::Timeout { .. } => error.before_sending(),
        error => error,
    }
}
