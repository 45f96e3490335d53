//! A [`Numeric`] to and from other numbers, wherever nothing is lost.

use super::{Finite, Numeric, Repr};
use crate::error::ValueError;

impl Finite {
    fn from_magnitude(negative: bool, mut rest: u128) -> Self {
        let mut digits = Vec::with_capacity(10);
        while rest > 0 {
            digits.push(u16::try_from(rest % 10_000).unwrap_or_default());
            rest /= 10_000;
        }
        digits.reverse();
        let weight = i16::try_from(digits.len()).map_or(0, |length| (length - 1).max(0));
        let trailing = digits.iter().rev().take_while(|&&digit| digit == 0).count();
        digits.truncate(digits.len().saturating_sub(trailing));
        Self {
            negative,
            weight,
            scale: 0,
            digits: digits.into(),
        }
    }

    /// The size times `10^scale`, when that is an integer that fits.
    fn scaled(&self, scale: u16) -> Option<u128> {
        let first = i64::from(self.weight) * 4 + i64::from(scale);
        let mut sum = 0_u128;
        for (digit, exponent) in self.digits.iter().zip((0..).map(|i: i64| first - i * 4)) {
            let digit = u128::from(*digit);
            let power = 10_u128.checked_pow(u32::try_from(exponent.abs()).ok()?);
            let value = match (exponent >= 0, power) {
                (true, Some(power)) => digit.checked_mul(power)?,
                (false, Some(power)) if digit % power == 0 => digit / power,
                _ => return None,
            };
            sum = sum.checked_add(value)?;
        }
        Some(sum)
    }
}

impl Numeric {
    /// `value / 10^scale`, exactly. `None` when the scale is above 16383.
    ///
    /// ```
    /// use purepg_types::Numeric;
    ///
    /// let price = Numeric::from_scaled(1250, 2).ok_or("too fine")?;
    /// assert_eq!(price.to_string(), "12.50");
    /// assert_eq!(price.to_scaled(3), Some(12_500));
    /// assert_eq!(price.to_scaled(0), None);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn from_scaled(value: i128, scale: u16) -> Option<Self> {
        // A detour that costs little beside the round trip of a query.
        format!("{value}e-{scale}").parse().ok()
    }

    /// The value times `10^scale`, when that is an integer that fits into the type.
    pub fn to_scaled(&self, scale: u16) -> Option<i128> {
        let finite = self.finite()?;
        let magnitude = finite.scaled(scale)?;
        if finite.negative {
            0_i128.checked_sub_unsigned(magnitude)
        } else {
            i128::try_from(magnitude).ok()
        }
    }

    /// The nearest `f64`; infinity for what is beyond its largest.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::NaN => f64::NAN,
            Repr::Infinity => f64::INFINITY,
            Repr::NegInfinity => f64::NEG_INFINITY,
            Repr::Finite(finite) => finite.to_f64(),
        }
    }
}

#[cfg(feature = "bigdecimal")]
impl Numeric {
    /// All digits as one integer, and how many of them are behind the point. That is the scale, except that a number which ends with zeros before
    /// the point does not show them, nor any behind: few digits stay few.
    pub(crate) fn to_decimal_digits(&self) -> Option<(String, i64)> {
        use std::fmt::Write as _;

        let finite = self.finite()?;
        let mut text = String::from(if self.is_negative() { "-0" } else { "0" });
        for digit in &finite.digits {
            let _ = write!(text, "{digit:04}");
        }
        let shown = (super::to_i64(finite.digits.len()) - 1 - i64::from(finite.weight)) * 4;
        let scale = i64::from(finite.scale);
        if finite.digits.is_empty() {
            return Some((text, scale));
        }
        if shown < 0 {
            return Some((text, shown));
        }
        for _ in shown..scale {
            text.push('0');
        }
        for _ in scale..shown {
            text.pop();
        }
        Some((text, scale))
    }
}

impl Finite {
    fn to_f64(&self) -> f64 {
        use std::fmt::Write as _;

        let mut text = String::with_capacity(self.digits.len() * 4 + 16);
        text.push_str(if self.negative { "-0" } else { "0" });
        for digit in &self.digits {
            let _ = write!(text, "{digit:04}");
        }
        let last = i64::from(self.weight) + 1 - super::to_i64(self.digits.len());
        let _ = write!(text, "e{}", last * 4);
        text.parse().unwrap_or(f64::NAN)
    }
}

macro_rules! integers {
    ($($rust:ident: $value:ident => $negative:expr, $magnitude:expr;)*) => { $(
        impl From<$rust> for Numeric {
            fn from($value: $rust) -> Self {
                Self(Repr::Finite(Finite::from_magnitude($negative, $magnitude.into())))
            }
        }

        impl TryFrom<&Numeric> for $rust {
            type Error = ValueError;

            /// # Errors
            /// When it is not an integer, or does not fit.
            fn try_from(value: &Numeric) -> Result<Self, ValueError> {
                let finite = value.finite().ok_or_else(does_not_fit)?;
                let magnitude = finite.scaled(0).ok_or_else(does_not_fit)?;
                let value = if finite.negative {
                    let value = 0_i128.checked_sub_unsigned(magnitude);
                    value.and_then(|value| Self::try_from(value).ok())
                } else {
                    Self::try_from(magnitude).ok()
                };
                value.ok_or_else(does_not_fit)
            }
        }
    )* };
}

integers! {
    i8: value => value < 0, value.unsigned_abs();
    i16: value => value < 0, value.unsigned_abs();
    i32: value => value < 0, value.unsigned_abs();
    i64: value => value < 0, value.unsigned_abs();
    i128: value => value < 0, value.unsigned_abs();
    u8: value => false, value;
    u16: value => false, value;
    u32: value => false, value;
    u64: value => false, value;
    u128: value => false, value;
}

