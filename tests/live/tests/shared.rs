//! One connection for many tasks.

use std::cell::Cell;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, join, join_all, select};
use futures_util::stream::{FusedStream as _, StreamExt};
use purepg_conn::{Error, Runtime, TransactionStatus};
use purepg_testkit::drop_at::drop_after;
use purepg_tests_live::{Context, live};

live!(
    every_eager_query,
    a_hundred_at_once,
    nobody_is_kept_waiting_by_the_greedy,
    one_that_is_dropped_in_the_queue,
    one_that_is_dropped_amid_its_query,
    the_guard_is_the_connection,
    a_stream_forgotten_behind_the_guard,
    facts_without_waiting,
    facts_are_of_now,
    waiting_for_a_notification_keeps_nobody_out,
    notifications_amid_the_queries_of_others,
    waiting_for_so_long_and_no_longer,
    several_wait,
    a_stream_that_is_nobodys,
    acceptance_65_the_end_is_told_to_everybody,
    closing_it,
    unsharing_it,
    nobody_slips_into_a_transaction,
);

async fn nobody_slips_into_a_transaction<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let create = "create temp table counted (n int); insert into counted values (0)";
    shared.execute(create, ()).await.unwrap();
    // Read, wait, write: without the lock they would overwrite each other.
    let tasks = (0..20).map(|i| {
        let (shared, runtime) = (shared.clone(), &cx.runtime);
        async move {
            shared
                .with_transaction(async |tx| {
                    let n: i32 = tx.fetch_scalar("select n from counted", ()).await?;
                    runtime.sleep(Duration::from_millis(1)).await;
                    tx.execute("update counted set n = $1", (n + 1,)).await?;
                    if i % 4 == 0 {
                        Err(Error::NoRows)
                    } else {
                        Ok(())
                    }
                })
                .await
        }
    });
    let done = join_all(tasks).await;
    assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 15);
    let n: i32 = shared
        .fetch_scalar("select n from counted", ())
        .await
        .unwrap();
    assert_eq!(n, 15);
    assert!(!shared.in_transaction());
    let failed: Result<(), Box<dyn std::error::Error>> = shared
        .try_transaction(async |tx| {
            tx.execute("update counted set n = 0", ()).await?;
            Err("mine".into())
        })
        .await;
    assert_eq!(failed.unwrap_err().to_string(), "mine");
    let n: i32 = shared
        .fetch_scalar("select n from counted", ())
        .await
        .unwrap();
    assert_eq!(n, 15);
}

async fn every_eager_query<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let count = shared
        .execute("create temp table e (n int)", ())
        .await
        .unwrap();
    assert_eq!(count, 0);
    let insert = shared.prepare("insert into e values ($1)").await.unwrap();
    for n in 1..=3 {
        assert_eq!(shared.execute(&insert, (n,)).await.unwrap(), 1);
    }
    drop(insert);
    let rows = shared.clone().fetch("select n from e order by 1", ()).await;
    assert_eq!(rows.unwrap().len(), 3);
    let row = shared.fetch_one("select max(n) from e", ()).await.unwrap();
    assert_eq!(row.get::<i32>(0).unwrap(), 3);
    let row = shared
        .fetch_optional("select n from e where n = $1", (7,))
        .await;
    assert!(row.unwrap().is_none());
    let count: i64 = shared
        .fetch_scalar("select count(*) from e", ())
        .await
        .unwrap();
    assert_eq!(count, 3);
    let error = shared
        .fetch_one("select 1 where false", ())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoRows));
    let error = shared.execute("select nope", ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42703"));
    let values: Vec<(i32,)> = shared
        .fetch_as("select n from e order by 1", ())
        .await
        .unwrap();
    assert_eq!(values, [(1,), (2,), (3,)]);
    let insert = shared.prepare("insert into e values ($1)").await.unwrap();
    let count = shared.execute_many(&insert, (4..=9).map(|n| (n,))).await;
    assert_eq!(count.unwrap(), 6);
    shared.close_statement(insert).await.unwrap();
    shared.ping().await.unwrap();
    shared.execute("begin", ()).await.unwrap();
    shared.reset().await.unwrap();
    let error = shared.execute("select n from e", ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42P01"), "the table is discarded");
    assert!(shared.is_ready() && shared.is_idle());
}

async fn a_hundred_at_once<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    shared
        .execute("create temp table h (n int)", ())
        .await
        .unwrap();
    let tasks = (0..100).map(|n| {
        let shared = shared.clone();
        async move {
            for round in 0..5 {
                let text = format!("{n}/{round}");
                let back: String = shared
                    .fetch_scalar("select $1::text", (&text,))
                    .await
                    .unwrap();
                assert_eq!(back, text, "nobody gets what is another's");
                if n % 7 == 0 {
                    shared.execute("select nope", ()).await.unwrap_err();
                }
            }
            shared
                .execute("insert into h values ($1)", (n,))
                .await
                .unwrap()
        }
    });
    assert_eq!(join_all(tasks).await.iter().sum::<u64>(), 100);
    let sum: i64 = shared
        .fetch_scalar("select sum(n) from h", ())
        .await
        .unwrap();
    assert_eq!(sum, 4_950);
}

