//! Strings: the types whose binary form is their text, and the text form of types that this crate
//! does not know.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;

use super::integer::is_alias;
use super::{invalid, unsupported, utf8};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{Format, FromSql, IsNull, ToSql, Type, Value};

impl<'a> FromSql<'a> for &'a str {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        is_common(ty) || has_text(ty)
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if is_common(ty) {
            return utf8(raw);
        }
        read_binary(ty, raw)
    }

    #[inline]
    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        ty.note_label(raw);
        utf8(raw)
    }
}

/// The types of most strings, which the two functions above see to without a call.
#[inline]
fn is_common(ty: &Type) -> bool {
    matches!(
        ty.oid(),
        oids::TEXT | oids::VARCHAR | oids::BPCHAR | oids::NAME
    )
}

/// Whether a string is what to read such a value as, at least in the text format.
fn has_text(ty: &Type) -> bool {
    ty.is_text_like()
        || is_versioned(ty)
        || is_alias(ty)
        || matches!(
            ty.oid(),
            oids::XML | oids::VOID | oids::MONEY | oids::TSVECTOR | oids::TSQUERY | oids::ACLITEM
        )
        || is_internal(ty)
        || !ty.is_builtin()
}

/// Whether only the server itself makes such values, which it keeps in its catalogue.
fn is_internal(ty: &Type) -> bool {
    matches!(
        ty.oid(),
        oids::GTSVECTOR
            | oids::PG_NDISTINCT
            | oids::PG_DEPENDENCIES
            | oids::PG_MCV_LIST
            | oids::PG_BRIN_BLOOM_SUMMARY
            | oids::PG_BRIN_MINMAX_MULTI_SUMMARY
    )
}

/// Whether the binary form is a version, which is 1, and then the text.
pub(super) fn is_versioned(ty: &Type) -> bool {
    ty.oid() == oids::JSONB || ty.oid() == oids::JSONPATH
}

/// What stands behind the version.
pub(super) fn strip_version(raw: &[u8]) -> Result<&[u8], BoxError> {
    match raw {
        [VERSION, text @ ..] => Ok(text),
        [version, ..] => Err(invalid(format!(
            "version {version} of its binary form, of which only 1 is known"
        ))),
        [] => Err(invalid("no version before its text")),
    }
}

pub(super) const VERSION: u8 = 1;

fn read_binary<'a>(ty: &Type, raw: &'a [u8]) -> Result<&'a str, BoxError> {
    if is_versioned(ty) {
        return utf8(strip_version(raw)?);
    }
    if !(ty.is_text_like() || matches!(ty.oid(), oids::XML | oids::VOID)) {
        return Err(unsupported(
            "its binary form is not text: ask for the text format, or read it as a String",
        ));
    }
    // The zero byte of "char" is the empty string, as charout has it.
    if ty.oid() == oids::CHAR && raw == [0] {
        return Ok("");
    }
    ty.note_label(raw);
    utf8(raw)
}

impl<'a> FromSql<'a> for char {
    fn accepts(ty: &Type) -> bool {
        <&str as FromSql>::accepts(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        single(<&str>::from_binary(ty, raw)?)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        single(<&str>::from_text(ty, raw)?)
    }
}

fn single(text: &str) -> Result<char, BoxError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(char), None) => Ok(char),
        _ => Err(invalid("not exactly one character")),
    }
}

macro_rules! from_str {
    ($($owner:ty),*) => { $(
        impl<'a> FromSql<'a> for $owner {
            #[inline]
            fn accepts(ty: &Type) -> bool {
                <&str as FromSql>::accepts(ty)
            }

            #[inline]
            fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                if is_printed(ty) {
                    return print(ty, raw).map(Self::from);
                }
                match <&str>::from_binary(ty, raw) {
                    // A byte that is not ASCII is printed as charout does.
                    Err(_) if ty.oid() == oids::CHAR => print(ty, raw).map(Self::from),
                    text => text.map(Self::from),
                }
            }

            #[inline]
            fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                <&str>::from_text(ty, raw).map(Self::from)
            }
        }
    )* };
}

/// Whether the binary form of a type that is not built in is read and printed: what it consists of is known, so that it comes in binary.
#[inline]
fn is_printed(ty: &Type) -> bool {
    !ty.is_builtin() && !ty.is_text_like() && ty.preferred_format() == Format::Binary
}

#[cold]
fn print(ty: &Type, raw: &[u8]) -> Result<String, BoxError> {
    Value::from_binary(ty, raw)?.printed()
}

from_str!(String, Box<str>, Arc<str>, Cow<'a, str>);

impl ToSql for str {
    /// Every type: what is not text-like is sent in the text format, for the server to parse.
    fn accepts(&self, _: &Type) -> bool {
        true
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        has_binary(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if ty.oid() == oids::CHAR {
            return put_char(self, out);
        }
        if is_versioned(ty) {
            out.extend_from_slice(&[VERSION]);
        }
        put(self, out)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        put(self, out)
    }
}

fn has_binary(ty: &Type) -> bool {
    ty.is_text_like() || is_versioned(ty)
}

/// No text of PostgreSQL can hold a zero byte: found out here, the transaction lives on.
fn put(text: &str, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    if text.as_bytes().contains(&0) {
        return Err(invalid("a string with a zero byte cannot be stored"));
    }
    out.extend_from_slice(text.as_bytes());
    Ok(IsNull::No)
}

/// "char" is one byte: charrecv refuses more, and has none for the empty string. One that is not ASCII is printed as `\\ooo`.
fn put_char(text: &str, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    match *text.as_bytes() {
        [] => out.extend_from_slice(&[0]),
        [byte] => out.extend_from_slice(&[byte]),
        [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            let digit = |byte: u8| byte & 7;
            out.extend_from_slice(&[digit(a) << 6 | digit(b) << 3 | digit(c)]);
        }
        _ => return Err(invalid("not a single byte")),
    }
    Ok(IsNull::No)
}

macro_rules! to_str {
    ($($rust:ty: $value:ident => $text:expr;)*) => { $(
        impl ToSql for $rust {
            fn accepts(&self, _: &Type) -> bool {
                true
            }

            fn supports_binary(&self, ty: &Type) -> bool {
                has_binary(ty)
            }

            fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                let $value = self;
                $text.to_binary(ty, out)
            }

            fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                let $value = self;
                $text.to_text(ty, out)
            }
        }
    )* };
}

to_str! {
    String: value => value.as_str();
    char: value => value.encode_utf8(&mut [0; 4]);
}

#[cfg(test)]
mod tests {
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
        assert!(read::<String>(&column, &[0x80, 0x80]).is_err());
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
}
