//! What is to be sent and was not sent yet.

use core::fmt;
use core::ops::Range;

use bytes::{Buf, BytesMut};
use zeroize::Zeroize;

use crate::wire::frame::{Front, front};

/// What is kept between uses; a large statement does not keep its space.
const KEEP: usize = 128 * 1024;

/// What is kept by who sends no more than that.
const KEEP_LITTLE: usize = 1024;

/// So many quiet spells in which little was sent give more than that back.
const QUIET_SPELLS_TO_SHRINK: u8 = 8;

/// Appended at its tail, sent from its head. Places in it are counted from the first byte ever sent.
#[derive(Default)]
pub(crate) struct SendBuffer {
    bytes: BytesMut,
    /// Lent to who writes values: empty in between.
    lent: BytesMut,
    sent: u64,
    /// The end of the message that was begun last; what was not begun stands behind it.
    begun: u64,
    holds_secret: bool,
    /// How much space there was at first: what was sent is not told as space any more, but is held.
    space: usize,
    /// The most that waited since it was last looked whether that is too much space.
    most: usize,
    quiet_spells: u8,
}

impl SendBuffer {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The place of the first byte that was not sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// The place where the next byte will be appended.
    pub(crate) fn end(&self) -> u64 {
        self.sent
            .saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// The same, and an empty buffer for what is appended later.
    pub(crate) fn bytes_and_lent(&mut self) -> (&mut BytesMut, &mut BytesMut) {
        (&mut self.bytes, &mut self.lent)
    }

    /// What is appended now is overwritten once it was sent. It has at most `length` bytes: room is made before, since a buffer that
    /// grows leaves a copy behind.
    pub(crate) fn mark_secret(&mut self, length: usize) {
        self.bytes.reserve(length);
        self.holds_secret = true;
    }

    /// Confirms that the first `n` bytes were sent. False when that is more than there are.
    pub(crate) fn confirm(&mut self, n: usize) -> bool {
        if n > self.bytes.len() {
            return false;
        }
        self.note_begun(n);
        self.space = self.space.max(self.bytes.capacity());
        self.most = self.most.max(self.bytes.len());
        self.sent = self
            .sent
            .saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        if self.holds_secret {
            self.bytes.get_mut(..n).unwrap_or_default().zeroize();
        }
        if n < self.bytes.len() {
            self.bytes.advance(n);
            return true;
        }
        self.holds_secret = false;
        if self.space > KEEP {
            self.give_back();
        } else {
            self.bytes.clear();
        }
        true
    }

    /// Called when nothing is owed: what many messages took is given back once there were few for a while.
    pub(crate) fn quiet(&mut self) {
        self.quiet_spells = self.quiet_spells.saturating_add(1);
        if self.quiet_spells < QUIET_SPELLS_TO_SHRINK || !self.bytes.is_empty() {
            return;
        }
        if self.most <= KEEP_LITTLE && self.space > 4 * KEEP_LITTLE {
            self.give_back();
        }
        if self.most <= KEEP_LITTLE && self.lent.capacity() > 4 * KEEP_LITTLE {
            self.lent = BytesMut::new();
        }
        self.most = 0;
        self.quiet_spells = 0;
    }

    fn give_back(&mut self) {
        self.bytes = BytesMut::new();
        self.space = 0;
    }

    /// Where the next message begins of which nothing was sent.
    pub(crate) fn next_message(&self) -> u64 {
        self.begun.max(self.sent)
    }

    /// What waits now, whatever it is, counts as begun: messages with a type byte follow.
    pub(crate) fn messages_follow(&mut self) {
        self.begun = self.end();
    }

    /// Walks over the messages of which some of the next `n` bytes are.
    fn note_begun(&mut self, n: usize) {
        let end = self
            .sent
            .saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        if end == self.end() {
            // Messages are whole.
            self.begun = self.begun.max(end);
        }
        while self.begun < end {
            let rest = self.index(self.begun).and_then(|at| self.bytes.get(at..));
            match rest.map(front) {
                Some(Front::Frame { len, .. }) => {
                    self.begun += u64::try_from(len).unwrap_or(u64::MAX);
                }
                _ => self.begun = end,
            }
        }
    }

    /// Removes bytes that were not sent.
    pub(crate) fn remove(&mut self, range: Range<u64>) {
        let (Some(start), Some(end)) = (self.index(range.start), self.index(range.end)) else {
            return;
        };
        let end = end.min(self.bytes.len());
        if start < end {
            self.bytes.copy_within(end.., start);
            self.bytes.truncate(self.bytes.len() - (end - start));
        }
    }

    /// Puts what `write` appends among the bytes that were not sent; gives how much that is. On an error nothing has changed.
    pub(crate) fn insert<E>(
        &mut self,
        place: u64,
        write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<u64, E> {
        let end = self.bytes.len();
        let index = self.index(place).unwrap_or(0).min(end);
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(end);
            return Err(error);
        }
        let length = self.bytes.len().saturating_sub(end);
        if index < end {
            let behind = self.bytes.get_mut(index..).unwrap_or_default();
            behind.rotate_right(length);
        }
        Ok(u64::try_from(length).unwrap_or(u64::MAX))
    }

    /// Forgets all that was not sent.
    pub(crate) fn clear(&mut self) {
        self.bytes.zeroize();
        self.give_back();
    }

    /// How many bytes are to be sent before those at a place; `None` when they were sent.
    pub(crate) fn index(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.sent)?).ok()
    }
}

