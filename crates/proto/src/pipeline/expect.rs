//! The transition table: what may come while something is owed, and what it leaves owed.
//!
//! Everything that moves the state of an open connection stands here, and nothing else does. The table knows neither operations nor
//! bytes. Source: the chapter "Message Flow" of PostgreSQL's manual, and what servers were seen to do.

use crate::message::backend::tag::Tag;

/// What the server owes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Expect {
    /// Nothing: every message was answered.
    Nothing,
    /// The answer to `Parse`.
    Parse,
    /// The answer to `Bind`.
    Bind,
    /// The answer to `Close`.
    Close,
    /// The first answer to `Describe` of a statement.
    Parameters,
    /// The answer to `Describe` of a portal, or the second one of a statement.
    Columns,
    /// The answer to `Execute`.
    Rows,
    /// The data of a `COPY TO STDOUT` that `Execute` started.
    CopyOut,
    /// The completion of that `COPY`.
    CopyOutDone,
    /// What becomes of a `COPY FROM STDIN` that `Execute` started, while we send its data.
    CopyIn,
    /// The completion of that `COPY`, once all of its data is on the way.
    CopyInDone,
    /// The error for that `COPY`, once it was refused or given up.
    CopyInFailed,
    /// The answer to `Sync`.
    Sync,
    /// The same after an error in the commit that `Sync` performs.
    SyncFailed,
    /// The answers to `Query`, between two statements.
    Query,
    /// The rows of a statement of a `Query`.
    QueryRows,
    /// The data of a `COPY TO STDOUT` of a `Query`.
    QueryCopyOut,
    /// The completion of that `COPY`.
    QueryCopyOutDone,
    /// What becomes of a `COPY FROM STDIN` of a `Query`, while we send its data.
    QueryCopyIn,
    /// The completion of that `COPY`, once all of its data is on the way.
    QueryCopyInDone,
    /// The error for that `COPY`, once it was refused or given up.
    QueryCopyInFailed,
    /// The server's data of a replication stream, while we may send ours.
    QueryCopyBoth,
    /// The rest of the server's data, once ours is complete.
    QueryCopyBothReceiving,
    /// An error of the stream, if any, once the server's data is complete and while we may still send ours.
    QueryCopyBothSending,
    /// The completion of the stream, once both directions have ended. A server that was amid a transaction sends the rest of its data
    /// before that, behind its own `CopyDone`.
    QueryCopyBothDone,
    /// The end of a `Query` that failed.
    QueryFailed,
}

/// What a message does to what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: the same is owed as before.
    Stay,
    /// Something else is owed now.
    Become(Expect),
    /// It is paid.
    Done,
    /// It failed, and the server skips everything up to the next `Sync`.
    Skip,
    /// The session ends.
    End,
}

