//! Every future, dropped at every poll, over a stream that moves one byte and then says `Pending`.
//!
//! Afterwards the same server process answers the next query rightly, what was dropped has happened once or not at all, the transaction
//! status is what it was, and nothing is left over.

use std::time::Duration;

use purepg_conn::{ByteStream, Connection, Error, Notification, Runtime, TransactionStatus};
use purepg_testkit::drop_at::{drop_after, drop_at};
use purepg_testkit::io::OneByte;
use purepg_testkit::server::{USER_MD5, USER_SCRAM, USER_TRUST};
use purepg_tests_live::drops::{check, cover};
use purepg_tests_live::{Context, Slow, Wrapped, live_by_turns};

live_by_turns!(
    connecting,
    acceptance_91_eager_queries,
    eager_queries_in_a_transaction,
    errors,
    acceptance_91_an_insert_happens_once_or_not_at_all,
    a_large_parameter,
    a_copy_that_is_refused,
    preparing_and_executing,
    streams,
    streams_forgotten,
    notifications,
    listening,
    notifications_for_so_long,
    a_stream_of_notifications,
    pings,
    closing,
);

async fn connecting<R: Runtime>(cx: Context<R>) {
    let mut places = 0;
    for config in [
        cx.config(USER_TRUST),
        cx.config_with_password(USER_MD5),
        cx.config_with_password(USER_SCRAM),
    ] {
        for polls in 0.. {
            let runtime = Wrapped::new(&cx.runtime, OneByte::new);
            let connected = drop_after(purepg_conn::connect(runtime, &config), polls).await;
            let Some(result) = connected else {
                places += 1;
                continue;
            };
            let mut conn = result.unwrap();
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
            break;
        }
    }
    println!("connect: dropped at {places} places");
    assert!(places > 500);
}

async fn acceptance_91_eager_queries<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let mut all = 0;
    all += cover::<R, _>("fetch, simple", &mut conn, async |conn| {
        assert!(conn.fetch("select 1; select", ()).await.is_err());
    })
    .await;
    all += cover::<R, _>("fetch, extended", &mut conn, async |conn| {
        assert_eq!(
            conn.fetch("select generate_series(1,$1)", (3,))
                .await
                .unwrap()
                .len(),
            3
        );
    })
    .await;
    all += cover::<R, _>("fetch_one", &mut conn, async |conn| {
        conn.fetch_one("select $1::int", (3,)).await.unwrap();
    })
    .await;
    all += cover::<R, _>("fetch_optional", &mut conn, async |conn| {
        conn.fetch_optional("select 1 where $1", (false,))
            .await
            .unwrap();
    })
    .await;
    all += cover::<R, _>("fetch_scalar", &mut conn, async |conn| {
        assert_eq!(
            conn.fetch_scalar::<i32>("select $1::int", (3,))
                .await
                .unwrap(),
            3
        );
    })
    .await;
    all += cover::<R, _>("execute", &mut conn, async |conn| {
        assert_eq!(
            conn.execute("select generate_series(1,3)", ())
                .await
                .unwrap(),
            3
        );
    })
    .await;
    println!("eager queries: {all} places in all");
}

async fn eager_queries_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    conn.execute("begin", ()).await.unwrap();
    cover::<R, _>("fetch in a transaction", &mut conn, async |conn| {
        conn.fetch("select $1::int", (3,)).await.unwrap();
    })
    .await;
    assert!(conn.in_transaction());
    conn.execute("commit", ()).await.unwrap();
    assert!(!conn.in_transaction());
}

async fn errors<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    for sql in ["select nope", "select 1/($1-1)", "select $1::int2"] {
        cover::<R, _>(sql, &mut conn, async |conn| {
            let error = if sql.contains('$') {
                conn.fetch(sql, (if sql.contains("int2") { 70_000 } else { 1 },))
                    .await
            } else {
                conn.fetch(sql, ()).await
            };
            error.unwrap_err();
        })
        .await;
    }
}

#[derive(Clone, Copy, Debug)]
enum Insert {
    /// By the simple protocol.
    Simple,
    /// Parsed and described first: its text is another each time.
    New,
    /// Bound and executed: its statement is kept.
    Kept,
}

async fn insert<S: ByteStream>(
    conn: &mut Connection<S>,
    how: Insert,
    n: i32,
) -> Result<u64, Error> {
    match how {
        Insert::Simple => {
            let sql = format!("insert into i values ({n})");
            conn.execute(&sql, ()).await
        }
        Insert::New => {
            let sql = format!("insert into i values ($1) -- {n}");
            conn.execute(&sql, (n,)).await
        }
        Insert::Kept => conn.execute("insert into i values ($1)", (n,)).await,
    }
}

