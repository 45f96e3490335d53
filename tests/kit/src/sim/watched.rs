//! A core that is watched: whatever it does is held against what it promises.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is what Watched is for, and says so"
)]

mod promises;

use std::fmt::{self, Debug};
use std::sync::Arc;

use purepg_proto::{
    Batch, Columns, Connection, CopyEnd, DeriveKey, Event, Limits, Nonce, OpId, Outcome,
    ProtocolError, Startup, StartupEvent, TlsFacts, UsageError,
};

use crate::cut::ENTROPY;

/// No call allocates more than this and what has gone either way so far, some times over.
const LARGEST_GROWTH: usize = 512 * 1024;

/// A core, and what became of each operation that was begun on it: `op0`, `op1`, …
///
/// Every call checks
///
/// * that there is output exactly when the core wants to write, and space exactly when it wants to read, that this is when there is nothing
///   to tell without more bytes, and that the space is no larger than what has arrived so far and a constant;
/// * that a batch which comes to nothing leaves no trace;
/// * that no call allocates more than has gone either way, some times over, and a constant ([`measured`](Watched::measured));
/// * that an operation gets replies until it ends, ends once, and gets none once it was abandoned;
/// * that what comes once the connection has ended is one end for each operation that is under way, then `Closed`, then always the same
///   error, and that nothing is left over then.
///
/// # Panics
/// All its methods, when the core breaks one of these promises.
pub struct Watched {
    core: Connection,
    ops: Vec<OpId>,
    fates: Vec<Fate>,
    under_way: usize,
    job: Option<Box<DeriveKey>>,
    /// The core has asked for something without which it does not go on.
    asked: bool,
    awaits_tls: bool,
    arrived: usize,
    sent: usize,
    allocated: Option<fn() -> usize>,
    /// The columns that were told last.
    columns: Option<Arc<Columns>>,
    closed: bool,
    error: Option<ProtocolError>,
    log: Vec<String>,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Something is owed to it.
    UnderWay,
    /// It ended.
    Ended(Outcome),
    /// Its owner gave it up.
    Abandoned,
}

impl Watched {
    /// A core that is about to begin.
    pub fn new(startup: Startup, limits: Limits) -> Self {
        Self {
            core: Connection::new(startup, Nonce::from_entropy(ENTROPY), limits),
            ops: Vec::new(),
            fates: Vec::new(),
            under_way: 0,
            job: None,
            asked: false,
            awaits_tls: false,
            arrived: 0,
            sent: 0,
            allocated: None,
            columns: None,
            closed: false,
            error: None,
            log: Vec::new(),
        }
    }

    /// The same, and what its calls allocate is measured: `allocated` tells how many bytes were allocated so far, by whomever, those that
    /// were given back included.
    #[must_use]
    pub fn measured(mut self, allocated: fn() -> usize) -> Self {
        self.allocated = Some(allocated);
        self
    }

    fn call<T>(&mut self, act: impl FnOnce(&mut Connection) -> T) -> T {
        let Some(allocated) = self.allocated else {
            return act(&mut self.core);
        };
        let before = allocated();
        let result = act(&mut self.core);
        let grown = allocated() - before;
        let moved = self.arrived + self.sent + self.core.output().len();
        assert!(
            grown <= LARGEST_GROWTH + 32 * moved,
            "{grown} bytes allocated for {moved}"
        );
        result
    }

