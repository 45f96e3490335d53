use std::fmt::Debug;

use proptest::prelude::*;

use super::*;
use crate::impls::testing::*;
use crate::{Column, DecodeErrorKind, EncodeErrorKind, Format};

const TYPES: [Type; 9] = [
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::OID,
    Type::XID,
    Type::CID,
    Type::XID8,
    Type::REGCLASS,
    Type::REGTYPE,
];

/// The smallest and the largest value of a type.
fn range(ty: &Type) -> (i128, i128) {
    match ty.oid() {
        oids::INT2 => (i16::MIN.into(), i16::MAX.into()),
        oids::INT4 => (i32::MIN.into(), i32::MAX.into()),
        oids::INT8 => (i64::MIN.into(), i64::MAX.into()),
        oids::XID8 => (0, u64::MAX.into()),
        _ => (0, u32::MAX.into()),
    }
}

/// The value as the server would send it.
fn sent(value: i128, ty: &Type, format: Format) -> Vec<u8> {
    match i64::try_from(value) {
        Ok(value) => write(&value, ty, format).unwrap().unwrap(),
        Err(_) => write(&u64::try_from(value).unwrap(), ty, format)
            .unwrap()
            .unwrap(),
    }
}

/// Reads and writes `value` as `T` wherever both ends can hold it, and fails wherever not.
fn check_everywhere<T>(value: i128)
where
    T: for<'a> FromSql<'a> + ToSql + TryFrom<i128> + PartialEq + Debug,
{
    for ty in &TYPES {
        let (min, max) = range(ty);
        let fits_type = (min..=max).contains(&value);
        let rust = T::try_from(value).ok();
        for format in FORMATS {
            if let Some(rust) = &rust {
                let written = write(rust, ty, format);
                assert_eq!(written.is_ok(), fits_type, "{value} to {ty}");
            }
            if fits_type {
                let raw = sent(value, ty, format);
                let column = Column::new("a", ty.clone(), format);
                match (read::<T>(&column, &raw), &rust) {
                    (Ok(read), Some(rust)) => assert_eq!(&read, rust),
                    (Err(error), None) => {
                        assert_eq!(error.kind(), DecodeErrorKind::OutOfRange);
                    }
                    (read, rust) => panic!("{value} from {ty}: {read:?} for {rust:?}"),
                }
            }
        }
    }
}

fn check_every_rust_type(value: i128) {
    check_everywhere::<i8>(value);
    check_everywhere::<u16>(value);
    check_everywhere::<u64>(value);
    check_everywhere::<i16>(value);
    check_everywhere::<i32>(value);
    check_everywhere::<i64>(value);
    check_everywhere::<u32>(value);
}

