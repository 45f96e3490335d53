//! Lazy queries: rows as they arrive, and leaving early.

use futures_util::StreamExt as _;
use futures_util::stream::FusedStream as _;
use purepg_conn::{Error, Runtime};
use purepg_tests_live::{Context, live};

live!(
    rows_one_at_a_time,
    rows_in_batches,
    a_stream_of_futures,
    row_count_after_amid_and_instead_of_the_rows,
    a_mistake_is_reported_by_query_itself,
    acceptance_29_an_error_amid_the_rows,
    acceptance_38_a_stream_dropped_after_one_row,
    a_forgotten_stream_does_no_harm,
    kept_rows_outlive_everything,
    the_stream_says_that_it_is_over,
    batches_go_on_behind_the_last_row,
    query_waits_until_the_statement_works,
);

const MANY: &str = "select g as n, g::text as t from generate_series(1, 100000) g";

async fn rows_one_at_a_time<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for sql in [
        "select generate_series(1, 3)",
        "select generate_series(1, 3) -- no parameter",
    ] {
        let mut rows = conn.query(sql, ()).await.unwrap();
        assert_eq!(rows.columns()[0].name(), "generate_series");
        for i in 1..=3 {
            assert_eq!(
                rows.next().await.unwrap().unwrap().get::<i32>(0).unwrap(),
                i
            );
        }
        assert!(rows.next().await.is_none());
        assert!(rows.next().await.is_none(), "it stays at its end");
        drop(rows);
        assert!(conn.is_ready());
    }
    let mut none = conn.query("select 1 where $1", (false,)).await.unwrap();
    assert!(none.next().await.is_none());
}

async fn rows_in_batches<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut rows = conn.query(MANY, ()).await.unwrap();
    let (mut count, mut sum) = (0, 0);
    while let Some(batch) = rows.next_batch().await.unwrap() {
        assert!(!batch.is_empty());
        for row in &batch {
            let (number, text): (i64, &str) = row.decode().unwrap();
            assert_eq!(number.to_string(), text);
            assert_eq!(row.get::<&str>("t").unwrap(), text);
            assert!(row.get::<&str>("n").is_err());
            sum += number;
            count += 1;
        }
    }
    assert_eq!((count, sum), (100_000, 5_000_050_000));
}

async fn a_stream_of_futures<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let rows = conn
        .query("select generate_series(1, $1::int)", (10,))
        .await
        .unwrap();
    let numbers: Vec<i32> = rows
        .map(|row| row.unwrap().get::<i32>(0).unwrap())
        .collect()
        .await;
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
}

async fn row_count_after_amid_and_instead_of_the_rows<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for taken in [0, 1, 50_000, 100_000] {
        let mut rows = conn.query(MANY, ()).await.unwrap();
        for _ in 0..taken {
            rows.next().await.unwrap().unwrap();
        }
        assert_eq!(rows.row_count().await.unwrap(), 100_000);
        assert!(conn.is_ready());
    }
    conn.execute("create temp table r (a int)", ())
        .await
        .unwrap();
    let inserted = conn
        .query("insert into r select generate_series(1, 7)", ())
        .await
        .unwrap();
    assert_eq!(inserted.row_count().await.unwrap(), 7);
}

async fn a_mistake_is_reported_by_query_itself<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for sql in ["selec 1", "select nope", "select 1/0"] {
        let error = conn.query(sql, ()).await.unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{sql}: {error:?}");
        assert!(conn.is_ready(), "{sql}");
    }
    let error = conn.query("select $1::int + nope", (1,)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42703"));
    assert!(conn.is_ready());
}

async fn acceptance_29_an_error_amid_the_rows<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let text = "select 1 / (1000 - g) from generate_series(1, 2000) g";
    let bound = "select 1 / ($1 - g) from generate_series(1, 2000) g";
    for bind in [false, true] {
        let mut rows = if bind {
            conn.query(bound, (1_000,)).await.unwrap()
        } else {
            conn.query(text, ()).await.unwrap()
        };
        let mut delivered = 0;
        let error = loop {
            match rows.next().await.unwrap() {
                Ok(_) => delivered += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(delivered, 999, "the rows before the error are delivered");
        assert_eq!(error.sqlstate(), Some("22012"));
        assert!(
            rows.next().await.is_none(),
            "after the error there are no more"
        );
        assert!(rows.row_count().await.is_ok());
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }
}

async fn acceptance_38_a_stream_dropped_after_one_row<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process: i32 = conn
        .fetch_scalar("select pg_backend_pid()", ())
        .await
        .unwrap();
    for _ in 0..5 {
        let mut rows = conn.query(MANY, ()).await.unwrap();
        assert_eq!(
            rows.next().await.unwrap().unwrap().get::<i32>(0).unwrap(),
            1
        );
        drop(rows);
        let same: i32 = conn
            .fetch_scalar("select pg_backend_pid()", ())
            .await
            .unwrap();
        assert_eq!(same, process);
        assert!(conn.is_ready());
    }
    drop(conn.query(MANY, ()).await.unwrap());
    conn.ping().await.unwrap();
    drop(conn.query(MANY, ()).await.unwrap());
    conn.close().await.unwrap();
}

async fn a_forgotten_stream_does_no_harm<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut rows = conn.query(MANY, ()).await.unwrap();
    rows.next().await.unwrap().unwrap();
    std::mem::forget(rows);
    assert_eq!(
        conn.fetch_scalar::<i32>("select $1::int", (5,))
            .await
            .unwrap(),
        5
    );
}

async fn kept_rows_outlive_everything<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let rows = conn.fetch(MANY, ()).await.unwrap();
    conn.execute(MANY, ()).await.unwrap();
    conn.close().await.unwrap();
    let sum: i64 = rows.iter().map(|row| row.get::<i64>("n").unwrap()).sum();
    assert_eq!((rows.len(), sum), (100_000, 5_000_050_000));
    let moved = std::thread::spawn(move || rows[99_999].get::<String>(1).unwrap());
    assert_eq!(moved.join().unwrap(), "100000");
}

async fn the_stream_says_that_it_is_over<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut rows = conn.query("select 1", ()).await.unwrap();
    assert!(!rows.is_terminated());
    while rows.next().await.is_some() {}
    assert!(rows.is_terminated());
}

async fn batches_go_on_behind_the_last_row<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut rows = conn
        .query("select generate_series(1, 10000)", ())
        .await
        .unwrap();
    let mut seen: Vec<i32> = Vec::new();
    loop {
        match rows.next().await {
            Some(row) => seen.push(row.unwrap().get(0).unwrap()),
            None => break,
        }
        if let Some(batch) = rows.next_batch().await.unwrap() {
            seen.extend(batch.iter().map(|row| row.get::<i32>(0).unwrap()));
        }
    }
    assert_eq!(seen, (1..=10_000).collect::<Vec<_>>());
}

async fn query_waits_until_the_statement_works<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "create temp table q (a int primary key); insert into q values (1)",
        (),
    )
    .await
    .unwrap();
    assert!(conn.query("insert into q values (1)", ()).await.is_err());
    assert!(conn.query("insert into q values ($1)", (1,)).await.is_err());
    assert!(conn.query("set a.b = 1; select nope", ()).await.is_err());
    drop(conn.query("begin", ()).await.unwrap());
    assert!(conn.in_transaction());
    drop(conn.query("insert into q values ($1)", (2,)).await.unwrap());
    conn.execute("commit", ()).await.unwrap();
    assert_eq!(
        conn.fetch_scalar::<i64>("select count(*) from q", ())
            .await
            .unwrap(),
        2
    );
}