#[cold]
fn does_not_fit() -> ValueError {
    ValueError::OutOfRange("the number".into())
}

impl From<f64> for Numeric {
    /// The value to its last digit, of which `0.1_f64` has 55; for the digits that it is printed with, parse those.
    fn from(value: f64) -> Self {
        if value.is_nan() {
            return Self::NAN;
        }
        if value.is_infinite() {
            return if value > 0.0 {
                Self::INFINITY
            } else {
                Self::NEG_INFINITY
            };
        }
        // 1074 digits behind the point are enough for every one of them.
        let text = format!("{value:.1074}");
        let digits = text.trim_end_matches('0').trim_end_matches('.');
        digits.parse().unwrap_or(Self::NAN)
    }
}

impl From<f32> for Numeric {
    /// The value to its last digit.
    fn from(value: f32) -> Self {
        Self::from(f64::from(value))
    }
}

impl TryFrom<&Numeric> for f64 {
    type Error = ValueError;

    /// # Errors
    /// When no `f64` has this very value.
    fn try_from(value: &Numeric) -> Result<Self, ValueError> {
        let nearest = value.to_f64();
        if Numeric::from(nearest) == *value {
            Ok(nearest)
        } else {
            Err(does_not_fit())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numeric(text: &str) -> Numeric {
        text.parse().unwrap()
    }

    #[test]
    fn the_ends_of_the_integers() {
        macro_rules! check {
            ($($rust:ident)*) => { $(
                for value in [$rust::MIN, $rust::MAX, 0, 1, 100, $rust::MAX / 10] {
                    let number = Numeric::from(value);
                    assert_eq!(number.to_string(), value.to_string());
                    assert_eq!(number, numeric(&value.to_string()));
                    assert_eq!($rust::try_from(&number), Ok(value));
                }
                let above = numeric(&format!("{}.5", $rust::MAX));
                assert!($rust::try_from(&above).is_err());
                let below = numeric(&format!("-1{}", $rust::MAX));
                assert!($rust::try_from(&below).is_err());
            )* };
        }
        check!(i8 i16 i32 i64 i128 u8 u16 u32 u64 u128);
        assert!(i64::try_from(&numeric("9223372036854775808")).is_err());
        assert!(u128::try_from(&numeric("340282366920938463463374607431768211456")).is_err());
        assert!(i128::try_from(&numeric("1e131071")).is_err());
        assert!(u8::try_from(&numeric("-1")).is_err());
        for special in [Numeric::NAN, Numeric::INFINITY, Numeric::NEG_INFINITY] {
            assert!(i128::try_from(&special).is_err());
            assert_eq!(special.to_scaled(0), None);
        }
        assert_eq!(i32::try_from(&numeric("-5.000")), Ok(-5));
    }

    #[test]
    fn floats_are_exact_or_an_error() {
        for value in [
            0.0,
            0.5,
            1.0,
            -1.5,
            0.1,
            1e300,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            123_456_789.125,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            let number = Numeric::from(value);
            assert_eq!(f64::try_from(&number).unwrap().to_bits(), value.to_bits());
        }
        assert_eq!(
            Numeric::from(0.1).to_string(),
            "0.1000000000000000055511151231257827021181583404541015625"
        );
        assert!(Numeric::from(f64::NAN).is_nan());
        assert!(f64::try_from(&Numeric::NAN).unwrap().is_nan());
        assert_eq!(Numeric::from(-0.0), numeric("0"));
        for text in ["0.1", "9007199254740993", "1e309", "1e-400", "1e131071"] {
            assert!(f64::try_from(&numeric(text)).is_err(), "{text}");
        }
        assert_eq!(numeric("0.1").to_f64().to_bits(), 0.1_f64.to_bits());
        assert!(numeric("-1e400").to_f64().is_infinite());
        let rounded = numeric("9007199254740993").to_f64();
        assert_eq!(Numeric::from(rounded), numeric("9007199254740992"));
        assert_eq!(Numeric::from(0.5_f32), numeric("0.5"));
    }

    proptest! {
        #[test]
        fn any_integer(value: i128, small: i64, bits: u128) {
            prop_assert_eq!(i128::try_from(&Numeric::from(value)), Ok(value));
            prop_assert_eq!(i64::try_from(&Numeric::from(small)), Ok(small));
            prop_assert_eq!(u128::try_from(&Numeric::from(bits)), Ok(bits));
            prop_assert_eq!(Numeric::from(value).to_string(), value.to_string());
        }

        #[test]
        fn any_float(value: f64) {
            prop_assume!(value != 0.0);
            prop_assert_eq!(f64::try_from(&Numeric::from(value)).unwrap().to_bits(), value.to_bits());
            let shortest: Numeric = format!("{value:e}").parse().unwrap();
            prop_assert_eq!(shortest.to_f64().to_bits(), value.to_bits());
        }

        #[test]
        fn any_scale(value: i64, scale in 0_u16..60) {
            let number = Numeric::from_scaled(value.into(), scale).unwrap();
            prop_assert_eq!(number.scale(), Some(scale));
            prop_assert_eq!(number.to_scaled(scale), Some(value.into()));
        }
    }

    #[test]
    fn scaled_values_at_their_ends() {
        assert_eq!(
            Numeric::from_scaled(i128::MIN, 10).unwrap().to_scaled(10),
            Some(i128::MIN)
        );
        assert!(Numeric::from_scaled(1, 16_384).is_none());
        assert_eq!(numeric("0.5").to_scaled(0), None);
        assert_eq!(numeric("1e40").to_scaled(0), None);
        assert_eq!(numeric("0").to_scaled(u16::MAX), Some(0));
        assert_eq!(numeric("1").to_scaled(u16::MAX), None);
    }
}
