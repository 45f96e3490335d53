//! What the tests of the core share: a [`driver`], and the [`scenarios`] that were recorded from a real server.

pub mod driver;
pub mod scenarios;
