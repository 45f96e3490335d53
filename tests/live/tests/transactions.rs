//! Transactions: committed at the end, rolled back on an error and when dropped, nested, told from what a text does.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use purepg_conn::{
    Connection, Error, IsolationLevel, Runtime, Transaction, TransactionStatus, UsageError,
};
use purepg_testkit::drop_at::drop_at;
use purepg_tests_live::{Context, Slow, live};

live!(
    a_transaction_is_committed,
    a_transaction_that_is_dropped_is_rolled_back,
    work_that_fails_is_rolled_back,
    work_that_panics_is_rolled_back,
    work_with_errors_of_its_own,
    nothing_is_written_for_a_transaction_without_a_statement,
    the_beginning_rides_with_the_first_statement,
    a_beginning_that_fails_is_reported_by_the_first_statement,
    the_whole_api_is_there,
    a_savepoint_is_a_transaction_in_a_transaction,
    savepoints_that_were_never_begun,
    isolation_levels,
    commit_of_a_failed_transaction_is_an_error,
    acceptance_30_a_deferred_constraint_fails_the_commit,
    a_text_that_ends_the_transaction,
    a_text_that_began_one,
    the_connection_lost_amid_a_commit,
    a_conflict_is_tried_again,
    dropped_anywhere,
    a_commit_dropped_anywhere,
);

async fn table<S: purepg_conn::ByteStream>(conn: &mut Connection<S>) {
    conn.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
}

async fn sum<S: purepg_conn::ByteStream>(conn: &mut Connection<S>) -> i64 {
    let sql = "select coalesce(sum(a), 0) from t";
    conn.fetch_scalar(sql, ()).await.unwrap()
}

async fn a_transaction_is_committed<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    assert!(tx.in_transaction());
    assert_eq!(
        tx.execute("insert into t values ($1)", (1,)).await.unwrap(),
        1
    );
    assert_eq!(tx.transaction_status(), TransactionStatus::InTransaction);
    assert_eq!(tx.execute("insert into t values (2)", ()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(!conn.in_transaction() && conn.is_idle());
    let inserted = conn
        .with_transaction(async |tx| tx.execute("insert into t values ($1)", (4,)).await)
        .await;
    assert_eq!(inserted.unwrap(), 1);
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (8)", ()).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 7);
}

async fn a_transaction_that_is_dropped_is_rolled_back<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    for params in [false, true] {
        let mut tx = conn.begin().await.unwrap();
        if params {
            tx.execute("insert into t values ($1)", (1,)).await.unwrap();
        } else {
            tx.execute("insert into t values (1)", ()).await.unwrap();
        }
        drop(tx);
        assert!(!conn.in_transaction(), "it is over");
        assert!(
            !conn.is_ready() && !conn.is_idle(),
            "its end has still to be said"
        );
        assert_eq!(sum(&mut conn).await, 0);
        assert!(conn.is_idle());
    }
    // Amid a statement, and amid its rows.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1)", ()).await.unwrap();
    let mut rows = tx
        .query("select generate_series(1, 100000)", ())
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    drop(tx);
    assert_eq!(sum(&mut conn).await, 0);
    // Behind an error.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("select 1/0", ()).await.unwrap_err();
    assert_eq!(tx.transaction_status(), TransactionStatus::Failed);
    drop(tx);
    assert_eq!(sum(&mut conn).await, 0);
    assert!(conn.take_notice().is_none(), "nobody is warned of anything");
}

async fn work_that_fails_is_rolled_back<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let failed: Result<(), Error> = conn
        .with_transaction(async |tx| {
            tx.execute("insert into t values (1)", ()).await?;
            tx.execute("insert into t values ($1 / 0)", (1,)).await?;
            Ok(())
        })
        .await;
    assert_eq!(failed.unwrap_err().sqlstate(), Some("22012"));
    assert!(conn.is_idle(), "the rollback was waited for");
    let failed: Result<(), Error> = conn
        .with_transaction(async |tx| {
            tx.execute("insert into t values (1)", ()).await?;
            Err(Error::NoRows)
        })
        .await;
    assert!(matches!(failed, Err(Error::NoRows)));
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 0);
}

async fn work_that_panics_is_rolled_back<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let work = conn.with_transaction(async |tx| {
        tx.execute("insert into t values (1)", ()).await?;
        if tx.in_transaction() {
            // Without a message on the console.
            std::panic::resume_unwind(Box::new("it panics"));
        }
        Ok(())
    });
    assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
    assert_eq!(sum(&mut conn).await, 0);
    assert!(conn.is_idle());
}