/// Who lets go and takes it again at once would never let anybody in, were the lock not fair.
async fn nobody_is_kept_waiting_by_the_greedy<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let over = Cell::new(false);
    let greedy = async {
        let mut count = 0_u32;
        while !over.get() {
            shared.execute("select 1", ()).await.unwrap();
            count += 1;
            assert!(count < 20_000, "the modest ones starve");
        }
        count
    };
    let modest = async {
        let ten = (0..10).map(|_| async {
            for _ in 0..10 {
                shared.execute("select 2", ()).await.unwrap();
            }
        });
        join_all(ten).await;
        over.set(true);
    };
    let (count, ()) = join(greedy, modest).await;
    println!("the greedy one had {count} turns while ten others had ten each");
    assert!(count <= 500, "{count} turns");
}

async fn one_that_is_dropped_in_the_queue<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let guard = shared.lock().await;
    let mut queued: Vec<_> = (0..20)
        .map(|n| {
            let shared = shared.clone();
            Some(Box::pin(async move {
                let n: i32 = shared.fetch_scalar("select $1::int", (n,)).await.unwrap();
                n
            }))
        })
        .collect();
    for task in queued.iter_mut().flatten() {
        assert!(task.as_mut().now_or_never().is_none());
    }
    // Some before it is their turn, and some when it is.
    for n in (0..20).step_by(3) {
        queued[n] = None;
    }
    drop(guard);
    queued[1] = None;
    queued[2] = None;
    let left = join_all(queued.into_iter().flatten()).await;
    assert_eq!(
        left,
        [4, 5, 7, 8, 10, 11, 13, 14, 16, 17]
            .into_iter()
            .chain([19])
            .collect::<Vec<_>>()
    );
    assert!(shared.into_inner().is_ok(), "nothing is left of the others");
}

async fn one_that_is_dropped_amid_its_query<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let sql = "select generate_series(1, 100000)";
    for polls in 0..40 {
        let done = drop_after(shared.fetch(sql, ()), polls).await.is_some();
        let n: i32 = shared.fetch_scalar("select $1::int", (7,)).await.unwrap();
        assert_eq!(n, 7);
        assert!(shared.is_idle());
        if done {
            break;
        }
    }
    // With others behind it.
    let sleeps = shared.execute("select pg_sleep(0.1)", ());
    let others = (0..10).map(|n| shared.fetch_scalar::<i32>("select $1::int", (n,)));
    let (dropped, others) = join(drop_after(sleeps, 1), join_all(others.collect::<Vec<_>>())).await;
    assert!(dropped.is_none());
    let others: Vec<i32> = others.into_iter().map(Result::unwrap).collect();
    assert_eq!(others, (0..10).collect::<Vec<_>>());
}

async fn the_guard_is_the_connection<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let rows = async {
        let mut guard = shared.lock().await;
        guard.execute("begin", ()).await.unwrap();
        let mut rows = guard
            .query("select generate_series(1, 1000)", ())
            .await
            .unwrap();
        let mut sum = 0;
        while let Some(row) = rows.next().await {
            sum += row.unwrap().get::<i32>(0).unwrap();
            cx.runtime.sleep(Duration::ZERO).await;
        }
        guard.execute("rollback", ()).await.unwrap();
        sum
    };
    let others = (0..20).map(|_| async {
        let status =
            "select now() <> clock_timestamp() and pg_current_xact_id_if_assigned() is null";
        shared.execute(status, ()).await.unwrap();
        let guard = shared.lock().await;
        assert!(!guard.in_transaction(), "nobody slips into a transaction");
    });
    let (sum, _) = join(rows, join_all(others)).await;
    assert_eq!(sum, 500_500);
}

async fn a_stream_forgotten_behind_the_guard<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let mut guard = shared.lock().await;
    let mut rows = guard
        .query("select generate_series(1, 1000)", ())
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    std::mem::forget(rows);
    drop(guard);
    assert!(!shared.is_ready(), "it is still under way");
    let n: i32 = shared.fetch_scalar("select $1::int", (7,)).await.unwrap();
    assert_eq!(n, 7);
    assert!(shared.is_ready());
}

