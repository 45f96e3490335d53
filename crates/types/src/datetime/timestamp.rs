//! [`Timestamp`] and [`TimestampTz`]: PostgreSQL's `timestamp` and `timestamptz`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use super::scan::Scan;
use super::time::scan_offset;
use super::{Date, MICROS_PER_DAY, Time, calendar};
use crate::error::ValueError;

/// From 1970-01-01, from where Unix counts, to 2000-01-01.
const UNIX_OFFSET: i64 = 946_684_800_000_000;

macro_rules! timestamp {
    ($(#[$doc:meta])* $name:ident: $from:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(i64);

        impl $name {
            /// Later than every moment.
            pub const INFINITY: Self = Self(i64::MAX);
            /// Earlier than every moment.
            pub const NEG_INFINITY: Self = Self(i64::MIN);

            #[doc = concat!("The moment this many microseconds after ", $from, "; the ends of the type are the infinities.")]
            pub const fn from_micros(micros: i64) -> Self {
                Self(micros)
            }

            #[doc = concat!("How many microseconds it is after ", $from, "; for the infinities one of the ends of the type.")]
            pub const fn micros(self) -> i64 {
                self.0
            }

            /// Whether it is one of the infinities.
            pub const fn is_infinite(self) -> bool {
                matches!(self.0, i64::MIN | i64::MAX)
            }

            fn finite(micros: Option<i64>) -> Option<Self> {
                micros.map(Self).filter(|value| !value.is_infinite())
            }

            fn split(self) -> Option<(Date, Time)> {
                if self.is_infinite() {
                    return None;
                }
                let days = i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).ok()?;
                let time = Time::from_micros(self.0.rem_euclid(MICROS_PER_DAY))?;
                Some((Date::from_days(days), time))
            }

            /// Prints it, with this behind the time.
            fn print(self, suffix: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.split().and_then(|(date, time)| Some((date.to_ymd()?, time))) {
                    Some(((year, month, day), time)) => {
                        let (year, era) = Date::era(year);
                        write!(f, "{year:04}-{month:02}-{day:02} {time}{suffix}{era}")
                    }
                    None if self.0 > 0 => f.write_str("infinity"),
                    None => f.write_str("-infinity"),
                }
            }
        }
    };
}

timestamp! {
    /// A value of PostgreSQL's `timestamp`: a date and a time of day by some clock, or one of two infinities.
    ///
    /// The features `chrono`, `time` and `jiff` read and write the types of those crates instead, as far as they reach.
    ///
    /// ```
    /// use purepg_types::{Date, Time, Timestamp};
    ///
    /// let moment: Timestamp = "2024-02-29 04:05:06.789".parse()?;
    /// assert_eq!(moment.date(), Date::new(2024, 2, 29));
    /// assert_eq!(moment.time(), Time::new(4, 5, 6, 789_000));
    /// assert_eq!(moment.to_string(), "2024-02-29 04:05:06.789");
    /// # Ok::<(), purepg_types::ValueError>(())
    /// ```
    Timestamp: "2000-01-01 00:00:00"
}

timestamp! {
    /// A value of PostgreSQL's `timestamptz`: a moment, or one of two infinities. (PostgreSQL does not store a time zone with it.)
    ///
    /// It turns into a [`SystemTime`] and back. The features `chrono`, `time` and `jiff` read and write the types of those crates instead, as
    /// far as they reach.
    ///
    /// ```
    /// use purepg_types::TimestampTz;
    ///
    /// let moment: TimestampTz = "2024-02-29 04:05:06.789+02".parse()?;
    /// assert_eq!(moment.to_string(), "2024-02-29 02:05:06.789+00");
    /// # Ok::<(), purepg_types::ValueError>(())
    /// ```
    TimestampTz: "2000-01-01 00:00:00 in UTC"
}

impl Timestamp {
    /// A date and a time of that day; `None` when the date is infinite or too far away.
    pub fn new(date: Date, time: Time) -> Option<Self> {
        if date.is_infinite() {
            return None;
        }
        let midnight = i64::from(date.days()).checked_mul(MICROS_PER_DAY);
        Self::finite(midnight.and_then(|midnight| midnight.checked_add(time.micros())))
    }

    /// The date; `None` for the infinities.
    pub fn date(self) -> Option<Date> {
        self.split().map(|(date, _)| date)
    }

    /// The time of day; `None` for the infinities.
    pub fn time(self) -> Option<Time> {
        self.split().map(|(_, time)| time)
    }
}

impl TimestampTz {
    /// The moment this many microseconds after 1970-01-01 00:00:00 in UTC; `None` when it is too far away.
    pub fn from_unix_micros(micros: i128) -> Option<Self> {
        let micros = micros.checked_sub(UNIX_OFFSET.into())?;
        Self::finite(i64::try_from(micros).ok())
    }

