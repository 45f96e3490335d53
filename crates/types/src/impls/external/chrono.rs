//! The types of `chrono`.

use bytes::BytesMut;
use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Timelike as _, Utc,
};

use super::wire::{Wire as _, through, write_binary, write_text};
use super::{does_not_fit, out_of_range};
use crate::error::BoxError;
use crate::{Date, Interval, IsNull, Time, Timestamp, TimestampTz, ToSql, Type};

through! {
    NaiveDate = Date {
        from: |date| {
            let chrono = date.to_ymd().and_then(|(year, month, day)| {
                NaiveDate::from_ymd_opt(year, month.into(), day.into())
            });
            chrono.ok_or_else(|| does_not_fit(&date))
        },
        to: |value| date(*value),
    }
    NaiveTime = Time {
        from: |time| {
            let seconds = u32::try_from(time.micros() / 1_000_000).ok();
            seconds
                .and_then(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, time.microsecond() * 1000))
                .ok_or_else(|| does_not_fit(&time))
        },
        to: |value| time(*value),
    }
    NaiveDateTime = Timestamp {
        from: |moment| {
            let unix = TimestampTz::from_micros(moment.micros()).unix_micros();
            unix.and_then(from_unix)
                .map(|chrono| chrono.naive_utc())
                .ok_or_else(|| does_not_fit(&moment))
        },
        to: |value| Ok(Timestamp::from_micros(moment(value.and_utc())?.micros())),
    }
    TimeDelta = Interval {
        from: |interval| match interval.micros() {
            Some(micros) => Ok(TimeDelta::microseconds(micros)),
            None => Err(does_not_fit(&interval)),
        },
        to: |value| match value.num_microseconds() {
            Some(micros) if value.subsec_nanos() % 1000 == 0 => Ok(Interval::from_micros(micros)),
            _ => Err(out_of_range("the duration")),
        },
    }
}

fn date(value: NaiveDate) -> Result<Date, BoxError> {
    let (month, day) = (u8::try_from(value.month())?, u8::try_from(value.day())?);
    Date::new(value.year(), month, day).ok_or_else(|| out_of_range("the date"))
}

/// What is finer than a microsecond is cut off. A leap second is that of the next minute, as PostgreSQL has it.
fn time(value: NaiveTime) -> Result<Time, BoxError> {
    let micros = i64::from(value.num_seconds_from_midnight()) * 1_000_000
        + i64::from(value.nanosecond() / 1000);
    Time::from_micros(micros).ok_or_else(|| out_of_range("the leap second"))
}

/// What is finer than a microsecond is cut off, towards the past.
fn moment(value: DateTime<Utc>) -> Result<TimestampTz, BoxError> {
    TimestampTz::from_unix_micros(value.timestamp_micros().into())
        .ok_or_else(|| out_of_range("the timestamp"))
}

impl<'a> crate::FromSql<'a> for DateTime<Utc> {
    #[inline]
    fn accepts(ty: &Type) -> bool {
        TimestampTz::reads(ty)
    }

    #[inline]
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        utc(TimestampTz::from_binary(ty, raw)?)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        utc(TimestampTz::from_text(ty, raw)?)
    }
}

#[inline]
fn from_unix(micros: i128) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(i64::try_from(micros).ok()?)
}

#[inline]
fn utc(moment: TimestampTz) -> Result<DateTime<Utc>, BoxError> {
    let chrono = moment.unix_micros().and_then(from_unix);
    chrono.ok_or_else(|| does_not_fit(&moment))
}

