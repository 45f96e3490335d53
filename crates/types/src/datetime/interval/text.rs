//! An [`Interval`] as text: read in all four of `IntervalStyle`, printed in the one that is PostgreSQL's default.
//!
//! The four forms tell which they are: `iso_8601` begins with a `P`, `postgres_verbose` with an `@`, `sql_standard` has no letters, and
//! `postgres` has. `EncodeInterval` in the server's `datetime.c` writes them.

use std::fmt;
use std::str::FromStr;

use super::Interval;
use crate::datetime::scan::Scan;
use crate::datetime::time::fraction;
use crate::error::ValueError;

const SECOND: i128 = 1_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;

impl FromStr for Interval {
    type Err = ValueError;

    /// Reads what PostgreSQL prints, whatever `IntervalStyle` is.
    ///
    /// # Errors
    /// When it is not an interval in one of these forms, or when a part of it is too large.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "infinity" => return Ok(Self::INFINITY),
            "-infinity" => return Ok(Self::NEG_INFINITY),
            _ => {}
        }
        let sum = if let Some(rest) = text.strip_prefix('P') {
            iso_8601(rest)
        } else if let Some(rest) = text.strip_prefix("@ ") {
            postgres_verbose(rest)
        } else if text.contains(|c: char| c.is_ascii_alphabetic()) {
            postgres(text)
        } else {
            sql_standard(text)
        };
        let sum = sum.ok_or_else(|| ValueError::Invalid("not an interval".into()))?;
        sum.fit()
            .ok_or_else(|| ValueError::OutOfRange("the interval".into()))
    }
}

/// The parts of an interval, while they are added up. Wide enough for any number of digits that [`Scan::number`] takes.
#[derive(Clone, Copy, Default)]
struct Sum {
    months: i128,
    days: i128,
    micros: i128,
}

impl Sum {
    fn negated(self) -> Self {
        Self {
            months: -self.months,
            days: -self.days,
            micros: -self.micros,
        }
    }

    fn fit(self) -> Option<Interval> {
        Some(Interval {
            months: self.months.try_into().ok()?,
            days: self.days.try_into().ok()?,
            microseconds: self.micros.try_into().ok()?,
        })
    }

    /// Adds microseconds to nothing but seconds, and whole numbers of the others.
    fn add(&mut self, number: Number, unit: Unit) -> Option<()> {
        if number.micros != 0 && unit != Unit::Second {
            return None;
        }
        let whole = number.sign * number.whole;
        match unit {
            Unit::Year => self.months += 12 * whole,
            Unit::Month => self.months += whole,
            Unit::Day => self.days += whole,
            Unit::Hour => self.micros += HOUR * whole,
            Unit::Minute => self.micros += MINUTE * whole,
            Unit::Second => self.micros += SECOND * whole + number.sign * number.micros,
        }
        Some(())
    }
}

/// In the order in which all forms have them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Unit {
    fn named(name: &[u8]) -> Option<Self> {
        match name.strip_suffix(b"s").unwrap_or(name) {
            b"year" => Some(Self::Year),
            b"mon" => Some(Self::Month),
            b"day" => Some(Self::Day),
            b"hour" => Some(Self::Hour),
            b"min" => Some(Self::Minute),
            b"sec" => Some(Self::Second),
            _ => None,
        }
    }
}

/// A number with its sign apart, for there is `-0.5`.
#[derive(Clone, Copy)]
struct Number {
    sign: i128,
    is_signed: bool,
    whole: i128,
    micros: i128,
}

impl Number {
    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        let sign = scan.sign();
        Some(Self {
            sign: sign.unwrap_or(1).into(),
            is_signed: sign.is_some(),
            whole: scan.number(1, 18)?.into(),
            micros: scan.fraction()?.into(),
        })
    }

    /// What is left of `hours:minutes:seconds` once the hours have been read.
    fn clock(self, scan: &mut Scan<'_>) -> Option<i128> {
        let minutes = scan.eat(":").then(|| scan.two()).flatten()?;
        let seconds = scan.eat(":").then(|| scan.two()).flatten()?;
        let micros = scan.fraction()?;
        if self.micros != 0 || minutes > 59 || seconds > 59 {
            return None;
        }
        let micros = SECOND * i128::from(seconds) + i128::from(micros);
        Some(self.sign * (HOUR * self.whole + MINUTE * i128::from(minutes) + micros))
    }
}

