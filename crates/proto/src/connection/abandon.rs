//! Abandoning: what nobody waits for any more costs the connection nothing.

use crate::OpId;
use crate::connection::Connection;
use crate::message::frontend::extended::SYNC;

impl Connection {
    /// Nobody waits for this operation any more. No event of it follows.
    ///
    /// * If none of it was sent, it is taken back: it never happened.
    /// * Otherwise what is still owed to it is muted: read past, its data thrown away frame by frame as it comes, its errors only
    ///   [counted](Self::muted_errors). What was sent in part is sent to its end.
    /// * If it leaves a segment open (flush without sync), a sync is appended that ends it.
    ///
    /// It never fails, takes no time worth mentioning, and may be called for operations that are over: fit for `Drop`.
    pub fn abandon(&mut self, op: OpId) {
        if self
            .finished
            .as_ref()
            .is_some_and(|(finished, _)| *finished == op)
        {
            self.finished = None;
        }
        let range = self.queue.range_of(op);
        if self.is_dead() {
            self.queue.mute(range);
            return;
        }
        match self.queue.get(range.start).filter(|owed| owed.op == op) {
            Some(first) if first.place.start >= self.send.sent() => self.take_back(op),
            Some(_) => self.queue.mute(range),
            None => {}
        }
        if self.queue.segment_ends_with(op) {
            self.append_sync();
        }
    }

    /// Abandons every operation that is under way: what a driver does before anything new, should its user have forgotten about
    /// something old.
    pub fn abandon_all(&mut self) {
        self.finished = None;
        for op in self.queue.operations() {
            self.abandon(op);
        }
        if !self.is_dead() && self.queue.segment_open() {
            self.append_sync();
        }
    }

    /// Removes an operation of which no byte was sent.
    fn take_back(&mut self, op: OpId) {
        let mut range = self.queue.range_of(op);
        let Some(first) = self.queue.get(range.start) else {
            return;
        };
        let Some(last) = range
            .end
            .checked_sub(1)
            .and_then(|last| self.queue.get(last))
        else {
            return;
        };
        let mut bytes = first.place.start..last.place.end;
        // What stands before it may count on its Sync.
        let needed = self.queue.segment_open_before(range.start) || self.queue.is_skipping();
        if last.expect.is_sync() && needed {
            self.queue.mute(range.end - 1..range.end);
            range.end -= 1;
            let sync = u64::try_from(SYNC.len()).unwrap_or(0);
            bytes.end = bytes.end.saturating_sub(sync);
        } else {
            self.queue.taken_back();
        }
        let length = bytes.end - bytes.start;
        self.send.remove(bytes);
        self.queue.remove(range, length);
    }
}
