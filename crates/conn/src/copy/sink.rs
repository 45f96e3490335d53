//! Data for a `COPY … FROM STDIN`, through the traits of `futures`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_io::AsyncWrite;
use futures_sink::Sink;

use crate::copy::CopyIn;
use crate::copy::feed::WHOLE;
use crate::error::Error;
use crate::runtime::ByteStream;

/// Each item is taken whole, whatever its size, and a large one is not copied. [`close`](Sink::poll_close) is
/// [`finish`](CopyIn::finish): afterwards [`row_count`](CopyIn::row_count) tells the number of rows.
impl<S: ByteStream> Sink<Bytes> for CopyIn<'_, S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.usable()?;
        this.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, item: Bytes) -> Result<(), Error> {
        let this = self.get_mut();
        this.usable()?;
        this.take_bytes(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.usable()?;
        this.poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_finished(cx)
    }
}

/// [`close`](AsyncWrite::poll_close) is [`finish`](CopyIn::finish): afterwards [`row_count`](CopyIn::row_count) tells the number of
/// rows. An [`io::Error`] holds the [`Error`].
impl<S: ByteStream> AsyncWrite for CopyIn<'_, S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.usable().map_err(io::Error::other)?;
        let data = buf.get(..WHOLE).unwrap_or(buf);
        ready!(this.poll_send(data, cx)).map_err(io::Error::other)?;
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::poll_flush(self, cx).map_err(io::Error::other)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::poll_close(self, cx).map_err(io::Error::other)
    }
}
