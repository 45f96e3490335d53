//! What a client sends, noted on its way.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// A stream that notes every message that is written to it, without its body if it is data.
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    sent: Sent,
}

/// The messages that were written, for whoever wants to look while a connection owns the stream.
#[derive(Clone, Debug, Default)]
pub struct Sent(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    started: bool,
    messages: Vec<Message>,
    /// What was written of the message that is not whole yet, and the rest of it that is data.
    partial: Vec<u8>,
    skip: usize,
}

/// A message that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub tag: u8,
    /// How long its body is.
    pub length: usize,
    /// Its body, unless it is data of a COPY.
    pub body: Vec<u8>,
}

impl<S> Tap<S> {
    /// The same stream, whose messages are noted in `sent`.
    pub fn new(stream: S, sent: &Sent) -> Self {
        Self {
            stream,
            sent: sent.clone(),
        }
    }
}

impl Sent {
    /// The messages since this was asked last, the one that opens the connection aside.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.lock().messages)
    }

    /// Their types.
    pub fn take_tags(&self) -> String {
        let messages = self.take();
        messages
            .iter()
            .map(|message| char::from(message.tag))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn note(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let header = if self.started { 5 } else { 4 };
            let wanted = match self.partial.len() {
                n if n < header => header,
                _ => header + self.body_length(),
            };
            let (now, rest) = bytes.split_at(bytes.len().min(wanted - self.partial.len()));
            self.partial.extend_from_slice(now);
            bytes = rest;
            self.end_message(header);
        }
    }

    fn body_length(&self) -> usize {
        let word = &self.partial[usize::from(self.started)..][..4];
        let length = u32::from_be_bytes(word.try_into().expect("four bytes"));
        usize::try_from(length).expect("a length") - 4
    }

    /// Notes the message if it is whole, or if it is data.
    fn end_message(&mut self, header: usize) {
        if self.partial.len() < header {
            return;
        }
        let length = self.body_length();
        let tag = self.partial[0];
        let is_data = self.started && tag == b'd';
        if is_data {
            self.skip = length;
        } else if self.partial.len() < header + length {
            return;
        }
        let body = self.partial.split_off(header);
        self.partial.clear();
        if std::mem::replace(&mut self.started, true) {
            self.messages.push(Message { tag, length, body });
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = written {
            self.sent.lock().note(&buf[..n]);
        }
        written
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
    use super::*;

    #[test]
    fn messages_are_noted_however_they_are_cut() {
        let bytes = b"\0\0\0\x06abQ\0\0\0\x07ab\0d\0\0\0\x08datac\0\0\0\x04";
        for length in 1..=bytes.len() {
            let mut notes = Notes::default();
            for piece in bytes.chunks(length) {
                notes.note(piece);
            }
            let told: Vec<_> = notes
                .messages
                .iter()
                .map(|message| (message.tag, message.length, &message.body[..]))
                .collect();
            assert_eq!(
                told,
                [(b'Q', 3, &b"ab\0"[..]), (b'd', 4, b""), (b'c', 0, b"")]
            );
        }
    }
}
