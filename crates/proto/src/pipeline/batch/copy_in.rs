//! An operation that is a `COPY FROM STDIN`.

use crate::error::UsageError;
use crate::pipeline::batch::Batch;
use crate::pipeline::fence::Fence;

impl Batch<'_> {
    /// Declares that the query, or the execute, that was written last is a `COPY FROM STDIN`, and ends the operation: nothing follows in
    /// this batch, and the sync that an execute needs is added here.
    ///
    /// When the server asks for the data, with [`Reply::CopyIn`](crate::Reply::CopyIn), it is sent with
    /// [`copy_data`](crate::Connection::copy_data), and ended with [`copy_finish`](crate::Connection::copy_finish). What is committed behind the
    /// operation waits in the output until that is over, and is not shown before: anything but the data would end the session. A statement
    /// that turns out to be another is answered like any other. A query of several statements may hold several such COPYs.
    ///
    /// A COPY that nobody declared fails: the core refuses to send data for it.
    pub fn copy_in(&mut self) -> &mut Self {
        if self.error.is_some() {
            return self;
        }
        if self.fence.is_some_and(|fence| fence.declared) {
            self.error = Some(UsageError::SecondOperation { message: "copy_in" });
        } else if self.seen.sync {
            self.error = Some(UsageError::BehindTheEnd { message: "copy_in" });
        } else if self.seen.query {
            self.connection.parts().queue.may_copy(false);
            self.raise_fence(true);
        } else if self.seen.execute
            && (!self.connection.parts().queue.ends_with_execute() || self.is_repeated())
        {
            // To a server that waits for data it would be the end of the session.
            self.error = Some(UsageError::BehindTheCopy);
        } else if self.seen.execute {
            // Nothing else makes the server show an answer that is not the one to a COPY; in a COPY it pays no attention.
            self.flush().raise_fence(true);
            self.connection.parts().queue.may_copy(false);
            self.sync();
        } else {
            self.error = Some(UsageError::NothingToCopy);
        }
        self
    }

    /// What comes from here on is shown once the operation is over.
    pub(super) fn raise_fence(&mut self, declared: bool) {
        let place = self.connection.parts().send.end();
        self.fence = Some(Fence {
            op: self.op,
            place,
            declared,
        });
    }
}

/// True for every text with a COPY statement in it, and for some others.
pub(super) fn speaks_of_copy(sql: &str) -> bool {
    sql.as_bytes()
        .windows(4)
        .any(|word| word.eq_ignore_ascii_case(b"copy"))
}