async fn facts_without_waiting<R: Runtime>(cx: Context<R>) {
    let conn = cx.connect().await;
    let (process, endpoint) = (conn.process_id(), conn.endpoint().clone());
    let parameters = conn.parameters();
    let shared = conn.into_shared();
    let guard = shared.lock().await;
    assert!(shared.is_ready() && shared.is_idle());
    assert!(!shared.in_transaction() && !shared.is_dead());
    assert_eq!(
        (shared.process_id(), shared.endpoint()),
        (process, &endpoint)
    );
    assert_eq!(shared.parameters(), parameters);
    assert_eq!(shared.parameter("client_encoding").unwrap(), "UTF8");
    assert_eq!(shared.parameter("no such"), None);
    assert!(shared.server_timezone().is_some());
    drop(guard);
}

/// Also of what somebody else is doing.
async fn facts_are_of_now<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let mut guard = shared.lock().await;
    let before = shared.parameters();
    guard.execute("begin", ()).await.unwrap();
    assert_eq!(
        shared.transaction_status(),
        TransactionStatus::InTransaction
    );
    guard
        .execute("set application_name to 'changed'", ())
        .await
        .unwrap();
    assert_eq!(shared.parameter("application_name").unwrap(), "changed");
    assert_eq!(before.get("application_name"), Some(""), "a snapshot");
    guard.execute("select nope", ()).await.unwrap_err();
    assert_eq!(shared.transaction_status(), TransactionStatus::Failed);
    assert!(shared.in_transaction() && shared.is_ready() && !shared.is_idle());
    guard.execute("rollback", ()).await.unwrap();
    assert!(!shared.in_transaction());
    assert_eq!(shared.parameter("application_name").unwrap(), "");
    let query = guard.execute("select pg_sleep(0.1)", ());
    let look = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        shared.is_ready()
    };
    let (done, was_ready) = join(query, look).await;
    done.unwrap();
    assert!(!was_ready && shared.is_ready());
    cx.server()
        .terminate_backend(shared.process_id().unwrap())
        .unwrap();
    guard.execute("select pg_sleep(60)", ()).await.unwrap_err();
    assert!(shared.is_dead() && !shared.is_ready());
}

async fn waiting_for_a_notification_keeps_nobody_out<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let mut speaker = cx.connect().await;
    let channel = format!("shared_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    let wait = async {
        let mut heard = Vec::new();
        while heard.len() < 50 {
            heard.push(shared.notification().await.unwrap().payload().to_owned());
        }
        heard
    };
    let work = async {
        for i in 0..50 {
            speaker
                .execute("select pg_notify($1, $2)", (&channel, i.to_string()))
                .await
                .unwrap();
            for _ in 0..3 {
                let n: i32 = shared.fetch_scalar("select $1::int", (i,)).await.unwrap();
                assert_eq!(n, i);
            }
            if i % 10 == 0 {
                // Nothing but the socket has news.
                cx.runtime.sleep(Duration::from_millis(10)).await;
            }
        }
    };
    let (heard, ()) = join(wait, work).await;
    assert_eq!(heard, (0..50).map(|i| i.to_string()).collect::<Vec<_>>());
}

async fn notifications_amid_the_queries_of_others<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let channel = format!("amid_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    let wait = async {
        for i in 0..20 {
            assert_eq!(
                shared.notification().await.unwrap().payload(),
                i.to_string()
            );
        }
    };
    let work = async {
        for i in 0..20 {
            // One's own come amid the query that makes them.
            let sql = "select pg_notify($1, $2)";
            shared
                .execute(sql, (&channel, i.to_string()))
                .await
                .unwrap();
            if i % 4 == 0 {
                let rows = shared.fetch("select generate_series(1, 10000)", ());
                drop(drop_after(rows, 2).await);
            }
        }
    };
    join(wait, work).await;
    shared.unlisten(&channel).await.unwrap();
    let left = "select count(*) from pg_listening_channels()";
    assert_eq!(shared.fetch_scalar::<i64>(left, ()).await.unwrap(), 0);
    shared.listen(&channel).await.unwrap();
    shared.unlisten_all().await.unwrap();
    assert_eq!(shared.fetch_scalar::<i64>(left, ()).await.unwrap(), 0);
}

