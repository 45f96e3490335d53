//! The calls that are no queries, dropped at every poll: transactions in every form, statements by name, the session; and what is
//! forgotten (`mem::forget`) instead of being dropped.

use std::future::poll_fn;
use std::mem::forget;
use std::task::Poll;

use purepg_conn::{
    ByteStream, Connection, Error, IsolationLevel, Message, Query, RowRef, Runtime,
    TransactionStatus, Type,
};
use purepg_testkit::drop_at::{drop_after, drop_at};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::drops::{check, nothing_is_left};
use purepg_tests_live::{Context, Slow, live_by_turns};

live_by_turns!(
    a_transaction_that_is_retried,
    transactions_with_errors_of_their_own,
    transactions_with_options,
    preparing,
    closing_a_statement,
    resetting,
    resetting_in_a_transaction,
    resetting_in_a_transaction_of_a_text,
    messages_are_not_lost_with_a_future,
    results_are_not_lost_with_a_future,
    lent_rows_are_shown_once,
    streams_that_are_forgotten,
    statements_that_are_forgotten,
    copies_that_are_forgotten,
    a_transaction_that_is_forgotten,
    a_transaction_that_is_forgotten_before_it_began,
);

/// A connection, and an empty table `t`.
async fn connect<R: Runtime>(cx: &Context<R>) -> Slow<R> {
    let mut conn = cx.connect_slowly().await;
    let sql = "create temporary table t (a int4)";
    conn.execute(sql, ()).await.unwrap();
    conn
}

async fn count<S: ByteStream>(conn: &mut Connection<S>) -> i64 {
    let sql = "select count(*) from t";
    conn.fetch_scalar(sql, ()).await.unwrap()
}

/// Drops an operation that inserts `rows` rows in one transaction, at every poll: all of them are there afterwards, or none.
async fn cover<R: Runtime>(
    cx: &Context<R>,
    name: &str,
    rows: i64,
    operation: impl AsyncFnMut(&mut Slow<R>),
) {
    let config = cx.config(USER_TRUST).statement_cache_size(2);
    let (mut conn, control) = cx.connect_switched(&config).await;
    let sql = "create temporary table t (a int4)";
    conn.execute(sql, ()).await.unwrap();
    let process = conn.process_id().unwrap();
    let (mut happened, mut not) = (0, 0);
    let places = drop_at(&mut conn, operation, async |conn, output| {
        assert!(!conn.in_transaction());
        check(conn, process, TransactionStatus::Idle).await;
        control.set(false);
        nothing_is_left(conn, 2).await;
        let count = count(conn).await;
        assert!(count == rows || count == 0, "{count} of {rows} rows");
        assert!(output.is_none() || count == rows, "completed");
        if count == rows {
            happened += 1;
        } else {
            not += 1;
        }
        assert!(conn.take_notice().is_none(), "nobody is warned of anything");
        conn.execute("delete from t", ()).await.unwrap();
        control.set(true);
    })
    .await;
    println!("{name}: dropped at {places} places, happened {happened}, not {not}");
    assert!(places > 100, "{name}: only {places} places");
    assert!(happened > 1 && (not > 1 || rows == 0), "both are seen");
}

async fn a_transaction_that_is_retried<R: Runtime>(cx: Context<R>) {
    cover(&cx, "retry", 2, async |conn| {
        let transaction = conn.transaction().isolation(IsolationLevel::Serializable);
        let mut attempts = 0;
        let done = transaction
            .retry(3, async |tx| {
                attempts += 1;
                tx.execute("insert into t values ($1)", (1,)).await?;
                if attempts == 1 {
                    let sql = "do $$ begin raise exception using errcode = '40001'; end $$";
                    tx.execute(sql, ()).await?;
                }
                tx.execute("insert into t values (2)", ()).await
            })
            .await;
        assert_eq!(done.unwrap(), 1);
    })
    .await;
}

#[derive(Debug)]
struct Own;

impl From<Error> for Own {
    fn from(error: Error) -> Self {
        panic!("{error}")
    }
}

