//! A client and a server in one thread, step by step: bytes move, events are taken and faults happen only by a [`Step`], so that a run is
//! what its steps are, and is the same each time.
//!
//! The client is a core under watch ([`Watched`]), the server a [`ModelServer`]. Steps come from a strategy of `proptest`, from a fuzzer, or
//! from a seed ([`Sim::play`]). When a run that came from one of the latter two panics, its log is printed, and its seed.
//!
//! There is no time: what takes long takes many steps.

mod chance;
mod finish;
mod operation;
mod watched;

pub use chance::{Chance, Mix, seeds};
pub use operation::{
    BLOCKS, COMMANDS, COPIES, ENDS, End, HARMLESS, Operation, SEVERAL, STREAMS, insert,
};
pub use watched::{Fate, Watched};

use purepg_proto::{CopyEnd, Limits, Startup, TlsFacts, Transport, UsageError};

use crate::scripted::{Auth, ModelServer};

/// The hash of the certificate of every server that has one.
pub const CERTIFICATE_HASH: &[u8; 32] = b"the hash of a server certificate";

/// More rounds than any run takes until nobody has anything to say.
const TOO_MANY: usize = 10_000;

/// What somebody does next, or what happens. What cannot be done then comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The client begins an operation.
    Begin(Operation),
    /// The client begins one, and thinks better of it.
    RollBack(Operation),
    /// The client puts a sync behind one of its operations, counted from the newest.
    SyncBehind(usize),
    /// The client abandons one of its operations, counted from the newest.
    Abandon(usize),
    /// The client abandons all of them.
    AbandonAll,
    /// The same, and what is not committed yet is undone.
    AbortAll,
    /// The client sends so many bytes of a `COPY`, by its operation, counted from the newest.
    CopyData(usize, usize),
    /// The client ends the data of a `COPY`, or gives it up.
    CopyFinish(usize, bool),
    /// The client derives the key that it needs.
    Derive,
    /// The handshake of TLS, if it is time for it.
    Handshake,
    /// The client says good-bye.
    Terminate,
    /// So many bytes reach the server, which answers.
    Send(usize),
    /// So many bytes reach the client.
    Deliver(usize),
    /// The client takes so many events.
    Take(usize),
    /// Something breaks.
    Fault(Fault),
}

/// What can happen to the stream. A place counts the bytes that are on their way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// So many steps that would move bytes move none.
    Stall(usize),
    /// The server goes away. What it has sent arrives.
    End,
    /// The stream ends here: what is on its way behind the place is lost.
    Cut(usize),
    /// The stream is reset: what is on its way is lost.
    Reset,
    /// A byte that nobody sent.
    Garbage(usize, u8),
    /// A byte that is lost.
    Dropped(usize),
    /// Bits that flip.
    Flipped(usize, u8),
}

/// A client, a server, and what is on its way between them.
#[derive(Debug)]
pub struct Sim {
    client: Watched,
    server: ModelServer,
    /// Sent by the server, and not there yet.
    on_its_way: Vec<u8>,
    begun: Vec<Begun>,
    stalled: usize,
    damaged: bool,
    seed: Option<u64>,
    /// Its log is printed when the run panics.
    shown: bool,
}

/// An operation that was begun.
#[derive(Debug)]
struct Begun {
    operation: Operation,
    /// It was abandoned before any of it was sent.
    unsent: bool,
    /// The data that was sent for it, piece by piece.
    data: Vec<Vec<u8>>,
}

impl Sim {
    /// A client and a server that have not spoken yet. Should the client ask for TLS, the handshake gives it this server's certificate.
    pub fn new(startup: Startup, server: ModelServer) -> Self {
        Self {
            client: Watched::new(startup, Limits::default()),
            server,
            on_its_way: Vec::new(),
            begun: Vec::new(),
            stalled: 0,
            damaged: false,
            seed: None,
            shown: false,
        }
    }

