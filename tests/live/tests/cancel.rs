//! Cancel tokens: what they hit, and what they never hit.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::future::{Either, join, select};
use futures_util::task::AtomicWaker;
use purepg_conn::{
    BoxFuture, ByteStream, CancelToken, Connection, Endpoint, Error, Query, Runtime, SocketOptions,
    SqlState, TransactionStatus, UsageError,
};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Canned, Context, live};

live!(
    acceptance_87_a_sleep_is_cancelled_whatever_waits_for_it,
    acceptance_85_a_copy_is_cancelled_at_every_stage,
    acceptance_89_the_next_call_waits_until_the_server_has_taken_the_request,
    acceptance_89_a_server_that_takes_no_request_holds_nobody_up_for_ever,
    acceptance_90_the_request_goes_where_the_connection_leads,
    acceptance_95_what_the_driver_sends_by_itself_is_not_cancelled,
    acceptance_11_a_server_without_a_key_cannot_cancel,
    with_nothing_to_cancel_nothing_is_asked,
    a_call_that_waits_for_an_earlier_request_is_cancelled_too,
    a_dropped_request_is_carried_on_by_the_connection,
    a_token_does_not_keep_its_connection_alive,
    tokens_at_any_moment_hit_what_runs_or_nothing,
    everything_under_way_is_cancelled,
    a_shared_connection,
    acceptance_38_an_abandoned_result_is_cancelled_by_choice,
    acceptance_80_an_abandoned_copy_is_cancelled_by_choice,
    abandoned_results_in_a_transaction_are_not_cancelled,
);

const SLEEP: &str = "select pg_sleep(60)";

fn is_cancelled(error: &Error) -> bool {
    let by_the_server = error.code() == Some(SqlState::QUERY_CANCELED);
    (by_the_server || matches!(error, Error::Cancelled)) && error.is_recoverable()
}

/// Cancels what `work` does a little later; it has to end at once then.
async fn cancelled<R: Runtime, T>(
    cx: &Context<R>,
    token: CancelToken,
    work: impl Future<Output = Result<T, Error>>,
) -> Error {
    let cancel = async {
        cx.runtime.sleep(Duration::from_millis(20)).await;
        token.cancel().await.unwrap();
        Instant::now()
    };
    let (result, asked) = join(work, cancel).await;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    result.err().expect("it is cancelled")
}

async fn acceptance_87_a_sleep_is_cancelled_whatever_waits_for_it<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id();
    let token = conn.cancel_token();
    let ready = async |conn: &mut Connection<R::Stream>| {
        assert!(conn.is_ready());
        let row = conn.fetch_one("select pg_backend_pid(), $1::int", (7,));
        let (answered, n): (i32, i32) = row.await.unwrap().decode().unwrap();
        assert_eq!((Some(answered), n), (process, 7));
    };
    let error = cancelled(&cx, token.clone(), conn.execute(SLEEP, ())).await;
    assert!(is_cancelled(&error), "{error}");
    ready(&mut conn).await;
    let error = cancelled(
        &cx,
        token.clone(),
        conn.fetch("select pg_sleep($1)", (60.0,)),
    )
    .await;
    assert!(is_cancelled(&error), "{error}");
    ready(&mut conn).await;
    let statement = conn.prepare(SLEEP).await.unwrap();
    let error = cancelled(&cx, token.clone(), conn.fetch_one(&statement, ())).await;
    assert!(is_cancelled(&error), "{error}");
    ready(&mut conn).await;

    // A statement that waits to be parsed.
    let mut other = cx.connect().await;
    let table = format!("cancel_87_{}", other.process_id().unwrap());
    let create = format!("create table {table} (n int)");
    other.execute(&create, ()).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    let sql = format!("lock table {table}");
    lock.execute(&sql, ()).await.unwrap();
    let sql = format!("select * from {table} where n = $1");
    let error = cancelled(&cx, token.clone(), conn.prepare(&sql)).await;
    assert!(is_cancelled(&error), "{error}");
    lock.rollback().await.unwrap();
    let sql = format!("drop table {table}");
    other.execute(&sql, ()).await.unwrap();
    ready(&mut conn).await;

    // Rows that have begun to come.
    let sql =
        "select n, pg_sleep(case when n > 2000 then 60 else 0 end) from generate_series(1, 3000) n";
    let rows = async {
        let mut rows = conn.query(sql, ()).await?;
        while let Some(row) = rows.next().await {
            row?;
        }
        Ok(())
    };
    assert!(is_cancelled(&cancelled(&cx, token.clone(), rows).await));
    ready(&mut conn).await;

    // A cursor.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("declare c cursor for select pg_sleep(60)", ())
        .await
        .unwrap();
    let error = cancelled(&cx, token.clone(), tx.fetch("fetch c", ())).await;
    assert!(is_cancelled(&error), "{error}");
    let error = tx.execute("select 1", ()).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::IN_FAILED_SQL_TRANSACTION));
    tx.rollback().await.unwrap();
    ready(&mut conn).await;

    // A pipeline, and many sets of parameters.
    let pipeline = async {
        let mut pipeline = conn.pipeline();
        pipeline
            .push("select 1", ())
            .push("select pg_sleep($1)", (60.0,));
        let mut results = pipeline.run().await?;
        assert_eq!(results.next().await.unwrap()?.rows.len(), 1);
        results.next().await.unwrap().map(drop)
    };
    assert!(is_cancelled(&cancelled(&cx, token.clone(), pipeline).await));
    ready(&mut conn).await;
    let many = conn.execute_many("select pg_sleep($1)", [(0.0,), (60.0,)]);
    assert!(is_cancelled(&cancelled(&cx, token.clone(), many).await));
    ready(&mut conn).await;
}

