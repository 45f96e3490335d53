//! The queue of what is owed, and the operations that it belongs to.

mod abandon;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::ops::Range;

use crate::OpId;
use crate::event::Outcome;
use crate::message::backend::response::ServerError;
use crate::message::backend::row_description::Columns;
use crate::pipeline::expect::Expect;
use crate::pipeline::fence::{Fence, Fences};
use crate::pipeline::owed::{Due, Owed};

/// So many times is nothing owed before what a long pipeline took is given back.
const QUIET_SPELLS_TO_SHRINK: u8 = 8;

/// So many entries are kept room for at least.
const KEEP: usize = 16;

/// Everything that is owed, oldest first, and where its first operation stands.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    owed: VecDeque<Owed>,
    /// The most entries since there was last looked, and how often nothing was owed since.
    most: usize,
    quiet_spells: u8,
    in_flight: usize,
    next_op: u64,
    /// The server skips everything up to the next Sync.
    skipping: bool,
    /// What is behind the last answered message, when nothing is owed: true when a segment is open there.
    open_when_empty: bool,
    /// The operation that was committed last.
    last_op: Option<OpId>,
    fences: Fences,
    head: Head,
}

/// Where the oldest operation stands.
#[derive(Debug, Default)]
struct Head {
    error: Option<ServerError>,
    skipped: bool,
    columns: Option<Arc<Columns>>,
    /// Rows and data of a COPY that were handed out.
    result_bytes: usize,
    /// Where the refusal ends, if it turned out to be a COPY that nobody declared, and Syncs stand before that of which nobody knows yet
    /// whether that COPY swallowed them.
    refused: Option<u64>,
}

impl Head {
    /// Begins anew; gives the error of the operation that is over, and whether it was skipped.
    //
    // Field by field: most are what they will be, and a whole that was written in parts is slow to read.
    #[inline]
    fn end(&mut self) -> (Option<ServerError>, bool) {
        self.columns = None;
        self.result_bytes = 0;
        self.refused = None;
        (self.error.take(), core::mem::take(&mut self.skipped))
    }
}

impl Queue {
    #[inline]
    pub(crate) fn front(&self) -> Option<&Owed> {
        self.owed.front()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.owed.len()
    }

    #[inline]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What is owed next.
    #[inline]
    pub(crate) fn expect(&self) -> Expect {
        self.owed
            .front()
            .map_or(Expect::Nothing, |owed| owed.expect)
    }

    /// What is owed next, and to whom.
    #[inline]
    pub(crate) fn due(&self) -> Due {
        let Some(owed) = self.owed.front() else {
            return Due {
                expect: Expect::Nothing,
                muted: false,
                heard: None,
            };
        };
        Due {
            expect: owed.expect,
            muted: owed.muted,
            heard: (!owed.muted && !owed.silent).then_some(owed.op),
        }
    }

    /// The columns of the rows that are owed next.
    pub(crate) fn columns(&self) -> Option<&Arc<Columns>> {
        let known = self.owed.front().and_then(|owed| owed.columns.as_ref());
        known.or(self.head.columns.as_ref())
    }

    /// The next operation's number.
    #[inline]
    pub(crate) fn next_op(&mut self) -> OpId {
        self.next_op += 1;
        OpId(self.next_op)
    }

    #[inline]
    pub(crate) fn push(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    /// The answers to these are not handed out.
    pub(crate) fn silence(&mut self, entries: Range<usize>) {
        for owed in self.owed.range_mut(entries) {
            owed.silent = true;
        }
    }

    /// The answer to this one is not handed out.
    pub(crate) fn silence_one(&mut self, index: usize) {
        if let Some(owed) = self.owed.get_mut(index) {
            owed.silent = true;
        }
    }

    /// Takes back what a batch pushed.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.owed.truncate(len);
    }

    /// What was pushed last is one operation now, and its messages end at `end`.
    pub(crate) fn commit(&mut self, op: OpId, end: u64) {
        if let Some(owed) = self.owed.back_mut() {
            owed.last = true;
            owed.place.end = end;
        }
        self.in_flight += 1;
        self.last_op = Some(op);
        self.most = self.most.max(self.owed.len());
    }

    /// True for an operation of which no byte was sent, when all before this place were.
    pub(crate) fn is_unsent(&self, op: OpId, sent: u64) -> bool {
        let first = self.owed.get(self.range_of(op).start);
        first.is_some_and(|owed| owed.op == op && owed.place.start >= sent)
    }

