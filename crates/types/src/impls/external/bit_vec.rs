//! `BitVec` of the crate `bit-vec`.

use ::bit_vec::BitVec;

use super::out_of_range;
use super::wire::through;
use crate::BitString;

through! {
    BitVec = BitString {
        from: |bits| {
            let mut vec = BitVec::from_bytes(bits.as_bytes());
            vec.truncate(bits.len());
            Ok(vec)
        },
        to: |value| {
            BitString::from_bytes(value.to_bytes(), value.len()).ok_or_else(|| out_of_range("the bits"))
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{Format, Type};

    proptest! {
        #[test]
        fn any_bits(bits: Vec<bool>) {
            let vec: BitVec = bits.iter().copied().collect();
            round_trip(&vec, &Type::VARBIT);
            round_trip(&vec, &Type::BIT);
            let ours: BitString = bits.into_iter().collect();
            prop_assert_eq!(
                write(&vec, &Type::VARBIT, Format::Text).unwrap(),
                write(&ours, &Type::VARBIT, Format::Text).unwrap()
            );
        }
    }
}
