//! What has arrived and was not taken yet.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What a read is offered until one fills it: most answers need no more, and an idle connection keeps it.
const FIRST_READ: usize = 4 * 1024;
/// What a read is offered then.
const SMALL_READ: usize = 8 * 1024;
/// What a read is offered while a large result streams: the server writes 8 KiB pieces, a socket gathers several.
const LARGE_READ: usize = 64 * 1024;
/// So many reads in a row that filled their space say that a large result is streaming.
const FULL_READS_TO_GROW: u8 = 3;
/// So many quiet spells without a full read give a larger buffer back.
const QUIET_SPELLS_TO_SHRINK: u8 = 8;

/// A flat buffer that is filled at its tail and taken from its head.
///
/// The chunk is reference counted so that a run of rows can be handed out without copying it. All of its bytes are
/// initialised once, when it is made; it is written again as soon as nobody else holds it.
pub(crate) struct ReceiveBuffer {
    chunk: Arc<Vec<u8>>,
    head: usize,
    tail: usize,
    /// The length of the space that was lent last.
    lent: usize,
    /// Bytes still to arrive that nobody wants.
    discard: usize,
    read_size: usize,
    /// What the next read is likely to bring.
    likely: usize,
    full_reads: u8,
    quiet_spells: u8,
    /// The most that a read has brought since it was last looked whether the buffer is too large.
    most: usize,
}

/// A part of a chunk that was split off.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) chunk: Arc<Vec<u8>>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Taken {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.chunk.get(self.start..self.end).unwrap_or_default()
    }
}

impl ReceiveBuffer {
    pub(crate) fn new() -> Self {
        Self {
            chunk: Arc::new(Vec::new()),
            head: 0,
            tail: 0,
            lent: 0,
            discard: 0,
            read_size: FIRST_READ,
            likely: FIRST_READ,
            full_reads: 0,
            quiet_spells: 0,
            most: 0,
        }
    }

    /// What has arrived and was not taken.
    #[inline]
    pub(crate) fn data(&self) -> &[u8] {
        self.chunk.get(self.head..self.tail).unwrap_or_default()
    }

    /// Free space, never empty. `frame` is the length of the frame at the front, where its header has arrived.
    pub(crate) fn space(&mut self, frame: Option<usize>) -> &mut [u8] {
        let waiting = self.tail - self.head;
        let mut read_size = self.read_size;
        // Nobody makes weak references, and nobody else can clone this one while it is borrowed: a count of one stays one.
        if Arc::strong_count(&self.chunk) > 1 {
            // Somebody keeps what was taken: leave them the chunk, and take along what has not been handed out. The next one may be
            // kept as well, so it is no larger than what will probably come.
            read_size = self.likely;
            self.renew(read_size);
        } else if waiting == 0 && self.chunk.len() > LARGE_READ {
            // A frame larger than any read took this space; it does not keep it.
            self.renew(read_size);
        }
        // What a server sends at once fits behind what waits; otherwise each of its pieces would take two reads, and make two batches.
        let least = SMALL_READ.max(read_size / 2).min(self.read_size);
        // Unique by now, so this never copies.
        let chunk = Arc::make_mut(&mut self.chunk);
        // What waits is moved to the front, where the cache is warm, as soon as that costs no more than was taken since the last time.
        if self.head > 0 && (waiting <= self.head || chunk.len() - self.tail < least) {
            chunk.copy_within(self.head..self.tail, 0);
            self.tail = waiting;
            self.head = 0;
        }
        if chunk.len() - self.tail < least {
            // Grow with what has arrived, never to a length that was only declared: doubling, and the rest of a large
            // frame at once only when half of it is here.
            if let Some(rest) = frame.and_then(|len| len.checked_sub(waiting))
                && rest <= waiting
            {
                chunk.reserve_exact(rest);
            }
            let wanted = self.tail + read_size.max(waiting.min(LARGE_READ));
            chunk.resize(wanted, 0);
        }
        self.lent = chunk.len() - self.tail;
        chunk.get_mut(self.tail..).unwrap_or_default()
    }

    /// Free space for one byte and no more.
    pub(crate) fn one_byte(&mut self) -> &mut [u8] {
        self.space(None);
        self.lent = 1;
        let chunk = Arc::make_mut(&mut self.chunk);
        chunk.get_mut(self.tail..=self.tail).unwrap_or_default()
    }

    /// Free space while nothing is to be read: what was lent before is lent no more.
    pub(crate) fn nothing(&mut self) -> &mut [u8] {
        self.lent = 0;
        &mut []
    }

    /// The length of the space that was lent last.
    pub(crate) fn lent(&self) -> usize {
        self.lent
    }

