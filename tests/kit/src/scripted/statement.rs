//! The few statements that a scripted server knows.

use super::transaction::Fault;
use crate::backend;

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Nothing: there is no statement.
    Empty,
    /// It returns rows.
    Rows {
        /// Name and type of each column.
        columns: Vec<(String, u32)>,
        /// The values as text; `None` is NULL. Those of `int4` are also sent in binary, if the client asks for it.
        rows: Vec<Vec<Option<String>>>,
        /// Behind the rows it fails.
        fails: bool,
    },
    /// It returns its first parameter, a text.
    Echo,
    /// It has an effect, which counts once it is committed.
    Effect {
        /// The command tag.
        tag: String,
        /// The commit fails, as with a deferred constraint.
        commit_fails: bool,
    },
    /// It does nothing, with this command tag.
    Command(String),
    /// It fails when it is run, with this SQLSTATE.
    Fail(String),
    /// `BEGIN`.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// `SAVEPOINT`, with its name.
    Savepoint(String),
    /// `RELEASE`, with its name.
    Release(String),
    /// `ROLLBACK TO`, with its name.
    RollbackTo(String),
    /// `COPY TO STDOUT`: the chunks.
    CopyOut(Vec<Vec<u8>>),
    /// `COPY FROM STDIN`: each chunk is a row.
    CopyIn,
    /// `COPY FROM STDIN` that fails when it has asked for data, and before it reads any: as into a view.
    CopyInRefused,
    /// A replication stream: its messages, and whether the server ends its side behind them.
    CopyBoth(Vec<Vec<u8>>, bool),
    /// It raises a notice of this text.
    Notice(String),
    /// It notifies a channel.
    Notify {
        /// The channel.
        channel: String,
        /// What is said.
        payload: String,
    },
    /// It sets a parameter that the server reports.
    Set {
        /// The parameter.
        name: String,
        /// Its value.
        value: String,
    },
    /// It runs until the test says otherwise.
    Hang,
    /// The session ends with FATAL.
    Fatal,
    /// The session ends without a word.
    Die,
}

const INT4: u32 = 23;
const TEXT: u32 = 25;

impl Statement {
    /// The statements that every scripted server knows; `None` is a syntax error.
    ///
    /// | text | what it does |
    /// | --- | --- |
    /// | `select 7` | one row, one column `?column?` |
    /// | `select $1…` | one row, one column: its parameter, a text |
    /// | `rows 7` | so many rows of an `int4` `n` and a `text` `t` |
    /// | `rows 7 fail` | the same, then an error |
    /// | `insert …`, `update …`, `delete …`, `create …` | an effect |
    /// | `insert … deferred` | an effect whose commit fails |
    /// | `fail`, `fail 12345` | an error, with that SQLSTATE |
    /// | `begin …`, `commit`, `rollback`, `savepoint x`, `release x`, `rollback to x` | what they say |
    /// | `copy out 7`, `copy in` | `COPY` of so many chunks, and of as many as come |
    /// | `copy in refused` | a `COPY FROM STDIN` that fails before it reads anything |
    /// | `start_replication 7`, `start_replication 7 end` | a stream of so many messages, which the server ends or not |
    /// | `notice …`, `notify c p`, `set n v`, `hang`, `fatal`, `die` | see [`Statement`] |
    pub fn parse(sql: &str) -> Option<Self> {
        let lower = sql.trim().trim_end_matches(';').to_ascii_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        Some(match words[..] {
            [] => Self::Empty,
            ["select", parameter] if parameter.starts_with("$1") => Self::Echo,
            ["select", number] => {
                let value = number.parse::<i32>().ok()?;
                Self::Rows {
                    columns: vec![("?column?".to_owned(), INT4)],
                    rows: vec![vec![Some(value.to_string())]],
                    fails: false,
                }
            }
            ["rows", count] => Self::rows(count.parse().ok()?, false),
            ["rows", count, "fail"] => Self::rows(count.parse().ok()?, true),
            ["insert", .., "deferred"] => Self::effect("INSERT 0 1", true),
            ["insert", ..] => Self::effect("INSERT 0 1", false),
            ["update", ..] => Self::effect("UPDATE 1", false),
            ["delete", ..] => Self::effect("DELETE 1", false),
            ["create", ..] => Self::effect("CREATE TABLE", false),
            ["fail"] => Self::Fail("22012".to_owned()),
            ["fail", sqlstate] => Self::Fail(sqlstate.to_ascii_uppercase()),
            ["begin", ..] | ["start", "transaction", ..] => Self::Begin,
            ["commit" | "end"] => Self::Commit,
            ["rollback", "to", "savepoint", name] | ["rollback", "to", name] => {
                Self::RollbackTo(name.to_owned())
            }
            ["rollback" | "abort"] => Self::Rollback,
            ["savepoint", name] => Self::Savepoint(name.to_owned()),
            ["release", "savepoint", name] | ["release", name] => Self::Release(name.to_owned()),
            ["copy", "out", count] => {
                let chunks = 0..count.parse::<usize>().ok()?;
                Self::CopyOut(chunks.map(|i| format!("{i}\n").into_bytes()).collect())
            }
            ["copy", "in"] => Self::CopyIn,
            ["copy", "in", "refused"] => Self::CopyInRefused,
            ["start_replication", count] => Self::stream(count.parse().ok()?, false),
            ["start_replication", count, "end"] => Self::stream(count.parse().ok()?, true),
            ["notice", ..] => Self::Notice(words[1..].join(" ")),
            ["notify", channel, payload] => Self::Notify {
                channel: channel.to_owned(),
                payload: payload.to_owned(),
            },
            ["set", name, value] => Self::Set {
                name: name.to_owned(),
                value: value.to_owned(),
            },
            ["hang"] => Self::Hang,
            ["fatal"] => Self::Fatal,
            ["die"] => Self::Die,
            _ => return None,
        })
    }

