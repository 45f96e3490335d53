//! A [`Numeric`] in the binary format: `numeric_send` and `numeric_recv` in the server's `numeric.c`.

use bytes::{BufMut as _, BytesMut};

use super::{Finite, MAX_SCALE, Numeric, Repr};
use crate::error::ValueError;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const NEG_INFINITY: u16 = 0xf000;

impl Numeric {
    pub(crate) fn read_binary(raw: &[u8]) -> Result<Self, ValueError> {
        let Some((&[c1, c0, w1, w0, s1, s0, d1, d0], digits)) = raw.split_first_chunk::<8>() else {
            return Err(invalid("fewer bytes than a numeric has"));
        };
        let count = usize::from(u16::from_be_bytes([c1, c0]));
        let (digits, rest) = digits.as_chunks::<2>();
        if digits.len() != count || !rest.is_empty() {
            return Err(invalid("not as many digits as it says"));
        }
        let scale = u16::from_be_bytes([d1, d0]);
        let negative = match u16::from_be_bytes([s1, s0]) {
            0 => false,
            NEGATIVE => true,
            // What a server puts into the other fields of these differs from version to version.
            NAN => return Ok(Self::NAN),
            INFINITY => return Ok(Self::INFINITY),
            NEG_INFINITY => return Ok(Self::NEG_INFINITY),
            _ => return Err(invalid("no such sign")),
        };
        if scale > MAX_SCALE {
            return Err(invalid("more digits behind the point than a numeric has"));
        }
        let digits: Vec<u16> = digits.iter().copied().map(u16::from_be_bytes).collect();
        if digits.iter().any(|&digit| digit > 9999) {
            return Err(invalid("no such digit"));
        }
        let weight = i16::from_be_bytes([w1, w0]).into();
        let finite = Finite::new(negative, weight, scale.into(), digits)?;
        Ok(Self(Repr::Finite(finite)))
    }

    pub(crate) fn write_binary(&self, out: &mut BytesMut) -> Result<(), ValueError> {
        let special = |sign| (0, 0, sign, 0, &[][..]);
        let (count, weight, sign, scale, digits) = match &self.0 {
            Repr::NaN => special(NAN),
            Repr::Infinity => special(INFINITY),
            Repr::NegInfinity => special(NEG_INFINITY),
            Repr::Finite(finite) => {
                let count = u16::try_from(finite.digits.len()).map_err(|_| super::too_large())?;
                let sign = if finite.negative { NEGATIVE } else { 0 };
                (count, finite.weight, sign, finite.scale, &*finite.digits)
            }
        };
        out.reserve(8 + digits.len() * 2);
        out.put_u16(count);
        out.put_i16(weight);
        out.put_u16(sign);
        out.put_u16(scale);
        for &digit in digits {
            out.put_u16(digit);
        }
        Ok(())
    }
}

#[cold]
fn invalid(reason: &'static str) -> ValueError {
    ValueError::Invalid(reason.into())
}
