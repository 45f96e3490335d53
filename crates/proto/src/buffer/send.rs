//! What is to be sent and was not sent yet.

use core::ops::Range;

use bytes::{Buf, BytesMut};
use zeroize::Zeroize;

/// What is kept between uses; a large statement does not keep its space.
const KEEP: usize = 64 * 1024;

/// Appended at its tail, sent from its head. Places in it are counted from the first byte ever sent.
#[derive(Debug, Default)]
pub(crate) struct SendBuffer {
    bytes: BytesMut,
    sent: u64,
    holds_secret: bool,
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

    /// What is appended now is overwritten once it was sent.
    pub(crate) fn mark_secret(&mut self) {
        self.holds_secret = true;
    }

    /// Confirms that the first `n` bytes were sent. False when that is more than there are.
    pub(crate) fn confirm(&mut self, n: usize) -> bool {
        if n > self.bytes.len() {
            return false;
        }
        self.sent = self
            .sent
            .saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        if n < self.bytes.len() {
            self.bytes.advance(n);
            return true;
        }
        if self.holds_secret {
            self.bytes.zeroize();
            self.holds_secret = false;
        }
        if self.bytes.capacity() > KEEP {
            self.bytes = BytesMut::new();
        } else {
            self.bytes.clear();
        }
        true
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

    /// Forgets all that was not sent.
    pub(crate) fn clear(&mut self) {
        self.bytes.zeroize();
        self.bytes = BytesMut::new();
    }

    fn index(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.sent)?).ok()
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
    }
}
