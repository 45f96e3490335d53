//! The codecs of `postgres-types` as a reference: the same bytes for the same values, and the same values from the same bytes.

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::ops::Bound;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use postgres_protocol::types as protocol;
use postgres_types as reference;
use proptest::prelude::*;
use purepg_types::{
    BitString, Column, Compat, Date, Field, Format, FromSql, Inet, IsNull, Kind, MacAddr, PgLsn,
    Range, Timestamp, TimestampTz, ToSql, Type, encode,
};

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

    #[test]
    fn lists(a: Vec<Option<i32>>, b: Vec<bool>, c in prop::collection::vec("[^\\x00]*", 1..5), d: Vec<Vec<u8>>, e: Vec<Option<f64>>, f: Vec<u128>) {
        // Of an empty one it writes a dimension without elements, which the server takes for none.
        fn check_list<T>(list: &Vec<T>, ty: &Type)
        where
            T: for<'a> FromSql<'a> + ToSql + for<'a> reference::FromSql<'a> + reference::ToSql + Debug + Sync + Send,
        {
            if !list.is_empty() {
                check(list, ty);
            }
            check_bytes::<Vec<T>>(&write(&Compat(list), ty).unwrap(), ty);
        }
        check_list(&a, &Type::INT4_ARRAY);
        check_list(&b, &Type::BOOL_ARRAY);
        check_list(&c, &Type::TEXT_ARRAY);
        check_list(&c, &Type::VARCHAR_ARRAY);
        check_list(&d, &Type::BYTEA_ARRAY);
        check_list(&e, &Type::FLOAT8_ARRAY);
        check_list(&f.into_iter().map(uuid::Uuid::from_u128).collect(), &Type::UUID_ARRAY);
    }

    #[test]
    fn maps(map: HashMap<String, Option<String>>) {
        let has_zero = map.iter().any(|(key, value)| key.contains('\0') || value.as_ref().is_some_and(|value| value.contains('\0')));
        prop_assume!(!has_zero);
        let ty = Type::new(70_000, "hstore", Kind::Base, None);
        let raw = write(&map, &ty).unwrap();
        prop_assert_eq!(&raw, &write(&Compat(&map), &ty).unwrap());
        let column = Column::new("a", ty, Format::Binary);
        prop_assert_eq!(read::<Compat<HashMap<String, Option<String>>>>(&column, &raw), Some(Compat(map.clone())));
        prop_assert_eq!(read(&column, &raw), Some(map));
    }

    #[test]
    fn what_has_no_type_of_its_own_there(bits: Vec<bool>, mac: [u8; 6], v4: [u8; 4], prefix in 0_u8..=32, lsn: u64) {
        let ours: BitString = bits.iter().copied().collect();
        let mut theirs = BytesMut::new();
        protocol::varbit_to_sql(ours.len(), ours.as_bytes().iter().copied(), &mut theirs).unwrap();
        prop_assert_eq!(&write(&ours, &Type::VARBIT).unwrap(), &theirs);
        prop_assert_eq!(&write(&ours, &Type::BIT).unwrap(), &theirs);
        let mut theirs = BytesMut::new();
        protocol::macaddr_to_sql(mac, &mut theirs);
        prop_assert_eq!(write(&MacAddr(mac), &Type::MACADDR).unwrap(), theirs);
        let mut theirs = BytesMut::new();
        protocol::inet_to_sql(v4.into(), prefix, &mut theirs);
        prop_assert_eq!(write(&Inet::new(v4.into(), prefix).unwrap(), &Type::INET).unwrap(), theirs);
        let theirs = reference::PgLsn::from(lsn);
        prop_assert_eq!(write(&PgLsn(lsn), &Type::PG_LSN), write(&Compat(theirs), &Type::PG_LSN));
    }

    #[test]
    fn ranges(lower in bound(), upper in bound()) {
        type Written = protocol::RangeBound<postgres_protocol::IsNull>;
        let put = |bound: Bound<i32>, out: &mut BytesMut| -> Written {
            let (Bound::Included(value) | Bound::Excluded(value)) = bound else {
                return protocol::RangeBound::Unbounded;
            };
            protocol::int4_to_sql(value, out);
            match bound {
                Bound::Included(_) => protocol::RangeBound::Inclusive(postgres_protocol::IsNull::No),
                _ => protocol::RangeBound::Exclusive(postgres_protocol::IsNull::No),
            }
        };
        let mut theirs = BytesMut::new();
        protocol::range_to_sql(|out| Ok(put(lower, out)), |out| Ok(put(upper, out)), &mut theirs).unwrap();
        prop_assert_eq!(write(&Range::Bounds(lower, upper), &Type::INT4RANGE).unwrap(), theirs);
    }
}

