//! Dates, times, timestamps and intervals.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use purepg_types::{Date, Interval, Time, TimeTz, Timestamp, TimestampTz, Type, Value};

use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::DATE => ["2024-02-29", "infinity", "-infinity", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31", "0001-01-01"];
    Type::TIME => ["00:00:00", "04:05:06.789", "24:00:00", "23:59:59.999999"];
    Type::TIMETZ => ["04:05:06.789+02", "00:00:00-15:59:59", "24:00:00+03:30"];
    Type::TIMESTAMP => [
        "2024-02-29 04:05:06.789", "infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "1970-01-01 00:00:00",
    ];
    Type::TIMESTAMPTZ => [
        "2024-02-29 04:05:06.789+02", "infinity", "-infinity", "1900-01-01 00:19:32+00:19:32", "0044-03-15 01:02:03.4+00 BC",
        "294276-12-31 23:59:59.999999+00",
    ];
    Type::INTERVAL => [
        "1 year 2 mons -3 days +04:05:06.789", "00:00:00", "infinity", "-infinity", "P1Y2M-3DT4H5M6.789S", "1-2 -3 +4:05:06.789",
        "@ 1 year 2 mons -3 days 4 hours 5 mins 6.789 secs ago", "-178000000 years", "-00:00:00.000001",
    ];
};

/// Dates and times.
pub fn datetime(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        Date, Time, TimeTz, Timestamp, TimestampTz, Interval, SystemTime, Duration, String, Value,
        chrono::NaiveDate, chrono::NaiveTime, chrono::NaiveDateTime, chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::FixedOffset>,
        chrono::TimeDelta,
        time::Date, time::Time, time::PrimitiveDateTime, time::OffsetDateTime, time::UtcDateTime, time::Duration,
        jiff::civil::Date, jiff::civil::Time, jiff::civil::DateTime, jiff::Timestamp, jiff::SignedDuration, jiff::Span,
    }
}
