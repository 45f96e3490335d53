//! The scalar types over their edges.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use purepg_conn::geometry::{Box, Circle, Line, Lseg, Path, Point, Polygon};
use purepg_conn::{
    BitString, Cidr, Date, DecodeErrorKind, Error, Inet, Interval, MacAddr, MacAddr8, Numeric,
    PgLsn, Runtime, Snapshot, Tid, Time, TimeTz, Timestamp, TimestampTz,
};
use purepg_tests_live::{Context, live};

use crate::table::{check, check_printed};

live!(
    acceptance_108_numerics,
    acceptance_108_floats,
    acceptance_109_dates_and_times,
    acceptance_109_intervals,
    acceptance_112_json,
    acceptance_112_network_addresses,
    acceptance_112_bits,
    acceptance_112_places_in_the_server,
    acceptance_112_money_is_refused_with_the_reason,
    acceptance_112_single_bytes_and_objects,
    acceptance_113_integers_never_wrap,
    uuids_and_geometry,
    values_of_functions_without_any,
);

/// What an error of a value says.
fn decode<T: std::fmt::Debug>(result: Result<T, Error>) -> (DecodeErrorKind, String) {
    match result {
        Err(Error::Decode(error)) => (error.kind(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn acceptance_108_numerics<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let largest = "9".repeat(131_072);
    let both = format!("-{largest}.{}", "9".repeat(16_383));
    let zeros = format!("0.{}", "0".repeat(16_383));
    let literals = [
        "0",
        "-0.00",
        "1",
        "-1",
        "1.50",
        "0.1",
        "0.0001",
        "0.00001",
        "9999",
        "10000",
        "10000.0001",
        "123456789.987654321",
        "-99999999.99999999",
        "1e20",
        "1e-20",
        "1e131071",
        "1e-16383",
        "NaN",
        &largest,
        &both,
        &zeros,
    ];
    check_printed::<Numeric, _>(&mut conn, "numeric", &literals).await;
    let version: i32 = conn
        .fetch_scalar("select current_setting('server_version_num')::int", ())
        .await
        .unwrap();
    if version >= 140_000 {
        check_printed::<Numeric, _>(&mut conn, "numeric", &["Infinity", "-Infinity"]).await;
    }
    // What the server computes, not what was written: sums, averages, powers.
    let row = conn
        .fetch_one("select sum(n), avg(n), 2::numeric ^ 200, 1::numeric / 3 from generate_series(1, $1::int8) n", (1_000_000,))
        .await
        .unwrap();
    let (sum, average, power, third): (Numeric, Numeric, Numeric, Numeric) = row.decode().unwrap();
    assert_eq!(i64::try_from(&sum), Ok(500_000_500_000));
    assert_eq!(average.to_string(), "500000.500000000000");
    assert!(
        power
            .to_string()
            .starts_with("1606938044258990275541962092341162602522202993782792835301376")
    );
    assert_eq!(third.to_string(), "0.33333333333333333333");
    let sent: String = conn
        .fetch_scalar(
            "select ($1::numeric + $2::numeric)::text",
            (i64::MIN, u64::MAX),
        )
        .await
        .unwrap();
    assert_eq!(sent, "9223372036854775807");
}

async fn acceptance_108_floats<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let literals = [
        "0",
        "-0",
        "NaN",
        "Infinity",
        "-Infinity",
        "0.1",
        "1e-37",
        "3.4028235e38",
        "1.17549435e-38",
        "16777216",
    ];
    check::<f32, _>(&mut conn, "float4", &literals).await;
    check::<f64, _>(&mut conn, "float8", &literals).await;
    check::<f64, _>(
        &mut conn,
        "float8",
        &[
            "1.7976931348623157e308",
            "5e-324",
            "-123456789.123456789",
            "1e15",
            "1e-5",
        ],
    )
    .await;
}

async fn acceptance_109_dates_and_times<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check_printed::<Date, _>(
        &mut conn,
        "date",
        &[
            "2000-01-01",
            "1999-12-31",
            "4713-01-01 BC",
            "4714-11-24 BC",
            "5874897-12-31",
            "infinity",
            "-infinity",
            "0001-02-28 BC",
            "0005-02-29 BC",
            "0001-01-01",
            "0001-12-31 BC",
            "2024-02-29",
            "10000-01-01",
            "1900-02-28",
        ],
    )
    .await;
    check_printed::<Time, _>(
        &mut conn,
        "time",
        &[
            "00:00:00",
            "24:00:00",
            "12:34:56.1",
            "23:59:59.999999",
            "00:00:00.000001",
        ],
    )
    .await;
    check_printed::<TimeTz, _>(
        &mut conn,
        "timetz",
        &[
            "00:00:00-15:59:59",
            "24:00:00+15:59:59",
            "12:34:56.789+00",
            "12:00:00-03:30",
            "12:00:00+02",
        ],
    )
    .await;
    let moments = [
        "2000-01-01 00:00:00",
        "1999-12-31 23:59:59.999999",
        "4713-01-01 00:00:00 BC",
        "4714-11-24 00:00:00 BC",
        "294276-12-31 23:59:59.999999",
        "infinity",
        "-infinity",
        "0044-03-15 01:02:03.4 BC",
        "0005-02-29 23:59:59 BC",
    ];
    check_printed::<Timestamp, _>(&mut conn, "timestamp", &moments).await;
    conn.execute("set timezone = 'UTC'", ()).await.unwrap();
    check_printed::<TimestampTz, _>(&mut conn, "timestamptz", &moments).await;
    // The hour that is missing, the hour that is there twice, and offsets with seconds.
    let edges = [
        "2024-03-10 06:59:59.5+00",
        "2024-03-10 07:00:00+00",
        "2024-11-03 05:30:00+00",
        "2024-11-03 06:30:00+00",
        "1800-01-01 00:00:00+00",
        "4713-01-01 00:00:00+00 BC",
        "4714-11-24 00:00:00+00 BC",
        "294276-12-31 23:59:59.999999+00",
        "infinity",
        "-infinity",
    ];
    for zone in [
        "America/New_York",
        "America/St_Johns",
        "Europe/Amsterdam",
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
    ] {
        conn.execute(format!("set timezone = '{zone}'"), ())
            .await
            .unwrap();
        check::<TimestampTz, _>(&mut conn, "timestamptz", &edges).await;
        check::<SystemTime, _>(&mut conn, "timestamptz", &edges[..8]).await;
    }
    let row = conn
        .fetch_one("select 'infinity'::timestamptz", ())
        .await
        .unwrap();
    assert_eq!(
        decode(row.get::<SystemTime>(0)),
        (
            DecodeErrorKind::OutOfRange,
            r#"column "timestamptz" (timestamptz) cannot be read as SystemTime: infinity does not fit"#.into()
        )
    );
    // The clock of this machine is finer than a microsecond, and the server is not.
    let now = SystemTime::now();
    let back: SystemTime = conn
        .fetch_scalar("select $1::timestamptz", (now,))
        .await
        .unwrap();
    assert!(now.duration_since(back).unwrap() < Duration::from_micros(1));
}

async fn acceptance_109_intervals<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let literals = [
        "0",
        "1 year 2 mons",
        "-1 year +2 mons 3 days",
        "1 day",
        "-1 day",
        "-1 day +1 hour",
        "1 day -1 hour",
        "1 year -1 day",
        "-1 year 1 day",
        "04:05:06.789",
        "-04:05:06.000001",
        "-0.000001 s",
        "0.5 s",
        "-178956970 years -8 mons",
        "178956970 years 7 mons",
        "2147483647 days",
        "-2147483648 days",
        "1 mon 2 days -03:04:05",
        "-1 mon -2 days -3:04:05.6",
        "-1 mon 2 days 3:04:05.6",
        "2562047788:00:54.775807",
        "-2562047788:00:54.775807",
        "1 mon -0.5 sec",
        "-1 day 0.5 s",
        "-10 mons 3 sec",
        "1 year 1 sec",
        "-5 days -0.1 sec",
        "-14 mons",
        "-1 mon -2 days 3 sec",
        "-1 mon -0.25 sec",
        "1 hour -1 sec",
        "-1 min",
        "100 hours",
        "-1 year",
        "1 mon",
        "-1 mon -1 sec",
        "-1 mon 1 sec",
    ];
    for style in ["postgres", "postgres_verbose", "sql_standard", "iso_8601"] {
        conn.execute(format!("set intervalstyle = {style}"), ())
            .await
            .unwrap();
        check::<Interval, _>(&mut conn, "interval", &literals).await;
        check::<Duration, _>(
            &mut conn,
            "interval",
            &[
                "0",
                "00:00:00.000001",
                "100 hours",
                "2562047788:00:54.775807",
            ],
        )
        .await;
    }
    conn.execute("set intervalstyle = postgres", ())
        .await
        .unwrap();
    check_printed::<Interval, _>(&mut conn, "interval", &literals).await;
    let version: i32 = conn
        .fetch_scalar("select current_setting('server_version_num')::int", ())
        .await
        .unwrap();
    if version >= 170_000 {
        check_printed::<Interval, _>(&mut conn, "interval", &["infinity", "-infinity"]).await;
    }
}

