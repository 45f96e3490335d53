//! The only code that touches the socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_io::{AsyncRead as _, AsyncWrite as _};
use purepg_proto::{Closed, Event, ProtocolError, ProtocolErrorKind, ServerError};

use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::timer::Timer;

/// So many events are handed out in a row before others get their turn: a server that sends without end starves nobody.
const EVENTS_PER_TURN: u32 = 1024;
/// So many events is a read counted for, which may bring many rows in one.
const READ: u32 = 8;

/// After a failed write so many bytes are read to learn why: the server's last words come first.
const LAST_WORDS: usize = 1 << 20;

/// And no longer than so: a server that cannot be written to may never say more.
const LAST_WORDS_TIME: Duration = Duration::from_secs(5);

const WRITING: &str = "writing to the server";

/// What is known of the stream, the core aside.
#[derive(Default)]
pub(super) struct Link {
    needs_flush: bool,
    /// Bytes that the stream took, and gave.
    sent: usize,
    received: usize,
    /// How many of these it had taken when the current call began to ask for something.
    sent_before: usize,
    write_error: Option<Arc<io::Error>>,
    read_error: Option<Arc<io::Error>>,
    read_after_write_error: usize,
    /// Runs from the failed write on.
    last_words: Option<Timer>,
    events: u32,
    end: Option<End>,
    is_closed: bool,
}

/// How far writing and reading went.
pub(super) enum Moved {
    /// Something came, be it the end.
    Received,
    /// Nothing came, but something was sent.
    Sent {
        /// The stream has nothing yet, and will tell.
        awaits_answer: bool,
    },
    Nothing,
}

/// Why the connection ended; told as often as somebody asks.
#[derive(Clone, Debug)]
pub(super) enum End {
    Terminated,
    Fatal(ServerError),
    Protocol(ProtocolError),
    Io {
        context: &'static str,
        source: Arc<io::Error>,
    },
}

impl Link {
    /// True when others are to have their turn.
    pub(super) fn had_its_turn(&self) -> bool {
        self.events >= EVENTS_PER_TURN
    }

    /// An event was handed out, or what is counted for so many of them was done.
    pub(super) fn worked(&mut self, events: u32) {
        self.events += events;
    }

    /// A turn begins.
    pub(super) fn begin_turn(&mut self) {
        self.events = 0;
    }
}

impl<S: ByteStream> Connection<S> {
    /// Writes and reads as far as that goes.
    #[inline]
    pub(super) fn poll_io(&mut self, cx: &mut Context<'_>) -> Moved {
        // What is read past counts too, or a server that sends it without end would starve others all the same.
        self.link.worked(READ);
        let sent = self.poll_write(cx);
        match self.poll_read(cx) {
            Poll::Ready(true) => Moved::Received,
            received if sent => Moved::Sent {
                awaits_answer: received.is_pending(),
            },
            _ => Moved::Nothing,
        }
    }

