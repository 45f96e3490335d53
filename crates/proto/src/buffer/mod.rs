//! The two byte queues of a connection. They know no messages.

pub(crate) mod receive;
pub(crate) mod send;
