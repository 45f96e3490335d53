//! Through a pooler that hands each transaction to another server process.

use std::collections::HashSet;

use purepg_conn::{Config, Connection, Error, Runtime};
use purepg_testkit::pooler::{Pooler, Pooling};
use purepg_testkit::server::{DATABASE, Server, USER_TRUST};
use purepg_tests_live::{Context, live};

live!(
    acceptance_48_without_a_cache_transactions_go_anywhere,
    acceptance_48_without_a_cache_single_statements_go_anywhere,
    acceptance_48_a_start_that_poolers_take,
    acceptance_49_named_statements_that_the_pooler_tracks,
    named_statements_that_nobody_tracks,
);

/// A user without a password, through a pooler.
fn config(pooling: Pooling) -> Config {
    let server = Server::shared();
    let pooler = Pooler::start(server, pooling);
    Config::new(server.host(), USER_TRUST)
        .port(pooler.port())
        .database(DATABASE)
}

async fn process<S: purepg_conn::ByteStream>(conn: &mut Connection<S>) -> i32 {
    let sql = "select pg_backend_pid() where $1";
    conn.fetch_scalar(sql, (true,)).await.unwrap()
}

async fn acceptance_48_without_a_cache_transactions_go_anywhere<R: Runtime>(cx: Context<R>) {
    let config = config(Pooling::default()).statement_cache_size(0);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let table = format!("pooled_{}", process(&mut conn).await);
    conn.execute(&format!("create table {table} (a int, b text)"), ())
        .await
        .unwrap();
    let insert = format!("insert into {table} values ($1, $2)");
    let count = format!("select count(*) from {table} where a >= $1");
    let mut processes = HashSet::new();
    for i in 0..10 {
        processes.insert(process(&mut conn).await);
        assert_eq!(conn.execute(&insert, (i, "x")).await.unwrap(), 1);
        let rows: i64 = conn.fetch_scalar(&count, (0,)).await.unwrap();
        assert_eq!(rows, i64::from(i) + 1);
        // All of a transaction goes to one of them.
        let mut tx = conn.begin().await.unwrap();
        let first = process(&mut tx).await;
        tx.execute(&insert, (100, "rolled back")).await.unwrap();
        let hundred: i64 = tx.fetch_scalar(&count, (100,)).await.unwrap();
        assert_eq!(hundred, 1);
        let failed = tx.execute("select $1::int / 0", (1,)).await.unwrap_err();
        assert_eq!(failed.sqlstate(), Some("22012"));
        tx.rollback().await.unwrap();
        processes.insert(first);
    }
    assert_eq!(processes.len(), 3, "it is moved on");
    // So does a pipeline, many sets, and what is left early.
    let mut pipeline = conn.pipeline();
    for i in 0..10 {
        pipeline.push(&insert, (200 + i, "piped"));
        if i == 4 {
            pipeline.sync();
        }
    }
    let mut results = pipeline.run().await.unwrap();
    while let Some(result) = results.next().await {
        assert_eq!(result.unwrap().row_count, 1);
    }
    let sets = (0..50).map(|i| (300 + i, "many"));
    assert_eq!(conn.execute_many(&insert, sets).await.unwrap(), 50);
    let mut rows = conn
        .query("select generate_series(1, $1::int)", (1_000,))
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    let all: i64 = conn.fetch_scalar(&count, (0,)).await.unwrap();
    assert_eq!(all, 70);
    conn.execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
    conn.close().await.unwrap();
}

async fn acceptance_48_without_a_cache_single_statements_go_anywhere<R: Runtime>(cx: Context<R>) {
    let pooling = Pooling {
        single_statements: true,
        ..Pooling::default()
    };
    let config = config(pooling).statement_cache_size(0);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let mut processes = HashSet::new();
    for i in 0..6 {
        processes.insert(process(&mut conn).await);
        let twice: i32 = conn.fetch_scalar("select $1::int * 2", (i,)).await.unwrap();
        assert_eq!(twice, 2 * i);
        conn.ping().await.unwrap();
        let error = conn.fetch("select 1 / $1::int", (0,)).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("22012"));
    }
    assert_eq!(processes.len(), 3);
    // It refuses the others, and says so.
    let mut tx = conn.begin().await.unwrap();
    let _ = tx.execute("select 1", ()).await;
    let error = tx.commit().await.unwrap_err();
    assert!(!matches!(error, Error::CommitUnknown(_)), "{error:?}");
    assert!(conn.is_dead());
    let error = conn.ping().await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("08P01"), "{error}");
}

async fn acceptance_48_a_start_that_poolers_take<R: Runtime>(cx: Context<R>) {
    let config = config(Pooling::default()).application_name("purepg");
    cx.try_connect(&config).await.unwrap();
    // What was asked for is asked for.
    let asked = config.parameter("search_path", "x");
    let error = cx.try_connect(&asked).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("08P01"), "{error}");
}

async fn acceptance_49_named_statements_that_the_pooler_tracks<R: Runtime>(cx: Context<R>) {
    let pooling = Pooling {
        tracks_statements: true,
        ..Pooling::default()
    };
    let config = config(pooling).statement_cache_size(2);
    let (mut conn, record) = cx.connect_recorded(&config).await;
    let handle = conn.prepare("select $1::text || '!'").await.unwrap();
    let mut processes = HashSet::new();
    for i in 0..12 {
        processes.insert(process(&mut conn).await);
        record.take();
        for _ in 0..4 {
            let text: String = conn.fetch_scalar(&handle, ("a",)).await.unwrap();
            assert_eq!(text, "a!");
        }
        let tags = record.take().tags();
        let forgotten = i > 0 && i % 5 == 0;
        if !forgotten {
            let tags = tags.trim_start_matches('C');
            assert_eq!(tags, "BES".repeat(4), "prepared once, whatever gives way");
        }
        // One that gives way, and comes back.
        for (sql, wanted) in [("select $1::int", i), ("select $1::int * 2", 2 * i)] {
            assert_eq!(conn.fetch_scalar::<i32>(sql, (i,)).await.unwrap(), wanted);
        }
        process(&mut conn).await;
        let mut tx = conn.begin().await.unwrap();
        let text: String = tx.fetch_scalar(&handle, ("b",)).await.unwrap();
        assert_eq!(text, "b!");
        let failed = tx.execute("select $1::int / 0", (1,)).await.unwrap_err();
        assert_eq!(failed.sqlstate(), Some("22012"));
        tx.rollback().await.unwrap();
        if i % 5 == 4 {
            conn.execute("deallocate all", ()).await.unwrap();
        }
    }
    assert_eq!(processes.len(), 3);
}

/// The same without tracking: what it costs, and that it shows in a transaction. It is what a cache of size 0 is for.
async fn named_statements_that_nobody_tracks<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.try_connect(&config(Pooling::default())).await.unwrap();
    for i in 0..6 {
        let twice: i32 = conn.fetch_scalar("select $1::int * 2", (i,)).await.unwrap();
        assert_eq!(twice, 2 * i, "outside of a transaction it is tried again");
    }
    let mut gone = 0;
    for i in 0..6 {
        let mut tx = conn.begin().await.unwrap();
        match tx.fetch_scalar::<i32>("select $1::int * 2", (i,)).await {
            Ok(twice) => assert_eq!(twice, 2 * i),
            Err(error) => {
                assert_eq!(error.sqlstate(), Some("26000"), "{error}");
                gone += 1;
            }
        }
        tx.rollback().await.unwrap();
    }
    assert!(gone > 0);
}
