//! [`Date`]: PostgreSQL's `date`.

use std::fmt;
use std::str::FromStr;

use super::calendar;
use super::scan::Scan;
use crate::error::ValueError;

/// A value of PostgreSQL's `date`: any day from 4714-11-24 BC to 5874897-12-31, or one of two infinities.
///
/// The features `chrono`, `time` and `jiff` read and write the dates of those crates instead, as far as they reach.
///
/// ```
/// use purepg_types::Date;
///
/// let date = Date::new(2024, 2, 29).ok_or("no such day")?;
/// assert_eq!(date.to_string(), "2024-02-29");
/// assert_eq!(date.days(), 8825);
/// assert_eq!("infinity".parse(), Ok(Date::INFINITY));
/// assert_eq!(Date::new(0, 12, 31).ok_or("no such day")?.to_string(), "0001-12-31 BC");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date(i32);

impl Date {
    /// Later than every day.
    pub const INFINITY: Self = Self(i32::MAX);
    /// Earlier than every day.
    pub const NEG_INFINITY: Self = Self(i32::MIN);

    /// A day of the Gregorian calendar, which PostgreSQL extends into the past; the year 0 is 1 BC. `None` when the calendar has no such day,
    /// or when it is too far away.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let days = calendar::to_days(year.into(), month, day)?;
        let date = Self(i32::try_from(days).ok()?);
        (!date.is_infinite()).then_some(date)
    }

    /// The day this many days after 2000-01-01; the ends of the type are the infinities.
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// How many days it is after 2000-01-01; for the infinities one of the ends of the type.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Whether it is one of the infinities.
    pub const fn is_infinite(self) -> bool {
        matches!(self.0, i32::MIN | i32::MAX)
    }

    /// The year, of which 0 is 1 BC, the month and the day; `None` for the infinities.
    pub fn to_ymd(self) -> Option<(i32, u8, u8)> {
        if self.is_infinite() {
            return None;
        }
        let (year, month, day) = calendar::from_days(self.0.into());
        Some((i32::try_from(year).ok()?, month, day))
    }

    pub(super) fn scan(scan: &mut Scan<'_>) -> Option<(i64, u8, u8)> {
        let year = scan.number(4, 9)?;
        let month = scan.eat("-").then(|| scan.two()).flatten()?;
        let day = scan.eat("-").then(|| scan.two()).flatten()?;
        (year > 0).then_some((year, month, day))
    }

    /// The year and, where it needs it, the suffix, as PostgreSQL prints them.
    pub(super) fn era(year: i32) -> (u32, &'static str) {
        if year > 0 {
            (year.unsigned_abs(), "")
        } else {
            (year.unsigned_abs() + 1, " BC")
        }
    }
}

impl FromStr for Date {
    type Err = ValueError;

    /// Reads what PostgreSQL prints while `DateStyle` is ISO: `2024-02-29`, `0044-03-15 BC`, `-infinity`.
    ///
    /// # Errors
    /// When it is not a date in that form, or one that is too far away.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "infinity" => return Ok(Self::INFINITY),
            "-infinity" => return Ok(Self::NEG_INFINITY),
            _ => {}
        }
        let mut scan = Scan(text.as_bytes());
        let date = Self::scan(&mut scan);
        let is_bc = scan.eat(" BC");
        let (Some((year, month, day)), true) = (date, scan.is_empty()) else {
            return Err(ValueError::Invalid("not a date in the ISO form".into()));
        };
        let year = if is_bc { 1 - year } else { year };
        if calendar::to_days(year, month, day).is_none() {
            return Err(ValueError::Invalid("no date of the calendar".into()));
        }
        let date = i32::try_from(year)
            .ok()
            .and_then(|year| Self::new(year, month, day));
        date.ok_or_else(|| ValueError::OutOfRange("the date".into()))
    }
}

impl fmt::Display for Date {
    /// As PostgreSQL prints it while `DateStyle` is ISO.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_ymd() {
            Some((year, month, day)) => {
                let (year, era) = Self::era(year);
                write!(f, "{year:04}-{month:02}-{day:02}{era}")
            }
            None if self.0 > 0 => f.write_str("infinity"),
            None => f.write_str("-infinity"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges_in_text() {
        for (text, days) in [
            ("2000-01-01", 0),
            ("4714-11-24 BC", -2_451_545),
            ("4713-01-01 BC", -2_451_507),
            ("0005-02-29 BC", -731_887),
            ("0001-12-31 BC", -730_120),
            ("0001-01-01", -730_119),
            ("5874897-12-31", 2_145_031_948),
            ("infinity", i32::MAX),
            ("-infinity", i32::MIN),
        ] {
            assert_eq!(text.parse(), Ok(Date(days)), "{text}");
            assert_eq!(Date(days).to_string(), text);
        }
    }

    #[test]
    fn other_styles_and_other_days_are_errors() {
        for text in [
            "",
            "01/02/2000",
            "02-01-2000",
            "02.01.2000",
            "2000-1-1",
            "2000-01-01 ",
            " 2000-01-01",
            "2000-01-01 AD",
            "2000-01-01 00:00:00",
            "Infinity",
            "0000-01-01",
            "-2000-01-01",
            "99-01-01",
            "2000-01-01BC",
            "2000-01-01 BC BC",
        ] {
            let error = text.parse::<Date>().unwrap_err();
            assert_eq!(error.to_string(), "not a date in the ISO form", "{text}");
        }
        for text in [
            "2000-02-30",
            "2001-02-29",
            "0004-02-29 BC",
            "2000-13-01",
            "2000-00-10",
            "2000-01-00",
        ] {
            let error = text.parse::<Date>().unwrap_err();
            assert_eq!(error.to_string(), "no date of the calendar", "{text}");
        }
        let error = "5900000-01-01".parse::<Date>().unwrap_err();
        assert_eq!(error, ValueError::OutOfRange("the date".into()));
        assert_eq!(Date::new(5_900_000, 1, 1), None);
        assert_eq!(Date::new(i32::MAX, 1, 1), None);
        assert_eq!(Date::new(i32::MIN, 1, 1), None);
    }

    proptest! {
        #[test]
        fn every_day_has_its_text(days: i32) {
            let date = Date::from_days(days);
            prop_assert_eq!(date.to_string().parse(), Ok(date));
            if let Some((year, month, day)) = date.to_ymd() {
                prop_assert_eq!(Date::new(year, month, day), Some(date));
            }
        }
    }
}
