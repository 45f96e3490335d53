//! What travels over a connection, in libpq's words: a line for each message.

mod backend;
mod escape;
mod frames;
mod frontend;
mod line;
mod message;
mod options;

use core::fmt::{self, Write};

use frames::{Cut, Frames, Head};
use frontend::First;
use line::Line;
use message::{Message, Named, Unknown};

pub use options::TraceOptions;

/// The number at the front of a message by which it is known, where it is not known by its type byte. It is kept whatever else is.
const CODE: usize = 4;

/// Prints what travels over a connection, a line for each message, in the format of libpq's `PQtrace`.
///
/// It is a pure formatter: whoever carries the bytes hands them over as they travel, in pieces of any size, and gets lines. A core knows
/// nothing of it, and it knows of the protocol only what it takes to name things.
///
/// ```
/// use purepg_proto::{Connection, Limits, Nonce, Startup, TraceOptions, Tracer, Transport};
///
/// let startup = Startup::new("me", Transport::UnixSocket).password("secret");
/// let mut connection = Connection::new(startup, Nonce::from_entropy([7; 18]), Limits::default());
/// let mut tracer = Tracer::new(TraceOptions::default());
/// let mut trace = String::new();
///
/// for received in [&b"R\0\0\0\x08\0\0\0\x03"[..], b""] {
///     // In a driver's loop, where it confirms what it has sent and received.
///     tracer.frontend(connection.output(), &mut trace)?;
///     connection.output_sent(connection.output().len());
///     tracer.backend(received, &mut trace)?;
///     connection.recv_bytes(received)?;
///     while let Some(_event) = connection.next_event()? {}
/// }
/// assert_eq!(
///     trace,
///     "F\t38\tStartupMessage\t 3 0 \"user\" \"me\" \"client_encoding\" \"UTF8\"\n\
///      B\t8\tAuthenticationCleartextPassword\n\
///      F\tNN\tPasswordMessage\t \"SSSS\"\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The format
///
/// Tabs stand between the direction (`F` for what the frontend, the client, sends; `B` for the backend), the length word, the name of the
/// message, and its fields, each of which has a space before it: numbers as they are, strings in `"`, bytes in `'`, NULL as its length, -1.
/// A message whose length is not that of its fields is followed by a line that says so. So is one with which a direction becomes
/// unreadable; nothing more is printed of that direction then. Time stamps are the caller's, who puts one before each line.
///
/// It is what libpq 18 prints, but for this:
///
/// * Secrets are masked in the way of the regress mode: `"SSSS"` for a password, whose length is masked too, `'BBBB'` for what SASL, GSS
///   and OAuth say and for the keys of cancel requests.
/// * Data are hidden as [`TraceOptions`] say: bytes, whose length stands before them, as `'BBBB'`, strings as `"SSSS"`.
/// * A message is one line, and cannot be mistaken for another: control characters, invisible ones and bytes that are not UTF-8 stand as
///   `\x0a` in strings, as they do in bytes.
/// * A message that is longer than [`TraceOptions::max_message`] ends in ` ...`.
/// * Every message is printed, also those that libpq reads past (`AuthenticationOk`); the salt of MD5 is no mismatch of lengths.
/// * The text of an error that answers a request for encryption is hidden: nobody knows who wrote it.
///
/// # Directions
///
/// Bytes of the two directions are to be handed over in the order in which the client sent and received them, in the clear: behind an
/// `S` that answers an `SSLRequest`, what TLS carries. A line is printed once its message is whole.
pub struct Tracer {
    options: TraceOptions,
    frontend: Frames,
    backend: Frames,
    /// The client's messages have a type byte.
    started: bool,
    /// A single byte is awaited of the server, which libpq calls so.
    answer: Option<&'static str>,
    /// What the server has asked the client to prove itself with.
    asked: Option<i32>,
}

