//! The façade: it decides nothing.

mod abandon;
mod batches;
mod copy;
mod ending;
mod entry;
mod frames;
mod open;
mod phase;
mod startup;
mod tls;

use alloc::boxed::Box;

use crate::OpId;
use crate::auth::Nonce;
use crate::buffer::receive::ReceiveBuffer;
use crate::buffer::send::SendBuffer;
use crate::copy::CopyEnd;
use crate::error::{ProtocolError, UsageError};
use crate::event::{Event, Outcome};
use crate::limits::Limits;
use crate::message::backend::backend_key_data::CancelKey;
use crate::message::backend::ready_for_query::TransactionStatus;
use crate::message::frontend::extended;
use crate::parameters::Parameters;
use crate::pipeline::batch::Batch;
use crate::pipeline::queue::Queue;
use crate::rows::Described;
use crate::startup::Startup;
use crate::wire::frame::{Front, front};

use entry::Entry;
use phase::Phase;

/// A connection to a PostgreSQL server, without the connection: somebody else carries the bytes.
///
/// # The driver's loop
///
/// ```text
/// loop {
///     while let Some(event) = connection.next_event()? { handle(event) }    // first what is known already
///     while connection.wants_write() {
///         let n = stream.write(connection.output())?;                       // then what waits to be sent
///         connection.output_sent(n);
///     }
///     if connection.wants_read() {
///         match stream.read(connection.recv_space())? {                     // then what comes
///             0 => connection.recv_eof(),
///             n => connection.recv_filled(n),
///         }
///     }
/// }
/// ```
///
/// A driver that can be blocked while it writes goes on reading meanwhile: two peers that only write wait for each other. Where
/// [`Startup::tls`] asks for TLS, [`StartupEvent::UpgradeToTls`](crate::StartupEvent::UpgradeToTls) comes: then the driver puts a stream of TLS
/// in the socket's place, and goes on.
///
/// # Methods
///
/// * **Birth**: [`new`](Self::new).
/// * **Bytes in**, lent and confirmed: [`recv_space`](Self::recv_space), [`recv_filled`](Self::recv_filled),
///   [`recv_eof`](Self::recv_eof); [`recv_bytes`](Self::recv_bytes) copies.
/// * **Bytes out**, lent and confirmed: [`output`](Self::output), [`output_sent`](Self::output_sent).
/// * **Interest**: [`wants_read`](Self::wants_read), [`wants_write`](Self::wants_write).
/// * **What happened**: [`next_event`](Self::next_event), one fact at a time. State moves as events are taken, so bytes that wait are
///   the only queue there is.
/// * **What to do**: [`batch`](Self::batch), [`sync_behind`](Self::sync_behind), [`copy_data`](Self::copy_data), [`copy_finish`](Self::copy_finish),
///   [`abandon`](Self::abandon), [`abandon_all`](Self::abandon_all), [`tls_established`](Self::tls_established),
///   [`password_given`](Self::password_given), [`token_given`](Self::token_given), [`key_derived`](Self::key_derived), [`terminate`](Self::terminate). They are synchronous and bounded, and what they write waits in
///   the output: a driver that is dropped between any two calls has lost nothing.
/// * **Facts**: [`transaction_status`](Self::transaction_status), [`parameter`](Self::parameter),
///   [`cancel_key`](Self::cancel_key), [`tls`](Self::tls), [`protocol_version`](Self::protocol_version),
///   [`auth_method`](Self::auth_method), [`in_flight`](Self::in_flight), [`is_at_rest`](Self::is_at_rest), [`is_idle`](Self::is_idle), [`is_dead`](Self::is_dead).
///
/// # Errors
///
/// Whoever is to blame stands in the type: [`ProtocolError`] is the peer's fault and ends the connection, [`UsageError`] the caller's,
/// and harms nothing. What a server reports is data. When a connection ends, for whatever reason, every operation that is under way gets
/// one [`Outcome::Lost`], then comes [`Event::Closed`], and from then on the same error.
#[derive(Debug)]
pub struct Connection {
    /// Poisoned for good by the first error.
    phase: Result<Phase, ProtocolError>,
    receive: ReceiveBuffer,
    send: SendBuffer,
    queue: Queue,
    /// The operation that ended with the message before: its end is handed out next.
    finished: Option<(OpId, Outcome)>,
    startup: Box<Startup>,
    nonce: Nonce,
    limits: Limits,
    entry: Entry,
    parameters: Parameters,
    cancel_key: Option<CancelKey>,
    transaction_status: TransactionStatus,
    muted_errors: u64,
    described: Described,
    /// Where the output and the queue stood when the batch began that is being written.
    batch: Option<(usize, usize)>,
    eof: bool,
    terminating: bool,
}