/// With an offset of 0: PostgreSQL does not keep the one that was written.
impl<'a> crate::FromSql<'a> for DateTime<FixedOffset> {
    fn accepts(ty: &Type) -> bool {
        TimestampTz::reads(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        DateTime::<Utc>::from_binary(ty, raw).map(|value| value.fixed_offset())
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        DateTime::<Utc>::from_text(ty, raw).map(|value| value.fixed_offset())
    }
}

impl<Z: TimeZone> ToSql for DateTime<Z>
where
    Z::Offset: Send + Sync,
{
    fn accepts(&self, ty: &Type) -> bool {
        TimestampTz::writes(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        write_binary(&moment(self.to_utc())?, ty, out)
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        write_text(&moment(self.to_utc())?, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{DecodeErrorKind, Format};

    #[test]
    fn the_same_text_as_ours() {
        let date = NaiveDate::from_ymd_opt(-43, 3, 15).unwrap();
        let written = write(&date, &Type::DATE, Format::Text).unwrap().unwrap();
        assert_eq!(written, b"0044-03-15 BC");
        let moment = date.and_hms_micro_opt(1, 2, 3, 400_000).unwrap();
        let written = write(&moment, &Type::TIMESTAMP, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"0044-03-15 01:02:03.4 BC");
        let moment = moment
            .and_local_timezone(FixedOffset::east_opt(7200).unwrap())
            .unwrap();
        let written = write(&moment, &Type::TIMESTAMPTZ, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"0044-03-14 23:02:03.4+00 BC");
    }

    #[test]
    fn what_chrono_cannot_hold_is_named() {
        for (days, named) in [
            (i32::MAX, "infinity"),
            (i32::MIN, "-infinity"),
            (i32::MAX - 1, "5881610-07-10"),
        ] {
            assert_eq!(
                failure::<NaiveDate>(&binary(Type::DATE), &days.to_be_bytes()),
                (
                    DecodeErrorKind::OutOfRange,
                    format!(
                        r#"column "a" (date) cannot be read as NaiveDate: {named} does not fit"#
                    )
                )
            );
        }
        for raw in [i64::MAX, i64::MIN, i64::MAX - 1] {
            let raw = raw.to_be_bytes();
            assert_eq!(
                failure::<NaiveDateTime>(&binary(Type::TIMESTAMP), &raw).0,
                DecodeErrorKind::OutOfRange
            );
            assert_eq!(
                failure::<DateTime<Utc>>(&binary(Type::TIMESTAMPTZ), &raw).0,
                DecodeErrorKind::OutOfRange
            );
        }
        assert_eq!(
            failure::<NaiveTime>(&text(Type::TIME), b"24:00:00").1,
            r#"column "a" (time) cannot be read as NaiveTime: 24:00:00 does not fit"#
        );
        assert_eq!(
            failure::<TimeDelta>(&text(Type::INTERVAL), b"1 day").1,
            r#"column "a" (interval) cannot be read as TimeDelta: 1 day does not fit"#
        );
    }

    #[test]
    fn leap_seconds_and_nanoseconds() {
        let leap = NaiveTime::from_hms_micro_opt(12, 59, 59, 1_500_000).unwrap();
        let written = write(&leap, &Type::TIME, Format::Text).unwrap().unwrap();
        assert_eq!(written, b"13:00:00.5");
        let leap = NaiveTime::from_hms_micro_opt(23, 59, 59, 1_500_000).unwrap();
        assert!(write(&leap, &Type::TIME, Format::Binary).is_err());
        let fine = DateTime::from_timestamp(-1, 999_999_999).unwrap();
        let written = write(&fine, &Type::TIMESTAMPTZ, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"1969-12-31 23:59:59.999999+00");
        for duration in [TimeDelta::nanoseconds(1), TimeDelta::MAX] {
            assert!(write(&duration, &Type::INTERVAL, Format::Binary).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_value(days in -90_000_000_i32..90_000_000, micros in -8_000_000_000_000_000_000_i64..8_000_000_000_000_000_000) {
            let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
            let date = epoch.checked_add_signed(TimeDelta::days(i64::from(days))).unwrap();
            round_trip(&date, &Type::DATE);
            let moment = DateTime::from_timestamp_micros(micros).unwrap();
            round_trip(&moment, &Type::TIMESTAMPTZ);
            round_trip(&moment.fixed_offset(), &Type::TIMESTAMPTZ);
            round_trip(&moment.naive_utc(), &Type::TIMESTAMP);
            round_trip(&moment.time(), &Type::TIME);
            round_trip(&TimeDelta::microseconds(micros), &Type::INTERVAL);
        }
    }
}
