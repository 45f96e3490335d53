//! Abandoning: what nobody waits for any more costs the connection nothing.

use crate::OpId;
use crate::connection::Connection;
use crate::message::frontend::extended::SYNC;

impl Connection {
    /// Nobody waits for this operation any more. No event of it follows.
    ///
    /// * If none of it was sent, it is taken back: it never happened.
    /// * Otherwise what is still owed to it is muted: read past, its data thrown away frame by frame as it comes, its errors only
    ///   [counted](Self::muted_errors). What was sent in part is sent to its end. Should it be a `COPY FROM STDIN`, declared or not, the
    ///   server does not wait for data in vain, nor take what follows for it: a `CopyFail`, which is of no consequence if it is none,
    ///   stands behind it, or what was not sent yet waits for its answer.
    /// * A replication stream would go on for ever: the connection is [terminated](Self::terminate).
    /// * If it leaves a segment open (flush without sync), a sync is appended that ends it.
    ///
    /// It never fails, and may be called for operations that are over: fit for `Drop`. What it costs is to move the output that waits
    /// behind the operation; [`abandon_all`](Self::abandon_all) moves nothing.
    pub fn abandon(&mut self, op: OpId) {
        self.forget_batch();
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
            Some(_) => {
                self.abandon_copy(op);
                self.queue.mute(range);
            }
            None => {}
        }
        if self.queue.segment_ends_with(op) {
            self.append_sync();
        }
    }

    /// Abandons every operation that is under way: what a driver does before anything new, should its user have forgotten about
    /// something old.
    pub fn abandon_all(&mut self) {
        self.give_all_up(false);
    }

    /// The same for operations that were to be one transaction: outside of a transaction block, nothing stays of those that were sent without
    /// the Sync that was to end their segment. An error is provoked before the Sync that the core writes instead.
    pub fn abort_all(&mut self) {
        self.give_all_up(true);
    }

    fn give_all_up(&mut self, undo: bool) {
        self.forget_batch();
        self.finished = None;
        let ended = self.is_dead();
        let unsent = self.queue.first_unsent(self.send.sent());
        if let Some(first) = unsent.filter(|_| !ended) {
            // A good-bye behind them stays.
            let bytes = self.queue.take_back_from(first);
            self.send.remove(bytes);
        }
        let all = self.queue.len();
        if !ended {
            self.fail_undeclared_copy(0..all);
            // Behind anything older stands something that a COPY does not pass over; and before an older fence nothing is left either.
            if let Some(op) = self.queue.last_but_syncs() {
                self.abandon_copy(op);
            }
        }
        self.queue.mute_all();
        if !ended && self.queue.needs_sync_at(all) {
            if undo {
                self.append_failure();
            }
            self.append_sync();
        }
    }

    /// Removes an operation of which no byte was sent.
    fn take_back(&mut self, op: OpId) {
        let mut range = self.queue.range_of(op);
        let last = range
            .end
            .checked_sub(1)
            .and_then(|last| self.queue.get(last));
        let Some((first, last)) = self.queue.get(range.start).zip(last) else {
            return;
        };
        let mut bytes = first.place.start..last.place.end;
        if last.expect.is_sync() && self.queue.needs_sync_at(range.start) {
            // Its Sync stays, for what stands before it.
            self.queue.mute(range.end - 1..range.end);
            range.end -= 1;
            let sync = u64::try_from(SYNC.len()).unwrap_or(0);
            bytes.end = bytes.end.saturating_sub(sync);
        } else {
            self.queue.taken_back(op);
        }
        self.queue.remove(range, &bytes);
        self.send.remove(bytes);
    }
}
