//! What calls that ran out of time, or were cancelled, leave behind: nothing that the next call would stumble over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::future::{Either, join};
use purepg_conn::{
    BoxFuture, ByteStream, Config, Connection, Endpoint, Error, Query, Runtime, SocketOptions,
    SqlState, TransactionStatus,
};
use purepg_testkit::drop_at::drop_after;
use purepg_testkit::faults::{Fault, FaultControl, Faulty};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    a_commit_that_was_taken_back_is_rolled_back,
    a_commit_that_was_sent_in_part_is_of_unknown_outcome,
    a_commit_that_did_not_end_its_transaction_is_rolled_back,
    a_savepoint_whose_release_was_taken_back_is_rolled_back,
    a_begin_that_was_taken_back_is_said_again,
    a_close_that_was_taken_back_is_said_again,
    a_reset_that_was_taken_back_does_not_forget_what_is_due,
    an_error_that_could_not_be_settled_in_time_is_recoverable,
    many_sets_are_done_whole_or_not_at_all,
    a_statement_timeout_beside_ours,
    the_longest_times,
    a_token_on_a_thread_without_the_runtime,
    a_server_whose_answers_to_requests_are_garbage,
    acceptance_92_an_end_within_the_grace_is_told,
);

const SHORT: Duration = Duration::from_millis(30);

fn short(sql: &str) -> Query<'_> {
    Query::new(sql).timeout(SHORT)
}

/// The first stream stalls and garbles; the others, those of the requests, are as they are.
struct Spoiling<R> {
    inner: Arc<R>,
    spoiler: Spoiler,
    taken: AtomicBool,
}

#[derive(Clone, Default)]
struct Spoiler {
    faults: FaultControl,
    /// What is about to end a transaction is misspelt.
    garbles: Arc<AtomicBool>,
}

impl Spoiler {
    /// Nothing more is written, but so many bytes.
    fn stall_writes(&self, behind: u64) {
        let at = self.faults.bytes_written() + behind;
        self.faults.write_fails(at, Fault::Stall);
    }

    fn stall_reads(&self) {
        self.faults
            .read_fails(self.faults.bytes_read(), Fault::Stall);
    }

    fn garble(&self, on: bool) {
        self.garbles.store(on, Ordering::SeqCst);
    }
}

struct Spoilt<S>(Faulty<S>, Arc<AtomicBool>);