async fn acceptance_85_a_copy_is_cancelled_at_every_stage<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let token = conn.cancel_token();
    conn.execute("create temp table t (n int)", ())
        .await
        .unwrap();

    let sql = "copy (select n, pg_sleep(case when n = $1 then 60 else 0 end) from generate_series(1, 3000) n) to stdout";
    for (stage, at) in [("before the first row", "1"), ("amid the rows", "2500")] {
        let sql = sql.replace("$1", at);
        let out = async {
            let mut out = conn.copy_out(&sql).await?;
            while let Some(data) = out.next().await {
                data?;
            }
            Ok(())
        };
        let error = cancelled(&cx, token.clone(), out).await;
        assert!(is_cancelled(&error), "{stage}: {error}");
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }

    // The server looks at a cancel when the next data comes.
    let copy_in = async {
        let mut sink = conn.copy_in("copy t from stdin").await?;
        sink.send("1\n").await?;
        sink.flush().await?;
        cx.runtime.sleep(Duration::from_millis(60)).await;
        loop {
            sink.send("2\n").await?;
            sink.flush().await?;
            cx.runtime.sleep(Duration::from_millis(1)).await;
        }
        #[expect(unreachable_code, reason = "the type of the block")]
        Ok(())
    };
    let error = cancelled(&cx, token.clone(), copy_in).await;
    assert!(is_cancelled(&error), "{error}");
    let count: i64 = conn
        .fetch_scalar("select count(*) from t", ())
        .await
        .unwrap();
    assert_eq!(count, 0);
}

/// Streams of which only the first, that of the connection, shows its end; the end of the others is shown when they are released.
struct Holding<R> {
    inner: Arc<R>,
    hold: Arc<Hold>,
    endpoints: Mutex<Vec<Endpoint>>,
    /// So much faster its time passes.
    haste: u32,
}

#[derive(Default)]
struct Hold {
    released: AtomicBool,
    waker: AtomicWaker,
}

impl Hold {
    fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

struct Held<S>(S, Option<Arc<Hold>>);

impl<R: Runtime> Holding<R> {
    fn new(cx: &Context<R>, haste: u32) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(&cx.runtime),
            hold: Arc::default(),
            endpoints: Mutex::default(),
            haste,
        })
    }
}

