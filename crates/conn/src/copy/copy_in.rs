//! Data for a `COPY … FROM STDIN`.

use std::fmt;
use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use purepg_proto::CopyEnd;
use purepg_types::Format;

use crate::connection::{Connection, CopyState};
use crate::copy::feed::WHOLE;
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;

/// The SQLSTATE of a COPY that the client failed: `query_canceled`.
const ABORTED: &str = "57014";

/// Takes the data of a `COPY … FROM STDIN`: [`Connection::copy_in`].
///
/// What is sent is gathered into messages of 32 to 64 KiB. Boundaries between pieces mean nothing. No more is taken than goes out: less
/// than 1 MiB waits at any time, one large item of a [`Sink`](futures_sink::Sink) aside.
///
/// It is also a [`Sink`](futures_sink::Sink) of [`Bytes`], and an [`AsyncWrite`](futures_io::AsyncWrite); closing it as one of these is
/// [`finish`](Self::finish).
///
/// # Dropping
/// Unless [`finish`](Self::finish) has returned, dropping it fails the COPY: no row of it is kept. The server hears of it with the
/// connection's next call.
pub struct CopyIn<'c, S> {
    pub(super) connection: &'c mut Connection<S>,
    pub(super) copy: CopyState,
    /// What is gathered.
    pub(super) gathered: BytesMut,
    /// A piece that was taken whole, and goes behind it.
    pub(super) large: Bytes,
    /// There may be something to send, or to hear.
    pub(super) due: bool,
    /// Of a piece only a part was taken so far.
    pub(super) torn: bool,
    /// Why the COPY has failed, until somebody is told.
    pub(super) failure: Option<Error>,
}

impl<'c, S: ByteStream> CopyIn<'c, S> {
    pub(crate) fn new(connection: &'c mut Connection<S>, copy: CopyState) -> Self {
        Self {
            connection,
            copy,
            gathered: BytesMut::new(),
            large: Bytes::new(),
            due: true,
            torn: false,
            failure: None,
        }
    }

    /// Sends a piece of data. It returns when the piece was taken, which is before the server has it: what the server makes of it is
    /// reported by a later call.
    ///
    /// # Errors
    /// Why the server has failed the COPY, as soon as it has said so; what ends a connection; [`UsageError::CopyOver`] after the end, and
    /// [`UsageError::CopyTorn`].
    ///
    /// # Cancel safety
    /// A piece of up to 512 KiB was taken whole when the future returned, and not at all when it was dropped before. A larger one is
    /// taken in parts: after a drop amid these the COPY can only fail, which the next call reports ([`UsageError::CopyTorn`]).
    pub async fn send(&mut self, data: impl AsRef<[u8]>) -> Result<(), Error> {
        if self.gather(data.as_ref()) {
            return Ok(());
        }
        self.usable()?;
        let length = data.as_ref().len();
        if length <= WHOLE {
            return poll_fn(|cx| self.poll_send(data.as_ref(), cx)).await;
        }
        poll_fn(|cx| self.poll_room(cx)).await?;
        let mut taken = 0;
        self.torn = true;
        while taken < length {
            let end = length.min(taken.saturating_add(WHOLE));
            let part = taken..end;
            poll_fn(|cx| self.poll_send(data.as_ref().get(part.clone()).unwrap_or_default(), cx))
                .await?;
            taken = end;
        }
        self.torn = false;
        Ok(())
    }

    /// Sends what was gathered so far, and waits until the socket has taken it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what it had to send goes with the next call.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.usable()?;
        poll_fn(|cx| self.poll_flushed(cx)).await
    }

    /// Ends the data, and returns the number of rows that the server counted.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`UsageError::SecondCopy`] when the text held another COPY.
    ///
    /// # Cancel safety
    /// After a drop either all of the data is copied, or none.
    pub async fn finish(mut self) -> Result<u64, Error> {
        match poll_fn(|cx| self.poll_finished(cx)).await {
            Ok(()) => Ok(self.copy.row_count()),
            Err(error @ Error::Usage(_)) => Err(self.connection.settled(error).await),
            Err(error) => Err(error),
        }
    }

    /// Fails the COPY: none of its rows is kept. The reason stands in the server's log. It may have 9,995 bytes.
    ///
    /// # Errors
    /// What the server said if it had failed the COPY for another reason, and what ends a connection. A reason that cannot be sent is a
    /// [`UsageError`]; the COPY fails all the same.
    ///
    /// # Cancel safety
    /// Dropping the future fails the COPY too.
    pub async fn abort(mut self, reason: &str) -> Result<(), Error> {
        if self.copy.takes_data() {
            let ended = self
                .connection
                .end_copy(&mut self.copy, CopyEnd::Fail(reason));
            if let Err(error) = ended {
                return Err(self.connection.settled(error).await);
            }
        }
        match poll_fn(|cx| self.poll_over(cx)).await {
            // It was complete before.
            Ok(()) if self.is_complete() => Err(UsageError::CopyOver.into()),
            Err(error) if error.sqlstate() != Some(ABORTED) || !error.is_recoverable() => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Text, which is what `csv` is as well, or binary.
    pub fn format(&self) -> Format {
        self.copy.format()
    }

    /// How many columns its rows have.
    pub fn column_count(&self) -> usize {
        self.copy.columns()
    }

    /// The number of rows that the server counted; 0 until the COPY is complete.
    pub fn row_count(&self) -> u64 {
        self.copy.row_count()
    }
}

impl<S> Drop for CopyIn<'_, S> {
    fn drop(&mut self) {
        self.connection.abandon_copy(&self.copy);
    }
}

/// How much waits: values may be secret.
impl<S> fmt::Debug for CopyIn<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyIn")
            .field("copy", &self.copy)
            .field("gathered", &self.gathered.len())
            .finish_non_exhaustive()
    }
}
