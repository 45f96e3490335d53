//! What of a pipeline is sent, and when.

use std::borrow::Cow;

use purepg_types::Params;

use crate::connection::{Bound, Describing};
use crate::error::{Error, UsageError};
use crate::pipeline::Item;
use crate::pipeline::results::{Last, PipelineResults, Queries, Running, Sent};
use crate::query::{Query, What};
use crate::runtime::ByteStream;
use crate::statement::Statement;

impl<S: ByteStream> PipelineResults<'_, '_, S> {
    /// As much as the connection takes.
    pub(super) fn send(&mut self) -> Result<(), Error> {
        // What was known when there was last something to send may have changed.
        self.last = None;
        while self.has_more() && !self.connection.is_full() {
            let Some(Item::Query(query, params)) = self.items.pop_front() else {
                self.end_segment()?;
                continue;
            };
            let sync = matches!(self.items.front(), None | Some(Item::Sync));
            match self.write(&query, &*params, sync) {
                Ok(true) => {}
                Ok(false) => match self.describe(&query, &*params) {
                    Ok(()) => self.items.push_front(Item::Query(query, params)),
                    Err(error) => self.fail(error)?,
                },
                Err(error) => self.fail(error)?,
            }
        }
        Ok(())
    }

    /// True when the next query may be sent as soon as there is room for it.
    pub(super) fn has_more(&self) -> bool {
        !self.items.is_empty() && !self.describing && self.connection.is_open()
    }

    /// Writes a query to the output; false, and nothing was written, when the server has to be asked about its statement first.
    pub(super) fn write(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
        sync: bool,
    ) -> Result<bool, Error> {
        if query.timeout.is_some() {
            return Err(UsageError::TimeoutInPipeline.into());
        }
        let mut text = self.connection.text(&query.what, params)?;
        let written = text.written();
        let (sql, params) = text.number(params)?;
        let is_same = self.last.as_ref().is_some_and(|last| last.is_of(query));
        if !is_same {
            if self.connection.is_copy(sql) {
                return Err(UsageError::CopyInPipeline.into());
            }
            self.last = self.find(query, sql)?;
        }
        let Some(last) = &self.last else {
            return Ok(false);
        };
        let types = self.connection.types();
        let mut bound = Bound::new(query, &last.statement, &last.description, types);
        (bound.silent, bound.sync) = (true, sync);
        let op = match self.connection.start_bound(&bound, &params) {
            Ok(op) => op,
            Err(error) => {
                self.last = None;
                return Err(error);
            }
        };
        self.begun = !sync;
        self.connection.note_segment(self.begun);
        self.connection.note_sent(&last.statement);
        match self.sent.back_mut() {
            Some(Sent::Queries(same))
                if is_same
                    && same.segment == self.segment
                    && written.is_none()
                    && same.written.is_none() =>
            {
                same.count += 1;
                same.until = op;
            }
            _ => {
                let running = (!is_same).then(|| Running {
                    statement: last.statement.clone(),
                    columns: bound.columns.map(Cow::into_owned),
                });
                self.sent.push_back(Sent::Queries(Queries {
                    until: op,
                    count: 1,
                    segment: self.segment,
                    running,
                    written,
                }));
            }
        }
        self.segment += usize::from(sync);
        Ok(true)
    }

    /// The statement of a query, if all of it is known.
    fn find(&mut self, query: &Query<'_>, sql: &str) -> Result<Option<Last>, Error> {
        let Some(statement) = self.statement_of(&query.what, sql)? else {
            return Ok(None);
        };
        let description = self.connection.known_description(&statement);
        let Some(description) = description.map(Cow::into_owned) else {
            return Ok(None);
        };
        self.described = None;
        Ok(Some(Last {
            statement,
            description,
            is_binary: query.is_binary,
        }))
    }

    /// The statement of a query, if it was sent before.
    fn statement_of(&mut self, what: &What<'_>, sql: &str) -> Result<Option<Statement>, Error> {
        Ok(match (&self.described, what) {
            (Some(described), _) => Some(described.clone()),
            (None, What::Text(_)) => self.connection.known_statement(sql),
            (None, What::Prepared(statement)) => Some(self.connection.own(statement)?.clone()),
        })
    }

    /// Asks the server about the statement of a query, which goes on behind the answer.
    fn describe(&mut self, query: &Query<'_>, params: &dyn Params) -> Result<(), Error> {
        let mut text = self.connection.text(&query.what, params)?;
        let written = text.written();
        let (sql, _) = text.number(params)?;
        let statement = self.statement_of(&query.what, sql)?;
        self.described = None;
        let describing = Describing::begin(self.connection, statement, sql, written)?;
        self.sent.push_back(Sent::Describe(describing));
        (self.describing, self.begun) = (true, true);
        Ok(())
    }
}

impl Last {
    /// True for a query that runs this, and asks for the same.
    fn is_of(&self, query: &Query<'_>) -> bool {
        match &query.what {
            What::Prepared(statement) => {
                statement.is(&self.statement) && query.is_binary == self.is_binary
            }
            What::Text(_) => false,
        }
    }
}
