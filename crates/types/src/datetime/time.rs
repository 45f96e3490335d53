//! [`Time`] and [`TimeTz`]: PostgreSQL's `time` and `timetz`.

use std::fmt;
use std::str::FromStr;

use super::MICROS_PER_DAY;
use super::scan::Scan;
use crate::error::ValueError;

/// A value of PostgreSQL's `time`: microseconds since midnight, up to and including `24:00:00`.
///
/// ```
/// use purepg_types::Time;
///
/// let time = Time::new(4, 5, 6, 789_000).ok_or("no such time")?;
/// assert_eq!(time.to_string(), "04:05:06.789");
/// assert_eq!((time.hour(), time.minute(), time.second(), time.microsecond()), (4, 5, 6, 789_000));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(i64);

impl Time {
    /// `24:00:00`, the end of the day.
    pub const END_OF_DAY: Self = Self(MICROS_PER_DAY);

    /// A time of day; `None` when a part is too large. `24:00:00` is the only time of the hour 24.
    pub fn new(hour: u8, minute: u8, second: u8, microsecond: u32) -> Option<Self> {
        if minute > 59 || second > 59 || microsecond > 999_999 {
            return None;
        }
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Self::from_micros(seconds * 1_000_000 + i64::from(microsecond))
    }

    /// The time this many microseconds after midnight; `None` when that is another day.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (0..=MICROS_PER_DAY)
            .contains(&micros)
            .then_some(Self(micros))
    }

    /// Microseconds since midnight.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The hour, 0 to 24.
    pub fn hour(self) -> u8 {
        u8::try_from(self.0 / 3_600_000_000).unwrap_or_default()
    }

    /// The minute of the hour.
    pub fn minute(self) -> u8 {
        u8::try_from(self.0 / 60_000_000 % 60).unwrap_or_default()
    }

    /// The second of the minute.
    pub fn second(self) -> u8 {
        u8::try_from(self.0 / 1_000_000 % 60).unwrap_or_default()
    }

    /// The microsecond of the second.
    pub fn microsecond(self) -> u32 {
        u32::try_from(self.0 % 1_000_000).unwrap_or_default()
    }

    pub(super) fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        let hour = scan.two()?;
        let minute = scan.eat(":").then(|| scan.two()).flatten()?;
        let second = scan.eat(":").then(|| scan.two()).flatten()?;
        let micros = u32::try_from(scan.fraction()?).ok()?;
        Self::new(hour, minute, second, micros)
    }
}

impl FromStr for Time {
    type Err = ValueError;

    /// Reads what PostgreSQL prints: `04:05:06.789`.
    ///
    /// # Errors
    /// When it is not a time in that form.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut scan = Scan(text.as_bytes());
        let time = Self::scan(&mut scan).filter(|_| scan.is_empty());
        time.ok_or_else(|| ValueError::Invalid("not a time of day".into()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.hour(), self.minute(), self.second());
        write!(f, "{hour:02}:{minute:02}:{second:02}")?;
        fraction(self.microsecond(), f)
    }
}

/// The microseconds behind a second, without zeros at their end.
pub(super) fn fraction(micros: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (mut digits, mut width) = (micros, 6);
    if micros == 0 {
        return Ok(());
    }
    while digits % 10 == 0 {
        digits /= 10;
        width -= 1;
    }
    write!(f, ".{digits:0width$}")
}

/// A value of PostgreSQL's `timetz`: a time of day, and how far its clock is from UTC.
///
/// Two of them are equal when both parts are, as PostgreSQL has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimeTz {
    time: Time,
    offset: i32,
}

impl TimeTz {
    /// A time on a clock that is this many seconds ahead of UTC: positive to the east. `None` unless the offset is below 16 hours.
    pub fn new(time: Time, offset: i32) -> Option<Self> {
        (offset.unsigned_abs() < 16 * 3600).then_some(Self { time, offset })
    }

