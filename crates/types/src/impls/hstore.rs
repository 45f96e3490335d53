//! `hstore`, the extension's type: keys with values that may be NULL.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use bytes::{BufMut as _, BytesMut};

use super::parts::{self, Reader};
use super::quoting::{quote, take_byte, take_quoted};
use super::{invalid, unsupported, utf8};
use crate::error::BoxError;
use crate::{FromSql, IsNull, ToSql, Type};

type Pair = (String, Option<String>);

fn accepts(ty: &Type) -> bool {
    ty.is_hstore() || ty.is_unknown()
}

fn read_binary(ty: &Type, raw: &[u8]) -> Result<Vec<Pair>, BoxError> {
    if ty.is_unknown() {
        return Err(unsupported(
            "nothing is known of its type: ask for the text format",
        ));
    }
    let mut reader = Reader::new(raw);
    // Each is two lengths at least.
    let count = reader.count(8)?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let key = reader
            .value()?
            .ok_or_else(|| invalid("a key that is NULL"))?;
        let value = reader.value()?.map(utf8).transpose()?;
        pairs.push((utf8(key)?.to_owned(), value.map(str::to_owned)));
    }
    reader.end()?;
    Ok(pairs)
}

/// As `hstore_out` writes it: everything quoted but NULL, and a comma and a space between pairs.
fn read_text(mut text: &[u8]) -> Result<Vec<Pair>, BoxError> {
    let text = &mut text;
    let mut pairs = Vec::new();
    while !text.is_empty() {
        if !pairs.is_empty() {
            take_bytes(text, b", ", "no comma between pairs")?;
        }
        let key = take_string(text, "a key without quotes")?;
        take_bytes(text, b"=>", "no arrow behind a key")?;
        let value = match text.strip_prefix(b"NULL") {
            Some(rest) => {
                *text = rest;
                None
            }
            None => Some(take_string(text, "a value without quotes")?),
        };
        pairs.push((key, value));
    }
    Ok(pairs)
}

fn take_bytes(text: &mut &[u8], bytes: &[u8], otherwise: &'static str) -> Result<(), BoxError> {
    if bytes.iter().all(|&byte| take_byte(text, byte)) {
        Ok(())
    } else {
        Err(invalid(otherwise))
    }
}

fn take_string(text: &mut &[u8], otherwise: &'static str) -> Result<String, BoxError> {
    if text.first() != Some(&b'"') {
        return Err(invalid(otherwise));
    }
    Ok(utf8(&take_quoted(text, false)?)?.to_owned())
}

fn write_binary<'a>(
    pairs: impl ExactSizeIterator<Item = (&'a String, &'a Option<String>)>,
    out: &mut BytesMut,
) -> Result<IsNull, BoxError> {
    out.put_i32(parts::length(pairs.len())?);
    for (key, value) in pairs {
        let _ = parts::write_binary(key, &Type::TEXT, out)?;
        let _ = parts::write_binary(value, &Type::TEXT, out)?;
    }
    Ok(IsNull::No)
}

fn write_text<'a>(
    pairs: impl Iterator<Item = (&'a String, &'a Option<String>)>,
    out: &mut BytesMut,
) -> Result<IsNull, BoxError> {
    for (place, (key, value)) in pairs.enumerate() {
        out.extend_from_slice(if place > 0 { b", " } else { b"" });
        write_string(key, out)?;
        out.extend_from_slice(b"=>");
        match value {
            Some(value) => write_string(value, out)?,
            None => out.extend_from_slice(b"NULL"),
        }
    }
    Ok(IsNull::No)
}

/// As the server prints it: shorter keys stand first.
pub(crate) fn print(
    map: &BTreeMap<String, Option<String>>,
    out: &mut BytesMut,
) -> Result<IsNull, BoxError> {
    let mut pairs: Vec<_> = map.iter().collect();
    // Those of one length stay in their order.
    pairs.sort_by_key(|(key, _)| key.len());
    write_text(pairs.into_iter(), out)
}

fn write_string(text: &str, out: &mut BytesMut) -> Result<(), BoxError> {
    let start = out.len();
    let _ = text.to_text(&Type::TEXT, out)?;
    quote(out, start, false);
    Ok(())
}

macro_rules! map {
    ($([$($from:tt)*] [$($to:tt)*] $rust:ty;)*) => { $(
        impl<'a, $($from)*> FromSql<'a> for $rust {
            fn accepts(ty: &Type) -> bool {
                accepts(ty)
            }

            fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                Ok(read_binary(ty, raw)?.into_iter().collect())
            }

            fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                Ok(read_text(raw)?.into_iter().collect())
            }
        }

        impl<$($to)*> ToSql for $rust {
            fn accepts(&self, ty: &Type) -> bool {
                ty.is_hstore()
            }

            fn to_binary(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                write_binary(self.iter(), out)
            }

            fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                write_text(self.iter(), out)
            }
        }
    )* };
}