/// Once a byte of it has gone, it happens; and whatever was dropped, it happens once or not at all.
async fn acceptance_91_an_insert_happens_once_or_not_at_all<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    conn.execute("create temp table i (n int)", ())
        .await
        .unwrap();
    let process = conn.process_id().unwrap();
    for how in [Insert::Simple, Insert::New, Insert::Kept] {
        insert(&mut conn, how, 0).await.unwrap();
        conn.execute("delete from i", ()).await.unwrap();
        let mut n = 0;
        let (mut happened, mut not) = (0, 0);
        let places = drop_at(
            &mut conn,
            async |conn| {
                n += 1;
                assert_eq!(insert(conn, how, n).await.unwrap(), 1);
                n
            },
            async |conn, output| {
                check(conn, process, TransactionStatus::Idle).await;
                let sql = "select count(*), coalesce(max(n), 0) from i";
                let (count, last): (i64, i32) =
                    conn.fetch_one(sql, ()).await.unwrap().decode().unwrap();
                assert!(count <= 1, "it happened {count} times");
                if count == 1 {
                    happened += 1;
                } else {
                    not += 1;
                }
                if let Some(n) = output {
                    assert_eq!((count, last), (1, n), "what completed has happened");
                }
                conn.execute("delete from i", ()).await.unwrap();
            },
        )
        .await;
        println!("insert, {how:?}: {places} places, happened {happened}, not {not}");
        assert!(happened > 20 && not > 0, "both outcomes are seen");
    }
}

/// Without the wrapper: the socket takes much at once, and there is more than the core lets wait.
async fn a_large_parameter<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let large = "x".repeat(32 << 20);
    for polls in 0.. {
        let done = drop_after(conn.fetch("select length($1)", (&large,)), polls).await;
        assert_eq!(
            conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(),
            1,
            "{polls} polls"
        );
        if done.is_some() || polls > 40 {
            break;
        }
    }
}

async fn a_copy_that_is_refused<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    conn.execute("create temp table k (a int)", ())
        .await
        .unwrap();
    cover::<R, _>("copy from stdin", &mut conn, async |conn| {
        conn.execute("copy k from stdin", ()).await.unwrap_err();
    })
    .await;
}

async fn preparing_and_executing<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    // Those that are used by their text are kept.
    let left = "select count(*) from pg_prepared_statements where name like 'purepg%' and statement <> 'select pg_backend_pid(), $1::text'";
    cover::<R, _>("prepare", &mut conn, async |conn| {
        let statement = conn.prepare("select $1::int").await.unwrap();
        assert_eq!(statement.params().len(), 1);
    })
    .await;
    assert_eq!(
        conn.fetch_scalar::<i64>(left, ()).await.unwrap(),
        0,
        "nothing is left behind"
    );
    let statement = conn.prepare("select $1::int").await.unwrap();
    cover::<R, _>("execute a prepared statement", &mut conn, async |conn| {
        assert_eq!(conn.fetch_scalar::<i32>(&statement, (3,)).await.unwrap(), 3);
    })
    .await;
    cover::<R, _>("closing rides along", &mut conn, async |conn| {
        drop(conn.prepare("select 1").await);
        conn.execute("select 2", ()).await.unwrap();
    })
    .await;
    assert_eq!(conn.fetch_scalar::<i64>(left, ()).await.unwrap(), 1);
}

async fn streams<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let sql = "select generate_series(1, $1)";
    cover::<R, _>("query and next", &mut conn, async |conn| {
        let mut rows = conn.query(sql, (5,)).await.unwrap();
        let mut sum = 0;
        while let Some(row) = rows.next().await {
            sum += row.unwrap().get::<i32>(0).unwrap();
        }
        assert_eq!(sum, 15);
    })
    .await;
    cover::<R, _>("next_batch", &mut conn, async |conn| {
        let mut rows = conn.query(sql, (5,)).await.unwrap();
        let mut count = 0;
        while let Some(batch) = rows.next_batch().await.unwrap() {
            count += batch.len();
        }
        assert_eq!(count, 5);
    })
    .await;
    cover::<R, _>("row_count", &mut conn, async |conn| {
        let rows = conn
            .query("select generate_series(1, 5)", ())
            .await
            .unwrap();
        assert_eq!(rows.row_count().await.unwrap(), 5);
    })
    .await;
    // The future of `next` is dropped and asked for again: no row is lost.
    for polls in 1..40 {
        let mut rows = conn.query(sql, (5,)).await.unwrap();
        let mut numbers = Vec::new();
        loop {
            match drop_after(rows.next(), polls).await {
                None => {}
                Some(Some(row)) => numbers.push(row.unwrap().get::<i32>(0).unwrap()),
                Some(None) => break,
            }
        }
        assert_eq!(numbers, [1, 2, 3, 4, 5], "dropped every {polls} polls");
    }
}

async fn streams_forgotten<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    cover::<R, _>("a stream forgotten", &mut conn, async |conn| {
        let mut rows = conn
            .query("select generate_series(1, 5)", ())
            .await
            .unwrap();
        let _ = rows.next().await;
        std::mem::forget(rows);
    })
    .await;
}