    /// The operation that was pushed last ends with a Sync that stands at this place. False, and nothing has changed, where that cannot be.
    pub(crate) fn sync_last(&mut self, op: OpId, place: Range<u64>) -> bool {
        let Some(owed) = self.owed.back_mut() else {
            return false;
        };
        let may = owed.op == op && !owed.muted && owed.place.end == place.start;
        if !may || owed.expect.ends_segment() {
            return false;
        }
        owed.last = false;
        self.push(Owed {
            last: true,
            ..Owed::new(op, Expect::Sync, place)
        });
        self.most = self.most.max(self.owed.len());
        true
    }

    /// Called when nothing is owed: what a long pipeline took is given back once there was none for a while.
    pub(crate) fn quiet(&mut self) {
        self.quiet_spells += 1;
        if self.quiet_spells < QUIET_SPELLS_TO_SHRINK {
            return;
        }
        let keep = self.most.max(KEEP);
        if self.owed.capacity() > 4 * keep {
            self.owed.shrink_to(keep);
        }
        self.most = 0;
        self.quiet_spells = 0;
    }

    /// Where the output ends for now, if it does before its end.
    pub(crate) fn fence(&self) -> Option<u64> {
        self.fences.first()
    }

    /// The fence behind an operation, if it stands.
    pub(crate) fn fence_of(&self, op: OpId) -> Option<Fence> {
        self.fences.of(op)
    }

    pub(crate) fn raise_fence(&mut self, fence: Fence) {
        self.fences.raise(fence);
    }

    pub(crate) fn lower_fence(&mut self, op: OpId) {
        self.fences.lower(op);
    }

    /// How much of the front operation's result were handed out with so much more.
    #[inline]
    pub(crate) fn result_with(&self, bytes: usize) -> usize {
        self.head.result_bytes.saturating_add(bytes)
    }

    /// More of the front operation's result is handed out; gives how much that is by now.
    #[inline]
    pub(crate) fn count_result(&mut self, bytes: usize) -> usize {
        self.head.result_bytes = self.result_with(bytes);
        self.head.result_bytes
    }

    /// True when messages were sent, or will be, that no Sync and no Query stands behind.
    pub(crate) fn segment_open(&self) -> bool {
        self.owed
            .back()
            .map_or(self.open_when_empty, |owed| !owed.expect.ends_segment())
    }

    /// The columns of what was pushed last are known.
    pub(crate) fn know_columns(&mut self, columns: Option<Arc<Columns>>) {
        if let Some(owed) = self.owed.back_mut() {
            owed.columns = columns;
        }
    }

    /// Something else is owed by the front entry now.
    pub(crate) fn become_(&mut self, expect: Expect) {
        if let Some(owed) = self.owed.front_mut() {
            owed.expect = expect;
        }
    }

    /// The rows to come have these columns.
    pub(crate) fn describe(&mut self, columns: Arc<Columns>) {
        self.head.columns = Some(columns);
    }

    /// The operation at the front has failed.
    pub(crate) fn fail(&mut self, error: ServerError) {
        self.head.error.get_or_insert(error);
    }

    /// The server skips what follows, up to the next Sync. False when there is none to stop at.
    pub(crate) fn skip(&mut self) -> bool {
        self.skipping = true;
        self.has_sync_before(self.owed.len())
    }

    fn has_sync_before(&self, index: usize) -> bool {
        self.owed
            .iter()
            .take(index)
            .any(|owed| owed.expect.is_sync())
    }

    /// Removes the front entry; tells how its operation ended, if it did and somebody wants to know.
    pub(crate) fn pop(&mut self) -> Option<(OpId, Outcome)> {
        let Owed {
            op,
            expect,
            muted,
            silent,
            last,
            columns,
            ..
        } = self.owed.pop_front()?;
        // Until it is answered it could still be taken back, and the server would go on skipping.
        self.skipping &= !expect.is_sync();
        // A Query that was skipped has ended nothing.
        self.open_when_empty = self.skipping || !expect.ends_segment();
        // Whatever it was, nothing of it can turn into a COPY any more. A prelude is not it.
        if !self.fences.is_empty() && expect.may_be_fenced() && !silent {
            self.fences.lower(op);
        }
        if !last {
            if expect.may_be_fenced() && !silent {
                // The same statement may be executed again.
                self.head.columns = columns.or(self.head.columns.take());
                self.head.result_bytes = 0;
            }
            return None;
        }
        self.in_flight -= 1;
        let (error, skipped) = self.head.end();
        if muted {
            return None;
        }
        let outcome = match error {
            Some(error) => Outcome::Failed(error),
            None if skipped => Outcome::Skipped,
            None => Outcome::Complete,
        };
        Some((op, outcome))
    }