/// What `tag` means while `expect` is owed; `None` when it must not come.
#[inline]
pub(crate) fn step(expect: Expect, tag: Tag) -> Option<Step> {
    use Expect as X;
    use Step::{Become, Done, Skip, Stay};
    use Tag as T;
    Some(match (expect, tag) {
        // At any moment.
        (_, T::Notice | T::Notification | T::ParameterStatus) => Stay,
        (_, T::Fatal) => Step::End,
        // An error for nothing: the server's last words, in a language that hides how grave they are (before 9.6).
        (X::Nothing, T::Error) => Step::End,

        // The extended protocol: one answer for each message.
        (X::Parse, T::ParseComplete)
        | (X::Bind, T::BindComplete)
        | (X::Close, T::CloseComplete)
        | (X::Columns, T::RowDescription | T::NoData) => Done,
        (X::Parameters, T::ParameterDescription) => Become(X::Columns),

        (X::Rows, T::DataRow) => Stay,
        (X::Rows, T::CommandComplete | T::EmptyQueryResponse | T::PortalSuspended) => Done,
        (X::Rows, T::CopyOutResponse) => Become(X::CopyOut),
        (X::Rows, T::CopyInResponse) => Become(X::CopyIn),
        (X::CopyOut, T::CopyData) => Stay,
        (X::CopyOut, T::CopyDone) => Become(X::CopyOutDone),
        (X::CopyOutDone | X::CopyInDone, T::CommandComplete) => Done,

        (
            X::Parse
            | X::Bind
            | X::Close
            | X::Parameters
            | X::Columns
            | X::Rows
            | X::CopyOut
            | X::CopyOutDone
            | X::CopyIn
            | X::CopyInDone
            | X::CopyInFailed,
            T::Error,
        ) => Skip,

        // A deferred constraint fails here. Nothing is skipped: the server is at the Sync already.
        (X::Sync, T::Error) => Become(X::SyncFailed),
        (X::Sync | X::SyncFailed, T::ReadyForQuery) => Done,

        // The simple protocol: any number of statements, then one ReadyForQuery.
        (X::Query, T::RowDescription) => Become(X::QueryRows),
        (X::Query, T::CommandComplete | T::EmptyQueryResponse) => Stay,
        (X::Query, T::CopyOutResponse) => Become(X::QueryCopyOut),
        (X::Query, T::CopyInResponse) => Become(X::QueryCopyIn),
        (X::Query, T::CopyBothResponse) => Become(X::QueryCopyBoth),
        (X::QueryRows, T::DataRow) => Stay,
        (X::QueryRows, T::CommandComplete) => Become(X::Query),
        (X::QueryCopyOut, T::CopyData) => Stay,
        (X::QueryCopyOut, T::CopyDone) => Become(X::QueryCopyOutDone),
        (X::QueryCopyOutDone | X::QueryCopyInDone, T::CommandComplete) => Become(X::Query),
        // Each direction ends by itself. Behind both a physical stream may have a result: the next timeline.
        (X::QueryCopyBoth | X::QueryCopyBothReceiving | X::QueryCopyBothDone, T::CopyData) => Stay,
        (X::QueryCopyBoth, T::CopyDone) => Become(X::QueryCopyBothSending),
        (X::QueryCopyBothReceiving, T::CopyDone) => Become(X::QueryCopyBothDone),
        (X::QueryCopyBothDone, T::CommandComplete) => Become(X::Query),
        (X::QueryCopyBothDone, T::RowDescription) => Become(X::QueryRows),
        (
            X::Query
            | X::QueryRows
            | X::QueryCopyOut
            | X::QueryCopyOutDone
            | X::QueryCopyIn
            | X::QueryCopyInDone
            | X::QueryCopyInFailed
            | X::QueryCopyBoth
            | X::QueryCopyBothReceiving
            | X::QueryCopyBothSending
            | X::QueryCopyBothDone,
            T::Error,
        ) => Become(X::QueryFailed),
        (X::Query | X::QueryFailed, T::ReadyForQuery) => Done,

        _ => return None,
    })
}

impl Expect {
    /// True where rows may come: the table's word, without looking it up for each of them.
    #[inline]
    pub(crate) fn takes_rows(self) -> bool {
        matches!(self, Self::Rows | Self::QueryRows)
    }

    /// True for what ends a segment when it is paid.
    #[inline]
    pub(crate) fn ends_segment(self) -> bool {
        matches!(self, Self::Sync | Self::SyncFailed) || self.is_query()
    }

    /// True for the simple protocol.
    #[inline]
    pub(crate) fn is_query(self) -> bool {
        matches!(
            self,
            Self::Query
                | Self::QueryRows
                | Self::QueryCopyOut
                | Self::QueryCopyOutDone
                | Self::QueryCopyIn
                | Self::QueryCopyInDone
                | Self::QueryCopyInFailed
                | Self::QueryCopyBoth
                | Self::QueryCopyBothReceiving
                | Self::QueryCopyBothSending
                | Self::QueryCopyBothDone
                | Self::QueryFailed
        )
    }

    /// True for a Query whose next statement may be a `COPY FROM STDIN`.
    pub(crate) fn may_still_copy_in(self) -> bool {
        matches!(
            self,
            Self::Query | Self::QueryRows | Self::QueryCopyOut | Self::QueryCopyOutDone
        )
    }

    /// True for an Execute that is not answered.
    pub(crate) fn may_still_be_executed(self) -> bool {
        self == Self::Rows
    }

    /// True for a statement that may be a `COPY FROM STDIN` by all that is known.
    pub(crate) fn may_turn_into_copy_in(self) -> bool {
        self.may_still_be_executed() || self.may_still_copy_in()
    }

    /// True for what a fence may stand behind: the answers to a Query or an Execute.
    #[inline]
    pub(crate) fn may_be_fenced(self) -> bool {
        self.is_query()
            || matches!(
                self,
                Self::Rows
                    | Self::CopyOut
                    | Self::CopyOutDone
                    | Self::CopyIn
                    | Self::CopyInDone
                    | Self::CopyInFailed
            )
    }

