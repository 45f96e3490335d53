//! One statement several times in one operation, each time with other values.

use crate::connection::Connection;
use crate::error::UsageError;
use crate::message::frontend::bind::{self, Written};
use crate::pipeline::batch::Batch;
use crate::pipeline::owed::Owed;
use crate::{BindValues, OpId};

/// What [`Batch::again`] repeats: the messages from a bind on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    bind: Written,
    /// Where its last message ends, once that is known: as in [`Written`], and as a place in the output.
    end: Option<(usize, u64)>,
    /// The first of its entries, and the one behind its last.
    entries: (usize, usize),
}

impl Round {
    pub(super) fn new(bind: Written, first: usize) -> Self {
        Self {
            bind,
            end: None,
            entries: (first, first),
        }
    }
}

impl Batch<'_> {
    /// Binds other values to the statement that was bound in this batch, and asks for the same as was asked for from that bind on, such
    /// as its execution. May be called any number of times: all of it is one operation, which ends at the first error.
    ///
    /// Each execution is answered like the first one, except that there is no [`Reply::Bound`](crate::Reply::Bound) for it.
    ///
    /// # Errors
    /// Those of `values`: the batch is rolled back, and commits no more. Other errors are kept for [`commit`](Self::commit), such as
    /// [`UsageError::NothingToRepeat`] without a bind and an execute.
    pub fn again<E>(
        &mut self,
        values: impl FnOnce(&mut BindValues<'_>) -> Result<(), E>,
    ) -> Result<&mut Self, E> {
        if self.error.is_some() {
            return Ok(self);
        }
        let Some(mut round) = self.round.filter(|_| self.seen.execute) else {
            self.error = Some(UsageError::NothingToRepeat);
            return Ok(self);
        };
        if self.seen.sync {
            self.error = Some(UsageError::BehindTheEnd { message: "again" });
            return Ok(self);
        }
        let parts = self.connection.parts();
        let (end, _) = *round.end.get_or_insert_with(|| {
            round.entries.1 = parts.queue.len();
            (parts.send.len(), parts.send.end())
        });
        self.round = Some(round);
        let start = parts.send.end();
        let (out, lent) = parts.send.bytes_and_lent();
        match bind::write_again(out, lent, round.bind, end, values) {
            Ok(Ok(())) => owe_again(self.connection, self.op, &round, start),
            Ok(Err(error)) => self.error = Some(error),
            Err(error) => {
                self.error = Some(UsageError::RolledBack);
                return Err(error);
            }
        }
        Ok(self)
    }

    /// That the values of its bind were accepted is not handed out, as [`Reply::Bound`](crate::Reply::Bound): for whom the execution's own
    /// answer tells as much.
    pub fn silent_bind(&mut self) -> &mut Self {
        if self.error.is_none()
            && let Some(round) = &self.round
        {
            let (bind, _) = round.entries;
            self.connection.parts().queue.silence_one(bind);
        }
        self
    }

    /// True when something is executed more than once.
    pub(super) fn is_repeated(&self) -> bool {
        self.round.is_some_and(|round| round.end.is_some())
    }
}

/// What was written from `start` on will be answered like the round that it repeats.
fn owe_again(connection: &mut Connection, op: OpId, round: &Round, start: u64) {
    let parts = connection.parts();
    // Everything behind the values is the same.
    let moved = round.end.map_or(0, |(_, end)| parts.send.end() - end);
    let (first, behind) = round.entries;
    for index in first..behind {
        let Some(owed) = parts.queue.get(index) else {
            return;
        };
        let is_bind = index == first;
        let from = if is_bind {
            start
        } else {
            owed.place.start + moved
        };
        let again = Owed {
            silent: is_bind,
            may_copy: owed.may_copy,
            ..Owed::new(op, owed.expect, from..owed.place.end + moved)
        };
        parts.queue.push(again);
    }
}