async fn waiting_for_so_long_and_no_longer<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let channel = format!("long_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    let little = Duration::from_millis(20);
    assert!(shared.notification_timeout(little).await.unwrap().is_none());
    assert!(
        shared
            .notification_timeout(Duration::ZERO)
            .await
            .unwrap()
            .is_none()
    );
    let sql = "select pg_notify($1, 'there')";
    shared.execute(sql, (&channel,)).await.unwrap();
    let guard = shared.lock().await;
    let none = shared.notification_timeout(little).await.unwrap();
    assert!(
        none.is_none(),
        "it does not wait for who has the connection"
    );
    drop(guard);
    let heard = shared.notification_timeout(Duration::ZERO).await.unwrap();
    assert_eq!(heard.unwrap().payload(), "there");
}

async fn several_wait<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let mut speaker = cx.connect().await;
    let channel = format!("several_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    let heard = std::cell::RefCell::new(Vec::new());
    let waiters = (0..10).map(|_| async {
        for _ in 0..10 {
            let number: u32 = shared
                .notification()
                .await
                .unwrap()
                .payload()
                .parse()
                .unwrap();
            heard.borrow_mut().push(number);
        }
    });
    let speak = async {
        for number in 0..100 {
            let sql = "select pg_notify($1, $2)";
            speaker
                .execute(sql, (&channel, number.to_string()))
                .await
                .unwrap();
        }
    };
    join(join_all(waiters), speak).await;
    let heard = heard.into_inner();
    assert_eq!(heard, (0..100).collect::<Vec<_>>(), "each once, in order");
}

async fn a_stream_that_is_nobodys<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let channel = format!("stream_{}", shared.process_id().unwrap());
    shared.listen(&channel).await.unwrap();
    let mut stream = shared.notifications();
    let say = async |payload: &str| {
        let sql = "select pg_notify($1, $2)";
        shared.execute(sql, (&channel, payload)).await.unwrap();
    };
    say("1").await;
    assert_eq!(stream.next().await.unwrap().unwrap().payload(), "1");
    let (second, ()) = join(StreamExt::next(&mut stream), say("2")).await;
    assert_eq!(second.unwrap().unwrap().payload(), "2");
    // Begun, and dropped: nothing is lost.
    assert!(drop_after(stream.next(), 1).await.is_none());
    drop(stream);
    say("3").await;
    let mut stream = shared.notifications();
    assert_eq!(stream.next().await.unwrap().unwrap().payload(), "3");
    cx.server()
        .terminate_backend(shared.process_id().unwrap())
        .unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"));
    assert!(stream.next().await.is_none() && stream.is_terminated());
}

async fn acceptance_65_the_end_is_told_to_everybody<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let process = shared.process_id().unwrap();
    let queries = (0..10).map(|_| shared.execute("select pg_sleep(60)", ()));
    let queries = join_all(queries.collect::<Vec<_>>());
    let waiters = (0..10).map(|_| shared.notification());
    let waiters = join_all(waiters.collect::<Vec<_>>());
    let terminate = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        cx.server().terminate_backend(process).unwrap();
    };
    let ((queries, waiters), ()) = join(join(queries, waiters), terminate).await;
    let errors = queries.into_iter().map(Result::unwrap_err);
    let errors = errors.chain(waiters.into_iter().map(Result::unwrap_err));
    for error in errors {
        assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
        assert!(!error.is_recoverable());
    }
    assert!(shared.is_dead());
}

async fn closing_it<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let process = shared.process_id().unwrap();
    let others = [shared.clone(), shared.clone(), shared.clone()];
    let wait = shared.notification();
    let close = others[0].clone().close();
    let (error, closed) = join(wait, close).await;
    closed.unwrap();
    assert!(matches!(error.unwrap_err(), Error::Closed));
    for other in &others {
        let error = other.execute("select 1", ()).await.unwrap_err();
        assert!(matches!(error, Error::Closed), "{error:?}");
        assert!(!other.is_ready());
    }
    for other in others {
        other.close().await.unwrap();
    }
    let mut watcher = cx.connect().await;
    let sql = "select count(*) from pg_stat_activity where pid = $1";
    for _ in 0..100 {
        if watcher.fetch_scalar::<i64>(sql, (process,)).await.unwrap() == 0 {
            return;
        }
        cx.runtime.sleep(Duration::from_millis(20)).await;
    }
    panic!("the server process lives on");
}

async fn unsharing_it<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let other = shared.clone();
    let shared = shared.into_inner().unwrap_err();
    {
        // Not while somebody waits.
        let wait = std::pin::pin!(other.notification());
        match select(wait, cx.runtime.sleep(Duration::from_millis(10))).await {
            Either::Left((heard, _)) => panic!("{heard:?}"),
            Either::Right(((), _)) => {}
        }
    }
    drop(other);
    let mut conn = shared.into_inner().unwrap();
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    let shared = conn.into_shared();
    shared.execute("begin", ()).await.unwrap();
    assert!(shared.in_transaction());
}
