//! Calls that take longer than they may.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use purepg_conn::{
    BoxFuture, ByteStream, Connection, Endpoint, Error, Query, Runtime, SocketOptions, SqlState,
    TransactionStatus, UsageError,
};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    five_hundred_tiny_timeouts,
    every_call_has_the_time_of_its_query,
    every_call_has_the_time_of_the_configuration,
    a_query_may_have_more_time_than_the_others,
    acceptance_92_a_black_hole,
    acceptance_93_in_a_transaction,
    acceptance_94_parsing_counts,
    rows_that_come_too_late,
    rows_without_end,
    a_commit_that_takes_too_long,
    a_pipeline,
    what_waits_for_an_earlier_call_was_not_sent,
    copies_and_notifications_have_no_time,
);

const SHORT: Duration = Duration::from_millis(30);

fn short(sql: &str) -> Query<'_> {
    Query::new(sql).timeout(SHORT)
}

/// The error of a call that ran out of time, after which the connection is ready.
fn ran_out<S, T>(conn: &Connection<S>, result: Result<T, Error>) {
    let error = result.err().expect("it takes too long");
    let Error::Timeout {
        unsent, connected, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(!unsent && connected && error.is_recoverable() && !error.is_retryable());
    assert_eq!(
        error.to_string(),
        "timed out while waiting for the server (30ms)"
    );
    assert!(conn.is_ready());
}

async fn five_hundred_tiny_timeouts<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id().unwrap();
    let (mut in_time, mut late) = (0, 0);
    for round in 0..500_u64 {
        let timeout = Duration::from_micros(1 + round % 50 * 60);
        let sql = match round % 3 {
            0 => "select $1::int8",
            1 => "select $1::int8 from pg_sleep(0.001)",
            _ => "select $1::int8 from pg_sleep(10)",
        };
        let n = i64::try_from(round).unwrap();
        match conn
            .fetch_scalar::<i64>(Query::new(sql).timeout(timeout), (n,))
            .await
        {
            Ok(answer) => {
                assert_eq!(answer, n);
                in_time += 1;
            }
            Err(Error::Timeout { .. }) => late += 1,
            Err(error) => panic!("round {round}: {error:?}"),
        }
        let row = conn
            .fetch_one("select 1, pg_backend_pid()", ())
            .await
            .unwrap();
        assert_eq!(row.decode::<(i32, i32)>().unwrap(), (1, process), "{round}");
        assert!(conn.is_idle());
    }
    println!("{in_time} in time, {late} late");
    assert!(late > 166, "those that sleep for long never come in time");
}

async fn every_call_has_the_time_of_its_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sleep = "select 1 from pg_sleep(60)";
    let result = conn.execute(short(sleep), ()).await;
    ran_out(&conn, result);
    let result = conn.fetch(short(sleep), ()).await;
    ran_out(&conn, result);
    let result = conn.fetch_optional(short(sleep), ()).await;
    ran_out(&conn, result);
    let result = conn
        .fetch_scalar::<i32>(short("select 1 from pg_sleep($1)"), (60.0,))
        .await;
    ran_out(&conn, result);
    let statement = conn.prepare("select 1 from pg_sleep(60)").await.unwrap();
    let result = conn.fetch(Query::new(&statement).timeout(SHORT), ()).await;
    ran_out(&conn, result);
    let result = conn
        .query(short("select pg_sleep($1)"), (60.0,))
        .await
        .map(drop);
    ran_out(&conn, result);
    let result = conn
        .execute_many(short("select pg_sleep($1)"), [(0.0,), (60.0,)])
        .await;
    ran_out(&conn, result);
    let result = async {
        let mut messages = conn
            .lowlevel_query(short("select 1; select pg_sleep(60)"), ())
            .await?;
        while let Some(message) = messages.next().await {
            message?;
        }
        Ok(())
    };
    let result = result.await;
    ran_out(&conn, result);
}

async fn every_call_has_the_time_of_the_configuration<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT);
    assert_eq!(config.settings().query_timeout(), Some(SHORT));
    let mut conn = cx.try_connect(&config).await.unwrap();
    let result = conn.execute("select pg_sleep(60)", ()).await;
    ran_out(&conn, result);
    let mut tx = conn.begin().await.unwrap();
    let result = tx.execute("select pg_sleep(60)", ()).await;
    ran_out(&tx, result);
    tx.rollback().await.unwrap();
    let result = conn
        .with_transaction(async |tx| tx.execute("select pg_sleep(60)", ()).await)
        .await;
    ran_out(&conn, result);
    assert!(conn.is_idle());
    // One call after the other has its time.
    let begun = Instant::now();
    while begun.elapsed() < SHORT * 3 {
        conn.execute("select 1", ()).await.unwrap();
    }
    let shared = conn.into_shared();
    let result = shared.execute("select pg_sleep(60)", ()).await;
    assert!(matches!(result, Err(Error::Timeout { .. })));
    shared.execute("select 1", ()).await.unwrap();
}