async fn transactions_with_errors_of_their_own<R: Runtime>(cx: Context<R>) {
    cover(&cx, "try_transaction", 3, async |conn| {
        let done: Result<u64, Own> = conn
            .try_transaction(async |tx| {
                let inner: Result<(), Own> = tx
                    .try_transaction(async |tx| {
                        tx.execute("insert into t values (1)", ()).await?;
                        Err(Own)
                    })
                    .await;
                inner.unwrap_err();
                Ok(tx.execute("insert into t values (1), (2), (3)", ()).await?)
            })
            .await;
        assert_eq!(done.unwrap(), 3);
    })
    .await;
    cover(&cx, "try_transaction, failing", 0, async |conn| {
        let done: Result<(), Own> = conn
            .try_transaction(async |tx| {
                tx.execute("insert into t values ($1)", (1,)).await?;
                Err(Own)
            })
            .await;
        done.unwrap_err();
    })
    .await;
}

async fn transactions_with_options<R: Runtime>(cx: Context<R>) {
    cover(&cx, "a serializable transaction", 1, async |conn| {
        let transaction = conn.transaction().isolation(IsolationLevel::Serializable);
        let mut tx = transaction.deferrable(true).begin().await.unwrap();
        tx.execute("insert into t values ($1)", (1,)).await.unwrap();
        let mut inner = tx.transaction().begin().await.unwrap();
        inner.execute("insert into t values (2)", ()).await.unwrap();
        inner.rollback().await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    // It waits for what an abandoned query leaves.
    cover(&cx, "begin behind a query", 0, async |conn| {
        drop(conn.query("select 1", ()).await.unwrap());
        let tx = conn.transaction().read_only(true).begin().await.unwrap();
        drop(tx);
        let sql = "select generate_series(1, $1)";
        drop(conn.query(sql, (3,)).await.unwrap());
        conn.begin().await.unwrap().commit().await.unwrap();
    })
    .await;
}

async fn preparing<R: Runtime>(cx: Context<R>) {
    cover(&cx, "prepare, and both halves of it", 1, async |conn| {
        let statement = conn.prepare("insert into t values ($1)").await.unwrap();
        assert_eq!(statement.params(), [Type::INT4]);
        conn.execute(&statement, (1,)).await.unwrap();
        drop(statement);
        conn.prepare("select nothing").await.unwrap_err();
    })
    .await;
}

async fn closing_a_statement<R: Runtime>(cx: Context<R>) {
    cover(&cx, "close_statement", 2, async |conn| {
        let statement = conn.prepare("insert into t values ($1), (2)").await;
        let statement = statement.unwrap();
        let same = statement.clone();
        conn.close_statement(statement).await.unwrap();
        // A clone has the server prepare it again.
        conn.execute(&same, (1,)).await.unwrap();
    })
    .await;
}

/// Drops a reset at every poll, behind what is to be reset.
async fn cover_reset<R: Runtime>(
    cx: &Context<R>,
    name: &str,
    operation: impl AsyncFnMut(&mut Slow<R>),
    left_open: bool,
) {
    let (mut conn, control) = cx.connect_switched(&cx.config(USER_TRUST)).await;
    let process = conn.process_id().unwrap();
    let mut reset = 0;
    let places = drop_at(&mut conn, operation, async |conn, output| {
        conn.ping().await.unwrap();
        control.set(false);
        assert_eq!(
            conn.in_transaction(),
            conn.transaction_status() != TransactionStatus::Idle
        );
        if conn.in_transaction() {
            assert!(left_open, "no guard is left");
            assert!(output.is_none());
            conn.execute("rollback", ()).await.unwrap();
        }
        check(conn, process, TransactionStatus::Idle).await;
        let sql = "select current_setting('work_mem') = '1MB'";
        let set: bool = conn.fetch_scalar(sql, ()).await.unwrap();
        reset += i32::from(!set);
        assert!(!set || output.is_none(), "completed");
        assert!(conn.take_notice().is_none(), "nobody is warned of anything");
        // As it began.
        conn.reset().await.unwrap();
        nothing_is_left(conn, 0).await;
        control.set(true);
    })
    .await;
    println!("{name}: dropped at {places} places, reset {reset}");
    assert!(places > 40 && reset > 10, "{name}: {places}, {reset}");
}

async fn resetting<R: Runtime>(cx: Context<R>) {
    let operation = async |conn: &mut Slow<R>| {
        conn.execute("set work_mem to '1MB'", ()).await.unwrap();
        let statement = conn.prepare("select $1::int4").await.unwrap();
        conn.reset().await.unwrap();
        assert_eq!(conn.fetch_scalar::<i32>(&statement, (3,)).await.unwrap(), 3);
    };
    cover_reset(&cx, "reset", operation, false).await;
}

async fn resetting_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let operation = async |conn: &mut Slow<R>| {
        conn.execute("set work_mem to '1MB'", ()).await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        tx.execute("select pg_advisory_xact_lock(1, pg_backend_pid())", ())
            .await
            .unwrap();
        let mut inner = tx.begin().await.unwrap();
        inner.execute("select $1::int4", (1,)).await.unwrap();
        inner.reset().await.unwrap();
        assert!(inner.is_idle());
    };
    cover_reset(&cx, "reset in a transaction", operation, false).await;
}

async fn resetting_in_a_transaction_of_a_text<R: Runtime>(cx: Context<R>) {
    let operation = async |conn: &mut Slow<R>| {
        conn.execute("set work_mem to '1MB'", ()).await.unwrap();
        conn.execute("begin", ()).await.unwrap();
        conn.reset().await.unwrap();
        assert!(conn.is_idle());
    };
    cover_reset(&cx, "reset in a transaction of a text", operation, true).await;
}

/// Lets the reactor see what has come.
async fn let_others_run() {
    let mut done = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut done, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The future of `next` is dropped and asked for again.
async fn messages_are_not_lost_with_a_future<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    for polls in 1..60 {
        let sql = "select 1; select generate_series(2, 3)";
        let mut messages = conn.lowlevel_query(sql, ()).await.unwrap();
        let (mut columns, mut complete, mut numbers) = (0, 0, Vec::new());
        loop {
            match drop_after(messages.next(), polls).await {
                None => let_others_run().await,
                Some(Some(Ok(Message::Columns(_)))) => columns += 1,
                Some(Some(Ok(Message::Row(row)))) => numbers.push(row.get::<i32>(0).unwrap()),
                Some(Some(Ok(Message::Complete(_)))) => complete += 1,
                Some(Some(other)) => panic!("{other:?}"),
                Some(None) => break,
            }
        }
        assert_eq!((columns, complete, numbers), (2, 2, vec![1, 2, 3]));
        assert!(conn.is_idle());
    }
}

async fn results_are_not_lost_with_a_future<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    for polls in 1..60 {
        let new = format!("select generate_series(1, $1) -- {polls}");
        let mut pipeline = conn.pipeline();
        pipeline.push("select $1::int4", (1,));
        pipeline.push(&new, (3,)).sync();
        pipeline.push("select 1 / $1::int4", (0,));
        pipeline.push("select $1::int4", (2,));
        let mut results = pipeline.run().await.unwrap();
        let mut told = Vec::new();
        loop {
            match drop_after(results.next(), polls).await {
                None => let_others_run().await,
                Some(Some(Ok(outcome))) => told.push(outcome.rows.len()),
                Some(Some(Err(Error::Aborted))) => told.push(90),
                Some(Some(Err(error))) => {
                    assert_eq!(error.sqlstate(), Some("22012"));
                    told.push(80);
                }
                Some(None) => break,
            }
        }
        assert_eq!(told, [1, 3, 80, 90], "dropped every {polls} polls");
        assert!(conn.is_idle());
    }
}

