//! The types of `jiff`.

use jiff::civil::{Date as JDate, DateTime, Time as JTime};
use jiff::{SignedDuration, Span, Timestamp as JTimestamp, Zoned};

use super::wire::{through, written_through};
use super::{does_not_fit, out_of_range};
use crate::error::BoxError;
use crate::{Date, Interval, Time, Timestamp, TimestampTz};

through! {
    JDate = Date {
        from: |date| read_date(date).ok_or_else(|| does_not_fit(&date)),
        to: |value| write_date(*value),
    }
    JTime = Time {
        from: |time| read_time(time).ok_or_else(|| does_not_fit(&time)),
        to: |value| write_time(*value),
    }
    DateTime = Timestamp {
        from: |moment| {
            let date = moment.date().and_then(read_date);
            let time = moment.time().and_then(read_time);
            date.zip(time)
                .map(|(date, time)| date.to_datetime(time))
                .ok_or_else(|| does_not_fit(&moment))
        },
        to: |value| {
            let (date, time) = (write_date(value.date())?, write_time(value.time())?);
            Timestamp::new(date, time).ok_or_else(|| out_of_range("the timestamp"))
        },
    }
    JTimestamp = TimestampTz {
        from: |moment| {
            let jiff = moment.unix_micros().and_then(|micros| JTimestamp::from_microsecond(micros.try_into().ok()?).ok());
            jiff.ok_or_else(|| does_not_fit(&moment))
        },
        to: |value| write_moment(*value),
    }
    // Months, days and microseconds, as PostgreSQL has them: a span tells them apart, too.
    Span = Interval {
        from: |interval| read_span(interval).ok_or_else(|| does_not_fit(&interval)),
        to: |value| write_span(value).ok_or_else(|| out_of_range("the span")),
    }
    SignedDuration = Interval {
        from: |interval| match interval.micros() {
            Some(micros) => Ok(SignedDuration::from_micros(micros)),
            None => Err(does_not_fit(&interval)),
        },
        to: |value| match i64::try_from(value.as_micros()) {
            Ok(micros) if value.subsec_nanos() % 1000 == 0 => Ok(Interval::from_micros(micros)),
            _ => Err(out_of_range("the duration")),
        },
    }
}

// It is not read: PostgreSQL does not keep the time zone.
written_through!((Zoned) = TimestampTz, |value| write_moment(
    value.timestamp()
));

fn read_date(date: Date) -> Option<JDate> {
    let (year, month, day) = date.to_ymd()?;
    JDate::new(
        year.try_into().ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
    )
    .ok()
}

fn write_date(value: JDate) -> Result<Date, BoxError> {
    let (month, day) = (value.month().unsigned_abs(), value.day().unsigned_abs());
    Date::new(value.year().into(), month, day).ok_or_else(|| out_of_range("the date"))
}

fn read_time(time: Time) -> Option<JTime> {
    let small = |part: u8| i8::try_from(part).ok();
    let nanos = i32::try_from(time.microsecond() * 1000).ok()?;
    JTime::new(
        small(time.hour())?,
        small(time.minute())?,
        small(time.second())?,
        nanos,
    )
    .ok()
}

/// What is finer than a microsecond is cut off.
fn write_time(value: JTime) -> Result<Time, BoxError> {
    let micros = u32::try_from(value.subsec_nanosecond() / 1000)?;
    let (hour, minute, second) = (value.hour(), value.minute(), value.second());
    Time::new(
        hour.unsigned_abs(),
        minute.unsigned_abs(),
        second.unsigned_abs(),
        micros,
    )
    .ok_or_else(|| out_of_range("the time"))
}

/// What is finer than a microsecond is cut off, towards the past.
fn write_moment(value: JTimestamp) -> Result<TimestampTz, BoxError> {
    TimestampTz::from_unix_micros(value.as_nanosecond().div_euclid(1000))
        .ok_or_else(|| out_of_range("the timestamp"))
}

/// A span has one sign, and an interval one for each of its parts.
fn read_span(interval: Interval) -> Option<Span> {
    let signs = [
        i64::from(interval.months).signum(),
        i64::from(interval.days).signum(),
        interval.microseconds.signum(),
    ];
    if signs.contains(&1) && signs.contains(&-1) {
        return None;
    }
    let span = Span::new().try_months(interval.months).ok()?;
    let span = span.try_days(interval.days).ok()?;
    span.try_microseconds(interval.microseconds).ok()
}

