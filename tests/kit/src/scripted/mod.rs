//! A server in memory: bytes in, bytes out.
//!
//! [`ModelServer`] behaves as a PostgreSQL 15 does, as far as messages go, with a handful of statements instead of SQL
//! ([`Statement::parse`]): the simple and the extended protocol, skipping to the next Sync after an error, implicit transactions and blocks,
//! portals with row limits, COPY. What a statement *does* counts once it is committed: [`ModelServer::effects`].
//!
//! It is a model of the server and no second client: it was written from the manual and from what servers were seen to do, so that a test
//! that compares the two compares two opinions. [`ScriptedStream`] makes a stream of it.

mod auth;
mod entry;
mod extended;
mod run;
mod session;
mod statement;
mod stream;
mod transaction;

use std::collections::HashMap;

pub use auth::{Auth, ScramServer, md5_answer, scram_keys};
pub use entry::Tls;
pub use statement::Statement;
pub use stream::{ScriptedStream, ServerHandle};

use crate::frontend::{Frontend, FrontendReader};
use entry::{Entry, Phase};
use session::Session;

/// The number of the server process that every scripted server says it is.
pub const PROCESS_ID: i32 = 4711;

/// A PostgreSQL server, as far as its messages go.
#[derive(Debug)]
pub struct ModelServer {
    reader: FrontendReader,
    entry: Entry,
    received: Vec<Frontend>,
    session: Session,
}

impl ModelServer {
    /// One that lets people in like this.
    pub fn new(auth: Auth) -> Self {
        Self {
            reader: FrontendReader::new(),
            entry: Entry::new(auth),
            received: Vec::new(),
            session: Session::default(),
        }
    }

    /// Teaches it what a text does, whatever it would do otherwise.
    #[must_use]
    pub fn on(mut self, sql: &str, statement: Statement) -> Self {
        self.session.canned.insert(sql.to_owned(), statement);
        self
    }

    /// Makes it answer `SSLRequest` like this; it has no TLS otherwise.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.entry.tls = tls;
        self
    }

    /// Gives it a certificate with this hash: through TLS it offers SCRAM-SHA-256-PLUS then.
    #[must_use]
    pub fn certificate_hash(mut self, hash: &[u8]) -> Self {
        self.entry.certificate_hash = Some(hash.to_vec());
        self
    }

    /// The newest version of the protocol that it speaks, major version in the high half; 3.0 otherwise.
    #[must_use]
    pub fn speaks(mut self, version: i32) -> Self {
        self.entry.newest = version;
        self
    }

    /// A client of direct TLS has done the handshake: what comes now counts as encrypted.
    pub fn handshake(&mut self) {
        self.entry.encrypted = true;
    }

    /// Takes what a client has sent, and does it.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        self.work();
    }

    /// What it has sent since it was asked last. What a server keeps until a Flush or a Sync comes is not among it.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.session.out.sent)
    }

    /// What waits to be taken.
    pub fn output(&self) -> &[u8] {
        &self.session.out.sent
    }

    /// Takes the first `n` bytes of the output.
    pub fn output_taken(&mut self, n: usize) {
        self.session.out.sent.drain(..n);
    }

    /// Sends bytes of the test's own behind all the others: notices, notifications, nonsense.
    pub fn inject(&mut self, bytes: &[u8]) {
        self.session.out.push(bytes.to_vec());
        self.session.out.flush();
    }

    /// Ends the statement that hangs, if one does.
    pub fn resume(&mut self) {
        self.session.resume(false);
        self.work();
    }

    /// Ends the statement that hangs with the error of a cancelled one.
    pub fn cancel(&mut self) {
        self.session.resume(true);
        self.work();
    }

    /// Goes away without a word.
    pub fn close(&mut self) {
        self.entry.phase = Phase::Closed;
    }

    fn work(&mut self) {
        while !matches!(self.entry.phase, Phase::Closed) && !self.session.hangs() {
            match self.reader.next_message() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    self.received.push(message.clone());
                    self.handle(message);
                }
                Err(error) => self.refuse("08P01", &error.to_string()),
            }
            if self.session.ended {
                self.entry.phase = Phase::Closed;
            }
        }
    }
}

/// Facts.
impl ModelServer {
    /// True once it has closed the connection, behind whatever it has sent.
    pub fn is_closed(&self) -> bool {
        matches!(self.entry.phase, Phase::Closed)
    }

    /// True when it is open and waits for a query, in no transaction, and nothing is half done: no open segment, no skipping, no COPY, no
    /// part of a message.
    pub fn is_idle(&self) -> bool {
        matches!(self.entry.phase, Phase::Open)
            && self.session.is_idle()
            && self.reader.waiting() == 0
    }

    /// True when what comes counts as encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.entry.encrypted
    }

    /// As `ReadyForQuery` says it: `I`, `T` or `E`.
    pub fn status(&self) -> u8 {
        self.session.transaction.status()
    }

    /// The texts of the statements that had an effect which was committed, in order; one with a parameter is followed by its values.
    pub fn effects(&self) -> &[String] {
        &self.session.transaction.committed
    }

    /// The named statements that exist.
    pub fn statements(&self) -> Vec<&str> {
        let names = self.session.statements.keys().map(String::as_str);
        let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names
    }

    /// The parameters of the `StartupMessage`.
    pub fn parameters(&self) -> HashMap<&str, &str> {
        let pairs = self.entry.parameters.iter();
        pairs.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// Every message so far.
    pub fn received(&self) -> &[Frontend] {
        &self.received
    }

    /// The rows that came with `COPY FROM STDIN` and are there to stay.
    pub fn copied(&self) -> &[Vec<u8>] {
        &self.session.copied
    }
}

#[cfg(test)]
mod tests;
