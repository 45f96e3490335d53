//! Every future of a shared connection, dropped at every poll, over a stream that moves one byte and then says `Pending`, while others
//! wait for their turn and for notifications.

use futures_util::future::join3;
use purepg_conn::{Error, Runtime, SharedConnection, TransactionStatus};
use purepg_testkit::drop_at::{drop_after, drop_at};
use purepg_testkit::io::OneByte;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, Wrapped, live_by_turns};

live_by_turns!(
    eager_queries,
    preparing,
    the_guard,
    transactions,
    a_stream_forgotten_behind_the_guard,
    a_guard_that_is_forgotten,
    listening,
    notifications,
    amid_others,
    closing,
);

type Slow<R> = SharedConnection<OneByte<<R as Runtime>::Stream>>;

async fn connect<R: Runtime>(cx: &Context<R>) -> Slow<R> {
    let runtime = Wrapped::new(&cx.runtime, OneByte::new);
    let connected = purepg_conn::connect(runtime, &cx.config(USER_TRUST)).await;
    connected.unwrap().into_shared()
}

/// What has to be true of a connection whatever was dropped on it.
async fn check<R: Runtime>(shared: &Slow<R>) {
    let sql = "select pg_backend_pid(), $1::text";
    let row = shared.fetch_one(sql, ("mine",)).await.unwrap();
    let (process, mine): (i32, &str) = row.decode().unwrap();
    assert_eq!((Some(process), mine), (shared.process_id(), "mine"));
    assert!(shared.is_ready() && shared.is_idle() && !shared.is_dead());
    assert_eq!(shared.transaction_status(), TransactionStatus::Idle);
}

/// Drops an operation at every poll, and checks the connection after each.
async fn cover<R: Runtime, T>(
    name: &str,
    shared: &mut Slow<R>,
    operation: impl AsyncFnMut(&mut Slow<R>) -> T,
) {
    let places = drop_at(shared, operation, async |shared, _| {
        check::<R>(shared).await;
    })
    .await;
    println!("{name}: dropped at {places} places");
    assert!(places > 10, "{name}: only {places} places");
}

async fn eager_queries<R: Runtime>(cx: Context<R>) {
    let mut shared = connect(&cx).await;
    cover::<R, _>("fetch", &mut shared, async |shared| {
        let rows = shared.fetch("select generate_series(1, $1)", (3,)).await;
        assert_eq!(rows.unwrap().len(), 3);
    })
    .await;
    cover::<R, _>("fetch_one", &mut shared, async |shared| {
        shared.fetch_one("select $1::int", (3,)).await.unwrap();
    })
    .await;
    cover::<R, _>("fetch_optional", &mut shared, async |shared| {
        let row = shared.fetch_optional("select 1 where $1", (false,)).await;
        assert!(row.unwrap().is_none());
    })
    .await;
    cover::<R, _>("fetch_scalar", &mut shared, async |shared| {
        let three: i32 = shared.fetch_scalar("select $1::int", (3,)).await.unwrap();
        assert_eq!(three, 3);
    })
    .await;
    cover::<R, _>("execute", &mut shared, async |shared| {
        let count = shared.execute("select generate_series(1, 3)", ()).await;
        assert_eq!(count.unwrap(), 3);
    })
    .await;
    cover::<R, _>("an error", &mut shared, async |shared| {
        shared.execute("select nope", ()).await.unwrap_err();
    })
    .await;
    cover::<R, _>("fetch_as", &mut shared, async |shared| {
        let sql = "select generate_series(1, $1)";
        let values: Vec<(i32,)> = shared.fetch_as(sql, (3,)).await.unwrap();
        assert_eq!(values, [(1,), (2,), (3,)]);
    })
    .await;
    cover::<R, _>("execute_many", &mut shared, async |shared| {
        let sets = [(1,), (2,), (3,)];
        let count = shared.execute_many("select $1::int", sets).await;
        assert_eq!(count.unwrap(), 3);
    })
    .await;
    cover::<R, _>("reset", &mut shared, async |shared| {
        shared.reset().await.unwrap();
    })
    .await;
    let places = drop_at(
        &mut shared,
        async |shared: &mut Slow<R>| shared.ping().await.unwrap(),
        async |shared: &mut Slow<R>, _| check::<R>(shared).await,
    )
    .await;
    println!("ping: dropped at {places} places");
    assert!(places >= 5);
}

async fn preparing<R: Runtime>(cx: Context<R>) {
    let mut shared = connect(&cx).await;
    cover::<R, _>("prepare", &mut shared, async |shared| {
        let statement = shared.prepare("select 3 + $1").await.unwrap();
        assert_eq!(statement.params().len(), 1);
    })
    .await;
    cover::<R, _>("close_statement", &mut shared, async |shared| {
        let statement = shared.prepare("select 3 + $1").await.unwrap();
        shared.close_statement(statement).await.unwrap();
    })
    .await;
    let left = "select count(*) from pg_prepared_statements where statement like 'select 3%'";
    let left: i64 = shared.fetch_scalar(left, ()).await.unwrap();
    assert_eq!(left, 0, "nothing is left behind");
}

async fn the_guard<R: Runtime>(cx: Context<R>) {
    let mut shared = connect(&cx).await;
    cover::<R, _>("lock, and a lazy query", &mut shared, async |shared| {
        let mut guard = shared.lock().await;
        let mut rows = guard
            .query("select generate_series(1, $1)", (5,))
            .await
            .unwrap();
        let mut sum = 0;
        while let Some(row) = rows.next().await {
            sum += row.unwrap().get::<i32>(0).unwrap();
        }
        assert_eq!(sum, 15);
    })
    .await;
    cover::<R, _>("lock, and a transaction", &mut shared, async |shared| {
        let mut guard = shared.lock().await;
        guard
            .with_transaction(async |tx| tx.execute("select 1", ()).await)
            .await
            .unwrap();
    })
    .await;
}

