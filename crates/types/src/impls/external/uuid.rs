//! `Uuid` of the crate `uuid`.

use ::uuid::Uuid;
use bytes::BytesMut;

use crate::error::BoxError;
use crate::{FromSql, IsNull, ToSql, Type};

impl<'a> FromSql<'a> for Uuid {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        <[u8; 16] as FromSql>::accepts(ty)
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        <[u8; 16]>::from_binary(ty, raw).map(Self::from_bytes)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        <[u8; 16]>::from_text(ty, raw).map(Self::from_bytes)
    }
}

impl ToSql for Uuid {
    fn accepts(&self, ty: &Type) -> bool {
        *ty == Type::UUID
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.as_bytes().to_binary(ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.as_bytes().to_text(ty, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::Format;

    proptest! {
        #[test]
        fn any_uuid(value: u128) {
            let value = Uuid::from_u128(value);
            round_trip(&value, &Type::UUID);
            let written = write(&value, &Type::UUID, Format::Text).unwrap().unwrap();
            prop_assert_eq!(written, value.to_string().into_bytes());
        }
    }

    #[test]
    fn bytes_are_not_taken_for_uuids() {
        for format in FORMATS {
            assert!(write(&Uuid::nil(), &Type::BYTEA, format).is_err());
        }
    }
}
