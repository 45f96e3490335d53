//! What the server owes for one message.

use alloc::sync::Arc;
use core::ops::Range;

use crate::OpId;
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
    /// What it answers is not handed out, but its failure is the operation's.
    pub(crate) silent: bool,
    /// With it the operation is over.
    pub(crate) last: bool,
    /// It may be a `COPY FROM STDIN` that nobody declared: until it is answered, the server may be waiting for data.
    pub(crate) may_copy: bool,
    /// A `CopyFail` stands behind it in the output already.
    pub(crate) copy_failed: bool,
    /// The columns of the rows to come, where they were known beforehand.
    pub(crate) columns: Option<Arc<Columns>>,
}

/// There may be some 100,000 of them.
const _: () = assert!(size_of::<Owed>() <= 64);

impl Owed {
    pub(crate) fn new(op: OpId, expect: Expect, place: Range<u64>) -> Self {
        Self {
            op,
            expect,
            place,
            muted: false,
            silent: false,
            last: false,
            may_copy: false,
            copy_failed: false,
            columns: None,
        }
    }
}

/// What is owed next.
#[derive(Clone, Copy)]
pub(crate) struct Due {
    pub(crate) expect: Expect,
    /// Nobody wants any data of it.
    pub(crate) muted: bool,
    /// The operation that hears what the answer is.
    pub(crate) heard: Option<OpId>,
}
