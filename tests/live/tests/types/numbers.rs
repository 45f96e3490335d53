//! Numbers over their edges.

use purepg_conn::{DecodeErrorKind, Numeric, Runtime};
use purepg_tests_live::{Context, live};

use crate::table::{check, check_printed, decode};

live!(
    acceptance_108_numerics,
    acceptance_108_floats,
    acceptance_112_money_is_refused_with_the_reason,
    acceptance_112_single_bytes_and_objects,
    acceptance_113_integers_never_wrap,
);

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

async fn acceptance_112_money_is_refused_with_the_reason<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let reason = "how many digits money has behind its point is a setting of the server's: cast it to numeric, or use a string";
    for row in [
        conn.fetch_one("select 12.34::money", ()).await.unwrap(),
        conn.fetch_one("select $1::money", ("12.34",))
            .await
            .unwrap(),
    ] {
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