impl<R: Runtime> Runtime for Spoiling<R> {
    type Stream = Spoilt<R::Stream>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let stream = self.inner.connect(endpoint, options);
        let spoiler = if self.taken.swap(true, Ordering::SeqCst) {
            Spoiler::default()
        } else {
            self.spoiler.clone()
        };
        Box::pin(async move {
            let stream = stream.await?;
            Ok(Spoilt(
                Faulty::planned(stream, spoiler.faults),
                spoiler.garbles,
            ))
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}

impl<S: ByteStream> AsyncRead for Spoilt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: ByteStream> AsyncWrite for Spoilt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = buf.to_vec();
        // The end of COMMIT or ROLLBACK, also where the rest of it has gone already.
        if self.1.load(Ordering::SeqCst)
            && let [.., last @ (b'T' | b'K'), 0] = bytes.as_mut_slice()
        {
            *last = b'X';
        }
        Pin::new(&mut self.0).poll_write(cx, &bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

type SpoiltConnection<R> = Connection<Spoilt<<R as Runtime>::Stream>>;

async fn spoilt<R: Runtime>(cx: &Context<R>, config: &Config) -> (SpoiltConnection<R>, Spoiler) {
    let spoiler = Spoiler::default();
    let runtime = Arc::new(Spoiling {
        inner: Arc::clone(&cx.runtime),
        spoiler: spoiler.clone(),
        taken: AtomicBool::new(false),
    });
    let mut conn = purepg_conn::connect(runtime, config).await.unwrap();
    conn.execute(
        Query::new("create temp table k (n int)").timeout(Duration::ZERO),
        (),
    )
    .await
    .unwrap();
    (conn, spoiler)
}

fn is_timeout(error: &Error, sent: bool) -> bool {
    matches!(error, Error::Timeout { unsent, connected: true, .. } if *unsent != sent)
}

/// The numbers in the table are these, and the connection is fit for anybody.
async fn holds<S: ByteStream>(conn: &mut Connection<S>, numbers: &[i32]) {
    assert!(!conn.in_transaction());
    let sql = Query::new("select n from k order by n").timeout(Duration::ZERO);
    let rows = conn.fetch(sql, ()).await.unwrap();
    let found: Vec<i32> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(found, numbers);
    assert_eq!(conn.transaction_status(), TransactionStatus::Idle);
    assert!(conn.is_idle());
}

async fn a_commit_that_was_taken_back_is_rolled_back<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT * 3);
    let (mut conn, spoiler) = spoilt(&cx, &config).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    spoiler.stall_writes(0);
    let error = tx.commit().await.unwrap_err();
    assert!(is_timeout(&error, false), "{error:?}");
    assert!(error.is_retryable() && error.is_recoverable());
    spoiler.faults.release();
    holds(&mut conn, &[]).await;

    let result = conn
        .with_transaction(async |tx| {
            tx.execute("insert into k values (1)", ()).await?;
            spoiler.stall_writes(0);
            Ok(())
        })
        .await;
    let error = result.unwrap_err();
    assert!(is_timeout(&error, false), "{error:?}");
    spoiler.faults.release();
    holds(&mut conn, &[]).await;
}

async fn a_commit_that_was_sent_in_part_is_of_unknown_outcome<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT * 3);
    let (mut conn, spoiler) = spoilt(&cx, &config).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    spoiler.stall_writes(3);
    let error = tx.commit().await.unwrap_err();
    assert!(
        matches!(&error, Error::CommitUnknown(why) if is_timeout(why, true)),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    spoiler.faults.release();
    // The requests reach the server before the command does, and mean nothing to it.
    holds(&mut conn, &[1]).await;
}

async fn a_commit_that_did_not_end_its_transaction_is_rolled_back<R: Runtime>(cx: Context<R>) {
    let (mut conn, spoiler) = spoilt(&cx, &cx.config(USER_TRUST)).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    // As a cancel does that comes before the server has begun to carry it out.
    spoiler.garble(true);
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::SYNTAX_ERROR), "{error:?}");
    spoiler.garble(false);
    holds(&mut conn, &[]).await;
    // The same of one that ran out of time meanwhile.
    let config = cx.config(USER_TRUST).query_timeout(SHORT * 3);
    let (mut conn, spoiler) = spoilt(&cx, &config).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    spoiler.garble(true);
    spoiler.stall_reads();
    let release = async {
        cx.runtime.sleep(SHORT * 6).await;
        spoiler.garble(false);
        spoiler.faults.release();
    };
    let (result, ()) = join(tx.commit(), release).await;
    assert!(is_timeout(&result.unwrap_err(), true));
    holds(&mut conn, &[]).await;
}

async fn a_savepoint_whose_release_was_taken_back_is_rolled_back<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT * 3);
    let (mut conn, spoiler) = spoilt(&cx, &config).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (1)", ()).await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    inner.execute("insert into k values (2)", ()).await.unwrap();
    spoiler.stall_writes(0);
    let error = inner.commit().await.unwrap_err();
    assert!(is_timeout(&error, false), "{error:?}");
    spoiler.faults.release();
    tx.execute("insert into k values (3)", ()).await.unwrap();
    tx.commit().await.unwrap();
    holds(&mut conn, &[1, 3]).await;
    // And so is one whose own ROLLBACK was.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (4)", ()).await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    inner.execute("insert into k values (5)", ()).await.unwrap();
    spoiler.stall_writes(0);
    let error = inner.rollback().await.unwrap_err();
    assert!(is_timeout(&error, false), "{error:?}");
    spoiler.faults.release();
    tx.commit().await.unwrap();
    holds(&mut conn, &[1, 3, 4]).await;
    // And one that was done, only too late, is not said again.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into k values (6)", ()).await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    inner.execute("insert into k values (7)", ()).await.unwrap();
    spoiler.stall_reads();
    let release = async {
        cx.runtime.sleep(SHORT * 6).await;
        spoiler.faults.release();
    };
    let (result, ()) = join(inner.rollback(), release).await;
    assert!(is_timeout(&result.unwrap_err(), true));
    tx.commit().await.unwrap();
    holds(&mut conn, &[1, 3, 4, 6]).await;
}