/// Birth.
impl Connection {
    /// A connection that is about to begin: its `StartupMessage` waits to be sent, or what comes before it for TLS.
    ///
    /// The `nonce` is all the randomness there is: it must be new for every connection. A `startup` that no server accepts (a NUL
    /// byte, an empty or a reserved name, more than 10,000 bytes), or that contradicts itself, is reported by the first
    /// [`next_event`](Self::next_event).
    pub fn new(startup: Startup, nonce: Nonce, limits: Limits) -> Self {
        let mut connection = Self {
            phase: Ok(Phase::Handling { state: "Beginning" }),
            receive: ReceiveBuffer::new(),
            send: SendBuffer::default(),
            queue: Queue::default(),
            finished: None,
            entry: Entry::new(&startup),
            startup: Box::new(startup),
            nonce,
            limits,
            parameters: Parameters::default(),
            cancel_key: None,
            transaction_status: TransactionStatus::Idle,
            muted_errors: 0,
            described: Described::default(),
            batch: None,
            eof: false,
            terminating: false,
        };
        if let Err(error) = connection.begin() {
            connection.end_misused(error);
        }
        connection
    }
}

/// Bytes in.
impl Connection {
    /// Space to read into: not empty exactly when [`wants_read`](Self::wants_read). What stands in it is of no meaning.
    ///
    /// It is a single byte while the answer to `SSLRequest` is awaited, so that nothing which was sent in the clear is taken for what came
    /// through TLS.
    pub fn recv_space(&mut self) -> &mut [u8] {
        if !self.wants_read() {
            return self.receive.nothing();
        }
        if self.awaits_tls_answer() {
            return self.receive.one_byte();
        }
        let frame = match front(self.receive.data()) {
            Front::Frame { len, .. } => Some(len),
            Front::Partial | Front::BadLength { .. } => None,
        };
        self.receive.space(frame)
    }

    /// Confirms that the first `n` bytes of the space hold what was read. More than was lent ends the connection.
    pub fn recv_filled(&mut self, n: usize) {
        let lent = self.receive.lent();
        if !self.receive.filled(n) {
            self.end_misused(UsageError::ConfirmedTooMuch { confirmed: n, lent });
        }
    }

    /// The stream has ended: nothing more will come. What has come is still handed out.
    pub fn recv_eof(&mut self) {
        self.eof = true;
    }

    /// Takes bytes that are somewhere else already, by copying them.
    ///
    /// # Errors
    /// [`UsageError::InputNotWanted`] while [`wants_read`](Self::wants_read) is false, [`UsageError::BehindTlsAnswer`] for more than one byte
    /// while the answer to `SSLRequest` is awaited; nothing was taken.
    pub fn recv_bytes(&mut self, data: &[u8]) -> Result<(), UsageError> {
        if !self.wants_read() {
            return Err(UsageError::InputNotWanted);
        }
        if self.awaits_tls_answer() && data.len() > 1 {
            return Err(UsageError::BehindTlsAnswer { given: data.len() });
        }
        let mut rest = data;
        while !rest.is_empty() {
            let space = self.receive.space(None);
            let n = space.len().min(rest.len());
            let (now, later) = rest.split_at(n);
            if let Some(space) = space.get_mut(..n) {
                space.copy_from_slice(now);
            }
            self.receive.filled(n);
            rest = later;
        }
        Ok(())
    }
}

/// Bytes out.
impl Connection {
    /// What is to be sent: not empty exactly when [`wants_write`](Self::wants_write).
    ///
    /// Between this and [`output_sent`](Self::output_sent) nothing else may be called: [`abandon`](Self::abandon) removes what it takes
    /// for unsent. Who hands buffers to the operating system to be sent later copies them.
    pub fn output(&self) -> &[u8] {
        let pending = self.send.pending();
        let fence = self.queue.fence().and_then(|place| self.send.index(place));
        // A batch that was forgotten is not committed.
        let batch = self.batch.map(|(mark, _)| mark);
        let end = pending
            .len()
            .min(fence.unwrap_or(usize::MAX))
            .min(batch.unwrap_or(usize::MAX));
        pending.get(..end).unwrap_or_default()
    }

    /// Confirms that the first `n` bytes of the output were sent. More than was lent ends the connection.
    pub fn output_sent(&mut self, n: usize) {
        self.forget_batch();
        let lent = self.output().len();
        if n > lent || !self.send.confirm(n) {
            self.end_misused(UsageError::ConfirmedTooMuch { confirmed: n, lent });
        }
    }
}

/// Interest: pure functions of the buffers.
impl Connection {
    /// True when nothing goes on without more bytes; false while a whole message waits to be taken, while TLS is being established, and
    /// after the end.
    pub fn wants_read(&self) -> bool {
        if self.eof || self.finished.is_some() || self.queue.front_will_be_skipped() {
            return false;
        }
        if !matches!(&self.phase, Ok(phase) if !phase.is_ending()) {
            return false;
        }
        match front(self.receive.data()) {
            Front::Partial => self.wants_unframed(),
            Front::BadLength { .. } => false,
            Front::Frame { tag, len } => {
                self.receive.data().len() < len && self.refuses_frame(tag, len).is_none()
            }
        }
    }