async fn acceptance_112_json<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let literals = [
        "null",
        "{}",
        r#"{"a": [1, 2.50, "é\n", null]}"#,
        r#""x""#,
        "12345678901234567890.5",
    ];
    for ty in ["json", "jsonb"] {
        check::<String, _>(&mut conn, ty, &literals).await;
    }
    check::<String, _>(&mut conn, "jsonpath", &["$.a[*] ? (@ > 1)", "strict $"]).await;
    // The version byte is there, and is no part of the text.
    let row = conn.fetch_one("select $1::jsonb", ("[1]",)).await.unwrap();
    assert_eq!(row.get::<&str>(0).unwrap(), "[1]");
}

async fn acceptance_112_network_addresses<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let hosts = [
        "1.2.3.4",
        "0.0.0.0",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "0:0:1::",
        "2001:db8::1",
        "1:0:0:1:0:0:0:1",
    ];
    check_printed::<Inet, _>(&mut conn, "inet", &hosts).await;
    check::<IpAddr, _>(&mut conn, "inet", &hosts).await;
    check_printed::<Inet, _>(
        &mut conn,
        "inet",
        &[
            "1.2.3.4/24",
            "0.0.0.0/0",
            "1::2:0:0/64",
            "::1.2.3.4/100",
            "::/0",
        ],
    )
    .await;
    let networks = [
        "10.0.0.0/8",
        "0.0.0.0/0",
        "1.2.3.4/32",
        "::/0",
        "2001:db8::/32",
        "::1/128",
        "1.2.3.128/25",
    ];
    check_printed::<Cidr, _>(&mut conn, "cidr", &networks).await;
    check::<IpAddr, _>(&mut conn, "cidr", &["1.2.3.4/32", "::1/128"]).await;
    check_printed::<MacAddr, _>(
        &mut conn,
        "macaddr",
        &[
            "08:00:2b:01:02:03",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
        ],
    )
    .await;
    check_printed::<MacAddr8, _>(
        &mut conn,
        "macaddr8",
        &["08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03"],
    )
    .await;
}

