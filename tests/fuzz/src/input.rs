//! What a target's bytes mean: a byte says what comes, and the bytes behind it how.
//!
//! Whatever the bytes are, they mean something, so that a fuzzer's changes lead somewhere. [`Command::write`] is the way back, for seeds.

/// Bytes that are read from front to back; behind their end everything is nothing.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of these.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    /// The next two bytes.
    pub fn word(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// The next `n` bytes, or what is left.
    pub fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A number below this one, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        let number = if n > 256 {
            self.word()
        } else {
            usize::from(self.byte())
        };
        number % n
    }
}

/// What somebody does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// The server's message of this type and with this body arrives.
    Message(u8, &'a [u8]),
    /// Bytes of the server arrive.
    Bytes(&'a [u8]),
    /// The same, and they are copied.
    Copied(&'a [u8]),
    /// Up to so many events are taken; 0 stands for all.
    Take(usize),
    /// Up to so many bytes are sent; 0 stands for all.
    Send(usize),
    /// An operation of these messages ([`batches`](crate::batches)) is begun.
    Begin(&'a [u8]),
    /// The same, and it is rolled back.
    RollBack(&'a [u8]),
    /// A sync is put behind an operation, counted from the newest.
    SyncBehind(usize),
    /// An operation is abandoned, counted from the newest.
    Abandon(usize),
    /// All of them are; what is not committed is undone, or not.
    AbandonAll(bool),
    /// So many bytes of data for an operation, counted from the newest.
    CopyData(usize, usize),
    /// The data of an operation ends, or is given up.
    CopyFinish(usize, bool),
    /// The key that is asked for is derived.
    Derive,
    /// The handshake of TLS is done, and gave one of some things; not 0.
    Handshake(usize),
    /// The client says good-bye.
    Terminate,
    /// The stream ends.
    End,
    /// More is confirmed than was lent, of what is read or of what is sent.
    TooMuch(bool),
}

impl<'a> Command<'a> {
    /// The next one; `None` behind the last.
    pub fn read(input: &mut Input<'a>) -> Option<Self> {
        if input.is_empty() {
            return None;
        }
        let first = input.byte();
        let small = usize::from(first >> 4);
        Some(match first & 0x0f {
            0 | 1 => {
                let tag = input.byte();
                let length = input.word();
                Self::Message(tag, input.bytes(length))
            }
            2 => {
                let length = input.word();
                Self::Bytes(input.bytes(length))
            }
            3 => {
                let length = input.word();
                Self::Copied(input.bytes(length))
            }
            4 => Self::Take(small),
            5 => Self::Send(if small < 15 { small } else { input.word() }),
            6 => Self::Begin(input.bytes(small)),
            7 => Self::RollBack(input.bytes(small)),
            8 => Self::Abandon(small),
            9 => Self::AbandonAll(small & 1 == 1),
            10 => Self::CopyData(small, input.word()),
            11 => Self::CopyFinish(small >> 1, small & 1 == 0),
            12 if small > 0 => Self::Handshake(small),
            12 => Self::Derive,
            13 => Self::Terminate,
            14 => Self::End,
            _ if small > 1 => Self::SyncBehind(small - 2),
            _ => Self::TooMuch(small == 0),
        })
    }

    /// Writes it. Only what a seed needs is written as it is: lengths end at what a word holds, small numbers at 15.
    pub fn write(&self, out: &mut Vec<u8>) {
        let small =
            |kind: u8, number: usize| kind | u8::try_from(number.min(15)).unwrap_or(15) << 4;
        let word = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
        match *self {
            Self::Message(tag, body) => {
                out.extend([0, tag]);
                out.extend(word(body.len()));
                out.extend(body);
            }
            Self::Bytes(bytes) | Self::Copied(bytes) => {
                out.push(if matches!(self, Self::Bytes(_)) { 2 } else { 3 });
                out.extend(word(bytes.len()));
                out.extend(bytes);
            }
            Self::Take(n) => out.push(small(4, n)),
            Self::Send(n) if n < 15 => out.push(small(5, n)),
            Self::Send(n) => {
                out.push(small(5, 15));
                out.extend(word(n));
            }
            Self::Begin(messages) | Self::RollBack(messages) => {
                let kind = if matches!(self, Self::Begin(_)) { 6 } else { 7 };
                out.push(small(kind, messages.len()));
                out.extend(&messages[..messages.len().min(15)]);
            }
            Self::SyncBehind(back) => out.push(small(15, back + 2)),
            Self::Abandon(back) => out.push(small(8, back)),
            Self::AbandonAll(undo) => out.push(small(9, usize::from(undo))),
            Self::CopyData(back, n) => {
                out.push(small(10, back));
                out.extend(word(n));
            }
            Self::CopyFinish(back, done) => out.push(small(11, back << 1 | usize::from(!done))),
            Self::Derive => out.push(12),
            Self::Handshake(which) => out.push(small(12, which)),
            Self::Terminate => out.push(13),
            Self::End => out.push(14),
            Self::TooMuch(read) => out.push(small(15, usize::from(!read))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let commands = [
            Command::Message(b'Z', b"I"),
            Command::Bytes(b"abc"),
            Command::Copied(b""),
            Command::Take(0),
            Command::Take(3),
            Command::Send(0),
            Command::Send(400),
            Command::Begin(&[1, 2, 3]),
            Command::RollBack(&[]),
            Command::Abandon(2),
            Command::AbandonAll(false),
            Command::AbandonAll(true),
            Command::CopyData(1, 600),
            Command::CopyFinish(2, true),
            Command::CopyFinish(0, false),
            Command::Derive,
            Command::Handshake(5),
            Command::Terminate,
            Command::End,
            Command::TooMuch(true),
            Command::TooMuch(false),
        ];
        let mut written = Vec::new();
        for command in &commands {
            command.write(&mut written);
        }
        let mut input = Input::new(&written);
        let read = std::iter::from_fn(|| Command::read(&mut input));
        assert!(read.eq(commands));
    }
}