impl<R: Runtime> Runtime for Holding<R> {
    type Stream = Held<R::Stream>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let mut endpoints = self.endpoints.lock().unwrap();
        let hold = (!endpoints.is_empty()).then(|| Arc::clone(&self.hold));
        endpoints.push(endpoint.clone());
        let stream = self.inner.connect(endpoint, options);
        Box::pin(async move { Ok(Held(stream.await?, hold)) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration / self.haste)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}

impl<S: ByteStream> AsyncRead for Held<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(hold) = &self.1 {
            hold.waker.register(cx.waker());
            if !hold.released.load(Ordering::SeqCst) {
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: ByteStream> AsyncWrite for Held<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

async fn acceptance_89_the_next_call_waits_until_the_server_has_taken_the_request<R: Runtime>(
    cx: Context<R>,
) {
    let runtime = Holding::new(&cx, 1);
    let config = cx.config(USER_TRUST);
    let mut conn = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap();
    let token = conn.cancel_token();
    let mut cancel = pin!(token.cancel());
    {
        // The token is told of nothing, since the server's end of the stream is not seen.
        let sleep = pin!(conn.execute(SLEEP, ()));
        let begun = select(sleep, cx.runtime.sleep(Duration::from_millis(20))).await;
        let Either::Right(((), sleep)) = begun else {
            panic!("it sleeps");
        };
        match select(sleep, &mut cancel).await {
            Either::Left((result, _)) => assert!(is_cancelled(&result.unwrap_err())),
            Either::Right(_) => panic!("the server has not closed the stream"),
        }
    }
    assert!(conn.is_ready());
    {
        let next = pin!(conn.fetch_scalar::<i32>("select 1", ()));
        let waited = select(next, cx.runtime.sleep(Duration::from_millis(50))).await;
        let Either::Right(((), next)) = waited else {
            panic!("a request is under way");
        };
        runtime.hold.release();
        assert_eq!(next.await.unwrap(), 1);
    }
    cancel.await.unwrap();
    assert_eq!(
        runtime.endpoints.lock().unwrap().len(),
        2,
        "it was asked once"
    );
}

async fn acceptance_89_a_server_that_takes_no_request_holds_nobody_up_for_ever<R: Runtime>(
    cx: Context<R>,
) {
    let runtime = Holding::new(&cx, 100);
    let config = cx.config(USER_TRUST);
    let mut conn = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap();
    let token = conn.cancel_token();
    let cancel = async {
        cx.runtime.sleep(Duration::from_millis(20)).await;
        token.cancel().await
    };
    let (slept, asked) = join(conn.execute(SLEEP, ()), cancel).await;
    assert!(is_cancelled(&slept.unwrap_err()));
    let error = asked.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "timed out while asking the server to cancel"
    );
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

async fn acceptance_90_the_request_goes_where_the_connection_leads<R: Runtime>(cx: Context<R>) {
    let runtime = Holding::new(&cx, 1);
    runtime.hold.release();
    let config = match cx.transport {
        // A name with several addresses, of which one answers.
        purepg_tests_live::Transport::Tcp => cx.config(USER_TRUST).host("localhost"),
        purepg_tests_live::Transport::Unix => cx.config(USER_TRUST),
    };
    let mut conn = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap();
    runtime.endpoints.lock().unwrap().truncate(1);
    let error = cancelled(&cx, conn.cancel_token(), conn.execute(SLEEP, ())).await;
    assert!(is_cancelled(&error));
    let endpoints = runtime.endpoints.lock().unwrap().split_off(1);
    assert!(!endpoints.is_empty());
    assert!(endpoints.iter().all(|endpoint| endpoint == conn.endpoint()));
}

async fn acceptance_95_what_the_driver_sends_by_itself_is_not_cancelled<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    let token = conn.cancel_token();
    for round in 0..200 {
        {
            let mut tx = conn.begin().await.unwrap();
            let work = pin!(tx.execute("select pg_sleep(0.002)", ()));
            // The request is on its way while the transaction is given up, and its ROLLBACK is sent.
            let _ = select(work, pin!(token.cancel())).await;
        }
        let n: i32 = conn.fetch_scalar("select $1::int", (round,)).await.unwrap();
        assert_eq!(n, round);
        assert_eq!(conn.transaction_status(), TransactionStatus::Idle);
        assert!(conn.is_idle());
    }
    // Nor is the end of a transaction whose statement ran out of time.
    for round in 0..200 {
        {
            let mut tx = conn.begin().await.unwrap();
            let query =
                Query::new("select pg_sleep(0.002)").timeout(Duration::from_micros(round * 20));
            let _ = tx.execute(query, ()).await;
        }
        let idle: i32 = conn.fetch_scalar("select 1", ()).await.unwrap();
        assert_eq!(idle, 1);
        assert_eq!(conn.transaction_status(), TransactionStatus::Idle);
    }
}

async fn acceptance_11_a_server_without_a_key_cannot_cancel<R: Runtime>(cx: Context<R>) {
    // AuthenticationOk, ReadyForQuery.
    let server = Canned::new([b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec()]);
    let conn = cx.connect_canned(&cx.config(USER_TRUST), server).await;
    let error = conn.cancel_token().cancel().await.unwrap_err();
    assert!(matches!(error, Error::Usage(usage) if *usage == UsageError::CannotCancel));
}

async fn with_nothing_to_cancel_nothing_is_asked<R: Runtime>(cx: Context<R>) {
    let runtime = Holding::new(&cx, 1);
    let config = cx.config(USER_TRUST);
    let mut conn = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap();
    let token = conn.cancel_token();
    token.cancel().await.unwrap();
    conn.execute("select 1", ()).await.unwrap();
    token.cancel().await.unwrap();
    drop(conn.begin().await.unwrap());
    token.cancel().await.unwrap();
    assert_eq!(runtime.endpoints.lock().unwrap().len(), 1);
}

async fn a_call_that_waits_for_an_earlier_request_is_cancelled_too<R: Runtime>(cx: Context<R>) {
    let runtime = Holding::new(&cx, 1);
    let config = cx.config(USER_TRUST);
    let mut conn = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap();
    let token = conn.cancel_token();
    let late = async {
        cx.runtime.sleep(Duration::from_millis(20)).await;
        purepg_testkit::drop_at::drop_after(token.cancel(), 3).await;
    };
    let (error, ()) = join(conn.execute(SLEEP, ()), late).await;
    assert!(is_cancelled(&error.unwrap_err()));
    {
        // The end of that request is not seen yet, so nothing of this one is sent.
        let mut next = pin!(conn.execute(SLEEP, ()));
        let waits = select(&mut next, cx.runtime.sleep(Duration::from_millis(20))).await;
        assert!(matches!(waits, Either::Right(_)));
        token.cancel().await.unwrap();
        runtime.hold.release();
        let error = next.await.unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
        assert!(!error.is_retryable());
    }
    // What was asked is not about a later call.
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

async fn a_dropped_request_is_carried_on_by_the_connection<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let token = conn.cancel_token();
    for polls in 0..5 {
        let cancel = async {
            cx.runtime.sleep(Duration::from_millis(20)).await;
            purepg_testkit::drop_at::drop_after(token.cancel(), polls).await;
            polls > 0
        };
        let mut cancel = pin!(cancel);
        let mut work = pin!(conn.execute(SLEEP, ()));
        let result = match select(&mut work, &mut cancel).await {
            Either::Left((result, _)) => result,
            Either::Right((true, work)) => work.await,
            Either::Right((false, _)) => continue,
        };
        assert!(is_cancelled(&result.unwrap_err()), "{polls} polls");
    }
    // The first one is not asked for, and the sleep left to itself.
    let error = cancelled(
        &cx,
        token,
        conn.execute("select 1; select pg_sleep(60)", ()),
    )
    .await;
    assert!(is_cancelled(&error));
}

async fn a_token_does_not_keep_its_connection_alive<R: Runtime>(cx: Context<R>) {
    let conn = cx.connect().await;
    let process = conn.process_id().unwrap();
    let token = conn.cancel_token();
    drop(conn);
    token.cancel().await.unwrap();
    let mut other = cx.connect().await;
    let sql = "select count(*) from pg_stat_activity where pid = $1";
    while other.fetch_scalar::<i64>(sql, (process,)).await.unwrap() > 0 {
        cx.runtime.sleep(Duration::from_millis(5)).await;
    }
}

/// One cancels without end what the other one does.
async fn tokens_at_any_moment_hit_what_runs_or_nothing<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let token = conn.cancel_token();
    let done = AtomicBool::new(false);
    let cancels = async {
        while !done.load(Ordering::SeqCst) {
            token.cancel().await.unwrap();
            cx.runtime.sleep(Duration::from_micros(300)).await;
        }
    };
    let queries = async {
        let (mut right, mut hit) = (0, 0);
        for n in 0..300 {
            match conn
                .fetch_scalar::<i32>("select $1::int from pg_sleep(0.0005)", (n,))
                .await
            {
                Ok(answer) => {
                    assert_eq!(answer, n);
                    right += 1;
                }
                Err(error) => {
                    assert!(is_cancelled(&error), "{error}");
                    hit += 1;
                }
            }
        }
        done.store(true, Ordering::SeqCst);
        (right, hit)
    };
    let ((right, hit), ()) = join(queries, cancels).await;
    println!("{right} right, {hit} cancelled");
    assert!(hit > 0);
    // And nothing comes late.
    for n in 0..50 {
        assert_eq!(
            conn.fetch_scalar::<i32>("select $1::int", (n,))
                .await
                .unwrap(),
            n
        );
    }
}

async fn everything_under_way_is_cancelled<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let token = conn.cancel_token();
    let pipeline = async {
        let mut pipeline = conn.pipeline();
        for _ in 0..3 {
            pipeline.push("select pg_sleep($1)", (60.0,)).sync();
        }
        let mut results = pipeline.run().await?;
        for _ in 0..2 {
            assert!(is_cancelled(&results.next().await.unwrap().unwrap_err()));
        }
        results.next().await.unwrap().map(drop)
    };
    // One after the other, with pauses in between.
    assert!(is_cancelled(&cancelled(&cx, token.clone(), pipeline).await));
    // What an earlier call left stands in its way.
    drop(purepg_testkit::drop_at::drop_after(conn.execute(SLEEP, ()), 1).await);
    let error = cancelled(&cx, token, conn.execute("select pg_sleep(59)", ())).await;
    assert!(is_cancelled(&error));
}

