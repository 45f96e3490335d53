//! Pipelines whose queries are written as they are pushed: they come to what others come to, and what is not run never happened.

use std::collections::BTreeSet;
use std::mem::forget;

use purepg_conn::{ByteStream, Connection, Runtime, Statement, TransactionStatus};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::results::{all, told};
use purepg_tests_live::{Context, live};

live!(
    a_pipeline_that_is_not_run_never_happened,
    one_that_is_not_run_in_a_transaction,
    one_that_is_forgotten,
    results_that_nobody_waits_for,
    one_sync_ends_each_segment,
    more_than_is_written_ahead,
    they_come_to_what_others_come_to,
);

const INSERT: &str = "insert into t values ($1)";

async fn table<S: ByteStream>(conn: &mut Connection<S>) -> Statement {
    let sql = "create temporary table t (a int4 unique deferrable initially deferred)";
    conn.execute(sql, ()).await.unwrap();
    conn.prepare(INSERT).await.unwrap()
}

async fn sum<S: ByteStream>(conn: &mut Connection<S>) -> i64 {
    let sql = "select coalesce(sum(a), 0) from t";
    conn.fetch_scalar(sql, ()).await.unwrap()
}

async fn a_pipeline_that_is_not_run_never_happened<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let insert = table(&mut conn).await;
    for syncs in [false, true] {
        // Its end waits for something to go with.
        drop(conn.prepare("select 1").await.unwrap());
        record.take();
        let mut pipeline = conn.pipeline();
        pipeline.push(&insert, (1,)).push(&insert, (2,));
        if syncs {
            pipeline.sync().push(&insert, (4,)).sync();
        }
        pipeline.push(INSERT, (8,)).push(&insert, ("not a number",));
        drop(pipeline);
        assert!(conn.is_idle() && conn.is_ready());
        let mut pipeline = conn.pipeline();
        pipeline.push(&insert, (16,));
        drop(pipeline.run());
        assert!(conn.is_idle());
        assert_eq!(record.take().tags(), "");
        assert_eq!(sum(&mut conn).await, 0);
    }
    let sql = "select count(*) from pg_prepared_statements where statement = 'select 1'";
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 0);
}

async fn one_that_is_not_run_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let insert = table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    let mut pipeline = tx.pipeline();
    pipeline.push(&insert, (1,));
    drop(pipeline);
    // It has not begun either.
    assert_eq!(tx.transaction_status(), TransactionStatus::Idle);
    let mut savepoint = tx.begin().await.unwrap();
    savepoint.execute(&insert, (2,)).await.unwrap();
    let mut pipeline = savepoint.pipeline();
    pipeline.push(&insert, (4,)).sync().push(&insert, (8,));
    drop(pipeline);
    savepoint.commit().await.unwrap();
    tx.commit().await.unwrap();
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 2);
}

async fn one_that_is_forgotten<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let insert = table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline.push(&insert, (1,)).sync().push(&insert, (2,));
    forget(pipeline);
    assert!(!conn.is_idle());
    assert_eq!(sum(&mut conn).await, 0);
    assert!(conn.is_idle());
}

async fn results_that_nobody_waits_for<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let insert = table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline.push(&insert, (1,)).sync().push(&insert, (2,));
    drop(pipeline.run().await.unwrap());
    assert_eq!(sum(&mut conn).await, 0);
    assert!(conn.is_idle());
}

async fn one_sync_ends_each_segment<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let insert = table(&mut conn).await;
    conn.execute(INSERT, (0,)).await.unwrap();
    record.take();
    let mut pipeline = conn.pipeline();
    pipeline.sync().push(&insert, (1,)).push(&insert, (2,));
    pipeline.sync().sync().push(INSERT, (4,)).sync();
    pipeline.push(&insert, (8,)).push("select 1", ());
    pipeline.push(&insert, (16,)).sync();
    assert_eq!(pipeline.len(), 6);
    let results = all(pipeline.run().await.unwrap()).await;
    assert!(results.iter().all(Result::is_ok) && results.len() == 6);
    let seen = record.take();
    // The text has to be described amid its segment.
    assert_eq!(seen.tags(), "BEBESBESBEPDHBEBES");
    assert_eq!(seen.statuses(), "III");
    assert_eq!(sum(&mut conn).await, 31);
}

/// What is pushed behind as much as a socket takes waits for its turn.
async fn more_than_is_written_ahead<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let length = conn.prepare("select length($1)").await.unwrap();
    let texts: Vec<String> = (0..400).map(|i| "x".repeat(i)).collect();
    let mut pipeline = conn.pipeline();
    for (i, text) in texts.iter().enumerate() {
        pipeline.push(&length, (text.as_str(),));
        if i % 7 == 6 {
            pipeline.sync();
        }
    }
    let results = all(pipeline.run().await.unwrap()).await;
    let lengths = results.into_iter().map(|result| {
        let rows = result.unwrap().rows;
        rows[0].get::<i32>(0).unwrap()
    });
    assert!(lengths.eq(0..400));
    assert!(conn.is_idle());
}

/// Queries of all kinds, at random: on a connection that writes them ahead, and on one that does not, since a token can cancel what is
/// under way there.
async fn they_come_to_what_others_come_to<R: Runtime>(cx: Context<R>) {
    let mut ahead = cx.connect().await;
    let mut other = cx.connect().await;
    let _token = other.cancel_token();
    let mut seen = BTreeSet::new();
    for seed in 0..150 {
        let one = play(&mut ahead, seed).await;
        let two = play(&mut other, seed).await;
        assert_eq!(one, two, "seed {seed}");
        seen.extend(one.0);
    }
    let seen: Vec<_> = seen.iter().map(String::as_str).collect();
    let expected = [
        "22012",
        "23505",
        "aborted",
        "encode",
        "ok 0",
        "ok 1",
        "ok 2",
        "the statement takes 1 parameter, not 0",
    ];
    assert_eq!(seen, expected);
}

/// What became of the queries, and what they left.
async fn play<S: ByteStream>(conn: &mut Connection<S>, seed: u64) -> (Vec<String>, i64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let insert = table(conn).await;
    let divide = conn.prepare("select 1 / $1::int4").await.unwrap();
    let rows = conn.prepare("select generate_series(1, $1)").await.unwrap();
    let mut pipeline = conn.pipeline();
    for number in 0..rng.i32(1..12) {
        match rng.u32(0..16) {
            0..5 => pipeline.push(&insert, (1 << number,)),
            5 => pipeline.push(INSERT, (1 << number,)),
            6 => pipeline.push(&insert, (1,)),
            7 => pipeline.push(&divide, (rng.i32(0..2),)),
            8 => pipeline.push(&rows, (rng.i32(0..3),)),
            9 if rng.bool() => pipeline.push(&insert, (1.5_f64,)),
            10 if rng.bool() => pipeline.push(&insert, ()),
            11 => pipeline.push("select 1", ()),
            _ => pipeline.sync(),
        };
    }
    let results = all(pipeline.run().await.unwrap()).await;
    assert!(conn.is_idle());
    let told = told(&results);
    let sum = sum(conn).await;
    conn.execute("drop table t", ()).await.unwrap();
    (told, sum)
}