    /// The time that the clock shows.
    pub const fn time(self) -> Time {
        self.time
    }

    /// How many seconds the clock is ahead of UTC.
    pub const fn offset(self) -> i32 {
        self.offset
    }
}

/// `+02`, `-03:30`, `+00:19:32`: seconds east of UTC.
pub(super) fn scan_offset(scan: &mut Scan<'_>) -> Option<i32> {
    let sign = scan.sign()?;
    let hours = scan.two()?;
    let minutes = if scan.eat(":") { scan.two()? } else { 0 };
    let seconds = if scan.eat(":") { scan.two()? } else { 0 };
    let size = (i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
    i32::try_from(sign * size).ok()
}

impl FromStr for TimeTz {
    type Err = ValueError;

    /// Reads what PostgreSQL prints: `04:05:06.789+02`.
    ///
    /// # Errors
    /// When it is not a time with an offset in that form.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut scan = Scan(text.as_bytes());
        let time = Time::scan(&mut scan);
        let offset = scan_offset(&mut scan);
        let value = match (time, offset, scan.is_empty()) {
            (Some(time), Some(offset), true) => Self::new(time, offset),
            _ => None,
        };
        value.ok_or_else(|| ValueError::Invalid("not a time of day with an offset".into()))
    }
}

impl fmt::Display for TimeTz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let size = self.offset.unsigned_abs();
        let (hours, minutes, seconds) = (size / 3600, size / 60 % 60, size % 60);
        write!(f, "{}{sign}{hours:02}", self.time)?;
        if minutes != 0 || seconds != 0 {
            write!(f, ":{minutes:02}")?;
        }
        if seconds != 0 {
            write!(f, ":{seconds:02}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_day() {
        for (text, micros) in [
            ("00:00:00", 0),
            ("00:00:00.000001", 1),
            ("12:34:56.1", 45_296_100_000),
            ("23:59:59.999999", MICROS_PER_DAY - 1),
            ("24:00:00", MICROS_PER_DAY),
        ] {
            assert_eq!(text.parse(), Ok(Time(micros)), "{text}");
            assert_eq!(Time(micros).to_string(), text);
        }
        assert_eq!(Time::END_OF_DAY.hour(), 24);
        for micros in [-1, MICROS_PER_DAY + 1, i64::MIN, i64::MAX] {
            assert_eq!(Time::from_micros(micros), None);
        }
        for text in [
            "",
            "24:00:00.000001",
            "25:00:00",
            "12:60:00",
            "12:00:60",
            "12:00",
            "1:00:00",
            "12:00:00.",
            "12:00:00.1234567",
            "12:00:00+00",
            "12:00:00 AM",
            "-01:00:00",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
        assert_eq!(Time::new(255, 0, 0, 0), None);
        assert_eq!(Time::new(0, 0, 0, 1_000_000), None);
    }

    #[test]
    fn offsets_to_either_side() {
        for (text, offset) in [
            ("24:00:00+15:59:59", 57_599),
            ("00:00:00-15:59:59", -57_599),
            ("12:00:00+00", 0),
            ("12:00:00-03:30", -12_600),
            ("12:00:00.5+00:00:01", 1),
        ] {
            let value: TimeTz = text.parse().unwrap();
            assert_eq!(value.offset(), offset);
            assert_eq!(value.to_string(), text);
        }
        for text in [
            "12:00:00",
            "12:00:00+16",
            "12:00:00+2",
            "12:00:00 +02",
            "12:00:00+02:",
            "12:00:00Z",
        ] {
            assert!(text.parse::<TimeTz>().is_err(), "{text}");
        }
        assert_eq!(TimeTz::new(Time::default(), i32::MIN), None);
    }

    proptest! {
        #[test]
        fn every_time_has_its_text(micros in 0..=MICROS_PER_DAY, offset in -57_599..57_600) {
            let time = Time::from_micros(micros).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            let time = TimeTz::new(time, offset).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
