//! Data for a `COPY … FROM STDIN`, from whoever has it.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};

use futures_core::Stream;

use crate::copy::CopyIn;
use crate::error::Error;
use crate::runtime::ByteStream;

/// The longest reason that a server takes.
const MAX_REASON: usize = 9_995;

impl<S: ByteStream> CopyIn<'_, S> {
    /// Sends everything that a stream gives, and [finishes](Self::finish); returns the number of rows that the server counted.
    ///
    /// The source is not asked for more than there is room for. An error of the source fails the COPY, with the error's text in the
    /// server's log, and is returned. Once the server has failed the COPY, nothing more is taken from the source.
    ///
    /// ```no_run
    /// # use purepg_conn::{ByteStream, Connection, Error};
    /// # async fn example<S: ByteStream>(conn: &mut Connection<S>) -> Result<(), Error> {
    /// let lines = (1..=1_000_000).map(|n| Ok::<_, Error>(format!("{n}\n")));
    /// let sink = conn.copy_in("copy t from stdin").await?;
    /// let rows = sink.send_from(futures_util::stream::iter(lines)).await?;
    /// # assert_eq!(rows, 1_000_000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The source's, and those of [`send`](Self::send) and [`finish`](Self::finish).
    ///
    /// # Cancel safety
    /// Dropping the future fails the COPY, but as said at [`finish`](Self::finish) once the source has ended.
    pub async fn send_from<D, E>(
        mut self,
        source: impl Stream<Item = Result<D, E>>,
    ) -> Result<u64, E>
    where
        D: AsRef<[u8]>,
        E: From<Error> + Display,
    {
        let mut source = pin!(source);
        loop {
            let next = poll_fn(|cx| {
                ready!(self.poll_room(cx))?;
                let next = source.as_mut().poll_next(cx);
                // While the source takes its time, what it gave goes out, and the server is heard.
                if next.is_pending()
                    && let Poll::Ready(Err(error)) = self.poll_flushed(cx)
                {
                    return Poll::Ready(Err(error));
                }
                next.map(Ok)
            });
            match next.await? {
                None => return Ok(self.finish().await?),
                Some(Ok(data)) => self.send(data).await?,
                Some(Err(error)) => {
                    let reason = reason(&error);
                    // The source's error is what went wrong first.
                    let _ = self.abort(&reason).await;
                    return Err(error);
                }
            }
        }
    }
}

/// The text of an error, as a reason for the server.
fn reason(error: &impl Display) -> String {
    let mut reason = error.to_string().replace('\0', "\u{fffd}");
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_27_a_reason_is_one_that_can_be_sent() {
        assert_eq!(reason(&"no\0more"), "no\u{fffd}more");
        assert_eq!(reason(&"x".repeat(20_000)).len(), MAX_REASON);
        let long = reason(&"é".repeat(20_000));
        assert_eq!(long.len(), MAX_REASON - 1);
    }
}
