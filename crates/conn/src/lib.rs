//! An async PostgreSQL connection over any `AsyncRead` and `AsyncWrite`.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
