//! [`BitString`]: PostgreSQL's `bit` and `varbit`.

use std::fmt;
use std::str::FromStr;

use crate::error::ValueError;

/// A value of PostgreSQL's `bit` or `varbit`: any number of bits, from left to right.
///
/// The feature `bit-vec` reads and writes the type of that crate.
///
/// ```
/// use purepg_types::BitString;
///
/// let bits: BitString = "1010000011".parse()?;
/// assert_eq!(bits.len(), 10);
/// assert_eq!(bits.as_bytes(), [0b1010_0000, 0b1100_0000]);
/// assert_eq!((bits.get(0), bits.get(1), bits.get(10)), (Some(true), Some(false), None));
/// assert_eq!(bits, [true, false, true, false, false, false, false, false, true, true].into_iter().collect());
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct BitString {
    len: usize,
    /// As many as the bits need; those behind the last are zero.
    bytes: Vec<u8>,
}

impl BitString {
    /// The first `len` bits of these bytes, the highest bit of each first; `None` when there are fewer.
    pub fn from_bytes(mut bytes: Vec<u8>, len: usize) -> Option<Self> {
        if bytes.len() < len.div_ceil(8) {
            return None;
        }
        bytes.truncate(len.div_ceil(8));
        if let (Some(last), used @ 1..) = (bytes.last_mut(), len % 8) {
            *last &= !(0xff >> used);
        }
        Some(Self { len, bytes })
    }

    /// How many bits there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bit at this place, counted from 0 at the left, as PostgreSQL's `get_bit` counts them.
    pub fn get(&self, index: usize) -> Option<bool> {
        let byte = self.bytes.get(index / 8)?;
        (index < self.len).then_some(byte & (0x80 >> (index % 8)) != 0)
    }

    /// The bits, eight in a byte, the highest bit of each first; those behind the last are zero.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bits from left to right.
    pub fn iter(&self) -> impl Iterator<Item = bool> {
        (0..self.len).map_while(|index| self.get(index))
    }

    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let (Some(last), true) = (self.bytes.last_mut(), bit) {
            *last |= 0x80 >> (self.len % 8);
        }
        self.len += 1;
    }
}

impl FromIterator<bool> for BitString {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut string = Self::default();
        bits.into_iter().for_each(|bit| string.push(bit));
        string
    }
}

impl FromStr for BitString {
    type Err = ValueError;

    /// # Errors
    /// When there is anything but `0` and `1`.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.bytes()
            .map(|byte| match byte {
                b'0' => Ok(false),
                b'1' => Ok(true),
                _ => Err(ValueError::Invalid("not a string of bits".into())),
            })
            .collect()
    }
}

impl fmt::Display for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter()
            .try_for_each(|bit| f.write_str(if bit { "1" } else { "0" }))
    }
}

impl fmt::Debug for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BitString({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_the_last_bit_is_zero() {
        let bits = BitString::from_bytes(vec![0xff, 0xff, 0xff], 9).unwrap();
        assert_eq!(bits.as_bytes(), [0xff, 0x80]);
        assert_eq!(bits, "111111111".parse().unwrap());
        assert_eq!(
            BitString::from_bytes(vec![0xff], 8).unwrap().as_bytes(),
            [0xff]
        );
        assert_eq!(
            BitString::from_bytes(vec![0xff], 0),
            Some(BitString::default())
        );
        assert_eq!(BitString::from_bytes(vec![0xff], 9), None);
        assert_eq!(BitString::from_bytes(vec![], usize::MAX), None);
        assert_eq!(bits.get(8), Some(true));
        assert_eq!(bits.get(9), None);
        assert_eq!(bits.get(usize::MAX), None);
    }

    #[test]
    fn text() {
        for text in ["", "0", "1", "10101010", "101010101", "0000000000000001"] {
            let bits: BitString = text.parse().unwrap();
            assert_eq!(bits.to_string(), text);
            assert_eq!(bits.len(), text.len());
            assert_eq!(bits.is_empty(), text.is_empty());
        }
        for text in ["2", " 1", "1 ", "xff", "b1", "é"] {
            assert!(text.parse::<BitString>().is_err(), "{text}");
        }
    }
}
