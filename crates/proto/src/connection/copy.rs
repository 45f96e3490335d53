//! COPY: data that goes, and what the core does when nobody sends any.

use core::convert::Infallible;

use bytes::BytesMut;

use crate::OpId;
use crate::connection::Connection;
use crate::copy::CopyEnd;
use crate::error::{ProtocolErrorKind, UsageError};
use crate::message::backend::response::ServerError;
use crate::message::frontend::copy::{
    own_copy_fail_length, write_copy_data, write_copy_done, write_copy_fail, write_own_copy_fail,
};
use crate::message::frontend::extended::{FLUSH_LENGTH, write_flush, write_sync, write_terminate};
use crate::pipeline::expect::Expect;
use crate::pipeline::fence::Fence;

/// The longest message that data is put into: longer ones gain nothing, and the server holds each whole.
const MAX_COPY_DATA: usize = 1 << 20;

const UNDECLARED: &str = "COPY FROM STDIN was not declared as a COPY, so there is no data for it";
const ABANDONED: &str = "the COPY was abandoned";

impl Connection {
    pub(super) fn send_copy_data(&mut self, op: OpId, data: &[u8]) -> Result<usize, UsageError> {
        let (fence, _) = self.copying(op)?;
        // What stands behind the fence waits for the data: were it counted, neither would ever go.
        let waiting = self.send.index(fence.place).unwrap_or(0);
        let room = self.limits.output_high_water.saturating_sub(waiting);
        let n = if !self.queue.expect().is_copy_both() {
            data.len().min(room).min(MAX_COPY_DATA)
        } else if room > 0 {
            // A message of a stream means something by itself: it goes as it is, or not yet.
            data.len()
        } else {
            0
        };
        if let Some(data) = data.get(..n).filter(|data| !data.is_empty()) {
            self.insert_at(fence.place, |out| write_copy_data(out, data))?;
        }
        Ok(n)
    }

    pub(super) fn finish_copy(&mut self, op: OpId, end: CopyEnd<'_>) -> Result<(), UsageError> {
        let (fence, next) = self.copying(op)?;
        let next = match end {
            CopyEnd::Done => next,
            CopyEnd::Fail(_) => {
                let failed = self.queue.expect().gave_up();
                failed.ok_or(UsageError::StreamCannotFail)?
            }
        };
        self.insert_at(fence.place, |out| match end {
            CopyEnd::Done => {
                write_copy_done(out);
                Ok(())
            }
            CopyEnd::Fail(reason) => write_copy_fail(out, reason),
        })?;
        self.queue.become_(next);
        if !next.is_query() {
            // One statement, one COPY: its Sync follows. A query may hold another, before which nothing else must be sent.
            self.queue.lower_fence(op);
        }
        Ok(())
    }

    /// The fence that data of this operation is put before, and what is owed once all of it is sent.
    fn copying(&self, op: OpId) -> Result<(Fence, Expect), UsageError> {
        let front = self
            .queue
            .front()
            .filter(|owed| owed.op == op && !owed.muted);
        let next = front.and_then(|owed| owed.expect.sent_all());
        let copying = self.queue.fence_of(op).zip(next);
        copying
            .filter(|_| !self.is_dead())
            .ok_or(UsageError::NotCopying)
    }

    /// The server awaits data, or a stream begins. True when somebody is to hear of it.
    pub(super) fn copy_begins(&mut self, now: Expect) -> Result<bool, ProtocolErrorKind> {
        let Some(front) = self.queue.front() else {
            return Ok(false);
        };
        let (op, muted, failed) = (front.op, front.muted, front.copy_failed);
        let fence = self.queue.fence_of(op);
        if now.is_copy_both() {
            let fence = fence.ok_or(ProtocolErrorKind::UnexpectedMessage)?;
            if muted {
                self.close_stream(fence);
            }
            return Ok(!muted);
        }
        let Some(given_up) = now.gave_up() else {
            return Ok(true);
        };
        match fence.filter(|fence| fence.declared) {
            Some(_) if !muted => return Ok(true),
            Some(fence) => self.give_up(fence),
            None if failed => self.queue.become_(given_up),
            None => {
                self.queue.become_(given_up);
                self.refuse_copy_in(op);
            }
        }
        Ok(false)
    }

