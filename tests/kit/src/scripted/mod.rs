//! A server in memory: bytes in, bytes out.
//!
//! [`ModelServer`] behaves as a PostgreSQL 15 does, as far as messages go, with a handful of statements instead of SQL
//! ([`Statement::parse`]): the simple and the extended protocol, skipping to the next Sync after an error, implicit transactions and blocks,
//! portals with row limits, COPY. What a statement *does* counts once it is committed: [`ModelServer::effects`].
//!
//! It is a model of the server and no second client: it was written from the manual and from what servers were seen to do, so that a test
//! that compares the two compares two opinions. [`ScriptedStream`] makes a stream of it.

mod auth;
mod extended;
mod run;
mod session;
mod statement;
mod stream;
mod transaction;

use std::collections::HashMap;

pub use auth::{Auth, ScramServer, md5_answer};
pub use statement::Statement;
pub use stream::{ScriptedStream, ServerHandle};

use crate::backend;
use crate::frontend::{Frontend, FrontendReader};
use session::Session;

/// The number of the server process that every scripted server says it is.
pub const PROCESS_ID: i32 = 4711;

const SALT: [u8; 4] = *b"salt";

/// A PostgreSQL server, as far as its messages go.
#[derive(Debug)]
pub struct ModelServer {
    reader: FrontendReader,
    phase: Phase,
    auth: Auth,
    parameters: Vec<(String, String)>,
    received: Vec<Frontend>,
    session: Session,
}

#[derive(Debug)]
enum Phase {
    /// The first message is awaited.
    First,
    /// An answer to the request for a password is awaited.
    Password {
        user: String,
    },
    /// The first message of SCRAM is awaited.
    SaslInitial,
    /// The proof is awaited.
    SaslResponse(Box<ScramServer>),
    Open,
    Closed,
}

impl ModelServer {
    /// One that lets people in like this.
    pub fn new(auth: Auth) -> Self {
        Self {
            reader: FrontendReader::new(),
            phase: Phase::First,
            auth,
            parameters: Vec::new(),
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
        self.phase = Phase::Closed;
    }

    fn work(&mut self) {
        while !matches!(self.phase, Phase::Closed) && !self.session.hangs() {
            match self.reader.next_message() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    self.received.push(message.clone());
                    self.handle(message);
                }
                Err(error) => self.refuse("08P01", &error.to_string()),
            }
            if self.session.ended {
                self.phase = Phase::Closed;
            }
        }
    }

    fn handle(&mut self, message: Frontend) {
        match (std::mem::replace(&mut self.phase, Phase::Closed), message) {
            (Phase::First, Frontend::SslRequest | Frontend::GssEncRequest) => {
                self.inject(b"N");
                self.phase = Phase::First;
            }
            (Phase::First, Frontend::Startup { parameters, .. }) => self.ask(parameters),
            (Phase::Password { user }, Frontend::Password(body)) => {
                let expected = match &self.auth {
                    Auth::Md5(password) => md5_answer(&user, password, SALT),
                    Auth::Cleartext(password) => password.clone().into_bytes(),
                    Auth::Trust | Auth::Scram { .. } => Vec::new(),
                };
                self.let_in_if(body.strip_suffix(b"\0") == Some(&expected[..]));
            }
            (Phase::SaslInitial, Frontend::Password(body)) => {
                let continued = self.continue_scram(&body);
                if continued.is_none() {
                    self.refuse("08P01", "malformed SCRAM message");
                }
            }
            (Phase::SaslResponse(scram), Frontend::Password(body)) => {
                let last = scram.last(&body);
                if let Some(last) = &last {
                    self.inject(&backend::authentication_sasl_final(last));
                }
                self.let_in_if(last.is_some());
            }
            (Phase::Open, message) => {
                self.phase = Phase::Open;
                self.session.handle(message);
            }
            // A cancel request goes to another server than this one; the rest is nonsense.
            _ => {}
        }
    }

    fn ask(&mut self, parameters: Vec<(String, String)>) {
        let user = parameters.iter().find(|(name, _)| name == "user");
        let Some((_, user)) = user else {
            return self.refuse(
                "28000",
                "no PostgreSQL user name specified in startup packet",
            );
        };
        let user = user.clone();
        self.parameters = parameters;
        match &self.auth {
            Auth::Trust => self.let_in_if(true),
            Auth::Cleartext(_) => {
                self.inject(&backend::authentication_cleartext());
                self.phase = Phase::Password { user };
            }
            Auth::Md5(_) => {
                self.inject(&backend::authentication_md5(SALT));
                self.phase = Phase::Password { user };
            }
            Auth::Scram { .. } => {
                self.inject(&backend::authentication_sasl(&["SCRAM-SHA-256"]));
                self.phase = Phase::SaslInitial;
            }
        }
    }

    fn continue_scram(&mut self, body: &[u8]) -> Option<()> {
        let Auth::Scram {
            password,
            iterations,
        } = &self.auth
        else {
            return None;
        };
        let (mechanism, initial) = Frontend::sasl_initial(body).ok()?;
        let initial = initial.filter(|_| mechanism == "SCRAM-SHA-256")?;
        let mut scram = ScramServer::new(password, &SALT, *iterations, "of-the-server");
        let first = scram.first(&initial)?;
        self.inject(&backend::authentication_sasl_continue(first));
        self.phase = Phase::SaslResponse(Box::new(scram));
        Some(())
    }

    fn let_in_if(&mut self, right: bool) {
        if right {
            self.inject(&backend::let_in());
            self.phase = Phase::Open;
        } else {
            self.refuse("28P01", "password authentication failed");
        }
    }

    fn refuse(&mut self, sqlstate: &str, text: &str) {
        self.inject(&backend::error_response("FATAL", sqlstate, text));
        self.phase = Phase::Closed;
    }
}

/// Facts.
impl ModelServer {
    /// True once it has closed the connection, behind whatever it has sent.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// True when it is open and waits for a query, in no transaction, and nothing is half done: no open segment, no skipping, no COPY, no
    /// part of a message.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.session.is_idle() && self.reader.waiting() == 0
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
        let pairs = self.parameters.iter();
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