    /// Sends what waits; true when that may have changed something.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        let failed_before = self.link.write_error.is_some();
        let moved = self.poll_write_all(cx);
        moved || (self.link.write_error.is_some() && !failed_before)
    }

    /// True when something was sent, or is to be tried again at once.
    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while self.link.write_error.is_none() {
            let output = self.core.output();
            if output.is_empty() {
                break;
            }
            match Pin::new(&mut self.stream).poll_write(cx, output) {
                Poll::Ready(Ok(0)) => self.write_failed(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => {
                    self.core.output_sent(n);
                    self.link.sent += n;
                    self.link.needs_flush = true;
                    progress = true;
                }
                Poll::Ready(Err(error)) => self.write_failed(error),
                Poll::Pending => return progress,
            }
        }
        if self.link.needs_flush && self.link.write_error.is_none() {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.link.needs_flush = false,
                // Nobody was told to wake us: it is tried again at once.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                    progress = true;
                }
                Poll::Ready(Err(error)) => self.write_failed(error),
                Poll::Pending => {}
            }
        }
        progress
    }

    /// Reads once, if that is wanted; true when something came, be it the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let space = self.core.recv_space();
        if space.is_empty() {
            return Poll::Ready(false);
        }
        match Pin::new(&mut self.stream).poll_read(cx, space) {
            Poll::Ready(Ok(0)) => self.core.recv_eof(),
            Poll::Ready(Ok(n)) => {
                self.core.recv_filled(n);
                self.link.received = self.link.received.saturating_add(n);
                if self.link.write_error.is_some() {
                    self.link.read_after_write_error += n;
                    if self.link.read_after_write_error > LAST_WORDS {
                        self.core.recv_eof();
                    }
                }
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => {
                self.link.read_error = Some(Arc::new(error));
                self.core.recv_eof();
            }
            Poll::Pending if self.last_words_are_over(cx) => self.core.recv_eof(),
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(true)
    }

    fn write_failed(&mut self, error: io::Error) {
        if error.kind() != io::ErrorKind::Interrupted {
            self.link.write_error = Some(Arc::new(error));
            self.link.last_words = Some(Timer::new(&*self.runtime, LAST_WORDS_TIME));
        }
    }

    /// True when the server has had its time to say why a write failed.
    fn last_words_are_over(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self.link.last_words.as_mut();
        timer.is_some_and(|timer| timer.has_run_out(cx))
    }

    pub(super) fn note_end(&mut self, reason: Closed) {
        let link = &mut self.link;
        link.end = Some(match reason {
            Closed::Terminated => End::Terminated,
            Closed::Fatal(error) => End::Fatal(error),
            Closed::Protocol(error) => {
                let eof = matches!(error.kind(), ProtocolErrorKind::UnexpectedEof { .. });
                // A reset that follows a failed write says less than the write's own error.
                let socket = link.write_error.take().map(|error| (WRITING, error));
                let socket = socket.or_else(|| {
                    link.read_error
                        .take()
                        .map(|e| ("reading from the server", e))
                });
                match socket {
                    Some((context, source)) if eof => End::Io { context, source },
                    _ => End::Protocol(error),
                }
            }
            _ => End::Terminated,
        });
    }

    /// How many bytes the stream has taken so far.
    pub(super) fn bytes_sent(&self) -> usize {
        self.link.sent
    }

    /// How many bytes the stream has given so far.
    pub(super) fn bytes_received(&self) -> usize {
        self.link.received
    }

    /// True while the stream has taken nothing of the current call.
    pub(super) fn is_unsent(&self) -> bool {
        self.link.sent == self.link.sent_before
    }

    /// Hears the last events of a connection that has ended, should nobody have waited for them.
    pub(super) fn learn_end(&mut self) {
        while let Ok(Some(event)) = self.core.next_event() {
            if let Event::Closed(reason) = event {
                self.note_end(reason);
            }
        }
    }

    /// What is sent from now on belongs to the current call.
    pub(super) fn call_begins(&mut self) {
        self.link.sent_before = self.link.sent;
    }

    /// What ended the connection.
    pub(crate) fn ended(&self) -> Error {
        let error = self.end();
        if self.is_unsent() {
            error.before_sending()
        } else {
            error
        }
    }

    fn end(&self) -> Error {
        match self.link.end.clone() {
            Some(End::Fatal(error)) => Error::database(error, None),
            Some(End::Protocol(error)) => error.into(),
            Some(End::Io { context, source }) => Error::broken(context, source),
            Some(End::Terminated) | None => Error::Closed,
        }
    }

    /// True when the stream has taken everything.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.core.wants_write() && !self.link.needs_flush
    }

    /// Ready when everything was sent.
    pub(super) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match ready!(self.poll_event_unless(cx, |this| !this.core.wants_write()))? {
                Some(_) => {}
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Ready when the stream is closed, behind everything that could be sent.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.link.is_closed {
            return Poll::Ready(Ok(()));
        }
        let sent = ready!(self.poll_sent(cx));
        let closed = ready!(Pin::new(&mut self.stream).poll_close(cx));
        self.link.is_closed = true;
        let closed = closed.map_err(|error| Error::io("closing the connection", error));
        Poll::Ready(sent.and(closed))
    }

    /// Ready when everything was sent, or nothing can be sent any more. What comes meanwhile is of no interest.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if let Some(source) = self.link.write_error.clone() {
                return Poll::Ready(Err(Error::broken(WRITING, source)));
            }
            let done = |this: &Self| !this.core.wants_write() || this.link.write_error.is_some();
            match ready!(self.poll_event_unless(cx, done)) {
                Ok(Some(_)) => {}
                Ok(None) if self.link.write_error.is_some() => {}
                Ok(None) => break,
                // There is nobody left to say good-bye to.
                Err(_) => return Poll::Ready(Ok(())),
            }
        }
        if self.link.needs_flush {
            // A failure shows when the stream is closed.
            let _ = ready!(Pin::new(&mut self.stream).poll_flush(cx));
            self.link.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}
