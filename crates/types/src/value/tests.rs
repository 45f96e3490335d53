use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Value;
use crate::impls::testing::*;
use crate::{
    Array, BoxError, Column, Composite, CompositeFields, Converter, DecodeErrorKind, Dimension,
    EncodeErrorKind, Field, Format, Kind, Multirange, Range, ToSql, Type, TypeField,
};

fn pair() -> Type {
    let fields = [
        TypeField::new("a", Type::INT4),
        TypeField::new("b", Type::TEXT_ARRAY),
    ];
    Type::new(70_000, "pair", Kind::Composite, None).with_fields(fields)
}

fn values() -> Vec<(Type, Value, &'static str)> {
    let text_range = Type::new(70_001, "textrange", Kind::Range, Some(Type::TEXT));
    let hstore = Type::new(70_002, "hstore", Kind::Base, None);
    let mood = Type::new(70_003, "mood", Kind::Enum, None).with_labels([Box::from("sad")]);
    let dimensions = [
        Dimension {
            length: 1,
            lower_bound: 0,
        },
        Dimension::new(2),
    ];
    let elements = vec![Value::Int4(1), Value::Null];
    let one_two = Range::from(Value::Int4(1)..Value::Int4(2));
    vec![
        (Type::BOOL, Value::Bool(true), "t"),
        (Type::INT2, Value::Int2(-1), "-1"),
        (Type::INT4, Value::Int4(i32::MIN), "-2147483648"),
        (Type::INT8, Value::Int8(i64::MAX), "9223372036854775807"),
        (Type::OID, Value::Oid(u32::MAX), "4294967295"),
        (Type::FLOAT4, Value::Float4(1.5), "1.5"),
        (Type::FLOAT8, Value::Float8(-0.0), "-0"),
        (Type::TEXT, Value::from("a b"), "a b"),
        (Type::JSON, Value::from("{\"a\": 1}"), "{\"a\": 1}"),
        (Type::CHAR, Value::from("x"), "x"),
        (Type::CHAR, Value::from(""), ""),
        (mood, Value::from("sad"), "sad"),
        (Type::BYTEA, Value::from(vec![0, 255]), "\\x00ff"),
        (
            Type::INT4_ARRAY,
            Array::with_dimensions(elements, &dimensions)
                .unwrap()
                .into(),
            "[0:0][1:2]={{1,NULL}}",
        ),
        (
            Type::TEXT_ARRAY,
            vec![Value::from("a b"), Value::from("null")].into(),
            "{\"a b\",\"null\"}",
        ),
        (Type::INT4RANGE, one_two.clone().into(), "[1,2)"),
        (Type::INT4RANGE, Range::Empty.into(), "empty"),
        (
            text_range,
            Range::from(Value::from("a,")..).into(),
            "[\"a,\",)",
        ),
        (
            Type::INT4MULTIRANGE,
            Multirange::from([one_two, Range::from(Value::Int4(5)..)]).into(),
            "{[1,2),[5,)}",
        ),
        (
            pair(),
            Composite::new([Value::Int4(1), vec![Value::from("x"), Value::Null].into()]).into(),
            "(1,\"{x,NULL}\")",
        ),
        (
            hstore,
            Value::Hstore(BTreeMap::from([("a".into(), None)])),
            "\"a\"=>NULL",
        ),
    ]
}

#[test]
fn every_kind_in_both_formats() {
    for (ty, value, shown) in values() {
        round_trip(&value, &ty);
        assert_eq!(value.to_string(), shown, "{ty}");
        let raw = write(&value, &ty, Format::Text).unwrap().unwrap();
        if !matches!(value, Value::Float8(_)) {
            let float = matches!(value, Value::Float4(_));
            assert!(float || raw == shown.as_bytes(), "{ty}");
        }
        let column = binary(ty.clone());
        assert_eq!(
            Field::new(&column, None).decode::<Value>().unwrap(),
            Value::Null
        );
        let domain = Type::new(70_009, "d", Kind::Domain, Some(ty));
        round_trip(&value, &domain);
    }
}

