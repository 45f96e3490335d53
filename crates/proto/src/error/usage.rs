//! What the caller did wrong. The connection is unharmed.

use thiserror::Error;

use crate::auth::BearerToken;
use crate::startup::ProtocolVersion;

/// A call that cannot be honoured. Nothing was written, nothing changed; the connection goes on, unless said otherwise below.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UsageError {
    /// A batch before the connection is open.
    #[error("the connection is not open yet: wait for the event that says so")]
    NotOpen,
    /// Anything after the end.
    #[error("the connection has ended")]
    Ended,
    /// A batch after [`terminate`](crate::Connection::terminate).
    #[error("the connection was told to terminate")]
    Terminating,
    /// As much output waits as [`Limits::output_high_water`](crate::Limits::output_high_water) says, or more.
    #[error("{waiting} bytes of output wait already: send them first")]
    OutputFull {
        /// Bytes that wait.
        waiting: usize,
    },
    /// As many operations are under way as [`Limits::max_in_flight`](crate::Limits::max_in_flight) allows.
    #[error("{in_flight} operations are under way already: take their replies first")]
    TooManyInFlight {
        /// Operations under way.
        in_flight: usize,
    },
    /// A batch that asks the server for nothing.
    #[error("the batch holds no message that the server answers")]
    EmptyBatch,
    /// A commit after a value's writer had failed.
    #[error("a value could not be written, so the batch was rolled back")]
    RolledBack,
    /// A second query, parse, bind, execute or sync in one batch, or a query beside them.
    #[error("a batch is one operation: a second `{message}` belongs in a batch of its own")]
    SecondOperation {
        /// The message that is too many.
        message: &'static str,
    },
    /// A message behind the Sync or the query that ends the operation.
    #[error("`{message}` cannot stand behind the end of its operation")]
    BehindTheEnd {
        /// The message that came too late.
        message: &'static str,
    },
    /// An [`again`](crate::Batch::again) in a batch without a bind and an execute.
    #[error("there is nothing to repeat: bind and execute first")]
    NothingToRepeat,
    /// A [`sync_behind`](crate::Connection::sync_behind) an operation that is not the last one, is a COPY, ends its segment already, or of
    /// which something was sent.
    #[error(
        "a sync can be put behind the last operation only, as long as nothing of it was sent and it does not end its segment"
    )]
    NothingToSync,
    /// An execute whose columns neither the batch describes nor the caller told.
    #[error("the columns of the result are unknown: describe in the same batch, or tell them")]
    UnknownColumns,
    /// A row limit that is not from 1 to `i32::MAX`.
    #[error("a row limit is from 1 to 2147483647, not {limit}")]
    RowLimit {
        /// The limit that was asked for.
        limit: u32,
    },
    /// A NUL byte where the protocol ends a string with one.
    #[error("the {what} holds a NUL byte, which would end it early")]
    NulByte {
        /// Which string.
        what: &'static str,
    },
    /// A name that must not be empty.
    #[error("the name of a {what} is empty")]
    EmptyName {
        /// Which name.
        what: &'static str,
    },
    /// A start-up parameter that would override what is said by other means.
    #[error("`{name}` is no run-time parameter of this connection's own")]
    ReservedParameter {
        /// Which one.
        name: &'static str,
    },
    /// An oldest version of the protocol that is newer than the newest.
    #[error("the least protocol version, {min}, is above the greatest, {max}")]
    VersionRange {
        /// The oldest that is acceptable.
        min: ProtocolVersion,
        /// The newest to ask for.
        max: ProtocolVersion,
    },
    /// Channel binding on a connection that is to have no TLS, as none over a Unix socket has.
    #[error("channel binding is required, and no TLS is asked for")]
    ChannelBindingWithoutTls,
    /// A bearer token with characters that no token has.
    #[error("a bearer token has letters, digits and -._~+/ alone, and `=` at its end")]
    BearerTokenMalformed,
    /// A bearer token that no server accepts.
    #[error(
        "the bearer token has {length} bytes, more than the {} that a server accepts",
        BearerToken::MAX_LEN
    )]
    BearerTokenTooLong {
        /// Its length.
        length: usize,
    },
    /// More items than a 16-bit count holds.
    #[error("{count} {what} are more than the protocol's 65535")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// Neither none, nor one, nor one format for each value.
    #[error("{formats} parameter formats for {values} values")]
    FormatCount {
        /// Formats given.
        formats: usize,
        /// Values written.
        values: usize,
    },
    /// A message that no server accepts.
    #[error("a message of {length} bytes is longer than the 1073741822 that a server accepts")]
    MessageTooLong {
        /// Its length.
        length: usize,
    },
    /// Start-up parameters that no server accepts.
    #[error(
        "the start-up parameters take {length} bytes, more than the 10000 that a server accepts"
    )]
    StartupTooLong {
        /// Their length.
        length: usize,
    },
    /// The writer of a value removed bytes that were not its own.
    #[error("the writer of a value disturbed the buffer that it was lent")]
    BufferDisturbed,
    /// A message of the extended protocol on a replication connection.
    #[error("a replication connection takes simple queries only, no `{message}`")]
    Replication {
        /// The message that it does not take.
        message: &'static str,
    },
    /// [`Batch::copy_in`](crate::Batch::copy_in) without a statement that could be a COPY.
    #[error("the batch holds no query and no execute that could be a COPY")]
    NothingToCopy,
    /// [`Batch::copy_in`](crate::Batch::copy_in) with a message between it and the execute: a server that awaits data takes it for a
    /// loss of synchronisation.
    #[error("nothing can stand behind the execute of a COPY in its batch")]
    BehindTheCopy,
    /// Data, or the end of it, for an operation that awaits none: not yet, no more, or never.
    #[error("the operation awaits no data of a COPY now")]
    NotCopying,
    /// A replication stream that was to fail: it can only be ended.
    #[error("a replication stream cannot be made to fail, only ended")]
    StreamCannotFail,
    /// A reason for a COPY to fail that no server accepts.
    #[error(
        "a reason for a COPY to fail makes a message of {length} bytes, more than the 10000 that a server accepts"
    )]
    ReasonTooLong {
        /// The length of the message.
        length: usize,
    },
    /// [`tls_established`](crate::Connection::tls_established) when no TLS was asked for.
    #[error("no TLS is being established")]
    NoUpgrade,
    /// More than the answer to `SSLRequest`: whatever stands behind it belongs to TLS, and to nobody else.
    #[error("one byte answers the request for TLS: {given} bytes at once are not taken")]
    BehindTlsAnswer {
        /// Bytes that were given.
        given: usize,
    },
    /// A password or a bearer token that was not asked for.
    #[error("no {what} was asked for")]
    NotAskedFor {
        /// Which of them.
        what: &'static str,
    },
    /// Keys when none were asked for.
    #[error("no keys are being derived")]
    NoDerivation,
    /// Keys that were derived from another salt or with other iterations.
    #[error("the keys were not derived for this exchange")]
    WrongKeys,
    /// Input that nobody can use now.
    #[error("the connection wants no input now: take its events first")]
    InputNotWanted,
    /// `recv_filled` or `output_sent` with more bytes than were lent. Nobody knows then what was transferred: this one does end
    /// the connection.
    #[error("{confirmed} bytes were confirmed, but only {lent} were lent")]
    ConfirmedTooMuch {
        /// Bytes confirmed.
        confirmed: usize,
        /// Bytes lent.
        lent: usize,
    },
}
