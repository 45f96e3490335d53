//! The Rust types, one line for each that has a conversion. `scan.rs` makes sure that none is left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use purepg_conn::{
    Array, BitString, Cidr, Composite, CompositeFields, Date, DecodeError, Field, FromSql,
    FromSqlOwned, Inet, Interval, Json, MacAddr, MacAddr8, Multirange, Numeric, PgLsn, Range,
    Snapshot, Tid, Time, TimeTz, Timestamp, TimestampTz, ToSql, Type, Value, geometry,
};

/// A value that was read, if it can be written again.
pub(crate) type Read<'r> = Result<Option<Box<dyn ToSql + 'r>>, DecodeError>;

/// How a Rust type is read.
pub(crate) struct Reader {
    pub(crate) accepts: fn(&Type) -> bool,
    pub(crate) read: for<'r> fn(Field<'r>) -> Read<'r>,
    /// A `Vec` of them, which may be NULL; what borrows is no element.
    pub(crate) array: Option<for<'r> fn(Field<'r>) -> Read<'r>>,
}

/// A Rust type with a conversion.
pub(crate) struct RustType {
    /// As the table has it.
    pub(crate) name: &'static str,
    /// As the code has it where the conversion is, without lifetimes.
    pub(crate) source: &'static str,
    /// That of the crate which the type is from; empty where none is needed.
    pub(crate) feature: &'static str,
    pub(crate) reader: Option<Reader>,
    /// Values for what the type is written to, but not read from.
    pub(crate) samples: fn() -> Vec<Box<dyn ToSql>>,
}

impl RustType {
    /// Whether it writes text of any type.
    pub(crate) fn is_string(&self) -> bool {
        let strings = ["&str", "String", "Box<str>", "Arc<str>", "Cow<str>", "char"];
        strings.contains(&self.name)
    }
}

fn read<'r, T: FromSql<'r> + ToSql + 'r>(field: Field<'r>) -> Read<'r> {
    let value = field.decode::<T>()?;
    Ok(Some(Box::new(value)))
}

fn read_owned<T: FromSqlOwned + ToSql + 'static>(field: Field<'_>) -> Read<'_> {
    read::<T>(field)
}

fn owned<T: FromSqlOwned + ToSql + 'static>() -> Reader {
    Reader {
        accepts: |ty| <T as FromSql>::accepts(ty),
        read: read_owned::<T>,
        array: Some(read_owned::<Vec<Option<T>>>),
    }
}

macro_rules! reader {
    (owned $rust:ty) => {
        Some(owned::<$rust>())
    };
    (borrowed $rust:ty) => {
        Some(Reader {
            accepts: |ty| <$rust as FromSql<'_>>::accepts(ty),
            read: |field| read::<$rust>(field),
            array: None,
        })
    };
    (read $rust:ty) => {
        Some(Reader {
            accepts: |ty| <$rust as FromSql<'_>>::accepts(ty),
            read: |field| field.decode::<$rust>().map(|_| None),
            array: None,
        })
    };
    (written $rust:ty) => {
        None
    };
}

macro_rules! list {
    ($($feature:literal { $($kind:ident $name:literal $(as $source:literal)? $rust:ty $(, $sample:expr)*;)* })*) => {
        /// All of them, in the order in which the table has them.
        pub(crate) fn types() -> Vec<RustType> {
            vec![$($(RustType {
                name: $name,
                source: [$($source,)? $name][0],
                feature: $feature,
                reader: reader!($kind $rust),
                samples: || vec![$(Box::new({ let sample: $rust = $sample; sample })),*],
            }),*),*]
        }
    };
}

