//! Rust values to and from PostgreSQL's text and binary formats.
//!
//! Nothing here does IO or knows the protocol: a driver hands in the bytes of a field and gets a
//! value, or hands in a value and gets bytes.
//!
//! * [`Type`] is what is known of a PostgreSQL type; the built-in ones are its constants.
//! * Reading: a [`Field`] is one value with its [`Column`]; [`Field::decode`] makes any [`FromSql`]
//!   type of it. [`FromRow`] reads whole rows.
//! * Writing: [`encode`] writes one [`ToSql`] value; [`Params`] is a list of them,
//!   by position or, made by [`params!`], by name.
//!
//! # Types of other crates
//!
//! Each behind the feature of the crate's name, none of them on by default. What a type cannot hold is an error that names it, never another value.
//!
//! | feature | Rust | PostgreSQL |
//! | --- | --- | --- |
//! | `chrono` | `NaiveDate`, `NaiveTime`, `NaiveDateTime`, `DateTime<Utc>`, `DateTime<FixedOffset>` (written: of any zone), `TimeDelta` | `date`, `time`, `timestamp`, `timestamptz`, `interval` |
//! | `time` | `Date`, `Time`, `PrimitiveDateTime`, `OffsetDateTime`, `UtcDateTime`, `Duration` | the same |
//! | `jiff` | `civil::Date`, `civil::Time`, `civil::DateTime`, `Timestamp`, `Zoned` (written), `Span`, `SignedDuration` | the same |
//! | `uuid` | `Uuid` | `uuid` |
//! | `serde_json` | `Value`, `Json<T>` | `json`, `jsonb` |
//! | `rust_decimal` | `Decimal` | `numeric` |
//! | `bigdecimal` | `BigDecimal` | `numeric` |
//! | `ipnet` | `IpNet`, `Ipv4Net`, `Ipv6Net` | `inet`, `cidr` |
//! | `eui48` | `MacAddress` | `macaddr` |
//! | `bit-vec` | `BitVec` | `bit`, `varbit` |
//! | `geo-types` | `Point`, `Coord`, `Line`, `Rect`, `LineString`, `Polygon` | `point`, `point`, `lseg`, `box`, `path`, `polygon` |
//! | `postgres-types` | `Compat<T>`, for a `T` that implements the traits of that crate | what `T` accepts, in the binary format |
//!
//! What is finer than a microsecond, in a time or a timestamp, is cut off when it is written, as PostgreSQL has nothing finer; a duration of that sort is an error.
//!
//! # Safety from hostile bytes
//!
//! Whatever the bytes are, reading them yields a value or an error: it does not panic, and it allocates no more
//! than the bytes that are there.
//!
//! ```
//! use purepg_types::{Column, Field, Format, Type};
//!
//! let column = Column::new("answer", Type::INT4, Format::Binary);
//! let field = Field::new(&column, Some(&[0, 0, 0, 42]));
//! assert_eq!(field.decode::<i64>()?, 42);
//! assert_eq!(field.decode::<Option<i32>>()?, Some(42));
//! assert_eq!(
//!     field.decode::<&str>().unwrap_err().to_string(),
//!     r#"column "answer" (int4) cannot be read as &str: the types do not match"#,
//! );
//! # Ok::<(), purepg_types::DecodeError>(())
//! ```

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "private.rs"]
#[doc(hidden)]
pub mod __private;
mod array;
mod bits;
mod builtin;
mod column;
mod composite;
mod converter;
mod datetime;
mod error;
mod float;
mod from_row;
mod from_sql;
pub mod geometry;
mod impls;
mod named;
mod network;
mod numeric;
mod params;
mod plan;
mod range;
mod system;
mod to_sql;
mod ty;
mod value;

pub use array::{Array, Dimension};
pub use bits::BitString;
pub use column::{Column, Field, Fields, Format};
pub use composite::{Composite, CompositeField, CompositeFields, CompositeReader};
pub use converter::Converter;
pub use datetime::{Date, Interval, Time, TimeTz, Timestamp, TimestampTz};
pub use error::{BoxError, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, ValueError};
pub use from_row::FromRow;
pub use from_sql::{FromSql, FromSqlOwned};
#[cfg(feature = "postgres-types")]
pub use impls::external::postgres_types::Compat;
#[cfg(feature = "serde_json")]
pub use impls::external::serde_json::Json;
pub use named::NamedParams;
#[doc(hidden)]
pub use named::{DistinctNames, parameter_name};
pub use network::{Cidr, Inet, MacAddr, MacAddr8};
pub use numeric::Numeric;
pub use params::Params;
pub use plan::Plan;
pub use range::{Multirange, Range};
pub use system::{PgLsn, Snapshot, Tid};
pub use to_sql::{IsNull, ToSql, encode};
pub use ty::{Kind, Oid, RecordTypes, Type, TypeField};
pub use value::Value;
