//! What may be tried again: `is_retryable` is true only of what has certainly not happened.

use std::collections::BTreeSet;
use std::future::ready;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join;
use purepg_conn::{
    BoxFuture, Config, Connection, Endpoint, Error, Runtime, SocketOptions, SqlState, UsageError,
    params,
};
use purepg_testkit::drop_at::poll_times;
use purepg_testkit::faults::{Fault, FaultControl, Faulty};
use purepg_testkit::io::is_asked_for;
use purepg_testkit::server::{USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

live!(
    acceptance_107_nothing_that_is_retryable_has_happened,
    acceptance_107_nothing_of_a_pipeline_that_is_retryable_has_happened,
    acceptance_107_a_statement_that_never_left,
    acceptance_107_a_statement_behind_an_abandoned_one,
    acceptance_107_a_session_that_ended_before,
    a_serialization_failure_and_a_deadlock_are_retryable,
    an_idle_session_that_timed_out_is_retryable,
    connecting_is_retryable_where_it_may_help,
    other_errors_are_not_retryable,
);

/// Opens streams that break at a chosen byte, and never waits.
struct Breaking<R> {
    inner: Arc<R>,
    last: Mutex<Option<FaultControl>>,
}

impl<R: Runtime> Runtime for Breaking<R> {
    type Stream = Faulty<R::Stream>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let stream = self.inner.connect(endpoint, options);
        let control = FaultControl::default();
        *self.last.lock().unwrap() = Some(control.clone());
        Box::pin(async move { stream.await.map(|stream| Faulty::planned(stream, control)) })
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}

async fn open<R: Runtime>(cx: &Context<R>) -> (Connection<Faulty<R::Stream>>, FaultControl) {
    let runtime = Arc::new(Breaking {
        inner: Arc::clone(&cx.runtime),
        last: Mutex::default(),
    });
    let config = cx.config(USER_TRUST);
    let conn = purepg_conn::connect(Arc::clone(&runtime), &config).await;
    let conn = conn.unwrap();
    let control = runtime.last.lock().unwrap().take().unwrap();
    (conn, control)
}

/// The numbers in a table.
async fn numbers<S: purepg_conn::ByteStream>(
    conn: &mut Connection<S>,
    table: &str,
) -> BTreeSet<i32> {
    let rows = conn.fetch(&format!("select a from {table}"), ()).await;
    rows.unwrap()
        .iter()
        .map(|row| row.get(0).unwrap())
        .collect()
}

async fn acceptance_107_nothing_that_is_retryable_has_happened<R: Runtime>(cx: Context<R>) {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let table = format!("retryable_{}", TABLES.fetch_add(1, Ordering::Relaxed));
    let mut observer = cx.connect().await;
    observer
        .execute(&format!("create table {table} (a int)"), ())
        .await
        .unwrap();
    let (mut number, mut retryable, mut unknown) = (0, BTreeSet::new(), BTreeSet::new());
    for by_name in [false, true] {
        for (writing, fault) in [
            (true, Fault::End),
            (true, Fault::Reset),
            (false, Fault::End),
            (false, Fault::Reset),
        ] {
            for bytes in 0.. {
                number += 1;
                let (mut conn, control) = open(&cx).await;
                let sent = control.bytes_written();
                if writing {
                    control.write_fails(sent + bytes, fault);
                } else {
                    control.read_fails(control.bytes_read() + bytes, fault);
                }
                let result = if by_name {
                    let sql = format!("insert into {table} values (:a)");
                    conn.execute(&sql, params! { a: number }).await
                } else {
                    let sql = format!("insert into {table} values ({number})");
                    conn.execute(&sql, ()).await
                };
                let Err(error) = result else {
                    break;
                };
                assert!(!error.is_recoverable(), "{error:?}");
                assert!(control.bytes_written() > sent || bytes == 0);
                assert_eq!(
                    error.is_retryable(),
                    control.bytes_written() == sent,
                    "{by_name} {writing} {bytes}: {error:?}"
                );
                if error.is_retryable() {
                    retryable.insert(number);
                } else {
                    unknown.insert(number);
                }
                // From now on nothing more is ever sent.
                let again = conn.execute("select 1", ()).await.unwrap_err();
                assert!(again.is_retryable(), "{again:?}");
            }
        }
    }
    // All that could not write a byte; byte by byte some could not read one before that.
    assert!(retryable.len() == 4 || (is_asked_for() && retryable.len() == 8));
    assert!(unknown.len() > 100);
    cx.runtime.sleep(Duration::from_millis(50)).await;
    let happened = numbers(&mut observer, &table).await;
    assert!(retryable.is_disjoint(&happened));
    assert!(
        !unknown.is_disjoint(&happened) && !unknown.is_subset(&happened),
        "of the others some have happened, and some have not"
    );
    observer
        .execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

async fn acceptance_107_nothing_of_a_pipeline_that_is_retryable_has_happened<R: Runtime>(
    cx: Context<R>,
) {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let table = format!("pipelined_{}", TABLES.fetch_add(1, Ordering::Relaxed));
    let mut observer = cx.connect().await;
    observer
        .execute(&format!("create table {table} (a int)"), ())
        .await
        .unwrap();
    let insert = format!("insert into {table} values ($1)");
    let another = format!("insert into {table} select $1::int");
    let (mut number, mut retryable, mut unknown) = (0, BTreeSet::new(), BTreeSet::new());
    let mut good = BTreeSet::new();
    for (writing, fault) in [(true, Fault::Reset), (false, Fault::End)] {
        for bytes in 0.. {
            let (mut conn, control) = open(&cx).await;
            if writing {
                control.write_fails(control.bytes_written() + bytes, fault);
            } else {
                control.read_fails(control.bytes_read() + bytes, fault);
            }
            let mut pipeline = conn.pipeline();
            let numbers = number + 1..=number + 4;
            for a in numbers.clone() {
                let sql = if a % 4 == 3 { &another } else { &insert };
                pipeline.push(sql, (a,)).sync();
            }
            number += 4;
            let mut results = pipeline.run().await.unwrap();
            let mut broken = 0;
            for a in numbers {
                match results.next().await.expect("a result for each query") {
                    Ok(_) => good.insert(a),
                    Err(error) => {
                        broken += 1;
                        assert!(!error.is_recoverable(), "{error:?}");
                        if error.is_retryable() {
                            retryable.insert(a)
                        } else {
                            unknown.insert(a)
                        }
                    }
                };
            }
            assert!(results.next().await.is_none());
            if broken == 0 {
                break;
            }
        }
    }
    assert!(good.len() > 100 && retryable.len() > 100 && unknown.len() > 100);
    cx.runtime.sleep(Duration::from_millis(50)).await;
    let happened = numbers(&mut observer, &table).await;
    assert!(retryable.is_disjoint(&happened) && good.is_subset(&happened));
    assert!(!unknown.is_disjoint(&happened) && !unknown.is_subset(&happened));
    observer
        .execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

async fn acceptance_107_a_statement_that_never_left<R: Runtime>(cx: Context<R>) {
    for bytes in [0, 1] {
        let (mut conn, control) = open(&cx).await;
        let process = conn.process_id().unwrap();
        // The socket takes no more than that; meanwhile the server ends the session.
        control.write_fails(control.bytes_written() + bytes, Fault::Stall);
        let terminate = async {
            cx.runtime.sleep(Duration::from_millis(20)).await;
            cx.server().terminate_backend(process).unwrap();
        };
        let (result, ()) = join(conn.execute("select 1", ()), terminate).await;
        let error = result.unwrap_err();
        assert_eq!(error.code(), Some(SqlState::ADMIN_SHUTDOWN));
        assert_eq!(error.is_retryable(), bytes == 0, "{error:?}");
    }
}

async fn acceptance_107_a_statement_behind_an_abandoned_one<R: Runtime>(cx: Context<R>) {
    let abandoned = u64::try_from("Q....select 1.".len()).unwrap();
    for bytes in 1..abandoned + 3 {
        let (mut conn, control) = open(&cx).await;
        let sent = control.bytes_written();
        control.write_fails(sent + 1, Fault::Stall);
        // Byte by byte the first poll sends nothing.
        assert!(poll_times(conn.execute("select 1", ()), 2).is_none());
        // The rest of it goes out before the next statement does.
        control.write_fails(sent + bytes, Fault::Reset);
        let error = conn.execute("select 2", ()).await.unwrap_err();
        assert_eq!(control.bytes_written(), sent + bytes);
        assert_eq!(
            error.is_retryable(),
            bytes <= abandoned,
            "{bytes}: {error:?}"
        );
    }
}

async fn acceptance_107_a_session_that_ended_before<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id().unwrap();
    cx.server().terminate_backend(process).unwrap();
    cx.runtime.sleep(Duration::from_millis(100)).await;
    let error = conn.execute("select 1", ()).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::ADMIN_SHUTDOWN));
    // A Unix socket whose other end is closed takes nothing. One of TCP takes it, and the end is found when the answer is read.
    assert!(!error.is_retryable() || cx.transport == Transport::Unix);
    // The next ones do not leave.
    for _ in 0..2 {
        let error = conn.execute("select $1::int", (1,)).await.unwrap_err();
        assert_eq!(error.code(), Some(SqlState::ADMIN_SHUTDOWN));
        assert!(error.is_retryable() && !error.is_recoverable());
        assert!(conn.ping().await.unwrap_err().is_retryable());
    }
}

