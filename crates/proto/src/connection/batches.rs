//! What a batch appends to, and when it may.

use crate::OpId;
use crate::buffer::send::SendBuffer;
use crate::connection::Connection;
use crate::connection::phase::Phase;
use crate::error::UsageError;
use crate::message::frontend::extended;
use crate::pipeline::queue::Queue;

/// What a batch appends to.
pub(crate) struct Parts<'a> {
    pub(crate) send: &'a mut SendBuffer,
    pub(crate) queue: &'a mut Queue,
}

impl Connection {
    /// Has the operation that was committed last end its segment, as if a [`sync`](crate::Batch::sync) had stood last in its batch: for who
    /// learns only then that nothing follows. Its end is the `Sync`'s then, and an error of the commit that this performs is its own.
    ///
    /// # Errors
    /// [`UsageError::NothingToSync`] once something of it was sent, or another one was committed, when it ends its segment already, or is a
    /// COPY; [`UsageError::Terminating`] behind a good-bye. Nothing has changed then.
    pub fn sync_behind(&mut self, op: OpId) -> Result<(), UsageError> {
        self.forget_batch();
        if self.terminating {
            return Err(UsageError::Terminating);
        }
        let start = self.send.end();
        let is_unsent = self.queue.is_unsent(op, self.send.sent());
        if self.is_dead() || !is_unsent || self.queue.fence_of(op).is_some() {
            return Err(UsageError::NothingToSync);
        }
        let length = u64::try_from(extended::SYNC.len()).unwrap_or(0);
        if !self
            .queue
            .sync_last(op, start..start.saturating_add(length))
        {
            return Err(UsageError::NothingToSync);
        }
        extended::write_sync(self.send.bytes_mut());
        Ok(())
    }

    /// Why no batch can be begun now.
    pub(crate) fn refuses_batches(&self) -> Option<UsageError> {
        let waiting = self.send.len();
        let in_flight = self.queue.in_flight();
        if self.is_dead() || self.eof {
            Some(UsageError::Ended)
        } else if self.terminating {
            Some(UsageError::Terminating)
        } else if !matches!(self.phase, Ok(Phase::Open)) {
            Some(UsageError::NotOpen)
        } else if waiting >= self.limits.output_high_water {
            Some(UsageError::OutputFull { waiting })
        } else if in_flight >= self.limits.max_in_flight {
            Some(UsageError::TooManyInFlight { in_flight })
        } else {
            None
        }
    }

    pub(crate) fn parts(&mut self) -> Parts<'_> {
        Parts {
            send: &mut self.send,
            queue: &mut self.queue,
        }
    }

    /// Where the output ends.
    pub(crate) fn output_end(&self) -> u64 {
        self.send.end()
    }

    /// A batch begins: until it is committed, what it appends is not there.
    pub(crate) fn begin_batch(&mut self) {
        self.batch = Some((self.send.len(), self.queue.len()));
    }

    /// What the batch has appended is there.
    pub(crate) fn commit_batch(&mut self) {
        self.batch = None;
    }

    /// Removes what a batch has appended that was dropped, or forgotten.
    #[inline]
    pub(crate) fn forget_batch(&mut self) {
        if self.batch.is_some() {
            self.take_back_batch();
        }
    }

    fn take_back_batch(&mut self) {
        if let Some((output, queue)) = self.batch.take() {
            self.queue.truncate(queue);
            self.send.bytes_mut().truncate(output);
        }
    }
}
