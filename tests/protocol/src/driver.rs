//! A core that a test drives by hand: nothing is sent, fed or taken but by its word.

use purepg_proto::{
    Batch, Connection, CopyEnd, Event, Limits, Nonce, OpId, Startup, StartupEvent, TlsFacts,
    Transport,
};
use purepg_testkit::backend;
use purepg_testkit::cut::{ENTROPY, begin, show};
use purepg_testkit::frontend::{Frontend, FrontendReader};
use purepg_testkit::scripted::ModelServer;

/// A core, and the operations that were begun on it: `op0`, `op1`, …
#[derive(Debug)]
pub struct Driver {
    /// The core.
    pub core: Connection,
    /// The operations, oldest first.
    pub ops: Vec<OpId>,
    /// What TLS gives as soon as it is asked for; `None` leaves it to the test.
    pub tls: Option<TlsFacts>,
    reader: FrontendReader,
}

/// A user without a password, over a Unix socket.
pub fn startup() -> Startup {
    Startup::new("me", Transport::UnixSocket)
}

impl Driver {
    /// A core that is about to begin.
    pub fn new(startup: Startup, limits: Limits) -> Self {
        Self {
            core: Connection::new(startup, Nonce::from_entropy(ENTROPY), limits),
            ops: Vec::new(),
            tls: Some(TlsFacts::new()),
            reader: FrontendReader::new(),
        }
    }

    /// A core that is open.
    pub fn open() -> Self {
        Self::open_with(Limits::default())
    }

    /// A core that is open, with limits of one's own.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open_with(limits: Limits) -> Self {
        let mut driver = Self::new(startup(), limits);
        driver.send();
        assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
        driver
    }

    /// Begins an operation.
    pub fn begin(&mut self, write: impl FnOnce(&mut Batch<'_>)) {
        begin(&mut self.core, &mut self.ops, write);
    }

    /// Begins a simple query.
    pub fn query(&mut self, sql: &str) {
        self.begin(|batch| {
            batch.query(sql);
        });
    }

    /// Begins an operation that is nothing but a sync.
    pub fn sync(&mut self) {
        self.begin(|batch| {
            batch.sync();
        });
    }

    /// Begins a simple query that is declared to be a `COPY FROM STDIN`.
    pub fn copy_in(&mut self, sql: &str) {
        self.begin(|batch| {
            batch.query(sql).copy_in();
        });
    }

    /// Sends data of an operation, by its number: all of it.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn data(&mut self, op: usize, data: &[u8]) {
        assert_eq!(self.core.copy_data(self.ops[op], data), Ok(data.len()));
    }

    /// Ends the data of an operation, by its number.
    ///
    /// # Panics
    /// When it is not copying.
    pub fn done(&mut self, op: usize) {
        let done = self.core.copy_finish(self.ops[op], CopyEnd::Done);
        assert_eq!(done, Ok(()));
    }

    /// Abandons an operation, by its number.
    pub fn abandon(&mut self, op: usize) {
        self.core.abandon(self.ops[op]);
    }

    /// Sends everything that waits; gives the messages that are whole now.
    pub fn send(&mut self) -> Vec<Frontend> {
        self.send_bytes(self.core.output().len())
    }

    /// Sends the first `n` bytes of what waits; gives the messages that are whole now.
    ///
    /// # Panics
    /// When they are no messages.
    pub fn send_bytes(&mut self, n: usize) -> Vec<Frontend> {
        self.reader.push(&self.core.output()[..n]);
        self.core.output_sent(n);
        let next = || self.reader.next_message().expect("messages are sent");
        std::iter::from_fn(next).collect()
    }

    /// Takes what a server sends, then every event that there is, line by line as [`cut`](purepg_testkit::cut) writes them. Keys are
    /// derived as they are asked for, and TLS is there as it is asked for.
    ///
    /// # Panics
    /// When the core wants no input.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        self.core.recv_bytes(bytes).expect("input is wanted");
        self.take()
    }

    /// Lets the two talk until neither has anything to say; gives the events.
    ///
    /// # Panics
    /// When the core sends what the server cannot read.
    pub fn converse(&mut self, server: &mut ModelServer) -> Vec<String> {
        let mut lines = self.take();
        loop {
            if self.core.tls().is_some() {
                server.handshake();
            }
            let n = self.core.output().len();
            server.receive(self.core.output());
            self.core.output_sent(n);
            let answer = server.take_output();
            if !answer.is_empty() {
                lines.extend(self.feed(&answer));
            } else if server.is_closed() && !self.core.is_dead() {
                lines.extend(self.eof());
            } else if self.core.output().is_empty() {
                return lines;
            }
        }
    }

    /// The end of the stream, then every event that there is.
    pub fn eof(&mut self) -> Vec<String> {
        self.core.recv_eof();
        self.take()
    }

    /// Every event that there is.
    ///
    /// # Panics
    /// When keys are not taken that are asked for.
    pub fn take(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.core.next_event() {
                Ok(None) => return lines,
                Ok(Some(Event::Startup(StartupEvent::DeriveKey(job)))) => {
                    self.core.key_derived(job.run()).expect("keys are awaited");
                }
                Ok(Some(event)) => {
                    lines.extend(show(&event, &self.ops));
                    if matches!(event, Event::Startup(StartupEvent::UpgradeToTls))
                        && let Some(facts) = self.tls.clone()
                    {
                        self.core.tls_established(facts).expect("TLS is awaited");
                    }
                }
                Err(error) => {
                    lines.push(format!("Err {error}"));
                    return lines;
                }
            }
        }
    }
}