fn write_span(span: &Span) -> Option<Interval> {
    let nanos = i128::from(span.get_nanoseconds());
    if nanos % 1000 != 0 {
        return None;
    }
    let seconds = (i128::from(span.get_hours()) * 60 + i128::from(span.get_minutes())) * 60
        + i128::from(span.get_seconds());
    let micros = (seconds * 1000 + i128::from(span.get_milliseconds())) * 1000
        + i128::from(span.get_microseconds())
        + nanos / 1000;
    Some(Interval {
        months: (i32::from(span.get_years()) * 12).checked_add(span.get_months())?,
        days: span
            .get_weeks()
            .checked_mul(7)?
            .checked_add(span.get_days())?,
        microseconds: i64::try_from(micros).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{Column, DecodeErrorKind, Format, Type};

    #[test]
    fn what_jiff_cannot_hold_is_named() {
        for raw in [
            "infinity",
            "-infinity",
            "10000-01-01",
            "10001-01-01 BC",
            "5874897-12-31",
        ] {
            assert_eq!(
                failure::<JDate>(&text(Type::DATE), raw.as_bytes()),
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
            let (kind, message) = failure::<DateTime>(&text(Type::TIMESTAMP), raw.as_bytes());
            assert_eq!(kind, DecodeErrorKind::OutOfRange);
            assert!(message.contains(raw), "{message}");
        }
        for raw in [i64::MAX, i64::MIN, i64::MAX - 1] {
            let raw = raw.to_be_bytes();
            assert_eq!(
                failure::<JTimestamp>(&binary(Type::TIMESTAMPTZ), &raw).0,
                DecodeErrorKind::OutOfRange
            );
        }
        assert_eq!(
            failure::<JTime>(&text(Type::TIME), b"24:00:00").0,
            DecodeErrorKind::OutOfRange
        );
        assert_eq!(
            failure::<SignedDuration>(&text(Type::INTERVAL), b"1 mon").0,
            DecodeErrorKind::OutOfRange
        );
        assert_eq!(
            failure::<Span>(&text(Type::INTERVAL), b"1000000 years").1,
            r#"column "a" (interval) cannot be read as Span: 1000000 years does not fit"#
        );
        assert_eq!(
            failure::<Span>(&text(Type::INTERVAL), b"infinity").0,
            DecodeErrorKind::OutOfRange
        );
    }

    #[test]
    fn spans() {
        let span = 1
            .year()
            .months(2)
            .weeks(1)
            .days(3)
            .hours(4)
            .minutes(5)
            .seconds(6)
            .milliseconds(7)
            .microseconds(8);
        let written = write(&span, &Type::INTERVAL, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"1 year 2 mons 10 days 04:05:06.007008");
        let written = write(&-span, &Type::INTERVAL, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"-1 years -2 mons -10 days -04:05:06.007008");
        assert!(write(&1.nanosecond(), &Type::INTERVAL, Format::Text).is_err());
        let (kind, message) = failure::<Span>(&text(Type::INTERVAL), b"1 mon -1 days");
        assert_eq!(
            (kind, message.contains("1 mon -1 days does not fit")),
            (DecodeErrorKind::OutOfRange, true)
        );
        for format in FORMATS {
            let span = 14.months().days(3).microseconds(5);
            let raw = write(&span, &Type::INTERVAL, format).unwrap().unwrap();
            let column = Column::new("a", Type::INTERVAL, format);
            assert_eq!(
                read::<Span>(&column, &raw).unwrap().fieldwise(),
                span.fieldwise()
            );
        }
    }

    #[test]
    fn finer_than_a_microsecond() {
        let moment = JTimestamp::from_nanosecond(-1).unwrap();
        let written = write(&moment, &Type::TIMESTAMPTZ, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"1969-12-31 23:59:59.999999+00");
        let zoned = moment.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!(
            write(&zoned, &Type::TIMESTAMPTZ, Format::Text)
                .unwrap()
                .unwrap(),
            written
        );
        assert!(
            write(
                &SignedDuration::from_nanos(1),
                &Type::INTERVAL,
                Format::Text
            )
            .is_err()
        );
        assert!(write(&SignedDuration::MAX, &Type::INTERVAL, Format::Text).is_err());
    }

    proptest! {
        #[test]
        fn any_value(micros in -370_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let moment = JTimestamp::from_microsecond(micros).unwrap();
            round_trip(&moment, &Type::TIMESTAMPTZ);
            let civil = moment.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            round_trip(&civil, &Type::TIMESTAMP);
            round_trip(&civil.date(), &Type::DATE);
            round_trip(&civil.time(), &Type::TIME);
            round_trip(&SignedDuration::from_micros(micros), &Type::INTERVAL);
        }
    }
}
