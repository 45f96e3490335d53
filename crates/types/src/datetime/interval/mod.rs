//! [`Interval`]: PostgreSQL's `interval`.

mod text;

use std::time::Duration;

use crate::error::ValueError;

/// A value of PostgreSQL's `interval`: months, days and microseconds, which do not turn into each other, for months and days differ in length.
///
/// `==` compares the three, so that a day is not 24 hours; to PostgreSQL's `=` it is. One of whole microseconds turns into a [`Duration`] and back.
///
/// ```
/// use purepg_types::Interval;
///
/// let interval: Interval = "1 year 2 mons -3 days +04:05:06.789".parse()?;
/// assert_eq!(interval, Interval { months: 14, days: -3, microseconds: 14_706_789_000 });
/// assert_eq!(interval.to_string(), "1 year 2 mons -3 days +04:05:06.789");
/// assert_eq!("P1Y2M-3DT4H5M6.789S".parse(), Ok(interval));
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
// Exhaustive: these three are the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Interval {
    /// Months; a year is twelve of them.
    pub months: i32,
    /// Days; a week is seven of them.
    pub days: i32,
    /// Everything shorter than a day, but it may be longer in all.
    pub microseconds: i64,
}

impl Interval {
    /// Longer than every interval. Since PostgreSQL 17; for older servers it is the longest one that there is.
    pub const INFINITY: Self = Self {
        months: i32::MAX,
        days: i32::MAX,
        microseconds: i64::MAX,
    };
    /// Shorter than every interval. Since PostgreSQL 17; for older servers it is the most negative one that there is.
    pub const NEG_INFINITY: Self = Self {
        months: i32::MIN,
        days: i32::MIN,
        microseconds: i64::MIN,
    };

    /// Whether it is one of the infinities.
    pub fn is_infinite(self) -> bool {
        self == Self::INFINITY || self == Self::NEG_INFINITY
    }

    /// An interval of nothing but microseconds.
    pub const fn from_micros(microseconds: i64) -> Self {
        Self {
            months: 0,
            days: 0,
            microseconds,
        }
    }

    /// All of it in microseconds, when it has neither months nor days, whose lengths differ.
    pub fn micros(self) -> Option<i64> {
        (self.months == 0 && self.days == 0).then_some(self.microseconds)
    }
}

impl TryFrom<Interval> for Duration {
    type Error = ValueError;

    /// # Errors
    /// When it is negative, or has months or days.
    fn try_from(value: Interval) -> Result<Self, ValueError> {
        let micros = value.micros().and_then(|micros| u64::try_from(micros).ok());
        micros
            .map(Self::from_micros)
            .ok_or_else(|| ValueError::OutOfRange(value.to_string().into()))
    }
}

impl TryFrom<Duration> for Interval {
    type Error = ValueError;

    /// # Errors
    /// When it is finer than a microsecond, or longer than 292471 years.
    fn try_from(value: Duration) -> Result<Self, ValueError> {
        let micros = i64::try_from(value.as_micros()).ok();
        micros
            .filter(|_| value.subsec_nanos().is_multiple_of(1000))
            .map(Self::from_micros)
            .ok_or_else(|| ValueError::OutOfRange("the duration".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_where_exact() {
        for micros in [0, 1, 1_000_000, 86_400_000_000, i64::MAX] {
            let duration = Duration::from_micros(micros.unsigned_abs());
            let interval = Interval::from_micros(micros);
            assert_eq!(Duration::try_from(interval), Ok(duration));
            assert_eq!(Interval::try_from(duration), Ok(interval));
        }
        for text in ["-00:00:01", "1 day", "1 mon", "1 day -24:00:00", "infinity"] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(
                Duration::try_from(interval),
                Err(ValueError::OutOfRange(text.into()))
            );
        }
        for duration in [
            Duration::from_nanos(1),
            Duration::from_nanos(1001),
            Duration::MAX,
        ] {
            assert!(Interval::try_from(duration).is_err());
        }
    }
}
