//! A statement as its caller wrote it.

use std::sync::Arc;

use crate::named::{Backslash, written_position};

/// The text of a statement as its caller wrote it, to be shown with errors. What was sent may have numbers for its names.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    sql: Arc<str>,
    /// How its strings were read when its names were replaced.
    names: Option<Backslash>,
}

impl Written {
    /// A text that was sent as it is.
    pub(crate) fn as_sent(sql: impl Into<Arc<str>>) -> Self {
        let sql = sql.into();
        Self { sql, names: None }
    }

    /// A text whose names were replaced.
    pub(crate) fn with_names(sql: &str, backslash: Backslash) -> Self {
        let sql = sql.into();
        let names = Some(backslash);
        Self { sql, names }
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// Where in this text a place of the text that was sent is; both count characters from 1.
    pub(crate) fn position(&self, sent: usize) -> usize {
        match self.names {
            Some(backslash) => written_position(&self.sql, backslash, sent),
            None => sent,
        }
    }
}