    /// Begins an operation; gives its number.
    ///
    /// # Errors
    /// Why it could not be begun.
    pub fn begin(&mut self, write: impl FnOnce(&mut Batch<'_>)) -> Result<usize, UsageError> {
        let before = self.traces();
        let committed = self.call(|core| {
            let mut batch = core.batch();
            write(&mut batch);
            batch.commit()
        });
        match &committed {
            Ok(op) => {
                assert!(self.ops.last() < Some(op), "numbers grow");
                self.ops.push(*op);
                self.fates.push(Fate::UnderWay);
                self.under_way += 1;
            }
            Err(_) => assert_eq!(self.traces(), before, "a batch that is refused"),
        }
        self.check();
        committed.map(|_| self.ops.len() - 1)
    }

    /// Puts a sync behind an operation, by its number.
    ///
    /// # Errors
    /// Those of the core.
    pub fn sync_behind(&mut self, op: usize) -> Result<(), UsageError> {
        let before = self.traces();
        let id = self.ops[op];
        let synced = self.call(|core| core.sync_behind(id));
        match &synced {
            Ok(()) => assert_eq!(self.fates[op], Fate::UnderWay),
            Err(_) => assert_eq!(self.traces(), before, "a sync that is refused"),
        }
        self.check();
        synced
    }

    /// Writes a batch, and drops it.
    pub fn roll_back(&mut self, write: impl FnOnce(&mut Batch<'_>)) {
        let before = self.traces();
        self.call(|core| write(&mut core.batch()));
        assert_eq!(self.traces(), before, "a batch that is dropped");
        self.check();
    }

    fn traces(&self) -> (usize, usize) {
        (self.core.output().len(), self.core.in_flight())
    }

    /// Abandons an operation, by its number.
    pub fn abandon(&mut self, op: usize) {
        let id = self.ops[op];
        self.call(|core| core.abandon(id));
        self.note_abandoned(op);
        self.check();
    }

    /// Abandons all of them.
    pub fn abandon_all(&mut self) {
        self.call(Connection::abandon_all);
        (0..self.ops.len()).for_each(|op| self.note_abandoned(op));
        self.check();
    }

    /// The same, and what is not committed yet is undone.
    pub fn abort_all(&mut self) {
        self.call(Connection::abort_all);
        (0..self.ops.len()).for_each(|op| self.note_abandoned(op));
        self.check();
    }

    fn note_abandoned(&mut self, op: usize) {
        if self.fates[op] == Fate::UnderWay {
            self.fates[op] = Fate::Abandoned;
            self.under_way -= 1;
        }
    }

    /// Sends data of a `COPY`, by the number of its operation; gives how much of it was taken.
    ///
    /// # Errors
    /// Those of the core.
    pub fn copy_data(&mut self, op: usize, data: &[u8]) -> Result<usize, UsageError> {
        let id = self.ops[op];
        let taken = self.call(|core| core.copy_data(id, data));
        if let Ok(n) = &taken {
            assert!(*n <= data.len() && self.fates[op] == Fate::UnderWay);
        }
        self.check();
        taken
    }

    /// Ends the data of a `COPY`, by the number of its operation.
    ///
    /// # Errors
    /// Those of the core.
    pub fn copy_finish(&mut self, op: usize, end: CopyEnd<'_>) -> Result<(), UsageError> {
        let id = self.ops[op];
        let finished = self.call(|core| core.copy_finish(id, end));
        if finished.is_ok() {
            assert_eq!(self.fates[op], Fate::UnderWay);
        }
        self.check();
        finished
    }

    /// Derives the key that was asked for, if one was.
    pub fn derive(&mut self) {
        if let Some(job) = self.job.take() {
            self.asked = false;
            let keys = job.run();
            match self.call(|core| core.key_derived(keys)) {
                Ok(()) => {}
                // The connection may have ended meanwhile.
                Err(error) => assert_eq!(error, UsageError::NoDerivation),
            }
            self.check();
        }
    }

    /// True while it waits for the handshake of TLS.
    pub fn awaits_tls(&self) -> bool {
        self.awaits_tls
    }

    /// The handshake of TLS has given this.
    pub fn tls_established(&mut self, facts: TlsFacts) {
        let established = self.call(|core| core.tls_established(facts));
        // The connection may have ended meanwhile, or waits for no such thing.
        let awaited = self.awaits_tls && !self.core.is_dead();
        assert!(established.is_err() || self.awaits_tls, "{established:?}");
        assert!(established.is_ok() || !awaited, "{established:?}");
        self.awaits_tls = false;
        self.asked = self.job.is_some();
        self.check();
    }

    /// Says good-bye.
    pub fn terminate(&mut self) {
        self.call(Connection::terminate);
        self.check();
    }

    /// Takes the first `n` bytes of what waits to be sent, or all of it.
    pub fn send(&mut self, n: usize) -> Vec<u8> {
        let n = n.min(self.core.output().len());
        let sent = self.core.output()[..n].to_vec();
        self.call(|core| core.output_sent(n));
        self.sent += n;
        self.check();
        sent
    }

    /// Puts bytes of the server into the space that is lent; gives how many there was room for.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let n = self.call(|core| {
            let space = core.recv_space();
            let n = space.len().min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            core.recv_filled(n);
            n
        });
        self.arrived += n;
        self.check();
        n
    }

    /// Has bytes of the server copied.
    ///
    /// # Errors
    /// Those of the core, which has taken nothing then.
    pub fn copy(&mut self, bytes: &[u8]) -> Result<(), UsageError> {
        let wanted = self.core.wants_read();
        self.arrived += bytes.len();
        let taken = self.call(|core| core.recv_bytes(bytes));
        assert!(wanted || taken.is_err());
        self.check();
        taken
    }

    /// The end of the stream.
    pub fn eof(&mut self) {
        self.call(Connection::recv_eof);
        self.check();
    }

    /// Confirms more than was lent, of what is read or of what is sent: the connection ends.
    pub fn confirm_too_much(&mut self, read: bool) {
        if read {
            let lent = self.core.recv_space().len();
            self.call(|core| core.recv_filled(lent + 1));
        } else {
            let lent = self.core.output().len();
            self.call(|core| core.output_sent(lent + 1));
        }
        assert!(self.core.is_dead());
        self.check();
    }

    /// Takes an event, if there is one.
    pub fn take(&mut self) -> bool {
        let ending = self.core.is_dead();
        let wanted = self.core.wants_read();
        let event = match self.call(Connection::next_event) {
            Ok(event) => event,
            Err(error) => {
                self.note_error(error);
                None
            }
        };
        let taken = event.is_some();
        match event {
            Some(event) => {
                assert!(!self.closed, "the end is the last event, not {event:?}");
                assert!(!wanted, "it wanted more bytes for what it had: {event:?}");
                self.note(&event, ending);
                if let Event::Startup(StartupEvent::DeriveKey(job)) = event {
                    self.job = Some(job);
                }
            }
            None => assert!(
                self.core.wants_read()
                    || self.core.wants_write()
                    || self.asked
                    || self.error.is_some(),
                "it has nothing to tell, to send or to ask, and wants nothing: {:?}",
                self.core
            ),
        }
        self.check();
        taken
    }
}

/// Facts.
impl Watched {
    /// The core.
    pub fn core(&self) -> &Connection {
        &self.core
    }

    /// What became of each operation.
    pub fn fates(&self) -> &[Fate] {
        &self.fates
    }

    /// The columns that were told last.
    pub fn columns(&self) -> Option<Arc<Columns>> {
        self.columns.clone()
    }

    /// True once everything was told, and the error that stays.
    pub fn is_over(&self) -> bool {
        self.error.is_some()
    }

    /// What was told, and what was remarked, line by line.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Puts a line into the log.
    pub fn remark(&mut self, line: String) {
        self.log.push(line);
    }
}

impl Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("core", &self.core)
            .field("fates", &self.fates)
            .finish_non_exhaustive()
    }
}
