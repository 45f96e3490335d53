use proptest::prelude::*;

use super::*;
use crate::impls::testing::*;
use crate::{Column, DecodeErrorKind, EncodeErrorKind, Kind};

fn text_like() -> Vec<Type> {
    vec![
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::UNKNOWN,
        Type::JSON,
        Type::REFCURSOR,
        Type::new(70_000, "mood", Kind::Enum, None),
        Type::new(70_001, "citext", Kind::Base, None),
    ]
}

fn check(value: &str) {
    for ty in text_like() {
        round_trip(&value.to_owned(), &ty);
        for format in FORMATS {
            let raw = write(&value, &ty, format).unwrap().unwrap();
            assert_eq!(raw, value.as_bytes());
            let column = Column::new("a", ty.clone(), format);
            let borrowed: &str = read(&column, &raw).unwrap();
            assert_eq!(borrowed.as_bytes().as_ptr(), raw.as_ptr());
            assert_eq!(*read::<Box<str>>(&column, &raw).unwrap(), *value);
            assert_eq!(*read::<Arc<str>>(&column, &raw).unwrap(), *value);
            let cow: Cow<'_, str> = read(&column, &raw).unwrap();
            assert!(matches!(cow, Cow::Borrowed(text) if text == value));
        }
    }
}

#[test]
fn the_extremes() {
    for value in [
        "",
        " ",
        "x",
        "\u{1}\u{10ffff}",
        "é\r\n\t\\'\"",
        &"ü".repeat(1000),
    ] {
        check(value);
    }
}

proptest! {
    #[test]
    fn any_string(value in "[^\0]*") {
        check(&value);
    }

    #[test]
    fn any_char(value: char) {
        prop_assume!(value != '\0');
        for ty in text_like() {
            round_trip(&value, &ty);
        }
    }
}