    /// Confirms that the first `n` bytes of the space were filled. False when that is more than was lent.
    pub(crate) fn filled(&mut self, n: usize) -> bool {
        if n > self.lent {
            return false;
        }
        if n == self.lent && n > 0 {
            self.full_reads = self.full_reads.saturating_add(1);
            self.quiet_spells = 0;
            self.read_size = if self.full_reads >= FULL_READS_TO_GROW {
                LARGE_READ
            } else {
                self.read_size.max(SMALL_READ)
            };
            self.likely = 2 * n;
        } else {
            self.full_reads = 0;
            self.likely = n.next_multiple_of(SMALL_READ);
        }
        self.most = self.most.max(n);
        self.likely = self
            .likely
            .clamp(SMALL_READ.min(self.read_size), self.read_size);
        self.lent = 0;
        self.tail += n;
        let unwanted = n.min(self.discard);
        self.head += unwanted;
        self.discard -= unwanted;
        true
    }

    /// Takes `n` bytes that have arrived.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        self.head = self.head.saturating_add(n).min(self.tail);
    }

    /// Throws `n` bytes away, those that are still to come included.
    #[inline]
    pub(crate) fn discard(&mut self, n: usize) {
        let here = n.min(self.tail - self.head);
        self.head += here;
        self.discard += n - here;
    }

    /// True while bytes that nobody wants are still to come.
    #[inline]
    pub(crate) fn is_discarding(&self) -> bool {
        self.discard > 0
    }

    /// Splits off the first `n` bytes without copying them.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Taken {
        let start = self.head;
        self.consume(n);
        Taken {
            chunk: Arc::clone(&self.chunk),
            start,
            end: self.head,
        }
    }

    /// Called when nothing is owed: what a large frame took is given back at once, what a large result took after some quiet spells.
    pub(crate) fn quiet(&mut self) {
        self.quiet_spells = self.quiet_spells.saturating_add(1);
        if self.head == self.tail && self.chunk.len() > 2 * LARGE_READ {
            // The next read would not use it anyway, but a connection may be idle for long.
            self.renew(0);
        }
        if self.quiet_spells < QUIET_SPELLS_TO_SHRINK || self.head < self.tail {
            return;
        }
        let (read_size, enough) = if self.most <= FIRST_READ {
            (FIRST_READ, FIRST_READ)
        } else {
            (SMALL_READ, 2 * SMALL_READ)
        };
        if self.chunk.len() > enough {
            self.read_size = read_size;
            self.likely = read_size;
            self.renew(read_size);
        }
        self.most = 0;
        self.quiet_spells = 0;
    }

    /// Another chunk, with what waits and so much room behind it.
    fn renew(&mut self, room: usize) {
        let waiting = self.data();
        let mut chunk = Vec::with_capacity(waiting.len() + room);
        chunk.extend_from_slice(waiting);
        self.tail = waiting.len();
        self.head = 0;
        chunk.resize(self.tail + room, 0);
        self.chunk = Arc::new(chunk);
    }
}

