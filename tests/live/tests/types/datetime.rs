//! Dates, times and intervals over their edges.

use std::time::{Duration, SystemTime};

use purepg_conn::{Date, DecodeErrorKind, Interval, Runtime, Time, TimeTz, Timestamp, TimestampTz};
use purepg_tests_live::{Context, live};

use crate::table::{check, check_printed, decode};

live!(
    acceptance_109_dates_and_times,
    acceptance_109_time_zones,
    acceptance_109_intervals,
);

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
}

async fn acceptance_109_time_zones<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
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
    let version: i32 = conn
        .fetch_scalar("select current_setting('server_version_num')::int", ())
        .await
        .unwrap();
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
        "1 mon 2 days -03:04:05",
        "-1 mon -2 days -3:04:05.6",
        "-1 mon 2 days 3:04:05.6",
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
            &["0", "00:00:00.000001", "100 hours"],
        )
        .await;
        // Older servers read no more hours than fit into 32 bits, and print `--2147483648`, which is an error.
        if version >= 150_000 {
            let longest = [
                "2562047788:00:54.775807",
                "-2562047788:00:54.775807",
                "-2147483648 days",
            ];
            check::<Interval, _>(&mut conn, "interval", &longest).await;
            check::<Duration, _>(&mut conn, "interval", &longest[..1]).await;
        }
    }
    conn.execute("set intervalstyle = postgres", ())
        .await
        .unwrap();
    check_printed::<Interval, _>(&mut conn, "interval", &literals).await;
    if version >= 170_000 {
        check_printed::<Interval, _>(&mut conn, "interval", &["infinity", "-infinity"]).await;
    }
}