#[test]
fn invalid_utf8_is_an_error() {
    for (raw, at) in [
        (&[0xff][..], 0),
        (b"ab\x80", 2),
        (b"a\xc3", 1),
        (b"\xed\xa0\x80", 0),
        (b"\xc0\x80", 0),
    ] {
        for format in FORMATS {
            let column = Column::new("a", Type::TEXT, format);
            let reason = format!("not valid UTF-8 at byte {at}");
            assert_eq!(
                failure::<&str>(&column, raw),
                (
                    DecodeErrorKind::Invalid,
                    format!(r#"column "a" (text) cannot be read as &str: {reason}"#)
                )
            );
            assert_eq!(
                failure::<String>(&column, raw).1,
                format!(r#"column "a" (text) cannot be read as String: {reason}"#)
            );
        }
    }
}

#[test]
fn a_type_that_is_not_built_in_is_read_from_its_text() {
    for ty in [
        Type::unknown(70_000),
        Type::new(70_001, "ltree", Kind::Base, None),
        Type::new(70_002, "pair", Kind::Composite, None),
    ] {
        assert_eq!(read::<&str>(&text(ty.clone()), b"(1,2)").unwrap(), "(1,2)");
        assert_eq!(read::<String>(&text(ty.clone()), b"").unwrap(), "");
        let (kind, message) = failure::<String>(&binary(ty.clone()), b"x");
        assert_eq!(kind, DecodeErrorKind::Unsupported);
        assert_eq!(
            message,
            format!(
                r#"column "a" ({ty}) cannot be read as String: its binary form is not text: ask for the text format, or read it as a String"#
            )
        );
    }
    for format in FORMATS {
        let column = Column::new("a", Type::XML, format);
        assert_eq!(read::<&str>(&column, b"<a/>").unwrap(), "<a/>");
    }
}

#[test]
fn what_comes_in_binary_is_printed() {
    let mood = Type::new(70_000, "mood", Kind::Enum, None);
    let moods = Type::new(70_001, "_mood", Kind::Array, Some(mood));
    for format in FORMATS {
        let raw = write(&["a b", "c"], &moods, format).unwrap().unwrap();
        let column = Column::new("a", moods.clone(), format);
        assert_eq!(read::<String>(&column, &raw).unwrap(), "{\"a b\",c}");
        assert_eq!(
            *read::<Cow<'_, str>>(&column, &raw).unwrap(),
            *"{\"a b\",c}"
        );
    }
    // A string that is borrowed has nothing to borrow from.
    let raw = write(&["a"], &moods, Format::Binary).unwrap().unwrap();
    let (kind, message) = failure::<&str>(&binary(moods), &raw);
    assert_eq!(kind, DecodeErrorKind::Unsupported);
    assert!(message.ends_with("read it as a String"), "{message}");
}

#[test]
fn a_version_stands_before_the_text_of_jsonb_and_jsonpath() {
    for ty in [Type::JSONB, Type::JSONPATH] {
        round_trip(&String::from("{\"a\": 1}"), &ty);
        assert_eq!(read::<&str>(&binary(ty.clone()), b"\x01$").unwrap(), "$");
        assert_eq!(read::<&str>(&text(ty.clone()), b"$").unwrap(), "$");
        let written = write(&"$", &ty, Format::Binary).unwrap();
        assert_eq!(written.unwrap(), b"\x01$");
        for (raw, reason) in [
            (&b""[..], "no version before its text"),
            (
                b"\x02$",
                "version 2 of its binary form, of which only 1 is known",
            ),
            (
                b"{}",
                "version 123 of its binary form, of which only 1 is known",
            ),
            (b"\x01\xff", "not valid UTF-8 at byte 0"),
        ] {
            assert_eq!(
                failure::<&str>(&binary(ty.clone()), raw).1,
                format!(r#"column "a" ({ty}) cannot be read as &str: {reason}"#)
            );
        }
    }
}

#[test]
fn money_and_names_of_objects_are_strings_in_the_text_format_alone() {
    for ty in [
        Type::MONEY,
        Type::REGCLASS,
        Type::REGTYPE,
        Type::REGNAMESPACE,
    ] {
        assert_eq!(
            read::<&str>(&text(ty.clone()), b"-$1,234.50").unwrap(),
            "-$1,234.50"
        );
        assert_eq!(
            failure::<&str>(&binary(ty.clone()), &[0; 4]).0,
            DecodeErrorKind::Unsupported
        );
        assert!(!"x".supports_binary(&ty));
    }
    for format in FORMATS {
        let column = Column::new("a", Type::VOID, format);
        assert_eq!(read::<&str>(&column, b"").unwrap(), "");
    }
}

#[test]
fn built_in_types_of_another_kind_are_not_read_as_strings() {
    for ty in [
        Type::INT4,
        Type::BOOL,
        Type::BYTEA,
        Type::NUMERIC,
        Type::TEXT_ARRAY,
        Type::UUID,
    ] {
        for format in FORMATS {
            let column = Column::new("a", ty.clone(), format);
            assert_eq!(
                failure::<&str>(&column, b"1").0,
                DecodeErrorKind::WrongType,
                "{ty}"
            );
            assert_eq!(
                failure::<char>(&column, b"1").0,
                DecodeErrorKind::WrongType,
                "{ty}"
            );
        }
    }
}

#[test]
fn a_string_is_written_to_every_type_as_text() {
    let unknown = Type::unknown(70_000);
    for ty in [
        Type::INT4,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::XML,
        unknown,
    ] {
        let value = String::from("4,2");
        assert!(!value.supports_binary(&ty));
        assert!(!'4'.supports_binary(&ty));
        assert_eq!(write(&value, &ty, Format::Text).unwrap().unwrap(), b"4,2");
        assert_eq!(
            write_failure(&"4,2", &ty, Format::Binary),
            (
                EncodeErrorKind::Unsupported,
                format!(
                    "parameter $1 ({ty}) cannot be written from str: it can only be sent in the text format"
                )
            )
        );
    }
    for ty in text_like() {
        assert!("x".supports_binary(&ty), "{ty}");
        assert!('x'.supports_binary(&ty), "{ty}");
    }
}

#[test]
fn a_zero_byte_is_refused() {
    for format in FORMATS {
        assert_eq!(
            write_failure(&"secret\0", &Type::TEXT, format),
            (
                EncodeErrorKind::Invalid,
                "parameter $1 (text) cannot be written from str: a string with a zero byte cannot be stored"
                    .into()
            )
        );
        assert_eq!(
            write_failure(&'\0', &Type::TEXT, format).0,
            EncodeErrorKind::Invalid
        );
    }
}

#[test]
fn char_holds_one_byte() {
    let column = binary(Type::CHAR);
    assert_eq!(read::<&str>(&column, b"x").unwrap(), "x");
    assert_eq!(read::<&str>(&column, &[0]).unwrap(), "");
    assert_eq!(
        failure::<&str>(&column, &[0x80]).0,
        DecodeErrorKind::Invalid
    );
    assert_eq!(read::<&str>(&text(Type::CHAR), b"").unwrap(), "");
    assert_eq!(read::<char>(&column, b"x").unwrap(), 'x');

    // As charout prints what is not ASCII, since PostgreSQL 16.
    for (byte, printed) in [(0x80, "\\200"), (0xff, "\\377")] {
        assert_eq!(read::<String>(&column, &[byte]).unwrap(), printed);
        assert_eq!(
            write(&printed, &Type::CHAR, Format::Binary)
                .unwrap()
                .unwrap(),
            [byte]
        );
    }
    for longer in [&[0x80, 0x80][..], b"xy", b"\\100"] {
        assert!(read::<String>(&column, longer).is_err());
        assert!(read::<&str>(&column, longer).is_err());
    }
    for wrong in ["\\400", "\\28", "\\2000", "\\08a"] {
        assert!(
            write(&wrong, &Type::CHAR, Format::Binary).is_err(),
            "{wrong}"
        );
    }
    let written = |value: &str| write(&value, &Type::CHAR, Format::Binary);
    assert_eq!(written("x").unwrap().unwrap(), b"x");
    assert_eq!(written("").unwrap().unwrap(), [0]);
    for value in ["xy", "é"] {
        assert_eq!(
            written(value).unwrap_err().to_string(),
            r#"parameter $1 ("char") cannot be written from str: not a single byte"#
        );
    }
}

#[test]
fn a_rust_char_is_exactly_one_character() {
    for raw in ["", "ab", "e\u{301}"] {
        assert_eq!(
            failure::<char>(&text(Type::TEXT), raw.as_bytes()),
            (
                DecodeErrorKind::Invalid,
                r#"column "a" (text) cannot be read as char: not exactly one character"#.into()
            )
        );
    }
}
