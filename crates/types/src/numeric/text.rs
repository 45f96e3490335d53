//! A [`Numeric`] as text.

use std::fmt;
use std::str::FromStr;

use super::{Finite, Numeric, Repr, to_i64, too_large};
use crate::error::ValueError;

impl FromStr for Numeric {
    type Err = ValueError;

    /// Reads what PostgreSQL prints, and decimal numbers with an exponent, such as `-1.5e-7`. The digits behind the point are kept: `1.50`
    /// stays `1.50`.
    ///
    /// # Errors
    /// When it is not a number, or one of more than 131072 digits before the point or 16383 behind.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if unsigned.eq_ignore_ascii_case(b"infinity") || unsigned.eq_ignore_ascii_case(b"inf") {
            return Ok(if negative {
                Self::NEG_INFINITY
            } else {
                Self::INFINITY
            });
        }
        if text.eq_ignore_ascii_case("nan") {
            return Ok(Self::NAN);
        }
        let number = Literal::split(unsigned).ok_or_else(not_a_number)?;
        number.finite(negative).map(Repr::Finite).map(Self)
    }
}

#[cold]
fn not_a_number() -> ValueError {
    ValueError::Invalid("not a number".into())
}

/// The parts of a number as it is written.
struct Literal<'a> {
    before: &'a [u8],
    behind: &'a [u8],
    exponent: i64,
}

impl<'a> Literal<'a> {
    fn split(text: &'a [u8]) -> Option<Self> {
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => {
                let (mantissa, rest) = text.split_at_checked(at)?;
                (mantissa, exponent(rest.get(1..)?)?)
            }
            None => (text, 0),
        };
        let (before, behind) = match mantissa.iter().position(|&byte| byte == b'.') {
            Some(at) => {
                let (before, rest) = mantissa.split_at_checked(at)?;
                (before, rest.get(1..)?)
            }
            None => (mantissa, &[][..]),
        };
        let all_digits = before.iter().chain(behind).all(u8::is_ascii_digit);
        let any_digits = !(before.is_empty() && behind.is_empty());
        (all_digits && any_digits).then_some(Self {
            before,
            behind,
            exponent,
        })
    }

    fn finite(&self, negative: bool) -> Result<Finite, ValueError> {
        // No number that fits needs one as large, and so nothing below overflows.
        if self.exponent.abs() > 1 << 32 {
            return Err(too_large());
        }
        let all = || self.before.iter().chain(self.behind);
        let zeros = all().take_while(|&&digit| digit == b'0').count();
        let scale = to_i64(self.behind.len()) - self.exponent;
        // The power of ten that the first digit counts which is not 0.
        let first = to_i64(self.before.len()) + self.exponent - 1 - to_i64(zeros);
        let weight = i32::try_from(first.div_euclid(4)).map_err(|_| too_large())?;
        let mut digits =
            Vec::with_capacity((self.before.len() + self.behind.len() - zeros) / 4 + 2);
        let mut place = first.rem_euclid(4);
        let mut digit = 0;
        for byte in all().skip(zeros) {
            digit = digit * 10 + u16::from(byte - b'0');
            if place == 0 {
                digits.push(digit);
                digit = 0;
                place = 4;
            }
            place -= 1;
        }
        if place < 3 {
            (0..=place).for_each(|_| digit *= 10);
            digits.push(digit);
        }
        let weight = if digits.is_empty() { 0 } else { weight };
        Finite::new(negative, weight, scale.max(0), digits)
    }
}

/// The exponent of a number; one beyond all measure is as good as any other that does not fit.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add((digit - b'0').into())
    });
    Some(if negative { -size } else { size })
}

impl fmt::Display for Numeric {
    /// As PostgreSQL prints it: never with an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::NaN => f.write_str("NaN"),
            Repr::Infinity => f.write_str("Infinity"),
            Repr::NegInfinity => f.write_str("-Infinity"),
            Repr::Finite(finite) => finite.fmt(f),
        }
    }
}

