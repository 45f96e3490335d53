//! The PostgreSQL protocol as a pure state machine: bytes in, bytes out, events out.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