async fn a_query_may_have_more_time_than_the_others<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let long = "select pg_sleep(0.1)";
    for timeout in [Duration::from_secs(20), Duration::ZERO] {
        conn.execute(Query::new(long).timeout(timeout), ())
            .await
            .unwrap();
    }
}

/// A network that swallows everything, once it is told to.
struct BlackHole<R>(Arc<R>, Arc<AtomicBool>);

struct Swallowed<S>(S, Arc<AtomicBool>);

impl<R: Runtime> Runtime for BlackHole<R> {
    type Stream = Swallowed<R::Stream>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let (stream, on) = (self.0.connect(endpoint, options), Arc::clone(&self.1));
        Box::pin(async move {
            if on.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Ok(Swallowed(stream.await?, on))
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.0.run_blocking(job)
    }
}

impl<S: ByteStream> AsyncRead for Swallowed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.1.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: ByteStream> AsyncWrite for Swallowed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.1.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

async fn acceptance_92_a_black_hole<R: Runtime>(cx: Context<R>) {
    let on = Arc::new(AtomicBool::new(false));
    let runtime = Arc::new(BlackHole(Arc::clone(&cx.runtime), Arc::clone(&on)));
    let mut conn = purepg_conn::connect(runtime, &cx.config(USER_TRUST))
        .await
        .unwrap();
    on.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let result = conn.fetch(short("select 1"), ()).await;
    assert!(
        matches!(result, Err(Error::Timeout { unsent: false, .. })),
        "{result:?}"
    );
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(3),
        "its time and a grace: {took:?}"
    );
    assert!(!conn.is_ready());
    // What comes next has no better luck, and nothing of it is sent.
    let result = conn.fetch(short("select 2"), ()).await;
    assert!(
        matches!(result, Err(Error::Timeout { unsent: true, .. })),
        "{result:?}"
    );
    // Nor is a transaction's end waited for.
    on.store(false, Ordering::SeqCst);
    let runtime = Arc::new(BlackHole(Arc::clone(&cx.runtime), Arc::clone(&on)));
    let mut conn = purepg_conn::connect(runtime, &cx.config(USER_TRUST))
        .await
        .unwrap();
    let begun = Instant::now();
    let result = conn
        .with_transaction(async |tx| {
            tx.execute("select 1", ()).await?;
            on.store(true, Ordering::SeqCst);
            tx.fetch(short("select 2"), ()).await
        })
        .await;
    assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

async fn acceptance_93_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("create table timeout_93 (n int)", ())
        .await
        .unwrap();
    let result = tx.execute(short("select pg_sleep(60)"), ()).await;
    ran_out(&tx, result);
    assert_eq!(tx.transaction_status(), TransactionStatus::Failed);
    let error = tx.fetch("select 1", ()).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::IN_FAILED_SQL_TRANSACTION));
    tx.rollback().await.unwrap();
    assert!(conn.is_idle());
    // In a savepoint, only that.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("create temp table k (n int)", ()).await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    let result = inner.execute(short("select pg_sleep(60)"), ()).await;
    ran_out(&inner, result);
    inner.rollback().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        conn.fetch_scalar::<i64>("select count(*) from k", ())
            .await
            .unwrap(),
        1
    );
}