async fn a_shared_connection<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let token = shared.cancel_token();
    let error = cancelled(&cx, token.clone(), shared.execute(SLEEP, ())).await;
    assert!(is_cancelled(&error));
    let work = shared.with_transaction(async |tx| tx.execute(SLEEP, ()).await);
    assert!(is_cancelled(&cancelled(&cx, token, work).await));
    assert!(shared.is_idle());
    assert_eq!(shared.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

/// Not in FROM: there the server makes all of it before the first row.
const ENDLESS: &str = "select repeat('x', 1000), generate_series(1, 1000000000)";

async fn acceptance_38_an_abandoned_result_is_cancelled_by_choice<R: Runtime>(cx: Context<R>) {
    for bytes in [0, 1 << 20] {
        let config = cx.config(USER_TRUST).cancel_abandoned(bytes);
        let mut conn = cx.try_connect(&config).await.unwrap();
        for _ in 0..3 {
            let mut rows = conn.query(ENDLESS, ()).await.unwrap();
            rows.next().await.unwrap().unwrap();
            drop(rows);
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
            let mut rows = conn.query(ENDLESS, ()).await.unwrap();
            rows.next_batch().await.unwrap().unwrap();
            std::mem::forget(rows);
            // The call that waits for that may be dropped as well.
            for polls in 0..20 {
                drop(purepg_testkit::drop_at::drop_after(conn.ping(), polls).await);
            }
            assert_eq!(
                conn.fetch_scalar::<i32>("select $1::int", (2,))
                    .await
                    .unwrap(),
                2
            );
        }
        // A small one is read past.
        let mut rows = conn
            .query("select generate_series(1, 3)", ())
            .await
            .unwrap();
        rows.next().await.unwrap().unwrap();
        conn.ping().await.unwrap();
        assert!(conn.is_idle());
    }
}

async fn acceptance_80_an_abandoned_copy_is_cancelled_by_choice<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).cancel_abandoned(1 << 20);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let sql = format!("copy ({ENDLESS}) to stdout");
    for _ in 0..3 {
        let mut out = conn.copy_out(&sql).await.unwrap();
        out.next().await.unwrap().unwrap();
        drop(out);
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }
}

async fn abandoned_results_in_a_transaction_are_not_cancelled<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).cancel_abandoned(0);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("create temp table k (n int)", ()).await.unwrap();
    let mut rows = tx
        .query(
            "select repeat('x', 1000) from generate_series(1, 20000)",
            (),
        )
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    tx.execute("insert into k values (1)", ()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        conn.fetch_scalar::<i64>("select count(*) from k", ())
            .await
            .unwrap(),
        1
    );
}
