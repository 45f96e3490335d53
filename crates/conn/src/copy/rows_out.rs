//! Typed rows of a `COPY … TO STDOUT` in the binary format.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use purepg_types::{Column, DecodeError, Field, Fields, Format, FromRow, FromSql, Type};

use crate::connection::Connection;
use crate::copy::CopyOut;
use crate::copy::rows_in::check;
use crate::copy::tuples::{Tuples, Values};
use crate::error::Error;
use crate::plans::Plans;
use crate::runtime::ByteStream;

/// Gives the rows of a `COPY … TO STDOUT` in the binary format, as they arrive: [`Connection::copy_out_rows`]. After an error, or the
/// last row, there are no more.
///
/// # Cancel safety
/// As [`CopyOut`]: no row is lost with a future, and dropping it costs the connection nothing.
pub struct CopyOutRows<'c, S> {
    out: CopyOut<'c, S>,
    columns: Arc<Columns>,
    tuples: Tuples,
    done: bool,
}

/// A row that was copied. It keeps the rows alive that arrived together with it, at most 64 KiB of them, or the size of the row.
#[derive(Clone)]
pub struct CopyRow {
    tuple: Bytes,
    columns: Arc<Columns>,
}

/// What is known of the columns.
#[derive(Debug)]
pub(super) struct Columns {
    list: Box<[Column]>,
    plans: Plans,
}

impl Columns {
    /// The server names the columns of a COPY nowhere.
    pub(super) fn of(types: &[Type]) -> Arc<Self> {
        let columns = types.iter().enumerate();
        let columns =
            columns.map(|(place, ty)| Column::new(place.to_string(), ty.clone(), Format::Binary));
        Arc::new(Self {
            list: columns.collect(),
            plans: Plans::default(),
        })
    }
}

impl<S: ByteStream> Connection<S> {
    /// Begins a `COPY … TO STDOUT WITH (FORMAT binary)` whose rows are read as Rust values.
    ///
    /// `types` are those of its columns; [`column_types`](Self::column_types) asks the server for them. Otherwise as
    /// [`copy_out`](Self::copy_out).
    ///
    /// ```no_run
    /// # async fn example<S: purepg_conn::ByteStream>(conn: &mut purepg_conn::Connection<S>) -> Result<(), purepg_conn::Error> {
    /// let query = "select a, b from t where a > 1";
    /// let types = conn.column_types(query).await?;
    /// let copy = format!("copy ({query}) to stdout with (format binary)");
    /// let mut rows = conn.copy_out_rows(&copy, &types).await?;
    /// while let Some(row) = rows.next().await {
    ///     let row = row?;
    ///     let (a, b): (i32, Option<&str>) = row.decode()?;
    /// #   assert!(a > 1 && b.is_none());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`copy_out`](Self::copy_out), and [`UsageError::CopyNotBinary`](crate::UsageError::CopyNotBinary), and
    /// [`UsageError::CopyColumns`](crate::UsageError::CopyColumns) when the COPY has more columns than there are types, or fewer.
    ///
    /// # Cancel safety
    /// As [`copy_out`](Self::copy_out).
    pub async fn copy_out_rows(
        &mut self,
        sql: &str,
        types: &[Type],
    ) -> Result<CopyOutRows<'_, S>, Error> {
        let copy = self.start_copy_out(sql).await?;
        if let Err(error) = check(copy.format(), copy.columns(), types) {
            return Err(self.settled(error.into()).await);
        }
        Ok(CopyOutRows {
            out: CopyOut::new(self, copy),
            columns: Columns::of(types),
            tuples: Tuples::new(types.len()),
            done: false,
        })
    }
}

