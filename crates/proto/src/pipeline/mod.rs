//! What the server still owes: once a connection is open this queue *is* its state.

pub(crate) mod batch;
pub(crate) mod expect;
pub(crate) mod fence;
pub(crate) mod owed;
pub(crate) mod queue;