    /// True when the front entry will never be answered.
    #[inline]
    pub(crate) fn front_is_skipped(&mut self) -> bool {
        if !self.skipping {
            return false;
        }
        match self.owed.front() {
            // All messages of an operation may be skipped: then its Sync ends an operation that nobody looked at.
            Some(owed) if !owed.expect.is_sync() => {
                self.head.skipped = true;
                true
            }
            _ => false,
        }
    }

    /// The same, without taking note of it.
    pub(crate) fn front_will_be_skipped(&self) -> bool {
        self.skipping && self.owed.front().is_some_and(|owed| !owed.expect.is_sync())
    }

    /// How many Syncs behind the front entry stand before a place in the output.
    pub(crate) fn syncs_behind_front(&self, place: u64) -> usize {
        let behind = self.owed.iter().skip(1);
        let before = behind.take_while(|owed| owed.place.end <= place);
        before.filter(|owed| owed.expect.is_sync()).count()
    }

    /// True when a COPY at the front would pass over all that stands behind it, before a place in the output.
    pub(crate) fn only_syncs_behind_front(&self, place: u64) -> bool {
        let mut behind = self.owed.iter().skip(1);
        let other = behind.find(|owed| !owed.expect.is_sync());
        other.is_none_or(|owed| owed.place.start >= place)
    }

    /// The front operation was refused, and every Sync that it may have swallowed stands before this place.
    pub(crate) fn note_refusal(&mut self, place: u64) {
        self.head.refused = Some(place);
    }

    pub(crate) fn take_refusal(&mut self) -> Option<u64> {
        self.head.refused.take()
    }

    /// Bytes were put into the output at `place`: what stands behind it moves.
    pub(crate) fn make_room(&mut self, place: u64, bytes: u64) {
        let behind = self.owed.partition_point(|owed| owed.place.end <= place);
        for owed in self.owed.range_mut(behind..) {
            // What has no answer of its own (a Flush) shares the place of another message, and may be parted from it.
            if owed.place.start >= place {
                owed.place.start += bytes;
            }
            owed.place.end += bytes;
        }
        self.fences.make_room(place, bytes);
    }

    /// Removes the front entry of a connection that has ended; tells what is known of its operation.
    pub(crate) fn pop_lost(&mut self) -> Option<(OpId, Outcome)> {
        let owed = self.owed.pop_front()?;
        if !owed.last {
            return None;
        }
        self.in_flight -= 1;
        let head = core::mem::take(&mut self.head);
        let outcome = head.error.map_or(Outcome::Lost, Outcome::Failed);
        (!owed.muted).then_some((owed.op, outcome))
    }

    /// The entries of an operation.
    pub(crate) fn range_of(&self, op: OpId) -> Range<usize> {
        let start = self.owed.partition_point(|owed| owed.op < op);
        let end = self.owed.partition_point(|owed| owed.op <= op);
        start..end
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Owed> {
        self.owed.get(index)
    }

    /// True when what was pushed last is an Execute.
    pub(crate) fn ends_with_execute(&self) -> bool {
        let last = self.owed.back();
        last.is_some_and(|owed| owed.expect.may_still_be_executed())
    }

    /// What was pushed last may, or may not, turn out to be a `COPY FROM STDIN` that nobody declared.
    pub(crate) fn may_copy(&mut self, may: bool) {
        if let Some(owed) = self.owed.back_mut() {
            owed.may_copy = may;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(queue: &mut Queue, length: usize) {
        for _ in 0..length {
            let op = queue.next_op();
            queue.push(Owed::new(op, Expect::Sync, 0..0));
            queue.commit(op, 0);
        }
        while queue.pop().is_some() {}
        queue.quiet();
    }

    #[test]
    fn a_long_pipeline_gives_its_space_back() {
        let mut queue = Queue::default();
        pipeline(&mut queue, 100_000);
        assert!(queue.owed.capacity() >= 100_000);
        for _ in 0..2 * QUIET_SPELLS_TO_SHRINK {
            pipeline(&mut queue, 2);
        }
        assert_eq!(queue.owed.capacity(), KEEP);
    }

    #[test]
    fn pipelines_of_one_length_take_their_space_once() {
        let mut queue = Queue::default();
        pipeline(&mut queue, 1_000);
        let capacity = queue.owed.capacity();
        for turn in 0..100 {
            pipeline(&mut queue, 1 + turn % 2 * 1_000);
            assert_eq!(queue.owed.capacity(), capacity);
        }
    }
}
