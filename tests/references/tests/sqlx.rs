//! Every type that sqlx has, over its edges.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::net::IpAddr;

use purepg_references::Refusal::{None as Nothing, Theirs};
use purepg_references::{Reference, Refusal, as_ours, equal};
use purepg_types::{
    BitString, FromSqlOwned, Interval, MacAddr, Range, Time, TimeTz, ToSql, geometry,
};
use sqlx::postgres::{Postgres, types as theirs};
use sqlx::types::chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use sqlx::types::ipnet::IpNet;
use sqlx::types::mac_address::MacAddress;
use sqlx::types::{BigDecimal, BitVec, Decimal, JsonValue, Uuid, time};
use sqlx::{Decode, Encode};

const TEXTS: &[&str] = &["", "x", "é \"\\ ,{}'", "NULL", "\u{1F418}"];
const DATES: &[&str] = &[
    "2000-01-01",
    "1999-12-31",
    "4713-01-01 BC",
    "0005-02-29 BC",
    "9999-12-31",
];
const TIMES: &[&str] = &["00:00:00", "12:34:56.1", "23:59:59.999999"];
const MOMENTS: &[&str] = &[
    "2000-01-01 00:00:00+00",
    "1969-12-31 23:59:59.999999+00",
    "2024-11-03 05:30:00.5+00",
    "4713-01-01 00:00:00+00 BC",
    "9999-12-31 23:59:59+00",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.1",
    "-12.50",
    "0.0001",
    "10000",
    "99999999.99999999",
    "79228162514264337593543950335",
];