map! {
    [S: BuildHasher + Default] [S: BuildHasher + Send + Sync] HashMap<String, Option<String>, S>;
    [] [] BTreeMap<String, Option<String>>;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format, Kind};

    fn hstore() -> Type {
        Type::new(70_000, "hstore", Kind::Base, None)
    }

    proptest! {
        #[test]
        fn any_pairs(pairs: BTreeMap<String, Option<String>>) {
            prop_assume!(!format!("{pairs:?}").contains("\\0"));
            round_trip(&pairs, &hstore());
            round_trip(&HashMap::<_, _>::from_iter(pairs), &hstore());
        }

        #[test]
        fn security_41_any_text_is_read_or_refused(raw in "(\"[a\\\\\"]*\"|=>|, |NULL|a)*") {
            let _ = read::<BTreeMap<String, Option<String>>>(&text(hstore()), raw.as_bytes());
        }

        #[test]
        fn security_41_any_bytes_are_read_or_refused(raw: Vec<u8>) {
            let _ = read::<BTreeMap<String, Option<String>>>(&binary(hstore()), &raw);
        }
    }

    #[test]
    fn both_forms_are_those_of_the_server() {
        let map = BTreeMap::from([
            ("a \"b\\".to_owned(), None),
            ("c".to_owned(), Some("NULL".to_owned())),
        ]);
        let written = |format| write(&map, &hstore(), format).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(written(Format::Text)).unwrap(),
            r#""a \"b\\"=>NULL, "c"=>"NULL""#
        );
        assert_eq!(
            written(Format::Binary),
            b"\0\0\0\x02\0\0\0\x05a \"b\\\xff\xff\xff\xff\0\0\0\x01c\0\0\0\x04NULL"
        );
        assert_eq!(hstore().preferred_format(), Format::Binary);
        round_trip(&BTreeMap::<String, Option<String>>::new(), &hstore());
    }

    #[test]
    fn security_41_malformed_values_are_an_error() {
        for (raw, reason) in [
            ("a", "a key without quotes"),
            ("\"a\"", "no arrow behind a key"),
            ("\"a\"=", "no arrow behind a key"),
            ("\"a\"=>", "a value without quotes"),
            ("\"a\"=>null", "a value without quotes"),
            ("\"a\"=>NULL,\"b\"=>NULL", "no comma between pairs"),
            ("\"a\"=>NULL, ", "a key without quotes"),
            ("\"a\"=>\"b", "a quote that is not closed"),
        ] {
            let column = text(hstore());
            let (kind, message) =
                failure::<BTreeMap<String, Option<String>>>(&column, raw.as_bytes());
            assert_eq!(kind, DecodeErrorKind::Invalid);
            assert!(message.ends_with(reason), "{raw:?}: {message}");
        }
        for (raw, reason) in [
            (&[0, 0, 0][..], "it ends too early"),
            (&[127, 0, 0, 0], "more parts than there are bytes for"),
            (&[0, 0, 0, 0, 1], "1 bytes behind its end"),
            (
                &[0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 0],
                "a key that is NULL",
            ),
            (
                &[0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 255],
                "not valid UTF-8 at byte 0",
            ),
        ] {
            let column = binary(hstore());
            let (_, message) = failure::<BTreeMap<String, Option<String>>>(&column, raw);
            assert!(message.ends_with(reason), "{raw:?}: {message}");
        }
    }

    #[test]
    fn a_type_that_nothing_is_known_of_may_be_one() {
        let column = text(Type::unknown(70_000));
        let map: HashMap<String, Option<String>> = read(&column, b"\"a\"=>NULL").unwrap();
        assert_eq!(map, HashMap::from([("a".to_owned(), None)]));
        let other = Type::new(70_000, "ltree", Kind::Base, None);
        assert!(!<BTreeMap<String, Option<String>> as FromSql>::accepts(
            &other
        ));
        assert_eq!(
            write_failure(&map, &Type::JSON, Format::Text).0,
            EncodeErrorKind::WrongType
        );
        let zero = HashMap::from([("\0".to_owned(), None)]);
        assert_eq!(
            write_failure(&zero, &hstore(), Format::Text).0,
            EncodeErrorKind::Invalid
        );
    }
}