list! {
    "" {
        owned "bool" bool;
        owned "i16" i16, 7;
        owned "i32" i32, -7;
        owned "i64" i64, i64::MIN;
        owned "u16" u16, u16::MAX;
        owned "u32" u32, 7;
        owned "u64" u64, u64::MAX, 7;
        owned "i8" i8, 7;
        owned "f32" f32, 1.5;
        owned "f64" f64;
        owned "Numeric" Numeric;
        borrowed "&str" &str;
        owned "String" String;
        owned "Box<str>" Box<str>;
        owned "Arc<str>" Arc<str>;
        borrowed "Cow<str>" Cow<'_, str>;
        owned "char" char;
        borrowed "&[u8]" &[u8];
        owned "Vec<u8>" Vec<u8>;
        owned "Box<[u8]>" Box<[u8]>;
        owned "Bytes" Bytes;
        borrowed "Cow<[u8]>" Cow<'_, [u8]>;
        written "[u8; N]" [u8; 2], [0, 255];
        owned "[u8; 16]" [u8; 16];
        owned "Date" Date;
        owned "Time" Time;
        owned "TimeTz" TimeTz;
        owned "Timestamp" Timestamp;
        owned "TimestampTz" TimestampTz;
        owned "SystemTime" SystemTime;
        owned "Interval" Interval;
        owned "Duration" Duration;
        owned "Inet" Inet;
        owned "Cidr" Cidr, "10.0.0.0/8".parse().unwrap();
        owned "IpAddr" IpAddr;
        owned "MacAddr" MacAddr;
        owned "MacAddr8" MacAddr8;
        owned "BitString" BitString;
        owned "geometry::Point" as "Point" geometry::Point;
        owned "geometry::Line" as "Line" geometry::Line;
        owned "geometry::Lseg" as "Lseg" geometry::Lseg;
        owned "geometry::Box" as "Box" geometry::Box;
        owned "geometry::Path" as "Path" geometry::Path;
        owned "geometry::Polygon" as "Polygon" geometry::Polygon;
        owned "geometry::Circle" as "Circle" geometry::Circle;
        owned "PgLsn" PgLsn;
        owned "Tid" Tid;
        owned "Snapshot" Snapshot;
        read "()" ();
        owned "Vec<T>" Vec<Option<i32>>;
        owned "Box<[T]>" Box<[Option<i32>]>;
        owned "[T; N]" [Option<i32>; 2];
        written "&[T]" &[i32], &[1, 2];
        owned "Array<T>" Array<Option<i32>>;
        owned "Range<T>" Range<i32>;
        owned "Multirange<T>" Multirange<i32>;
        owned "HashMap<String, Option<String>>" as "HashMap<String,Option<String>,S>" HashMap<String, Option<String>>;
        owned "BTreeMap<String, Option<String>>" as "BTreeMap<String,Option<String>>" BTreeMap<String, Option<String>>;
        owned "Composite" Composite;
        written "CompositeFields" CompositeFields<'_>, pair();
        owned "Value" Value;
    }
    "bigdecimal" { owned "BigDecimal" bigdecimal::BigDecimal; }
    "bit-vec" { owned "BitVec" bit_vec::BitVec; }
    "chrono" {
        owned "NaiveDate" chrono::NaiveDate;
        owned "NaiveTime" chrono::NaiveTime;
        owned "NaiveDateTime" chrono::NaiveDateTime;
        owned "DateTime<Utc>" chrono::DateTime<chrono::Utc>;
        owned "DateTime<FixedOffset>" chrono::DateTime<chrono::FixedOffset>;
        written "DateTime<Z>" chrono::DateTime<chrono::FixedOffset>, chrono::DateTime::UNIX_EPOCH.fixed_offset();
        owned "TimeDelta" chrono::TimeDelta;
    }
    "eui48" { owned "MacAddress" eui48::MacAddress; }
    "geo-types" {
        owned "Point" as "Point<f64>" geo_types::Point;
        owned "Coord" as "Coord<f64>" geo_types::Coord;
        owned "Line" as "Line<f64>" geo_types::Line;
        owned "Rect" as "Rect<f64>" geo_types::Rect;
        owned "LineString" as "LineString<f64>" geo_types::LineString;
        owned "Polygon" as "Polygon<f64>" geo_types::Polygon;
    }
    "ipnet" {
        owned "IpNet" ipnet::IpNet;
        owned "Ipv4Net" ipnet::Ipv4Net;
        owned "Ipv6Net" ipnet::Ipv6Net;
    }
    "jiff" {
        owned "civil::Date" as "JDate" jiff::civil::Date;
        owned "civil::Time" as "JTime" jiff::civil::Time;
        owned "civil::DateTime" as "DateTime" jiff::civil::DateTime;
        owned "Timestamp" as "JTimestamp" jiff::Timestamp;
        written "Zoned" jiff::Zoned, jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        owned "Span" jiff::Span;
        owned "SignedDuration" jiff::SignedDuration;
    }
    "rust_decimal" { owned "Decimal" rust_decimal::Decimal; }
    "serde_json" {
        owned "Value" serde_json::Value;
        owned "Json<T>" Json<serde_json::Value>;
    }
    "time" {
        owned "Date" as "TDate" time::Date;
        owned "Time" as "TTime" time::Time;
        owned "PrimitiveDateTime" time::PrimitiveDateTime;
        owned "OffsetDateTime" time::OffsetDateTime;
        owned "UtcDateTime" time::UtcDateTime;
        owned "Duration" time::Duration;
    }
    "uuid" { owned "Uuid" uuid::Uuid; }
}

/// Types around others, which the prose of the page has: what they read and write is what is in them.
pub(crate) const WRAPPERS: [(&str, &str); 6] = [
    ("", "Option<T>"),
    ("", "&T"),
    ("", "Box<T>"),
    ("", "Arc<T>"),
    ("", "Cow<T>"),
    ("postgres-types", "Compat<T>"),
];

/// Fields of the composite type that `server.rs` creates.
fn pair() -> CompositeFields<'static> {
    CompositeFields::Named(&[("a", &7_i32), ("b", &"x, y")])
}
