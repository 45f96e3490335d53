//! The codecs of `postgres-types` as a reference: the same bytes for the same values, and the same values from the same bytes.

use std::fmt::Debug;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use postgres_types as reference;
use proptest::prelude::*;
use purepg_types::{Column, Compat, Field, Format, FromSql, IsNull, ToSql, Type, encode};

fn write(value: &dyn ToSql, ty: &Type) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    match encode(0, value, ty, Format::Binary, &mut out) {
        Ok(IsNull::No) => Some(out),
        Ok(IsNull::Yes) => panic!("NULL"),
        Err(_) => None,
    }
}

fn read<'a, T: FromSql<'a>>(column: &'a Column, raw: &'a [u8]) -> Option<T> {
    Field::new(column, Some(raw)).decode().ok()
}

/// Ours and theirs write the same bytes, and read the same value from them.
fn check<T>(value: &T, ty: &Type)
where
    T: for<'a> FromSql<'a>
        + ToSql
        + for<'a> reference::FromSql<'a>
        + reference::ToSql
        + Debug
        + Sync
        + Send,
{
    let ours = write(value, ty).unwrap();
    let theirs = write(&Compat(value), ty).unwrap();
    assert_eq!(ours, theirs, "{ty} {value:?}");
    check_bytes::<T>(&ours, ty);
}

/// Ours and theirs read the same from these bytes, if they read anything.
fn check_bytes<T>(raw: &[u8], ty: &Type)
where
    T: for<'a> FromSql<'a> + for<'a> reference::FromSql<'a> + Debug,
{
    let column = Column::new("a", ty.clone(), Format::Binary);
    if let (Some(ours), Some(Compat(theirs))) =
        (read::<T>(&column, raw), read::<Compat<T>>(&column, raw))
    {
        // NaN is not equal to itself.
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{ty} {raw:?}");
    }
}

proptest! {
    #[test]
    fn numbers(a: bool, b: i16, c: i32, d: i64, e: u32, f: f32, g: f64, h: i8) {
        check(&a, &Type::BOOL);
        check(&b, &Type::INT2);
        check(&c, &Type::INT4);
        check(&d, &Type::INT8);
        check(&e, &Type::OID);
        check(&f, &Type::FLOAT4);
        check(&g, &Type::FLOAT8);
        check(&h, &Type::CHAR);
        check(&f32::from_bits(e), &Type::FLOAT4);
    }

    #[test]
    fn texts_and_bytes(text in "[^\0]*", bytes: Vec<u8>) {
        for ty in [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME] {
            check(&text, &ty);
        }
        check(&bytes, &Type::BYTEA);
    }

    #[test]
    fn decimals(value in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335, scale in 0_u32..=28) {
        // The crate has the codec for both of us.
        check(&rust_decimal::Decimal::from_i128_with_scale(value, scale), &Type::NUMERIC);
    }

    #[test]
    fn moments(days in -90_000_000_i64..90_000_000, micros in -8_000_000_000_000_000_000_i64..8_000_000_000_000_000_000, clock in -200_000_000_000_000_000_i64..9_000_000_000_000_000_000) {
        let moment: DateTime<Utc> = DateTime::from_timestamp_micros(micros).unwrap();
        check(&moment, &Type::TIMESTAMPTZ);
        check(&moment.naive_utc(), &Type::TIMESTAMP);
        check(&moment.time(), &Type::TIME);
        let date = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + TimeDelta::days(days);
        check(&date, &Type::DATE);
        let distance = Duration::from_micros(clock.unsigned_abs());
        let time = if clock < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance };
        check(&time, &Type::TIMESTAMPTZ);
    }

    #[test]
    fn moments_of_time_and_jiff(micros in -370_000_000_000_000_000_i64..250_000_000_000_000_000) {
        let moment = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
        check(&moment, &Type::TIMESTAMPTZ);
        check(&time::PrimitiveDateTime::new(moment.date(), moment.time()), &Type::TIMESTAMP);
        check(&moment.date(), &Type::DATE);
        check(&moment.time(), &Type::TIME);
        let moment = jiff::Timestamp::from_microsecond(micros).unwrap();
        check(&moment, &Type::TIMESTAMPTZ);
        let civil = moment.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        check(&civil, &Type::TIMESTAMP);
        check(&civil.date(), &Type::DATE);
        check(&civil.time(), &Type::TIME);
    }

    #[test]
    fn the_rest(uuid: u128, v4: [u8; 4], v6: [u8; 16], mac: [u8; 6], bits: Vec<bool>, text: String, x: f64, y: f64) {
        check(&uuid::Uuid::from_u128(uuid), &Type::UUID);
        check(&IpAddr::from(v4), &Type::INET);
        check(&IpAddr::from(v6), &Type::INET);
        check(&eui48::MacAddress::new(mac), &Type::MACADDR);
        let json = serde_json::json!({ "text": text, "bits": bits });
        check(&json, &Type::JSON);
        check(&json, &Type::JSONB);
        check(&geo_types::Point::new(x, y), &Type::POINT);
        let (from, to) = (geo_types::Coord { x, y }, geo_types::Coord { x: y, y: x });
        // The lower corner first, which the server puts right; it sends the upper one first, and so do we.
        let corners = write(&geo_types::Rect::new(from, to), &Type::BOX).unwrap();
        check_bytes::<geo_types::Rect<f64>>(&corners, &Type::BOX);
        check(&geo_types::LineString(vec![from, to, from]), &Type::PATH);
    }

    #[test]
    fn any_bytes(raw in prop::collection::vec(any::<u8>(), 0..40)) {
        check_bytes::<bool>(&raw, &Type::BOOL);
        check_bytes::<i32>(&raw, &Type::INT4);
        check_bytes::<f64>(&raw, &Type::FLOAT8);
        check_bytes::<String>(&raw, &Type::TEXT);
        check_bytes::<IpAddr>(&raw, &Type::CIDR);
        check_bytes::<uuid::Uuid>(&raw, &Type::UUID);
        check_bytes::<serde_json::Value>(&raw, &Type::JSONB);
        check_bytes::<geo_types::Point<f64>>(&raw, &Type::POINT);
        check_bytes::<time::Time>(&raw, &Type::TIME);
    }

    #[test]
    fn any_moment(raw: [u8; 8]) {
        check_bytes::<SystemTime>(&raw, &Type::TIMESTAMPTZ);
        check_bytes::<jiff::Timestamp>(&raw, &Type::TIMESTAMPTZ);
        check_bytes::<time::PrimitiveDateTime>(&raw, &Type::TIMESTAMP);
    }
}
