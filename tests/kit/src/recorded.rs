//! A stream that notes what goes over it, and how often one side had to wait for the other.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::frontend::Frontend;

/// A stream, and a note of what went over it.
#[derive(Debug)]
pub struct Recorded<S> {
    stream: S,
    record: Record,
    /// What the stream has not taken of the write that it is amid of.
    left: usize,
}

/// What went over it, seen from outside. Clones are the same record.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Written>>);

/// What was written, and read, since it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// In so many writes; one that the stream takes in parts is one.
    pub writes: usize,
    /// So often something was written behind something that was read: round trips, if each is waited for.
    pub trips: usize,
    /// What was read meanwhile.
    pub read: Vec<u8>,
    has_read: bool,
}

impl<S> Recorded<S> {
    /// Notes what goes over this stream from now on.
    pub fn new(stream: S, record: Record) -> Self {
        Self {
            stream,
            record,
            left: 0,
        }
    }
}

impl Record {
    /// What was written, and read, since the last time.
    pub fn take(&self) -> Written {
        let next = Written {
            has_read: true,
            ..Written::default()
        };
        std::mem::replace(&mut *self.lock(), next)
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    /// The messages of a connection that is open: the type and the body of each.
    ///
    /// # Panics
    /// When these are no whole messages.
    pub fn frames(&self) -> impl Iterator<Item = (u8, &[u8])> {
        frames(&self.bytes)
    }

    /// Their types: a character for each.
    ///
    /// # Panics
    /// When these are no whole messages.
    pub fn tags(&self) -> String {
        self.frames().map(|(tag, _)| char::from(tag)).collect()
    }

    /// The transaction status of each `ReadyForQuery` that was read: a character for each.
    ///
    /// # Panics
    /// When what was read are no whole messages.
    pub fn statuses(&self) -> String {
        let ready = frames(&self.read).filter(|(tag, _)| *tag == b'Z');
        ready.map(|(_, body)| char::from(body[0])).collect()
    }

    /// What was written, decoded.
    ///
    /// # Panics
    /// When these are no whole messages.
    pub fn messages(&self) -> Vec<Frontend> {
        let decode = |(tag, body)| Frontend::decode(tag, body).expect("messages are written");
        self.frames().map(decode).collect()
    }
}

fn frames(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, a, b, c, d], behind) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes([a, b, c, d]);
        let body = usize::try_from(length).expect("a length") - 4;
        let (body, behind) = behind.split_at(body);
        rest = behind;
        Some((tag, body))
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.stream).poll_read(cx, space));
        let mut written = self.record.lock();
        written.has_read = true;
        if let Ok(n) = n {
            written.read.extend_from_slice(&space[..n]);
        }
        drop(written);
        Poll::Ready(n)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        let begins = self.left == 0;
        self.left = if begins { bytes.len() } else { self.left }.saturating_sub(n);
        let mut written = self.record.lock();
        written.bytes.extend_from_slice(&bytes[..n]);
        if begins {
            written.writes += 1;
            written.trips += usize::from(std::mem::take(&mut written.has_read));
        }
        drop(written);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _, Cursor};

    use super::*;
    use crate::backend;
    use crate::drop_at::run;
    use crate::io::OneByte;

    #[test]
    fn messages_writes_and_round_trips_are_told() {
        let record = Record::default();
        let mut stream = Recorded::new(Cursor::new(vec![0; 100]), record.clone());
        record.take();
        run(stream.write_all(b"Q\0\0\0\x07ab\0d\0\0"))
            .unwrap()
            .unwrap();
        run(stream.write_all(b"\0\x08data")).unwrap().unwrap();
        run(stream.read(&mut [0; 4])).unwrap().unwrap();
        run(stream.write_all(b"S\0\0\0\x04")).unwrap().unwrap();
        let written = record.take();
        assert_eq!(
            (written.tags(), written.writes, written.trips),
            ("QdS".into(), 3, 2)
        );
        assert_eq!(written.frames().nth(1), Some((b'd', &b"data"[..])));
        assert_eq!(written.messages()[0], Frontend::Query("ab".into()));
        assert_eq!(written.read, [0; 4]);
        let nothing = record.take();
        assert!(nothing.bytes.is_empty() && nothing.read.is_empty());
    }

    #[test]
    fn the_statuses_that_were_read_are_told() {
        let said = [
            backend::ready(b'E'),
            backend::command_complete("ROLLBACK"),
            backend::ready(b'I'),
        ];
        let record = Record::default();
        let mut stream = Recorded::new(Cursor::new(said.concat()), record.clone());
        run(stream.read_to_end(&mut Vec::new())).unwrap().unwrap();
        assert_eq!(record.take().statuses(), "EI");
    }

    #[test]
    fn a_write_in_parts_is_one() {
        let record = Record::default();
        let mut stream = Recorded::new(OneByte::new(Cursor::new(Vec::new())), record.clone());
        for _ in 0..2 {
            run(stream.write_all(b"S\0\0\0\x04")).unwrap().unwrap();
        }
        let written = record.take();
        assert_eq!((written.tags(), written.writes), ("SS".into(), 2));
    }
}