    /// What is owed once our data is complete; `None` where we send none.
    pub(crate) fn sent_all(self) -> Option<Self> {
        match self {
            Self::CopyIn => Some(Self::CopyInDone),
            Self::QueryCopyIn => Some(Self::QueryCopyInDone),
            Self::QueryCopyBoth => Some(Self::QueryCopyBothReceiving),
            Self::QueryCopyBothSending => Some(Self::QueryCopyBothDone),
            _ => None,
        }
    }

    /// What is owed once we gave up sending; `None` where that cannot be done.
    pub(crate) fn gave_up(self) -> Option<Self> {
        match self {
            Self::CopyIn => Some(Self::CopyInFailed),
            Self::QueryCopyIn => Some(Self::QueryCopyInFailed),
            _ => None,
        }
    }

    /// True for a replication stream.
    pub(crate) fn is_copy_both(self) -> bool {
        matches!(
            self,
            Self::QueryCopyBoth
                | Self::QueryCopyBothReceiving
                | Self::QueryCopyBothSending
                | Self::QueryCopyBothDone
        )
    }

    /// True for where a server stops skipping.
    #[inline]
    pub(crate) fn is_sync(self) -> bool {
        matches!(self, Self::Sync | Self::SyncFailed)
    }

    /// For errors: the state, in one word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "Idle",
            Self::Parse => "Parse",
            Self::Bind => "Bind",
            Self::Close => "Close",
            Self::Parameters => "Parameters",
            Self::Columns => "Columns",
            Self::Rows => "Rows",
            Self::CopyOut => "CopyOut",
            Self::CopyOutDone => "CopyOutDone",
            Self::CopyIn => "CopyIn",
            Self::CopyInDone => "CopyInDone",
            Self::CopyInFailed => "CopyInFailed",
            Self::Sync => "Sync",
            Self::SyncFailed => "SyncFailed",
            Self::Query => "Query",
            Self::QueryRows => "QueryRows",
            Self::QueryCopyOut => "QueryCopyOut",
            Self::QueryCopyOutDone => "QueryCopyOutDone",
            Self::QueryCopyIn => "QueryCopyIn",
            Self::QueryCopyInDone => "QueryCopyInDone",
            Self::QueryCopyInFailed => "QueryCopyInFailed",
            Self::QueryCopyBoth => "QueryCopyBoth",
            Self::QueryCopyBothReceiving => "QueryCopyBothReceiving",
            Self::QueryCopyBothSending => "QueryCopyBothSending",
            Self::QueryCopyBothDone => "QueryCopyBothDone",
            Self::QueryFailed => "QueryFailed",
        }
    }
}

#[cfg(test)]
mod tests {
    mod diagram;

    use alloc::vec::Vec;

    use super::*;

    const ALL: [Expect; 26] = [
        Expect::Nothing,
        Expect::Parse,
        Expect::Bind,
        Expect::Close,
        Expect::Parameters,
        Expect::Columns,
        Expect::Rows,
        Expect::CopyOut,
        Expect::CopyOutDone,
        Expect::CopyIn,
        Expect::CopyInDone,
        Expect::CopyInFailed,
        Expect::Sync,
        Expect::SyncFailed,
        Expect::Query,
        Expect::QueryRows,
        Expect::QueryCopyOut,
        Expect::QueryCopyOutDone,
        Expect::QueryCopyIn,
        Expect::QueryCopyInDone,
        Expect::QueryCopyInFailed,
        Expect::QueryCopyBoth,
        Expect::QueryCopyBothReceiving,
        Expect::QueryCopyBothSending,
        Expect::QueryCopyBothDone,
        Expect::QueryFailed,
    ];