async fn acceptance_112_bits<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let long = "10".repeat(1001);
    let literals = [
        "",
        "0",
        "1",
        "101",
        "1010101",
        "10101010",
        "101010101",
        "0000000000000001",
        &long,
    ];
    check_printed::<BitString, _>(&mut conn, "varbit", &literals).await;
    check_printed::<BitString, _>(&mut conn, "bit(7)", &["1010101", "0000000"]).await;
    check_printed::<BitString, _>(&mut conn, "bit(9)", &["101010101"]).await;
}

async fn acceptance_112_places_in_the_server<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check_printed::<PgLsn, _>(
        &mut conn,
        "pg_lsn",
        &["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"],
    )
    .await;
    check_printed::<Tid, _>(&mut conn, "tid", &["(0,0)", "(42,7)", "(4294967295,65535)"]).await;
    check_printed::<u64, _>(
        &mut conn,
        "xid8",
        &["0", "9223372036854775808", "18446744073709551615"],
    )
    .await;
    let snapshots = ["10:20:10,14,15", "724:724:"];
    check_printed::<Snapshot, _>(&mut conn, "pg_snapshot", &snapshots).await;
    check_printed::<Snapshot, _>(&mut conn, "txid_snapshot", &snapshots).await;
}

async fn acceptance_112_money_is_refused_with_the_reason<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let reason = "how many digits money has behind its point is a setting of the server's: cast it to numeric, or use a string";
    for sql in ["select 12.34::money", "select $1::money"] {
        let row = match sql.contains('$') {
            true => conn.fetch_one(sql, ("12.34",)).await.unwrap(),
            false => conn.fetch_one(sql, ()).await.unwrap(),
        };
        let text: String = row.get(0).unwrap();
        assert!(text.contains("12.34"), "{text}");
        for (kind, message) in [
            decode(row.get::<Numeric>(0)),
            decode(row.get::<f64>(0)),
            decode(row.get::<i64>(0)),
        ] {
            assert_eq!(kind, DecodeErrorKind::Unsupported);
            assert!(message.ends_with(reason), "{message}");
        }
    }
    let error = conn
        .execute("select $1::money", (Numeric::from(1),))
        .await
        .unwrap_err();
    assert!(error.to_string().contains(reason), "{error}");
    assert!(conn.is_ready());
}

