//! All other scalar types over their edges.

use std::net::IpAddr;

use purepg_conn::geometry::{Box, Circle, Line, Lseg, Path, Point, Polygon};
use purepg_conn::{BitString, Cidr, Inet, MacAddr, MacAddr8, PgLsn, Runtime, Snapshot, Tid};
use purepg_tests_live::{Context, live};

use crate::table::{check, check_printed};

live!(
    acceptance_112_json,
    acceptance_112_network_addresses,
    acceptance_112_bits,
    acceptance_112_places_in_the_server,
    uuids_and_geometry,
    values_of_functions_without_any,
);

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
        .fetch_scalar("select $1::circle", ("<(1e300,0),0.1>",))
        .await
        .unwrap();
    let row = conn
        .fetch_one("select '<(1e300,0),0.1>'::circle", ())
        .await
        .unwrap();
    assert_eq!(row.get::<Circle>(0).unwrap(), circle);
    assert!(
        conn.fetch_scalar::<bool>("select $1::circle ~= '<(1e300,0),0.1>'", (circle,))
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
