//! COPY: how one is begun, and what its answers mean.

mod state;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use purepg_proto::{CopyData, CopyEnd, Reply, Target};
use purepg_types::Type;

use crate::connection::Connection;
use crate::copy::{CopyIn, CopyOut};
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;
use crate::written::Written;

pub(crate) use state::CopyState;
use state::{Direction, Stage};

const UNWANTED: &str = "there is no data for this COPY";

impl<S: ByteStream> Connection<S> {
    /// Begins a `COPY … FROM STDIN`, whose data the [`CopyIn`] takes. It returns when the server has agreed: of a COPY that it refuses
    /// no data is asked for.
    ///
    /// The text goes as one simple query, so it may hold more statements, before the COPY or behind it, all in one transaction; what
    /// rows they return is discarded. It may hold no second COPY.
    ///
    /// ```no_run
    /// # async fn example<S: purepg_conn::ByteStream>(conn: &mut purepg_conn::Connection<S>) -> Result<(), purepg_conn::Error> {
    /// let mut sink = conn.copy_in("copy t from stdin").await?;
    /// sink.send("1\tone\n2\ttwo\n").await?;
    /// let rows: u64 = sink.finish().await?;
    /// # assert_eq!(rows, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`] when the server refuses it, [`UsageError::NotCopyIn`] when the text holds no such statement (it was carried
    /// out all the same), and what ends a connection.
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing, and nothing is copied.
    pub async fn copy_in(&mut self, sql: &str) -> Result<CopyIn<'_, S>, Error> {
        let copy = self.start_copy_in(sql).await?;
        Ok(CopyIn::new(self, copy))
    }

    /// Begins a `COPY … TO STDOUT`, whose data comes from the [`CopyOut`]. What nobody takes waits in the socket.
    ///
    /// The text goes as one simple query, so it may hold more statements, before the COPY or behind it, all in one transaction; what
    /// rows they return is discarded. It may hold no second COPY.
    ///
    /// ```no_run
    /// # async fn example<S: purepg_conn::ByteStream>(conn: &mut purepg_conn::Connection<S>) -> Result<(), purepg_conn::Error> {
    /// let mut out = conn.copy_out("copy t to stdout").await?;
    /// while let Some(chunk) = out.next().await {
    ///     let chunk: bytes::Bytes = chunk?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`] when the server refuses it, [`UsageError::NotCopyOut`] when the text holds no such statement (it was carried
    /// out all the same, unless it was a `COPY … FROM STDIN`), and what ends a connection. What happens amid the data is reported by
    /// the [`CopyOut`].
    ///
    /// # Cancel safety
    /// Dropping the future or the [`CopyOut`] costs the connection nothing: the next call reads past what is left.
    pub async fn copy_out(&mut self, sql: &str) -> Result<CopyOut<'_, S>, Error> {
        let copy = self.start_copy_out(sql).await?;
        Ok(CopyOut::new(self, copy))
    }

    /// The types of the columns that a query returns, without running it: those that [`copy_in_rows`](Self::copy_in_rows) and
    /// [`copy_out_rows`](Self::copy_out_rows) need.
    ///
    /// # Errors
    /// [`Error::Database`] when the server refuses the query, and what ends a connection.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing.
    pub async fn column_types(&mut self, query: &str) -> Result<Vec<Type>, Error> {
        self.make_way().await?;
        self.check_transaction()?;
        self.check_text(query)?;
        let op = self.operation(|batch| {
            batch
                .parse("", query, &[])
                .describe(Target::Statement(""))
                .sync();
        });
        let described = match op {
            Ok(op) => self.described(op, &Written::as_sent(query)).await,
            Err(error) => Err(error),
        };
        match described {
            Ok(described) => {
                let columns = described.columns.iter();
                let columns = columns.flat_map(|columns| columns.as_slice());
                Ok(columns.map(|column| column.ty().clone()).collect())
            }
            Err(error) => Err(self.settled(error).await),
        }
    }

    pub(crate) async fn start_copy_in(&mut self, sql: &str) -> Result<CopyState, Error> {
        self.start_copy(sql, Direction::In).await
    }

    pub(crate) async fn start_copy_out(&mut self, sql: &str) -> Result<CopyState, Error> {
        self.start_copy(sql, Direction::Out).await
    }

    async fn start_copy(&mut self, sql: &str, direction: Direction) -> Result<CopyState, Error> {
        // How long it takes is up to who gives or takes the data.
        self.make_way_within(None).await?;
        self.check_transaction()?;
        self.check_text(sql)?;
        // Whichever it turns out to be: a COPY that was not declared is refused by the core, in words of its own.
        let op = self.operation(|batch| {
            batch.query(sql).copy_in();
        });
        let op = match op {
            Ok(op) => op,
            Err(error) => return Err(self.settled(error).await),
        };
        let mut copy = CopyState::new(op, Written::as_sent(sql), direction);
        match poll_fn(|cx| self.poll_copy_begun(&mut copy, cx)).await {
            Ok(()) => Ok(copy),
            Err(error) => Err(self.settled(error).await),
        }
    }

    fn poll_copy_begun(
        &mut self,
        copy: &mut CopyState,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while copy.stage == Stage::Asked {
            let reply = ready!(self.poll_reply(cx, copy.op))?;
            self.follow_copy(copy, reply)?;
            // Nobody waits for the rest of it.
            copy.fault.take().map_or(Ok(()), Err)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the server data; tells how much was taken. Less than all of it is backpressure.
    pub(crate) fn send_copy_data(
        &mut self,
        copy: &mut CopyState,
        data: &[u8],
    ) -> Result<usize, Error> {
        match self.core.copy_data(copy.op, data) {
            Err(purepg_proto::UsageError::NotCopying) => {
                copy.stage = Stage::Failing;
                Ok(data.len())
            }
            taken => Ok(taken?),
        }
    }

    /// Ends the data.
    pub(crate) fn end_copy(&mut self, copy: &mut CopyState, end: CopyEnd<'_>) -> Result<(), Error> {
        match self.core.copy_finish(copy.op, end) {
            Err(purepg_proto::UsageError::NotCopying) => copy.stage = Stage::Failing,
            ended => {
                ended?;
                copy.stage = Stage::Sent;
            }
        }
        Ok(())
    }

    /// Sends what can be sent now, and hears what the server says meanwhile: ready when that is why the COPY failed.
    pub(crate) fn poll_copy_news(
        &mut self,
        copy: &mut CopyState,
        cx: &mut Context<'_>,
    ) -> Poll<Error> {
        loop {
            match ready!(self.poll_copy_reply(copy, cx)) {
                Ok(_) if copy.stage == Stage::Complete => {
                    return Poll::Ready(UsageError::CopyOver.into());
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(error),
            }
        }
    }

    /// Ready when the COPY is over.
    pub(crate) fn poll_copy_over(
        &mut self,
        copy: &mut CopyState,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while !copy.is_over() {
            ready!(self.poll_copy_reply(copy, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// The next data; `None` at the end.
    pub(crate) fn poll_copy_data(
        &mut self,
        copy: &mut CopyState,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<CopyData>, Error>> {
        while !copy.is_over() {
            if let Some(data) = ready!(self.poll_copy_reply(copy, cx))? {
                return Poll::Ready(Ok(Some(data)));
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_copy_reply(
        &mut self,
        copy: &mut CopyState,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<CopyData>, Error>> {
        let reply = ready!(self.poll_reply(cx, copy.op)).inspect_err(|_| copy.give_up())?;
        let followed = self.follow_copy(copy, reply);
        Poll::Ready(followed.map_err(|error| self.with_end(error)))
    }

    /// Takes note of one answer.
    fn follow_copy(
        &mut self,
        copy: &mut CopyState,
        reply: Reply,
    ) -> Result<Option<CopyData>, Error> {
        match reply {
            Reply::CopyIn(response) if copy.awaits(Direction::In) => copy.begin(&response),
            Reply::CopyOut(response) if copy.awaits(Direction::Out) => copy.begin(&response),
            Reply::CopyIn(_) => {
                copy.blame();
                copy.refused = true;
                // An error only if it awaits no data any more, and then nothing needs to be ended.
                let _ = self.core.copy_finish(copy.op, CopyEnd::Fail(UNWANTED));
            }
            Reply::CopyOut(_) | Reply::CopyBoth(_) => copy.blame(),
            Reply::CopyData(data) if copy.stage == Stage::Data => return Ok(Some(data)),
            Reply::CopyDone if copy.stage == Stage::Data => copy.stage = Stage::Sent,
            Reply::StatementComplete(tag) => {
                copy.count(&tag);
                self.note_tag(&tag);
            }
            Reply::Finished(outcome) => {
                if copy.stage == Stage::Asked {
                    copy.blame();
                }
                copy.give_up();
                // What the server makes of a refusal says less than what it was refused for.
                if !copy.refused {
                    self.check(outcome, Some(&copy.sql))?;
                }
                copy.fault.take().map_or(Ok(()), Err)?;
                copy.stage = Stage::Complete;
            }
            _ => {}
        }
        Ok(None)
    }

    /// What an error is worth once its connection may have ended.
    fn with_end(&mut self, error: Error) -> Error {
        if !self.core.is_dead() {
            return error;
        }
        self.learn_end();
        error.with_end(self.ended())
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting_output(&self) -> usize {
        self.core.output().len()
    }
}

impl<S> Connection<S> {
    /// Nobody will send the rest of it, or take it.
    pub(crate) fn abandon_copy(&mut self, copy: &CopyState) {
        // Nothing else is under way: the COPY has borrowed the connection.
        if !copy.is_over() {
            self.abandon_all();
        }
    }
}
