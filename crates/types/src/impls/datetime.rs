//! `date`, `time`, `timetz`, `timestamp`, `timestamptz` and `interval`, and the standard library's types for them.

use std::time::{Duration, SystemTime};

use bytes::{BufMut as _, BytesMut};

use super::wire::{Wire, through, wire};
use super::{fixed, out_of_range};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{Date, Interval, Time, TimeTz, Timestamp, TimestampTz, Type};

wire!(Date, Time, TimeTz, Timestamp, TimestampTz, Interval);

through! {
    // What is finer than a microsecond is cut off: clocks are finer, and values of theirs would never fit.
    SystemTime = TimestampTz {
        from: |value| Ok(value.try_into()?),
        to: |value| Ok(TimestampTz::try_from(*value)?),
    }
    Duration = Interval {
        from: |value| Ok(value.try_into()?),
        to: |value| Ok(Interval::try_from(*value)?),
    }
}

impl Wire for Date {
    #[inline]
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::DATE
    }

    #[inline]
    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::from_days(i32::from_be_bytes(fixed(raw)?)))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i32(self.days());
        Ok(())
    }
}

impl Wire for Time {
    #[inline]
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::TIME
    }

    #[inline]
    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let micros = i64::from_be_bytes(fixed(raw)?);
        Self::from_micros(micros).ok_or_else(not_of_the_day)
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i64(self.micros());
        Ok(())
    }
}

#[cold]
fn not_of_the_day() -> BoxError {
    out_of_range("a time outside of the day")
}

impl Wire for TimeTz {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::TIMETZ
    }

    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let [m7, m6, m5, m4, m3, m2, m1, m0, z3, z2, z1, z0] = fixed(raw)?;
        let micros = i64::from_be_bytes([m7, m6, m5, m4, m3, m2, m1, m0]);
        let time = Time::from_micros(micros).ok_or_else(not_of_the_day)?;
        // On the wire the zone counts to the west.
        let offset = i32::from_be_bytes([z3, z2, z1, z0]).checked_neg();
        offset
            .and_then(|offset| Self::new(time, offset))
            .ok_or_else(|| out_of_range("an offset of 16 hours or more"))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i64(self.time().micros());
        out.put_i32(-self.offset());
        Ok(())
    }
}

impl Wire for Timestamp {
    #[inline]
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::TIMESTAMP
    }

    #[inline]
    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::from_micros(i64::from_be_bytes(fixed(raw)?)))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i64(self.micros());
        Ok(())
    }
}

impl Wire for TimestampTz {
    #[inline]
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::TIMESTAMPTZ
    }

    #[inline]
    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::from_micros(i64::from_be_bytes(fixed(raw)?)))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i64(self.micros());
        Ok(())
    }
}

