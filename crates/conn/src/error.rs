//! Everything that can go wrong, by what one can do about it.

mod database;
mod usage;

use std::io;
use std::sync::Arc;

use purepg_proto::{ProtocolError, ProtocolErrorKind, ServerError, SqlState};
use purepg_types::{DecodeError, EncodeError};
use thiserror::Error as ThisError;

use crate::config::{ConfigError, TargetSessionAttrs, Warning};
use crate::connect::ConnectError;
use crate::connection::ProtectedParameter;
use crate::written::Written;
pub use database::DatabaseError;
pub use usage::UsageError;

/// Why something could not be done.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The server reported an error: [`DatabaseError::is_recoverable`] tells whether the connection lives on.
    #[error(transparent)]
    Database(Box<DatabaseError>),
    /// The server broke the protocol, or asked for what is not allowed here. The connection has ended.
    #[error("protocol error: {0}")]
    Protocol(ProtocolError),
    /// A call that cannot be honoured. The connection is unharmed.
    #[error(transparent)]
    Usage(Box<UsageError>),
    /// The socket failed. The connection has ended.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: Box<str>,
        /// What the socket said.
        source: Arc<io::Error>,
        /// Nothing of the statement, if there was one, had been handed to the socket.
        unsent: bool,
    },
    /// There is no TLS, which was wanted: the two sides did not come to terms, or a file that the configuration names cannot be used. A
    /// server that does no TLS at all breaks what was asked of it: that is [`Error::Protocol`].
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(Box<crate::tls::TlsError>),
    /// The configuration makes no sense, or needs what this version does not have.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// The server asks for a password, and the configuration has none.
    #[error("the server asks for a password ({method}), and none was given{}", because(warning.as_deref()))]
    MissingPassword {
        /// How the server asked: `password`, `md5` or `scram-sha-256`.
        method: &'static str,
        /// Why none was found where it was looked for, if that is why.
        warning: Option<Box<Warning>>,
    },
    /// The server does not accept the password.
    #[error("wrong password: {0}")]
    InvalidPassword(Box<DatabaseError>),
    /// The server is not the one that [`Config::target_session_attrs`](crate::Config::target_session_attrs) wants.
    #[error("{wanted} is wanted of the server, and {because}")]
    UnsuitableServer {
        /// What is wanted.
        wanted: TargetSessionAttrs,
        /// What it is.
        because: &'static str,
    },
    /// Behind the Unix socket is another user than [`Config::require_peer`](crate::Config::require_peer) wants; nothing was told it.
    #[error("the server behind the socket does not run as requirepeer wants: {0}")]
    WrongPeer(Box<str>),
    /// No connection could be made, although it was tried more than once: with several hosts, or one that has several addresses.
    #[error(transparent)]
    Connect(Box<ConnectError>),
    /// There is no password, or no bearer token: whoever was asked has none, or must not be asked.
    #[error(transparent)]
    Credentials(Box<crate::credentials::CredentialsError>),
    /// A row was wanted, and there is none.
    #[error("the query returned no rows")]
    NoRows,
    /// A string of statements gave a second set of rows.
    #[error("more than one statement returned rows: use `lowlevel_query` to take them one by one")]
    TooManyResults,
    /// A value of a row cannot be read as the type that was asked for.
    #[error(transparent)]
    Decode(DecodeError),
    /// A parameter cannot be written as the type that the statement has for it.
    #[error(transparent)]
    Encode(EncodeError),
    /// It took longer than allowed.
    #[error("timed out while {doing}")]
    Timeout {
        /// What was being done.
        doing: Box<str>,
        /// Nothing of the statement, if there was one, had been handed to the socket.
        unsent: bool,
        /// There is a connection, and it can still be used. Otherwise none could be made.
        connected: bool,
    },
    /// The session was given a `client_encoding` or a `DateStyle` with which values would be misread. The connection is unharmed, and
    /// healed by setting it back.
    #[error(transparent)]
    ProtectedParameter(Box<ProtectedParameter>),
    /// A [`CancelToken`](crate::CancelToken) has cancelled the call before anything of it was sent. What was cancelled later has an error of
    /// the server's, `query_canceled` (57014).
    #[error("cancelled before anything was sent")]
    Cancelled,
    /// Something before it in the same segment failed, so the server did not look at it.
    #[error("aborted: something before it failed")]
    Aborted,
    /// The connection ended, or the time ran out, while a COMMIT was on its way: nobody knows whether the transaction was committed. The source
    /// tells which.
    #[error("whether the transaction was committed is unknown: {0}")]
    CommitUnknown(#[source] Box<Self>),
    /// The server answered COMMIT with ROLLBACK: a statement of the transaction had failed.
    #[error("the transaction was rolled back: a statement in it had failed")]
    RolledBack,
    /// The connection has ended before, in good order.
    #[error("the connection is closed")]
    Closed,
}