/// `P1Y2M-3DT4H5M6.789S`, and `PT0S`.
fn iso_8601(text: &str) -> Option<Sum> {
    let mut scan = Scan(text.as_bytes());
    let (mut sum, mut last, mut in_time) = (Sum::default(), None, false);
    loop {
        if !in_time {
            in_time = scan.eat("T");
        }
        let number = Number::scan(&mut scan)?;
        let unit = match (
            in_time,
            scan.take_while(|byte| byte.is_ascii_uppercase() && byte != b'T'),
        ) {
            (false, b"Y") => Unit::Year,
            (false, b"M") => Unit::Month,
            (false, b"D") => Unit::Day,
            (true, b"H") => Unit::Hour,
            (true, b"M") => Unit::Minute,
            (true, b"S") => Unit::Second,
            _ => return None,
        };
        if last >= Some(unit) {
            return None;
        }
        sum.add(number, unit)?;
        last = Some(unit);
        if scan.is_empty() {
            return Some(sum);
        }
    }
}

/// `@ 1 year 2 mons -3 days 4 hours 5 mins 6.789 secs`, `@ 1 day -1 hours ago`, where `ago` turns all signs, and `@ 0`.
fn postgres_verbose(text: &str) -> Option<Sum> {
    if text == "0" {
        return Some(Sum::default());
    }
    match text.strip_suffix(" ago") {
        Some(text) => units(text, Unit::Second).map(Sum::negated),
        None => units(text, Unit::Second),
    }
}

/// `1 year 2 mons -3 days +04:05:06.789`. What is only a time has no letters: [`sql_standard`] reads it.
fn postgres(text: &str) -> Option<Sum> {
    units(text, Unit::Day)
}

/// Numbers with their units, and a time at the end where `last` is days.
fn units(text: &str, last: Unit) -> Option<Sum> {
    let mut scan = Scan(text.as_bytes());
    let (mut sum, mut before) = (Sum::default(), None);
    loop {
        let number = Number::scan(&mut scan)?;
        if last == Unit::Day && !scan.0.starts_with(b" ") {
            sum.micros = number.clock(&mut scan)?;
            return scan.is_empty().then_some(sum);
        }
        if !scan.eat(" ") {
            return None;
        }
        let unit = Unit::named(scan.take_while(|byte| byte.is_ascii_lowercase()))?;
        if before >= Some(unit) || unit > last {
            return None;
        }
        sum.add(number, unit)?;
        before = Some(unit);
        if scan.is_empty() {
            return Some(sum);
        }
        if !scan.eat(" ") {
            return None;
        }
    }
}

/// `1-2`, `3 4:05:06`, `4:05:06`, `+1-2 -3 +4:05:06`, `0`. A minus at the front, when it is the only sign, is that of all parts.
fn sql_standard(text: &str) -> Option<Sum> {
    let mut scan = Scan(text.as_bytes());
    let mut sum = Sum::default();
    let mut signs = 0;
    let mut is_first_negative = false;
    let mut last = None;
    loop {
        let number = Number::scan(&mut scan)?;
        signs += u32::from(number.is_signed);
        is_first_negative |= last.is_none() && number.sign < 0;
        let unit = match scan.0 {
            [b'-', ..] => {
                scan.eat("-");
                let month = scan.number(1, 2).filter(|&month| month < 12)?;
                sum.add(number, Unit::Year)?;
                sum.months += number.sign * i128::from(month);
                Unit::Year
            }
            [b':', ..] => {
                sum.micros = number.clock(&mut scan)?;
                Unit::Hour
            }
            _ => {
                sum.add(number, Unit::Day)?;
                Unit::Day
            }
        };
        if last >= Some(unit) {
            return None;
        }
        last = Some(unit);
        if scan.is_empty() {
            break;
        }
        if !scan.eat(" ") {
            return None;
        }
    }
    // The parts behind it were read as positive.
    if is_first_negative && signs == 1 {
        sum.months = -sum.months.abs();
        sum.days = -sum.days.abs();
        sum.micros = -sum.micros.abs();
    }
    Some(sum)
}

