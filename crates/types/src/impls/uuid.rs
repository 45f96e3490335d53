//! `uuid`, as sixteen bytes. (The feature `uuid` brings the type of that crate.)

use std::fmt::Write as _;

use bytes::BytesMut;

use super::bytea::nibble;
use super::{fixed, invalid};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, IsNull, Type};

impl<'a> FromSql<'a> for [u8; 16] {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::UUID
    }

    #[inline]
    fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        fixed(raw)
    }

    fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        read_text(raw).ok_or_else(|| invalid("not a uuid"))
    }
}

/// Thirty-two hexadecimal digits, with hyphens where `uuid_out` has them.
fn read_text(raw: &[u8]) -> Option<[u8; 16]> {
    let (mut uuid, mut rest) = ([0; 16], raw);
    for (index, byte) in uuid.iter_mut().enumerate() {
        if has_hyphen_before(index) {
            rest = rest.strip_prefix(b"-")?;
        }
        let (&[high, low], behind) = rest.split_first_chunk()?;
        *byte = nibble(high)? << 4 | nibble(low)?;
        rest = behind;
    }
    rest.is_empty().then_some(uuid)
}

fn has_hyphen_before(index: usize) -> bool {
    matches!(index, 4 | 6 | 8 | 10)
}

/// What [`ToSql`](crate::ToSql) of arrays of bytes does for sixteen of them.
pub(super) fn write_text(uuid: &[u8], out: &mut BytesMut) -> Result<IsNull, BoxError> {
    for (index, byte) in uuid.iter().enumerate() {
        if has_hyphen_before(index) {
            out.extend_from_slice(b"-");
        }
        write!(out, "{byte:02x}")?;
    }
    Ok(IsNull::No)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format};

    #[test]
    fn in_text() {
        let value: [u8; 16] = std::array::from_fn(|i| u8::try_from(i * 17).unwrap());
        assert_eq!(
            write(&value, &Type::UUID, Format::Text).unwrap().unwrap(),
            b"00112233-4455-6677-8899-aabbccddeeff"
        );
        let upper = b"00112233-4455-6677-8899-AABBCCDDEEFF";
        assert_eq!(read::<[u8; 16]>(&text(Type::UUID), upper).unwrap(), value);
        for raw in [
            "",
            "00112233445566778899aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeeff0",
            "00112233-4455-6677-8899-aabbccddeefg",
            "00112233-4455-6677-88990aabbccddeeff",
            "0011223-34455-6677-8899-aabbccddeeff",
            "{0112233-4455-6677-8899-aabbccddeef}",
        ] {
            assert_eq!(
                failure::<[u8; 16]>(&text(Type::UUID), raw.as_bytes()),
                (
                    DecodeErrorKind::Invalid,
                    r#"column "a" (uuid) cannot be read as [u8; 16]: not a uuid"#.into()
                )
            );
        }
    }

    proptest! {
        #[test]
        fn any_uuid(value: [u8; 16]) {
            round_trip(&value, &Type::UUID);
        }
    }

    #[test]
    fn sixteen_bytes_and_no_other_number() {
        for format in FORMATS {
            assert_eq!(
                write_failure(&[0_u8; 15], &Type::UUID, format).0,
                EncodeErrorKind::WrongType
            );
            assert_eq!(
                write_failure(&vec![0_u8; 16], &Type::UUID, format).0,
                EncodeErrorKind::WrongType
            );
        }
        assert_eq!(
            failure::<[u8; 16]>(&binary(Type::UUID), &[0; 15]).1,
            r#"column "a" (uuid) cannot be read as [u8; 16]: 15 bytes instead of 16"#
        );
        // Bytes are bytes: what a bytea holds is no uuid.
        assert_eq!(
            failure::<[u8; 16]>(&binary(Type::BYTEA), &[0; 16]).0,
            DecodeErrorKind::WrongType
        );
        assert!(write(&[7_u8; 16], &Type::BYTEA, Format::Binary).is_ok());
    }
}
