//! An async PostgreSQL connection over any `AsyncRead` and `AsyncWrite`.
//!
//! This is the driver that the adapters for tokio and async-std share. Applications use one of these: `purepg-conn-tokio` or
//! `purepg-conn-async-std`, which export everything here under the same names. This crate itself is for those who bring a runtime of
//! their own: implement [`Runtime`] and call [`connect`].

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod cancel;
mod caret;
mod columns;
mod config;
mod connect;
mod connection;
mod copy;
mod credentials;
mod enter;
mod error;
mod inbox;
mod message;
mod named;
mod notifications;
mod password;
mod pipeline;
mod plans;
mod query;
mod route;
mod row;
mod runtime;
mod security;
mod shared;
mod sockets;
mod statement;
mod stream;
mod timer;
#[cfg(feature = "tls")]
mod tls;
mod transaction;
mod types;
mod wire;
mod written;

pub use cancel::CancelToken;
#[doc(hidden)]
pub use config::comparing;
pub use config::{
    Address, Config, ConfigError, ConnectionString, Environment, Host, LoadBalanceHosts, Settings,
    SocketOptions, SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs, TlsVersion, Warning,
};
pub use connect::{ConnectAttempt, ConnectError, connect};
pub use connection::{Connection, ProtectedParameter, TypeName};
pub use copy::{CopyIn, CopyInRows, CopyOut, CopyOutRows, CopyRow, text as copy_text};
pub use credentials::{CredentialsError, PasswordRequest, TokenRequest};
pub use error::{DatabaseError, Error, UsageError};
/// The library that does TLS, for a [configuration](Config::tls_client_config) of one's own.
#[cfg(feature = "tls")]
pub use futures_rustls::rustls;
pub use message::{Message, MessageStream, RowColumns};
pub use notifications::Notifications;
pub use pipeline::{Pipeline, PipelineResults, QueryOutcome};
pub use purepg_derive::{FromRow, FromSql, ToSql};
pub use purepg_proto::{
    AuthMethod, AuthMethods, AuthMethodsError, ChannelBinding, CommandTag, CopyData, CopyDataIter,
    Diagnostics, Limits, Notice, Notification, Parameters, ParametersIter, Password, ProtocolError,
    ProtocolErrorKind, ProtocolVersion, ServerError, Severity, SqlState, SqlStateClass,
    TransactionStatus, UnknownProtocolVersion,
};
#[doc(hidden)]
pub use purepg_types::__private;
#[cfg(feature = "postgres-types")]
pub use purepg_types::Compat;
#[cfg(feature = "serde_json")]
pub use purepg_types::Json;
pub use purepg_types::{
    Array, BitString, BoxError, Cidr, Column, Composite, CompositeField, CompositeFields,
    CompositeReader, Converter, Date, DecodeError, DecodeErrorKind, Dimension, EncodeError,
    EncodeErrorKind, Field, Fields, Format, FromRow, FromSql, FromSqlOwned, Inet, Interval, IsNull,
    Kind, MacAddr, MacAddr8, Multirange, NamedParams, Numeric, Oid, Params, PgLsn, Plan, Range,
    Snapshot, Tid, Time, TimeTz, Timestamp, TimestampTz, ToSql, Type, TypeField, Value, ValueError,
    geometry, params,
};
pub use query::{IntoQuery, Query};
pub use row::{Row, RowBatch, RowBatchIter, RowIndex, RowRef};
pub use runtime::{BoxFuture, ByteStream, Endpoint, Runtime};
pub use shared::{ConnectionGuard, SharedConnection, SharedNotifications};
#[cfg(unix)]
pub use sockets::peer_uid;
pub use statement::Statement;
pub use stream::RowStream;
#[cfg(feature = "tls")]
pub use tls::TlsError;
pub use transaction::{IsolationLevel, Transaction, TransactionBuilder};

/// For the fuzz targets, and for nobody else.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::copy::fuzzing::*;
    pub use crate::named::fuzzing::*;
}