    /// True while output waits.
    pub fn wants_write(&self) -> bool {
        !self.output().is_empty()
    }
}

/// What happened.
impl Connection {
    /// The next fact; `None` when bytes are needed.
    ///
    /// # Errors
    /// What ended the connection, once everything that was known has been handed out; from then on always the same.
    pub fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        self.forget_batch();
        self.next()
    }

    /// Errors that servers reported for operations that had been abandoned.
    pub fn muted_errors(&self) -> u64 {
        self.muted_errors
    }
}

/// What to do.
impl Connection {
    /// Begins an operation. Legal once the connection is open, whatever is under way.
    pub fn batch(&mut self) -> Batch<'_> {
        self.forget_batch();
        Batch::new(self)
    }

    /// Sends data of a `COPY FROM STDIN`, or of a replication stream, once the server awaits it
    /// ([`Reply::CopyIn`](crate::Reply::CopyIn), [`Reply::CopyBoth`](crate::Reply::CopyBoth)).
    ///
    /// Gives how much of it was taken. Less than all is backpressure: as much output waits as
    /// [`Limits::output_high_water`](Limits::output_high_water) allows, what stands behind the COPY aside; send some, and come again
    /// with the rest. What is taken at once is one message, of 1 MiB at the most; that of a stream is taken whole, or not at all.
    ///
    /// # Errors
    /// [`UsageError::NotCopying`] when the operation awaits no data: not yet, no more (it may have failed meanwhile), or never.
    /// [`UsageError::MessageTooLong`] for a message of a stream that no server accepts.
    pub fn copy_data(&mut self, op: OpId, data: &[u8]) -> Result<usize, UsageError> {
        self.forget_batch();
        self.send_copy_data(op, data)
    }

    /// Ends the data of a COPY. What was committed behind it is sent after that.
    ///
    /// # Errors
    /// [`UsageError::NotCopying`] as for [`copy_data`](Self::copy_data), [`UsageError::NulByte`] and [`UsageError::ReasonTooLong`] for a
    /// reason that cannot be sent, [`UsageError::StreamCannotFail`] for a replication stream. The COPY goes on then.
    pub fn copy_finish(&mut self, op: OpId, end: CopyEnd<'_>) -> Result<(), UsageError> {
        self.forget_batch();
        self.finish_copy(op, end)
    }

    /// Says good-bye behind everything that was asked for. No batch is accepted any more; the stream's end is then in order.
    pub fn terminate(&mut self) {
        self.forget_batch();
        if !self.is_dead() && !self.terminating {
            self.terminating = true;
            if matches!(self.phase, Ok(Phase::Open)) {
                extended::write_terminate(self.send.bytes_mut());
            }
        }
    }
}

/// Facts.
impl Connection {
    /// Where the session stood when it was last ready for a query.
    pub fn transaction_status(&self) -> TransactionStatus {
        self.transaction_status
    }

    /// A run-time parameter that the server reports.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }

    /// All run-time parameters that the server reports; a clone of them is a snapshot.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What a cancel request has to name; `None` from servers that cannot cancel.
    pub fn cancel_key(&self) -> Option<&CancelKey> {
        self.cancel_key.as_ref()
    }

    /// Operations that are owed something, abandoned ones included.
    pub fn in_flight(&self) -> usize {
        self.queue.in_flight() + usize::from(self.finished.is_some())
    }

    /// True while something is owed to this operation, be it muted. One that was taken back is not under way.
    pub fn is_under_way(&self, op: OpId) -> bool {
        !self.queue.range_of(op).is_empty()
    }

    /// True when the connection is open and nothing is owed, queued or left open, in a transaction or otherwise: fit for anybody.
    pub fn is_idle(&self) -> bool {
        self.is_at_rest() && self.transaction_status == TransactionStatus::Idle
    }

    /// The same, but that a transaction block may be open: everything that was asked for is answered, everything that came was taken.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.phase, Ok(Phase::Open))
            && self.in_flight() == 0
            && self.send.is_empty()
            && self.receive.data().is_empty()
            && !self.receive.is_discarding()
            && !self.queue.segment_open()
            && !self.terminating
            && !self.eof
    }

    /// True while no batch is accepted since as much output waits, or as many operations are under way, as [`Limits`] allow.
    pub fn is_full(&self) -> bool {
        matches!(
            self.refuses_batches(),
            Some(UsageError::OutputFull { .. } | UsageError::TooManyInFlight { .. })
        )
    }

    /// True when batches are accepted, or will be when there is room for them.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Ok(Phase::Open)) && !self.terminating && !self.eof
    }

    /// True once the connection has ended, although its last events may still wait.
    pub fn is_dead(&self) -> bool {
        match &self.phase {
            Ok(phase) => phase.is_ending(),
            Err(_) => true,
        }
    }
}
