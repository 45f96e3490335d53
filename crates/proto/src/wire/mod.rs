//! Bytes to integers and strings, and back: bounded, and ignorant of every message.

pub(crate) mod frame;
pub(crate) mod reader;
pub(crate) mod writer;
