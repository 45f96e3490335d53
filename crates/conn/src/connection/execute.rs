//! How an operation is begun.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use purepg_proto::{Batch, OpId, Reply, Target, TransactionStatus};
use purepg_types::Params;

use crate::connection::bound::Bound;
use crate::connection::cache::Found;
use crate::connection::repeated::Repeated;
use crate::connection::transactions::Transactions;
use crate::connection::{Connection, Cursor, describing};
use crate::error::{Error, UsageError};
use crate::named::{Backslash, Text, is_copy};
use crate::query::{Query, What};
use crate::runtime::ByteStream;
use crate::statement::{Description, Name, Statement};
use crate::types::Wanted;
use crate::written::Written;

impl<S: ByteStream> Connection<S> {
    /// A name that is on its way to the server.
    pub(super) fn note_naming(&mut self, name: &Name) {
        let name = name.as_str();
        self.naming = (!name.is_empty()).then(|| name.to_owned());
    }

    /// One operation. Statements that nobody needs any more are closed along with it.
    pub(crate) fn operation(
        &mut self,
        messages: impl FnOnce(&mut Batch<'_>),
    ) -> Result<OpId, Error> {
        self.say_due()?;
        let mut batch = self.core.batch();
        open_batch(
            &mut batch,
            &self.transactions,
            &self.to_close,
            self.closes_in,
        );
        messages(&mut batch);
        let op = batch.commit()?;
        self.note_committed(op);
        Ok(op)
    }

    /// What rode with an operation is on its way.
    fn note_committed(&mut self, op: OpId) {
        if !self.to_close.is_empty() {
            self.closes_in.get_or_insert(op);
        }
        self.publish_running();
        self.note_begun(op);
    }

    /// Sends a query and waits until the server has answered something: its columns, its end, or an error.
    pub(crate) async fn start(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
    ) -> Result<Cursor, Error> {
        let begun = self.run(query, params, Self::poll_begun).await;
        begun.map(|(cursor, ())| cursor)
    }

    /// Sends a query and waits for what `poll` makes of the answers.
    pub(crate) async fn run<T>(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
        mut poll: impl FnMut(&mut Self, &mut Cursor, &mut Context<'_>) -> Poll<Result<T, Error>>,
    ) -> Result<(Cursor, T), Error> {
        self.make_way_for(query).await?;
        self.check_transaction()?;
        let mut is_first = true;
        loop {
            let sent = match self.send(query, params, None) {
                Ok(None) => self.send_described(query, params).await,
                sent => sent.and_then(|cursor| cursor.ok_or(Error::Aborted)),
            };
            let (may_be_stale, error) = match sent {
                Ok(mut cursor) => match poll_fn(|cx| poll(self, &mut cursor, cx)).await {
                    Ok(result) => return Ok((cursor, result)),
                    Err(error) => (cursor.may_be_stale(), error),
                },
                Err(error) => (false, error),
            };
            let error = self.settled(error).await;
            let stale = may_be_stale && self.went_stale(query, params, &error);
            // What failed before it ran, and outside of a transaction, can be run again. In one it would have failed that, too.
            let outside = self.transaction_status() == TransactionStatus::Idle;
            if !(is_first && stale && outside && error.is_recoverable()) {
                return Err(error);
            }
            is_first = false;
        }
    }

    /// A query has failed whose statement was described before. True when that may be due to what has changed since.
    #[cold]
    fn went_stale(&mut self, query: &Query<'_>, params: &dyn Params, error: &Error) -> bool {
        let statement = self.statement_behind(query, params);
        statement.is_some_and(|statement| self.note_failure(&statement, error))
    }

    /// The statement that a query runs, if it is kept.
    pub(crate) fn statement_behind(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
    ) -> Option<Statement> {
        match &query.what {
            What::Text(_) => {
                let text = self.text(&query.what, params).ok()?;
                self.known_statement(text.sql())
            }
            What::Prepared(statement) => Some(Statement::clone(statement)),
        }
    }

    /// Sends a query whose statement the server has to be asked about first.
    async fn send_described(
        &mut self,
        query: &Query<'_>,
        params: &dyn Params,
    ) -> Result<Cursor, Error> {
        let mut text = self.text(&query.what, params)?;
        let written = text.written();
        let (sql, _) = text.number(params)?;
        let found = self.described_statement(&query.what, sql, written.as_ref());
        let found = found.await?;
        let sent = self.send(query, params, Some(found))?;
        sent.ok_or(Error::Aborted)
    }

    /// Sends a query; `None`, and nothing was sent, where more has to be found out about its statement.
    fn send<'s>(
        &mut self,
        query: &'s Query<'_>,
        params: &dyn Params,
        found: Option<Found<'s>>,
    ) -> Result<Option<Cursor>, Error> {
        let mut text = self.text(&query.what, params)?;
        let written = text.written();
        let (sql, params) = text.number(params)?;
        if matches!(query.what, What::Text(_)) && params.is_empty() && query.may_be_simple() {
            return Ok(Some(self.start_simple(sql, written)?));
        }
        let found = match found {
            Some(found) => found,
            None => match self.found(&query.what, sql)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let (statement, description) = (&found.statement, &found.description);
        let bound = Bound::new(query, statement, description, &self.types);
        let op = self.start_bound(&bound, &params)?;
        let written = written.unwrap_or_else(|| statement.written());
        let columns = bound.columns.map(Cow::into_owned);
        let cursor = Cursor::new(op, written, columns);
        Ok(Some(cursor.of_statement(found.is_old)))
    }

    /// What is sent of a text, for parameters like these.
    pub(crate) fn text<'q>(
        &self,
        what: &'q What<'_>,
        params: &dyn Params,
    ) -> Result<Text<'q>, UsageError> {
        match what {
            What::Text(sql) => Text::of(sql, params, self.backslash()),
            What::Prepared(statement) => Ok(Text::prepared(statement.sql())),
        }
    }