async fn lent_rows_are_shown_once<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    for polls in 1..60 {
        let new = format!("select generate_series(1, $1) -- {polls} lent");
        let mut pipeline = conn.pipeline();
        pipeline.push("select $1::int4", (1,));
        pipeline.push(&new, (3,)).sync();
        pipeline.push("select 1 / $1::int4", (0,));
        pipeline.push("select $1::int4", (2,)).sync();
        pipeline.push(&new, (4,));
        let mut results = pipeline.run().await.unwrap();
        let (mut shown, mut told) = (Vec::new(), Vec::new());
        let mut keeps = false;
        loop {
            // By turns, so that what one of them had kept is shown by the other.
            keeps = !keeps;
            let result = if keeps {
                let next = drop_after(results.next(), polls).await;
                next.map(|next| {
                    next.map(|result| {
                        let outcome = result?;
                        for row in &outcome.rows {
                            shown.push(row.get(0)?);
                        }
                        Ok(outcome.row_count)
                    })
                })
            } else {
                let show = |row: RowRef<'_>| {
                    shown.push(row.get::<i32>(0)?);
                    Ok(())
                };
                drop_after(results.next_with(show), polls).await
            };
            match result {
                None => let_others_run().await,
                Some(Some(Ok(count))) => told.push(count),
                Some(Some(Err(Error::Aborted))) => told.push(90),
                Some(Some(Err(error))) => {
                    assert_eq!(error.sqlstate(), Some("22012"));
                    told.push(80);
                }
                Some(None) => break,
            }
        }
        assert_eq!(told, [1, 3, 80, 90, 4], "dropped every {polls} polls");
        // `next` gives what it was not told before it began, so rows of one query may come late, but each comes once.
        shown.sort_unstable();
        assert_eq!(
            shown,
            [1, 1, 1, 2, 2, 3, 3, 4],
            "dropped every {polls} polls"
        );
        assert!(conn.is_idle());
    }
}

