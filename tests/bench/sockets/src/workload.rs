//! What is done, and what has to come out.

use std::fmt;

/// Rows of the table `narrow`.
pub const NARROW_ROWS: u64 = 2_000_000;
/// Rows of the table `wide`.
pub const WIDE_ROWS: u64 = 100_000;
/// Queries of one pipeline.
pub const PIPELINE: u64 = 100;
/// Connections of [`Workload::Sixteen`].
pub const CONNECTIONS: u64 = 16;

/// One thing that is done over and over. A *unit* is what the figures are per.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Connects with SCRAM and disconnects; nothing is kept from one to the next. Unit: a connection.
    Connect,
    /// The same with one configuration, so that a driver that keeps derived keys may. Unit: a connection.
    Reconnect,
    /// [`SELECT_1`], prepared before, its value decoded, one at a time. Unit: a query.
    Select,
    /// The same through the call that takes a text, as the driver does it by default. Unit: a query.
    SelectText,
    /// [`SELECT_WIDE_ROW`], prepared before, a row of ten columns decoded. Keys go 1, 2, 3, …, around. Unit: a query.
    Row,
    /// [`SELECT_PARAMETER`], prepared before, [`PIPELINE`] at a time, parameters from 0 on. Unit: a query.
    Pipeline,
    /// [`SELECT_NARROW`], once: each row of three columns decoded as it arrives. Unit: a row.
    StreamNarrow,
    /// [`SELECT_WIDE`], once: each row of ten columns decoded as it arrives. Unit: a row.
    StreamWide,
    /// [`INSERT`], prepared before, one at a time, in one transaction that is rolled back. Unit: a row.
    Insert,
    /// The same, [`PIPELINE`] at a time, in one transaction. Unit: a row.
    InsertPipelined,
    /// [`COPY_IN`] in one transaction that is rolled back, [`copy_piece`] after `copy_piece`. Unit: a row.
    CopyIn,
    /// [`copy_out`], each chunk looked at as it arrives. Unit: a row.
    CopyOut,
    /// [`Workload::Select`] on [`CONNECTIONS`] connections at the same time, on one thread. Unit: a query.
    Sixteen,
}

/// One row with one column of type `int4`.
pub const SELECT_1: &str = "select 1";
/// One row that is its parameter, an `int4`.
pub const SELECT_PARAMETER: &str = "select $1::int4";
/// The row of the table `wide` whose key is the parameter, an `int8`.
pub const SELECT_WIDE_ROW: &str = "select * from wide where id = $1";
/// So many rows of `narrow` as the parameter says, an `int8`.
pub const SELECT_NARROW: &str = "select * from narrow limit $1";
/// So many rows of `wide` as the parameter says, an `int8`.
pub const SELECT_WIDE: &str = "select * from wide limit $1";
/// One row, of which the values are parameters.
pub const INSERT: &str = "insert into target values ($1, $2, $3)";
/// The end of [`INSERT`]'s text values, and of those of [`copy_piece`].
pub const NAME: &str = "a name of some length";
/// Rows in the text format.
pub const COPY_IN: &str = "copy target from stdin";

/// Takes so many rows of `narrow` out, in the text format.
pub fn copy_out(rows: u64) -> String {
    format!("copy (select * from narrow limit {rows}) to stdout")
}

/// What the workloads need, in the order of the statements.
pub const SETUP: [&str; 4] = [
    "create table narrow as select i as id, (i % 1000)::int4 as number, 'name ' || i as name from generate_series(1::int8, 2000000) i",
    "create table wide as select i as id, (i * 7 % 100000)::int4 as a, (i % 1000)::int2 as b, i % 3 = 0 as c, i::float8 / 8 as d, \
     'short ' || i as e, repeat('longer text ', 1 + (i % 5)::int4) || i as f, 'v' || (i % 10) as g, decode(md5(i::text), 'hex') as h, \
     case when i % 4 <> 0 then -i end as i from generate_series(1::int8, 100000) i",
    "alter table wide add primary key (id)",
    "create unlogged table target (id int8, number int4, name text)",
];

impl Workload {
    /// All, in the order of the tables.
    pub const ALL: [Self; 13] = [
        Self::Connect,
        Self::Reconnect,
        Self::Select,
        Self::SelectText,
        Self::Row,
        Self::Pipeline,
        Self::StreamNarrow,
        Self::StreamWide,
        Self::Insert,
        Self::InsertPipelined,
        Self::CopyIn,
        Self::CopyOut,
        Self::Sixteen,
    ];

