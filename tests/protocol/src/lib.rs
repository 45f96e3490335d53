//! What the tests of the core share: the [`scenarios`] that were recorded from a real server.

pub mod scenarios;