#[derive(Debug)]
enum Own {
    Said(&'static str),
    Postgres(Error),
}

impl From<Error> for Own {
    fn from(error: Error) -> Self {
        Self::Postgres(error)
    }
}

async fn work_with_errors_of_its_own<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let failed: Result<(), Own> = conn
        .try_transaction(async |tx| {
            tx.execute("insert into t values (1)", ()).await?;
            Err(Own::Said("no"))
        })
        .await;
    assert!(matches!(failed, Err(Own::Said("no"))));
    let failed: Result<u64, Own> = conn
        .try_transaction(async |tx| Ok(tx.execute("nonsense", ()).await?))
        .await;
    assert!(matches!(failed, Err(Own::Postgres(error)) if error.sqlstate() == Some("42601")));
    assert_eq!(sum(&mut conn).await, 0);
}

async fn nothing_is_written_for_a_transaction_without_a_statement<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let tx = conn.begin().await.unwrap();
    assert!(tx.in_transaction());
    tx.commit().await.unwrap();
    assert!(!conn.in_transaction() && conn.is_idle());
    conn.begin().await.unwrap().rollback().await.unwrap();
    drop(conn.begin().await.unwrap());
    assert!(conn.is_idle());
    // Nobody reads any more: what was written could not have been answered.
    let mut conn = cx.connect_slowly().await;
    let begun = conn.begin().now_or_never().expect("it waits for nothing");
    let committed = begun.unwrap().commit().now_or_never();
    committed.expect("it waits for nothing").unwrap();
}

async fn the_beginning_rides_with_the_first_statement<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let statement = conn.prepare("insert into t values ($1)").await.unwrap();
    // A simple query, an unprepared one with parameters, a prepared one, a stream, and none of them.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1)", ()).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values ($1)", (2,)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute(&statement, (4,)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let stream = tx
        .query("insert into t values (8) returning a", ())
        .await
        .unwrap();
    assert_eq!(stream.row_count().await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.ping().await.unwrap();
    assert_eq!(tx.transaction_status(), TransactionStatus::InTransaction);
    let inner = tx.prepare("insert into t values ($1)").await.unwrap();
    tx.execute(&inner, (16,)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sum(&mut conn).await, 31);
    // Several statements in one text are part of it.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (32); insert into t values (64)", ())
        .await
        .unwrap();
    drop(tx);
    assert_eq!(sum(&mut conn).await, 31);
}

async fn a_beginning_that_fails_is_reported_by_the_first_statement<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    for params in [true, false] {
        let mut tx = conn.begin().await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        // A savepoint cannot be made in a failed transaction: its failure is the statement's, which is not run.
        inner.execute("nonsense", ()).await.unwrap_err();
        drop(inner);
        tx.execute("insert into t values (1)", ()).await.unwrap();
        tx.execute("nonsense", ()).await.unwrap_err();
        let mut inner = tx.begin().await.unwrap();
        let failed = if params {
            inner.execute("insert into t values ($1)", (1,)).await
        } else {
            inner.execute("insert into t values (1)", ()).await
        };
        assert_eq!(failed.unwrap_err().sqlstate(), Some("25P02"));
        drop(inner);
        assert!(matches!(tx.commit().await, Err(Error::RolledBack)));
        assert_eq!(sum(&mut conn).await, 0);
        assert!(conn.is_idle());
    }
}

async fn adds_three<S: purepg_conn::ByteStream>(conn: &mut Connection<S>) -> Result<(), Error> {
    conn.execute("insert into t values ($1)", (3,)).await?;
    Ok(())
}

async fn the_whole_api_is_there<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx: Transaction<'_, _> = conn.begin().await.unwrap();
    adds_three(&mut tx).await.unwrap();
    let rows = tx.fetch("select a from t", ()).await.unwrap();
    assert_eq!(rows[0].get::<i32>(0).unwrap(), 3);
    assert_eq!(tx.parameter("client_encoding"), Some("UTF8"));
    tx.commit().await.unwrap();
    adds_three(&mut conn).await.unwrap();
    assert_eq!(sum(&mut conn).await, 6);
}