async fn notifications<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let channel = format!("dropped_{process}");
    conn.execute(&format!("listen {channel}"), ())
        .await
        .unwrap();
    conn.execute(&format!("notify {channel}, 'kept'"), ())
        .await
        .unwrap();
    let mut speaker = cx.connect().await;
    let mut heard = 0;
    for polls in 0..60 {
        let payload = format!("p{polls}");
        speaker
            .execute("select pg_notify($1, $2)", (&channel, &payload))
            .await
            .unwrap();
        if let Some(notification) = drop_after(conn.notification(), polls).await {
            notification.unwrap();
            heard += 1;
        }
        check(&mut conn, process, TransactionStatus::Idle).await;
    }
    while heard < 61 {
        conn.notification().await.unwrap();
        heard += 1;
    }
    assert_eq!(conn.dropped_notifications(), 0, "none was lost");
}

async fn listening<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let name = "A \"channel\"";
    for (method, left) in [("listen", 1), ("unlisten", 0), ("unlisten_all", 0)] {
        if method == "unlisten_all" {
            conn.listen(name).await.unwrap();
            conn.listen("another").await.unwrap();
        }
        let places = drop_at(
            &mut conn,
            async |conn: &mut Slow<R>| match method {
                "listen" => conn.listen(name).await.unwrap(),
                "unlisten" => conn.unlisten(name).await.unwrap(),
                _ => conn.unlisten_all().await.unwrap(),
            },
            async |conn, _| check(conn, process, TransactionStatus::Idle).await,
        )
        .await;
        println!("{method}: dropped at {places} places");
        assert!(places > 10, "{method}: only {places} places");
        let count = "select count(*) from pg_listening_channels()";
        let count: i64 = conn.fetch_scalar(count, ()).await.unwrap();
        assert_eq!(count, left, "{method}");
    }
}

async fn notifications_for_so_long<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let channel = format!("long_{process}");
    conn.listen(&channel).await.unwrap();
    let mut speaker = cx.connect().await;
    // The time runs out, or the future is dropped, amid a message: none is lost, and none comes twice.
    let (mut said, mut next) = (0, 0);
    let mut hear = |notification: Option<Notification>| {
        if let Some(notification) = notification {
            assert_eq!(notification.payload(), next.to_string());
            next += 1;
        }
        next
    };
    for polls in 0..80 {
        let sql = "select pg_notify($1, $2)";
        speaker
            .execute(sql, (&channel, said.to_string()))
            .await
            .unwrap();
        said += 1;
        let time = Duration::from_micros(polls * 20);
        hear(conn.notification_timeout(time).await.unwrap());
        let polls = polls.try_into().unwrap();
        let dropped = drop_after(conn.notification_timeout(Duration::from_millis(5)), polls).await;
        hear(dropped.and_then(Result::unwrap));
        if polls % 3 == 0 {
            check(&mut conn, process, TransactionStatus::Idle).await;
        }
    }
    while hear(None) < said {
        hear(Some(conn.notification().await.unwrap()));
    }
    assert_eq!(conn.dropped_notifications(), 0, "none was lost");
}

async fn a_stream_of_notifications<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let channel = format!("stream_{process}");
    conn.listen(&channel).await.unwrap();
    let sql = "select pg_notify($1, g::text) from generate_series(1, 3) g";
    let mut speaker = cx.connect().await;
    for polls in 1..60 {
        // What is under way is abandoned, then the stream begins.
        drop(
            conn.query("select generate_series(1, 3)", ())
                .await
                .unwrap(),
        );
        speaker.execute(sql, (&channel,)).await.unwrap();
        let mut heard = 0;
        while heard < 3 {
            match drop_after(conn.notifications().next(), polls).await {
                Some(notification) => {
                    heard += 1;
                    let notification = notification.unwrap().unwrap();
                    assert_eq!(notification.payload(), heard.to_string());
                }
                None => check(&mut conn, process, TransactionStatus::Idle).await,
            }
        }
        assert!(conn.try_notification().is_none());
        check(&mut conn, process, TransactionStatus::Idle).await;
    }
}

async fn pings<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    let process = conn.process_id().unwrap();
    let places = drop_at(
        &mut conn,
        async |conn| conn.ping().await.unwrap(),
        async |conn, _| check(conn, process, TransactionStatus::Idle).await,
    )
    .await;
    println!("ping: dropped at {places} places");
    assert!(places >= 5);
}

async fn closing<R: Runtime>(cx: Context<R>) {
    for polls in 0.. {
        let mut conn = cx.connect_slowly().await;
        drop(
            conn.query("select generate_series(1, 100)", ())
                .await
                .unwrap(),
        );
        match drop_after(conn.close(), polls).await {
            None => {}
            Some(result) => {
                let closed: Result<(), Error> = result;
                closed.unwrap();
                assert!(polls >= 1);
                println!("close: dropped at {polls} places");
                break;
            }
        }
    }
}
