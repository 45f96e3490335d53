//! What a connection reports, one fact at a time.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::auth::{DeriveKey, OauthChallenge};
use crate::copy::CopyData;
use crate::error::ProtocolError;
use crate::message::backend::command_complete::CommandTag;
use crate::message::backend::copy_response::CopyResponse;
use crate::message::backend::notification::Notification;
use crate::message::backend::parameter_status::ParameterChange;
use crate::message::backend::response::{Notice, ServerError};
use crate::message::backend::row_description::Columns;
use crate::rows::RowBatch;
use crate::startup::AuthMethod;
use crate::{Oid, OpId};

/// One fact.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// On the way in.
    Startup(StartupEvent),
    /// An answer to an operation.
    Reply(OpId, Reply),
    /// What nobody asked for; it may come at any moment.
    Unsolicited(Unsolicited),
    /// The end. No event follows; the next call returns the sticky error.
    Closed(Closed),
}

/// A step of the start-up.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartupEvent {
    /// The stream has to become one of TLS: do the handshake, offering [`TlsFacts::ALPN`](crate::TlsFacts::ALPN), and call
    /// [`tls_established`](crate::Connection::tls_established). Nothing is read or sent before that, so the stream stands exactly where the
    /// handshake begins. Where the handshake fails, drop the connection.
    UpgradeToTls,
    /// The server wants a password by this method, which is acceptable, and it is to be asked for
    /// ([`Startup::password_on_demand`](crate::Startup::password_on_demand)): get it, and give it to
    /// [`password_given`](crate::Connection::password_given). Nothing goes on before that. Where there is none, drop the connection.
    PasswordNeeded(AuthMethod),
    /// The server wants a bearer token, and it is to be asked for
    /// ([`Startup::bearer_token_on_demand`](crate::Startup::bearer_token_on_demand)): get it, and give it to
    /// [`token_given`](crate::Connection::token_given). Nothing goes on before that. Where there is none, drop the connection.
    TokenNeeded,
    /// A key has to be derived from the password: run the job (it takes a while) and give the keys to
    /// [`key_derived`](crate::Connection::key_derived). Nothing goes on before that.
    DeriveKey(Box<DeriveKey>),
    /// The server does not accept the bearer token, or was told that there is none, and says where to get one. It ends the connection now.
    OauthChallenge(Box<OauthChallenge>),
    /// The connection is open: batches are accepted.
    Ready,
}

/// An answer to an operation, in the order of its messages, closed by exactly one [`Finished`](Self::Finished).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// The statement was parsed, and has its name from now on.
    Prepared,
    /// The portal was made.
    Bound,
    /// The types of the statement's parameters.
    Parameters(Box<[Oid]>),
    /// The columns of the rows that will follow, or would.
    Columns(Arc<Columns>),
    /// The statement returns no rows.
    NoData,
    /// Rows: as many as had arrived.
    Rows(RowBatch),
    /// The row limit was reached; the portal goes on with another execute.
    Suspended,
    /// Data of a `COPY FROM STDIN` is awaited: [`copy_data`](crate::Connection::copy_data) sends some,
    /// [`copy_finish`](crate::Connection::copy_finish) ends it.
    CopyIn(CopyResponse),
    /// Data of a `COPY TO STDOUT` follows.
    CopyOut(CopyResponse),
    /// A replication stream: data follows, and is awaited, until both sides have ended theirs.
    CopyBoth(CopyResponse),
    /// Data of a `COPY TO STDOUT`, or of a replication stream: as much as had arrived.
    CopyData(CopyData),
    /// The server's data is complete. In a replication stream that the client has ended, the rest of a transaction may still come.
    CopyDone,
    /// A statement is complete. Provisional until the operation's segment is: a deferred constraint may still fail.
    StatementComplete(CommandTag),
    /// A statement of no words was complete at once.
    EmptyQuery,
    /// A statement or portal was closed.
    ObjectClosed,
    /// The operation is over.
    Finished(Outcome),
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that it asked for was answered.
    Complete,
    /// The server reported an error for it.
    Failed(ServerError),
    /// The server did not look at it, since something before it in its segment had failed.
    Skipped,
    /// The connection ended first: nobody knows whether it happened.
    Lost,
}

/// What may come at any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsolicited {
    /// A warning or a notice.
    Notice(Notice),
    /// Somebody notified a channel that is listened to.
    Notification(Notification),
    /// A run-time parameter has another value.
    ParameterChanged(ParameterChange),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// As asked: [`terminate`](crate::Connection::terminate), then the end of the stream.
    Terminated,
    /// The server said so: its last words.
    Fatal(ServerError),
    /// The stream ended, or the peer broke the protocol, or a call left nobody knowing what was transferred.
    Protocol(ProtocolError),
}
