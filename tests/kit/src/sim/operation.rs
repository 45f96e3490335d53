//! What a client may ask a model server for.

use purepg_proto::{Batch, Bind, RowShape, Target, UsageError};

/// An operation, in the words of [`Statement::parse`](crate::scripted::Statement::parse). The text `insert` stands for one that is marked
/// with the operation's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A text through the simple protocol.
    Query(&'static str),
    /// Parse, bind, describe and execute of the unnamed statement.
    Extended {
        /// The text.
        sql: &'static str,
        /// At most so many rows.
        max_rows: Option<u32>,
        /// What stands behind it.
        end: End,
    },
    /// The same with more executions behind the first.
    Again {
        /// The text.
        sql: &'static str,
        /// How many more.
        more: usize,
        /// What stands behind them.
        end: End,
    },
    /// The same with a command before it, and a sync.
    Led(&'static str, &'static str),
    /// Parse and describe of the statement `s`, and a flush.
    Prepare(&'static str),
    /// Closes of the statement `s` and the portal `p`, and a sync.
    Close,
    /// A sync and nothing else.
    Sync,
    /// A text that is declared to be a `COPY FROM STDIN`, through the simple protocol or the extended one.
    Copy {
        /// The text.
        sql: &'static str,
        /// Through the extended one.
        extended: bool,
    },
}

/// What stands behind an [`Operation::Extended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing: others follow in the same segment.
    Nothing,
    /// A flush.
    Flush,
    /// A sync.
    Sync,
}

impl End {
    fn write(self, batch: &mut Batch<'_>) {
        match self {
            Self::Nothing => batch,
            Self::Flush => batch.flush(),
            Self::Sync => batch.sync(),
        };
    }
}

/// Texts of one statement each that leave no transaction behind.
pub const HARMLESS: &[&str] = &[
    "",
    "select 1",
    "rows 3",
    "rows 2 fail",
    "fail",
    "nonsense",
    "copy out 2",
    "notice x",
    "set a b",
    "notify c p",
    "insert 1 deferred",
];

/// Texts about transaction blocks.
pub const BLOCKS: &[&str] = &[
    "begin",
    "commit",
    "rollback",
    "savepoint s",
    "rollback to s",
];

/// Texts of several statements.
pub const SEVERAL: &[&str] = &[
    "select 1; fail; select 2",
    "rows 1; insert x; select 1",
    "copy out 1; nonsense",
];

/// Texts with a `COPY FROM STDIN`.
pub const COPIES: &[&str] = &["copy in", "select 1; copy in; select 1"];

/// Commands that may lead an operation.
pub const COMMANDS: &[&str] = &["set a b", "notice x", "fail"];

/// Texts of a replication connection, with the streams that they begin.
pub const STREAMS: &[&str] = &[
    "start_replication 0",
    "start_replication 2",
    "start_replication 2 end",
];

/// Texts that end the session.
pub const ENDS: &[&str] = &["fatal", "die"];

impl Operation {
    /// Writes it. `number` is that of the operation.
    ///
    /// # Panics
    /// Never: there are no values that could not be written.
    pub fn write(&self, batch: &mut Batch<'_>, number: usize) {
        match self {
            Self::Query(sql) => {
                batch.query(&text(sql, number));
            }
            Self::Extended { sql, max_rows, end } => {
                execute(batch, &text(sql, number), *max_rows);
                end.write(batch);
            }
            Self::Again { sql, more, end } => {
                execute(batch, &text(sql, number), None);
                for _ in 0..*more {
                    let again: Result<_, UsageError> = batch.again(|_| Ok(()));
                    again.expect("nothing here fails");
                }
                end.write(batch);
            }
            Self::Led(command, sql) => {
                batch.prelude(command);
                execute(batch, &text(sql, number), None);
                batch.sync();
            }
            Self::Prepare(sql) => {
                batch
                    .parse("s", sql, &[])
                    .describe(Target::Statement("s"))
                    .flush();
            }
            Self::Close => {
                batch
                    .close(Target::Statement("s"))
                    .close(Target::Portal("p"))
                    .sync();
            }
            Self::Sync => {
                batch.sync();
            }
            Self::Copy { sql, extended } => {
                if *extended {
                    execute(batch, sql, None);
                } else {
                    batch.query(sql);
                }
                batch.copy_in();
            }
        }
    }

    /// True when the fate of an insert is known once its operation is over.
    pub fn settles(&self) -> bool {
        match self {
            Self::Query(sql) => *sql == "insert",
            Self::Extended { sql, max_rows, end } => {
                *sql == "insert" && max_rows.is_none() && *end == End::Sync
            }
            Self::Again { sql, end, .. } => *sql == "insert" && *end == End::Sync,
            Self::Led(_, sql) => *sql == "insert",
            _ => false,
        }
    }

    /// How often its text is executed.
    pub fn executions(&self) -> usize {
        match self {
            Self::Again { more, .. } => 1 + more,
            _ => 1,
        }
    }
}

/// What an insert of this operation is called.
pub fn insert(number: usize) -> String {
    format!("insert #{number}")
}

fn text(sql: &str, number: usize) -> String {
    if sql == "insert" {
        insert(number)
    } else {
        sql.to_owned()
    }
}

fn execute(batch: &mut Batch<'_>, sql: &str, max_rows: Option<u32>) {
    batch.parse("", sql, &[]);
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .expect("nothing here fails")
        .describe(Target::Portal(""))
        .execute("", max_rows, RowShape::Described);
}