async fn a_serialization_failure_and_a_deadlock_are_retryable<R: Runtime>(cx: Context<R>) {
    let (mut one, mut two) = (cx.connect().await, cx.connect().await);
    let table = format!("conflict_{}", one.process_id().unwrap());
    let create =
        format!("create table {table} (a int, b int); insert into {table} values (1, 0), (2, 0)");
    one.execute(&create, ()).await.unwrap();
    let update = |a: i32| format!("update {table} set b = b + 1 where a = {a}");

    for conn in [&mut one, &mut two] {
        conn.execute("begin isolation level repeatable read", ())
            .await
            .unwrap();
        conn.execute(&format!("select from {table}"), ())
            .await
            .unwrap();
    }
    one.execute(&update(1), ()).await.unwrap();
    one.execute("commit", ()).await.unwrap();
    let error = two.execute(&update(1), ()).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::SERIALIZATION_FAILURE));
    assert!(error.is_retryable() && error.is_recoverable());
    // That the transaction has failed is no reason to try one statement of it again.
    let error = two.execute(&update(1), ()).await.unwrap_err();
    assert_eq!(error.code(), Some(SqlState::IN_FAILED_SQL_TRANSACTION));
    assert!(!error.is_retryable());
    two.execute("rollback", ()).await.unwrap();

    for (conn, first) in [(&mut one, 1), (&mut two, 2)] {
        conn.execute("begin", ()).await.unwrap();
        conn.execute(&update(first), ()).await.unwrap();
    }
    let (crossed, across) = (update(2), update(1));
    let one_fails = async {
        let result = one.execute(&crossed, ()).await;
        one.execute("rollback", ()).await.unwrap();
        result
    };
    let two_fails = async {
        let result = two.execute(&across, ()).await;
        two.execute("rollback", ()).await.unwrap();
        result
    };
    let (first, second) = join(one_fails, two_fails).await;
    let error = [first, second].into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.code(), Some(SqlState::DEADLOCK_DETECTED));
    assert!(error.is_retryable());
    one.execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

