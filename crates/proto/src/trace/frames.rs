//! One direction of a stream, cut into messages. Of each only as much is kept as is printed.

use alloc::vec::Vec;

use zeroize::{Zeroize as _, Zeroizing};

use crate::wire::frame::{Front, HEADER, front};

/// Servers drop a message without a type byte that is longer, its length word aside (`MAX_STARTUP_PACKET_LENGTH`).
const MAX_FIRST: usize = 10_000;

/// The code that each of them begins with.
const MIN_FIRST: usize = 4;

/// Secrets are shorter, so that growing leaves no copy of one behind.
const AT_ONCE: usize = 512;

/// What has come of the message at the front.
#[derive(Default)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// Bytes of the header that have come.
    filled: usize,
    /// Of the message, once its header has come: what its header says.
    pub(super) head: Option<Head>,
    /// The first bytes of the body.
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Bytes of the body that have come, kept or not.
    pub(super) came: usize,
    lost: bool,
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// 0 for a message without a type byte.
    pub(super) tag: u8,
    /// The length of the body.
    pub(super) length: usize,
}

/// What stands at the front.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Less than a message, or nothing that could be one.
    Nothing,
    /// A whole message.
    Message(Head),
    /// A header that cannot be one. There is no way to tell where the next message begins.
    Lost { tag: u8, declared: i32 },
}

impl Frames {
    /// Takes bytes off the front of `input` until a message is whole, of which at most so many bytes are kept as `keep` says for its type.
    /// A message without a type byte is one of a client's first.
    pub(super) fn next(
        &mut self,
        input: &mut &[u8],
        typed: bool,
        keep: impl Fn(u8) -> usize,
    ) -> Cut {
        if self.lost {
            return Cut::Nothing;
        }
        let head = match self.head {
            Some(head) => head,
            None => match self.header(input, typed) {
                Front::Partial => return Cut::Nothing,
                Front::BadLength { tag, declared } => {
                    self.lost = true;
                    return Cut::Lost { tag, declared };
                }
                Front::Frame { tag, len } => {
                    let length = len.saturating_sub(HEADER);
                    self.body.reserve(length.min(keep(tag)).min(AT_ONCE));
                    *self.head.insert(Head { tag, length })
                }
            },
        };
        let available = *input;
        let missing = head.length.saturating_sub(self.came);
        let (bytes, rest) = available
            .split_at_checked(missing)
            .unwrap_or((available, &[]));
        *input = rest;
        self.came = self.came.saturating_add(bytes.len());
        let room = keep(head.tag).saturating_sub(self.body.len());
        self.body
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if self.came < head.length {
            return Cut::Nothing;
        }
        Cut::Message(head)
    }

    /// The bytes of the header, one by one.
    fn header(&mut self, input: &mut &[u8], typed: bool) -> Front {
        if !typed && self.filled == 0 && !input.is_empty() {
            self.filled = 1;
        }
        while let Some(slot) = self.header.get_mut(self.filled) {
            let Some((&byte, rest)) = input.split_first() else {
                return Front::Partial;
            };
            *slot = byte;
            *input = rest;
            self.filled += 1;
        }
        match front(&self.header) {
            Front::Frame { len, .. }
                if !typed && !(MIN_FIRST..=MAX_FIRST).contains(&len.saturating_sub(HEADER)) =>
            {
                Front::BadLength {
                    tag: 0,
                    declared: i32::try_from(len.saturating_sub(1)).unwrap_or(i32::MAX),
                }
            }
            front => front,
        }
    }

    /// Whether the next byte begins a message.
    pub(super) fn is_between_messages(&self) -> bool {
        self.filled == 0 && !self.lost
    }

    /// Whether the header has begun, and is not whole.
    pub(super) fn is_in_header(&self) -> bool {
        self.filled > 0 && self.head.is_none() && !self.lost
    }

    /// Done with the message; `wipe` its bytes from memory.
    pub(super) fn pop(&mut self, wipe: bool) {
        if wipe {
            self.body.zeroize();
        }
        self.body.clear();
        self.header = [0; HEADER];
        self.filled = 0;
        self.head = None;
        self.came = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_when_its_last_byte_has_come() {
        let mut frames = Frames::default();
        let mut input = &b"Z\0\0\0\x05"[..];
        assert_eq!(frames.next(&mut input, true, |_| 9), Cut::Nothing);
        assert!(!frames.is_between_messages() && !frames.is_in_header());
        let mut input = &b"IS\0\0\0\x04Z"[..];
        let head = |tag, length| Cut::Message(Head { tag, length });
        assert_eq!(frames.next(&mut input, true, |_| 9), head(b'Z', 1));
        assert_eq!(&frames.body[..], b"I");
        frames.pop(false);
        assert_eq!(frames.next(&mut input, true, |_| 9), head(b'S', 0));
        frames.pop(false);
        assert_eq!(frames.next(&mut input, true, |_| 9), Cut::Nothing);
        assert!(frames.is_in_header());
    }

    #[test]
    fn security_49_a_declared_length_reserves_nothing() {
        let mut frames = Frames::default();
        let mut input = &b"D\x7f\xff\xff\xff"[..];
        assert_eq!(frames.next(&mut input, true, |_| 1 << 20), Cut::Nothing);
        assert!(frames.body.capacity() <= AT_ONCE);
        for _ in 0..10_000 {
            let mut input = &[b'x'; 100][..];
            assert_eq!(frames.next(&mut input, true, |_| 1_000), Cut::Nothing);
        }
        assert_eq!((frames.body.len(), frames.came), (1_000, 1_000_000));
        assert!(frames.body.capacity() <= 2_000);
    }

    #[test]
    fn what_is_no_header_ends_the_reading() {
        for (bytes, typed, declared) in [
            (&b"Z\0\0\0\x03Z\0\0\0\x05I"[..], true, 3),
            (b"Z\xff\xff\xff\xfb", true, -5),
            (b"\0\0\0\x07\0\x03\0", false, 7),
            (b"\0\0\x27\x15\0\x03\0\0", false, 10_005),
        ] {
            let mut frames = Frames::default();
            let mut input = bytes;
            let lost = frames.next(&mut input, typed, |_| 9);
            let tag = if typed { b'Z' } else { 0 };
            assert_eq!(lost, Cut::Lost { tag, declared });
            assert_eq!(frames.next(&mut input, typed, |_| 9), Cut::Nothing);
        }
    }
}
