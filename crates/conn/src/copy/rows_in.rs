//! Typed rows for a `COPY … FROM STDIN` in the binary format.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use purepg_types::{Format, Params, Type};

use crate::connection::Connection;
use crate::copy::CopyIn;
use crate::copy::tuples::{write_header, write_trailer, write_tuple};
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;

/// Takes the rows of a `COPY … FROM STDIN` in the binary format: [`Connection::copy_in_rows`].
///
/// # Dropping
/// As [`CopyIn`]: unless [`finish`](Self::finish) has returned, dropping it fails the COPY.
pub struct CopyInRows<'c, S> {
    sink: CopyIn<'c, S>,
    types: Box<[Type]>,
}

impl<S: ByteStream> Connection<S> {
    /// Begins a `COPY … FROM STDIN WITH (FORMAT binary)` whose rows are Rust values.
    ///
    /// `types` are those of its columns, in the order of its list of columns: the binary format converts nothing.
    /// [`column_types`](Self::column_types) asks the server for them. Otherwise as [`copy_in`](Self::copy_in).
    ///
    /// ```no_run
    /// # async fn example<S: purepg_conn::ByteStream>(conn: &mut purepg_conn::Connection<S>) -> Result<(), purepg_conn::Error> {
    /// let types = conn.column_types("select a, b from t").await?;
    /// let mut sink = conn.copy_in_rows("copy t (a, b) from stdin with (format binary)", &types).await?;
    /// for (a, b) in [(1, Some("one")), (2, None)] {
    ///     sink.send((a, b)).await?;
    /// }
    /// let rows: u64 = sink.finish().await?;
    /// # assert_eq!(rows, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`copy_in`](Self::copy_in), and [`UsageError::CopyNotBinary`], and [`UsageError::CopyColumns`] when the COPY has more columns
    /// than there are types, or fewer. Nothing was sent then.
    ///
    /// # Cancel safety
    /// As [`copy_in`](Self::copy_in).
    pub async fn copy_in_rows(
        &mut self,
        sql: &str,
        types: &[Type],
    ) -> Result<CopyInRows<'_, S>, Error> {
        let copy = self.start_copy_in(sql).await?;
        if let Err(error) = check(copy.format(), copy.columns(), types) {
            return Err(self.settled(error.into()).await);
        }
        let mut sink = CopyIn::new(self, copy);
        write_header(&mut sink.gathered);
        Ok(CopyInRows {
            sink,
            types: types.into(),
        })
    }
}

impl<S: ByteStream> CopyInRows<'_, S> {
    /// Sends a row: a tuple of up to 16 values, an array, or a slice of `&dyn ToSql`. It returns when the row was taken, which is before
    /// the server has it: what the server makes of it is reported by a later call.
    ///
    /// # Errors
    /// [`Error::Encode`] for a value that does not fit its column, or cannot be written in the binary format, which names the column's
    /// type, and [`UsageError::CopyColumns`]: then nothing of the row was taken, and the COPY may go on without it. Otherwise as
    /// [`CopyIn::send`].
    ///
    /// # Cancel safety
    /// The row was taken when the future returned, and was not when it was dropped before.
    pub async fn send(&mut self, row: impl Params) -> Result<(), Error> {
        self.sink.usable()?;
        poll_fn(|cx| self.poll_send(&row, cx)).await
    }

    fn poll_send(&mut self, row: &dyn Params, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.sink.poll_room(cx))?;
        self.sink.connection.check_values(row.len())?;
        write_tuple(&self.types, row, &mut self.sink.gathered)?;
        self.sink.push(cx)
    }

    /// Ends the rows, and returns the number of them that the server counted.
    ///
    /// # Errors
    /// As [`CopyIn::finish`].
    ///
    /// # Cancel safety
    /// After a drop either all of the rows are copied, or none.
    pub async fn finish(mut self) -> Result<u64, Error> {
        write_trailer(&mut self.sink.gathered);
        self.sink.finish().await
    }

    /// Fails the COPY: none of its rows is kept.
    ///
    /// # Errors
    /// As [`CopyIn::abort`].
    ///
    /// # Cancel safety
    /// Dropping the future fails the COPY too.
    pub async fn abort(self, reason: &str) -> Result<(), Error> {
        self.sink.abort(reason).await
    }

    /// The types of the columns.
    pub fn types(&self) -> &[Type] {
        &self.types
    }
}

/// Rows can be copied only as the server copies them.
pub(super) fn check(format: Format, columns: usize, types: &[Type]) -> Result<(), UsageError> {
    if format != Format::Binary {
        return Err(UsageError::CopyNotBinary);
    }
    if columns != types.len() {
        return Err(UsageError::CopyColumns {
            expected: columns,
            given: types.len(),
        });
    }
    Ok(())
}

impl<S> fmt::Debug for CopyInRows<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyInRows")
            .field("sink", &self.sink)
            .field("types", &self.types)
            .finish()
    }
}