/// Forgets what `operation` does so at every poll.
async fn cover_forgotten<R: Runtime>(
    cx: &Context<R>,
    name: &str,
    operation: impl AsyncFnMut(&mut Slow<R>),
) {
    let mut conn = connect(cx).await;
    let places = purepg_tests_live::drops::cover::<R, _>(name, &mut conn, operation).await;
    assert!(places > 30, "{name}: only {places} places");
    assert_eq!(count(&mut conn).await, 0);
    assert!(conn.is_idle());
}

async fn streams_that_are_forgotten<R: Runtime>(cx: Context<R>) {
    let rows = "select generate_series(1, $1)";
    cover_forgotten(&cx, "a RowStream", async |conn| {
        forget(conn.query(rows, (9,)).await.unwrap());
        let mut rows = conn.query(rows, (9,)).await.unwrap();
        rows.next_batch().await.unwrap();
        forget(rows);
    })
    .await;
    cover_forgotten(&cx, "a MessageStream", async |conn| {
        forget(conn.lowlevel_query(rows, (9,)).await.unwrap());
        let mut messages = conn.lowlevel_query(rows, (9,)).await.unwrap();
        messages.next().await.unwrap().unwrap();
        messages.next().await.unwrap().unwrap();
        forget(messages);
    })
    .await;
    // What was sent without its end is undone.
    cover_forgotten(&cx, "a pipeline", async |conn| {
        let mut pipeline = conn.pipeline();
        pipeline.push("insert into t values ($1)", (1,));
        forget(pipeline);
        let mut pipeline = conn.pipeline();
        pipeline.push("insert into t values ($1)", (1,));
        pipeline.push("select 1 / $1::int4", (0,)).sync();
        pipeline.push(rows, (9,));
        let mut results = pipeline.run().await.unwrap();
        results.next().await.unwrap().unwrap();
        forget(results);
    })
    .await;
}

/// Neither that which was on its way, a name for a statement that nobody has yet, nor one that a future has that is never heard of again.
/// To the first byte no server is quick enough to answer; to whole messages it often is.
async fn statements_that_are_forgotten<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(1);
    let (mut conn, control) = cx.connect_switched(&config).await;
    for (n, one_byte) in (0..40).zip([true, false].into_iter().cycle()) {
        let sql = format!("select $1::int4 + {n}");
        let nothing = format!("create temporary table if not exists t{n} (a int4)");
        control.set(one_byte);
        let mut pipeline = conn.pipeline();
        pipeline.push(&sql, (1,));
        let mut results = pipeline.run().await.unwrap();
        drop(drop_after(results.next(), 1).await);
        forget(results);
        for sql in [&sql, &nothing] {
            let mut preparing = Box::pin(conn.prepare(sql));
            drop(drop_after(preparing.as_mut(), 1).await);
            forget(preparing);
        }
        // One that is not kept, and one that is.
        let mut executing = Box::pin(conn.execute(Query::new(&*nothing).max_rows(1), ()));
        drop(drop_after(executing.as_mut(), 1 + n % 3).await);
        forget(executing);
        let mut fetching = Box::pin(conn.fetch(&*sql, (1,)));
        drop(drop_after(fetching.as_mut(), 1 + n % 3).await);
        forget(fetching);
        control.set(false);
        // What was on its way is known behind the first, and what has to be closed rides along with the second.
        conn.ping().await.unwrap();
        conn.ping().await.unwrap();
        nothing_is_left(&mut conn, 1).await;
    }
}

