//! What abandoning does to the queue: entries are muted, or taken back with what they stand for.

use core::ops::Range;

use crate::OpId;
use crate::pipeline::queue::{Head, Queue};

impl Queue {
    /// Nobody wants to hear of these.
    pub(crate) fn mute(&mut self, range: Range<usize>) {
        for owed in self.owed.range_mut(range) {
            owed.muted = true;
        }
    }

    pub(crate) fn mute_all(&mut self) {
        self.mute(0..self.owed.len());
    }

    /// Takes note that a `CopyFail` is written for the COPY of an operation that stands behind a fence.
    pub(crate) fn fail_declared_copy(&mut self, range: Range<usize>) {
        let is_front = range.start == 0;
        for owed in self.owed.range_mut(range) {
            owed.copy_failed |= owed.expect.may_be_fenced();
        }
        if is_front && let Some(next) = self.expect().gave_up() {
            self.become_(next);
        }
    }

    /// Takes note that a `CopyFail` is written for one of these that may still turn out to be a `COPY FROM STDIN`; false when there is
    /// none. One with other messages sent behind it does not count: if it is a COPY, the server takes these
    /// for its data anyway.
    pub(crate) fn fail_copy(&mut self, range: Range<usize>, sent: u64) -> bool {
        let last_sent = self.owed.partition_point(|owed| owed.place.start < sent);
        let last = last_sent.checked_sub(1).filter(|last| range.contains(last));
        let Some(owed) = last.and_then(|last| self.owed.get_mut(last)) else {
            return false;
        };
        let fails = owed.may_copy && !owed.copy_failed && owed.expect.may_still_copy_in();
        owed.copy_failed |= fails;
        fails
    }

    /// Where a fence belongs behind an operation that may be a `COPY FROM STDIN` that nobody declared, and that no `CopyFail` stands behind;
    /// whether the server will show its answer by itself. `begun` is the end of the messages that were begun. `None` too when one of them
    /// stands behind the operation that a COPY does not pass over: it would have ended the session.
    pub(crate) fn end_of_possible_copy(
        &self,
        range: Range<usize>,
        begun: u64,
    ) -> Option<(u64, bool)> {
        let mut owed = self.owed.range(range.clone());
        let query = owed
            .find(|owed| owed.may_copy && !owed.copy_failed && owed.expect.may_turn_into_copy_in())?
            .expect
            .is_query();
        let last = self.owed.get(range.end.checked_sub(1)?)?;
        let behind = self.owed.range(range.end..);
        let (mut end, mut answers) = (last.place.end, query || last.expect.is_sync());
        for owed in behind.take_while(|owed| owed.place.start < begun) {
            if !owed.expect.is_sync() {
                return None;
            }
            (end, answers) = (owed.place.end, true);
        }
        // A good-bye may have been begun as well.
        (begun <= end).then_some((begun.max(last.place.end), answers))
    }

    /// The operation to which the last entry belongs that is no Sync.
    pub(crate) fn last_but_syncs(&self) -> Option<OpId> {
        let mut newest = self.owed.iter().rev();
        newest
            .find(|owed| !owed.expect.is_sync())
            .map(|owed| owed.op)
    }

    /// Removes entries that were never sent; those behind them move forward in the output, by the length of `gap`.
    pub(crate) fn remove(&mut self, range: Range<usize>, gap: &Range<u64>) {
        let bytes = gap.end.saturating_sub(gap.start);
        if let Some(owed) = self.owed.get(range.start) {
            self.fences.lower(owed.op);
        }
        self.fences.close_gap(gap);
        for owed in self.owed.range_mut(range.end..) {
            // A Sync that stays may have stood behind a Flush that goes.
            owed.place.start = owed.place.start.max(gap.end).saturating_sub(bytes);
            owed.place.end = owed.place.end.saturating_sub(bytes);
        }
        if range.start == 0 {
            self.head = Head::default();
        }
        self.owed.drain(range);
    }

    /// An operation was removed whole.
    pub(crate) fn taken_back(&mut self, op: OpId) {
        self.in_flight -= 1;
        if self.last_op == Some(op) {
            self.last_op = None;
        }
    }

    /// Removes everything from this entry on, which begins an operation and was never sent; gives where it stands in the output.
    pub(crate) fn take_back_from(&mut self, index: usize) -> Range<u64> {
        let Some((first, last)) = self.owed.get(index).zip(self.owed.back()) else {
            return 0..0;
        };
        let bytes = first.place.start..last.place.end;
        self.fences.lower_from(first.op);
        self.in_flight -= self.owed.range(index..).filter(|owed| owed.last).count();
        self.last_op = None;
        self.owed.truncate(index);
        bytes
    }

    /// The first operation of which no byte was sent.
    pub(crate) fn first_unsent(&self, sent: u64) -> Option<usize> {
        let unsent = self.owed.partition_point(|owed| owed.place.start < sent);
        let of = self.owed.get(unsent)?.op;
        let begun = unsent
            .checked_sub(1)
            .and_then(|before| self.owed.get(before));
        let start = if begun.is_some_and(|before| before.op == of) {
            // Sent in part: it is the next one.
            self.owed.partition_point(|owed| owed.op <= of)
        } else {
            unsent
        };
        (start < self.owed.len()).then_some(start)
    }

    /// True when the messages before this entry count on a Sync at or behind it.
    pub(crate) fn needs_sync_at(&self, index: usize) -> bool {
        if self.skipping && !self.has_sync_before(index) {
            return true;
        }
        match index.checked_sub(1) {
            Some(before) => self
                .owed
                .get(before)
                .is_some_and(|owed| !owed.expect.ends_segment()),
            None => self.open_when_empty,
        }
    }

    /// True when nobody can be about to continue the open segment but the owner of `op`.
    pub(crate) fn segment_ends_with(&self, op: OpId) -> bool {
        self.segment_open() && self.last_op.is_none_or(|last| last == op)
    }
}
