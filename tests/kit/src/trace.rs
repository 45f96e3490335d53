//! Conversations as text: what went either way, message by message, and what the client made of it.
//!
//! A line is one message or one event:
//!
//! * `F Q select 1\0` is a message of the client: type, body; `-` stands for the type of messages that have none.
//! * `B Z I` is a message of the server.
//! * `= op0 Finished Complete` is what the client told then, a line of [`cut`](crate::cut)'s log.
//! * `#` begins a remark; an empty line is one.
//!
//! This loses nothing, and is read back; libpq's format, which is for people, is that of `purepg_proto::Tracer`.
//!
//! Bytes that are not printable ASCII stand as `\0`, `\n`, `\r`, `\t` or `\x1f`, a backslash as `\\`. Length words are left out.

use std::fmt::{self, Display, Write as _};

/// A conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Its lines, oldest first.
    pub lines: Vec<Line>,
}

/// A line of a [`Trace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole message of the client.
    Frontend(Vec<u8>),
    /// A whole message of the server.
    Backend(Vec<u8>),
    /// What the client told.
    Told(String),
    /// A remark.
    Remark(String),
}

/// A line that is none of a trace, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine(pub usize);

impl Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is no line of a trace", self.0)
    }
}

impl std::error::Error for BadLine {}

impl Trace {
    /// Reads one.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn parse(text: &str) -> Result<Self, BadLine> {
        let lines = text.lines().enumerate();
        let lines = lines.map(|(i, line)| parse_line(line).ok_or(BadLine(i + 1)));
        Ok(Self {
            lines: lines.collect::<Result<_, _>>()?,
        })
    }

    /// Everything that the client sent.
    pub fn frontend(&self) -> Vec<u8> {
        self.bytes(|line| match line {
            Line::Frontend(message) => Some(message),
            _ => None,
        })
    }

    /// Everything that the server sent.
    pub fn backend(&self) -> Vec<u8> {
        self.bytes(|line| match line {
            Line::Backend(message) => Some(message),
            _ => None,
        })
    }

    /// Everything that the client told.
    pub fn told(&self) -> Vec<&str> {
        let told = self.lines.iter().filter_map(|line| match line {
            Line::Told(told) => Some(told.as_str()),
            _ => None,
        });
        told.collect()
    }

    fn bytes(&self, of: impl Fn(&Line) -> Option<&Vec<u8>>) -> Vec<u8> {
        self.lines
            .iter()
            .filter_map(of)
            .flatten()
            .copied()
            .collect()
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            match line {
                Line::Frontend(message) => write_message(f, 'F', message)?,
                Line::Backend(message) => write_message(f, 'B', message)?,
                Line::Told(told) => writeln!(f, "= {told}")?,
                Line::Remark(remark) if remark.is_empty() => writeln!(f)?,
                Line::Remark(remark) => writeln!(f, "# {remark}")?,
            }
        }
        Ok(())
    }
}

fn write_message(f: &mut fmt::Formatter<'_>, side: char, message: &[u8]) -> fmt::Result {
    // A message without a type begins with its length, whose first byte is 0 in all that are sent.
    let (tag, body) = match message {
        [0, ..] => ('-', message.get(4..)),
        [tag, ..] => (char::from(*tag), message.get(5..)),
        [] => return Err(fmt::Error),
    };
    let body = body.ok_or(fmt::Error)?;
    write!(f, "{side} {tag}")?;
    if !body.is_empty() {
        f.write_char(' ')?;
    }
    for &byte in body {
        match byte {
            0 => f.write_str("\\0")?,
            b'\'' | b'"' => f.write_char(char::from(byte))?,
            _ => write!(f, "{}", byte.escape_ascii())?,
        }
    }
    f.write_char('\n')
}

fn parse_line(line: &str) -> Option<Line> {
    if let Some(told) = line.strip_prefix("= ") {
        return Some(Line::Told(told.to_owned()));
    }
    if let Some(remark) = line.strip_prefix('#') {
        return Some(Line::Remark(remark.trim().to_owned()));
    }
    if line.is_empty() {
        return Some(Line::Remark(String::new()));
    }
    let (side, rest) = line.split_once(' ')?;
    let (tag, body) = rest.split_once(' ').unwrap_or((rest, ""));
    let body = unescape(body)?;
    let length = u32::try_from(body.len() + 4).ok()?.to_be_bytes();
    let tag = match tag.as_bytes() {
        b"-" => &[][..],
        tag @ [_] => tag,
        _ => return None,
    };
    let message = [tag, &length, &body].concat();
    match side {
        "F" => Some(Line::Frontend(message)),
        "B" => Some(Line::Backend(message)),
        _ => None,
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'0' => 0,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
                }
                byte @ (b'\\' | b'\'' | b'"') => byte,
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a remark

F - \\0\\x03\\0\\0user\\0me\\0\\0
B R \\0\\0\\0\\0
B Z I
= Ready
F Q select '\\\\', \"a b\"\\n\\0
F S
B C \\xff \\t\\r \\0
";

    #[test]
    fn there_and_back() {
        let trace = Trace::parse(TEXT).unwrap();
        assert_eq!(trace.to_string(), TEXT);
        assert_eq!(
            trace.frontend(),
            b"\0\0\0\x11\0\x03\0\0user\0me\0\0Q\0\0\0\x17select '\\', \"a b\"\n\0S\0\0\0\x04"
        );
        assert_eq!(
            trace.backend(),
            b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05IC\0\0\0\x0a\xff \t\r \0"
        );
        assert_eq!(trace.told(), ["Ready"]);
    }

    #[test]
    fn every_byte_there_and_back() {
        let body: Vec<u8> = (0..=255).collect();
        let lines = vec![Line::Backend(crate::backend::message(b'd', &body))];
        let trace = Trace { lines };
        assert_eq!(Trace::parse(&trace.to_string()), Ok(trace));
    }

    #[test]
    fn other_lines_are_told() {
        for text in ["F", "X Z I", "B ZZ I", "B Z \\", "B Z \\q", "B Z \\xg0"] {
            assert_eq!(
                Trace::parse(&format!("\n{text}")),
                Err(BadLine(2)),
                "{text}"
            );
        }
    }
}