impl Tracer {
    /// A tracer of a connection from its first byte on.
    pub fn new(options: TraceOptions) -> Self {
        Self {
            options,
            frontend: Frames::default(),
            backend: Frames::default(),
            started: false,
            answer: None,
            asked: None,
        }
    }

    /// A tracer of a connection whose `StartupMessage` has been sent already, as after `PQtrace` on one that is open.
    pub fn started(options: TraceOptions) -> Self {
        Self {
            started: true,
            ..Self::new(options)
        }
    }

    /// Bytes of the client: appends the lines of the messages that are whole now.
    ///
    /// # Errors
    /// Those of the writer, whose lines are lost then. The tracer has taken the bytes all the same.
    pub fn frontend(&mut self, bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
        let mut rest = bytes;
        let mut result = Ok(());
        loop {
            let max = self.options.max_message.max(CODE);
            let keep = |tag| match tag {
                b'p' => max.min(frontend::PRINTED_OF_RESPONSE),
                _ => max,
            };
            let printed = match self.frontend.next(&mut rest, self.started, keep) {
                Cut::Nothing => return result,
                Cut::Message(head) => {
                    let message = self.frontend_message(head);
                    let printed = line(out, &self.options, 'F', &self.frontend, message);
                    self.frontend.pop(has_secret(message));
                    printed
                }
                Cut::Lost { tag, declared } => {
                    let unknown = if self.started {
                        Unknown::Type(tag)
                    } else {
                        Unknown::First
                    };
                    lost(out, 'F', unknown, declared)
                }
            };
            result = result.and(printed);
        }
    }

    /// Bytes of the server: appends the lines of the messages that are whole now.
    ///
    /// # Errors
    /// Those of the writer, whose lines are lost then. The tracer has taken the bytes all the same.
    pub fn backend(&mut self, bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
        let mut rest = bytes;
        let mut result = Ok(());
        loop {
            if let Some(printed) = self.answer(&mut rest, out) {
                result = result.and(printed);
            }
            let max = self.options.max_message.max(CODE);
            let printed = match self.backend.next(&mut rest, true, |_| max) {
                Cut::Nothing => return result,
                Cut::Message(head) => {
                    let message = self.backend_message(head);
                    let printed = line(out, &self.options, 'B', &self.backend, message);
                    self.backend.pop(has_secret(message));
                    printed
                }
                Cut::Lost { tag, declared } => lost(out, 'B', Unknown::Type(tag), declared),
            };
            result = result.and(printed);
        }
    }

    /// The stream has ended: appends what has come of messages that are not whole.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(mut self, out: &mut dyn Write) -> fmt::Result {
        let message = self.frontend.head.map(|head| self.frontend_message(head));
        torn(out, &self.options, 'F', &self.frontend, message)?;
        let message = self.backend.head.map(|head| self.backend_message(head));
        torn(out, &self.options, 'B', &self.backend, message)
    }

    /// What the message is that has come of the client.
    fn frontend_message(&mut self, head: Head) -> Named {
        if self.started {
            return match head.tag {
                b'p' => Ok(frontend::response(self.asked.take())),
                tag => frontend::typed(tag),
            };
        }
        let (first, message) = frontend::first(&self.frontend.body);
        match first {
            First::Startup => self.started = true,
            First::EncryptionRequest(answer) => self.answer = Some(answer),
            First::CancelRequest => {}
        }
        Ok(message)
    }

    /// What the message is that has come of the server.
    fn backend_message(&mut self, head: Head) -> Named {
        match (head.tag, self.backend.body.first_chunk()) {
            (b'E', _) if self.answer.take().is_some() => Ok(backend::UNENCRYPTED_ERROR),
            (b'R', Some(code)) => {
                let code = i32::from_be_bytes(*code);
                self.asked = Some(code);
                backend::authentication(code)
            }
            (b'R', None) => Ok(backend::NO_AUTHENTICATION),
            (tag, _) => backend::typed(tag),
        }
    }

    /// The single byte that answers a request for encryption; an error is none.
    fn answer(&mut self, input: &mut &[u8], out: &mut dyn Write) -> Option<fmt::Result> {
        if !self.backend.is_between_messages() {
            return None;
        }
        let (&byte, rest) = input.split_first().filter(|(byte, _)| **byte != b'E')?;
        let name = self.answer.take()?;
        *input = rest;
        let begun = write!(out, "B\t1\t{name}\t ");
        let printed = begun.and_then(|()| escape::byte(out, byte));
        Some(printed.and_then(|()| out.write_char('\n')))
    }
}

