//! What is asked of the server, in every way that matters to a COPY.

use purepg_proto::{Batch, Bind, RowShape, Target, UsageError};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Query(&'static str),
    /// Without anything at its end, with a Flush, or with a Sync.
    Extended(&'static str, Tail),
    /// The same, executed three times.
    Again(&'static str, Tail),
    Declared(&'static str),
    DeclaredExtended(&'static str),
    Sync,
    FlushSync,
    /// Parse, Flush, and the rest of it, in one operation.
    Halves(&'static str),
    /// A Close, with its Sync or without.
    Close(bool),
    /// Something else behind a prelude.
    Prelude(&'static str, &'static Self),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tail {
    Nothing,
    Flush,
    Sync,
}

use Tail::{Flush, Nothing};

impl Tail {
    fn write(self, batch: &mut Batch<'_>) {
        match self {
            Nothing => batch,
            Flush => batch.flush(),
            Self::Sync => batch.sync(),
        };
    }
}

pub(crate) const KINDS: &[Kind] = &[
    Kind::Declared("copy in"),
    Kind::Declared("copy in; copy in"),
    Kind::DeclaredExtended("copy in"),
    Kind::Declared("copy in refused"),
    Kind::DeclaredExtended("copy in refused"),
    Kind::Query("copy in refused"),
    Kind::Extended("copy in refused", Tail::Sync),
    Kind::Extended("copy in refused", Nothing),
    Kind::Declared("insert"),
    Kind::Declared("insert; fail"),
    Kind::DeclaredExtended("insert"),
    Kind::DeclaredExtended("fail"),
    Kind::DeclaredExtended("rows"),
    Kind::Query("copy in"),
    Kind::Query("copy in; copy in"),
    Kind::Query("insert 'copy'"),
    Kind::Query("insert"),
    Kind::Query("fail"),
    Kind::Extended("copy in", Tail::Sync),
    Kind::Extended("copy in", Flush),
    Kind::Extended("copy in", Nothing),
    Kind::Extended("insert 'copy'", Tail::Sync),
    Kind::Extended("insert 'copy'", Nothing),
    Kind::Extended("insert", Tail::Sync),
    Kind::Extended("insert", Flush),
    Kind::Extended("insert", Nothing),
    Kind::Extended("fail", Nothing),
    Kind::Extended("fail", Flush),
    Kind::Extended("fail", Tail::Sync),
    Kind::Extended("nonsense", Flush),
    Kind::Extended("rows", Tail::Sync),
    Kind::Again("insert", Tail::Sync),
    Kind::Again("insert", Flush),
    Kind::Again("insert", Nothing),
    Kind::Again("fail", Nothing),
    Kind::Again("rows", Tail::Sync),
    Kind::Halves("copy in"),
    Kind::Halves("insert"),
    Kind::Halves("nonsense"),
    Kind::Prelude("update", &Kind::Declared("copy in")),
    Kind::Prelude("update", &Kind::DeclaredExtended("copy in")),
    Kind::Prelude("fail", &Kind::Declared("copy in")),
    Kind::Prelude("fail", &Kind::DeclaredExtended("copy in")),
    Kind::Prelude("update", &Kind::Query("copy in")),
    Kind::Prelude("update", &Kind::Extended("copy in", Tail::Sync)),
    Kind::Prelude("update", &Kind::Extended("copy in", Nothing)),
    Kind::Prelude("update", &Kind::Query("insert 'copy'")),
    Kind::Prelude("update", &Kind::Extended("insert 'copy'", Flush)),
    Kind::Prelude("fail", &Kind::Extended("insert", Nothing)),
    Kind::Sync,
    Kind::FlushSync,
    Kind::Close(true),
    Kind::Close(false),
];

pub(crate) const REPLICATION: &[Kind] = &[
    Kind::Query("insert"),
    Kind::Query("fail"),
    Kind::Query("copy in"),
    Kind::Query("stream"),
    Kind::Query("stream end"),
    Kind::Declared("copy in"),
    Kind::Declared("copy in; copy in"),
    Kind::Declared("insert"),
    Kind::Declared("stream"),
    Kind::Sync,
];

fn execute(batch: &mut Batch<'_>) {
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .expect("nothing here fails")
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

impl Kind {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Query(sql)
            | Self::Extended(sql, _)
            | Self::Again(sql, _)
            | Self::Declared(sql)
            | Self::DeclaredExtended(sql)
            | Self::Halves(sql) => sql,
            Self::Prelude(_, kind) => kind.sql(),
            Self::Sync | Self::FlushSync | Self::Close(_) => "",
        }
    }

    /// The text, each statement of it with the number of the operation.
    pub(crate) fn text(self, number: usize) -> String {
        let statements = self.sql().split("; ");
        let statements: Vec<String> = statements.map(|sql| format!("{sql} #{number}")).collect();
        statements.join("; ")
    }

    pub(crate) fn write(self, batch: &mut Batch<'_>, number: usize) {
        let text = self.text(number);
        match self {
            Self::Query(_) => {
                batch.query(&text);
            }
            Self::Declared(_) => {
                batch.query(&text).copy_in();
            }
            Self::Extended(_, tail) => {
                batch.parse("", &text, &[]);
                execute(batch);
                tail.write(batch);
            }
            Self::Again(_, tail) => {
                batch.parse("", &text, &[]);
                execute(batch);
                for _ in 0..2 {
                    let again: Result<_, UsageError> = batch.again(|_| Ok(()));
                    again.expect("nothing here fails");
                }
                tail.write(batch);
            }
            Self::DeclaredExtended(_) => {
                batch.parse("", &text, &[]);
                execute(batch);
                batch.copy_in();
            }
            Self::Halves(_) => {
                batch.parse("", &text, &[]).flush();
                execute(batch);
                batch.sync();
            }
            Self::Sync => {
                batch.sync();
            }
            Self::FlushSync => {
                batch.flush().sync();
            }
            Self::Prelude(command, kind) => {
                batch.prelude(&format!("{command} #{number}"));
                kind.write(batch, number);
            }
            Self::Close(sync) => {
                batch.close(Target::Statement("s"));
                if sync {
                    batch.sync();
                }
            }
        }
    }

    pub(crate) fn is_undeclared_copy(self) -> bool {
        self.sql().contains("copy in")
            && !matches!(
                self,
                Self::Declared(_)
                    | Self::DeclaredExtended(_)
                    | Self::Prelude(_, Self::Declared(_) | Self::DeclaredExtended(_))
            )
    }

    /// True when the fate of an insert is known once its operation is over.
    pub(crate) fn settles(self) -> bool {
        matches!(
            self,
            Self::Query("insert" | "insert 'copy'")
                | Self::Declared("insert")
                | Self::DeclaredExtended("insert")
                | Self::Extended("insert" | "insert 'copy'", Tail::Sync)
                | Self::Again("insert", Tail::Sync)
                | Self::Halves("insert")
        )
    }
    /// How often its text is executed.
    pub(crate) fn executions(self) -> usize {
        if matches!(self, Self::Again(..)) {
            3
        } else {
            1
        }
    }
}