impl Error {
    /// What the server said, where it said something. Of several attempts to connect, the last one in which it did counts.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Database(error) | Self::InvalidPassword(error) => Some(&error.error),
            Self::Connect(error) => error.errors().find_map(Self::server),
            _ => None,
        }
    }

    /// The SQLSTATE as the server wrote it, where it gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.server()?.sqlstate()
    }

    /// The SQLSTATE, to compare with the constants of [`SqlState`] and, by its [class](SqlState::class), of
    /// [`SqlStateClass`](crate::SqlStateClass).
    pub fn code(&self) -> Option<SqlState> {
        self.server()?.code()
    }

    /// True when the connection it happened on can still be used.
    pub fn is_recoverable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_recoverable(),
            Self::Usage(_)
            | Self::NoRows
            | Self::TooManyResults
            | Self::Decode(_)
            | Self::Encode(_)
            | Self::ProtectedParameter(_)
            | Self::Cancelled
            | Self::Aborted
            | Self::RolledBack => true,
            Self::Timeout { connected, .. } => *connected,
            Self::CommitUnknown(why) => why.is_recoverable(),
            _ => false,
        }
    }

    /// True when the same may be tried again: it may succeed, and what failed has certainly not happened.
    ///
    /// What is to be tried again is the transaction from its beginning, where the statement was in one; and on another connection, unless
    /// the error is [recoverable](Self::is_recoverable). It is true only
    ///
    /// * where the connection ended, or was found to have ended, before anything of the statement was handed to the socket;
    /// * where no connection could be made at all: it cannot be reached, it takes too long, there are too many (53300), the server is not
    ///   ready (57P03), or it is not the one that is wanted, as while another one takes its place. A refused password is not tried again, nor
    ///   a database that does not exist. Of several attempts the last one counts, since only that can be one that it is no use to go on behind;
    /// * where the server says that it rolled the transaction back for the sake of others: `serialization_failure` (40001) and
    ///   `deadlock_detected` (40P01);
    /// * where it says that it was idle: `idle_session_timeout` (57P05) ends a session only while no statement has begun.
    ///
    /// Other errors that end a connection leave it unknown whether the statement was carried out: `admin_shutdown` (57P01) and
    /// `crash_shutdown` (57P02) may come behind a commit, and class 08 says no more than that something was lost.
    ///
    /// Of a string of several transactions, or a procedure that commits by itself, it speaks of the last transaction only: those before it
    /// have happened.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_retryable(),
            Self::Io { unsent, .. } | Self::Timeout { unsent, .. } => *unsent,
            // Nothing can be sent any more.
            Self::Closed | Self::UnsuitableServer { .. } => true,
            Self::Connect(error) => error.last().is_some_and(Self::is_retryable),
            _ => false,
        }
    }

    pub(crate) fn database(error: ServerError, statement: Option<&Written>) -> Self {
        Self::Database(Box::new(DatabaseError {
            error,
            statement: statement.cloned(),
            ended: false,
            unsent: false,
        }))
    }

    pub(crate) fn io(context: impl Into<Box<str>>, source: io::Error) -> Self {
        Self::broken(context, Arc::new(source))
    }

    pub(crate) fn broken(context: impl Into<Box<str>>, source: Arc<io::Error>) -> Self {
        Self::Io {
            context: context.into(),
            source,
            unsent: false,
        }
    }

    /// The same error, which came before anything of the statement was handed to the socket.
    pub(crate) fn before_sending(mut self) -> Self {
        match &mut self {
            Self::Database(error) => error.unsent = true,
            Self::Io { unsent, .. } | Self::Timeout { unsent, .. } => *unsent = true,
            _ => {}
        }
        self
    }

    /// The same error of a connection that has ended meanwhile: what the server said stays, what is the caller's gives way to the end.
    pub(crate) fn with_end(self, end: Self) -> Self {
        match self {
            Self::Database(mut error) => {
                error.ended = true;
                Self::Database(error)
            }
            error if error.is_recoverable() => end,
            error => error,
        }
    }

    /// Of two ways in neither leads anywhere; the one that says more: what came of a password, else what a server said, else the last.
    pub(crate) fn or_rather(self, first: Self) -> Self {
        let rank = |error: &Self| match error {
            Self::InvalidPassword(_) => 2,
            Self::Database(_) => 1,
            _ => 0,
        };
        if rank(&first) > rank(&self) {
            first
        } else {
            self
        }
    }

    /// The same error, met on the way in: a stream of TLS on which the server says that it did not like the handshake after all, as those of
    /// TLS 1.3 do.
    pub(crate) fn of_handshake(self) -> Self {
        #[cfg(feature = "tls")]
        if let Self::Io { source, .. } = &self
            && let Some(inner) = source.get_ref()
            && inner.is::<crate::rustls::Error>()
        {
            return crate::tls::TlsError::Handshake(Arc::clone(source)).into();
        }
        self
    }

    /// A password that is missing was looked for in vain.
    pub(crate) fn because_of(mut self, reason: Option<Warning>) -> Self {
        if let Self::MissingPassword { warning, .. } = &mut self {
            *warning = reason.map(Box::new);
        }
        self
    }

    /// What a server said to somebody who wants in.
    pub(crate) fn refused(error: Box<DatabaseError>) -> Self {
        if error.sqlstate() == Some("28P01") {
            Self::InvalidPassword(error)
        } else {
            Self::Database(error)
        }
    }
}