async fn a_begin_that_was_taken_back_is_said_again<R: Runtime>(cx: Context<R>) {
    let (mut conn, spoiler) = spoilt(&cx, &cx.config(USER_TRUST)).await;
    let mut tx = conn.begin().await.unwrap();
    spoiler.stall_writes(0);
    let error = tx.execute(short("insert into k values (1)"), ()).await;
    assert!(is_timeout(&error.unwrap_err(), false));
    assert!(tx.in_transaction());
    spoiler.faults.release();
    tx.execute("insert into k values (2)", ()).await.unwrap();
    assert_eq!(tx.transaction_status(), TransactionStatus::InTransaction);
    tx.commit().await.unwrap();
    holds(&mut conn, &[2]).await;
    // One that was sent is rolled back with its guard.
    let mut tx = conn.begin().await.unwrap();
    let error = tx.execute(short("select pg_sleep(60)"), ()).await;
    assert!(is_timeout(&error.unwrap_err(), true));
    drop(tx);
    holds(&mut conn, &[2]).await;
}

async fn a_close_that_was_taken_back_is_said_again<R: Runtime>(cx: Context<R>) {
    let (mut conn, spoiler) = spoilt(&cx, &cx.config(USER_TRUST)).await;
    let count = "select count(*)::int from pg_prepared_statements";
    let statement = conn.prepare("select 1").await.unwrap();
    assert_eq!(conn.fetch_scalar::<i32>(count, ()).await.unwrap(), 1);
    drop(statement);
    spoiler.stall_writes(0);
    let error = conn.execute(short("select 1"), ()).await.unwrap_err();
    assert!(is_timeout(&error, false));
    spoiler.faults.release();
    assert_eq!(conn.fetch_scalar::<i32>(count, ()).await.unwrap(), 0);
    // A guard that is dropped takes it back, too.
    let statement = conn.prepare("select 1").await.unwrap();
    drop(statement);
    let mut tx = conn.begin().await.unwrap();
    spoiler.stall_writes(0);
    assert!(drop_after(tx.execute("select 1", ()), 1).await.is_none());
    drop(tx);
    spoiler.faults.release();
    assert_eq!(conn.fetch_scalar::<i32>(count, ()).await.unwrap(), 0);
}

async fn a_reset_that_was_taken_back_does_not_forget_what_is_due<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).query_timeout(SHORT * 3);
    let (mut conn, spoiler) = spoilt(&cx, &config).await;
    for in_time in [false, true] {
        let mut tx = conn.begin().await.unwrap();
        tx.execute("insert into k values (1)", ()).await.unwrap();
        drop(tx);
        spoiler.stall_writes(0);
        if in_time {
            assert!(drop_after(conn.reset(), 1).await.is_none());
        } else {
            let error = conn.reset().await.unwrap_err();
            assert!(is_timeout(&error, false), "{error:?}");
        }
        spoiler.faults.release();
        holds(&mut conn, &[]).await;
    }
    // What a text began is rolled back by a reset that is carried out.
    conn.execute("begin", ()).await.unwrap();
    conn.reset().await.unwrap();
    assert!(conn.is_idle());
}

