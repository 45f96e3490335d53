//! Servers that say what was written down for them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// A stream that answers each write with the next of these answers, whatever was written: a server that says what none at hand would.
#[derive(Clone, Debug)]
pub struct Canned {
    answers: VecDeque<Vec<u8>>,
    /// What can be read.
    arrived: VecDeque<u8>,
    /// What comes behind the last answer.
    end: Option<End>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Eof,
    Reset,
}

impl Canned {
    /// One with these answers.
    pub fn new(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            arrived: VecDeque::new(),
            end: None,
        }
    }

    /// The same, whose stream ends behind the last answer.
    #[must_use]
    pub fn that_ends(mut self) -> Self {
        self.end = Some(End::Eof);
        self
    }

    /// The same, whose stream is reset behind the last answer.
    #[must_use]
    pub fn that_is_reset(mut self) -> Self {
        self.end = Some(End::Reset);
        self
    }
}

impl AsyncRead for Canned {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        // Whoever reads writes first: nobody has to be woken.
        match io::Read::read(&mut self.arrived, buf) {
            Ok(0) => match self.end.filter(|_| self.answers.is_empty()) {
                None => Poll::Pending,
                Some(End::Eof) => Poll::Ready(Ok(0)),
                Some(End::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            },
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Canned {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let answer = self.answers.pop_front();
        self.arrived.extend(answer.unwrap_or_default());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