impl fmt::Display for Interval {
    /// As PostgreSQL prints it while `IntervalStyle` is `postgres`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::INFINITY {
            return f.write_str("infinity");
        }
        if *self == Self::NEG_INFINITY {
            return f.write_str("-infinity");
        }
        let mut separator = "";
        // Whether what stands before it is negative, so that a positive number needs a plus.
        let mut after_negative = false;
        for (number, unit) in [
            (self.months / 12, "year"),
            (self.months % 12, "mon"),
            (self.days, "day"),
        ] {
            if number != 0 {
                let plus = if after_negative && number > 0 {
                    "+"
                } else {
                    ""
                };
                let plural = if number == 1 { "" } else { "s" };
                write!(f, "{separator}{plus}{number} {unit}{plural}")?;
                separator = " ";
                after_negative = number < 0;
            }
        }
        if self.microseconds == 0 && !separator.is_empty() {
            return Ok(());
        }
        let sign = match (self.microseconds < 0, after_negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let micros = self.microseconds.unsigned_abs();
        let (hours, minutes, seconds) = (
            micros / 3_600_000_000,
            micros / 60_000_000 % 60,
            micros / 1_000_000 % 60,
        );
        write!(f, "{separator}{sign}{hours:02}:{minutes:02}:{seconds:02}")?;
        fraction(u32::try_from(micros % 1_000_000).unwrap_or_default(), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As a server prints each in the four styles: `postgres`, `postgres_verbose`, `sql_standard`, `iso_8601`.
    const PRINTED: &[(Interval, [&str; 4])] = &[
        (interval(0, 0, 0), ["00:00:00", "@ 0", "0", "PT0S"]),
        (
            interval(14, 0, 0),
            ["1 year 2 mons", "@ 1 year 2 mons", "1-2", "P1Y2M"],
        ),
        (
            interval(-10, 3, 0),
            [
                "-10 mons +3 days",
                "@ 10 mons -3 days ago",
                "-0-10 +3 +0:00:00",
                "P-10M3D",
            ],
        ),
        (interval(0, 1, 0), ["1 day", "@ 1 day", "1 0:00:00", "P1D"]),
        (
            interval(0, -1, 0),
            ["-1 days", "@ 1 day ago", "-1 0:00:00", "P-1D"],
        ),
        (
            interval(0, -1, 3_600_000_000),
            [
                "-1 days +01:00:00",
                "@ 1 day -1 hours ago",
                "+0-0 -1 +1:00:00",
                "P-1DT1H",
            ],
        ),
        (
            interval(0, 1, -3_600_000_000),
            [
                "1 day -01:00:00",
                "@ 1 day -1 hours",
                "+0-0 +1 -1:00:00",
                "P1DT-1H",
            ],
        ),
        (
            interval(12, -1, 0),
            [
                "1 year -1 days",
                "@ 1 year -1 days",
                "+1-0 -1 +0:00:00",
                "P1Y-1D",
            ],
        ),
        (
            interval(-12, 1, 0),
            [
                "-1 years +1 day",
                "@ 1 year -1 days ago",
                "-1-0 +1 +0:00:00",
                "P-1Y1D",
            ],
        ),
        (
            interval(0, 0, 14_706_789_000),
            [
                "04:05:06.789",
                "@ 4 hours 5 mins 6.789 secs",
                "4:05:06.789",
                "PT4H5M6.789S",
            ],
        ),
        (
            interval(0, 0, -14_706_000_001),
            [
                "-04:05:06.000001",
                "@ 4 hours 5 mins 6.000001 secs ago",
                "-4:05:06.000001",
                "PT-4H-5M-6.000001S",
            ],
        ),
        (
            interval(0, 0, -1),
            [
                "-00:00:00.000001",
                "@ 0.000001 secs ago",
                "-0:00:00.000001",
                "PT-0.000001S",
            ],
        ),
        (
            interval(0, 0, 500_000),
            ["00:00:00.5", "@ 0.5 secs", "0:00:00.5", "PT0.5S"],
        ),
        (
            interval(-2_147_483_648, 0, 0),
            [
                "-178956970 years -8 mons",
                "@ 178956970 years 8 mons ago",
                "-178956970-8",
                "P-178956970Y-8M",
            ],
        ),
        (
            interval(2_147_483_647, 0, 0),
            [
                "178956970 years 7 mons",
                "@ 178956970 years 7 mons",
                "178956970-7",
                "P178956970Y7M",
            ],
        ),
        (
            interval(0, 2_147_483_647, 0),
            [
                "2147483647 days",
                "@ 2147483647 days",
                "2147483647 0:00:00",
                "P2147483647D",
            ],
        ),
        (
            interval(0, -2_147_483_648, 0),
            [
                "-2147483648 days",
                "@ 2147483648 days ago",
                "-2147483648 0:00:00",
                "P-2147483648D",
            ],
        ),
        (
            interval(1, 2, -11_045_000_000),
            [
                "1 mon 2 days -03:04:05",
                "@ 1 mon 2 days -3 hours -4 mins -5 secs",
                "+0-1 +2 -3:04:05",
                "P1M2DT-3H-4M-5S",
            ],
        ),
        (
            interval(-1, -2, -11_045_600_000),
            [
                "-1 mons -2 days -03:04:05.6",
                "@ 1 mon 2 days 3 hours 4 mins 5.6 secs ago",
                "-0-1 -2 -3:04:05.6",
                "P-1M-2DT-3H-4M-5.6S",
            ],
        ),
        (
            interval(-1, 2, 11_045_600_000),
            [
                "-1 mons +2 days 03:04:05.6",
                "@ 1 mon -2 days -3 hours -4 mins -5.6 secs ago",
                "-0-1 +2 +3:04:05.6",
                "P-1M2DT3H4M5.6S",
            ],
        ),
        (
            interval(0, 0, 9_223_372_036_854_775_807),
            [
                "2562047788:00:54.775807",
                "@ 2562047788 hours 54.775807 secs",
                "2562047788:00:54.775807",
                "PT2562047788H54.775807S",
            ],
        ),
        (
            interval(1, 0, -500_000),
            [
                "1 mon -00:00:00.5",
                "@ 1 mon -0.5 secs",
                "+0-1 +0 -0:00:00.5",
                "P1MT-0.5S",
            ],
        ),
        (
            interval(0, -1, 500_000),
            [
                "-1 days +00:00:00.5",
                "@ 1 day -0.5 secs ago",
                "+0-0 -1 +0:00:00.5",
                "P-1DT0.5S",
            ],
        ),
        (
            interval(-10, 0, 3_000_000),
            [
                "-10 mons +00:00:03",
                "@ 10 mons -3 secs ago",
                "-0-10 +0 +0:00:03",
                "P-10MT3S",
            ],
        ),
        (
            interval(12, 0, 1_000_000),
            [
                "1 year 00:00:01",
                "@ 1 year 1 sec",
                "+1-0 +0 +0:00:01",
                "P1YT1S",
            ],
        ),
        (
            interval(0, -5, -100_000),
            [
                "-5 days -00:00:00.1",
                "@ 5 days 0.1 secs ago",
                "-5 0:00:00.1",
                "P-5DT-0.1S",
            ],
        ),
        (
            interval(-14, 0, 0),
            ["-1 years -2 mons", "@ 1 year 2 mons ago", "-1-2", "P-1Y-2M"],
        ),
        (
            interval(-1, -2, 3_000_000),
            [
                "-1 mons -2 days +00:00:03",
                "@ 1 mon 2 days -3 secs ago",
                "-0-1 -2 +0:00:03",
                "P-1M-2DT3S",
            ],
        ),
        (
            interval(-1, 0, -250_000),
            [
                "-1 mons -00:00:00.25",
                "@ 1 mon 0.25 secs ago",
                "-0-1 +0 -0:00:00.25",
                "P-1MT-0.25S",
            ],
        ),
        (
            interval(0, 0, 3_599_000_000),
            ["00:59:59", "@ 59 mins 59 secs", "0:59:59", "PT59M59S"],
        ),
        (
            interval(0, 0, -60_000_000),
            ["-00:01:00", "@ 1 min ago", "-0:01:00", "PT-1M"],
        ),
        (
            interval(0, 0, 360_000_000_000),
            ["100:00:00", "@ 100 hours", "100:00:00", "PT100H"],
        ),
    ];

    const fn interval(months: i32, days: i32, microseconds: i64) -> Interval {
        Interval {
            months,
            days,
            microseconds,
        }
    }

    #[test]
    fn all_four_styles_are_read_and_the_first_is_printed() {
        for (interval, styles) in PRINTED {
            for text in styles {
                assert_eq!(text.parse(), Ok(*interval), "{text}");
            }
            assert_eq!(interval.to_string(), styles[0]);
        }
        assert_eq!(Interval::INFINITY.to_string(), "infinity");
        assert_eq!(Interval::NEG_INFINITY.to_string(), "-infinity");
        // How a server older than 17 prints the longest one.
        let longest = "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807";
        assert_eq!(longest.parse(), Ok(Interval::INFINITY));
    }

    #[test]
    fn what_is_too_large_is_an_error() {
        for text in [
            "178956970 years 8 mons",
            "@ 178956971 years ago",
            "P2147483648D",
            "-2147483649 0:00:00",
            "2562047788:00:54.775808",
            "PT2562047789H",
            "999999999999999999 years",
        ] {
            assert_eq!(
                text.parse::<Interval>(),
                Err(ValueError::OutOfRange("the interval".into())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_interval_is_an_error() {
        for text in [
            "",
            " ",
            "1",
            "1 ",
            " 1 day",
            "1 day ",
            "1 days 2 days",
            "1 day 1 year",
            "1 hour",
            "1.5 days",
            "days",
            "1 day 1:2:3",
            "1 day 04:05",
            "04:60:00",
            "04:00:60",
            "@",
            "@ ",
            "@ 1",
            "@ ago",
            "@ 1 day ago ago",
            "@ 0 ago",
            "@ 1 day 04:05:06",
            "@ 1.5 hours",
            "P",
            "PT",
            "P1",
            "P1H",
            "PT1D",
            "P1D1Y",
            "P1DT",
            "P1D ",
            "P1W",
            "P1.5D",
            "p1d",
            "1-12",
            "1-2-3",
            "1-2 3-4",
            "4:05:06 1",
            "1 2",
            "1:00:00 1-2",
            "+",
            "-",
            "--1 0:00:00",
            "1 mon, 1 day",
            "Infinity",
            "1 day  01:00:00",
            "9999999999999999999 days",
            "0-0 0",
            "1 day 1 0:00:00",
            "é",
        ] {
            // A number of days alone: only zero is printed so, but it cannot mean anything else.
            if ["1", "0-0 0"].contains(&text) {
                assert!(text.parse::<Interval>().is_ok());
                continue;
            }
            assert_eq!(
                text.parse::<Interval>(),
                Err(ValueError::Invalid("not an interval".into())),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_interval_has_its_text(months: i32, days: i32, microseconds: i64) {
            let value = interval(months, days, microseconds);
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }

        #[test]
        fn small_ones_too(months in -15..15, days in -2..2, microseconds in -2_000_000_i64..2_000_000) {
            let value = interval(months, days, microseconds);
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }

        #[test]
        fn any_text_is_an_interval_or_an_error(text in "[@P]?[-+0-9. :TYMDHSyearmonsdhic]{0,30}") {
            if let Ok(value) = text.parse::<Interval>() {
                prop_assert_eq!(value.to_string().parse(), Ok(value));
            }
        }
    }
}