#[tokio::test(flavor = "current_thread")]
async fn scalars() {
    let mut with = Reference::connect().await;
    let with = &mut with;
    with.check_same::<bool>("bool", &["t", "f"], Nothing).await;
    with.check_same::<i8>("\"char\"", &["a", "", "\\"], Theirs)
        .await;
    with.check_same::<i16>("int2", &["-32768", "0", "32767"], Nothing)
        .await;
    with.check_same::<i32>("int4", &["-2147483648", "0", "2147483647"], Nothing)
        .await;
    with.check_same::<i64>(
        "int8",
        &["-9223372036854775808", "9223372036854775807"],
        Nothing,
    )
    .await;
    let oids = ["0", "2147483648", "4294967295"];
    with.check::<u32, theirs::Oid>("oid", &oids, Nothing, as_ours(|oid: &theirs::Oid| oid.0))
        .await;
    let floats = [
        "0",
        "-0",
        "NaN",
        "Infinity",
        "-Infinity",
        "1.17549435e-38",
        "3.4028235e38",
    ];
    with.check_same::<f32>("float4", &floats, Nothing).await;
    with.check_same::<f64>("float8", &floats, Nothing).await;
    with.check_same::<f64>(
        "float8",
        &["5e-324", "1.7976931348623157e308", "0.1"],
        Nothing,
    )
    .await;
    for name in ["text", "varchar", "name", "citext"] {
        with.check_same::<String>(name, TEXTS, Nothing).await;
    }
    with.check_same::<Vec<u8>>("bytea", &["", "\\x00ff5c"], Nothing)
        .await;
    with.check_same::<Uuid>("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], Nothing)
        .await;
    let json = ["null", "[]", "{}", "1", "-1.5", "\"é\""];
    with.check_same::<JsonValue>("jsonb", &json, Nothing).await;
    // What sqlx writes of a json depends on what else the statement has.
    with.check_read::<JsonValue, JsonValue>("json", &json, Nothing, equal)
        .await;
    let hosts = [
        "1.2.3.4",
        "0.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "2001:db8::ffff:1.2.3.4",
    ];
    with.check_same::<IpAddr>("inet", &hosts, Nothing).await;
    with.check_same::<IpNet>(
        "inet",
        &["1.2.3.4/24", "1.2.3.4/32", "::1/0", "2001:db8::1/48"],
        Nothing,
    )
    .await;
    with.check_read::<IpNet, IpNet>("cidr", &["1.2.3.0/24", "::/0"], Nothing, equal)
        .await;
    let macs = ["08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"];
    with.check::<MacAddr, MacAddress>(
        "macaddr",
        &macs,
        Nothing,
        as_ours(|mac: &MacAddress| MacAddr(mac.bytes())),
    )
    .await;
    let bits = |bits: &BitVec| BitString::from_bytes(bits.to_bytes(), bits.len()).unwrap();
    with.check(
        "varbit",
        &["", "1", "10101010", "101010101"],
        Nothing,
        as_ours(bits),
    )
    .await;
    with.check("bit(3)", &["101"], Nothing, as_ours(bits)).await;
    with.check_read::<(), ()>("void", &[""], Nothing, equal)
        .await;
    println!("{:?}", with.counted);
}

#[tokio::test(flavor = "current_thread")]
async fn numbers() {
    let mut with = Reference::connect().await;
    with.check_same::<Decimal>("numeric", NUMBERS, Nothing)
        .await;
    // It forgets how many digits stand behind the point.
    let same = |one: &BigDecimal, other: &BigDecimal| one == other;
    with.check_alike::<BigDecimal>("numeric", NUMBERS, Nothing, same)
        .await;
    let digits = "9".repeat(2000);
    let many = format!("-{digits}.{digits}");
    with.check_alike::<BigDecimal>("numeric", &["1e100", "1e-100", &many], Nothing, same)
        .await;
    println!("{:?}", with.counted);
}

#[tokio::test(flavor = "current_thread")]
async fn dates_and_times() {
    let mut with = Reference::connect().await;
    let with = &mut with;
    with.check_same::<NaiveDate>("date", DATES, Theirs).await;
    with.check_same::<NaiveTime>("time", TIMES, Nothing).await;
    with.check_same::<NaiveDateTime>("timestamp", MOMENTS, Theirs)
        .await;
    with.check_same::<DateTime<Utc>>("timestamptz", MOMENTS, Theirs)
        .await;
    with.check_same::<time::Date>("date", DATES, Theirs).await;
    with.check_same::<time::Time>("time", TIMES, Nothing).await;
    with.check_same::<time::PrimitiveDateTime>("timestamp", MOMENTS, Theirs)
        .await;
    with.check_same::<time::OffsetDateTime>("timestamptz", MOMENTS, Theirs)
        .await;
    let zoned = |value: &theirs::PgTimeTz<NaiveTime, FixedOffset>| {
        let micros = (value.time - NaiveTime::MIN).num_microseconds().unwrap();
        TimeTz::new(
            Time::from_micros(micros).unwrap(),
            value.offset.local_minus_utc(),
        )
        .unwrap()
    };
    with.check(
        "timetz",
        &["12:34:56.789+05:30", "00:00:00-12:00", "23:59:59.999999+00"],
        Nothing,
        as_ours(zoned),
    )
    .await;
    let intervals = [
        "0",
        "1 year -2 days 03:04:05.678901",
        "-178956970 years -8 mons",
        "2147483647 days",
        "-00:00:00.000001",
    ];
    let interval = |value: &theirs::PgInterval| {
        let theirs::PgInterval {
            months,
            days,
            microseconds,
        } = *value;
        Interval {
            months,
            days,
            microseconds,
        }
    };
    with.check("interval", &intervals, Theirs, as_ours(interval))
        .await;
    println!("{:?}", with.counted);
}

#[tokio::test(flavor = "current_thread")]
async fn shapes() {
    let mut with = Reference::connect().await;
    let with = &mut with;
    let point = |point: &theirs::PgPoint| geometry::Point {
        x: point.x,
        y: point.y,
    };
    with.check(
        "point",
        &["(1,-0.5)", "(1e300,5e-324)"],
        Nothing,
        as_ours(point),
    )
    .await;
    let line = |line: &theirs::PgLine| geometry::Line {
        a: line.a,
        b: line.b,
        c: line.c,
    };
    with.check("line", &["{1,2,3}", "{0,-1,0.5}"], Nothing, as_ours(line))
        .await;
    let lseg = |lseg: &theirs::PgLSeg| geometry::Lseg {
        start: geometry::Point {
            x: lseg.start_x,
            y: lseg.start_y,
        },
        end: geometry::Point {
            x: lseg.end_x,
            y: lseg.end_y,
        },
    };
    with.check("lseg", &["[(0,0),(1,1)]"], Nothing, as_ours(lseg))
        .await;
    let corners = |corners: &theirs::PgBox| geometry::Box {
        high: geometry::Point {
            x: corners.upper_right_x,
            y: corners.upper_right_y,
        },
        low: geometry::Point {
            x: corners.lower_left_x,
            y: corners.lower_left_y,
        },
    };
    with.check(
        "box",
        &["(1,2),(0,0)", "(1,1),(1,1)"],
        Nothing,
        as_ours(corners),
    )
    .await;
    let path = |path: &theirs::PgPath| geometry::Path {
        is_closed: path.closed,
        points: path.points.iter().map(point).collect(),
    };
    with.check(
        "path",
        &["[(0,0),(1,1)]", "((0,0),(1,1))"],
        Nothing,
        as_ours(path),
    )
    .await;
    let polygon = |polygon: &theirs::PgPolygon| geometry::Polygon {
        points: polygon.points.iter().map(point).collect(),
    };
    with.check(
        "polygon",
        &["((0,0),(1,1),(2,0.5))"],
        Nothing,
        as_ours(polygon),
    )
    .await;
    let circle = |circle: &theirs::PgCircle| geometry::Circle {
        center: geometry::Point {
            x: circle.x,
            y: circle.y,
        },
        radius: circle.radius,
    };
    with.check("circle", &["<(1e300,0),0.1>"], Nothing, as_ours(circle))
        .await;
    println!("{:?}", with.counted);
}

#[tokio::test(flavor = "current_thread")]
async fn ranges() {
    async fn check<T>(with: &mut Reference, name: &str, literals: &[&str], refusal: Refusal)
    where
        T: FromSqlOwned + ToSql + std::fmt::Debug + Clone,
        T: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres> + sqlx::Type<Postgres>,
    {
        // Of an empty range sqlx makes one without bounds.
        let range =
            |range: &theirs::PgRange<T>| Range::Bounds(range.start.clone(), range.end.clone());
        with.check(name, literals, refusal, as_ours(range)).await;
    }
    let mut with = Reference::connect().await;
    let with = &mut with;
    check::<i32>(
        with,
        "int4range",
        &["[1,5)", "(,)", "[,5)", "[1,)"],
        Nothing,
    )
    .await;
    check::<i64>(with, "int8range", &["[-9223372036854775808,0)"], Nothing).await;
    check::<Decimal>(with, "numrange", &["(1.5,2.50]", "[0,)"], Nothing).await;
    check::<NaiveDate>(with, "daterange", &["[2000-01-01,2001-01-01)"], Nothing).await;
    check::<NaiveDateTime>(
        with,
        "tsrange",
        &["(2000-01-01 00:00:00,2001-01-01 12:00:00.5]"],
        Theirs,
    )
    .await;
    check::<DateTime<Utc>>(with, "tstzrange", &["(2000-01-01 00:00:00+00,]"], Theirs).await;
    check::<time::Date>(with, "daterange", &["[2000-01-01,2001-01-01)"], Nothing).await;
    check::<time::OffsetDateTime>(with, "tstzrange", &["(2000-01-01 00:00:00+00,]"], Theirs).await;
    println!("{:?}", with.counted);
}

#[tokio::test(flavor = "current_thread")]
async fn what_consists_of_others() {
    let mut with = Reference::connect().await;
    let with = &mut with;
    with.check_same::<Vec<i32>>("int4[]", &["{1,-2}"], Nothing)
        .await;
    // Of an empty array sqlx writes a dimension without elements, which the server takes for none.
    with.check_read::<Vec<i32>, Vec<i32>>("int4[]", &["{}"], Nothing, equal)
        .await;
    with.check_same::<Vec<bool>>("bool[]", &["{t,f}"], Nothing)
        .await;
    with.check_same::<Vec<f64>>("float8[]", &["{-0,NaN,1e300}"], Nothing)
        .await;
    with.check_same::<Vec<Uuid>>(
        "uuid[]",
        &["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
        Nothing,
    )
    .await;
    with.check_same::<Vec<Decimal>>("numeric[]", &["{1.50,0}"], Nothing)
        .await;
    with.check_same::<Vec<NaiveDate>>("date[]", &["{2000-01-01}"], Nothing)
        .await;
    with.check_same::<Vec<String>>("text[]", &["{\"\",a,\"a b\"}"], Nothing)
        .await;
    // Of arrays with NULLs the server says that they have them; sqlx does not.
    let nulls = ["{1,NULL}", "{NULL}"];
    with.check_read::<Vec<Option<i32>>, Vec<Option<i32>>>("int4[]", &nulls, Nothing, equal)
        .await;
    let map = |map: &theirs::PgHstore| map.0.clone();
    let maps = ["", "a=>NULL", "a=>\"NULL\", bb=>\"\\\"\\\\\""];
    with.check::<BTreeMap<String, Option<String>>, _>("hstore", &maps, Theirs, as_ours(map))
        .await;
    println!("{:?}", with.counted);
}
