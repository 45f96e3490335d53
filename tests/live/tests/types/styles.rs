//! Settings of the session that change how values are printed.

use purepg_conn::{Date, DecodeErrorKind, Error, Runtime, Timestamp, TimestampTz};
use purepg_tests_live::{Context, live};

live!(acceptance_109_a_date_in_another_style_is_an_error);

/// A setting that lasts shorter than its string: the server tells of none (since version 14) and so the driver cannot refuse it.
async fn acceptance_109_a_date_in_another_style_is_an_error<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let version: i32 = conn
        .fetch_scalar("select current_setting('server_version_num')::int", ())
        .await
        .unwrap();
    let select = "select '2001-02-03'::date, '2001-02-03 04:05:06'::timestamp, '2001-02-03 04:05:06+00'::timestamptz";
    for style in [
        "SQL, DMY",
        "SQL, MDY",
        "German",
        "Postgres, DMY",
        "Postgres, MDY",
    ] {
        let text =
            format!("set local datestyle = '{style}'; {select}; set local datestyle = 'ISO, MDY'");
        let rows = match conn.fetch(&text, ()).await {
            Ok(rows) => rows,
            Err(error) => {
                assert!(version < 140_000, "{style}: {error}");
                continue;
            }
        };
        let row = &rows[0];
        for result in [
            row.get::<Date>(0).map(drop),
            row.get::<Timestamp>(1).map(drop),
            row.get::<TimestampTz>(2).map(drop),
        ] {
            match result {
                Err(Error::Decode(error)) => assert_eq!(error.kind(), DecodeErrorKind::Invalid),
                other => panic!("{style}: {other:?}"),
            }
        }
    }
}