impl fmt::Display for Finite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let first = i32::from(self.weight.max(0));
        write!(f, "{}", self.digit_at(first))?;
        for position in (0..first).rev() {
            write!(f, "{:04}", self.digit_at(position))?;
        }
        if self.scale == 0 {
            return Ok(());
        }
        f.write_str(".")?;
        let whole = i32::from(self.scale / 4);
        for position in 1..=whole {
            write!(f, "{:04}", self.digit_at(-position))?;
        }
        let rest = self.digit_at(-whole - 1);
        match self.scale % 4 {
            1 => write!(f, "{}", rest / 1000),
            2 => write!(f, "{:02}", rest / 100),
            3 => write!(f, "{:03}", rest / 10),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Numeric({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reprint(text: &str) -> String {
        text.parse::<Numeric>().unwrap().to_string()
    }

    #[test]
    fn what_postgresql_prints_is_printed_again() {
        for text in [
            "0",
            "1",
            "-1",
            "9999",
            "10000",
            "10001",
            "100000000",
            "123456789.987654321",
            "0.1",
            "0.0001",
            "0.00001",
            "0.00010",
            "0.000",
            "-0.5",
            "1.0000",
            "1.00000",
            "12345.6789",
            "-99999999.99999999",
            "0.0000000000001",
            "NaN",
            "Infinity",
            "-Infinity",
        ] {
            assert_eq!(reprint(text), text);
        }
    }

    #[test]
    fn other_spellings_become_postgresqls() {
        for (text, printed) in [
            ("+1", "1"),
            ("-0", "0"),
            ("-0.00", "0.00"),
            ("00012.340", "12.340"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("1.5e1", "15"),
            ("1.50e1", "15.0"),
            ("1e-3", "0.001"),
            ("12345e-3", "12.345"),
            ("0e10", "0"),
            ("0.0e1", "0"),
            ("0e-3", "0.000"),
            ("nan", "NaN"),
            ("inf", "Infinity"),
            ("-INFINITY", "-Infinity"),
            ("+inf", "Infinity"),
        ] {
            assert_eq!(reprint(text), printed, "{text}");
        }
    }

    #[test]
    fn the_largest_and_the_finest() {
        let nines = "9".repeat(131_072);
        let finest = format!("0.{}1", "0".repeat(16_382));
        assert_eq!(reprint(&nines), nines);
        assert_eq!(reprint(&finest), finest);
        assert_eq!(reprint("1e-16383"), finest);
        let both = format!("-{nines}.{}", "9".repeat(16_383));
        assert_eq!(reprint(&both), both);
        for text in [
            "1e131072",
            "1e-16384",
            "0e-16384",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "-1e4294967297",
            &format!("1{nines}"),
            &format!("{finest}0"),
        ] {
            let error = text.parse::<Numeric>().unwrap_err();
            assert!(matches!(error, ValueError::OutOfRange(_)));
        }
        assert_eq!(reprint(&format!("{}1", "0".repeat(200_000))), "1");
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for text in [
            "", " 1", "1 ", "-", "+", ".", "e1", "1e", "1e+", "1e1.5", "1.2.3", "0x10", "1_000",
            "--1", "+-1", "-nan", "infinit", "١", "1e--1", "NaN1", "1,5",
        ] {
            assert_eq!(
                text.parse::<Numeric>().unwrap_err(),
                not_a_number(),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn digits_survive(text in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?") {
            let printed = reprint(&text);
            let zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
            prop_assert_eq!(&printed, if zero { text.trim_start_matches('-') } else { &text });
        }

        #[test]
        fn any_text_is_a_number_or_an_error(text in "[-+0-9.eE]{0,20}") {
            if let Ok(number) = text.parse::<Numeric>() {
                let again: Numeric = number.to_string().parse().unwrap();
                prop_assert_eq!(again.scale(), number.scale());
                prop_assert_eq!(again, number);
            }
        }
    }
}
