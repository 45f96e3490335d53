//! Transactions: guards that roll back when they are dropped.

use std::fmt;
use std::ops::{Deref, DerefMut};

use purepg_proto::TransactionStatus;

use crate::connection::{Connection, savepoint};
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;

/// A transaction, or a savepoint in one: it is the connection, until it is committed or rolled back.
///
/// Nothing is written for its beginning: `BEGIN` rides with the first statement, and its failure is reported there. Dropped, it is rolled
/// back: the `ROLLBACK` goes in front of whatever the connection does next.
///
/// # Cancel safety
/// Everything in it may be dropped at any moment. If the future of [`commit`](Self::commit) is dropped after `COMMIT` was sent, the server may
/// commit, and nobody hears of it; before that the transaction is rolled back. A guard that is leaked (`mem::forget`) leaves the
/// transaction open, and [`Connection::in_transaction`] says so; [`Connection::reset`] ends it.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction<'c, S> {
    connection: &'c mut Connection<S>,
    /// How many blocks deep it is, from 1.
    depth: usize,
}

/// How a transaction is to be; [`begin`](Self::begin) begins it. What is not said is the server's default.
#[must_use = "it does nothing until it is begun"]
pub struct TransactionBuilder<'c, S> {
    connection: &'c mut Connection<S>,
    options: Options,
}

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    isolation: Option<IsolationLevel>,
    read_only: Option<bool>,
    deferrable: Option<bool>,
}

/// What a transaction sees of others: the manual's chapter "Transaction Isolation".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsolationLevel {
    /// The same as [`ReadCommitted`](Self::ReadCommitted) in PostgreSQL.
    ReadUncommitted,
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first one.
    RepeatableRead,
    /// The same, and the transactions that are committed could have run one after the other.
    Serializable,
}

impl<S: ByteStream> Connection<S> {
    /// Begins a transaction; in a [`Transaction`], a savepoint.
    ///
    /// # Errors
    /// [`UsageError::TransactionOpen`] when a statement such as `BEGIN` has begun one that no guard knows of, and what ended the
    /// connection, if it has ended. The server's objections come with the first statement.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing.
    pub async fn begin(&mut self) -> Result<Transaction<'_, S>, Error> {
        self.begin_with(Options::default()).await
    }

    /// A transaction with an isolation level, read only, deferrable.
    pub fn transaction(&mut self) -> TransactionBuilder<'_, S> {
        TransactionBuilder {
            connection: self,
            options: Options::default(),
        }
    }

    /// Runs `work` in a transaction, or in a savepoint of the one that is open: committed if it succeeds, rolled back if it fails, panics, or is
    /// dropped.
    ///
    /// The future is `Send` if that of `work` is; where the compiler cannot see that, use [`begin`](Self::begin).
    ///
    /// # Errors
    /// That of `work`, and those of [`begin`](Self::begin) and [`Transaction::commit`].
    ///
    /// # Cancel safety
    /// Dropping the future rolls back what was not committed, as [`Transaction`] says.
    pub async fn with_transaction<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Transaction<'_, S>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.try_transaction(work).await
    }

    /// The same for work that has errors of its own.
    ///
    /// # Errors
    /// As [`with_transaction`](Self::with_transaction).
    ///
    /// # Cancel safety
    /// As [`with_transaction`](Self::with_transaction).
    pub async fn try_transaction<T, E: From<Error>>(
        &mut self,
        work: impl AsyncFnOnce(&mut Transaction<'_, S>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transaction = self.begin().await?;
        let result = work(&mut transaction).await;
        transaction.complete(result).await
    }

    async fn begin_with(&mut self, options: Options) -> Result<Transaction<'_, S>, Error> {
        self.make_way().await?;
        let depth = self.depth() + 1;
        let sql = if depth == 1 {
            // Facts, not what an abandoned statement leaves.
            self.settle().await?;
            if self.transaction_status() != TransactionStatus::Idle && self.is_caught_up() {
                return Err(UsageError::TransactionOpen.into());
            }
            options.to_string()
        } else {
            savepoint(depth)
        };
        let depth = self.push_level(sql);
        Ok(Transaction {
            connection: self,
            depth,
        })
    }
}

