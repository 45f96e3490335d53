//! [`Numeric`]: a decimal number, exact and as large as PostgreSQL's.

mod binary;
mod convert;
mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::error::ValueError;

/// The most digits behind the point, `NUMERIC_DSCALE_MAX` in the server's `numeric.c`.
const MAX_SCALE: u16 = 0x3fff;

/// A value of PostgreSQL's `numeric`: any of them, exactly, with the digits behind the point that it is printed with.
///
/// It is read and written without loss, and turned into other types only where nothing is lost; [`Numeric::to_f64`] rounds, as it says.
/// It does not compute: for that there are the features `rust_decimal` and `bigdecimal`.
///
/// Comparing is as PostgreSQL compares: `1.5` and `1.50` are equal, and NaN is equal to itself and greater than all else.
///
/// ```
/// use purepg_types::Numeric;
///
/// let price: Numeric = "12.50".parse()?;
/// assert_eq!(price.to_string(), "12.50");
/// assert_eq!(price.scale(), Some(2));
/// assert_eq!(price, "12.5".parse()?);
/// assert_eq!(f64::try_from(&price)?, 12.5);
/// assert!(i64::try_from(&price).is_err());
/// assert!(price < Numeric::from(13));
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
#[derive(Clone)]
pub struct Numeric(Repr);

#[derive(Clone)]
enum Repr {
    NegInfinity,
    Finite(Finite),
    Infinity,
    NaN,
}

/// `digits[0] * 10000^weight + digits[1] * 10000^(weight - 1) + …`, as it is on the wire.
///
/// Neither the first nor the last digit is 0; zero has none, the weight 0 and no sign. The scale is at least what the digits need.
#[derive(Clone)]
struct Finite {
    negative: bool,
    weight: i16,
    scale: u16,
    /// Each below 10000.
    digits: Box<[u16]>,
}

impl Numeric {
    /// Not a number.
    pub const NAN: Self = Self(Repr::NaN);
    /// Infinity, which PostgreSQL has since version 14.
    pub const INFINITY: Self = Self(Repr::Infinity);
    /// Minus infinity, which PostgreSQL has since version 14.
    pub const NEG_INFINITY: Self = Self(Repr::NegInfinity);

    /// Whether it is not a number.
    pub fn is_nan(&self) -> bool {
        matches!(self.0, Repr::NaN)
    }

    /// Whether it is infinity or minus infinity.
    pub fn is_infinite(&self) -> bool {
        matches!(self.0, Repr::Infinity | Repr::NegInfinity)
    }

    /// Whether it is neither infinite nor NaN.
    pub fn is_finite(&self) -> bool {
        matches!(self.0, Repr::Finite(_))
    }

    /// Whether it is below zero. There is no negative zero.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Finite(finite) => finite.negative,
            Repr::NegInfinity => true,
            Repr::Infinity | Repr::NaN => false,
        }
    }

    /// How many digits behind the point it is printed with, at most 16383; `None` unless it is finite.
    pub fn scale(&self) -> Option<u16> {
        self.finite().map(|finite| finite.scale)
    }

    fn finite(&self) -> Option<&Finite> {
        match &self.0 {
            Repr::Finite(finite) => Some(finite),
            _ => None,
        }
    }
}

impl Finite {
    /// The digits need not be normal: this makes them so. A scale that would hide digits is raised.
    fn new(
        negative: bool,
        weight: i32,
        scale: i64,
        mut digits: Vec<u16>,
    ) -> Result<Self, ValueError> {
        let leading = digits.iter().take_while(|&&digit| digit == 0).count();
        digits.drain(..leading);
        let trailing = digits.iter().rev().take_while(|&&digit| digit == 0).count();
        digits.truncate(digits.len().saturating_sub(trailing));
        let weight = i64::from(weight) - to_i64(leading);
        let scale = scale.max(needed_scale(weight, &digits));
        let scale = u16::try_from(scale)
            .ok()
            .filter(|&scale| scale <= MAX_SCALE);
        let weight = if digits.is_empty() { 0 } else { weight };
        match (scale, i16::try_from(weight)) {
            (Some(scale), Ok(weight)) => Ok(Self {
                negative: negative && !digits.is_empty(),
                weight,
                scale,
                digits: digits.into(),
            }),
            _ => Err(too_large()),
        }
    }

    /// The digit that counts `10000^position`.
    fn digit_at(&self, position: i32) -> u16 {
        let index = usize::try_from(i32::from(self.weight) - position).ok();
        index
            .and_then(|index| self.digits.get(index))
            .copied()
            .unwrap_or(0)
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                (self.weight.cmp(&other.weight)).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

/// How many decimal digits are behind the point, when the last digit is not 0.
fn needed_scale(weight: i64, digits: &[u16]) -> i64 {
    let Some(&last) = digits.last() else { return 0 };
    let zeros = match last {
        _ if last % 10 != 0 => 0,
        _ if last % 100 != 0 => 1,
        _ if last % 1000 != 0 => 2,
        _ => 3,
    };
    (to_i64(digits.len()) - 1 - weight) * 4 - zeros
}

/// A length, which always fits.
fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cold]
fn too_large() -> ValueError {
    ValueError::OutOfRange("a number of more digits than a numeric has".into())
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Finite(a), Repr::Finite(b)) => match (a.negative, b.negative) {
                (false, false) => a.cmp_magnitude(b),
                (true, true) => b.cmp_magnitude(a),
                (a, b) => b.cmp(&a),
            },
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

fn rank(repr: &Repr) -> u8 {
    match repr {
        Repr::NegInfinity => 0,
        Repr::Finite(_) => 1,
        Repr::Infinity => 2,
        Repr::NaN => 3,
    }
}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Numeric {}

impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        rank(&self.0).hash(state);
        if let Some(finite) = self.finite() {
            // Not the scale, which is no part of the value.
            (finite.negative, finite.weight, &finite.digits).hash(state);
        }
    }
}

impl Default for Numeric {
    /// Zero.
    fn default() -> Self {
        Self::from(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn numeric(text: &str) -> Numeric {
        text.parse().unwrap()
    }

    #[test]
    fn the_order_is_that_of_postgresql() {
        let ascending = [
            "-Infinity",
            "-1e131071",
            "-100000",
            "-10000",
            "-9999.9",
            "-1",
            "-0.0001",
            "-1e-16383",
            "0.00",
            "1e-16383",
            "0.00009999",
            "0.0001",
            "1",
            "1.00000001",
            "9999",
            "10000",
            "10000.5",
            "1e131071",
            "Infinity",
            "NaN",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(numeric(a).cmp(&numeric(b)), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn equal_ones_hash_alike_whatever_their_scale() {
        let all: HashSet<Numeric> = ["1.5", "1.50", "15e-1", "-0.0", "0", "0.000", "NaN", "nan"]
            .into_iter()
            .map(numeric)
            .collect();
        assert_eq!(all.len(), 3);
        assert_eq!(Numeric::default(), numeric("0"));
    }

    #[test]
    fn facts() {
        assert_eq!(numeric("-1.50").scale(), Some(2));
        assert_eq!(Numeric::NAN.scale(), None);
        assert!(numeric("-1").is_negative() && Numeric::NEG_INFINITY.is_negative());
        assert!(!numeric("-0.0").is_negative() && !Numeric::NAN.is_negative());
        assert!(Numeric::NAN.is_nan() && !Numeric::NAN.is_finite() && !Numeric::NAN.is_infinite());
        assert!(Numeric::INFINITY.is_infinite() && numeric("1").is_finite());
    }
}
