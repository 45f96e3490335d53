//! A socket, its buffer, and the messages and fields in it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use ascii::AsAsciiStr;
use purepg_testkit::server::{DATABASE, USER_TRUST};

use super::{Result, SYNC, Server, frame, query};
use crate::contestants::loops::wait_for_answer;
use crate::workload::{Checksum, Wide};

/// A connection: what was read, and not yet looked at, lies between `from` and `until`.
pub(super) struct Wire {
    stream: UnixStream,
    buffer: Vec<u8>,
    from: usize,
    until: usize,
    /// Something was asked since anything was read.
    has_asked: bool,
}

impl Wire {
    pub(super) fn connect(server: &Server) -> Result<Self> {
        let socket = format!(".s.PGSQL.{}", server.port);
        let mut wire = Self {
            stream: UnixStream::connect(server.folder.join(socket))?,
            buffer: vec![0; 1 << 16],
            from: 0,
            until: 0,
            has_asked: false,
        };
        let startup = format!("\0\x03\0\0user\0{USER_TRUST}\0database\0{DATABASE}\0\0");
        // The first message has no type.
        wire.write(&frame(b' ', startup.as_bytes())[1..])?;
        wire.replies(|_, _| Ok(()))?;
        Ok(wire)
    }

    /// Prepares the statement `s`.
    pub(super) fn prepare(&mut self, sql: &str) -> Result<()> {
        let parse = [b"s\0", sql.as_bytes(), b"\0\0\0"].concat();
        self.write(&[&frame(b'P', &parse)[..], &SYNC].concat())?;
        self.replies(|_, _| Ok(()))
    }

    pub(super) fn simple(&mut self, sql: &str) -> Result<()> {
        self.write(&query(sql))?;
        self.replies(|_, _| Ok(()))
    }

    #[inline]
    pub(super) fn write(&mut self, messages: &[u8]) -> Result<()> {
        self.has_asked = true;
        self.stream.write_all(messages)?;
        Ok(())
    }

    /// All messages up to `ReadyForQuery`.
    #[inline]
    pub(super) fn replies(&mut self, each: impl FnMut(u8, &[u8]) -> Result<()>) -> Result<()> {
        self.replies_until(b'Z', each)
    }

    /// All messages up to one of this type, which is none of them.
    #[inline]
    pub(super) fn replies_until(
        &mut self,
        last: u8,
        mut each: impl FnMut(u8, &[u8]) -> Result<()>,
    ) -> Result<()> {
        loop {
            let mut rest = &self.buffer[self.from..self.until];
            while let Some((tag, body, behind)) = message(rest) {
                rest = behind;
                if tag == last {
                    self.from = self.until - rest.len();
                    return Ok(());
                }
                if tag == b'E' {
                    return Err(String::from_utf8_lossy(body).into());
                }
                each(tag, body)?;
            }
            let rest = self.until - rest.len();
            self.buffer.copy_within(rest..self.until, 0);
            (self.from, self.until) = (0, self.until - rest);
            if std::mem::take(&mut self.has_asked) {
                wait_for_answer(&self.stream)?;
            }
            match self.stream.read(&mut self.buffer[self.until..])? {
                0 => return Err("the server has gone, or a message is too long".into()),
                read => self.until += read,
            }
        }
    }

    /// All rows.
    #[inline]
    pub(super) fn rows(&mut self, mut take: impl FnMut(Fields<'_>) -> Option<()>) -> Result<()> {
        self.replies(|tag, body| {
            if tag == b'D' {
                let row = body.get(2..).and_then(|fields| take(Fields(fields)));
                row.ok_or("a malformed row")?;
            }
            Ok(())
        })
    }

    /// What the command tags say of how many rows it were.
    #[inline]
    pub(super) fn completed(&mut self, sum: &mut Checksum) -> Result<()> {
        self.replies(|tag, body| {
            if tag == b'C' {
                let body = std::str::from_utf8(body)?.trim_end_matches('\0');
                let rows = body.rsplit(' ').next().unwrap_or(body);
                sum.number(rows.parse::<i64>()?);
            }
            Ok(())
        })
    }
}

/// The first message, if it is there as a whole: its type, its body, and what is behind it.
#[inline]
fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, a, b, c, d], behind) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    let (body, behind) = behind.split_at_checked(length.wrapping_sub(4))?;
    Some((tag, body, behind))
}

/// The fields of a row that were not yet read.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// A row of the table `narrow`.
    #[inline]
    pub(super) fn narrow(&mut self) -> Option<(i64, i32, &'a str)> {
        Some((self.int8()?, self.int4()?, self.text()?))
    }

    /// A row of the table `wide`.
    #[inline]
    pub(super) fn wide(&mut self) -> Option<Wide<'a>> {
        Some((
            self.int8()?,
            self.int4()?,
            i16::from_be_bytes(self.fixed()?),
            self.fixed::<1>()? != [0],
            f64::from_be_bytes(self.fixed()?),
            self.text()?,
            self.text()?,
            self.text()?,
            self.bytes()?,
            if self.skip_null() {
                None
            } else {
                Some(self.int8()?)
            },
        ))
    }

    #[inline]
    pub(super) fn int4(&mut self) -> Option<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    #[inline]
    fn int8(&mut self) -> Option<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    /// Most text is ASCII, which is found out sooner than that it is UTF-8.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let bytes = self.bytes()?;
        match bytes.as_ascii_str() {
            Ok(text) => Some(text.as_str()),
            Err(_) => std::str::from_utf8(bytes).ok(),
        }
    }

    #[inline]
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.length()?).ok()?;
        let (value, behind) = self.0.split_at_checked(length)?;
        self.0 = behind;
        Some(value)
    }

    #[inline]
    fn skip_null(&mut self) -> bool {
        let behind = self.0.strip_prefix(&(-1_i32).to_be_bytes());
        self.0 = behind.unwrap_or(self.0);
        behind.is_some()
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        if usize::try_from(self.length()?) != Ok(N) {
            return None;
        }
        let (value, behind) = self.0.split_first_chunk()?;
        self.0 = behind;
        Some(*value)
    }

    #[inline]
    fn length(&mut self) -> Option<i32> {
        let (length, behind) = self.0.split_first_chunk()?;
        self.0 = behind;
        Some(i32::from_be_bytes(*length))
    }
}