/// The lengths: passwords and values of parameters pass through here.
impl fmt::Debug for SendBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.bytes.len();
        f.debug_struct("SendBuffer")
            .field("sent", &self.sent)
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

impl Drop for SendBuffer {
    fn drop(&mut self) {
        if self.holds_secret {
            self.bytes.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_move_as_bytes_are_sent() {
        let mut buffer = SendBuffer::default();
        buffer.bytes_mut().extend_from_slice(b"0123456789");
        assert!(buffer.confirm(4));
        assert_eq!((buffer.sent(), buffer.end()), (4, 10));
        buffer.remove(6..8);
        assert_eq!(buffer.pending(), b"4589");
        assert!(!buffer.confirm(5));
        assert!(buffer.confirm(4));
        assert_eq!((buffer.sent(), buffer.end()), (8, 8));
        buffer.bytes_mut().extend_from_slice(b"ad");
        let written = buffer.insert(9, |out| {
            out.extend_from_slice(b"bc");
            Ok::<_, ()>(())
        });
        assert_eq!(written, Ok(2));
        let failed = buffer.insert(9, |out| {
            out.extend_from_slice(b"no");
            Err(())
        });
        assert_eq!(failed, Err(()));
        assert_eq!(buffer.pending(), b"abcd");
    }

    /// Appends so many bytes, and has them sent in pieces.
    fn send(buffer: &mut SendBuffer, length: usize) {
        buffer
            .bytes_mut()
            .extend_from_slice(&alloc::vec![7; length]);
        while !buffer.is_empty() {
            assert!(buffer.confirm(buffer.len().min(1_000)));
        }
    }

    #[test]
    fn a_large_message_gives_its_space_back_although_it_was_sent_in_pieces() {
        let mut buffer = SendBuffer::default();
        send(&mut buffer, 10 * KEEP);
        assert_eq!(buffer.bytes.capacity(), 0);
        send(&mut buffer, KEEP / 2);
        // Cleared, so that its space is told again.
        buffer.bytes.reserve(KEEP / 2);
        let kept = buffer.bytes.as_ptr();
        send(&mut buffer, KEEP / 2);
        buffer.bytes.reserve(KEEP / 2);
        assert_eq!(buffer.bytes.as_ptr(), kept, "what is needed again is kept");
    }

    #[test]
    fn many_messages_give_their_space_back_when_few_follow() {
        let mut buffer = SendBuffer::default();
        send(&mut buffer, KEEP / 2);
        for _ in 0..2 * QUIET_SPELLS_TO_SHRINK {
            send(&mut buffer, 100);
            buffer.quiet();
        }
        assert!(buffer.space <= 4 * KEEP_LITTLE);
        assert!(buffer.bytes.capacity() <= 4 * KEEP_LITTLE);
    }

    #[test]
    fn a_secret_is_wiped_as_it_is_sent() {
        let mut buffer = SendBuffer::default();
        buffer.mark_secret(64);
        buffer.bytes_mut().extend_from_slice(b"swordfish");
        assert!(buffer.confirm(5));
        assert_eq!(buffer.pending(), b"fish");
        assert!(!alloc::format!("{buffer:?}").contains("fish"));
        assert!(buffer.confirm(4));
        assert!(!buffer.holds_secret);
    }
}