    /// The legal cells by hand, from the protocol chapter: state, message type, what is owed then. `.` is paid, `>` skips to the
    /// Sync, `!` is the end, a name is the next state, and the same name is no change. `N`, `A`, `S` and a fatal error (`F`) stand
    /// for every state.
    const LEGAL: &str = "
        Idle                E !
        Parse               1 .
        Parse               E >
        Bind                2 .
        Bind                E >
        Close               3 .
        Close               E >
        Parameters          t Columns
        Parameters          E >
        Columns             T .
        Columns             n .
        Columns             E >
        Rows                D Rows
        Rows                C .
        Rows                I .
        Rows                s .
        Rows                H CopyOut
        Rows                G CopyIn
        Rows                E >
        CopyOut             d CopyOut
        CopyOut             c CopyOutDone
        CopyOut             E >
        CopyOutDone         C .
        CopyOutDone         E >
        CopyIn              E >
        CopyInDone          C .
        CopyInDone          E >
        CopyInFailed        E >
        Sync                Z .
        Sync                E SyncFailed
        SyncFailed          Z .
        Query               T QueryRows
        Query               C Query
        Query               I Query
        Query               H QueryCopyOut
        Query               G QueryCopyIn
        Query               W QueryCopyBoth
        Query               E QueryFailed
        Query               Z .
        QueryRows           D QueryRows
        QueryRows           C Query
        QueryRows           E QueryFailed
        QueryCopyOut        d QueryCopyOut
        QueryCopyOut        c QueryCopyOutDone
        QueryCopyOut        E QueryFailed
        QueryCopyOutDone    C Query
        QueryCopyOutDone    E QueryFailed
        QueryCopyIn         E QueryFailed
        QueryCopyInDone     C Query
        QueryCopyInDone     E QueryFailed
        QueryCopyInFailed   E QueryFailed
        QueryCopyBoth       d QueryCopyBoth
        QueryCopyBoth       c QueryCopyBothSending
        QueryCopyBoth       E QueryFailed
        QueryCopyBothReceiving d QueryCopyBothReceiving
        QueryCopyBothReceiving c QueryCopyBothDone
        QueryCopyBothReceiving E QueryFailed
        QueryCopyBothSending E QueryFailed
        QueryCopyBothDone   d QueryCopyBothDone
        QueryCopyBothDone   C Query
        QueryCopyBothDone   T QueryRows
        QueryCopyBothDone   E QueryFailed
        QueryFailed         Z .
    ";

    fn letter(tag: Tag) -> char {
        if tag == Tag::Fatal {
            return 'F';
        }
        let byte = (0..=u8::MAX).find(|&byte| Tag::from_byte(byte) == Some(tag));
        char::from(byte.expect("every tag but Fatal has a byte"))
    }

    fn show(expect: Expect, step: Step) -> &'static str {
        match step {
            Step::Stay => expect.name(),
            Step::Become(next) => next.name(),
            Step::Done => ".",
            Step::Skip => ">",
            Step::End => "!",
        }
    }

    #[test]
    fn every_state_with_every_message() {
        let mut legal: Vec<(&str, char, &str)> = Vec::new();
        for line in LEGAL.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            legal.push((words[0], words[1].chars().next().unwrap(), words[2]));
        }
        let mut seen = 0;
        for expect in ALL {
            for tag in Tag::ALL {
                let name = expect.name();
                let wanted = match letter(tag) {
                    'N' | 'A' | 'S' => Some(name),
                    'F' => Some("!"),
                    letter => legal
                        .iter()
                        .find(|(state, byte, _)| *state == name && *byte == letter)
                        .map(|(_, _, next)| *next),
                };
                let found = step(expect, tag).map(|step| show(expect, step));
                assert_eq!(found, wanted, "{name} × {tag:?}");
                seen += usize::from(wanted.is_some());
            }
        }
        assert_eq!(
            seen,
            legal.len() + 4 * ALL.len(),
            "a line of the list names no state or message"
        );
    }

    #[test]
    fn rows_come_where_the_table_says() {
        for expect in ALL {
            let taken = step(expect, Tag::DataRow) == Some(Step::Stay);
            assert_eq!(expect.takes_rows(), taken, "{expect:?}");
        }
    }

    #[test]
    fn all_are_all() {
        for (i, expect) in ALL.iter().enumerate() {
            assert_eq!(
                ALL.iter().position(|other| other.name() == expect.name()),
                Some(i)
            );
        }
        for (i, tag) in Tag::ALL.iter().enumerate() {
            assert_eq!(Tag::ALL.iter().position(|other| other == tag), Some(i));
        }
        let bytes = (0..=u8::MAX)
            .filter(|&byte| Tag::from_byte(byte).is_some())
            .count();
        assert_eq!(bytes + 1, Tag::ALL.len(), "Fatal shares the byte of Error");
    }
}