    /// So many rows of a number and a text.
    pub fn rows(count: usize, fails: bool) -> Self {
        let row = |n: usize| vec![Some(n.to_string()), Some(format!("row {n}"))];
        Self::Rows {
            columns: vec![("n".to_owned(), INT4), ("t".to_owned(), TEXT)],
            rows: (1..=count).map(row).collect(),
            fails,
        }
    }

    fn stream(count: usize, ends: bool) -> Self {
        let messages = (1..=count).map(|n| format!("w{n}").into_bytes());
        Self::CopyBoth(messages.collect(), ends)
    }

    fn effect(tag: &str, commit_fails: bool) -> Self {
        Self::Effect {
            tag: tag.to_owned(),
            commit_fails,
        }
    }

    /// Its columns; `None` when it returns no rows.
    pub(super) fn columns(&self) -> Option<Vec<(&str, u32)>> {
        match self {
            Self::Rows { columns, .. } => {
                Some(columns.iter().map(|(name, oid)| (&**name, *oid)).collect())
            }
            Self::Echo => Some(vec![("echo", TEXT)]),
            _ => None,
        }
    }

    /// True for what runs in a transaction that has failed.
    pub(super) fn leaves_failure(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback | Self::RollbackTo(_))
    }
}

/// The type of parameters that nobody named.
pub(super) const UNKNOWN_PARAMETER: u32 = TEXT;

/// What is wrong with a statement behind its rows.
pub(super) fn fails_behind_rows(statement: &Statement) -> Result<(), Fault> {
    match statement {
        Statement::Rows { fails: true, .. } => Err(Fault::new("22012", "division by zero")),
        _ => Ok(()),
    }
}

/// The rows of a statement that has been given these parameters.
pub(super) fn rows(statement: &Statement, values: &[Option<Vec<u8>>]) -> Vec<Vec<Option<String>>> {
    match statement {
        Statement::Rows { rows, .. } => rows.clone(),
        Statement::Echo => {
            let value = values.first().and_then(Option::as_ref);
            let text = value.map(|value| String::from_utf8_lossy(value).into_owned());
            vec![vec![text]]
        }
        _ => Vec::new(),
    }
}

pub(super) fn describe_columns(columns: &[(&str, u32)], formats: &[i16]) -> Vec<u8> {
    let described = columns.iter().enumerate();
    let described: Vec<(&str, u32, i16)> = described
        .map(|(i, (name, oid))| (*name, *oid, format_of(formats, i)))
        .collect();
    backend::row_description(&described)
}

pub(super) fn encode_row(
    statement: &Statement,
    row: &[Option<String>],
    formats: &[i16],
) -> Vec<u8> {
    let columns = statement.columns().unwrap_or_default();
    let values = row.iter().zip(columns).enumerate();
    let values: Vec<Option<Vec<u8>>> = values
        .map(|(i, (value, (_, oid)))| {
            let value = value.as_ref()?;
            Some(encode(value, oid, format_of(formats, i)))
        })
        .collect();
    backend::data_row(&values)
}

fn format_of(formats: &[i16], column: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(column).copied().unwrap_or(0),
    }
}

/// A value in the format that was asked for.
fn encode(value: &str, type_oid: u32, format: i16) -> Vec<u8> {
    match (type_oid, format) {
        (INT4, 1) => value.parse::<i32>().unwrap_or(0).to_be_bytes().to_vec(),
        _ => value.as_bytes().to_vec(),
    }
}