    /// A word for the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reconnect => "reconnect",
            Self::Select => "select",
            Self::SelectText => "select-text",
            Self::Row => "row",
            Self::Pipeline => "pipeline",
            Self::StreamNarrow => "stream-narrow",
            Self::StreamWide => "stream-wide",
            Self::Insert => "insert",
            Self::InsertPipelined => "insert-pipelined",
            Self::CopyIn => "copy-in",
            Self::CopyOut => "copy-out",
            Self::Sixteen => "sixteen",
        }
    }

    /// Whether client and server work at the same time, and so are given a processor each.
    pub fn is_bulk(self) -> bool {
        matches!(
            self,
            Self::StreamNarrow | Self::StreamWide | Self::CopyIn | Self::CopyOut
        )
    }

    /// Whether it leaves rows behind in the table `target` that were rolled back.
    pub fn writes(self) -> bool {
        matches!(self, Self::Insert | Self::InsertPipelined | Self::CopyIn)
    }

    /// What a unit is.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Connect | Self::Reconnect => "connection",
            Self::Select | Self::SelectText | Self::Row | Self::Pipeline | Self::Sixteen => "query",
            _ => "row",
        }
    }

    /// A heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Connect => "Connecting, SCRAM",
            Self::Reconnect => "Connecting again, SCRAM",
            Self::Select => "`select 1`, prepared, one at a time",
            Self::SelectText => "`select 1`, as text",
            Self::Row => "Row of ten columns by its key",
            Self::Pipeline => "Pipeline, 100 at a time",
            Self::StreamNarrow => "Streaming rows of three columns",
            Self::StreamWide => "Streaming rows of ten columns",
            Self::Insert => "Inserts in a transaction, one at a time",
            Self::InsertPipelined => "The same inserts, 100 at a time",
            Self::CopyIn => "`COPY` in",
            Self::CopyOut => "`COPY` out",
            Self::Sixteen => "Sixteen connections, one thread",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What all decoded values add up to: it can only come out right when each of them was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(pub u64);

/// A row of `wide`: its columns as they are decoded by everybody.
pub type Wide<'a> = (
    i64,
    i32,
    i16,
    bool,
    f64,
    &'a str,
    &'a str,
    &'a str,
    &'a [u8],
    Option<i64>,
);

impl Checksum {
    /// A number.
    #[inline]
    pub fn number(&mut self, number: impl Into<i64>) {
        self.0 = self.0.wrapping_add_signed(number.into());
    }

    /// A text or bytes: its length and its last byte.
    #[inline]
    pub fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let last = bytes.last().copied().unwrap_or(0);
        self.0 = self.0.wrapping_add(bytes.len() as u64 + u64::from(last));
    }

    /// A row of `narrow`.
    #[inline]
    pub fn narrow(&mut self, (id, number, name): (i64, i32, &str)) {
        self.number(id);
        self.number(number);
        self.bytes(name);
    }

    /// A row of `wide`.
    #[inline]
    pub fn wide(&mut self, row: Wide<'_>) {
        let (id, whole, small, flag, float, short, long, kind, digest, gap) = row;
        self.number(id);
        self.number(whole);
        self.number(small);
        self.number(flag);
        self.0 = self.0.wrapping_add(float.to_bits());
        self.bytes(short);
        self.bytes(long);
        self.bytes(kind);
        self.bytes(digest);
        self.number(gap.unwrap_or(1));
    }
}

/// The rows that [`Workload::CopyIn`] sends again and again, and their number: somewhat less than 64 KiB.
pub fn copy_piece() -> (Vec<u8>, u64) {
    let mut piece = Vec::with_capacity(1 << 16);
    let mut rows = 0;
    while piece.len() < (1 << 16) - 64 {
        rows += 1;
        piece.extend_from_slice(format!("{rows}\t{}\t{NAME}\n", rows % 1000).as_bytes());
    }
    (piece, rows)
}

/// The parameters of the insert of this number.
pub fn inserted(number: u64) -> (i64, i32, &'static str) {
    let id = i64::try_from(number).expect("fewer than 2^63");
    let small = i32::try_from(number % 1000).expect("below 1000");
    (id, small, NAME)
}

/// The key of the query of this number, from 0, of [`Workload::Row`].
pub fn key(number: u64) -> i64 {
    i64::try_from(number % WIDE_ROWS + 1).expect("a key of the table")
}

/// The parameter of the query of this number, from 0, of [`Workload::Pipeline`].
pub fn parameter(number: u64) -> i32 {
    i32::try_from(number % 1_000_000).expect("below a million")
}
