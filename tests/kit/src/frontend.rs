//! What a client sends: every message, taken from a stream of bytes.

use std::fmt::{self, Display};

/// A message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frontend {
    /// `SSLRequest`.
    SslRequest,
    /// `GSSENCRequest`.
    GssEncRequest,
    /// `CancelRequest`.
    CancelRequest {
        /// The server process that is to stop what it does.
        process_id: i32,
        /// The secret that came with its number.
        secret: Vec<u8>,
    },
    /// `StartupMessage`.
    Startup {
        /// Major version in the high half, minor in the low.
        version: i32,
        /// Names and values.
        parameters: Vec<(String, String)>,
    },
    /// `PasswordMessage`, `SASLInitialResponse`, `SASLResponse` or `GSSResponse`: its body, which only the state can tell apart.
    Password(Vec<u8>),
    /// `Query`.
    Query(String),
    /// `Parse`.
    Parse {
        /// The statement to be made.
        statement: String,
        /// Its text.
        sql: String,
        /// The types of its parameters, 0 for those that the server has to find out.
        types: Vec<u32>,
    },
    /// `Bind`.
    Bind {
        /// The portal to be made.
        portal: String,
        /// The statement to be bound.
        statement: String,
        /// None, one for all, or one for each value.
        formats: Vec<i16>,
        /// `None` is NULL.
        values: Vec<Option<Vec<u8>>>,
        /// None, one for all, or one for each column.
        result_formats: Vec<i16>,
    },
    /// `Describe`.
    Describe(Object),
    /// `Execute`.
    Execute {
        /// The portal to be run.
        portal: String,
        /// At most so many rows; 0 is no limit, and so is whatever is negative.
        max_rows: i32,
    },
    /// `Close`.
    Close(Object),
    /// `Flush`.
    Flush,
    /// `Sync`.
    Sync,
    /// `CopyData`.
    CopyData(Vec<u8>),
    /// `CopyDone`.
    CopyDone,
    /// `CopyFail`.
    CopyFail(String),
    /// `FunctionCall`: its body.
    FunctionCall(Vec<u8>),
    /// `Terminate`.
    Terminate,
}

/// A statement or a portal, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A prepared statement.
    Statement(String),
    /// A portal.
    Portal(String),
}

/// Bytes that are no message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed message of a client: expected {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Takes messages from what a client sends, however it is cut.
#[derive(Clone, Debug, Default)]
pub struct FrontendReader {
    buffer: Vec<u8>,
    started: bool,
}

impl FrontendReader {
    /// One that awaits a connection's first message, which has no type byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that awaits messages with a type byte.
    pub fn started() -> Self {
        Self {
            started: true,
            ..Self::default()
        }
    }

    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their message.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole message.
    ///
    /// # Errors
    /// What stands at the front is no message. The reader goes no further then.
    pub fn next_message(&mut self) -> Result<Option<Frontend>, Malformed> {
        Ok(self.next_frame()?.map(|(_, message)| message))
    }

    /// The next whole message, and the bytes that it was.
    ///
    /// # Errors
    /// What stands at the front is no message. The reader goes no further then.
    pub fn next_frame(&mut self) -> Result<Option<(Vec<u8>, Frontend)>, Malformed> {
        let prefix = usize::from(self.started);
        let behind_type = self.buffer.get(prefix..);
        let Some(word) = behind_type.and_then(|rest| rest.first_chunk()) else {
            return Ok(None);
        };
        let length = usize::try_from(i32::from_be_bytes(*word)).unwrap_or(0);
        if length < 4 {
            return Err(Malformed("a length that counts itself"));
        }
        let Some((frame, rest)) = self.buffer.split_at_checked(length + prefix) else {
            return Ok(None);
        };
        let message = if self.started {
            Frontend::decode(frame[0], &frame[5..])?
        } else {
            Frontend::decode_first(&frame[4..])?
        };
        self.started |= matches!(message, Frontend::Startup { .. });
        let frame = frame.to_vec();
        self.buffer = rest.to_vec();
        Ok(Some((frame, message)))
    }
}

