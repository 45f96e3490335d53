//! The connection: its facts, and what is done with the whole of it.

mod abandoned;
mod bound;
mod cache;
mod call;
mod cancelling;
mod copy;
mod cursor;
mod deadline;
mod describing;
mod drive;
mod events;
mod execute;
mod many;
mod notify;
mod protected;
mod queries;
mod repeated;
mod transactions;
mod type_info;
mod unsolicited;
#[cfg(feature = "tls")]
mod upgrade;

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use purepg_proto::{
    AuthMethod, Notice, OpId, Parameters, ProtocolVersion, Target, TransactionStatus,
};

use crate::cancel::Canceller;
use crate::columns::Columns;
use crate::config::{Protected, Settings};
use crate::error::Error;
use crate::inbox::Inbox;
use crate::route::Route;
use crate::runtime::{ByteStream, Endpoint, Runtime};
use crate::shared::{Facts, State};
use crate::statement::{Closing, Statement};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::types::Types;
use crate::wire::Wire;
use crate::written::Written;

pub(crate) use bound::Bound;
use cache::StatementCache;
pub(crate) use copy::CopyState;
pub(crate) use cursor::Cursor;
pub(crate) use describing::Describing;
pub use protected::ProtectedParameter;
pub(crate) use transactions::savepoint;
pub use type_info::TypeName;

/// So many bytes of a pipeline wait to be sent at the most before they are: what a socket takes at once, or somewhat less.
const ENOUGH_TO_SEND: usize = 64 * 1024;

/// A connection to a PostgreSQL server, over a stream `S`.
///
/// One query at a time: a query borrows the connection until it is over, so two at once do not compile. There is no background task:
/// bytes move while somebody waits for something.
///
/// # Cancel safety
///
/// A future or a stream of this type may be dropped at any moment, at no cost: the next call reads past what is left of it. What was
/// dropped before any byte of it was sent never happens; otherwise the server may still carry it out, once.
pub struct Connection<S> {
    core: purepg_proto::Connection,
    stream: Wire<S>,
    /// How its TLS was done, so that what cancels it goes the same way.
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    runtime: Arc<dyn Runtime<Stream = S>>,
    route: Route,
    link: drive::Link,
    inbox: Inbox,
    /// A parameter whose value makes the server's texts unreadable.
    violated: Option<Protected>,
    /// Where others read the facts, once the connection is shared.
    facts: Option<Arc<Facts>>,
    /// Statements that nobody needs any more, shared with their handles.
    closing: Arc<Closing>,
    /// Those that are still to be closed, and the operation that their Close rides with.
    to_close: VecDeque<String>,
    closes_in: Option<OpId>,
    /// A name that the server is being told, and that is nobody's before it has answered.
    naming: Option<String>,
    transactions: transactions::Transactions,
    statements: StatementCache,
    repeated: repeated::Repeated,
    deadline: deadline::Deadline,
    /// What a call may take if it does not say so itself.
    query_timeout: Option<Duration>,
    /// Made when the first token is, or something has to be cancelled.
    canceller: OnceLock<Arc<Canceller>>,
    cancelling: cancelling::Cancelling,
    abandoned: abandoned::Abandoned,
    types: Types,
}

/// Facts.
impl<S> Connection<S> {
    /// True when the connection is open and nothing is under way. What an abandoned query left makes it false until the next call has
    /// read past it.
    pub fn is_ready(&self) -> bool {
        self.core.is_open() && self.core.in_flight() == 0 && self.is_caught_up()
    }

    /// True when the connection is ready, in no transaction, and nothing waits to be sent: fit to be handed to anybody.
    pub fn is_idle(&self) -> bool {
        self.core.is_idle() && self.is_caught_up() && !self.in_transaction()
    }

    /// True in a transaction block: one of [`begin`](Self::begin), although it is not written before the first statement, one that a
    /// statement has begun, a failed one.
    pub fn in_transaction(&self) -> bool {
        self.is_in_transaction()
    }

    /// Where the session stands.
    pub fn transaction_status(&self) -> TransactionStatus {
        self.core.transaction_status()
    }

