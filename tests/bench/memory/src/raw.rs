//! The reference: what is left when nothing but the protocol has to be obeyed.

use std::hint::black_box;

use crate::stream::Replies;
use crate::{PIECE, visit};

/// A flat buffer and a walk by slices, written for this one purpose.
///
/// It knows no state and makes no event, but it is safe code that believes no length: each one is checked against what is there before
/// anything is sliced, and what does not fit panics. Each frame is looked at once, and its fields in the same pass.
#[derive(Debug)]
pub struct RawWalk {
    buffer: Vec<u8>,
    tail: usize,
    output: Vec<u8>,
}

impl Default for RawWalk {
    fn default() -> Self {
        Self {
            buffer: vec![0; 2 * PIECE],
            tail: 0,
            output: Vec::new(),
        }
    }
}

impl RawWalk {
    /// Every field of a stream.
    pub fn rows(&mut self, stream: &[u8]) -> u64 {
        let mut sum = 0;
        for piece in stream.chunks(PIECE) {
            sum += self.receive(piece);
        }
        sum
    }

    /// The query `select 1`.
    pub fn simple_query(&mut self, reply: &[u8]) -> u64 {
        self.output.clear();
        write(&mut self.output, b'Q', b"select 1\0");
        self.answered(reply)
    }

    /// One execution of a prepared statement with one parameter.
    pub fn prepared(&mut self, reply: &[u8]) -> u64 {
        self.output.clear();
        self.bind_execute();
        write(&mut self.output, b'S', b"");
        self.answered(reply)
    }

    /// Many of them, and one sync.
    pub fn pipeline(&mut self, reply: &[u8]) -> u64 {
        self.output.clear();
        for _ in 0..Replies::PIPELINE {
            self.bind_execute();
        }
        write(&mut self.output, b'S', b"");
        self.answered(reply)
    }

    /// A `Bind` of ten parameters whose bytes are at hand, in these formats.
    pub fn bind(&mut self, values: &[&[u8]; 10], formats: &[u8; 10]) -> u64 {
        self.output.clear();
        self.output.extend(b"B\0\0\0\0\0s1\0\0\x0a");
        for format in formats {
            self.output.extend([0, *format]);
        }
        self.output.extend(b"\0\x0a");
        for value in values {
            let length = u32::try_from(value.len()).expect("values are short");
            self.output.extend(length.to_be_bytes());
            self.output.extend_from_slice(value);
        }
        self.output.extend(b"\0\x01\0\x01");
        let length = u32::try_from(self.output.len() - 1).expect("messages are short");
        self.output[1..5].copy_from_slice(&length.to_be_bytes());
        black_box(&self.output);
        1
    }

    /// What was written last.
    pub fn written(&self) -> &[u8] {
        &self.output
    }

    fn answered(&mut self, reply: &[u8]) -> u64 {
        black_box(&self.output);
        self.rows(reply)
    }

    fn bind_execute(&mut self) {
        write(
            &mut self.output,
            b'B',
            b"\0s1\0\0\x01\0\x01\0\x01\0\0\0\x04\0\0\0\x01\0\0",
        );
        write(&mut self.output, b'E', b"\0\0\0\0\0");
    }

    fn receive(&mut self, piece: &[u8]) -> u64 {
        let filled = self.tail + piece.len();
        if self.buffer.len() < filled {
            self.buffer.resize(filled, 0);
        }
        self.buffer[self.tail..filled].copy_from_slice(piece);
        let (sum, used) = walk(&self.buffer[..filled]);
        self.buffer.copy_within(used..filled, 0);
        self.tail = filled - used;
        sum
    }
}

/// The sum of the whole frames at the front, and their length.
fn walk(data: &[u8]) -> (u64, usize) {
    let (mut sum, mut rest) = (0, data);
    while let Some((&[tag, a, b, c, d], behind)) = rest.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let body = length.checked_sub(4).expect("a length counts itself");
        let Some((body, next)) = behind.split_at_checked(body) else {
            break;
        };
        if tag == b'D' {
            sum += row(body);
        }
        rest = next;
    }
    (sum, data.len() - rest.len())
}

#[inline]
fn row(body: &[u8]) -> u64 {
    let mut sum = 0;
    let (count, mut rest) = body.split_first_chunk::<2>().expect("a count of columns");
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, behind) = rest.split_first_chunk::<4>().expect("a length");
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            sum += visit(None);
            rest = behind;
        } else {
            let length = usize::try_from(length).expect("a length that is not negative");
            let (value, behind) = behind.split_at_checked(length).expect("a whole value");
            sum += visit(Some(value));
            rest = behind;
        }
    }
    sum
}

fn write(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    let length = u32::try_from(body.len() + 4).expect("messages are short");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
}

/// The formats of the parameters of such a `Bind`.
pub fn formats_of(bind: &[u8]) -> [u8; 10] {
    std::array::from_fn(|i| bind[12 + 2 * i])
}

/// The bytes of its parameters.
pub fn bytes_of(bind: &[u8]) -> [&[u8]; 10] {
    let mut rest = &bind[33..];
    std::array::from_fn(|_| {
        let (length, behind) = rest.split_first_chunk().expect("a length");
        let length = usize::try_from(u32::from_be_bytes(*length)).expect("values are short");
        let (value, behind) = behind.split_at(length);
        rest = behind;
        value
    })
}

/// Copies the pieces into a buffer, and that is all.
#[derive(Debug)]
pub struct Memcpy {
    buffer: Vec<u8>,
}

impl Default for Memcpy {
    fn default() -> Self {
        Self {
            buffer: vec![0; PIECE],
        }
    }
}

impl Memcpy {
    /// Looks at nothing.
    pub fn rows(&mut self, stream: &[u8]) -> u64 {
        for piece in stream.chunks(PIECE) {
            self.buffer[..piece.len()].copy_from_slice(piece);
            black_box(&self.buffer);
        }
        0
    }
}