async fn an_error_that_could_not_be_settled_in_time_is_recoverable<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(0);
    let (mut conn, spoiler) = spoilt(&cx, &config).await;
    let before = spoiler.faults.bytes_written();
    let sql = "select nothing from k where n = $1";
    conn.fetch(sql, (1,)).await.unwrap_err();
    let all = spoiler.faults.bytes_written() - before;
    // The Sync that ends the segment in which the statement failed.
    spoiler.stall_writes(all - 5);
    let query = Query::new(sql).timeout(SHORT * 5);
    let error = conn.fetch(query, (1,)).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::UNDEFINED_COLUMN));
    assert!(!conn.is_ready() && !conn.is_dead());
    assert!(error.is_recoverable(), "{error:?}");
    spoiler.faults.release();
    holds(&mut conn, &[]).await;
}

async fn many_sets_are_done_whole_or_not_at_all<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table k (n int)", ())
        .await
        .unwrap();
    let sql = "insert into k select $1::int from pg_sleep(case when $1 > 9 then 60 else 0 end)";
    let error = conn.execute_many(short(sql), (0..=10).map(|n| (n,))).await;
    assert!(is_timeout(&error.unwrap_err(), true));
    holds(&mut conn, &[]).await;
    let mut pipeline = conn.pipeline();
    pipeline.timeout(SHORT * 5);
    pipeline.push("insert into k values ($1)", (1,)).sync();
    pipeline.push("insert into k values ($1)", (2,));
    pipeline.push(sql, (10,));
    pipeline.push("insert into k values ($1)", (3,)).sync();
    pipeline.push("insert into k values ($1)", (4,));
    let mut results = pipeline.run().await.unwrap();
    let mut late = 0;
    while let Some(result) = results.next().await {
        late += usize::from(matches!(result, Err(Error::Timeout { .. })));
    }
    assert!(late >= 1);
    assert!(conn.is_ready());
    // The last one was on its way already, or not.
    conn.execute("delete from k where n = 4", ()).await.unwrap();
    holds(&mut conn, &[1]).await;
}

async fn a_statement_timeout_beside_ours<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table k (n int)", ())
        .await
        .unwrap();
    conn.execute("set statement_timeout = 30", ())
        .await
        .unwrap();
    let sleep = "select pg_sleep(60)";
    let query = Query::new(sleep).timeout(Duration::from_secs(20));
    let error = conn.execute(query, ()).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::QUERY_CANCELED));
    for micros in (29_000..31_000).step_by(100) {
        let query = Query::new(sleep).timeout(Duration::from_micros(micros));
        match conn.execute(query, ()).await.unwrap_err() {
            Error::Timeout { .. } => {}
            error => assert_eq!(error.code(), Some(SqlState::QUERY_CANCELED), "{error:?}"),
        }
        assert!(conn.is_ready());
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }
    holds(&mut conn, &[]).await;
}

async fn the_longest_times<R: Runtime>(cx: Context<R>) {
    for long in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let config = cx.config(USER_TRUST).query_timeout(long);
        let mut conn = cx.try_connect(&config).await.unwrap();
        let slow = "select pg_sleep(0.01)";
        conn.execute(slow, ()).await.unwrap();
        conn.execute(Query::new(slow).timeout(long), ())
            .await
            .unwrap();
        let mut pipeline = conn.pipeline();
        pipeline.timeout(long).push("select 1", ());
        let mut results = pipeline.run().await.unwrap();
        results.next().await.unwrap().unwrap();
        conn.execute("listen a", ()).await.unwrap();
        conn.execute("notify a", ()).await.unwrap();
        let n = conn.notification_timeout(long).await.unwrap().unwrap();
        assert_eq!(n.channel(), "a");
    }
}

