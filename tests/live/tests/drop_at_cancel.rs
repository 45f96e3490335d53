//! Cancels and times, dropped at every poll: what asks for them, and the calls that they are about.
//!
//! Over streams that move one byte and then say `Pending`, those of the requests too.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use purepg_conn::{Error, Query, Runtime, SqlState, TransactionStatus};
use purepg_testkit::drop_at::drop_after;
use purepg_testkit::io::OneByte;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::drops::check;
use purepg_tests_live::{Context, Slow, Wrapped, live_by_turns};

live_by_turns!(
    requests,
    calls_while_a_request_is_under_way,
    calls_whose_time_is_over,
    transactions_whose_time_is_over,
    calls_that_cancel_what_was_abandoned,
);

const SLEEP: &str = "select pg_sleep(60)";

/// Beyond so many polls nothing is seen that was not seen before: what is awaited takes as long as it takes.
const PLACES: usize = 150;

fn is_cancelled(error: &Error) -> bool {
    error.code() == Some(SqlState::QUERY_CANCELED) && error.is_recoverable()
}

async fn requests<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let token = conn.cancel_token();
    let (mut dropped, mut completed) = (0, 0);
    for polls in 0..PLACES {
        let mut asked = None;
        {
            let cancel = async {
                // Until the statement is on its way.
                cx.runtime.sleep(Duration::from_millis(2)).await;
                drop_after(token.cancel(), polls).await
            };
            let mut work = pin!(conn.execute("select pg_sleep(0.4)", ()));
            match select(&mut work, pin!(cancel)).await {
                Either::Left((result, _)) => assert!(is_cancelled(&result.unwrap_err())),
                Either::Right((outcome, work)) => {
                    asked = outcome;
                    // It is carried on by who waits, but for the one that was never polled.
                    if polls > 0 {
                        let error = work.await.expect_err("it is carried on");
                        assert!(is_cancelled(&error), "{polls}: {error:?}");
                    } else {
                        work.await.unwrap();
                    }
                }
            }
        }
        match asked {
            Some(result) => {
                result.unwrap();
                completed += 1;
            }
            None => dropped += 1,
        }
        check(&mut conn, process, TransactionStatus::Idle).await;
        if completed == 8 {
            break;
        }
    }
    println!("cancel: dropped at {dropped} places, {completed} completed");
    assert!(dropped > 8, "{dropped}");
}

async fn calls_while_a_request_is_under_way<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let token = conn.cancel_token();
    let mut places = 0;
    for polls in (0..PLACES).step_by(2) {
        // The request is begun, and left in the midst.
        {
            let work = pin!(conn.execute(SLEEP, ()));
            let waited = select(work, cx.runtime.sleep(Duration::from_millis(3))).await;
            let Either::Right(((), work)) = waited else {
                panic!("it sleeps");
            };
            let cancel = pin!(drop_after(token.cancel(), 1 + polls % 7));
            let _ = select(work, cancel).await;
        }
        let next = drop_after(conn.fetch_scalar::<i32>("select $1::int", (7,)), polls).await;
        match next {
            Some(n) => assert_eq!(n.unwrap(), 7),
            None => places += 1,
        }
        check(&mut conn, process, TransactionStatus::Idle).await;
    }
    println!("a call behind a request: dropped at {places} places");
    assert!(places > 20, "{places}");
}

/// A call of which both the time and the future end somewhere.
async fn late<R: Runtime>(conn: &mut Slow<R>, sql: &str, micros: u64, polls: usize) -> bool {
    let query = Query::new(sql).timeout(Duration::from_micros(micros));
    match drop_after(conn.fetch(query, (0.0005,)), polls).await {
        Some(Ok(rows)) => {
            assert_eq!(rows.len(), 1);
            false
        }
        Some(Err(Error::Timeout { connected, .. })) => {
            assert!(connected);
            false
        }
        Some(Err(error)) => panic!("{error:?}"),
        None => true,
    }
}

async fn calls_whose_time_is_over<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let mut places = 0;
    for micros in [1, 300, 2000] {
        for polls in (0..2 * PLACES).step_by(3) {
            let sql = "select pg_sleep($1)";
            places += usize::from(late::<R>(&mut conn, sql, micros, polls).await);
            check(&mut conn, process, TransactionStatus::Idle).await;
        }
    }
    println!("calls that run out of time: dropped at {places} places");
    assert!(places > 50, "{places}");
}

async fn transactions_whose_time_is_over<R: Runtime>(cx: Context<R>) {
    let config = cx
        .config(USER_TRUST)
        .query_timeout(Duration::from_millis(4));
    let runtime = Wrapped::new(&cx.runtime, OneByte::new);
    let mut conn = purepg_conn::connect(runtime, &config).await.unwrap();
    let process = conn.process_id().unwrap();
    let forever = |sql| Query::new(sql).timeout(Duration::ZERO);
    conn.execute(forever("create temp table k (n int)"), ())
        .await
        .unwrap();
    let (mut places, mut committed, mut unknown, mut rolled_back) = (0, 0, 0, 0);
    for polls in (0..3 * PLACES).step_by(4) {
        let n = i32::try_from(polls).unwrap();
        let work = conn.with_transaction(async |tx| {
            tx.execute("insert into k values ($1)", (n,)).await?;
            tx.execute("insert into k values ($1)", (n,)).await
        });
        let outcome = drop_after(work, polls).await;
        let sql = forever("select count(*) from k where n = $1");
        let count: i64 = conn.fetch_scalar(sql, (n,)).await.unwrap();
        let row = conn.fetch_one(forever("select pg_backend_pid()"), ()).await;
        assert_eq!(row.unwrap().get::<i32>(0).unwrap(), process);
        assert!(conn.is_idle(), "{polls}");
        assert!(count == 0 || count == 2, "{polls}: {count}");
        match outcome {
            None => places += 1,
            Some(Ok(_)) => {
                assert_eq!(count, 2);
                committed += 1;
            }
            Some(Err(Error::CommitUnknown(_))) => unknown += 1,
            Some(Err(error)) => {
                assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
                assert_eq!(count, 0, "{polls}: {error:?}");
                rolled_back += 1;
            }
        }
    }
    println!(
        "transactions: dropped at {places} places, {committed} committed, {rolled_back} rolled back, {unknown} unknown"
    );
    assert!(places > 20, "{places}");
}

async fn calls_that_cancel_what_was_abandoned<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).cancel_abandoned(64);
    let runtime = Wrapped::new(&cx.runtime, OneByte::new);
    let mut conn = purepg_conn::connect(runtime, &config).await.unwrap();
    let process = conn.process_id().unwrap();
    let mut places = 0;
    // The server sends its rows once they fill 8 KiB.
    let sql = "select repeat('x', 5000), pg_sleep(case when n > 2 then 60 else 0 end) from generate_series(1, 3) n";
    for polls in (0..PLACES).step_by(3) {
        let mut rows = conn.query(sql, ()).await.unwrap();
        rows.next().await.unwrap().unwrap();
        drop(rows);
        let ping = drop_after(conn.ping(), polls).await;
        places += usize::from(ping.is_none());
        check(&mut conn, process, TransactionStatus::Idle).await;
    }
    println!("a call that cancels: dropped at {places} places");
    assert!(places > 20, "{places}");
}
