//! Binary values that say more than they hold: counts, dimensions, depths, and numbers at the ends of their types.

use std::collections::BTreeMap;

use bytes::BytesMut;
use proptest::prelude::*;
use purepg_types::{
    Array, BitString, Column, Composite, Date, DecodeError, DecodeErrorKind, Dimension, Field,
    Format, FromSqlOwned, Interval, Kind, Multirange, Numeric, Range, Snapshot, Time, TimeTz,
    Timestamp, TimestampTz, Type, TypeField, Value, encode, geometry,
};

fn read_as<T: FromSqlOwned>(ty: &Type, format: Format, raw: &[u8]) -> Result<T, DecodeError> {
    Field::new(&Column::new("a", ty.clone(), format), Some(raw)).decode()
}

fn read<T: FromSqlOwned>(ty: &Type, raw: &[u8]) -> Result<T, DecodeError> {
    read_as(ty, Format::Binary, raw)
}

fn hstore() -> Type {
    Type::new(70_000, "hstore", Kind::Base, None)
}

fn pair() -> Type {
    let fields = [
        TypeField::new("a", Type::INT4),
        TypeField::new("b", Type::TEXT),
    ];
    Type::new(70_001, "pair", Kind::Composite, None).with_fields(fields)
}

/// The binary form of an array of `int4` with these dimensions, and something behind them.
fn array(dimensions: i32, lengths: &[(i32, i32)], rest: &[u8]) -> Vec<u8> {
    let mut raw = dimensions.to_be_bytes().to_vec();
    raw.extend([0, 0, 0, 0, 0, 0, 0, 23]);
    for (length, lower_bound) in lengths {
        raw.extend(length.to_be_bytes());
        raw.extend(lower_bound.to_be_bytes());
    }
    raw.extend(rest);
    raw
}

const ONE: [u8; 8] = [0, 0, 0, 4, 0, 0, 0, 7];
const COUNTS: [i32; 9] = [
    i32::MAX,
    i32::MAX - 1,
    i32::MAX / 4,
    i32::MAX / 16 + 1,
    1 << 28,
    1 << 20,
    100,
    -1,
    i32::MIN,
];

#[test]
fn security_41_counts_are_bounded_by_the_bytes_that_remain() {
    let rest = [0; 64];
    for count in COUNTS {
        let counted = [&count.to_be_bytes()[..], &rest].concat();
        let closed = [&[1][..], &counted].concat();
        let elements = array(1, &[(count, 1)], &rest);
        let refused = |ty: &Type, result: Result<(), DecodeError>| {
            let error = result.expect_err("a count that is not there");
            assert_eq!(
                error.kind(),
                DecodeErrorKind::Invalid,
                "{ty}, {count}: {error}"
            );
        };
        macro_rules! refuse {
            ($($ty:expr => $rust:ty, $raw:expr;)*) => { $(
                refused(&$ty, read::<$rust>(&$ty, $raw).map(drop));
                refused(&$ty, read::<Value>(&$ty, $raw).map(drop));
            )* };
        }
        refuse! {
            Type::INT4_ARRAY => Vec<Option<i32>>, &elements;
            Type::INT4_ARRAY => Array<Option<i32>>, &elements;
            Type::INT4MULTIRANGE => Multirange<i32>, &counted;
            hstore() => BTreeMap<String, Option<String>>, &counted;
            Type::RECORD => Composite, &counted;
            pair() => Composite, &counted;
            Type::POLYGON => geometry::Polygon, &counted;
            Type::PATH => geometry::Path, &closed;
            Type::PG_SNAPSHOT => Snapshot, &counted;
        }
        // In bits, of which there are 512.
        refuse! { Type::VARBIT => BitString, &counted; }
    }
    for count in [u16::MAX, 0x7fff, 33, 100] {
        let raw = [&count.to_be_bytes()[..], &[0; 70]].concat();
        assert!(read::<Numeric>(&Type::NUMERIC, &raw).is_err());
    }
    // What has no form of its own here stays the bytes that it is, whatever these say.
    let raw = i32::MAX.to_be_bytes();
    for ty in [Type::TSVECTOR, Type::TSQUERY] {
        assert!(matches!(read::<Value>(&ty, &raw), Ok(Value::Binary(_, bytes)) if bytes == raw));
        let error = read::<String>(&ty, &raw).unwrap_err();
        assert_eq!(error.kind(), DecodeErrorKind::Unsupported);
        assert_eq!(ty.preferred_format(), Format::Text);
    }
}

#[test]
fn security_41_the_product_of_dimensions_does_not_overflow() {
    for lengths in [
        &[(1 << 16, 1), (1 << 16, 1)][..],
        &[(i32::MAX, 0), (i32::MAX, 0)],
        &[(1 << 11, 1); 6],
        &[(1 << 30, 1), (4, 1)],
        &[(i32::MAX - 1, 1); 6],
        &[(0, 1), (i32::MAX - 1, 1), (i32::MAX - 1, 1)],
        &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)],
    ] {
        let raw = array(i32::try_from(lengths.len()).unwrap(), lengths, &ONE);
        for result in [
            read::<Array<i32>>(&Type::INT4_ARRAY, &raw).map(drop),
            read::<Vec<i32>>(&Type::INT4_ARRAY, &raw).map(drop),
            read::<Value>(&Type::INT4_ARRAY, &raw).map(drop),
        ] {
            assert_eq!(result.unwrap_err().kind(), DecodeErrorKind::Invalid);
        }
    }
}

