//! What of a pipeline is sent, and when.

use crate::connection::{Bound, Describing};
use crate::error::{Error, UsageError};
use crate::pipeline::Item;
use crate::pipeline::results::{PipelineResults, Sent};
use crate::query::What;
use crate::runtime::ByteStream;

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// As much as the connection takes.
    pub(super) fn send(&mut self) -> Result<(), Error> {
        while !self.items.is_empty()
            && !self.describing
            && self.connection.is_open()
            && !self.connection.is_full()
        {
            let Some(item) = self.items.pop_front() else {
                break;
            };
            let Item::Query(query, params) = item else {
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
            let statement = match &query.what {
                _ if self.described.is_some() => self.described.take(),
                What::Text(_) => self.connection.known_statement(sql),
                What::Prepared(statement) => match self.connection.own(statement) {
                    Ok(statement) => Some(statement.clone()),
                    Err(error) => {
                        self.fail(error)?;
                        continue;
                    }
                },
            };
            let description = statement
                .as_ref()
                .and_then(|statement| self.connection.known_description(statement));
            let (statement, description) = match (statement, description) {
                (Some(statement), Some(description)) => (statement, description),
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
            };
            let types = self.connection.types();
            let mut bound = Bound::new(&query, &statement, &description, types);
            bound.sync = matches!(self.items.front(), None | Some(Item::Sync));
            match self.connection.start_bound(&bound, &numbered) {
                Ok(op) => {
                    self.begun = !bound.sync;
                    self.connection.note_segment(self.begun);
                    self.connection.note_sent(&statement);
                    let (columns, ends) = (bound.columns, bound.sync);
                    self.sent.push_back(Sent::Query {
                        op,
                        segment: self.segment,
                        statement,
                        written,
                        columns,
                    });
                    self.segment += usize::from(ends);
                }
                Err(error) => self.fail(error)?,
            }
        }
        Ok(())
    }
}