async fn acceptance_112_single_bytes_and_objects<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // From 0x80 on, and the zero byte, which is the empty string.
    for byte in [i8::MIN, -2, -1, 0, 1, 0x41, 0x5c, i8::MAX] {
        let row = conn
            .fetch_one("select $1::\"char\"", (byte,))
            .await
            .unwrap();
        assert_eq!(row.get::<i8>(0).unwrap(), byte);
    }
    check::<i8, _>(&mut conn, "\"char\"", &["a", "\\", "", "~"]).await;
    check_printed::<u32, _>(&mut conn, "oid", &["0", "2147483648", "4294967295"]).await;
    check_printed::<u32, _>(&mut conn, "xid", &["2147483648", "4294967295"]).await;
    check_printed::<u32, _>(&mut conn, "cid", &["2147483648", "4294967295"]).await;
    // By name in the results, and by number or by name in the parameters.
    for ty in [
        "regclass",
        "regtype",
        "regproc",
        "regnamespace",
        "regrole",
        "regprocedure",
        "regoperator",
        "regconfig",
        "regdictionary",
        "regcollation",
        "regoper",
    ] {
        let sql = format!("select $1::{ty}, $1::{ty}::oid");
        let row = conn.fetch_one(&sql, (u32::MAX,)).await.unwrap();
        assert_eq!(row.get::<u32>(0).unwrap(), u32::MAX, "{ty}");
        assert_eq!(row.get::<u32>(1).unwrap(), u32::MAX, "{ty}");
        assert_eq!(row.get::<String>(0).unwrap(), "4294967295", "{ty}");
    }
    let sql = "select $1::regclass, $1::regclass::oid";
    for row in [
        conn.fetch_one(sql, ("pg_class",)).await.unwrap(),
        conn.fetch_one(sql, (1259,)).await.unwrap(),
    ] {
        assert_eq!(row.get::<&str>(0).unwrap(), "pg_class");
        assert_eq!(row.get::<u32>(1).unwrap(), 1259);
        assert_eq!(decode(row.get::<u32>(0)).0, DecodeErrorKind::Unsupported);
    }
    let row = conn.fetch_one("select 0::regclass", ()).await.unwrap();
    assert_eq!(row.get::<u32>(0).unwrap(), 0);
}

