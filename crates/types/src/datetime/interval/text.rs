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
mod tests;