    /// True for a COPY whose data goes over the connection.
    pub(crate) fn is_copy(&self, sql: &str) -> bool {
        is_copy(sql, || self.backslash())
    }

    /// As far as the server has said so.
    fn backslash(&self) -> Backslash {
        match self.core.parameter("standard_conforming_strings") {
            Some("off") => Backslash::Escapes,
            _ => Backslash::Plain,
        }
    }

    /// A statement of this connection.
    pub(crate) fn own<'s>(&self, statement: &'s Statement) -> Result<&'s Statement, Error> {
        if statement.belongs_to(&self.closing) {
            Ok(statement)
        } else {
            Err(UsageError::ForeignStatement.into())
        }
    }

    fn start_simple(&mut self, sql: &str, written: Option<Written>) -> Result<Cursor, Error> {
        self.check_text(sql)?;
        let op = self.operation(|batch| {
            batch.query(sql);
        })?;
        let written = written.unwrap_or_else(|| Written::as_sent(self.repeated.text(sql)));
        Ok(Cursor::new(op, written, None))
    }

    /// The description that an operation asked for, once it is over.
    pub(super) async fn described(
        &mut self,
        op: OpId,
        sql: &Written,
    ) -> Result<Description, Error> {
        let mut types: Box<[purepg_proto::Oid]> = Box::default();
        let mut columns = None;
        loop {
            match self.reply(op).await? {
                Reply::Parameters(params) => types = params,
                Reply::Columns(described) => columns = Some(described),
                Reply::Finished(outcome) => {
                    self.check(outcome, Some(sql))?;
                    let missing = describing::missing(&self.types, &types, columns.as_deref());
                    if !missing.is_empty() {
                        self.look_up(Wanted::Oids(missing)).await?;
                    }
                    return Ok(describing::description(
                        &self.types,
                        &types,
                        columns.as_ref(),
                    ));
                }
                _ => {}
            }
        }
    }

    /// One operation that binds and executes, once or several times.
    #[inline]
    pub(super) fn start_bound_with(
        &mut self,
        bound: &Bound<'_>,
        messages: impl FnOnce(&mut Batch<'_>, &Repeated) -> Result<(), Error>,
    ) -> Result<OpId, Error> {
        self.say_due()?;
        let mut batch = self.core.batch();
        open_batch(
            &mut batch,
            &self.transactions,
            &self.to_close,
            self.closes_in,
        );
        if let Err(error) = messages(&mut batch, &self.repeated) {
            drop(batch);
            // The type of a parameter may be another by now, which nobody will tell before something is sent.
            if matches!(error, Error::Encode(_)) && bound.has_other_types() {
                self.types.forget();
            }
            return Err(error);
        }
        if bound.sync {
            batch.sync();
        }
        let op = batch.commit()?;
        self.note_committed(op);
        Ok(op)
    }

    /// Binds and executes.
    pub(crate) fn start_bound(
        &mut self,
        bound: &Bound<'_>,
        params: &dyn Params,
    ) -> Result<OpId, Error> {
        let formats = bound.formats(params)?;
        self.check_values(params.len())?;
        self.start_bound_with(bound, |batch, repeated| {
            bound.bind(batch, &formats, params)?;
            bound.execute(batch, repeated);
            Ok(())
        })
    }
}

/// What rides with an operation: the beginning of its transaction, and the end of statements that nobody needs any more, unless an
/// earlier one carries that.
fn open_batch(
    batch: &mut Batch<'_>,
    transactions: &Transactions,
    to_close: &VecDeque<String>,
    closes_in: Option<OpId>,
) {
    for command in transactions.not_begun() {
        batch.prelude(command);
    }
    if closes_in.is_none() {
        for name in to_close {
            batch.close(Target::Statement(name));
        }
    }
}