fn bound() -> impl Strategy<Value = Bound<i32>> {
    prop_oneof![
        any::<i32>().prop_map(Bound::Included),
        any::<i32>().prop_map(Bound::Excluded),
        Just(Bound::Unbounded),
    ]
}

#[test]
fn the_edges_of_numbers_and_texts() {
    for value in [i8::MIN, 0, i8::MAX] {
        check(&value, &Type::CHAR);
    }
    for value in [i16::MIN, -1, 0, i16::MAX] {
        check(&value, &Type::INT2);
    }
    for value in [i32::MIN, -1, 0, i32::MAX] {
        check(&value, &Type::INT4);
    }
    for value in [i64::MIN, -1, 0, i64::MAX] {
        check(&value, &Type::INT8);
    }
    for value in [0, 1 << 31, u32::MAX] {
        check(&value, &Type::OID);
    }
    for value in [
        0.0,
        -0.0,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MIN_POSITIVE,
        1e-45,
        f32::MAX,
    ] {
        check(&value, &Type::FLOAT4);
    }
    for value in [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
    ] {
        check(&value, &Type::FLOAT8);
    }
    for text in ["", "é", "\u{1F418}", "NULL"] {
        check(&text.to_owned(), &Type::TEXT);
        check(&Box::<str>::from(text), &Type::NAME);
    }
    for value in [None, Some(7)] {
        let ours = write_or_null(&value, &Type::INT4);
        assert_eq!(ours, write_or_null(&Compat(value), &Type::INT4));
    }
}

#[test]
fn the_edges_of_dates_and_times() {
    for (ours, theirs) in [
        (Date::INFINITY, reference::Date::PosInfinity),
        (Date::NEG_INFINITY, reference::Date::NegInfinity),
        (
            "4713-01-01 BC".parse().unwrap(),
            reference::Date::Value(NaiveDate::from_ymd_opt(-4712, 1, 1).unwrap()),
        ),
        (
            "0005-02-29 BC".parse().unwrap(),
            reference::Date::Value(NaiveDate::from_ymd_opt(-4, 2, 29).unwrap()),
        ),
    ] {
        assert_eq!(
            write(&ours, &Type::DATE),
            write(&Compat(theirs), &Type::DATE),
            "{ours}"
        );
    }
    let infinite: [reference::Timestamp<NaiveDateTime>; 2] = [
        reference::Timestamp::PosInfinity,
        reference::Timestamp::NegInfinity,
    ];
    for (ours, theirs) in [Timestamp::INFINITY, Timestamp::NEG_INFINITY]
        .into_iter()
        .zip(infinite)
    {
        assert_eq!(
            write(&ours, &Type::TIMESTAMP),
            write(&Compat(theirs), &Type::TIMESTAMP)
        );
    }
    let infinite: [reference::Timestamp<DateTime<Utc>>; 2] = [
        reference::Timestamp::PosInfinity,
        reference::Timestamp::NegInfinity,
    ];
    for (ours, theirs) in [TimestampTz::INFINITY, TimestampTz::NEG_INFINITY]
        .into_iter()
        .zip(infinite)
    {
        assert_eq!(
            write(&ours, &Type::TIMESTAMPTZ),
            write(&Compat(theirs), &Type::TIMESTAMPTZ)
        );
    }
    check(&NaiveTime::MIN, &Type::TIME);
    check(
        &NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap(),
        &Type::TIME,
    );
    let offset = FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
    check(
        &DateTime::UNIX_EPOCH.with_timezone(&offset),
        &Type::TIMESTAMPTZ,
    );
}

fn write_or_null(value: &dyn ToSql, ty: &Type) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    let is_null = encode(0, value, ty, Format::Binary, &mut out).unwrap();
    (is_null == IsNull::No).then_some(out)
}