    /// True once the connection has ended, for whatever reason: it cannot be used again.
    pub fn is_dead(&self) -> bool {
        self.core.is_dead()
    }

    /// A run-time parameter that the server reports, such as `server_version`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.core.parameter(name)
    }

    /// All run-time parameters that the server reports. It costs a reference count, and is a snapshot.
    pub fn parameters(&self) -> Parameters {
        self.core.parameters().clone()
    }

    /// The time zone of the session, as the server names it.
    pub fn server_timezone(&self) -> Option<&str> {
        self.core.parameter("TimeZone")
    }

    /// The server process behind this connection. Poolers may name none.
    pub fn process_id(&self) -> Option<i32> {
        self.core
            .cancel_key()
            .map(purepg_proto::CancelKey::process_id)
    }

    /// Where the connection leads.
    pub fn endpoint(&self) -> &Endpoint {
        self.route.endpoint()
    }

    /// True when what goes over the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.core.tls().is_some()
    }

    /// True when the server has proved over SCRAM that it is the one that TLS leads to: nobody stands in the middle.
    pub fn is_channel_bound(&self) -> bool {
        self.core.is_channel_bound()
    }

    /// How the server let us in.
    pub fn auth_method(&self) -> Option<AuthMethod> {
        self.core.auth_method()
    }

    /// The version of the protocol that is spoken.
    pub fn protocol_version(&self) -> ProtocolVersion {
        self.core.protocol_version()
    }

    /// The oldest notice or warning that nobody has taken, unless [`Config::on_notice`](crate::Config::on_notice) names who is told
    /// instead. At most 1,000 warnings wait, and 1,000 others, which drive no warning out; older ones are
    /// [dropped](Self::dropped_notices).
    pub fn take_notice(&mut self) -> Option<Notice> {
        self.inbox.take_notice()
    }

    /// How many notices and warnings were dropped because 1,000 waited already.
    pub fn dropped_notices(&self) -> u64 {
        self.inbox.dropped_notices()
    }
}

/// Facts for others.
impl<S> Connection<S> {
    pub(crate) fn state(&self) -> State {
        State {
            is_ready: self.is_ready(),
            is_idle: self.is_idle(),
            is_dead: self.is_dead(),
            in_transaction: self.in_transaction(),
            transaction_status: self.transaction_status(),
        }
    }

    pub(crate) fn set_facts(&mut self, facts: Option<Arc<Facts>>) {
        self.facts = facts;
    }

    /// Lets the others know where the connection stands.
    #[inline]
    pub(crate) fn publish(&self) {
        self.publish_running();
        if let Some(facts) = &self.facts {
            facts.set_state(self.state());
        }
    }
}

impl<S: ByteStream> Connection<S> {
    pub(crate) fn new(
        core: purepg_proto::Connection,
        stream: S,
        runtime: Arc<dyn Runtime<Stream = S>>,
        route: Route,
    ) -> Self {
        Self {
            core,
            stream: Wire::Plain(stream),
            #[cfg(feature = "tls")]
            tls: None,
            runtime,
            route,
            link: drive::Link::default(),
            inbox: Inbox::default(),
            violated: None,
            facts: None,
            closing: Arc::default(),
            to_close: VecDeque::new(),
            closes_in: None,
            naming: None,
            transactions: transactions::Transactions::default(),
            statements: StatementCache::off(),
            repeated: repeated::Repeated::default(),
            deadline: deadline::Deadline::default(),
            query_timeout: None,
            canceller: OnceLock::new(),
            cancelling: cancelling::Cancelling::default(),
            abandoned: abandoned::Abandoned::default(),
            types: Types::default(),
        }
    }

    pub(crate) fn configure(&mut self, settings: &Settings) {
        self.inbox.set_handler(settings.on_notice().cloned());
        self.statements = StatementCache::new(settings);
        self.query_timeout = settings.query_timeout();
        self.abandoned = abandoned::Abandoned::new(settings.cancel_abandoned());
    }

    pub(crate) fn core_mut(&mut self) -> &mut purepg_proto::Connection {
        &mut self.core
    }

    /// True while operations are accepted, or will be once there is room.
    pub(crate) fn is_open(&self) -> bool {
        self.core.is_open()
    }

