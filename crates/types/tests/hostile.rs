//! Any bytes, in any type, read as any Rust type: a value or an error, never a panic.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use purepg_types::{
    Array, BitString, Cidr, Column, Composite, Date, Field, Format, Inet, Interval, Kind, MacAddr,
    MacAddr8, Multirange, Numeric, Oid, PgLsn, Range, Snapshot, Tid, Time, TimeTz, Timestamp,
    TimestampTz, ToSql, Type, Value, encode, geometry,
};

fn types() -> Vec<Type> {
    let mut types: Vec<Type> = (0..10_000).filter_map(Type::from_oid).collect();
    types.push(Type::unknown(70_000));
    types.push(Type::new(70_001, "hstore", Kind::Base, None));
    types
}

fn read_as_everything(column: &Column, raw: Option<&[u8]>) {
    let field = Field::new(column, raw);
    macro_rules! read {
        ($($rust:ty),*) => { $(
            match field.decode::<$rust>() {
                Ok(_) => assert!(raw.is_some()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        )* };
    }
    read! {
        Vec<i64>, Vec<String>, [bool; 2], Box<[f64]>, Array<String>, Vec<Vec<u8>>, Array<Vec<i16>>,
        Range<i32>, Multirange<i64>, Range<String>, Vec<Range<i64>>, HashMap<String, Option<String>>, Composite,
        bool, i8, i16, i32, i64, u16, u32, u64, f32, f64, char, &str, String, Box<str>, Arc<str>, Cow<'_, str>,
        &[u8], Vec<u8>, Box<[u8]>, Bytes, Cow<'_, [u8]>, Numeric, Date, Time, TimeTz, Timestamp, TimestampTz, Interval, SystemTime,
        Duration, [u8; 16], Inet, Cidr, IpAddr, MacAddr, MacAddr8, BitString, PgLsn, Tid, Snapshot, (), geometry::Point, geometry::Line,
        geometry::Lseg, geometry::Box, geometry::Path, geometry::Polygon, geometry::Circle
    }
    // The one type besides `Option` that has a place for NULL.
    if let Ok(value) = field.decode::<Value>() {
        assert_eq!(value == Value::Null, raw.is_none());
    }
    if let Ok(value) = field.decode::<Option<i64>>() {
        assert_eq!(value.is_some(), raw.is_some());
    }
}

#[test]
fn every_type_with_every_length() {
    for ty in types() {
        for format in [Format::Text, Format::Binary] {
            let column = Column::new("a", ty.clone(), format);
            read_as_everything(&column, None);
            for length in 0..20 {
                for byte in [0, b'1', b'\\', 0x80, 0xff] {
                    read_as_everything(&column, Some(&vec![byte; length]));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(raw: Vec<u8>) {
        for oid in [
            16, 17, 18, 20, 21, 23, 25, 26, 27, 114, 142, 600, 601, 602, 603, 604, 628, 650, 700, 701, 718, 774, 790, 829, 869, 1043, 1082,
            1083, 1114, 1184, 1186, 1266, 1560, 1562, 1700, 2205, 2278, 2950, 3220, 3802, 4072, 5038, 5069, 70_000,
            1007, 1009, 22, 2249, 3904, 3905, 4451,
        ] {
            let ty = Type::from_oid(oid).unwrap_or_else(|| Type::unknown(oid));
            for format in [Format::Text, Format::Binary] {
                read_as_everything(&Column::new("a", ty.clone(), format), Some(&raw));
            }
        }
    }

    /// What looks more like it than any bytes do.
    #[test]
    fn any_text(raw in "[-+0-9a-zP@.,:/ (){}<>\\[\\]TYMDHSBC\\\\]{0,40}") {
        for oid in [
            16, 17, 20, 27, 600, 602, 604, 628, 650, 700, 701, 718, 774, 829, 869, 1082, 1083, 1114, 1184, 1186, 1266, 1562, 1700, 2205, 2950,
            3220, 5038, 5069,
        ] {
            let ty = Type::from_oid(oid).unwrap();
            read_as_everything(&Column::new("a", ty, Format::Text), Some(raw.as_bytes()));
        }
    }

    #[test]
    fn any_oid(oid: Oid) {
        if let Some(ty) = Type::from_oid(oid) {
            prop_assert_eq!(ty.oid(), oid);
        }
        prop_assert_eq!(Type::unknown(oid).to_string(), format!("oid {oid}"));
    }
}

#[test]
fn every_value_to_every_type_is_written_or_refused_without_a_trace() {
    let values: [&dyn ToSql; 33] = [
        &true,
        &-1_i8,
        &i16::MIN,
        &i32::MIN,
        &i64::MIN,
        &u32::MAX,
        &f32::NAN,
        &f64::MAX,
        &"a\0",
        &"é",
        &'\u{10ffff}',
        &b"\\",
        &None::<i32>,
        &Some("x"),
        &[Some(1), None],
        &["a"].as_slice(),
        &Vec::<i64>::new(),
        &Range::from(1..=2),
        &Multirange::<i64>::default(),
        &Array::from(vec![1_u32]),
        &u64::MAX,
        &Numeric::NEG_INFINITY,
        &Date::INFINITY,
        &Time::END_OF_DAY,
        &TimestampTz::NEG_INFINITY,
        &Interval::INFINITY,
        &SystemTime::UNIX_EPOCH,
        &Duration::MAX,
        &[0xff_u8; 16],
        &IpAddr::from([0; 16]),
        &BitString::default(),
        &geometry::Path {
            is_closed: true,
            points: Vec::new(),
        },
        &Snapshot::default(),
    ];
    for ty in types() {
        for value in values {
            for format in [Format::Text, Format::Binary] {
                let mut out = BytesMut::from("before");
                let result = encode(0, value, &ty, format, &mut out);
                assert!(out.starts_with(b"before"));
                if let Err(error) = result {
                    assert_eq!(&out[..], b"before");
                    assert!(error.to_string().starts_with("parameter $1 ("), "{error}");
                }
            }
        }
    }
}
