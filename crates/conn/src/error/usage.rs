//! What callers get wrong.

use thiserror::Error as ThisError;

/// What a caller got wrong.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum UsageError {
    /// The core refuses it.
    #[error(transparent)]
    Core(#[from] purepg_proto::UsageError),
    /// Another number of parameters than the statement has.
    #[error("the statement takes {}, not {given}", counted(*expected, "parameter"))]
    ParameterCount {
        /// Parameters of the statement.
        expected: usize,
        /// Parameters given.
        given: usize,
    },
    /// Parameters by name for a prepared statement, which has numbers only.
    #[error("a prepared statement takes its parameters by position, not by name")]
    NamesForPrepared,
    /// Parameters by name for a statement that has numbers.
    #[error("the statement has {number}, and its parameters are given by name: use either")]
    MixedParameters {
        /// The first number in it, such as `$1`.
        number: Box<str>,
    },
    /// The statement names other parameters than were given.
    #[error("{}", mismatch(missing, superfluous))]
    ParameterNames {
        /// Those that it names, and that were not given.
        missing: Box<[Box<str>]>,
        /// Those that were given, and that it does not name.
        superfluous: Box<[Box<str>]>,
    },
    /// Two parameters of one name.
    #[error("the parameter :{} is given twice", name.escape_debug())]
    RepeatedParameter {
        /// The name.
        name: Box<str>,
    },
    /// A type that does not exist.
    #[error("there is no type {}", name.escape_debug())]
    UnknownType {
        /// The oid or the name that it was asked for by.
        name: Box<str>,
    },
    /// A statement that another connection prepared.
    #[error("the statement was prepared on another connection")]
    ForeignStatement,
    /// The server gave no key to cancel with, as some poolers and other servers do.
    #[error("this server cannot be asked to cancel: it gave no key for that")]
    CannotCancel,
    /// A query with a time of its own in a pipeline, which has one time for all of them.
    #[error("a query in a pipeline has no timeout of its own: the pipeline has one for all")]
    TimeoutInPipeline,
    /// A transaction that a text such as `COMMIT` has ended already.
    #[error("the transaction is over: a statement has ended it")]
    TransactionOver,
    /// A transaction within one that a text such as `BEGIN` has begun.
    #[error("a statement has begun a transaction, so none can be begun here")]
    TransactionOpen,
    /// An isolation level and the like for a savepoint: these are the transaction's.
    #[error("a savepoint has no isolation level and is not read only or deferrable by itself")]
    SavepointOptions,
    /// A name that no channel can have, or that the server would cut off.
    #[error("no channel can be named so: {reason}")]
    ChannelName {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A `COPY` where rows were expected.
    #[error("COPY TO STDOUT gives data, not rows")]
    CopyOut,
    /// Data for a statement that takes none.
    #[error("there is no COPY FROM STDIN in the statement: it takes no data")]
    NotCopyIn,
    /// Data wanted from a statement that gives none.
    #[error("there is no COPY TO STDOUT in the statement: it gives no data")]
    NotCopyOut,
    /// More than one COPY in one text.
    #[error("the text holds a second COPY: only one at a time")]
    SecondCopy,
    /// Data, or the end of it, for a COPY that is over.
    #[error("the COPY is over: it takes no more data")]
    CopyOver,
    /// A large piece of data was given up when a part of it had been sent, so that the rest is missing.
    #[error("a piece of the COPY's data was given up half-way: it cannot be completed")]
    CopyTorn,
    /// A COPY among queries that do not wait for each other: its data has no place there.
    #[error("a COPY over the connection cannot be in a pipeline: use `copy_in` or `copy_out`")]
    CopyInPipeline,
    /// Rows for, or from, a COPY that is not in the binary format.
    #[error("rows need a COPY in the binary format: `with (format binary)`")]
    CopyNotBinary,
    /// Another number of values, or of types, than the rows of the COPY have columns.
    #[error("the rows of the COPY have {}, not {given}", counted(*expected, "column"))]
    CopyColumns {
        /// Columns of the COPY.
        expected: usize,
        /// Values or types given.
        given: usize,
    },
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The most names of one kind that are shown.
const SHOWN: usize = 10;

fn mismatch(missing: &[Box<str>], superfluous: &[Box<str>]) -> String {
    let list = |names: &[Box<str>]| {
        let shown = names.iter().take(SHOWN);
        let mut list: Vec<_> = shown
            .map(|name| format!(":{}", name.escape_debug()))
            .collect();
        if let Some(more) = names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            list.push(format!("{more} more"));
        }
        list.join(", ")
    };
    match (missing, superfluous) {
        (missing, []) => format!("no value is given for {}", list(missing)),
        ([], superfluous) => format!("the statement has no {}", list(superfluous)),
        (missing, superfluous) => format!(
            "no value is given for {}; the statement has no {}",
            list(missing),
            list(superfluous)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_told_as_many() {
        let error = |expected| UsageError::ParameterCount { expected, given: 2 }.to_string();
        assert_eq!(error(1), "the statement takes 1 parameter, not 2");
        assert_eq!(error(0), "the statement takes 0 parameters, not 2");
        let error = |expected| UsageError::CopyColumns { expected, given: 2 }.to_string();
        assert_eq!(error(1), "the rows of the COPY have 1 column, not 2");
        assert_eq!(error(3), "the rows of the COPY have 3 columns, not 2");
    }
}
