//! The messages of the protocol, one file for each or for a small family. They know no state.
//!
//! Source: the chapter "Message Formats" of PostgreSQL's manual.

pub(crate) mod backend;
pub(crate) mod frontend;