    /// A `COPY FROM STDIN` that nobody declared: without an answer the server would wait for data for ever.
    ///
    /// While it waits it swallows each Sync that was sent behind the COPY; whether it did wait, or failed before, its error tells. Until
    /// then nothing else is sent. What was not sent at all comes behind the refusal, and is unharmed.
    fn refuse_copy_in(&mut self, op: OpId) {
        let place = self.send.next_message();
        if !self.queue.only_syncs_behind_front(place) {
            // What stands there ends the session, unless the COPY has failed by itself. Then a refusal would hit another one.
            return;
        }
        self.insert_own(place, |out| write_own_copy_fail(out, UNDECLARED));
        let place = place.saturating_add(own_copy_fail_length(UNDECLARED));
        if self.queue.syncs_behind_front(place) == 0 {
            return;
        }
        self.queue.note_refusal(place);
        if self.queue.fence_of(op).is_none() {
            self.queue.raise_fence(Fence {
                op,
                place,
                declared: false,
            });
        }
    }

    /// The operation at the front has failed. If it was refused as a COPY, and that is why, then the server had read all that was sent
    /// before the refusal: the Syncs among that are sent once more. Had it failed before it read anything (a COPY into a view does, behind
    /// the request for data), it will answer them.
    pub(super) fn resend_swallowed_syncs(&mut self, error: &ServerError) {
        let Some(refused) = self.queue.take_refusal() else {
            return;
        };
        if error.message().contains(UNDECLARED) {
            let swallowed = self.queue.syncs_behind_front(refused);
            let place = refused.max(self.send.next_message());
            self.insert_own(place, |out| (0..swallowed).for_each(|_| write_sync(out)));
        }
    }

    /// Nobody waits for this operation any more, of which a part was sent: the server must not take what comes next for its data.
    pub(super) fn abandon_copy(&mut self, op: OpId) {
        let Some(fence) = self.queue.fence_of(op) else {
            let range = self.queue.range_of(op);
            self.fail_undeclared_copy(range);
            return self.fence_off(op);
        };
        let front = self.queue.front().filter(|owed| owed.op == op);
        let awaits_data = front.is_some_and(|owed| owed.expect.gave_up().is_some());
        if front.is_some_and(|owed| owed.expect.is_copy_both()) {
            self.close_stream(fence);
        } else if awaits_data || (fence.declared && !self.is_replication()) {
            self.give_up(fence);
        }
        // On a replication connection only the answer tells what the command has begun, and so what ends it.
    }

    /// Should one of these be a `COPY FROM STDIN` that nobody will feed, it fails.
    pub(super) fn fail_undeclared_copy(&mut self, range: core::ops::Range<usize>) {
        if self.queue.fail_copy(range, self.send.sent()) {
            let place = self.send.next_message();
            self.insert_own(place, |out| write_own_copy_fail(out, UNDECLARED));
        }
    }

    /// Should this operation turn out to be a `COPY FROM STDIN`, nothing may follow but the refusal: not even another Sync, of which only
    /// the answer could tell whether it counts.
    fn fence_off(&mut self, op: OpId) {
        let range = self.queue.range_of(op);
        let end = self
            .queue
            .end_of_possible_copy(range, self.send.next_message());
        let Some((place, answers)) = end else {
            return;
        };
        if place < self.send.next_message() {
            // A good-bye is on its way already.
            return;
        }
        let mut place = place;
        if !answers {
            self.insert_own(place, write_flush);
            place = place.saturating_add(FLUSH_LENGTH);
        }
        self.queue.raise_fence(Fence {
            op,
            place,
            declared: false,
        });
    }

    /// Ends a declared COPY without its data. To a server that does not copy, this is of no consequence.
    fn give_up(&mut self, fence: Fence) {
        self.insert_own(fence.place, |out| write_own_copy_fail(out, ABANDONED));
        self.queue.fail_declared_copy(self.queue.range_of(fence.op));
        self.queue.lower_fence(fence.op);
    }

    /// A stream that nobody reads any more would go on for ever: the connection ends instead.
    fn close_stream(&mut self, fence: Fence) {
        self.terminating = true;
        self.insert_own(fence.place, write_terminate);
        self.queue.lower_fence(fence.op);
    }

    fn insert_own(&mut self, place: u64, write: impl FnOnce(&mut BytesMut)) {
        let Ok(()) = self.insert_at(place, |out| {
            write(out);
            Ok::<_, Infallible>(())
        });
    }

    fn insert_at<E>(
        &mut self,
        place: u64,
        write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        let room = self.send.insert(place, write)?;
        self.queue.make_room(place, room);
        Ok(())
    }
}