/// The lengths: what arrives may be secret.
impl fmt::Debug for ReceiveBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBuffer")
            .field("waiting", &(self.tail - self.head))
            .field("discard", &self.discard)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn push(buffer: &mut ReceiveBuffer, mut data: &[u8]) {
        while !data.is_empty() {
            let space = buffer.space(None);
            let n = space.len().min(data.len());
            space[..n].copy_from_slice(&data[..n]);
            assert!(buffer.filled(n));
            data = &data[n..];
        }
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut buffer = ReceiveBuffer::new();
        let input: Vec<u8> = (0..200_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut output = Vec::new();
        let mut kept = Vec::new();
        for (i, piece) in input.chunks(7_919).enumerate() {
            push(&mut buffer, piece);
            let n = buffer.data().len() * 2 / 3;
            let taken = buffer.take(n);
            output.extend_from_slice(taken.bytes());
            if i % 3 == 0 {
                kept.push((output.len(), taken));
            }
        }
        output.extend_from_slice(buffer.data());
        assert!(output == input);
        for (end, taken) in kept {
            assert!(taken.bytes() == &input[end - taken.bytes().len()..end]);
        }
    }

    #[test]
    fn a_chunk_that_nobody_keeps_is_used_again() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &[1; 100]);
        let mut turn = || {
            drop(buffer.take(90));
            push(&mut buffer, &[1; 90]);
            buffer.chunk.as_ptr()
        };
        // The first turn may still make room for what waits.
        let first = turn();
        for _ in 0..1_000 {
            assert_eq!(turn(), first);
        }
    }

    #[test]
    fn a_whole_piece_fits_behind_what_waits() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &[0; SMALL_READ]);
        buffer.consume(SMALL_READ);
        for waiting in [0, 1, 100, 4_000, 8_000, SMALL_READ, 3 * SMALL_READ, 0, 7] {
            buffer.consume(buffer.data().len());
            push(&mut buffer, &vec![1; 50 + waiting]);
            buffer.consume(50);
            assert!(buffer.space(None).len() >= SMALL_READ, "{waiting}");
        }
    }

    #[test]
    fn chunks_that_are_kept_are_as_large_as_what_comes() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &vec![7; 1 << 20]);
        buffer.consume(1 << 20);
        let mut kept = Vec::new();
        for _ in 0..100 {
            let piece = &[1; SMALL_READ];
            push(&mut buffer, piece);
            kept.push(buffer.take(piece.len()));
        }
        let held: usize = kept.iter().map(|taken| taken.chunk.len()).sum();
        assert!(held <= 2 * 100 * SMALL_READ + LARGE_READ, "{held}");
        drop(kept);
        buffer.space(None);
        assert!(buffer.space(None).len() >= LARGE_READ);
    }

    #[test]
    fn a_large_result_gives_its_space_back() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &vec![7; 1 << 20]);
        assert!(buffer.chunk.len() >= 1 << 20);
        buffer.consume(1 << 20);
        push(&mut buffer, &[1]);
        assert!(buffer.chunk.len() <= LARGE_READ);
        buffer.consume(1);
        for _ in 0..QUIET_SPELLS_TO_SHRINK {
            buffer.quiet();
        }
        assert_eq!(buffer.space(None).len(), SMALL_READ);
    }

    #[test]
    fn answers_that_need_no_more_keep_the_first_read() {
        let mut buffer = ReceiveBuffer::new();
        let answer = |buffer: &mut ReceiveBuffer, length: usize| {
            push(buffer, &vec![1; length]);
            buffer.consume(length);
            buffer.quiet();
            buffer.chunk.as_ptr()
        };
        let first = answer(&mut buffer, 1);
        for _ in 0..100 {
            assert_eq!(answer(&mut buffer, FIRST_READ - 1), first);
        }
        assert_eq!(buffer.chunk.len(), FIRST_READ);
        // Those that need more keep more, instead of making it anew each time.
        for _ in 0..3 {
            answer(&mut buffer, 5_000);
        }
        let larger = answer(&mut buffer, 5_000);
        for turn in 0..100 {
            assert_eq!(answer(&mut buffer, 1 + turn % 2 * 5_000), larger);
        }
        for _ in 0..2 * QUIET_SPELLS_TO_SHRINK {
            answer(&mut buffer, 1);
        }
        assert_eq!(buffer.chunk.len(), FIRST_READ);
        assert_eq!(buffer.chunk.capacity(), FIRST_READ);
    }

    #[test]
    fn what_a_large_frame_took_is_given_back_as_soon_as_nothing_is_owed() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &vec![7; 1 << 20]);
        let kept = buffer.take(1 << 20);
        buffer.quiet();
        assert_eq!(buffer.chunk.len(), 0);
        assert_eq!(kept.bytes().len(), 1 << 20);
        push(&mut buffer, &[1]);
        assert_eq!(buffer.data(), [1]);
        // What waits stays where it is.
        push(&mut buffer, &vec![7; 1 << 20]);
        buffer.consume(1 << 20);
        buffer.quiet();
        assert_eq!(buffer.data(), [7]);
    }

    #[test]
    fn security_49_a_declared_length_reserves_nothing() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &[0; 5_000]);
        buffer.space(Some(1 << 30));
        assert!(buffer.chunk.capacity() < 64 * 1024);
    }

    #[test]
    fn security_01_one_byte_is_one_byte() {
        let mut buffer = ReceiveBuffer::new();
        assert_eq!(buffer.one_byte().len(), 1);
        assert!(!buffer.filled(2));
        buffer.one_byte()[0] = b'S';
        assert!(buffer.filled(1) && !buffer.filled(1));
        assert_eq!(buffer.data(), b"S");
    }

    #[test]
    fn more_than_was_lent_is_refused() {
        let mut buffer = ReceiveBuffer::new();
        let lent = buffer.space(None).len();
        assert!(!buffer.filled(lent + 1));
        assert!(buffer.filled(lent));
        assert!(!buffer.filled(1), "nothing is lent any more");
    }

    #[test]
    fn unwanted_bytes_are_dropped_as_they_come() {
        let mut buffer = ReceiveBuffer::new();
        push(&mut buffer, &[1; 10]);
        buffer.discard(30);
        assert!(buffer.is_discarding());
        push(&mut buffer, &[1; 20]);
        assert!(!buffer.is_discarding());
        push(&mut buffer, &[2; 3]);
        assert_eq!(buffer.data(), [2; 3]);
    }
}
