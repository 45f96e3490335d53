//! `bytea`.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

use super::{invalid, unsupported};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, IsNull, ToSql, Type};

impl<'a> FromSql<'a> for &'a [u8] {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::BYTEA
    }

    #[inline]
    fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(raw)
    }

    fn from_text(_: &Type, _: &'a [u8]) -> Result<Self, BoxError> {
        Err(unsupported(
            "its text form has to be decoded, so that nothing can be borrowed: read it as Vec<u8>",
        ))
    }
}

macro_rules! from_bytes {
    ($($owner:ty: $copy:expr;)*) => { $(
        impl<'a> FromSql<'a> for $owner {
            #[inline]
            fn accepts(ty: &Type) -> bool {
                ty.oid() == oids::BYTEA
            }

            #[inline]
            fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                Ok($copy(raw))
            }

            fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                read_text(raw).map(Self::from)
            }
        }
    )* };
}

from_bytes! {
    Vec<u8>: Self::from;
    Box<[u8]>: Self::from;
    Bytes: Self::copy_from_slice;
    Cow<'a, [u8]>: Self::from;
}

/// Reads both forms that `bytea_output` knows. The escape form never begins with `\x`: it writes a
/// backslash as two.
fn read_text(raw: &[u8]) -> Result<Vec<u8>, BoxError> {
    match raw.strip_prefix(b"\\x") {
        Some(digits) => read_hex(digits),
        None => read_escaped(raw),
    }
}

fn read_hex(digits: &[u8]) -> Result<Vec<u8>, BoxError> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(invalid("an odd number of hexadecimal digits"));
    }
    let mut bytes = Vec::with_capacity(pairs.len());
    for &[high, low] in pairs {
        match (nibble(high), nibble(low)) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return Err(invalid("not a hexadecimal digit")),
        }
    }
    Ok(bytes)
}

pub(super) fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn read_escaped(mut raw: &[u8]) -> Result<Vec<u8>, BoxError> {
    let mut bytes = Vec::with_capacity(raw.len());
    loop {
        match *raw {
            [] => return Ok(bytes),
            [b'\\', b'\\', ref rest @ ..] => {
                bytes.push(b'\\');
                raw = rest;
            }
            [
                b'\\',
                high @ b'0'..=b'3',
                middle @ b'0'..=b'7',
                low @ b'0'..=b'7',
                ref rest @ ..,
            ] => {
                bytes.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
                raw = rest;
            }
            [b'\\', ..] => {
                return Err(invalid(
                    "a backslash that neither a backslash nor three octal digits follow",
                ));
            }
            [byte, ref rest @ ..] => {
                bytes.push(byte);
                raw = rest;
            }
        }
    }
}

impl ToSql for [u8] {
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::BYTEA
    }

    fn to_binary(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        out.extend_from_slice(self);
        Ok(IsNull::No)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        out.extend_from_slice(b"\\x");
        out.extend(
            self.iter()
                .flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]),
        );
        Ok(IsNull::No)
    }
}

macro_rules! to_bytes {
    ($($rust:ty;)*) => { $(
        impl ToSql for $rust {
            fn accepts(&self, ty: &Type) -> bool {
                ty.oid() == oids::BYTEA
            }

            fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                <[u8]>::to_binary(self, ty, out)
            }

            fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                <[u8]>::to_text(self, ty, out)
            }
        }
    )* };
}

to_bytes! {
    Vec<u8>;
    Bytes;
}