async fn an_idle_session_that_timed_out_is_retryable<R: Runtime>(cx: Context<R>) {
    if cx.server().version() < 14 {
        return;
    }
    let mut conn = cx.connect().await;
    conn.execute("set idle_session_timeout = 20", ())
        .await
        .unwrap();
    let error = loop {
        cx.runtime.sleep(Duration::from_millis(100)).await;
        if let Err(error) = conn.execute("select 1", ()).await {
            break error;
        }
    };
    assert_eq!(error.code(), Some(SqlState::IDLE_SESSION_TIMEOUT));
    assert!(error.is_retryable() && !error.is_recoverable());
    // Who says so without ending the session says nothing about it.
    let mut conn = cx.connect().await;
    for code in ["57P05", "53300", "57P03"] {
        let raise = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
        let error = conn.execute(&raise, ()).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some(code));
        assert!(!error.is_retryable());
    }
}

async fn connecting_is_retryable_where_it_may_help<R: Runtime>(cx: Context<R>) {
    let error = async |config: &Config| cx.try_connect(config).await.unwrap_err();
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let nobody = Config::new("127.0.0.1", USER_TRUST).port(port);
    assert!(error(&nobody).await.is_retryable());
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let deaf = Config::new("127.0.0.1", USER_TRUST)
        .port(port)
        .connect_timeout(Duration::from_millis(50));
    let timeout = error(&deaf).await;
    assert!(matches!(timeout, Error::Timeout { .. }) && timeout.is_retryable());

    // There is no room.
    let superuser = cx.config(cx.server().superuser());
    let mut conn = cx.try_connect(&superuser).await.unwrap();
    let database = format!("full_{}", conn.process_id().unwrap());
    conn.execute(
        &format!("create database {database} connection limit 0"),
        (),
    )
    .await
    .unwrap();
    let full = error(&cx.config(USER_TRUST).database(&database)).await;
    assert_eq!(full.code(), Some(SqlState::TOO_MANY_CONNECTIONS));
    assert!(full.is_retryable());
    conn.execute(&format!("drop database {database}"), ())
        .await
        .unwrap();

    let absent = error(&cx.config(USER_TRUST).database("absent")).await;
    assert_eq!(absent.code(), Some(SqlState::INVALID_CATALOG_NAME));
    let wrong = error(&cx.config_with_password(USER_SCRAM).password("wrong")).await;
    let missing = error(&cx.config(USER_SCRAM)).await;
    for error in [absent, wrong, missing] {
        assert!(!error.is_retryable(), "{error:?}");
    }
}

async fn other_errors_are_not_retryable<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let errors = [
        conn.execute("select 1/0", ()).await.unwrap_err(),
        conn.execute("selec", ()).await.unwrap_err(),
        conn.execute("select $1::int2", (70_000,))
            .await
            .unwrap_err(),
        conn.execute("select $1::int", ()).await.unwrap_err(),
        conn.execute("select :a::int", params! {})
            .await
            .unwrap_err(),
        conn.fetch_one("select 1 where false", ())
            .await
            .unwrap_err(),
        conn.fetch("select 1; select 2", ()).await.unwrap_err(),
        conn.fetch_scalar::<i32>("select 'x'", ())
            .await
            .unwrap_err(),
        UsageError::ForeignStatement.into(),
    ];
    for error in errors {
        assert!(!error.is_retryable(), "{error:?}");
    }
}
