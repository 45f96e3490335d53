//! PostgreSQL client for tokio, on purepg's sans-IO core.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
