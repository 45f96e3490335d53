//! What of a pipeline is sent, and when.

use std::borrow::Cow;
use std::sync::Arc;

use crate::connection::{Bound, Describing};
use crate::error::{Error, UsageError};
use crate::pipeline::Item;
use crate::pipeline::results::{PipelineResults, Running, Sent};
use crate::query::What;
use crate::runtime::ByteStream;
use crate::statement::{Description, Statement};

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// As much as the connection takes.
    pub(super) fn send(&mut self) -> Result<(), Error> {
        // What was sent last, and whether in the binary format: more often than not it is sent again.
        let mut last: Option<(Statement, Arc<Description>, bool)> = None;
        while self.has_more() && !self.connection.is_full() {
            let Some(Item::Query(query, params)) = self.items.pop_front() else {
                continue;
            };
            if query.timeout.is_some() {
                self.fail(UsageError::TimeoutInPipeline.into())?;
                continue;
            }
            let mut text = match self.connection.text(&query.what, &*params) {
                Ok(text) => text,
                Err(error) => {
                    self.fail(error.into())?;
                    continue;
                }
            };
            let written = text.written();
            let (sql, numbered) = match text.number(&*params) {
                Ok(numbered) => numbered,
                Err(error) => {
                    self.fail(error.into())?;
                    continue;
                }
            };
            if self.connection.is_copy(sql) {
                self.fail(UsageError::CopyInPipeline.into())?;
                continue;
            }
            let same = match (&query.what, &last) {
                (What::Prepared(statement), Some((last, _, is_binary))) => {
                    statement.is(last) && query.is_binary == *is_binary
                }
                _ => false,
            };
            if !same {
                last = None;
                let statement = match self.statement_of(&query.what, sql) {
                    Ok(statement) => statement,
                    Err(error) => {
                        self.fail(error)?;
                        continue;
                    }
                };
                let description = statement
                    .as_ref()
                    .and_then(|statement| self.connection.known_description(statement))
                    .map(Cow::into_owned);
                match (statement, description) {
                    (Some(statement), Some(description)) => {
                        last = Some((statement, description, query.is_binary));
                    }
                    (statement, _) => {
                        match Describing::begin(self.connection, statement, sql, written) {
                            Ok(describing) => {
                                self.sent.push_back(Sent::Describe(describing));
                                self.items.push_front(Item::Query(query, params));
                                (self.describing, self.begun) = (true, true);
                            }
                            Err(error) => self.fail(error)?,
                        }
                        continue;
                    }
                }
            }
            let Some((statement, description, _)) = &last else {
                continue;
            };
            let types = self.connection.types();
            let mut bound = Bound::new(&query, statement, description, types);
            bound.silent = true;
            bound.sync = matches!(self.items.front(), None | Some(Item::Sync));
            match self.connection.start_bound(&bound, &numbered) {
                Ok(op) => {
                    self.begun = !bound.sync;
                    self.connection.note_segment(self.begun);
                    self.connection.note_sent(statement);
                    let running = (!same).then(|| Running {
                        statement: statement.clone(),
                        columns: bound.columns.map(Cow::into_owned),
                    });
                    self.sent.push_back(Sent::Query {
                        op,
                        segment: self.segment,
                        running,
                        written,
                    });
                    self.segment += usize::from(bound.sync);
                }
                Err(error) => {
                    last = None;
                    self.fail(error)?;
                }
            }
        }
        Ok(())
    }
    /// True when the next query may be sent as soon as there is room for it.
    pub(super) fn has_more(&self) -> bool {
        !self.items.is_empty() && !self.describing && self.connection.is_open()
    }

    /// The statement of a query, if it was sent before.
    fn statement_of(&mut self, what: &What<'_>, sql: &str) -> Result<Option<Statement>, Error> {
        Ok(match what {
            _ if self.described.is_some() => self.described.take(),
            What::Text(_) => self.connection.known_statement(sql),
            What::Prepared(statement) => Some(self.connection.own(statement)?.clone()),
        })
    }
}