async fn acceptance_113_integers_never_wrap<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check_printed::<i16, _>(&mut conn, "int2", &["-32768", "0", "32767"]).await;
    check_printed::<i32, _>(&mut conn, "int4", &["-2147483648", "2147483647"]).await;
    check_printed::<i64, _>(
        &mut conn,
        "int8",
        &["-9223372036854775808", "9223372036854775807"],
    )
    .await;
    let wide = "select 9223372036854775807::int8, 32768::int4, 4294967295::oid, '18446744073709551615'::xid8, -1::int2";
    for row in [
        conn.fetch_one(wide, ()).await.unwrap(),
        conn.fetch_one(format!("{wide} where $1"), (true,))
            .await
            .unwrap(),
    ] {
        for result in [
            row.get::<i32>(0).map(drop),
            row.get::<i16>(1).map(drop),
            row.get::<i8>(1).map(drop),
            row.get::<i32>(2).map(drop),
            row.get::<i64>(3).map(drop),
            row.get::<u16>(4).map(drop),
            row.get::<u32>(4).map(drop),
            row.get::<u64>(4).map(drop),
        ] {
            assert_eq!(decode(result).0, DecodeErrorKind::OutOfRange);
        }
        assert_eq!(row.get::<u64>(0).unwrap(), 9_223_372_036_854_775_807);
        assert_eq!(row.get::<u16>(1).unwrap(), 32_768);
        assert_eq!(row.get::<i64>(2).unwrap(), 4_294_967_295);
        assert_eq!(row.get::<i8>(4).unwrap(), -1);
    }
}

async fn uuids_and_geometry<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let uuids = [
        "00000000-0000-0000-0000-000000000000",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ];
    check::<[u8; 16], _>(&mut conn, "uuid", &uuids).await;
    let numbers = [
        "(1,-0)",
        "(NaN,Infinity)",
        "(-Infinity,0.1)",
        "(1e300,1e-300)",
        "(1e15,999999999999999)",
        "(123456789012345680,1e14)",
        "(0.0001,0.00001)",
        "(5e-324,1.7976931348623157e308)",
    ];
    check_printed::<Point, _>(&mut conn, "point", &numbers).await;
    check_printed::<Line, _>(&mut conn, "line", &["{1,2,3}", "{0,-1,0.5}"]).await;
    check_printed::<Lseg, _>(&mut conn, "lseg", &["[(0,0),(1,1)]"]).await;
    check_printed::<Box, _>(&mut conn, "box", &["(0,0),(1,1)", "(1,1),(1,1)"]).await;
    check_printed::<Path, _>(
        &mut conn,
        "path",
        &["[(0,0),(1,1)]", "((0,0),(1,1))", "[(0,0)]"],
    )
    .await;
    check_printed::<Polygon, _>(&mut conn, "polygon", &["((0,0),(1,1),(2,0.5))", "((0,0))"]).await;
    // A circle has no text to be cast to.
    let circle: Circle = conn
        .fetch_scalar("select $1::circle", ("<(1e300,0),Infinity>",))
        .await
        .unwrap();
    let row = conn
        .fetch_one("select '<(1e300,0),Infinity>'::circle", ())
        .await
        .unwrap();
    assert_eq!(row.get::<Circle>(0).unwrap(), circle);
    assert!(
        conn.fetch_scalar::<bool>("select $1::circle ~= '<(1e300,0),Infinity>'", (circle,))
            .await
            .unwrap()
    );
}

async fn values_of_functions_without_any<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let row = conn.fetch_one("select pg_sleep(0)", ()).await.unwrap();
    row.get::<()>(0).unwrap();
    let row = conn.fetch_one("select pg_sleep($1)", (0.0,)).await.unwrap();
    row.get::<()>(0).unwrap();
    assert_eq!(row.get::<String>(0).unwrap(), "");
}
