//! The PostgreSQL protocol as a pure state machine: bytes in, bytes out, events out.
//!
//! There is no IO here, no clock, no randomness, no runtime and no thread. A [`Connection`] is lent bytes and gives events; what it
//! wants to send waits in a buffer. Whoever drives it, over whatever carries bytes, needs one short loop, which stands at the top of
//! [`Connection`]; `examples/in_memory.rs` is a first program without any IO, `examples/blocking.rs` one over `std::net`. A [`Tracer`]
//! beside it prints what travels.
//!
//! ```
//! use purepg_proto::{Connection, Limits, Nonce, Startup, Transport};
//!
//! let startup = Startup::new("postgres", Transport::UnixSocket);
//! let mut connection = Connection::new(startup, Nonce::from_entropy([7; 18]), Limits::default());
//! assert!(connection.wants_write(), "the StartupMessage waits to be sent");
//! let sent = connection.output().len();
//! connection.output_sent(sent);
//! connection.recv_bytes(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")?;
//! while let Some(event) = connection.next_event()? {
//!     println!("{event:?}");
//! }
//! assert!(connection.is_idle());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

extern crate alloc;

mod auth;
mod buffer;
mod connection;
mod copy;
mod error;
mod event;
mod limits;
mod message;
mod parameters;
mod pipeline;
mod rows;
mod sqlstate;
mod startup;
mod trace;
mod wire;

pub use auth::{BearerToken, DeriveKey, Nonce, OauthChallenge, Password, ScramError, ScramKeys};
pub use connection::Connection;
pub use copy::{CopyData, CopyDataIter, CopyEnd};
pub use error::{ProtocolError, ProtocolErrorKind, UsageError};
pub use event::{Closed, Event, Outcome, Reply, StartupEvent, Unsolicited};
pub use limits::Limits;
pub use message::backend::backend_key_data::CancelKey;
pub use message::backend::command_complete::CommandTag;
pub use message::backend::copy_response::CopyResponse;
pub use message::backend::negotiate_protocol_version::NegotiationError;
pub use message::backend::notification::Notification;
pub use message::backend::parameter_status::ParameterChange;
pub use message::backend::ready_for_query::TransactionStatus;
pub use message::backend::response::{Diagnostics, Notice, ServerError, Severity};
pub use message::backend::row_description::{Column, Columns};
pub use message::frontend::bind::BindValues;
pub use parameters::{Parameters, ParametersIter};
pub use pipeline::batch::{Batch, Bind, RowShape, Target};
pub use rows::{FieldError, Fields, Row, RowBatch, RowBatchIter, RowPlace, RowRef};
pub use sqlstate::{SqlState, SqlStateClass};
pub use startup::{
    AuthMethod, AuthMethods, AuthMethodsError, ChannelBinding, ProtocolVersion, Replication,
    Startup, TlsFacts, TlsRequest, Transport, UnknownProtocolVersion,
};
pub use trace::{TraceOptions, Tracer};

/// The number that stands for a type, a table, or another object of the catalogue.
pub type Oid = u32;

/// How a value is written: as people would, or as machines do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// As `psql` shows it.
    #[default]
    Text,
    /// The type's own binary representation.
    Binary,
}

/// One operation: what one [`Batch`] asked for. Numbers grow, and are never used again. Each connection counts by itself: to another one
/// the same number is another operation, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(u64);