impl<S: ByteStream> Transaction<'_, S> {
    /// Commits the transaction, or releases the savepoint. One that nothing was done in costs nothing.
    ///
    /// # Errors
    /// [`Error::Database`] when the server cannot commit it, [`Error::RolledBack`] when it turned `COMMIT` into `ROLLBACK` since a statement had
    /// failed: in both cases nothing of it stays. [`Error::CommitUnknown`] when the connection ended while `COMMIT` was on its way.
    ///
    /// # Cancel safety
    /// See [`Transaction`].
    pub async fn commit(self) -> Result<(), Error> {
        self.connection.commit_level(self.depth).await
    }

    /// Rolls the transaction, or the savepoint, back.
    ///
    /// # Errors
    /// What ended the connection: nothing stays of the transaction then either.
    ///
    /// # Cancel safety
    /// Dropping the future rolls it back all the same.
    pub async fn rollback(self) -> Result<(), Error> {
        self.connection.rollback_level(self.depth).await
    }

    /// As its work has ended.
    async fn complete<T, E: From<Error>>(self, result: Result<T, E>) -> Result<T, E> {
        match result {
            Ok(done) => {
                self.commit().await?;
                Ok(done)
            }
            Err(error) => {
                // A server that does not even end a statement that ran out of time is not waited for: the next call does that.
                if !self.connection.has_overrun() {
                    // Why it failed says more than that it cannot even be rolled back.
                    let _ = self.rollback().await;
                }
                Err(error)
            }
        }
    }
}

impl<'c, S: ByteStream> TransactionBuilder<'c, S> {
    /// The isolation level.
    pub fn isolation(mut self, level: IsolationLevel) -> Self {
        self.options.isolation = Some(level);
        self
    }

    /// Whether it may only read.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.options.read_only = Some(read_only);
        self
    }

    /// Whether a serializable read-only transaction waits for a moment in which it cannot fail.
    pub fn deferrable(mut self, deferrable: bool) -> Self {
        self.options.deferrable = Some(deferrable);
        self
    }

    /// Begins it.
    ///
    /// # Errors
    /// As [`Connection::begin`]; and [`UsageError::SavepointOptions`] in a transaction, where it would be a savepoint.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing.
    pub async fn begin(self) -> Result<Transaction<'c, S>, Error> {
        if self.connection.depth() > 0 && self.options.are_given() {
            return Err(UsageError::SavepointOptions.into());
        }
        self.connection.begin_with(self.options).await
    }

    /// Runs `work` in such a transaction, and once more whenever it fails for reasons that lie in other transactions
    /// (`serialization_failure` 40001, `deadlock_detected` 40P01), up to `attempts` times in all.
    ///
    /// Where the future has to be `Send`, a closure that uses variables around it is refused by today's compilers, since it may be called more
    /// than once: make the loop with [`begin`](Self::begin) then.
    ///
    /// # Errors
    /// The last error of `work` or of the commit.
    ///
    /// # Cancel safety
    /// As [`Connection::with_transaction`].
    pub async fn retry<T>(
        self,
        attempts: u32,
        mut work: impl AsyncFnMut(&mut Transaction<'_, S>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Self {
            connection,
            options,
        } = self;
        let mut attempt = 1;
        loop {
            let this = TransactionBuilder {
                connection: &mut *connection,
                options,
            };
            let mut transaction = this.begin().await?;
            let result = work(&mut transaction).await;
            match transaction.complete(result).await {
                Err(error) if attempt < attempts && is_conflict(&error) => attempt += 1,
                result => return result,
            }
        }
    }
}

fn is_conflict(error: &Error) -> bool {
    matches!(error.sqlstate(), Some("40001" | "40P01"))
}

impl Options {
    fn are_given(self) -> bool {
        self.isolation.is_some() || self.read_only.is_some() || self.deferrable.is_some()
    }
}

/// The command that begins it.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BEGIN")?;
        if let Some(level) = self.isolation {
            write!(f, " ISOLATION LEVEL {level}")?;
        }
        match self.read_only {
            Some(true) => f.write_str(" READ ONLY")?,
            Some(false) => f.write_str(" READ WRITE")?,
            None => {}
        }
        match self.deferrable {
            Some(true) => f.write_str(" DEFERRABLE"),
            Some(false) => f.write_str(" NOT DEFERRABLE"),
            None => Ok(()),
        }
    }
}

/// As SQL has it.
impl fmt::Display for IsolationLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        })
    }
}

impl<S> Deref for Transaction<'_, S> {
    type Target = Connection<S>;

    fn deref(&self) -> &Connection<S> {
        self.connection
    }
}

impl<S> DerefMut for Transaction<'_, S> {
    fn deref_mut(&mut self) -> &mut Connection<S> {
        self.connection
    }
}

impl<S> Drop for Transaction<'_, S> {
    fn drop(&mut self) {
        self.connection.drop_level(self.depth);
    }
}

impl<S> fmt::Debug for Transaction<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for TransactionBuilder<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionBuilder")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