async fn acceptance_94_parsing_counts<R: Runtime>(cx: Context<R>) {
    let mut other = cx.connect().await;
    let table = format!("timeout_94_{}", other.process_id().unwrap());
    other
        .execute(&format!("create table {table} (n int)"), ())
        .await
        .unwrap();
    let mut lock = other.begin().await.unwrap();
    lock.execute(&format!("lock table {table}"), ())
        .await
        .unwrap();
    let mut conn = cx.connect().await;
    let sql = format!("select count(*) from {table} where n > $1");
    let result = conn.fetch_scalar::<i64>(short(&sql), (1,)).await;
    ran_out(&conn, result);
    let config = cx.config(USER_TRUST).query_timeout(SHORT);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let result = conn.prepare(&sql).await;
    ran_out(&conn, result);
    lock.rollback().await.unwrap();
    assert_eq!(conn.fetch_scalar::<i64>(&sql, (1,)).await.unwrap(), 0);
    other
        .execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

async fn rows_that_come_too_late<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select n from generate_series(1, 3000) n, pg_sleep(0) where case when n > 2500 then pg_sleep(60) is not null else true end";
    let mut rows = conn
        .query(Query::new(sql).timeout(Duration::from_millis(200)), ())
        .await
        .unwrap();
    let mut taken = 0;
    let error = loop {
        match rows.next().await.expect("it cannot end before its time") {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, Error::Timeout { unsent: false, .. }),
        "{error:?}"
    );
    assert!(taken > 100, "{taken} rows");
    assert!(rows.next().await.is_none());
    assert!(conn.is_ready());
    // Rows that are there are handed out, whenever; large ones, of which the stream gives much at once in any case.
    let sql = "select generate_series(1, 10), repeat('x', 8000)";
    let second = Duration::from_secs(1);
    let mut rows = conn
        .query(Query::new(sql).timeout(second), ())
        .await
        .unwrap();
    let first = rows.next().await.unwrap().unwrap();
    assert_eq!(first.get::<i32>(0).unwrap(), 1);
    cx.runtime.sleep(second + SHORT).await;
    for n in 2..=10 {
        assert_eq!(
            rows.next().await.unwrap().unwrap().get::<i32>(0).unwrap(),
            n
        );
    }
    assert!(rows.next().await.is_none());
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

async fn rows_without_end<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select repeat('x', 100), generate_series(1, 2000000000)";
    let result = conn.execute(short(sql), ()).await;
    ran_out(&conn, result);
}

async fn a_commit_that_takes_too_long<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT);
    let mut conn = cx.try_connect(&config).await.unwrap();
    conn.execute("create temp table k (n int)", ())
        .await
        .unwrap();
    conn.execute(
        "create function pg_temp.slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end'",
        (),
    )
    .await
    .unwrap();
    conn.execute(
        "create constraint trigger slow after insert on k initially deferred for each row execute function pg_temp.slow()",
        (),
    )
    .await
    .unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(
        matches!(&error, Error::CommitUnknown(why) if matches!(**why, Error::Timeout { .. })),
        "{error:?}"
    );
    assert!(error.is_recoverable() && conn.is_idle());
    assert_eq!(
        conn.fetch_scalar::<i64>("select count(*) from k", ())
            .await
            .unwrap(),
        0
    );
}

async fn a_pipeline<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut pipeline = conn.pipeline();
    let timeout = Duration::from_millis(300);
    pipeline.timeout(timeout).push("select 1", ()).sync();
    pipeline
        .push("select pg_sleep($1)", (60.0,))
        .sync()
        .push("select 3", ());
    let mut results = pipeline.run().await.unwrap();
    results.next().await.unwrap().unwrap();
    // What came behind it may have been carried out.
    for _ in 0..2 {
        let error = results.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        assert!(!error.is_retryable());
    }
    assert!(results.next().await.is_none());
    assert!(conn.is_ready());
    // None of its queries has a time of its own.
    let mut pipeline = conn.pipeline();
    pipeline
        .push(short("select 1"), ())
        .sync()
        .push("select 2", ());
    let mut results = pipeline.run().await.unwrap();
    let error = results.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Usage(usage) if *usage == UsageError::TimeoutInPipeline));
    results.next().await.unwrap().unwrap();
}

async fn what_waits_for_an_earlier_call_was_not_sent<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // It is dropped amid its work.
    drop(purepg_testkit::drop_at::drop_after(conn.execute("select pg_sleep(0.2)", ()), 1).await);
    let config = Query::new("select 1").timeout(SHORT);
    let result = conn.fetch(&config, ()).await;
    assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

async fn copies_and_notifications_have_no_time<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT);
    let mut conn = cx.try_connect(&config).await.unwrap();
    conn.execute("create temp table k (n int)", ())
        .await
        .unwrap();
    let mut sink = conn.copy_in("copy k from stdin").await.unwrap();
    cx.runtime.sleep(SHORT * 2).await;
    sink.send("1\n").await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), 1);
    let mut out = conn
        .copy_out("copy (select pg_sleep(0.1)) to stdout")
        .await
        .unwrap();
    while let Some(data) = out.next().await {
        data.unwrap();
    }
    conn.execute("select 1", ()).await.unwrap();
    let none = conn.notification_timeout(SHORT * 3).await.unwrap();
    assert!(none.is_none());
}
