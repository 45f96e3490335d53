//! [`Value`]: a value of a type that is not known beforehand.

mod convert;
mod display;
mod read;
#[cfg(feature = "serde")]
mod serialize;
mod write;

use std::collections::BTreeMap;

use crate::{
    Array, BitString, Cidr, Composite, Date, Inet, Interval, MacAddr, MacAddr8, Multirange,
    Numeric, PgLsn, Range, Snapshot, Tid, Time, TimeTz, Timestamp, TimestampTz, Type, geometry,
};

/// A value of any type, for those who do not know the types beforehand.
///
/// It reads every type, and is written wherever what it holds can be. What is a [`Value::Text`] here may have another variant in a later
/// version: match on it with care.
///
/// ```
/// use purepg_types::{Column, Field, Format, Type, Value};
///
/// let column = Column::new("a", Type::INT4_ARRAY, Format::Text);
/// let value: Value = Field::new(&column, Some(b"{1,NULL}")).decode()?;
/// assert!(matches!(&value, Value::Array(array) if array.elements() == [Value::Int4(1), Value::Null]));
/// assert_eq!(value.to_string(), "{1,NULL}");
/// # Ok::<(), purepg_types::DecodeError>(())
/// ```
///
/// [`Display`](std::fmt::Display) writes what PostgreSQL would: `t`, `\x00ff`, `{1,NULL}`, `(1,"a b")`, `[1,5)`; NULL, which has no text,
/// as `NULL`.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub enum Value {
    /// NULL, of any type.
    #[default]
    Null,
    /// `bool`.
    Bool(bool),
    /// `int2`.
    Int2(i16),
    /// `int4`.
    Int4(i32),
    /// `int8`.
    Int8(i64),
    /// `oid`, `xid`, `cid`.
    Oid(u32),
    /// `float4`.
    Float4(f32),
    /// `float8`.
    Float8(f64),
    /// Strings, the labels of enums, and the text form of whatever has no variant of its own.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
    /// `numeric`.
    Numeric(Numeric),
    /// `date`.
    Date(Date),
    /// `time`.
    Time(Time),
    /// `timetz`.
    TimeTz(TimeTz),
    /// `timestamp`.
    Timestamp(Timestamp),
    /// `timestamptz`.
    TimestampTz(TimestampTz),
    /// `interval`.
    Interval(Interval),
    /// `inet`.
    Inet(Inet),
    /// `cidr`.
    Cidr(Cidr),
    /// `macaddr`.
    MacAddr(MacAddr),
    /// `macaddr8`.
    MacAddr8(MacAddr8),
    /// `bit` and `varbit`.
    Bits(BitString),
    /// `xid8`.
    Xid8(u64),
    /// `pg_lsn`.
    Lsn(PgLsn),
    /// `tid`.
    Tid(Tid),
    /// `pg_snapshot` and `txid_snapshot`.
    Snapshot(Snapshot),
    /// `point`.
    Point(geometry::Point),
    /// `line`.
    Line(geometry::Line),
    /// `lseg`.
    Lseg(geometry::Lseg),
    /// `box`.
    Box(geometry::Box),
    /// `path`.
    Path(geometry::Path),
    /// `polygon`.
    Polygon(geometry::Polygon),
    /// `circle`.
    Circle(geometry::Circle),
    /// `uuid`.
    Uuid([u8; 16]),
    /// Arrays.
    Array(Array<Self>),
    /// Ranges.
    Range(Box<Range<Self>>),
    /// Multiranges.
    Multirange(Multirange<Self>),
    /// Composite types and `record`.
    Composite(Composite),
    /// `hstore`.
    Hstore(BTreeMap<String, Option<String>>),
    /// The binary form of a value whose type is not known: a field of a `record` may be one. A connection looks such a type up before it runs
    /// another statement with parameters, so that it is one once.
    Binary(Type, Vec<u8>),
}

#[cfg(test)]
mod tests;