/// What stands behind the fact that there is no password.
fn because(warning: Option<&Warning>) -> String {
    warning.map_or_else(String::new, |warning| format!(": {warning}"))
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        match error.kind() {
            ProtocolErrorKind::PasswordMissing { method } => Self::MissingPassword {
                method,
                warning: None,
            },
            ProtocolErrorKind::Ended => Self::Closed,
            ProtocolErrorKind::UnexpectedEof { .. } => {
                let eof = io::Error::new(io::ErrorKind::UnexpectedEof, error);
                Self::io("reading from the server", eof)
            }
            _ => Self::Protocol(error),
        }
    }
}

impl From<UsageError> for Error {
    fn from(error: UsageError) -> Self {
        Self::Usage(Box::new(error))
    }
}

impl From<purepg_proto::UsageError> for Error {
    fn from(error: purepg_proto::UsageError) -> Self {
        match error {
            purepg_proto::UsageError::Ended | purepg_proto::UsageError::Terminating => Self::Closed,
            error => UsageError::Core(error).into(),
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

#[cfg(feature = "tls")]
impl From<crate::tls::TlsError> for Error {
    fn from(error: crate::tls::TlsError) -> Self {
        Self::Tls(Box::new(error))
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// It is returned from everything.
const _: () = assert!(size_of::<Error>() <= 32);