    /// True while no more of a pipeline is to be asked for: no operation is accepted, or enough waits to be sent. What is sent soon is held
    /// for a short time only, and the server has something to do meanwhile.
    pub(crate) fn is_full(&self) -> bool {
        self.core.is_full() || self.core.output().len() >= ENOUGH_TO_SEND
    }

    pub(crate) fn types(&self) -> &Types {
        &self.types
    }

    /// The columns of a result, as the server has just described them.
    pub(crate) fn columns(&mut self, described: Arc<purepg_proto::Columns>) -> Arc<Columns> {
        self.repeated.columns(described, &self.types)
    }

    fn closing(&self) -> &Arc<Closing> {
        &self.closing
    }

    pub(crate) fn runtime(&self) -> &Arc<dyn Runtime<Stream = S>> {
        &self.runtime
    }

    /// Asks the server whether it is there, and waits for its answer.
    ///
    /// # Errors
    /// What ended the connection, if it has ended.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.make_way().await?;
        self.check_transaction()?;
        let op = self.operation(|batch| {
            batch.sync();
        })?;
        self.finish(op, None).await
    }

    /// Forgets what the session was told: rolls back an open transaction, closes all cursors and prepared statements, gives up all
    /// channels, locks and temporary tables, and goes back to the parameters that it began with (`DISCARD ALL`).
    ///
    /// # Errors
    /// What the server objects to, and what ended the connection.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing; the session may be reset all the same. The transaction of a guard is rolled back in any case.
    pub async fn reset(&mut self) -> Result<(), Error> {
        self.make_way().await?;
        self.settle().await?;
        // A guard's transaction is over from here on, even if nothing of this is sent.
        self.drop_level(1);
        // It cannot be in one text with the other: DISCARD ALL does not run in a transaction.
        if self.in_transaction() {
            self.operation(|batch| {
                batch.query("ROLLBACK");
            })?;
        }
        let sql = "DISCARD ALL";
        let op = self.operation(|batch| {
            batch.query(sql);
        })?;
        self.statements.clear();
        self.finish(op, Some(&Written::as_sent(sql))).await
    }

    /// Closes a prepared statement on the server, and waits for that. Dropping its last handle does the same along the way.
    ///
    /// The handle goes with it, so that nobody runs it any more; another one prepares it again when it is used.
    ///
    /// ```compile_fail,E0382
    /// # use purepg_conn::{ByteStream, Connection, Error};
    /// # async fn closed<S: ByteStream>(conn: &mut Connection<S>) -> Result<(), Error> {
    /// let statement = conn.prepare("select 1").await?;
    /// conn.close_statement(statement).await?;
    /// conn.execute(&statement, ()).await?; // it was moved
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`UsageError::ForeignStatement`](crate::UsageError::ForeignStatement) for one of another connection, and what ended the connection.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing; the statement is closed all the same.
    pub async fn close_statement(&mut self, statement: Statement) -> Result<(), Error> {
        self.make_way().await?;
        let name = self.own(&statement)?.name().to_owned();
        let op = self.operation(|batch| {
            batch.close(Target::Statement(&name)).sync();
        })?;
        statement.went_stale();
        self.finish(op, None).await
    }

    /// Says good-bye and closes the stream. The answers to an abandoned query are not waited for, but what was sent of it in part is
    /// sent to its end first.
    ///
    /// # Errors
    /// [`Error::Io`] when the good-bye could not be said. The stream is closed all the same.
    ///
    /// # Cancel safety
    /// Dropping the future closes the stream without the good-bye.
    pub async fn close(mut self) -> Result<(), Error> {
        self.close_stream().await
    }

    pub(crate) async fn close_stream(&mut self) -> Result<(), Error> {
        self.abandon_all();
        self.set_deadline(None);
        self.core.terminate();
        poll_fn(|cx| self.poll_closed(cx)).await
    }
}

/// No secret: neither values nor the cancel key.
impl<S> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("endpoint", self.endpoint())
            .field("process_id", &self.process_id())
            .field("transaction_status", &self.core.transaction_status())
            .field("dead", &self.core.is_dead())
            .finish_non_exhaustive()
    }
}