async fn copies_that_are_forgotten<R: Runtime>(cx: Context<R>) {
    let types = [Type::INT4];
    cover_forgotten(&cx, "CopyIn", async |conn| {
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        sink.send("1\n").await.unwrap();
        sink.flush().await.unwrap();
        forget(sink);
    })
    .await;
    cover_forgotten(&cx, "CopyInRows", async |conn| {
        let sql = "copy t from stdin (format binary)";
        let mut rows = conn.copy_in_rows(sql, &types).await.unwrap();
        rows.send((1,)).await.unwrap();
        forget(rows);
    })
    .await;
    cover_forgotten(&cx, "CopyOut", async |conn| {
        let sql = "copy (select generate_series(1, 9)) to stdout";
        let mut out = conn.copy_out(sql).await.unwrap();
        out.next_run().await.unwrap();
        forget(out);
    })
    .await;
    cover_forgotten(&cx, "CopyOutRows", async |conn| {
        let sql = "copy (select generate_series(1, 9)) to stdout (format binary)";
        let mut rows = conn.copy_out_rows(sql, &types).await.unwrap();
        rows.next().await.unwrap().unwrap();
        forget(rows);
    })
    .await;
}

/// It stays open, and the connection says so, whatever was dropped behind it; a reset ends it.
async fn a_transaction_that_is_forgotten<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = cx.connect_switched(&cx.config(USER_TRUST)).await;
    let process = conn.process_id().unwrap();
    let mut open = 0;
    let places = drop_at(
        &mut conn,
        async |conn: &mut Slow<R>| {
            let mut tx = conn.begin().await.unwrap();
            tx.execute("select pg_advisory_xact_lock(1, pg_backend_pid())", ())
                .await
                .unwrap();
            let mut inner = tx.begin().await.unwrap();
            inner.execute("select $1::int4", (1,)).await.unwrap();
            forget(inner);
            forget(tx);
            conn.fetch("select generate_series(1, $1)", (3,))
                .await
                .unwrap();
        },
        async |conn, output| {
            let is_open = conn.in_transaction();
            assert!(is_open || output.is_none());
            let status = if is_open {
                TransactionStatus::InTransaction
            } else {
                TransactionStatus::Idle
            };
            check(conn, process, status).await;
            control.set(false);
            assert_eq!(conn.in_transaction(), is_open);
            open += i32::from(is_open);
            conn.reset().await.unwrap();
            assert!(conn.is_idle());
            nothing_is_left(conn, 0).await;
            control.set(true);
        },
    )
    .await;
    println!("a forgotten transaction: dropped at {places} places, open at {open}");
    assert!(places > 100 && open > 30);
}

async fn a_transaction_that_is_forgotten_before_it_began<R: Runtime>(cx: Context<R>) {
    let mut conn = connect(&cx).await;
    forget(conn.begin().await.unwrap());
    assert!(conn.in_transaction() && !conn.is_idle());
    assert_eq!(conn.transaction_status(), TransactionStatus::Idle);
    // It begins with the next statement, whoever's that is.
    conn.execute("insert into t values (1)", ()).await.unwrap();
    assert_eq!(conn.transaction_status(), TransactionStatus::InTransaction);
    conn.reset().await.unwrap();
    assert!(conn.is_idle());
    let sql = "select to_regclass('t') is null";
    assert!(conn.fetch_scalar::<bool>(sql, ()).await.unwrap());
}
