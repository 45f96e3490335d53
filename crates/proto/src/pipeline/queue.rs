//! The queue of what is owed, and the operations that it belongs to.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use crate::OpId;
use crate::event::Outcome;
use crate::message::backend::response::ServerError;
use crate::message::backend::row_description::Columns;
use crate::pipeline::expect::Expect;

/// One answer that is owed.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    pub(crate) op: OpId,
    pub(crate) expect: Expect,
    /// Where the message that it answers stands in the output; the first one of an operation starts where the operation does, the
    /// last one ends where it does.
    pub(crate) place: Range<u64>,
    /// Nobody wants to hear of it.
    pub(crate) muted: bool,
    /// With it the operation is over.
    pub(crate) last: bool,
    /// The columns of the rows to come, where they were known beforehand.
    pub(crate) columns: Option<Arc<Columns>>,
}

impl Owed {
    pub(crate) fn new(op: OpId, expect: Expect, place: Range<u64>) -> Self {
        Self {
            op,
            expect,
            place,
            muted: false,
            last: false,
            columns: None,
        }
    }
}

/// Everything that is owed, oldest first, and where its first operation stands.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    owed: VecDeque<Owed>,
    in_flight: usize,
    next_op: u64,
    /// The server skips everything up to the next Sync.
    skipping: bool,
    /// What is behind the last answered message, when nothing is owed: true when a segment is open there.
    open_when_empty: bool,
    /// The operation that was committed last.
    last_op: Option<OpId>,
    head: Head,
}

/// Where the oldest operation stands.
#[derive(Debug, Default)]
struct Head {
    error: Option<ServerError>,
    skipped: bool,
    columns: Option<Arc<Columns>>,
}

impl Queue {
    pub(crate) fn front(&self) -> Option<&Owed> {
        self.owed.front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.owed.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What is owed next.
    pub(crate) fn expect(&self) -> Expect {
        self.owed
            .front()
            .map_or(Expect::Nothing, |owed| owed.expect)
    }

    /// The columns of the rows that are owed next.
    pub(crate) fn columns(&self) -> Option<&Arc<Columns>> {
        let known = self.owed.front().and_then(|owed| owed.columns.as_ref());
        known.or(self.head.columns.as_ref())
    }

    /// The next operation's number.
    pub(crate) fn next_op(&mut self) -> OpId {
        self.next_op += 1;
        OpId(self.next_op)
    }

    pub(crate) fn push(&mut self, owed: Owed) {
        self.owed.push_back(owed);
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
    }

    /// True when messages were sent, or will be, that no Sync and no Query stands behind.
    pub(crate) fn segment_open(&self) -> bool {
        self.owed
            .back()
            .map_or(self.open_when_empty, |owed| !owed.expect.ends_segment())
    }

    /// True when nobody can be about to continue the open segment but the owner of `op`.
    pub(crate) fn segment_ends_with(&self, op: OpId) -> bool {
        self.segment_open() && self.last_op.is_none_or(|last| last == op)
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
        self.owed.iter().any(|owed| owed.expect.is_sync())
    }

    /// Removes the front entry; tells how its operation ended, if it did and somebody wants to know.
    pub(crate) fn pop(&mut self) -> Option<(OpId, Outcome)> {
        let owed = self.owed.pop_front()?;
        self.open_when_empty = !owed.expect.ends_segment();
        if !owed.last {
            return None;
        }
        self.in_flight -= 1;
        let head = core::mem::take(&mut self.head);
        if owed.muted {
            return None;
        }
        let outcome = match head.error {
            Some(error) => Outcome::Failed(error),
            None if head.skipped => Outcome::Skipped,
            None => Outcome::Complete,
        };
        Some((owed.op, outcome))
    }

    /// True when the front entry will never be answered.
    pub(crate) fn front_is_skipped(&mut self) -> bool {
        if !self.skipping {
            return false;
        }
        match self.owed.front() {
            Some(owed) if !owed.expect.is_sync() => {
                self.head.skipped = true;
                true
            }
            Some(_) => {
                // Its own messages may all have been skipped: then the Sync ends an operation that nobody looked at.
                self.skipping = false;
                false
            }
            None => false,
        }
    }

    /// The same, without taking note of it.
    pub(crate) fn front_will_be_skipped(&self) -> bool {
        self.skipping && self.owed.front().is_some_and(|owed| !owed.expect.is_sync())
    }

    /// True when nothing stands between the front entry and the Sync of its segment.
    pub(crate) fn sync_is_next(&self) -> bool {
        self.owed.get(1).is_some_and(|owed| owed.expect.is_sync())
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

    /// Nobody wants to hear of these.
    pub(crate) fn mute(&mut self, range: Range<usize>) {
        for owed in self.owed.range_mut(range) {
            owed.muted = true;
        }
    }

    /// Removes entries that were never sent; those behind them move `bytes` forward in the output.
    pub(crate) fn remove(&mut self, range: Range<usize>, bytes: u64) {
        for owed in self.owed.range_mut(range.end..) {
            owed.place.start = owed.place.start.saturating_sub(bytes);
            owed.place.end = owed.place.end.saturating_sub(bytes);
        }
        self.owed.drain(range);
    }

    /// An operation was removed whole.
    pub(crate) fn taken_back(&mut self) {
        self.in_flight -= 1;
        self.last_op = None;
    }

    /// True when messages before this entry are in a segment that no Sync and no Query closes.
    pub(crate) fn segment_open_before(&self, index: usize) -> bool {
        match index.checked_sub(1) {
            Some(before) => self
                .owed
                .get(before)
                .is_some_and(|owed| !owed.expect.ends_segment()),
            None => self.open_when_empty,
        }
    }

    /// The operations that are under way, newest first.
    pub(crate) fn operations(&self) -> Vec<OpId> {
        self.owed
            .iter()
            .rev()
            .filter(|owed| owed.last)
            .map(|owed| owed.op)
            .collect()
    }

    /// True while entries wait that will never be answered.
    pub(crate) fn is_skipping(&self) -> bool {
        self.skipping
    }
}