    /// How many microseconds it is after 1970-01-01 00:00:00 in UTC; `None` for the infinities. The last thirty years would not fit into an `i64`.
    #[inline]
    pub fn unix_micros(self) -> Option<i128> {
        (!self.is_infinite()).then(|| i128::from(self.0) + i128::from(UNIX_OFFSET))
    }
}

/// A date and a time of day, perhaps with an offset, and perhaps BC: microseconds since 2000-01-01.
fn scan(text: &str, offset: fn(&mut Scan<'_>) -> Option<i32>) -> Result<Option<i64>, ValueError> {
    let mut scan = Scan(text.as_bytes());
    let date = Date::scan(&mut scan);
    let time = scan.eat(" ").then(|| Time::scan(&mut scan)).flatten();
    let offset = offset(&mut scan);
    let is_bc = scan.eat(" BC");
    let (Some((year, month, day)), Some(time), Some(offset), true) =
        (date, time, offset, scan.is_empty())
    else {
        return Err(ValueError::Invalid(
            "not a timestamp in the ISO form".into(),
        ));
    };
    let year = if is_bc { 1 - year } else { year };
    let days = calendar::to_days(year, month, day);
    let days = days.ok_or_else(|| ValueError::Invalid("no date of the calendar".into()))?;
    // Wider than the result: the local time of the last moment may be beyond it.
    let micros = i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(time.micros())
        - i128::from(offset) * 1_000_000;
    Ok(i64::try_from(micros).ok())
}

#[cold]
fn too_far() -> ValueError {
    ValueError::OutOfRange("the timestamp".into())
}

impl FromStr for Timestamp {
    type Err = ValueError;

    /// Reads what PostgreSQL prints while `DateStyle` is ISO: `0044-03-15 01:02:03.4 BC`, `-infinity`.
    ///
    /// # Errors
    /// When it is not a timestamp in that form, or one that is too far away.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "infinity" => Ok(Self::INFINITY),
            "-infinity" => Ok(Self::NEG_INFINITY),
            _ => Self::finite(scan(text, |_| Some(0))?).ok_or_else(too_far),
        }
    }
}

impl FromStr for TimestampTz {
    type Err = ValueError;

    /// Reads what PostgreSQL prints while `DateStyle` is ISO, in whatever time zone: `1900-01-01 00:19:32+00:19:32`, `-infinity`.
    ///
    /// # Errors
    /// When it is not a timestamp with an offset in that form, or one that is too far away.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "infinity" => Ok(Self::INFINITY),
            "-infinity" => Ok(Self::NEG_INFINITY),
            _ => Self::finite(scan(text, scan_offset)?).ok_or_else(too_far),
        }
    }
}

impl fmt::Display for Timestamp {
    /// As PostgreSQL prints it while `DateStyle` is ISO.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print("", f)
    }
}

impl fmt::Display for TimestampTz {
    /// As PostgreSQL prints it while `DateStyle` is ISO and `TimeZone` is UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print("+00", f)
    }
}

impl TryFrom<TimestampTz> for SystemTime {
    type Error = ValueError;

    /// # Errors
    /// For the infinities, and for what is too far away for the system's clock.
    fn try_from(value: TimestampTz) -> Result<Self, ValueError> {
        let epoch = Self::UNIX_EPOCH.checked_add(Duration::from_micros(UNIX_OFFSET.unsigned_abs()));
        let distance = Duration::from_micros(value.0.unsigned_abs());
        let time = match epoch {
            Some(_) if value.is_infinite() => None,
            Some(epoch) if value.0 < 0 => epoch.checked_sub(distance),
            Some(epoch) => epoch.checked_add(distance),
            None => None,
        };
        time.ok_or_else(|| ValueError::OutOfRange(value.to_string().into()))
    }
}

impl TryFrom<SystemTime> for TimestampTz {
    type Error = ValueError;