#[test]
fn floats_are_printed_as_the_server_does() {
    let shown = |value: f64| Value::Float8(value).to_string();
    for (value, text) in [
        (0.0, "0"),
        (1.0, "1"),
        (-1.25, "-1.25"),
        (100.0, "100"),
        (123_456_789_012_345.0, "123456789012345"),
        (1e15, "1e+15"),
        (1.5e300, "1.5e+300"),
        (0.0001, "0.0001"),
        (0.000_123, "0.000123"),
        (0.000_01, "1e-05"),
        (-2.5e-7, "-2.5e-07"),
        (0.1 + 0.2, "0.30000000000000004"),
        (18_014_398_509_481_992.0, "1.8014398509481992e+16"),
        (1e22, "1e+22"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (5e-324, "5e-324"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(shown(value), text);
    }
    let shown = |value: f32| Value::Float4(value).to_string();
    for (value, text) in [
        (0.1, "0.1"),
        (123_456.0, "123456"),
        (1_234_567.0, "1.234567e+06"),
        (1e6, "1e+06"),
        (123_456_000_000.0, "1.23455996e+11"),
        (-123_456_000_000.0, "-1.23455996e+11"),
        (f32::MAX, "3.4028235e+38"),
        (12_345.5, "12345.5"),
        (1e-5, "1e-05"),
    ] {
        assert_eq!(shown(value), text);
    }
}

#[test]
fn what_is_not_known_comes_as_text_or_as_it_is() {
    let unknown = Type::unknown(70_000);
    let money = Column::new("a", Type::MONEY, Format::Text);
    assert_eq!(
        read::<Value>(&money, b"$1.00").unwrap(),
        Value::from("$1.00")
    );
    assert_eq!(
        read::<Value>(&text(unknown.clone()), b"{1}").unwrap(),
        Value::from("{1}")
    );
    let value = read::<Value>(&binary(unknown.clone()), b"\x01").unwrap();
    assert_eq!(value, Value::Binary(unknown.clone(), vec![1]));
    assert_eq!(value.to_string(), "\\x01");
    assert_eq!(
        write(&value, &unknown, Format::Binary).unwrap().unwrap(),
        [1]
    );
    assert_eq!(
        write_failure(&value, &unknown, Format::Text).0,
        EncodeErrorKind::Unsupported
    );
    assert_eq!(
        write_failure(&value, &Type::INT4, Format::Binary).0,
        EncodeErrorKind::WrongType
    );
    // A record tells the types of its fields in binary only.
    let (a, b) = (1, ["x"]);
    let fields = CompositeFields::InOrder(&[&a, &b]);
    for (format, expected) in [
        (
            Format::Binary,
            vec![Value::Int4(1), vec![Value::from("x")].into()],
        ),
        (Format::Text, vec![Value::from("1"), Value::from("{x}")]),
    ] {
        let raw = write(&fields, &pair(), format).unwrap().unwrap();
        let column = Column::new("a", Type::RECORD, format);
        let value: Value = read(&column, &raw).unwrap();
        assert_eq!(value.as_composite().unwrap().values(), expected);
        assert_eq!(value.to_string(), "(1,{x})");
    }
    assert_eq!(
        read::<Value>(&binary(Type::CHAR), &[0x80]).unwrap(),
        Value::from("\\200")
    );
}

#[test]
fn fields_have_names() {
    let composite = Composite::new([Value::Int4(1), Value::Null]);
    assert_eq!((composite.name(0), composite.get("a")), (None, None));
    let raw = write(&composite, &pair(), Format::Binary).unwrap().unwrap();
    let column = binary(pair());
    let value: Value = read(&column, &raw).unwrap();
    let composite = value.as_composite().unwrap();
    assert_eq!(composite.get("a").and_then(Value::as_i64), Some(1));
    assert!(composite.get("b").unwrap().is_null());
    assert_eq!(composite.get("c"), None);
    assert_eq!(composite.ty(), Some(&pair()));
}

/// A record within a record, so many times.
fn nested(depth: usize) -> Vec<u8> {
    let mut raw = vec![0, 0, 0, 0];
    for _ in 0..depth {
        let length = u32::try_from(raw.len()).unwrap().to_be_bytes();
        let header = [0, 0, 0, 1].into_iter().chain(2249_u32.to_be_bytes());
        raw = header.chain(length).chain(raw).collect();
    }
    raw
}

#[test]
fn security_41_records_within_records_have_an_end() {
    let column = binary(Type::RECORD);
    for depth in [0, 1, 60] {
        let raw = nested(depth);
        assert!(read::<Value>(&column, &raw).is_ok(), "{depth}");
    }
    for depth in [65, 5_000] {
        let raw = nested(depth);
        assert_eq!(
            failure::<Value>(&column, &raw),
            (
                DecodeErrorKind::Invalid,
                "column \"a\" (record) cannot be read as Value: values within values are nested too deeply".into()
            )
        );
    }
    // It was left as deep as it was entered.
    assert!(read::<Value>(&column, &nested(60)).is_ok());
}

/// Every record around a quote doubles it: sixty of them would become more text than there is memory for.
#[test]
fn security_41_what_is_nested_deeply_is_not_printed_for_ever() {
    let column = binary(Type::RECORD);
    let raw = nested(2);
    let value: Value = read(&column, &raw).unwrap();
    assert_eq!(value.to_string(), "(\"(\"\"()\"\")\")");
    let printed = |depth| {
        let raw = nested(depth);
        let value: Value = read(&column, &raw).unwrap();
        (value.to_string(), value.as_composite().unwrap().to_string())
    };
    let (text, _) = printed(18);
    assert!(text.starts_with("(\"(\"\"(") && text.len() < 2 << 20);
    let (text, composite) = printed(60);
    assert!(text.starts_with("Composite(") && text.len() < 100_000);
    assert!(composite.starts_with("Composite {") && composite.len() < 100_000);
    // A string is the text, or nothing.
    let fields = [TypeField::new("a", Type::RECORD)];
    let ty = Type::new(70_030, "deep", Kind::Composite, None).with_fields(fields);
    let (_, message) = failure::<String>(&binary(ty), &nested(60));
    assert!(
        message.ends_with("values within values are nested too deeply to be printed"),
        "{message}"
    );
}

#[test]
fn few_levels_are_printed_whatever_they_hold() {
    let quotes = Value::from("\"".repeat(1 << 16));
    let mut value = Value::from(Composite::new([quotes]));
    for _ in 0..3 {
        value = Value::from(Composite::new([value]));
    }
    assert!(value.to_string().len() > 1 << 20);
}

proptest! {
    #[test]
    fn security_41_any_bytes_are_read_or_refused(raw: Vec<u8>) {
        for (ty, _, _) in values().into_iter().chain([(Type::RECORD, Value::Null, "")]) {
            for format in FORMATS {
                if let Ok(value) = read::<Value>(&Column::new("a", ty.clone(), format), &raw) {
                    let _ = value.to_string();
                }
            }
        }
    }
}

#[test]
fn values_widen_as_what_they_hold() {
    assert_eq!(
        write(&Value::Int4(7), &Type::INT8, Format::Binary)
            .unwrap()
            .unwrap(),
        [0, 0, 0, 0, 0, 0, 0, 7]
    );
    assert_eq!(
        write_failure(&Value::Int8(1 << 40), &Type::INT4, Format::Binary).0,
        EncodeErrorKind::OutOfRange
    );
    assert_eq!(
        write(&Value::Null, &Type::UUID, Format::Binary).unwrap(),
        None
    );
    assert_eq!(
        write(&Value::from(None::<i32>), &Type::UUID, Format::Binary).unwrap(),
        None
    );
    assert!(!Value::from("x").supports_binary(&Type::UUID));
    assert!(!Value::Bool(true).accepts(&Type::INT4));
    assert_eq!(Value::from(Some(1_i16)), Value::Int2(1));
}

#[test]
fn a_converter_decides_for_a_type_and_its_array() {
    let shout = Converter::new(Format::Text, |ty, raw, format| {
        assert_eq!((ty.oid(), format), (23, Format::Text));
        let text = std::str::from_utf8(raw).map_err(BoxError::from)?;
        Ok(Value::Text(format!("{text}!")))
    });
    let int4 = Type::INT4.with_converter(shout);
    let array = Type::INT4_ARRAY.with_element(int4.clone());
    assert_eq!(
        read::<Value>(&text(int4.clone()), b"7").unwrap(),
        Value::from("7!")
    );
    assert_eq!(
        read::<Value>(&text(array.clone()), b"{7}").unwrap(),
        vec![Value::from("7!")].into()
    );
    for ty in [&int4, &array] {
        assert_eq!(ty.preferred_format(), Format::Text);
    }
    // It stays the type that it was, for everything else.
    assert_eq!(int4, Type::INT4);
    assert_eq!(
        (int4.to_string(), array.to_string()),
        ("int4".into(), "int4[]".into())
    );
    assert_eq!(int4.array(), Some(Type::INT4_ARRAY));
    assert_eq!(read::<i32>(&text(int4.clone()), b"7").unwrap(), 7);
    assert_eq!(
        failure::<String>(&text(int4), b"7").0,
        DecodeErrorKind::WrongType
    );
    // Elements of another type are none for it.
    assert_eq!(
        Type::INT4_ARRAY.with_element(Type::TEXT).element(),
        Some(Type::INT4)
    );
    let loud = Converter::new(Format::Binary, |_, _, _| Ok(Value::Null));
    assert_eq!(
        Type::TEXT.with_converter(loud).preferred_format(),
        Format::Binary
    );
}

#[cfg(feature = "serde")]
#[test]
fn values_as_json() {
    let json = |value: &Value| serde_json::to_string(value).unwrap();
    let shown: Vec<_> = values().iter().map(|(_, value, _)| json(value)).collect();
    assert_eq!(
        shown,
        [
            "true",
            "-1",
            "-2147483648",
            "9223372036854775807",
            "4294967295",
            "1.5",
            "-0.0",
            "\"a b\"",
            "\"{\\\"a\\\": 1}\"",
            "\"x\"",
            "\"\"",
            "\"sad\"",
            "\"\\\\x00ff\"",
            "[[1,null]]",
            "[\"a b\",\"null\"]",
            "\"[1,2)\"",
            "\"empty\"",
            "\"[\\\"a,\\\",)\"",
            "\"{[1,2),[5,)}\"",
            "{\"f1\":1,\"f2\":[\"x\",null]}",
            "{\"a\":null}"
        ]
    );
    assert_eq!(json(&Value::Null), "null");
    assert_eq!(json(&Value::Float8(f64::NAN)), "\"NaN\"");
    let raw = write(
        &Composite::new([Value::Int4(1), Value::Null]),
        &pair(),
        Format::Text,
    );
    let column = text(pair());
    let raw = raw.unwrap().unwrap();
    assert_eq!(json(&read(&column, &raw).unwrap()), "{\"a\":1,\"b\":null}");
}