impl<const N: usize> ToSql for [u8; N] {
    /// Sixteen of them are a `uuid`, too.
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::BYTEA || ty.oid() == oids::UUID && N == 16
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.as_slice().to_binary(ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if ty.oid() == oids::UUID {
            return super::uuid::write_text(self, out);
        }
        self.as_slice().to_text(ty, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{Column, DecodeErrorKind, EncodeErrorKind, Format};

    /// What byteaout writes with `bytea_output = escape`.
    fn escape(bytes: &[u8]) -> Vec<u8> {
        bytes
            .iter()
            .flat_map(|byte| match byte {
                b'\\' => b"\\\\".to_vec(),
                0x20..=0x7e => vec![*byte],
                _ => format!("\\{byte:03o}").into_bytes(),
            })
            .collect()
    }

    fn check(value: &[u8]) {
        round_trip(&value.to_vec(), &Type::BYTEA);
        for format in FORMATS {
            let raw = write(&value, &Type::BYTEA, format).unwrap().unwrap();
            let column = Column::new("a", Type::BYTEA, format);
            assert_eq!(*read::<Box<[u8]>>(&column, &raw).unwrap(), *value);
            assert_eq!(read::<Bytes>(&column, &raw).unwrap(), value);
            let cow: Cow<'_, [u8]> = read(&column, &raw).unwrap();
            assert_eq!(*cow, *value);
            assert_eq!(matches!(cow, Cow::Borrowed(_)), format == Format::Binary);
        }
        let escaped = escape(value);
        let read: Vec<u8> = read(&text(Type::BYTEA), &escaped).unwrap();
        assert_eq!(read, value);
        assert!(read.capacity() <= escaped.len());
    }

    #[test]
    fn every_byte_in_every_form() {
        let all: Vec<u8> = (0..=255).collect();
        check(&all);
        check(b"");
        check(b"\\x");
        check(b"\\\\000");
    }

    proptest! {
        #[test]
        fn any_bytes(value: Vec<u8>) {
            check(&value);
        }

        #[test]
        fn any_text_is_read_or_refused(raw in "\\\\?x?[\\\\0-9a-fx ]*") {
            let column = text(Type::BYTEA);
            if let Ok(read) = read::<Vec<u8>>(&column, raw.as_bytes()) {
                prop_assert!(read.capacity() <= raw.len());
            }
        }
    }

    #[test]
    fn binary_is_borrowed_and_text_cannot_be() {
        let raw = [0, 1, 255];
        let column = binary(Type::BYTEA);
        let borrowed: &[u8] = read(&column, &raw).unwrap();
        assert_eq!(borrowed.as_ptr(), raw.as_ptr());
        assert_eq!(
            failure::<&[u8]>(&text(Type::BYTEA), b"\\x00"),
            (
                DecodeErrorKind::Unsupported,
                "column \"a\" (bytea) cannot be read as &[u8]: its text form has to be decoded, \
                 so that nothing can be borrowed: read it as Vec<u8>"
                    .into()
            )
        );
    }

    #[test]
    fn both_text_forms() {
        for (raw, value) in [
            ("\\x", &b""[..]),
            ("\\x00ff", b"\x00\xff"),
            ("\\xDEADbeef", b"\xde\xad\xbe\xef"),
            ("", b""),
            ("abc", b"abc"),
            ("x41", b"x41"),
            ("\\\\x41", b"\\x41"),
            ("\\000\\377A", b"\x00\xffA"),
        ] {
            assert_eq!(
                read::<Vec<u8>>(&text(Type::BYTEA), raw.as_bytes()).unwrap(),
                value,
                "{raw:?}"
            );
        }
        assert_eq!(
            write(b"\x00\x9f\xfa", &Type::BYTEA, Format::Text)
                .unwrap()
                .unwrap(),
            b"\\x009ffa"
        );
    }

    #[test]
    fn security_48_malformed_text_is_an_error() {
        let prefix = r#"column "a" (bytea) cannot be read as Vec<u8>: "#;
        let escape = "a backslash that neither a backslash nor three octal digits follow";
        for (raw, reason) in [
            ("\\", escape),
            ("\\\\\\", escape),
            ("\\0", escape),
            ("\\00", escape),
            ("\\08\\", escape),
            ("\\400", escape),
            ("\\888", escape),
            ("a\\n", escape),
            ("\\X00", escape),
            ("\\x0", "an odd number of hexadecimal digits"),
            ("\\x000", "an odd number of hexadecimal digits"),
            ("\\x0g", "not a hexadecimal digit"),
            ("\\x 0", "not a hexadecimal digit"),
            ("\\x\\x", "not a hexadecimal digit"),
        ] {
            assert_eq!(
                failure::<Vec<u8>>(&text(Type::BYTEA), raw.as_bytes()),
                (DecodeErrorKind::Invalid, format!("{prefix}{reason}")),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn other_types_are_refused() {
        for format in FORMATS {
            let column = Column::new("a", Type::TEXT, format);
            assert_eq!(
                failure::<Vec<u8>>(&column, b"x").0,
                DecodeErrorKind::WrongType
            );
            assert_eq!(
                failure::<&[u8]>(&column, b"x").0,
                DecodeErrorKind::WrongType
            );
            for value in [&b"x" as &dyn ToSql, &vec![1_u8], &Bytes::new(), &&b"x"[..]] {
                assert_eq!(
                    write_failure(value, &Type::TEXT, format).0,
                    EncodeErrorKind::WrongType
                );
            }
        }
    }
}