    /// What is finer than a microsecond is cut off, towards the past.
    ///
    /// # Errors
    /// For what is too far away for a timestamp.
    fn try_from(value: SystemTime) -> Result<Self, ValueError> {
        let micros = match value.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_micros()).ok(),
            Err(before) => {
                let nanos = before.duration().as_nanos();
                i128::try_from(nanos.div_ceil(1000)).ok().map(|size| -size)
            }
        };
        micros.and_then(Self::from_unix_micros).ok_or_else(too_far)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_time() {
        for (text, micros) in [
            ("4714-11-24 00:00:00 BC", -211_813_488_000_000_000),
            ("2000-01-01 00:00:00", 0),
            ("1999-12-31 23:59:59.999999", -1),
            ("294276-12-31 23:59:59.999999", 9_223_371_331_199_999_999),
            ("infinity", i64::MAX),
            ("-infinity", i64::MIN),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(micros)), "{text}");
            assert_eq!(Timestamp(micros).to_string(), text);
        }
        assert_eq!(
            Timestamp(i64::MAX - 1).to_string(),
            "294277-01-09 04:00:54.775806"
        );
        for text in [
            "294277-01-09 04:00:54.775807",
            "300000-01-01 00:00:00",
            "300000-01-01 00:00:00 BC",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(too_far()));
        }
        assert_eq!(Timestamp::new(Date::INFINITY, Time::default()), None);
        assert_eq!(
            Timestamp::new(Date::from_days(i32::MAX - 1), Time::default()),
            None
        );
        assert_eq!(Timestamp::INFINITY.date(), None);
        assert_eq!(Timestamp(-1).time().unwrap().micros(), MICROS_PER_DAY - 1);
    }

    #[test]
    fn offsets_of_all_sorts() {
        for (text, utc) in [
            (
                "4714-12-31 20:29:08-03:30:52 BC",
                "4713-01-01 00:00:00+00 BC",
            ),
            (
                "294277-01-01 05:59:59.999999+06",
                "294276-12-31 23:59:59.999999+00",
            ),
            ("1900-01-01 00:19:32+00:19:32", "1900-01-01 00:00:00+00"),
            ("2024-03-10 01:59:59.5-05", "2024-03-10 06:59:59.5+00"),
            ("2024-03-10 03:00:00-04", "2024-03-10 07:00:00+00"),
            ("0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC"),
        ] {
            assert_eq!(text.parse::<TimestampTz>().unwrap().to_string(), utc);
            assert_eq!(utc.parse::<TimestampTz>(), text.parse());
        }
    }

    #[test]
    fn other_styles_are_errors() {
        for text in [
            "",
            "01/01/2000 00:00:00 EST",
            "01.01.2000 00:00:00 EST",
            "Sat 01 Jan 00:00:00 2000 EST",
            "2000-01-01",
            "2000-01-01 00:00:00",
            "2000-01-01T00:00:00+00",
            "2000-01-01 00:00:00+00 BC ",
            "2000-01-01 00:00:00 EST",
            "2000-01-01 25:00:00+00",
        ] {
            let error = text.parse::<TimestampTz>().unwrap_err();
            assert_eq!(
                error.to_string(),
                "not a timestamp in the ISO form",
                "{text}"
            );
        }
        assert!("2000-01-01 00:00:00+00".parse::<Timestamp>().is_err());
        assert!("2001-02-29 00:00:00".parse::<Timestamp>().is_err());
    }

    #[test]
    fn system_time() {
        let moment = |text: &str| text.parse::<TimestampTz>().unwrap();
        let unix = moment("1970-01-01 00:00:00+00");
        assert_eq!(SystemTime::try_from(unix), Ok(SystemTime::UNIX_EPOCH));
        assert_eq!(TimestampTz::try_from(SystemTime::UNIX_EPOCH), Ok(unix));
        for text in [
            "4713-01-01 00:00:00+00 BC",
            "1969-12-31 23:59:59.999999+00",
            "2024-02-29 01:02:03.000004+00",
            "294276-12-31 23:59:59.999999+00",
        ] {
            let time = SystemTime::try_from(moment(text)).unwrap();
            assert_eq!(TimestampTz::try_from(time), Ok(moment(text)), "{text}");
        }
        // Towards the past on either side of the epoch.
        let nano = Duration::from_nanos(1);
        assert_eq!(
            TimestampTz::try_from(SystemTime::UNIX_EPOCH + nano),
            Ok(unix)
        );
        assert_eq!(
            TimestampTz::try_from(SystemTime::UNIX_EPOCH - nano)
                .unwrap()
                .to_string(),
            "1969-12-31 23:59:59.999999+00"
        );
        assert_eq!(
            SystemTime::try_from(TimestampTz::INFINITY),
            Err(ValueError::OutOfRange("infinity".into()))
        );
        assert!(SystemTime::try_from(TimestampTz::NEG_INFINITY).is_err());
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000_000_000);
        assert_eq!(TimestampTz::try_from(far), Err(too_far()));
        assert_eq!(TimestampTz::INFINITY.unix_micros(), None);
        assert_eq!(TimestampTz::from_unix_micros(i64::MIN.into()), None);
    }

    proptest! {
        #[test]
        fn every_moment_has_its_text(micros: i64) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            if let (Some(date), Some(time)) = (moment.date(), moment.time()) {
                prop_assert_eq!(Timestamp::new(date, time), Some(moment));
            }
            let moment = TimestampTz::from_micros(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            if let Some(unix) = moment.unix_micros() {
                prop_assert_eq!(TimestampTz::from_unix_micros(unix), Some(moment));
            }
            if let Ok(time) = SystemTime::try_from(moment) && moment.unix_micros().is_some() {
                prop_assert_eq!(TimestampTz::try_from(time), Ok(moment));
            }
        }
    }
}
