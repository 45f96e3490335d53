//! A primary that is gone, a standby that takes its place, and a client that goes on.

use std::time::Duration;

use futures_util::future::join;
use purepg_conn::{Config, Connection, Runtime, TargetSessionAttrs};
use purepg_testkit::server::{Options, Server, USER_TRUST};
use purepg_tests_live::{Context, live_by_turns};

live_by_turns!(acceptance_05_a_failover_while_queries_run);

/// So many rows are written before the primary goes, and so many behind that.
const BEFORE: i32 = 30;
const BEHIND: i32 = 30;

/// Every commit waits for the standby, so that what was acknowledged is there as well.
async fn acceptance_05_a_failover_while_queries_run<R: Runtime>(cx: Context<R>) {
    let synchronous = Options::new()
        .setting("synchronous_commit", "on")
        .setting("synchronous_standby_names", "standby");
    let primary = Server::start(synchronous).unwrap();
    let standby = primary
        .start_standby(Options::new().setting("synchronous_commit", "on"))
        .unwrap();
    let config = cx
        .config_of(&primary, USER_TRUST)
        .add_host(
            cx.config_of(&standby, USER_TRUST).settings().host(),
            standby.port(),
        )
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(Duration::from_secs(5));

    let mut conn = cx.try_connect(&config).await.unwrap();
    // No constraint: what is written twice is there twice.
    conn.execute("create table written (a int)", ())
        .await
        .unwrap();
    let mut unknown = 0;
    for number in 0..BEFORE {
        unknown += write(&cx, &config, &mut conn, number).await;
    }
    assert_eq!(unknown, 0);
    let old = conn.endpoint().clone();

    // The primary goes while the client writes.
    let client = async {
        for number in BEFORE..BEFORE + BEHIND {
            unknown += write(&cx, &config, &mut conn, number).await;
            cx.runtime.sleep(Duration::from_millis(5)).await;
        }
    };
    let failover = async {
        cx.runtime.sleep(Duration::from_millis(40)).await;
        primary.crash();
        let to_standby = cx.config_of(&standby, USER_TRUST).user(standby.superuser());
        let mut admin = cx.try_connect(&to_standby).await.unwrap();
        let promoted = admin.fetch_scalar::<bool>("select pg_promote()", ()).await;
        assert!(promoted.unwrap());
    };
    join(client, failover).await;

    assert!(!primary.is_running());
    assert_ne!(*conn.endpoint(), old);
    println!(
        "of {} writes the outcome of {unknown} was unknown",
        BEFORE + BEHIND
    );
    let rows = conn
        .fetch_as::<(i32,)>("select a from written order by a", ())
        .await
        .unwrap();
    let rows: Vec<i32> = rows.into_iter().map(|(number,)| number).collect();
    let all: Vec<i32> = (0..BEFORE + BEHIND).collect();
    assert_eq!(rows, all, "each of them once");
}

/// Writes a number, whatever it takes; true when the outcome of a write had to be found out.
async fn write<R: Runtime>(
    cx: &Context<R>,
    config: &Config,
    conn: &mut Connection<R::Stream>,
    number: i32,
) -> i32 {
    let mut unknown = 0;
    loop {
        let error = match conn
            .execute("insert into written values ($1)", (number,))
            .await
        {
            Ok(rows) => {
                assert_eq!(rows, 1);
                return unknown;
            }
            Err(error) => error,
        };
        assert!(!error.is_recoverable(), "{error:?}");
        *conn = again(cx, config).await;
        if error.is_retryable() {
            continue;
        }
        // It may be there, or not: that is asked before it is written again.
        unknown += 1;
        let written: i64 = conn
            .fetch_scalar("select count(*) from written where a = $1", (number,))
            .await
            .unwrap();
        if written > 0 {
            return unknown;
        }
    }
}

/// Connects as soon as there is somebody to connect to.
async fn again<R: Runtime>(cx: &Context<R>, config: &Config) -> Connection<R::Stream> {
    loop {
        match cx.try_connect(config).await {
            Ok(conn) => return conn,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
        cx.runtime.sleep(Duration::from_millis(10)).await;
    }
}
