//! Dates, times and intervals, exactly as PostgreSQL has them.

mod calendar;
mod date;
mod interval;
mod scan;
mod time;
mod timestamp;

pub use date::Date;
pub use interval::Interval;
pub use time::{Time, TimeTz};
pub use timestamp::{Timestamp, TimestampTz};

/// A day of PostgreSQL's, which has no leap seconds.
const MICROS_PER_DAY: i64 = 86_400_000_000;