async fn a_token_on_a_thread_without_the_runtime<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for _ in 0..3 {
        let token = conn.cancel_token();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            ::async_std::task::block_on(token.cancel())
        });
        let begun = Instant::now();
        let error = conn.execute("select pg_sleep(60)", ()).await.unwrap_err();
        assert_eq!(error.code(), Some(SqlState::QUERY_CANCELED), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        // Whichever of the two had begun the request, the sockets are the runtime's.
        while !thread.is_finished() {
            cx.runtime.sleep(Duration::from_millis(1)).await;
        }
        // tokio says in a panic that it cannot be reached from there.
        match thread.join().expect("the panic is told as an error") {
            Ok(()) => {}
            Err(error) => assert!(matches!(error, Error::Io { .. }), "{error:?}"),
        }
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }
}

/// Leads to a server, and all but the first stream to somebody who says what no server says.
struct Misled<R> {
    inner: Arc<R>,
    connected: AtomicUsize,
    says: Says,
}

#[derive(Clone, Copy)]
enum Says {
    Garbage,
    Nothing,
    NobodyIsThere,
}

struct Stranger(Says);

impl<R: Runtime> Runtime for Misled<R> {
    type Stream = Either<R::Stream, Stranger>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let says = self.says;
        if self.connected.fetch_add(1, Ordering::SeqCst) > 0 {
            return Box::pin(async move {
                match says {
                    Says::NobodyIsThere => Err(io::ErrorKind::ConnectionRefused.into()),
                    says => Ok(Either::Right(Stranger(says))),
                }
            });
        }
        let stream = self.inner.connect(endpoint, options);
        Box::pin(async move { stream.await.map(Either::Left) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}

impl AsyncRead for Stranger {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Task<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.0 {
            Says::Nothing | Says::NobodyIsThere => Poll::Pending,
            Says::Garbage => {
                buf.fill(b'Z');
                Poll::Ready(Ok(buf.len()))
            }
        }
    }
}

impl AsyncWrite for Stranger {
    fn poll_write(self: Pin<&mut Self>, _: &mut Task<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn misled<R: Runtime>(
    cx: &Context<R>,
    says: Says,
) -> (Connection<Either<R::Stream, Stranger>>, Arc<Misled<R>>) {
    let runtime = Arc::new(Misled {
        inner: Arc::clone(&cx.runtime),
        connected: AtomicUsize::new(0),
        says,
    });
    let conn = purepg_conn::connect(Arc::clone(&runtime), &cx.config(USER_TRUST)).await;
    (conn.unwrap(), runtime)
}

async fn a_server_whose_answers_to_requests_are_garbage<R: Runtime>(cx: Context<R>) {
    for says in [Says::Garbage, Says::NobodyIsThere] {
        let (mut conn, runtime) = misled(&cx, says).await;
        let error = conn.execute(short("select pg_sleep(0.3)"), ()).await;
        assert!(is_timeout(&error.unwrap_err(), true));
        assert!(conn.is_ready(), "it has ended by itself");
        let asked = runtime.connected.load(Ordering::SeqCst) - 1;
        assert!((2..8).contains(&asked), "asked {asked} times");
        let token = conn.cancel_token();
        let cancel = async {
            cx.runtime.sleep(SHORT).await;
            token.cancel().await
        };
        let (slept, asked) = join(conn.execute("select pg_sleep(0.2)", ()), cancel).await;
        slept.unwrap();
        let error = asked.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }
}

async fn acceptance_92_an_end_within_the_grace_is_told<R: Runtime>(cx: Context<R>) {
    let mut other = cx.connect().await;
    let (mut conn, _) = misled(&cx, Says::Nothing).await;
    let process = conn.process_id().unwrap();
    let end = async {
        cx.runtime.sleep(SHORT * 5).await;
        let sql = "select pg_terminate_backend($1)";
        other.execute(sql, (process,)).await.unwrap();
    };
    let (result, ()) = join(conn.execute(short("select pg_sleep(60)"), ()), end).await;
    let error = result.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::ADMIN_SHUTDOWN), "{error:?}");
    assert!(!error.is_recoverable() && conn.is_dead());
    // Nor is anything sent on it any more.
    assert!(
        conn.execute("select 1", ())
            .await
            .unwrap_err()
            .is_retryable()
    );
}