/// Bytes that have come may be secret.
impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The line of a message.
fn line(
    out: &mut dyn Write,
    options: &TraceOptions,
    side: char,
    frames: &Frames,
    message: Named,
) -> fmt::Result {
    let length = frames.head.map_or(0, |head| head.length);
    Line::new(out, options, &frames.body, length).print(side, message)
}

/// The line of a message that was cut off, if there is one.
fn torn(
    out: &mut dyn Write,
    options: &TraceOptions,
    side: char,
    frames: &Frames,
    message: Option<Named>,
) -> fmt::Result {
    if let Some(message) = message {
        line(out, options, side, frames, message)?;
        return match (message, frames.head) {
            (Ok(message), _) if message.has_password() => out.write_str("incomplete message\n"),
            (_, head) => {
                let length = head.map_or(0, |head| head.length).saturating_add(4);
                let came = frames.came.saturating_add(4);
                writeln!(out, "incomplete message: {came} of {length} bytes")
            }
        };
    }
    if frames.is_in_header() {
        writeln!(out, "{side}\t?\tincomplete header")?;
    }
    Ok(())
}

/// The line of what cannot be a message.
fn lost(out: &mut dyn Write, side: char, unknown: Unknown, declared: i32) -> fmt::Result {
    writeln!(out, "{side}\t{declared}\t{unknown}")?;
    out.write_str("lost synchronization: nothing more can be read in this direction\n")
}

/// Whether the bytes of a message are to be wiped from memory. Of one that nobody knows nobody knows that either.
fn has_secret(message: Named) -> bool {
    message.map_or(true, Message::has_secret)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    /// A writer that takes nothing.
    struct Full;

    impl Write for Full {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            Err(fmt::Error)
        }
    }

    #[test]
    fn security_20_a_response_is_not_even_kept() {
        let mut tracer = Tracer::started(TraceOptions::default());
        let response = b"p\0\0\0\x40OAUTHBEARER\0\0\0\0\x30n,,\x01auth=Bearer token";
        tracer.frontend(response, &mut String::new()).unwrap();
        assert_eq!(tracer.frontend.body.len(), frontend::PRINTED_OF_RESPONSE);
        tracer.frontend(&[b'x'; 23], &mut String::new()).unwrap();
        assert!(tracer.frontend.body.is_empty());
    }

    #[test]
    fn the_longest_mechanism_is_kept_with_its_length() {
        let longest = frontend::MECHANISMS.map(<[u8]>::len).into_iter().max();
        assert_eq!(
            longest.map(|name| name + 1 + 4),
            Some(frontend::PRINTED_OF_RESPONSE)
        );
    }

    #[test]
    fn a_writer_that_fails_loses_lines_and_nothing_else() {
        let mut tracer = Tracer::new(TraceOptions::default());
        let ssl = b"\0\0\0\x08\x04\xd2\x16\x2f";
        assert_eq!(tracer.frontend(ssl, &mut Full), Err(fmt::Error));
        assert_eq!(
            tracer.backend(b"NZ\0\0\0\x05IZ\0\0", &mut Full),
            Err(fmt::Error)
        );
        let mut out = String::new();
        tracer.backend(b"\0\x05T", &mut out).unwrap();
        assert_eq!(out, "B\t5\tReadyForQuery\t T\n");
    }
}
