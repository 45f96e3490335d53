//! `bit` and `varbit`.

use bytes::{BufMut as _, BytesMut};

use super::wire::{Wire, wire};
use super::{invalid, out_of_range};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{BitString, Type};

wire!(BitString);

impl Wire for BitString {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::VARBIT || ty.oid() == oids::BIT
    }

    /// How many bits, and then the bytes that they are in.
    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let Some((len, bytes)) = raw.split_first_chunk() else {
            return Err(invalid("fewer bytes than a string of bits has"));
        };
        let len = usize::try_from(i32::from_be_bytes(*len)).ok();
        let len = len.filter(|len| len.div_ceil(8) == bytes.len());
        len.and_then(|len| Self::from_bytes(bytes.to_vec(), len))
            .ok_or_else(|| invalid("not as many bits as it says"))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        let len =
            i32::try_from(self.len()).map_err(|_| out_of_range("a string of so many bits"))?;
        out.put_i32(len);
        out.put_slice(self.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, Format};

    #[test]
    fn the_bytes_are_those_of_bit_send() {
        for (text, raw) in [
            ("101", &[0, 0, 0, 3, 0xa0][..]),
            ("", &[0, 0, 0, 0]),
            ("111111111", &[0, 0, 0, 9, 0xff, 0x80]),
        ] {
            let bits: BitString = text.parse().unwrap();
            let written = write(&bits, &Type::VARBIT, Format::Binary).unwrap();
            assert_eq!(written.unwrap(), raw);
            assert_eq!(read::<BitString>(&binary(Type::BIT), raw).unwrap(), bits);
        }
    }

    proptest! {
        #[test]
        fn any_bits(bits: Vec<bool>) {
            let bits: BitString = bits.into_iter().collect();
            round_trip(&bits, &Type::VARBIT);
            round_trip(&bits, &Type::BIT);
        }
    }

    #[test]
    fn security_41_a_length_that_is_not_there_is_an_error() {
        for (raw, reason) in [
            (&[0, 0, 0][..], "fewer bytes than a string of bits has"),
            (&[0, 0, 0, 1], "not as many bits as it says"),
            (&[0, 0, 0, 0, 0], "not as many bits as it says"),
            (&[0, 0, 0, 9, 0], "not as many bits as it says"),
            (&[0, 0, 0, 8, 0, 0], "not as many bits as it says"),
            (&[0x7f, 0xff, 0xff, 0xff, 0], "not as many bits as it says"),
            (&[0xff, 0xff, 0xff, 0xff], "not as many bits as it says"),
        ] {
            assert_eq!(
                failure::<BitString>(&binary(Type::VARBIT), raw),
                (
                    DecodeErrorKind::Invalid,
                    format!(r#"column "a" (varbit) cannot be read as BitString: {reason}"#)
                )
            );
        }
    }
}