async fn a_savepoint_is_a_transaction_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1)", ()).await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    inner.execute("insert into t values (2)", ()).await.unwrap();
    inner.commit().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    inner.execute("insert into t values (4)", ()).await.unwrap();
    inner.rollback().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    inner.execute("insert into t values (8)", ()).await.unwrap();
    let mut innermost = inner.begin().await.unwrap();
    innermost.execute("nonsense", ()).await.unwrap_err();
    drop(innermost);
    inner
        .execute("insert into t values (16)", ())
        .await
        .unwrap();
    drop(inner);
    assert_eq!(sum(&mut tx).await, 3, "dropped with all in it");
    let failed: Result<(), Error> = tx
        .with_transaction(async |tx| {
            tx.execute("insert into t values (32)", ()).await?;
            tx.execute("select 1/0", ()).await?;
            Ok(())
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(sum(&mut tx).await, 3, "the transaction lives on");
    tx.commit().await.unwrap();
    assert_eq!(sum(&mut conn).await, 3);
    assert!(conn.is_idle());
}

async fn savepoints_that_were_never_begun<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    let mut innermost = inner.begin().await.unwrap();
    // Both savepoints and the transaction begin here.
    innermost
        .execute("insert into t values (1)", ())
        .await
        .unwrap();
    drop(innermost);
    inner.execute("insert into t values (2)", ()).await.unwrap();
    inner.commit().await.unwrap();
    drop(tx.begin().await.unwrap());
    tx.begin().await.unwrap().commit().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sum(&mut conn).await, 2);
    let builder = conn.begin().await.unwrap();
    let mut tx = builder;
    let refused = tx.transaction().read_only(true).begin().await;
    assert!(matches!(refused, Err(Error::Usage(error)) if *error == UsageError::SavepointOptions));
}

async fn isolation_levels<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for (level, text) in [
        (IsolationLevel::ReadUncommitted, "read uncommitted"),
        (IsolationLevel::ReadCommitted, "read committed"),
        (IsolationLevel::RepeatableRead, "repeatable read"),
        (IsolationLevel::Serializable, "serializable"),
    ] {
        let builder = conn
            .transaction()
            .isolation(level)
            .read_only(true)
            .deferrable(true);
        let mut tx = builder.begin().await.unwrap();
        let sql = "select current_setting('transaction_isolation') || current_setting('transaction_read_only') || current_setting('transaction_deferrable')";
        let shown: String = tx.fetch_scalar(sql, ()).await.unwrap();
        assert_eq!(shown, format!("{text}onon"));
        tx.commit().await.unwrap();
    }
    let mut tx = conn
        .transaction()
        .read_only(false)
        .deferrable(false)
        .begin()
        .await
        .unwrap();
    let shown: String = tx
        .fetch_scalar("show transaction_read_only", ())
        .await
        .unwrap();
    assert_eq!(shown, "off");
    tx.rollback().await.unwrap();
    let mut tx = conn.transaction().read_only(true).begin().await.unwrap();
    let refused = tx.execute("create table nowhere (a int4)", ()).await;
    assert_eq!(refused.unwrap_err().sqlstate(), Some("25006"));
}

async fn commit_of_a_failed_transaction_is_an_error<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1)", ()).await.unwrap();
    tx.execute("nonsense", ()).await.unwrap_err();
    assert!(matches!(tx.commit().await, Err(Error::RolledBack)));
    assert!(conn.is_idle());
    let done = conn
        .with_transaction(async |tx| {
            tx.execute("insert into t values (1)", ()).await?;
            // The error is not passed on.
            let _ = tx.execute("nonsense", ()).await;
            Ok(())
        })
        .await;
    assert!(matches!(done, Err(Error::RolledBack)));
    assert_eq!(sum(&mut conn).await, 0);
}

async fn acceptance_30_a_deferred_constraint_fails_the_commit<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "create temporary table d (a int4 unique deferrable initially deferred)";
    conn.execute(sql, ()).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into d values (1), (1)", ())
        .await
        .unwrap();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("23505"));
    assert!(error.is_recoverable() && conn.is_idle());
    let rows = conn.fetch("select * from d", ()).await.unwrap();
    assert!(rows.is_empty());
}

async fn a_text_that_ends_the_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1)", ()).await.unwrap();
    tx.execute("commit", ()).await.unwrap();
    let refused = tx.execute("insert into t values (2)", ()).await;
    assert!(matches!(refused, Err(Error::Usage(error)) if *error == UsageError::TransactionOver));
    let refused = tx.commit().await;
    assert!(matches!(refused, Err(Error::Usage(error)) if *error == UsageError::TransactionOver));
    assert_eq!(sum(&mut conn).await, 1);
    assert!(conn.is_idle() && conn.take_notice().is_none());
}

async fn a_text_that_began_one<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("begin", ()).await.unwrap();
    let refused = conn.begin().await.unwrap_err();
    assert!(matches!(refused, Error::Usage(error) if *error == UsageError::TransactionOpen));
    conn.execute("rollback", ()).await.unwrap();
    conn.begin().await.unwrap().commit().await.unwrap();
}

