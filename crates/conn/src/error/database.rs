//! What a server says went wrong, with the statement that it is about.

use std::fmt;
use std::ops::Deref;

use purepg_proto::{ServerError, SqlState};

use crate::caret::caret;
use crate::written::Written;

/// An error that the server reported, and the statement that it is about.
///
/// It derefs to what the server said. `Display` shows severity, message and SQLSTATE, then what the server added, and where it gave a
/// position, that line of the statement with a caret under the fault.
#[derive(Clone, Debug)]
pub struct DatabaseError {
    pub(super) error: ServerError,
    pub(super) statement: Option<Written>,
    /// The connection ended before it was ready again.
    pub(super) ended: bool,
    /// It is what had ended the connection before anything of the statement was handed to the socket.
    pub(super) unsent: bool,
}

impl DatabaseError {
    /// The statement as it was written, where it is known which one it was.
    pub fn statement(&self) -> Option<&str> {
        self.statement.as_ref().map(Written::sql)
    }

    /// Where in [`statement`](Self::statement) the fault is: in characters, from 1. What the server said is about the text that was
    /// sent, which has numbers in place of names.
    pub fn position(&self) -> Option<usize> {
        let sent = self.error.position()?;
        let statement = self.statement.as_ref();
        Some(statement.map_or(sent, |statement| statement.position(sent)))
    }

    /// See [`Error::is_retryable`](crate::Error::is_retryable).
    pub fn is_retryable(&self) -> bool {
        let said = match self.error.code() {
            Some(SqlState::SERIALIZATION_FAILURE | SqlState::DEADLOCK_DETECTED) => true,
            // What a function raised on its own account does not end the session.
            Some(
                SqlState::TOO_MANY_CONNECTIONS
                | SqlState::CANNOT_CONNECT_NOW
                | SqlState::IDLE_SESSION_TIMEOUT,
            ) => self.error.is_fatal(),
            _ => false,
        };
        said || self.unsent
    }

    /// True when the connection lives on: the severity is neither FATAL nor PANIC, and it did not end behind the error.
    pub fn is_recoverable(&self) -> bool {
        !self.error.is_fatal() && !self.ended
    }
}

impl Deref for DatabaseError {
    type Target = ServerError;

    fn deref(&self) -> &ServerError {
        &self.error
    }
}

impl std::error::Error for DatabaseError {}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.error;
        error.fmt(f)?;
        // The position is in the statement that the server made up, or in ours.
        let own = self.statement().zip(self.position());
        let (sql, position) = error
            .internal_query()
            .zip(error.internal_position())
            .or(own)
            .unzip();
        if let Some(caret) = sql
            .zip(position)
            .and_then(|(sql, position)| caret(sql, position))
        {
            write!(f, "\n{caret}")?;
        }
        let more = [
            ("DETAIL", error.detail()),
            ("HINT", error.hint()),
            ("CONTEXT", error.context()),
        ];
        for (label, text) in more {
            if let Some(text) = text {
                write!(f, "\n{label}: {text}")?;
            }
        }
        Ok(())
    }
}
