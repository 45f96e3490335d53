//! The types of `time`.

use time::{
    Date as TDate, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time as TTime, UtcDateTime,
};

use super::wire::through;
use super::{does_not_fit, out_of_range};
use crate::error::BoxError;
use crate::{Date, Interval, Time, Timestamp, TimestampTz};

through! {
    TDate = Date {
        from: |date| read_date(date).ok_or_else(|| does_not_fit(&date)),
        to: |value| write_date(*value),
    }
    TTime = Time {
        from: |time| read_time(time).ok_or_else(|| does_not_fit(&time)),
        to: |value| write_time(*value),
    }
    PrimitiveDateTime = Timestamp {
        from: |moment| {
            let date = moment.date().and_then(read_date);
            let time = moment.time().and_then(read_time);
            date.zip(time)
                .map(|(date, time)| PrimitiveDateTime::new(date, time))
                .ok_or_else(|| does_not_fit(&moment))
        },
        to: |value| {
            let (date, time) = (write_date(value.date())?, write_time(value.time())?);
            Timestamp::new(date, time).ok_or_else(|| out_of_range("the timestamp"))
        },
    }
    // With an offset of 0: PostgreSQL does not keep the one that was written.
    OffsetDateTime = TimestampTz {
        from: |moment| {
            let nanos = moment.unix_micros().map(|micros| micros * 1000);
            nanos
                .and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok())
                .ok_or_else(|| does_not_fit(&moment))
        },
        to: |value| write_moment(value.unix_timestamp_nanos()),
    }
    UtcDateTime = TimestampTz {
        from: |moment| {
            let nanos = moment.unix_micros().map(|micros| micros * 1000);
            nanos
                .and_then(|nanos| UtcDateTime::from_unix_timestamp_nanos(nanos).ok())
                .ok_or_else(|| does_not_fit(&moment))
        },
        to: |value| write_moment(value.unix_timestamp_nanos()),
    }
    Duration = Interval {
        from: |interval| match interval.micros() {
            Some(micros) => Ok(Duration::microseconds(micros)),
            None => Err(does_not_fit(&interval)),
        },
        to: |value| match i64::try_from(value.whole_microseconds()) {
            Ok(micros) if value.subsec_nanoseconds() % 1000 == 0 => Ok(Interval::from_micros(micros)),
            _ => Err(out_of_range("the duration")),
        },
    }
}

fn read_date(date: Date) -> Option<TDate> {
    let (year, month, day) = date.to_ymd()?;
    TDate::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

fn write_date(value: TDate) -> Result<Date, BoxError> {
    let (year, month, day) = value.to_calendar_date();
    Date::new(year, month.into(), day).ok_or_else(|| out_of_range("the date"))
}

fn read_time(time: Time) -> Option<TTime> {
    TTime::from_hms_micro(
        time.hour(),
        time.minute(),
        time.second(),
        time.microsecond(),
    )
    .ok()
}

/// What is finer than a microsecond is cut off.
fn write_time(value: TTime) -> Result<Time, BoxError> {
    let (hour, minute, second, micro) = value.as_hms_micro();
    Time::new(hour, minute, second, micro).ok_or_else(|| out_of_range("the time"))
}

/// What is finer than a microsecond is cut off, towards the past.
fn write_moment(nanos: i128) -> Result<TimestampTz, BoxError> {
    TimestampTz::from_unix_micros(nanos.div_euclid(1000))
        .ok_or_else(|| out_of_range("the timestamp"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{DecodeErrorKind, Format, Type};

    #[test]
    fn what_time_cannot_hold_is_named() {
        for raw in [
            "infinity",
            "-infinity",
            "10000-01-01",
            "10001-01-01 BC",
            "5874897-12-31",
        ] {
            assert_eq!(
                failure::<TDate>(&text(Type::DATE), raw.as_bytes()),
                (
                    DecodeErrorKind::OutOfRange,
                    format!(r#"column "a" (date) cannot be read as Date: {raw} does not fit"#)
                )
            );
        }
        for raw in [
            "infinity",
            "-infinity",
            "10000-01-01 00:00:00",
            "294276-12-31 23:59:59.999999",
        ] {
            let (kind, message) =
                failure::<PrimitiveDateTime>(&text(Type::TIMESTAMP), raw.as_bytes());
            assert_eq!(kind, DecodeErrorKind::OutOfRange);
            assert!(message.contains(raw), "{message}");
        }
        for raw in [i64::MAX, i64::MIN, i64::MAX - 1] {
            let raw = raw.to_be_bytes();
            assert_eq!(
                failure::<OffsetDateTime>(&binary(Type::TIMESTAMPTZ), &raw).0,
                DecodeErrorKind::OutOfRange
            );
            assert_eq!(
                failure::<UtcDateTime>(&binary(Type::TIMESTAMPTZ), &raw).0,
                DecodeErrorKind::OutOfRange
            );
        }
        assert_eq!(
            failure::<TTime>(&text(Type::TIME), b"24:00:00").0,
            DecodeErrorKind::OutOfRange
        );
        assert_eq!(
            failure::<Duration>(&text(Type::INTERVAL), b"1 mon").0,
            DecodeErrorKind::OutOfRange
        );
    }

    #[test]
    fn finer_than_a_microsecond() {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(-1).unwrap();
        let written = write(&moment, &Type::TIMESTAMPTZ, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"1969-12-31 23:59:59.999999+00");
        assert!(write(&Duration::nanoseconds(1), &Type::INTERVAL, Format::Text).is_err());
        assert!(write(&Duration::MAX, &Type::INTERVAL, Format::Text).is_err());
    }

    proptest! {
        #[test]
        fn any_value(micros in -370_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
            round_trip(&moment, &Type::TIMESTAMPTZ);
            round_trip(&moment.to_utc(), &Type::TIMESTAMPTZ);
            round_trip(&PrimitiveDateTime::new(moment.date(), moment.time()), &Type::TIMESTAMP);
            round_trip(&moment.date(), &Type::DATE);
            round_trip(&moment.time(), &Type::TIME);
            round_trip(&Duration::microseconds(micros), &Type::INTERVAL);
        }
    }
}