async fn transactions<R: Runtime>(cx: Context<R>) {
    let mut shared = connect(&cx).await;
    cover::<R, _>("with_transaction", &mut shared, async |shared| {
        shared
            .with_transaction(async |tx| {
                let lock = "select pg_advisory_xact_lock(1, pg_backend_pid())";
                tx.execute(lock, ()).await?;
                tx.with_transaction(async |tx| tx.execute("select $1::int", (1,)).await)
                    .await
            })
            .await
            .unwrap();
    })
    .await;
    cover::<R, _>("try_transaction, failing", &mut shared, async |shared| {
        let failed: Result<(), Box<dyn std::error::Error>> = shared
            .try_transaction(async |tx| {
                let lock = "select pg_advisory_xact_lock(1, pg_backend_pid())";
                tx.execute(lock, ()).await?;
                Err("mine".into())
            })
            .await;
        assert!(failed.is_err());
    })
    .await;
    let sql =
        "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()";
    let locks: i64 = shared.fetch_scalar(sql, ()).await.unwrap();
    assert_eq!(locks, 0, "nothing is left behind");
}

/// It keeps the connection, and nothing else: who waits can give up, and facts are facts.
async fn a_guard_that_is_forgotten<R: Runtime>(cx: Context<R>) {
    let shared = connect(&cx).await;
    let mut guard = shared.lock().await;
    guard.ping().await.unwrap();
    std::mem::forget(guard);
    // Nobody wakes it, so more than one poll would never come.
    for polls in 0..2 {
        assert!(drop_after(shared.ping(), polls).await.is_none());
    }
    assert!(shared.is_idle() && !shared.is_dead());
    assert_eq!(shared.parameter("client_encoding").as_deref(), Some("UTF8"));
    assert!(shared.clone().into_inner().is_err());
    // Once it is nobody else's the lock does not matter.
    let mut conn = shared.into_inner().unwrap();
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    conn.close().await.unwrap();
}

async fn a_stream_forgotten_behind_the_guard<R: Runtime>(cx: Context<R>) {
    let mut shared = connect(&cx).await;
    cover::<R, _>("a stream forgotten", &mut shared, async |shared| {
        let mut guard = shared.lock().await;
        let mut rows = guard
            .query("select generate_series(1, 5)", ())
            .await
            .unwrap();
        let _ = rows.next().await;
        std::mem::forget(rows);
    })
    .await;
}

async fn listening<R: Runtime>(cx: Context<R>) {
    let mut shared = connect(&cx).await;
    cover::<R, _>("listen", &mut shared, async |shared| {
        shared
            .listen("a channel of a name that takes a while to be sent")
            .await
            .unwrap();
    })
    .await;
    cover::<R, _>("unlisten", &mut shared, async |shared| {
        shared
            .unlisten("a channel of a name that takes a while to be sent")
            .await
            .unwrap();
    })
    .await;
    cover::<R, _>("unlisten_all", &mut shared, async |shared| {
        shared.unlisten_all().await.unwrap();
    })
    .await;
}

async fn notifications<R: Runtime>(cx: Context<R>) {
    let shared = connect(&cx).await;
    let mut speaker = cx.connect().await;
    let channel = format!("shared_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    let (mut said, mut heard) = (0, 0);
    for polls in 0..60 {
        for how in 0..3 {
            let sql = "select pg_notify($1, $2)";
            let payload = said.to_string();
            speaker.execute(sql, (&channel, &payload)).await.unwrap();
            said += 1;
            let mut stream = shared.notifications();
            let second = std::time::Duration::from_secs(1);
            let notification = match how {
                0 => drop_after(shared.notification(), polls).await.map(Some),
                1 => drop_after(shared.notification_timeout(second), polls)
                    .await
                    .map(Result::transpose),
                _ => drop_after(stream.next(), polls).await,
            };
            if let Some(notification) = notification.flatten() {
                assert_eq!(notification.unwrap().payload(), heard.to_string());
                heard += 1;
            }
            check::<R>(&shared).await;
        }
    }
    while heard < said {
        let notification = shared.notification().await.unwrap();
        assert_eq!(notification.payload(), heard.to_string());
        heard += 1;
    }
    let guard = shared.lock().await;
    assert_eq!(guard.dropped_notifications(), 0, "none was lost");
}

/// One is dropped, another has its turn behind it, and a third hears what is said meanwhile.
async fn amid_others<R: Runtime>(cx: Context<R>) {
    let shared = connect(&cx).await;
    let channel = format!("amid_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    for polls in 0..150 {
        let dropped = drop_after(
            shared.fetch("select $1::int", (polls,)),
            polls.try_into().unwrap(),
        );
        let said = async {
            let sql = "select pg_notify($1, $2)";
            shared.execute(sql, (&channel, polls.to_string())).await
        };
        let (_, said, heard) = join3(dropped, said, shared.notification()).await;
        said.unwrap();
        assert_eq!(heard.unwrap().payload(), polls.to_string());
        check::<R>(&shared).await;
    }
}

async fn closing<R: Runtime>(cx: Context<R>) {
    for polls in 0.. {
        let shared = connect(&cx).await;
        let other = shared.clone();
        let closed: Option<Result<(), Error>> = drop_after(shared.close(), polls).await;
        let is_over = closed.is_some();
        if let Some(closed) = closed {
            closed.unwrap();
            println!("close: dropped at {polls} places");
        }
        // Whatever was done of it, the rest can be done.
        other.clone().close().await.unwrap();
        assert!(matches!(other.ping().await, Err(Error::Closed)));
        if is_over {
            break;
        }
    }
}