    /// A client that is let in without TLS and without a password.
    ///
    /// # Panics
    /// When it is not.
    pub fn open() -> Self {
        let startup = Startup::new("me", Transport::UnixSocket);
        let mut sim = Self::new(startup, ModelServer::new(Auth::Trust));
        sim.settle();
        assert!(sim.client.core().is_idle());
        sim
    }

    /// One step.
    pub fn step(&mut self, step: &Step) {
        self.client.remark(format!("> {step:?}"));
        match step {
            Step::Begin(operation) => self.begin(operation),
            Step::RollBack(operation) => self
                .client
                .roll_back(|batch| operation.write(batch, usize::MAX)),
            Step::SyncBehind(back) => self.of(*back, Self::sync_behind),
            Step::Abandon(back) => self.of(*back, Self::abandon),
            Step::AbandonAll | Step::AbortAll => {
                (0..self.begun.len()).for_each(|op| self.note_unsent(op));
                if *step == Step::AbandonAll {
                    self.client.abandon_all();
                } else {
                    self.client.abort_all();
                }
            }
            Step::CopyData(back, n) => self.of(*back, |sim, op| sim.copy_data(op, *n)),
            Step::CopyFinish(back, done) => self.of(*back, |sim, op| {
                let end = if *done {
                    CopyEnd::Done
                } else {
                    CopyEnd::Fail("no more")
                };
                let _ = sim.client.copy_finish(op, end);
            }),
            Step::Derive => self.client.derive(),
            Step::Handshake => self.handshake(),
            Step::Terminate => self.client.terminate(),
            Step::Send(n) if self.moves() => self.send(*n),
            Step::Deliver(n) if self.moves() => self.deliver(*n),
            Step::Send(_) | Step::Deliver(_) => {}
            Step::Take(n) => {
                self.take(*n);
            }
            Step::Fault(fault) => self.fault(*fault),
        }
    }

    fn of(&mut self, back: usize, act: impl FnOnce(&mut Self, usize)) {
        if let Some(op) = self.begun.len().checked_sub(back + 1) {
            act(self, op);
        }
    }

    fn begin(&mut self, operation: &Operation) {
        let number = self.begun.len();
        let begun = self.client.begin(|batch| operation.write(batch, number));
        if let Err(UsageError::Replication { .. }) = begun {
            // Such a connection takes simple queries only.
            return;
        }
        assert_eq!(begun.is_ok(), self.client.core().is_open(), "{begun:?}");
        if let Ok(op) = begun {
            assert_eq!(op, number);
            self.begun.push(Begun {
                operation: operation.clone(),
                unsent: false,
                data: Vec::new(),
            });
        }
    }

    fn sync_behind(&mut self, op: usize) {
        if self.client.sync_behind(op).is_ok() {
            assert_eq!(op + 1, self.begun.len(), "it is not the last one");
            if let Operation::Extended { end, .. } | Operation::Again { end, .. } =
                &mut self.begun[op].operation
            {
                *end = End::Sync;
            }
        }
    }

    fn abandon(&mut self, op: usize) {
        self.note_unsent(op);
        self.client.abandon(op);
    }

    fn note_unsent(&mut self, op: usize) {
        if self.client.fates()[op] == Fate::UnderWay {
            // The whole message waits, its header too: nothing of it was sent. What is behind a fence waits, too, but is not shown.
            let text = [insert(op).as_bytes(), b"\0"].concat();
            let output = self.client.core().output();
            let at = output.windows(text.len()).position(|window| window == text);
            let header = match self.begun[op].operation {
                Operation::Query(_) => 5,
                // Behind the Parse, Bind and Execute of its command.
                Operation::Led(command, _) => command.len() + 9 + 13 + 10 + 6,
                _ => 6,
            };
            self.begun[op].unsent = at.is_some_and(|at| at >= header);
        }
    }

