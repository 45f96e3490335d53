//! The types of other crates, each behind a feature.

use bigdecimal::BigDecimal;
use bit_vec::BitVec;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use eui48::MacAddress;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use purepg_conn::{Compat, DecodeErrorKind, Json, Query, Runtime};
use purepg_tests_live::{Context, live};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::table::{check, decode};

live!(
    acceptance_109_chrono,
    acceptance_109_time,
    acceptance_109_jiff,
    acceptance_108_decimals,
    acceptance_112_json_of_serde,
    acceptance_112_addresses_bits_and_shapes,
    types_of_postgres_types,
    types_of_postgres_types_and_of_an_extension,
);

const DATES: &[&str] = &[
    "2000-01-01",
    "1999-12-31",
    "4713-01-01 BC",
    "0005-02-29 BC",
    "0001-12-31 BC",
    "2024-02-29",
    "9999-12-30",
];
const TIMES: &[&str] = &["00:00:00", "12:34:56.1", "23:59:59.999999"];
const MOMENTS: &[&str] = &[
    "2000-01-01 00:00:00+00",
    "1969-12-31 23:59:59.999999+00",
    "2024-03-10 06:59:59.5+00",
    "2024-11-03 05:30:00+00",
    "4713-01-01 00:00:00+00 BC",
    "0044-03-15 01:02:03.4+00 BC",
    "9999-12-30 21:59:59+00",
];
const DURATIONS: &[&str] = &["0", "-00:00:00.000001", "100 hours", "-2147483647:00:00"];

async fn acceptance_109_chrono<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check::<NaiveDate, _>(&mut conn, "date", DATES).await;
    check::<NaiveDate, _>(&mut conn, "date", &["262142-12-31"]).await;
    check::<NaiveTime, _>(&mut conn, "time", TIMES).await;
    check::<NaiveDateTime, _>(&mut conn, "timestamp", MOMENTS).await;
    check::<TimeDelta, _>(&mut conn, "interval", DURATIONS).await;
    for zone in ["UTC", "America/St_Johns"] {
        conn.execute(format!("set timezone = '{zone}'"), ())
            .await
            .unwrap();
        check::<DateTime<Utc>, _>(&mut conn, "timestamptz", MOMENTS).await;
        check::<DateTime<FixedOffset>, _>(&mut conn, "timestamptz", MOMENTS).await;
    }
    let sql = "select 'infinity'::date, '294276-12-31'::timestamptz, '24:00'::time";
    for row in [
        conn.fetch_one(sql, ()).await.unwrap(),
        conn.fetch_one(format!("{sql} where $1"), (true,))
            .await
            .unwrap(),
    ] {
        assert_eq!(
            decode(row.get::<NaiveDate>(0)).0,
            DecodeErrorKind::OutOfRange
        );
        assert_eq!(
            decode(row.get::<DateTime<Utc>>(1)).0,
            DecodeErrorKind::OutOfRange
        );
        assert_eq!(
            decode(row.get::<NaiveTime>(2)).0,
            DecodeErrorKind::OutOfRange
        );
    }
}

async fn acceptance_109_time<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check::<time::Date, _>(&mut conn, "date", DATES).await;
    check::<time::Time, _>(&mut conn, "time", TIMES).await;
    check::<time::PrimitiveDateTime, _>(&mut conn, "timestamp", MOMENTS).await;
    check::<time::OffsetDateTime, _>(&mut conn, "timestamptz", MOMENTS).await;
    check::<time::UtcDateTime, _>(&mut conn, "timestamptz", MOMENTS).await;
    check::<time::Duration, _>(&mut conn, "interval", DURATIONS).await;
}

async fn acceptance_109_jiff<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check::<jiff::civil::Date, _>(&mut conn, "date", DATES).await;
    check::<jiff::civil::Time, _>(&mut conn, "time", TIMES).await;
    check::<jiff::civil::DateTime, _>(&mut conn, "timestamp", MOMENTS).await;
    check::<jiff::Timestamp, _>(&mut conn, "timestamptz", MOMENTS).await;
    check::<jiff::SignedDuration, _>(&mut conn, "interval", DURATIONS).await;
    let spans = [
        "0",
        "1 year 2 mons 3 days 04:05:06.789",
        "-14 mons -3 days -00:00:00.000001",
    ];
    check::<jiff::Span, _>(&mut conn, "interval", &spans).await;
    let row = conn
        .fetch_one("select '1 mon -1 day'::interval", ())
        .await
        .unwrap();
    assert_eq!(
        decode(row.get::<jiff::Span>(0)).0,
        DecodeErrorKind::OutOfRange
    );
}

async fn acceptance_108_decimals<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let literals = [
        "0",
        "0.00",
        "1.50",
        "-1.50",
        "79228162514264337593543950335",
        "0.0000000000000000000000000001",
        "10000.0001",
    ];
    check::<Decimal, _>(&mut conn, "numeric", &literals).await;
    check::<BigDecimal, _>(&mut conn, "numeric", &literals).await;
    let largest = format!("-{}.{}", "9".repeat(131_072), "9".repeat(16_383));
    check::<BigDecimal, _>(&mut conn, "numeric", &["1e131071", "1e-16383", &largest]).await;
    let row = conn
        .fetch_one("select 'NaN'::numeric, 1e29::numeric", ())
        .await
        .unwrap();
    assert_eq!(decode(row.get::<Decimal>(0)).0, DecodeErrorKind::OutOfRange);
    assert_eq!(
        decode(row.get::<BigDecimal>(0)).0,
        DecodeErrorKind::OutOfRange
    );
    assert_eq!(decode(row.get::<Decimal>(1)).0, DecodeErrorKind::OutOfRange);
}