#[test]
fn the_edges_of_every_type() {
    for ty in &TYPES {
        let (min, max) = range(ty);
        for edge in [min, max, 0, -1, 1] {
            for value in [edge.saturating_sub(1), edge, edge.saturating_add(1)] {
                check_every_rust_type(value);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_value_in_any_type(value: i64, small: i16, middle: i32, unsigned: u64) {
        check_every_rust_type(value.into());
        check_every_rust_type(unsigned.into());
        check_every_rust_type(small.into());
        check_every_rust_type(middle.into());
    }

    #[test]
    fn any_byte_as_char(value: i8) {
        let raw = write(&value, &Type::CHAR, Format::Binary).unwrap().unwrap();
        prop_assert_eq!(read::<i8>(&binary(Type::CHAR), &raw).unwrap(), value);
        // What charout writes, before and since PostgreSQL 16.
        let byte = value.to_be_bytes();
        prop_assert_eq!(read::<i8>(&text(Type::CHAR), &byte).unwrap(), value);
        if value < 0 {
            let octal = format!("\\{:03o}", byte[0]);
            prop_assert_eq!(read::<i8>(&text(Type::CHAR), octal.as_bytes()).unwrap(), value);
        } else {
            round_trip(&value, &Type::CHAR);
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_send_functions() {
    let written = |value: &dyn ToSql, ty: Type, format| write(value, &ty, format).unwrap();
    let binary = Format::Binary;
    assert_eq!(written(&-2_i64, Type::INT2, binary).unwrap(), [0xff, 0xfe]);
    assert_eq!(written(&1_i16, Type::INT4, binary).unwrap(), [0, 0, 0, 1]);
    assert_eq!(written(&-1_i32, Type::INT8, binary).unwrap(), [0xff; 8]);
    assert_eq!(
        written(&0x8000_0001_u32, Type::OID, binary).unwrap(),
        [0x80, 0, 0, 1]
    );
    assert_eq!(
        written(&i64::MIN, Type::INT8, Format::Text).unwrap(),
        b"-9223372036854775808"
    );
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    assert_eq!(
        failure::<i32>(&binary(Type::INT8), &3_000_000_000_i64.to_be_bytes()),
        (
            DecodeErrorKind::OutOfRange,
            r#"column "a" (int8) cannot be read as i32: 3000000000 does not fit"#.into()
        )
    );
    assert_eq!(
        failure::<i16>(&text(Type::INT4), b"-32769"),
        (
            DecodeErrorKind::OutOfRange,
            r#"column "a" (int4) cannot be read as i16: -32769 does not fit"#.into()
        )
    );
    assert_eq!(
        failure::<u32>(&binary(Type::INT4), &[0xff; 4]).0,
        DecodeErrorKind::OutOfRange
    );
    assert_eq!(
        failure::<i64>(&text(Type::XID8), b"9223372036854775808"),
        (
            DecodeErrorKind::OutOfRange,
            r#"column "a" (xid8) cannot be read as i64: 9223372036854775808 does not fit"#.into()
        )
    );
    assert_eq!(
        failure::<i64>(&text(Type::INT8), "9".repeat(60).as_bytes()),
        (
            DecodeErrorKind::OutOfRange,
            r#"column "a" (int8) cannot be read as i64: the value does not fit"#.into()
        )
    );
    // The value is a parameter's, hence a possible secret: the text does not show it.
    for format in FORMATS {
        assert_eq!(
            write_failure(&70_000_i32, &Type::INT2, format),
            (
                EncodeErrorKind::OutOfRange,
                "parameter $1 (int2) cannot be written from i32: the value does not fit".into()
            )
        );
        assert_eq!(
            write_failure(&-1_i64, &Type::OID, format).0,
            EncodeErrorKind::OutOfRange
        );
    }
}

#[test]
fn what_is_no_integer_is_an_error() {
    for length in [0_usize, 1, 3, 5, 7, 9, 16] {
        for ty in TYPES {
            let (kind, text) = failure::<i64>(&binary(ty), &vec![0; length]);
            assert_eq!(kind, DecodeErrorKind::Invalid);
            assert!(
                text.contains(&format!(": {length} bytes instead of ")),
                "{text}"
            );
        }
    }
    assert_eq!(
        failure::<i32>(&binary(Type::INT4), &[0; 8]).1,
        r#"column "a" (int4) cannot be read as i32: 8 bytes instead of 4"#
    );
    for raw in ["", "-", " 1", "1 ", "1.0", "0x1", "1e3", "--1", "1\0", "١"] {
        assert_eq!(
            failure::<i32>(&text(Type::INT4), raw.as_bytes()),
            (
                DecodeErrorKind::Invalid,
                r#"column "a" (int4) cannot be read as i32: not an integer"#.into()
            ),
            "{raw:?}"
        );
    }
    assert_eq!(
        failure::<i32>(&text(Type::INT4), &[b'1', 0xff]).1,
        r#"column "a" (int4) cannot be read as i32: not valid UTF-8 at byte 1"#
    );
    for raw in ["ab", "\\20", "\\400", "\\2000", "\\280", "\\208", "\\x41"] {
        assert_eq!(
            failure::<i8>(&text(Type::CHAR), raw.as_bytes()),
            (
                DecodeErrorKind::Invalid,
                r#"column "a" ("char") cannot be read as i8: not a single byte"#.into()
            ),
            "{raw:?}"
        );
    }
}

#[test]
fn char_in_text() {
    assert_eq!(read::<i8>(&text(Type::CHAR), b"").unwrap(), 0);
    assert_eq!(read::<i8>(&text(Type::CHAR), b"\\").unwrap(), 0x5c);
    assert_eq!(read::<i8>(&text(Type::CHAR), b"\\200").unwrap(), i8::MIN);
    assert_eq!(read::<i8>(&text(Type::CHAR), b"\\377").unwrap(), -1);
    assert_eq!(
        write_failure(&-1_i8, &Type::CHAR, Format::Text),
        (
            EncodeErrorKind::Unsupported,
            "parameter $1 (\"char\") cannot be written from i8: a negative one has no text form"
                .into()
        )
    );
}

#[test]
fn other_types_are_refused_before_their_bytes_are_looked_at() {
    for ty in [Type::FLOAT8, Type::TEXT, Type::CHAR, Type::unknown(70_000)] {
        for format in FORMATS {
            let column = Column::new("a", ty.clone(), format);
            assert_eq!(failure::<i64>(&column, b"1").0, DecodeErrorKind::WrongType);
            assert_eq!(failure::<u32>(&column, b"1").0, DecodeErrorKind::WrongType);
            assert_eq!(
                write_failure(&1_i64, &ty, format).0,
                EncodeErrorKind::WrongType
            );
        }
    }
    // What a numeric holds need not be an integer.
    assert_eq!(
        failure::<i64>(&text(Type::NUMERIC), b"1").0,
        DecodeErrorKind::WrongType
    );
}

#[test]
fn every_integer_is_written_as_a_numeric() {
    for (value, digits) in [
        (&-1_i8 as &dyn ToSql, "-1"),
        (&u16::MAX, "65535"),
        (&i64::MIN, "-9223372036854775808"),
        (&u64::MAX, "18446744073709551615"),
    ] {
        for format in FORMATS {
            let raw = write(value, &Type::NUMERIC, format).unwrap().unwrap();
            let column = Column::new("a", Type::NUMERIC, format);
            assert_eq!(read::<Numeric>(&column, &raw).unwrap().to_string(), digits);
        }
    }
}

#[test]
fn the_name_of_an_object_is_no_oid() {
    let column = text(Type::REGCLASS);
    assert_eq!(read::<u32>(&column, b"-").unwrap(), 0);
    assert_eq!(read::<u32>(&column, b"4294967295").unwrap(), u32::MAX);
    for raw in [
        "pg_class",
        "\"123\"",
        "+(integer,integer)",
        "4294967296",
        "",
    ] {
        assert_eq!(
            failure::<u32>(&column, raw.as_bytes()),
            (
                DecodeErrorKind::Unsupported,
                r#"column "a" (regclass) cannot be read as u32: in the text format it is a name: read it as a string, or cast it to oid"#.into()
            )
        );
    }
}