async fn the_connection_lost_amid_a_commit<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut other = cx.connect().await;
    conn.execute("create temporary table s (a int4)", ())
        .await
        .unwrap();
    let sql = "create function pg_temp.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(10); return null; end $$";
    conn.execute(sql, ()).await.unwrap();
    let sql = "create constraint trigger slow after insert on s deferrable initially deferred for each row execute function pg_temp.slow()";
    conn.execute(sql, ()).await.unwrap();
    let process = conn.process_id().unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into s values (1)", ()).await.unwrap();
    let kill = async {
        cx.runtime.sleep(Duration::from_millis(200)).await;
        other
            .execute("select pg_terminate_backend($1)", (process,))
            .await
            .unwrap();
    };
    let (committed, ()) = futures_util::future::join(tx.commit(), kill).await;
    let Err(Error::CommitUnknown(why)) = committed else {
        panic!("{committed:?}");
    };
    assert_eq!(why.sqlstate(), Some("57P01"));
    assert!(conn.is_dead());
    // Dead before the COMMIT: nobody can have committed anything.
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let process = conn.process_id().unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1)", ()).await.unwrap();
    other
        .execute("select pg_terminate_backend($1)", (process,))
        .await
        .unwrap();
    tx.fetch("select 1", ()).await.unwrap_err();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"));
    assert!(!matches!(error, Error::CommitUnknown(_)));
}

async fn a_conflict_is_tried_again<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut attempts = 0;
    let transaction = conn.transaction().isolation(IsolationLevel::Serializable);
    let done = transaction
        .retry(5, async |tx| {
            attempts += 1;
            tx.execute("insert into t values (1)", ()).await?;
            if attempts < 3 {
                let sql = "do $$ begin raise exception using errcode = '40001'; end $$";
                tx.execute(sql, ()).await?;
            }
            Ok(attempts)
        })
        .await;
    assert_eq!(done.unwrap(), 3);
    assert_eq!(sum(&mut conn).await, 1);
    let mut attempts = 0;
    let failed: Result<(), Error> = conn
        .transaction()
        .retry(2, async |tx| {
            attempts += 1;
            let sql = "do $$ begin raise exception using errcode = '40P01'; end $$";
            tx.execute(sql, ()).await.map(drop)
        })
        .await;
    assert_eq!(failed.unwrap_err().sqlstate(), Some("40P01"));
    assert_eq!(attempts, 2);
    let failed: Result<(), Error> = conn
        .transaction()
        .retry(9, async |tx| tx.execute("select 1/0", ()).await.map(drop))
        .await;
    assert_eq!(failed.unwrap_err().sqlstate(), Some("22012"));
    assert!(conn.is_idle());
}

async fn slow<R: Runtime>(cx: &Context<R>) -> Slow<R> {
    let mut conn = cx.connect_slowly().await;
    table(&mut conn).await;
    conn
}

/// Whatever was dropped: no transaction is open, and nothing of it stays.
async fn dropped_anywhere<R: Runtime>(cx: Context<R>) {
    let mut conn = slow(&cx).await;
    let process = conn.process_id();
    let places = drop_at(
        &mut conn,
        async |conn: &mut Slow<R>| {
            let mut tx = conn.begin().await.unwrap();
            tx.execute("insert into t values (1)", ()).await.unwrap();
            let mut inner = tx.begin().await.unwrap();
            inner
                .execute("insert into t values ($1)", (2,))
                .await
                .unwrap();
            inner.rollback().await.unwrap();
            tx.execute("nonsense", ()).await.unwrap_err();
            tx.rollback().await.unwrap();
        },
        async |conn, _| {
            assert!(!conn.in_transaction());
            assert_eq!(sum(conn).await, 0);
            assert!(conn.is_idle() && conn.process_id() == process);
            assert!(
                conn.take_notice().is_none(),
                "no rollback without a transaction"
            );
        },
    )
    .await;
    println!("a transaction: dropped at {places} places");
    assert!(places > 100, "{places}");
}

/// All of it or nothing, and nothing before the COMMIT was sent.
async fn a_commit_dropped_anywhere<R: Runtime>(cx: Context<R>) {
    for nested in [false, true] {
        let mut conn = slow(&cx).await;
        let mut committed = 0;
        let places = drop_at(
            &mut conn,
            async |conn: &mut Slow<R>| {
                conn.with_transaction(async |tx| {
                    tx.execute("insert into t values ($1)", (1,)).await?;
                    if nested {
                        tx.with_transaction(async |tx| {
                            tx.execute("insert into t values (1)", ()).await.map(drop)
                        })
                        .await?;
                    }
                    tx.execute("insert into t values (1)", ()).await.map(drop)
                })
                .await
                .unwrap();
            },
            async |conn, completed| {
                assert!(!conn.in_transaction());
                let count = sum(conn).await;
                let all = 2 + i64::from(nested);
                assert_eq!(count % all, 0, "all or nothing");
                assert!(count - committed <= all);
                if completed.is_some() {
                    assert_eq!(count - committed, all);
                }
                committed = count;
                assert!(conn.is_idle() && conn.take_notice().is_none());
            },
        )
        .await;
        println!("a commit: dropped at {places} places");
        assert!(places > 100, "{places}");
    }
}