async fn acceptance_112_json_of_serde<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check::<Value, _>(
        &mut conn,
        "jsonb",
        &["null", "{}", r#"{"a": [1, 2.5, "é\n", null]}"#],
    )
    .await;
    check::<Value, _>(&mut conn, "json", &["null", "[1,2]"]).await;
    check::<Json<(i32, String)>, _>(&mut conn, "jsonb", &[r#"[1, "x"]"#]).await;
    let value = json!({"b": 1, "a": [true]});
    let text: String = conn
        .fetch_scalar("select $1::jsonb::text", (&value,))
        .await
        .unwrap();
    assert_eq!(text, r#"{"a": [true], "b": 1}"#);
    let back: Option<Value> = conn
        .fetch_scalar("select $1::jsonb", (Some(&value),))
        .await
        .unwrap();
    assert_eq!(back, Some(value));
}

async fn acceptance_112_addresses_bits_and_shapes<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check::<Uuid, _>(&mut conn, "uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]).await;
    check::<IpNet, _>(&mut conn, "inet", &["1.2.3.4", "1.2.3.4/24", "::1/0"]).await;
    check::<IpNet, _>(&mut conn, "cidr", &["1.2.3.0/24", "::/0"]).await;
    check::<Ipv4Net, _>(&mut conn, "cidr", &["1.2.3.0/24"]).await;
    check::<Ipv6Net, _>(&mut conn, "inet", &["2001:db8::1/48"]).await;
    check::<MacAddress, _>(&mut conn, "macaddr", &["08:00:2b:01:02:03"]).await;
    check::<BitVec, _>(&mut conn, "varbit", &["", "1", "10101010", "101010101"]).await;
    check::<BitVec, _>(&mut conn, "bit(3)", &["101"]).await;
    check::<geo_types::Point, _>(&mut conn, "point", &["(1,-0.5)"]).await;
    check::<geo_types::Line, _>(&mut conn, "lseg", &["[(0,0),(1,1)]"]).await;
    check::<geo_types::Rect, _>(&mut conn, "box", &["(0,0),(1,2)"]).await;
    check::<geo_types::LineString, _>(&mut conn, "path", &["[(0,0),(1,1),(0,0)]"]).await;
    check::<geo_types::Polygon, _>(&mut conn, "polygon", &["((0,0),(1,1),(2,0.5))"]).await;
}

/// They know the binary format alone: a query with a parameter.
async fn types_of_postgres_types<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let price = Compat(Decimal::new(-1250, 2));
    let row = conn
        .fetch_one(
            "select $1::numeric, $1::numeric::text, $2::int4",
            (price, Compat(None::<i32>)),
        )
        .await
        .unwrap();
    assert_eq!(row.get::<Compat<Decimal>>(0).unwrap(), price);
    assert_eq!(row.get::<&str>(1).unwrap(), "-12.50");
    assert_eq!(row.get::<Compat<Option<i32>>>(2).unwrap(), Compat(None));
    assert_eq!(decode(row.get::<Compat<i32>>(2)).0, DecodeErrorKind::Null);
    assert_eq!(
        decode(row.get::<Compat<i64>>(2)).0,
        DecodeErrorKind::WrongType
    );
    let row = conn.fetch_one("select 1", ()).await.unwrap();
    assert_eq!(
        decode(row.get::<Compat<i32>>(0)).0,
        DecodeErrorKind::Unsupported
    );
    let query = Query::new("select 1").binary_results();
    let one: Compat<i32> = conn.fetch_scalar(query, ()).await.unwrap();
    assert_eq!(one, Compat(1));
}

/// A type that is read in the text format here, and by that crate in binary.
async fn types_of_postgres_types_and_of_an_extension<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // Scenarios run at the same time.
    conn.execute(
        "select pg_advisory_lock(4712); create extension if not exists ltree; select pg_advisory_unlock(4712)",
        (),
    )
    .await
    .unwrap();
    let sql = "select $1::ltree, array['a.b', null]::ltree[], nlevel($1)";
    let row = conn.fetch_one(sql, (Compat("x.y.z"),)).await.unwrap();
    assert_eq!(row.get::<&str>(0).unwrap(), "x.y.z");
    let (kind, text) = decode(row.get::<Compat<&str>>(0));
    assert_eq!(kind, DecodeErrorKind::Unsupported);
    assert!(text.ends_with("with Query::binary_results"), "{text}");
    let query = Query::new(sql).binary_results();
    let row = conn.fetch_one(query, (Compat("x.y.z"),)).await.unwrap();
    let (one, list, levels): (Compat<&str>, Compat<Vec<Option<&str>>>, i32) = row.decode().unwrap();
    assert_eq!(one, Compat("x.y.z"));
    assert_eq!(list, Compat(vec![Some("a.b"), None]));
    assert_eq!(levels, 3);
}