impl Frontend {
    /// A message of the type `tag`.
    ///
    /// # Errors
    /// The body is not what the type promises.
    pub fn decode(tag: u8, body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(body);
        let message = match tag {
            b'Q' => Self::Query(reader.string()?),
            b'P' => Self::Parse {
                statement: reader.string()?,
                sql: reader.string()?,
                types: reader.list(Reader::u32)?,
            },
            b'B' => Self::Bind {
                portal: reader.string()?,
                statement: reader.string()?,
                formats: reader.list(Reader::i16)?,
                values: reader.list(Reader::value)?,
                result_formats: reader.list(Reader::i16)?,
            },
            b'D' => Self::Describe(reader.object()?),
            b'E' => Self::Execute {
                portal: reader.string()?,
                max_rows: reader.i32()?,
            },
            b'C' => Self::Close(reader.object()?),
            b'H' => Self::Flush,
            b'S' => Self::Sync,
            b'X' => Self::Terminate,
            b'c' => Self::CopyDone,
            b'f' => Self::CopyFail(reader.string()?),
            b'd' => Self::CopyData(reader.rest()),
            b'p' => Self::Password(reader.rest()),
            b'F' => Self::FunctionCall(reader.rest()),
            _ => return Err(Malformed("a type that clients send")),
        };
        reader.end()?;
        Ok(message)
    }

    /// A connection's first message, which has no type byte.
    ///
    /// # Errors
    /// The body is not what its code promises.
    pub fn decode_first(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(body);
        let message = match reader.i32()? {
            80_877_103 => Self::SslRequest,
            80_877_104 => Self::GssEncRequest,
            80_877_102 => Self::CancelRequest {
                process_id: reader.i32()?,
                secret: reader.rest(),
            },
            version => {
                let mut parameters = Vec::new();
                loop {
                    let name = reader.string()?;
                    if name.is_empty() {
                        break;
                    }
                    parameters.push((name, reader.string()?));
                }
                Self::Startup {
                    version,
                    parameters,
                }
            }
        };
        reader.end()?;
        Ok(message)
    }

    /// `SASLInitialResponse`: the mechanism, and what it says first.
    ///
    /// # Errors
    /// This is none.
    pub fn sasl_initial(body: &[u8]) -> Result<(String, Option<Vec<u8>>), Malformed> {
        let mut reader = Reader(body);
        let initial = (reader.string()?, reader.value()?);
        reader.end()?;
        Ok(initial)
    }
}

/// Reads a body from front to back.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Malformed(what))?;
        self.0 = rest;
        Ok(*first)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array("four bytes").map(u32::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, Malformed> {
        self.array("four bytes").map(i32::from_be_bytes)
    }

    fn i16(&mut self) -> Result<i16, Malformed> {
        self.array("two bytes").map(i16::from_be_bytes)
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let nul = self.0.iter().position(|&byte| byte == 0);
        let nul = nul.ok_or(Malformed("a NUL behind a string"))?;
        let text = str::from_utf8(&self.0[..nul]).map_err(|_| Malformed("UTF-8"))?;
        self.0 = &self.0[nul + 1..];
        Ok(text.to_owned())
    }

    fn value(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        let length = self.i32()?;
        if length == -1 {
            return Ok(None);
        }
        let (value, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length))
            .ok_or(Malformed("as many bytes as a value has"))?;
        self.0 = rest;
        Ok(Some(value.to_vec()))
    }

    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.array("a count").map(u16::from_be_bytes)?;
        (0..count).map(|_| item(self)).collect()
    }

    fn object(&mut self) -> Result<Object, Malformed> {
        match self.array("S or P")? {
            [b'S'] => self.string().map(Object::Statement),
            [b'P'] => self.string().map(Object::Portal),
            _ => Err(Malformed("S or P")),
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0).to_vec()
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed("the end of the message"))
        }
    }
}

#[cfg(test)]
mod tests;