/// A stack of 1 MiB is enough, without optimisation, for whatever is read, and whatever is refused.
#[test]
fn security_41_recursion_has_an_end() {
    let deep = || {
        for depth in (0..70_u32).chain([10_000, 100_000]) {
            let mut record = Vec::new();
            for inner in (0..depth).rev() {
                record.extend([0, 0, 0, 1]);
                record.extend(2249_u32.to_be_bytes());
                record.extend((inner * 12 + 4).to_be_bytes());
            }
            record.extend([0; 4]);
            let value = read::<Value>(&Type::RECORD, &record);
            assert_eq!(value.is_ok(), depth < 64, "{depth}");
            // Some levels of these are a megabyte of quotes.
            if !(12..=30).contains(&depth) {
                drop(value.map(|value| value.to_string()));
            }
        }
        // Arrays of records of arrays of records.
        let mut value = vec![0; 12];
        for depth in 1..=200 {
            let length = u32::try_from(value.len()).unwrap().to_be_bytes();
            let mut record = vec![0, 0, 0, 1];
            record.extend(2287_u32.to_be_bytes());
            record.extend(length);
            record.extend(value);
            let length = u32::try_from(record.len()).unwrap().to_be_bytes();
            value = vec![0, 0, 0, 1, 0, 0, 0, 0];
            value.extend(2249_u32.to_be_bytes());
            value.extend([0, 0, 0, 1, 0, 0, 0, 1]);
            value.extend(length);
            value.extend(record);
            if depth > 32 {
                assert!(read::<Value>(&Type::RECORD_ARRAY, &value).is_err());
            }
        }
        for text in ["{", "(", "[", "{[", "\"", "\\", "(\"", "{\"", "{{}"] {
            let text = text.repeat(20_000);
            for ty in [
                Type::INT4_ARRAY,
                Type::RECORD,
                Type::RECORD_ARRAY,
                Type::INT4RANGE,
                Type::INT4MULTIRANGE,
                Type::PATH,
                Type::POLYGON,
                hstore(),
                pair(),
            ] {
                let value = read_as::<Value>(&ty, Format::Text, text.as_bytes());
                assert!(value.is_err(), "{ty}");
            }
        }
    };
    let small = std::thread::Builder::new().stack_size(1024 * 1024);
    small.spawn(deep).unwrap().join().unwrap();
}

#[test]
fn security_42_up_to_six_dimensions() {
    for dimensions in 0..=6_usize {
        let lengths = vec![(1, 1); dimensions];
        let count = i32::try_from(dimensions).unwrap();
        let rest: &[u8] = if dimensions == 0 { &[] } else { &ONE };
        let raw = array(count, &lengths, rest);
        let read = read::<Array<i32>>(&Type::INT4_ARRAY, &raw).unwrap();
        assert_eq!(read.dimensions().len(), dimensions);
        assert_eq!(read.elements(), &[7][..usize::from(dimensions > 0)]);
    }
    for dimensions in [7, 8, 255, i32::MAX, -1, i32::MIN] {
        for given in [0, 6, 7, 8] {
            let raw = array(dimensions, &vec![(1, 1); given], &ONE);
            let error = read::<Array<i32>>(&Type::INT4_ARRAY, &raw).unwrap_err();
            assert!(
                error.to_string().ends_with("more than 6 dimensions"),
                "{error}"
            );
            assert!(read::<Value>(&Type::INT4_ARRAY, &raw).is_err());
            assert!(read::<Vec<i32>>(&Type::INT4_ARRAY, &raw).is_err());
        }
    }
    // More, or fewer, than there are.
    for (announced, given) in [(2, 1), (6, 5), (1, 0)] {
        let raw = array(announced, &vec![(1, 1); given], &ONE[..4]);
        assert!(read::<Array<i32>>(&Type::INT4_ARRAY, &raw).is_err());
    }
    let braces = |depth| format!("{}7{}", "{".repeat(depth), "}".repeat(depth));
    for depth in 1..10 {
        let text = braces(depth);
        let read = read_as::<Array<i32>>(&Type::INT4_ARRAY, Format::Text, text.as_bytes());
        assert_eq!(read.is_ok(), depth <= 6, "{text}");
    }
}