impl Wire for Interval {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::INTERVAL
    }

    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let [
            u7,
            u6,
            u5,
            u4,
            u3,
            u2,
            u1,
            u0,
            d3,
            d2,
            d1,
            d0,
            m3,
            m2,
            m1,
            m0,
        ] = fixed(raw)?;
        Ok(Self {
            months: i32::from_be_bytes([m3, m2, m1, m0]),
            days: i32::from_be_bytes([d3, d2, d1, d0]),
            microseconds: i64::from_be_bytes([u7, u6, u5, u4, u3, u2, u1, u0]),
        })
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i64(self.microseconds);
        out.put_i32(self.days);
        out.put_i32(self.months);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format, ToSql};

    fn written(value: &dyn ToSql, ty: &Type) -> Vec<u8> {
        write(value, ty, Format::Binary).unwrap().unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_the_send_functions() {
        let date: Date = "1999-12-31".parse().unwrap();
        assert_eq!(written(&date, &Type::DATE), [0xff; 4]);
        assert_eq!(
            written(&Date::INFINITY, &Type::DATE),
            [0x7f, 0xff, 0xff, 0xff]
        );
        let time: TimeTz = "12:00:00+02".parse().unwrap();
        assert_eq!(
            written(&time, &Type::TIMETZ),
            [0, 0, 0, 0x0a, 0x0e, 0xeb, 0xb0, 0, 0xff, 0xff, 0xe3, 0xe0]
        );
        let interval = Interval {
            months: 1,
            days: 2,
            microseconds: 3,
        };
        assert_eq!(
            written(&interval, &Type::INTERVAL),
            [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1]
        );
        assert_eq!(
            written(&Timestamp::NEG_INFINITY, &Type::TIMESTAMP),
            [0x80, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            written(&SystemTime::UNIX_EPOCH, &Type::TIMESTAMPTZ),
            (-946_684_800_000_000_i64).to_be_bytes()
        );
    }

    proptest! {
        #[test]
        fn any_value(days: i32, micros: i64, months: i32, time in 0..=86_400_000_000_i64, offset in -57_599..57_600) {
            round_trip(&Date::from_days(days), &Type::DATE);
            round_trip(&Timestamp::from_micros(micros), &Type::TIMESTAMP);
            round_trip(&TimestampTz::from_micros(micros), &Type::TIMESTAMPTZ);
            let time = Time::from_micros(time).unwrap();
            round_trip(&time, &Type::TIME);
            round_trip(&TimeTz::new(time, offset).unwrap(), &Type::TIMETZ);
            round_trip(&Interval { months, days, microseconds: micros }, &Type::INTERVAL);
        }

        #[test]
        fn any_time_of_the_clock(micros in -200_000_000_000_000_000_i64..9_000_000_000_000_000_000) {
            let time = SystemTime::try_from(TimestampTz::from_micros(micros)).unwrap();
            round_trip(&time, &Type::TIMESTAMPTZ);
            round_trip(&Duration::from_micros(micros.unsigned_abs()), &Type::INTERVAL);
        }
    }

    #[test]
    fn what_the_standard_library_cannot_hold_is_named() {
        assert_eq!(
            failure::<SystemTime>(&binary(Type::TIMESTAMPTZ), &i64::MAX.to_be_bytes()),
            (
                DecodeErrorKind::OutOfRange,
                r#"column "a" (timestamptz) cannot be read as SystemTime: infinity does not fit"#
                    .into()
            )
        );
        assert_eq!(
            failure::<Duration>(&text(Type::INTERVAL), b"@ 1 mon 1 sec ago"),
            (
                DecodeErrorKind::OutOfRange,
                r#"column "a" (interval) cannot be read as Duration: -1 mons -00:00:01 does not fit"#.into()
            )
        );
        for format in FORMATS {
            assert_eq!(
                write_failure(&Duration::from_nanos(1), &Type::INTERVAL, format),
                (
                    EncodeErrorKind::OutOfRange,
                    "parameter $1 (interval) cannot be written from Duration: the duration does not fit".into()
                )
            );
        }
    }

    #[test]
    fn what_is_out_of_range_is_an_error() {
        for micros in [-1, 86_400_000_001, i64::MIN, i64::MAX] {
            assert_eq!(
                failure::<Time>(&binary(Type::TIME), &micros.to_be_bytes()),
                (
                    DecodeErrorKind::OutOfRange,
                    r#"column "a" (time) cannot be read as Time: a time outside of the day does not fit"#.into()
                )
            );
        }
        for zone in [57_600, -57_600, i32::MIN, i32::MAX] {
            let mut raw = vec![0; 8];
            raw.extend(zone.to_be_bytes());
            assert_eq!(
                failure::<TimeTz>(&binary(Type::TIMETZ), &raw),
                (
                    DecodeErrorKind::OutOfRange,
                    r#"column "a" (timetz) cannot be read as TimeTz: an offset of 16 hours or more does not fit"#.into()
                )
            );
        }
    }

    #[test]
    fn timestamps_with_and_without_a_zone_are_two_things() {
        for format in FORMATS {
            for (value, ty) in [
                (&Timestamp::INFINITY as &dyn ToSql, Type::TIMESTAMPTZ),
                (&TimestampTz::INFINITY, Type::TIMESTAMP),
                (&SystemTime::UNIX_EPOCH, Type::TIMESTAMP),
                (&Date::INFINITY, Type::TIMESTAMP),
            ] {
                assert_eq!(
                    write_failure(value, &ty, format).0,
                    EncodeErrorKind::WrongType
                );
            }
        }
        let column = binary(Type::TIMESTAMP);
        assert_eq!(
            failure::<TimestampTz>(&column, &[0; 8]).0,
            DecodeErrorKind::WrongType
        );
    }
}
