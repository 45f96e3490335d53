//! An async PostgreSQL connection over any `AsyncRead` and `AsyncWrite`.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "only a server's error shows one")
)]
mod caret;
mod config;

pub use config::{
    Address, AuthMethod, AuthMethods, Config, ConfigError, ProtocolVersion, Settings, SslMode,
};