    fn handshake(&mut self) {
        if self.client.awaits_tls() && !self.server.is_closed() {
            self.server.handshake();
            let facts = TlsFacts::new().verified(true).alpn(*TlsFacts::ALPN);
            let facts = facts.server_end_point(CERTIFICATE_HASH);
            self.client.tls_established(facts);
        }
    }

    fn copy_data(&mut self, op: usize, n: usize) {
        let piece = self.begun[op].data.len();
        let mut data = format!("{op}.{piece} ").into_bytes();
        data.resize(data.len() + n.min(100_000), b'x');
        if let Ok(n @ 1..) = self.client.copy_data(op, &data) {
            data.truncate(n);
            self.begun[op].data.push(data);
        }
    }

    /// True when bytes move, and no stall holds them.
    fn moves(&mut self) -> bool {
        let held = self.stalled > 0;
        self.stalled = self.stalled.saturating_sub(1);
        !held
    }

    fn send(&mut self, n: usize) {
        // Whoever writes to a server that is gone gets an error, and goes on reading.
        if !self.server.is_closed() {
            let sent = self.client.send(n);
            self.server.receive(&sent);
            self.on_its_way.extend(self.server.take_output());
        }
    }

    fn deliver(&mut self, n: usize) {
        if self.on_its_way.is_empty() {
            if self.server.is_closed() {
                self.client.eof();
            }
            return;
        }
        let n = n.min(self.on_its_way.len());
        let received = self.client.receive(&self.on_its_way[..n]);
        self.on_its_way.drain(..received);
    }

    /// Takes up to `n` events; tells how many there were.
    fn take(&mut self, n: usize) -> usize {
        (0..n).take_while(|_| self.client.take()).count()
    }

    fn fault(&mut self, fault: Fault) {
        let waiting = self.on_its_way.len();
        match fault {
            Fault::Stall(steps) => return self.stalled = steps,
            Fault::End => self.server.close(),
            Fault::Cut(place) => {
                self.on_its_way.truncate(place);
                self.server.close();
            }
            Fault::Reset => {
                self.on_its_way.clear();
                self.server.close();
            }
            Fault::Garbage(place, byte) => self.on_its_way.insert(place.min(waiting), byte),
            Fault::Dropped(place) if place < waiting => {
                self.on_its_way.remove(place);
            }
            Fault::Flipped(place, bits) if place < waiting && bits != 0 => {
                self.on_its_way[place] ^= bits;
            }
            Fault::Dropped(_) | Fault::Flipped(..) => return,
        }
        self.damaged = true;
    }

    /// Until nobody has anything to say.
    ///
    /// # Panics
    /// When that never comes.
    pub fn settle(&mut self) {
        self.stalled = 0;
        for _ in 0..TOO_MANY {
            let before = self.on_its_way.len();
            self.handshake();
            self.client.derive();
            (0..self.begun.len()).for_each(|op| {
                let _ = self.client.copy_finish(op, CopyEnd::Done);
            });
            self.send(usize::MAX);
            self.deliver(usize::MAX);
            let taken = self.take(usize::MAX);
            let quiet = taken == 0 && before == 0 && self.on_its_way.is_empty();
            let closed = self.server.is_closed();
            if self.client.is_over() || (quiet && !self.client.core().wants_write() && !closed) {
                return;
            }
        }
        panic!("they never come to an end");
    }
}

/// Facts.
impl Sim {
    /// The client.
    pub fn client(&self) -> &Watched {
        &self.client
    }

    /// The server.
    pub fn server(&self) -> &ModelServer {
        &self.server
    }

    /// True when a fault has changed what arrives.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// True when an operation was abandoned before any of it was sent, as far as that can be seen.
    pub fn was_unsent(&self, op: usize) -> bool {
        self.begun[op].unsent
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if self.shown && std::thread::panicking() {
            eprintln!("{}", self.client.log().join("\n"));
            if let Some(seed) = self.seed {
                eprintln!("this was seed {seed}: with SIM_SEED={seed} the test plays it alone");
            }
        }
    }
}