impl<S: ByteStream> CopyOutRows<'_, S> {
    /// The next row; `None` when there is none left.
    ///
    /// # Errors
    /// [`Error::Decode`] where the data is not in the binary format, or its rows do not have the columns that were announced; otherwise
    /// as [`CopyOut::next`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no row.
    pub async fn next(&mut self) -> Option<Result<CopyRow, Error>> {
        poll_fn(|cx| self.poll_row(cx)).await
    }

    /// Discards what is left, and returns the number of rows that the server counted.
    ///
    /// # Errors
    /// As [`CopyOut::row_count`]. What is discarded is not looked at.
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing.
    pub async fn row_count(self) -> Result<u64, Error> {
        self.out.row_count().await
    }

    /// The columns, whose names are their places, from 0.
    pub fn columns(&self) -> &[Column] {
        &self.columns.list
    }

    fn poll_row(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<CopyRow, Error>>> {
        while !self.done {
            match self.tuples.next() {
                Ok(None) => {}
                Ok(Some(tuple)) => {
                    let row = CopyRow::new(tuple, Arc::clone(&self.columns));
                    return Poll::Ready(Some(Ok(row)));
                }
                Err(error) => return Poll::Ready(Some(Err(self.fail(error.into())))),
            }
            match ready!(self.out.poll_run(cx)) {
                Ok(Some(run)) => match self.out.check_readable() {
                    Ok(()) => self.tuples.push(run.to_bytes()),
                    Err(error) => return Poll::Ready(Some(Err(self.fail(error)))),
                },
                Ok(None) => {
                    self.done = true;
                    // What makes rows unreadable is reported behind the rows that were made with it.
                    let finished = self.tuples.finish().map_err(Error::from);
                    if let Err(error) = finished.and_then(|()| self.out.check_readable()) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                Err(error) => return Poll::Ready(Some(Err(self.fail(error)))),
            }
        }
        Poll::Ready(None)
    }

    fn fail(&mut self, error: Error) -> Error {
        self.done = true;
        self.out.give_up();
        error
    }
}

impl CopyRow {
    pub(super) fn new(tuple: Bytes, columns: Arc<Columns>) -> Self {
        Self { tuple, columns }
    }

    /// The value of a column, by its place, from 0.
    ///
    /// # Errors
    /// [`Error::Decode`] when there is no such column, or its value is not one of the type that was asked for.
    pub fn get<'r, T: FromSql<'r>>(&'r self, place: usize) -> Result<T, Error> {
        let mut fields = self.fields();
        for _ in 0..place {
            fields.next_field()?;
        }
        Ok(fields.next_field()?.decode()?)
    }

    /// All values: a tuple of up to 16, or a type that implements [`FromRow`].
    ///
    /// # Errors
    /// [`Error::Decode`] when the number of columns differs, or a value is not one of its type.
    pub fn decode<'r, T: FromRow<'r>>(&'r self) -> Result<T, Error> {
        Ok(self.columns.plans.decode(&mut self.fields())?)
    }

    /// The columns, whose names are their places, from 0.
    pub fn columns(&self) -> &[Column] {
        &self.columns.list
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.columns().len()
    }

    /// True for a row without columns.
    pub fn is_empty(&self) -> bool {
        self.columns().is_empty()
    }

    pub(super) fn fields(&self) -> TupleFields<'_> {
        TupleFields {
            columns: self.columns(),
            next: 0,
            values: Values::of(&self.tuple),
        }
    }
}

/// The values of a tuple with what is known of their columns.
#[derive(Clone)]
pub(super) struct TupleFields<'r> {
    columns: &'r [Column],
    next: usize,
    values: Values<'r>,
}

impl<'r> Fields<'r> for TupleFields<'r> {
    fn columns(&self) -> &'r [Column] {
        self.columns
    }

    fn next_field(&mut self) -> Result<Field<'r>, DecodeError> {
        let Some(column) = self.columns.get(self.next) else {
            return Err(DecodeError::no_such_column(format!(
                "there is no column at place {} (from 0)",
                self.next
            )));
        };
        let value = self.values.next()?;
        self.next += 1;
        Ok(Field::new(column, value))
    }
}

impl<S: ByteStream> Stream for CopyOutRows<'_, S> {
    type Item = Result<CopyRow, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_row(cx)
    }
}

impl<S: ByteStream> FusedStream for CopyOutRows<'_, S> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<S> fmt::Debug for CopyOutRows<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOutRows")
            .field("out", &self.out)
            .field("columns", &self.columns.list)
            .finish_non_exhaustive()
    }
}

/// The columns: values may be secret.
impl fmt::Debug for CopyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyRow")
            .field("columns", &self.columns.list)
            .finish_non_exhaustive()
    }
}