#[test]
fn security_42_lower_bounds_are_any_number_that_leaves_room() {
    for lower_bound in [i32::MIN, -1, 0, 1, i32::MAX - 1] {
        let raw = array(1, &[(1, lower_bound)], &ONE);
        let read = read::<Array<i32>>(&Type::INT4_ARRAY, &raw).unwrap();
        let length = 1;
        assert_eq!(
            read.dimensions(),
            [Dimension {
                length,
                lower_bound
            }]
        );
        for index in [i32::MIN, lower_bound, i32::MAX] {
            let expected = (index == lower_bound).then_some(&7);
            assert_eq!(read.get(&[index]), expected);
        }
        let mut out = BytesMut::new();
        for format in [Format::Text, Format::Binary] {
            out.clear();
            let _ = encode(0, &read, &Type::INT4_ARRAY, format, &mut out).unwrap();
            let again = read_as::<Array<i32>>(&Type::INT4_ARRAY, format, &out).unwrap();
            assert_eq!(again, read);
        }
    }
    let two = [ONE, ONE].concat();
    for (length, lower_bound) in [(1, i32::MAX), (2, i32::MAX - 1)] {
        let raw = array(
            1,
            &[(length, lower_bound)],
            &two[..8 * usize::try_from(length).unwrap()],
        );
        assert!(read::<Array<i32>>(&Type::INT4_ARRAY, &raw).is_err());
    }
    for text in [
        "[2147483647:2147483647]={7}",
        "[-2147483648:2147483647]={7}",
        "[2147483648:2147483648]={7}",
        "[1:0]={7}",
        "[1:99999999999999999999]={7}",
        "[1:1][1:1][1:1][1:1][1:1][1:1][1:1]={{{{{{{7}}}}}}}",
        "[0:2147483646]={7}",
    ] {
        let read = read_as::<Array<i32>>(&Type::INT4_ARRAY, Format::Text, text.as_bytes());
        assert!(read.is_err(), "{text}");
    }
}

#[test]
fn security_43_lengths_near_the_end_of_their_type_are_not_added_up() {
    for length in [
        i32::MAX,
        i32::MAX - 3,
        i32::MAX - 4,
        i32::MAX - 7,
        -2,
        i32::MIN,
    ] {
        let part = [&length.to_be_bytes()[..], &[0; 16]].concat();
        let counted = |head: &[u8]| [head, &part].concat();
        assert!(read::<Array<i32>>(&Type::INT4_ARRAY, &array(1, &[(1, 1)], &part)).is_err());
        assert!(read::<Range<i32>>(&Type::INT4RANGE, &counted(&[2])).is_err());
        assert!(read::<Multirange<i32>>(&Type::INT4MULTIRANGE, &counted(&[0, 0, 0, 1])).is_err());
        assert!(read::<Value>(&hstore(), &counted(&[0, 0, 0, 1])).is_err());
        assert!(read::<Value>(&Type::RECORD, &counted(&[0, 0, 0, 1, 0, 0, 0, 23])).is_err());
    }
}

proptest! {
    /// Overflow is a panic in tests: there is none in reading, writing, printing and comparing what lies at the ends of a type.
    #[test]
    fn security_43_numbers_at_the_ends_of_their_types(
        a in prop_oneof![Just(i64::MIN), Just(i64::MAX), i64::MIN..i64::MIN + 5, i64::MAX - 5..i64::MAX, any::<i64>()],
        b in prop_oneof![Just(i32::MIN), Just(i32::MAX), any::<i32>()],
        c in prop_oneof![Just(i32::MIN), Just(i32::MAX), any::<i32>()],
        d: [u8; 8],
    ) {
        let (a, b, c) = (a.to_be_bytes(), b.to_be_bytes(), c.to_be_bytes());
        let both = [&a[..], &b].concat();
        let all = [&a[..], &b, &c].concat();
        let numeric = [&[0, 2][..], &b[..2], &c[..2], &d[..2], &[0, 1, 0x27, 0x0f]].concat();
        macro_rules! check {
            ($($ty:expr => $rust:ty, $raw:expr;)*) => { $(
                if let Ok(value) = read::<$rust>(&$ty, $raw) {
                    let shown = (value.to_string(), format!("{value:?}"));
                    prop_assert!(!shown.0.is_empty() && !shown.1.is_empty());
                    for format in [Format::Text, Format::Binary] {
                        let mut out = BytesMut::new();
                        let _ = encode(0, &value, &$ty, format, &mut out).unwrap();
                        prop_assert_eq!(read_as::<$rust>(&$ty, format, &out).unwrap(), value.clone());
                    }
                }
                let _ = read::<Value>(&$ty, $raw).map(|value| value.to_string());
            )* };
        }
        check! {
            Type::DATE => Date, &b;
            Type::TIME => Time, &a;
            Type::TIMETZ => TimeTz, &both;
            Type::TIMESTAMP => Timestamp, &a;
            Type::TIMESTAMPTZ => TimestampTz, &a;
            Type::INTERVAL => Interval, &all;
            Type::NUMERIC => Numeric, &numeric;
        }
        let _ = read::<std::time::SystemTime>(&Type::TIMESTAMPTZ, &a);
        let _ = read::<std::time::Duration>(&Type::INTERVAL, &all);
    }
}
