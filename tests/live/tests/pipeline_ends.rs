//! What ends a pipeline otherwise than meant: a COPY in it, results that nobody takes, a connection that ends, an error of one's own.

use std::time::Duration;

use futures_util::future::join;
use purepg_conn::{ByteStream, Connection, Error, Query, Runtime, UsageError};
use purepg_testkit::backend;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::results::{all, told};
use purepg_tests_live::{Canned, Context, live};

live!(
    acceptance_61_a_copy_in_a_pipeline_is_refused,
    acceptance_61_what_only_looks_like_a_copy_is_run,
    acceptance_61_data_that_nobody_asked_for,
    acceptance_64_results_that_are_not_taken_cost_nothing,
    acceptance_64_two_last_words_in_a_row,
    acceptance_65_each_query_is_told_once_that_the_connection_has_ended,
    acceptance_65_the_end_amid_a_description,
    acceptance_65_no_result_is_missing_when_the_session_is_terminated,
    acceptance_67_each_pipeline_has_one_final_sync,
    acceptance_68_an_error_of_ones_own_and_one_of_the_connection,
);

async fn table<S: ByteStream>(conn: &mut Connection<S>) {
    conn.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
}

async fn sum<S: ByteStream>(conn: &mut Connection<S>) -> i64 {
    let sql = "select coalesce(sum(a), 0) from t";
    conn.fetch_scalar(sql, ()).await.unwrap()
}

const COPIES: [&str; 4] = [
    "copy t from stdin",
    "/* load */ COPY t FROM STDIN",
    "copy t to stdout",
    "copy (select generate_series(1, 100000)) to stdout (format binary)",
];

const NO_COPY: &str =
    "a COPY over the connection cannot be in a pipeline: use `copy_in` or `copy_out`";

/// Data has no place among results: the COPY is not sent, and what it is one transaction with fails.
async fn acceptance_61_a_copy_in_a_pipeline_is_refused<R: Runtime>(cx: Context<R>) {
    for size in [0, 256] {
        let config = cx.config(USER_TRUST).statement_cache_size(size);
        let mut conn = cx.try_connect(&config).await.unwrap();
        let process = conn.process_id();
        table(&mut conn).await;
        let insert = conn.prepare("insert into t values ($1)").await.unwrap();
        for copy in COPIES {
            for prepared in [false, true] {
                let statement;
                let query = if prepared {
                    statement = conn.prepare(copy).await.unwrap();
                    Query::new(&statement)
                } else {
                    Query::new(copy)
                };
                let mut pipeline = conn.pipeline();
                pipeline.push(&insert, (1,)).push(&query, ());
                pipeline.push(&insert, (2,)).push("select 1", ()).sync();
                pipeline.push(&insert, (4,)).sync();
                pipeline.push(&query, ()).sync();
                pipeline.push(&query, ()).push(&insert, (8,));
                let results = all(pipeline.run().await.unwrap()).await;
                assert_eq!(
                    told(&results),
                    [
                        "ok 1", NO_COPY, "aborted", "aborted", "ok 1", NO_COPY, NO_COPY, "aborted"
                    ],
                    "{copy}"
                );
                assert!(conn.is_idle(), "{copy}");
                assert_eq!(conn.process_id(), process);
                assert_eq!(sum(&mut conn).await, 4, "{copy}");
                conn.execute("truncate t", ()).await.unwrap();
            }
        }
        // One statement many times.
        for copy in COPIES {
            let error = conn.execute_many(copy, [(), (), ()]).await.unwrap_err();
            assert_eq!(error.to_string(), NO_COPY, "{copy}");
            assert!(error.is_recoverable() && conn.is_idle(), "{copy}");
        }
        assert_eq!(sum(&mut conn).await, 0);
    }
}

async fn acceptance_61_what_only_looks_like_a_copy_is_run<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline.push("create temporary table copy_of_t (a int4)", ());
    pipeline.push("insert into copy_of_t values (1)", ());
    pipeline.push("insert into copy_of_t values ($1)", (2,));
    pipeline.push("-- a copy\ndelete from copy_of_t where a = 1", ());
    pipeline.push("select 'copy' from copy_of_t", ()).sync();
    pipeline.push("do $$ begin perform 'copy'; end $$", ());
    pipeline.push("drop table copy_of_t", ());
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(
        told(&results),
        ["ok 0", "ok 1", "ok 1", "ok 1", "ok 1", "ok 0", "ok 0"]
    );
    assert!(conn.is_idle());
    // Several statements, of which one would be a COPY by the simple protocol, are none here.
    let mut pipeline = conn.pipeline();
    pipeline.push("insert into t values ($1)", (1,));
    pipeline.push("select 1; copy t from stdin", ());
    pipeline.push("insert into t values ($1)", (2,));
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(told(&results), ["ok 1", "42601", "aborted"]);
    assert_eq!(sum(&mut conn).await, 0);
}

/// A server whose rules for words differ from those that are known: its data is no result.
async fn acceptance_61_data_that_nobody_asked_for<R: Runtime>(cx: Context<R>) {
    let described = [
        backend::parse_complete(),
        backend::parameter_description(&[]),
        backend::no_data(),
    ];
    let data = [
        backend::bind_complete(),
        backend::no_data(),
        backend::copy_out_response(1),
        backend::copy_data(b"1\n"),
        backend::copy_done(),
        backend::command_complete("COPY 1"),
        backend::ready(b'I'),
    ];
    let server = Canned::new([backend::let_in(), described.concat(), data.concat()]);
    let mut conn = cx.connect_canned(&cx.config(USER_TRUST), server).await;
    let mut pipeline = conn.pipeline();
    pipeline.push("publish t", ());
    let mut results = all(pipeline.run().await.unwrap()).await;
    let error = results.remove(0).unwrap_err();
    assert!(
        matches!(&error, Error::Usage(usage) if **usage == UsageError::CopyOut),
        "{error:?}"
    );
    assert!(conn.is_idle());
}

async fn acceptance_64_results_that_are_not_taken_cost_nothing<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    for taken in 0..4 {
        let mut pipeline = conn.pipeline();
        pipeline.push("select generate_series(1, $1)", (50_000,));
        pipeline.push("select 1 / $1::int4", (0,)).sync();
        pipeline.push("select generate_series(1, $1)", (50_000,));
        let mut results = pipeline.run().await.unwrap();
        for _ in 0..taken {
            drop(results.next().await.unwrap());
        }
        if taken == 2 {
            std::mem::forget(results);
        }
        assert_eq!(sum(&mut conn).await, 0);
        assert!(conn.is_idle());
    }
}

/// No real server says good-bye twice.
async fn acceptance_64_two_last_words_in_a_row<R: Runtime>(cx: Context<R>) {
    let last_words = [
        backend::error_response("FATAL", "57P01", "going down"),
        backend::error_response("FATAL", "57P02", "going down faster"),
    ];
    for taken in [0, 1, 3] {
        let server = Canned::new([backend::let_in(), last_words.concat()]);
        let config = cx.config(USER_TRUST);
        let mut conn = cx.connect_canned(&config, server).await;
        let mut pipeline = conn.pipeline();
        for a in 0..3 {
            pipeline.push("select $1::int4", (a,)).sync();
        }
        let mut results = pipeline.run().await.unwrap();
        for _ in 0..taken {
            let error = results.next().await.unwrap().unwrap_err();
            assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
        }
        if taken == 3 {
            assert!(results.next().await.is_none());
        }
        drop(results);
        let error = conn.fetch("select 1", ()).await.unwrap_err();
        // Until it is heard, that is where it is told.
        assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
        assert!(conn.is_dead());
    }
}

async fn acceptance_65_each_query_is_told_once_that_the_connection_has_ended<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    let process = conn.process_id().unwrap();
    let statement = conn.prepare("select $1::int4").await.unwrap();
    let ends = conn
        .prepare("select pg_terminate_backend($1)")
        .await
        .unwrap();
    let large = "x".repeat(200_000);
    let mut pipeline = conn.pipeline();
    for a in 0..3 {
        pipeline.push(&statement, (a,)).sync();
    }
    pipeline.push(&ends, (process,));
    for a in 0..5 {
        pipeline.push(&statement, (a,));
    }
    pipeline.sync().push("select $1::text", ("unknown",));
    // So many that they are not all sent by then.
    for _ in 0..100 {
        pipeline.push("select length($1)", (large.as_str(),));
    }
    let length = pipeline.len();
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(results.len(), length, "one for each");
    assert_eq!(told(&results[..3]), ["ok 1", "ok 1", "ok 1"]);
    for (i, result) in results[3..].iter().enumerate() {
        let error = result.as_ref().unwrap_err();
        assert_eq!(error.sqlstate(), Some("57P01"), "{i}: {error:?}");
        assert!(!error.is_recoverable());
    }
    // What was certainly not sent may be tried again, and nothing else.
    assert!(!results[3].as_ref().unwrap_err().is_retryable());
    assert!(!results[8].as_ref().unwrap_err().is_retryable());
    let last = results.last().unwrap().as_ref().unwrap_err();
    assert!(last.is_retryable());
    assert!(conn.is_dead());
    let next = conn.pipeline().run().await.unwrap_err();
    assert_eq!(next.sqlstate(), Some("57P01"));
}

async fn acceptance_65_the_end_amid_a_description<R: Runtime>(cx: Context<R>) {
    for end in [
        backend::error_response("FATAL", "57P01", "going down"),
        backend::parse_complete(),
        Vec::new(),
    ] {
        let fatal = end.first() == Some(&b'E');
        let answers = if fatal {
            vec![backend::let_in(), end]
        } else {
            // What comes next is no message at all.
            vec![
                backend::let_in(),
                [end, b"\xff\0\0\0\x04".to_vec()].concat(),
            ]
        };
        let config = cx.config(USER_TRUST);
        let mut conn = cx.connect_canned(&config, Canned::new(answers)).await;
        let mut pipeline = conn.pipeline();
        pipeline.push("select $1::int4", (1,)).sync();
        pipeline.push("select $1::int8", (1_i64,));
        let results = all(pipeline.run().await.unwrap()).await;
        assert_eq!(results.len(), 2);
        for result in results {
            let error = result.unwrap_err();
            if fatal {
                assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
            } else {
                assert!(matches!(error, Error::Protocol(_)), "{error:?}");
            }
        }
    }
}

async fn acceptance_65_no_result_is_missing_when_the_session_is_terminated<R: Runtime>(
    cx: Context<R>,
) {
    for milliseconds in [0, 1, 3, 10, 30] {
        let mut conn = cx.connect().await;
        let process = conn.process_id().unwrap();
        let run = async {
            let mut pipeline = conn.pipeline();
            for a in 0..200 {
                pipeline
                    .push("select $1::int4, pg_sleep(0.001)", (a,))
                    .sync();
            }
            all(pipeline.run().await.unwrap()).await
        };
        let terminate = async {
            cx.runtime.sleep(Duration::from_millis(milliseconds)).await;
            cx.server().terminate_backend(process).unwrap();
        };
        let (results, ()) = join(run, terminate).await;
        assert_eq!(results.len(), 200);
        let good = results.iter().take_while(|result| result.is_ok()).count();
        assert!(good < 200, "it was terminated amid them");
        for result in &results[good..] {
            let error = result.as_ref().unwrap_err();
            assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
        }
    }
}

async fn acceptance_67_each_pipeline_has_one_final_sync<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    table(&mut conn).await;
    let insert = conn.prepare("insert into t values ($1)").await.unwrap();
    // Ended by `sync`, by nothing, by several; and one with nothing in it.
    for (syncs, tags) in [(0, "BEBES"), (1, "BEBES"), (2, "BEBES")] {
        record.take();
        let mut pipeline = conn.pipeline();
        pipeline.push(&insert, (1,)).push(&insert, (2,));
        for _ in 0..syncs {
            pipeline.sync();
        }
        assert_eq!(all(pipeline.run().await.unwrap()).await.len(), 2);
        let seen = record.take();
        assert_eq!(
            (seen.tags().as_str(), seen.statuses().as_str()),
            (tags, "I")
        );
        all(conn.pipeline().run().await.unwrap()).await;
        assert_eq!(record.take().tags(), "", "nothing to end");
    }
    // In a transaction and in a savepoint of it, one begun while another was given up.
    let counted = conn
        .with_transaction(async |tx| {
            record.take();
            let mut outer = tx.pipeline();
            outer.push(&insert, (1,)).push(&insert, (2,));
            let mut results = outer.run().await?;
            results.next().await.unwrap()?;
            // The next one takes its place: the outer one has had its Sync.
            tx.with_transaction(async |inner| {
                let mut pipeline = inner.pipeline();
                pipeline.push(&insert, (4,)).push(&insert, (8,));
                let results = all(pipeline.run().await?).await;
                assert_eq!(results.len(), 2);
                let seen = record.take();
                assert_eq!(seen.tags(), "PBEBEBESPBEBEBES", "BEGIN, SAVEPOINT");
                assert_eq!(seen.statuses(), "TT");
                inner.execute_many(&insert, [(16,), (32,)]).await
            })
            .await
        })
        .await;
    assert_eq!(counted.unwrap(), 2);
    assert_eq!(record.take().tags(), "BEBESQQ", "and the two ends");
    assert_eq!(sum(&mut conn).await, 3 * 3 + 63);
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

async fn acceptance_68_an_error_of_ones_own_and_one_of_the_connection<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    // Amid results that nobody takes any more.
    let failed: Result<(), Own> = conn
        .try_transaction(async |tx| {
            let mut pipeline = tx.pipeline();
            pipeline.push("insert into t values ($1)", (1,));
            pipeline.push("select generate_series(1, $1)", (50_000,));
            pipeline.push("select 1 / $1::int4", (0,));
            let mut results = pipeline.run().await?;
            results.next().await.unwrap()?;
            Err(Own::Said("enough"))
        })
        .await;
    assert!(matches!(failed, Err(Own::Said("enough"))), "{failed:?}");
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 0);

    // Of a connection that has ended, which the rollback meets: it is told by whatever is next.
    let end = "select pg_terminate_backend(pg_backend_pid())";
    for heard in [false, true] {
        let mut conn = cx.connect().await;
        let process = conn.process_id().unwrap();
        let failed: Result<(), Own> = conn
            .try_transaction(async |tx| {
                tx.execute("select 1", ()).await?;
                if heard {
                    let error = tx.execute(end, ()).await.unwrap_err();
                    assert_eq!(error.sqlstate(), Some("57P01"));
                } else {
                    cx.server().terminate_backend(process).unwrap();
                    cx.runtime.sleep(Duration::from_millis(50)).await;
                }
                Err(Own::Said("no"))
            })
            .await;
        assert!(matches!(failed, Err(Own::Said("no"))), "{failed:?}");
        let error = conn.fetch("select 1", ()).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
    }
    // Work that takes no notice of it cannot be committed.
    let mut conn = cx.connect().await;
    let lost: Result<(), Own> = conn
        .try_transaction(async |tx| {
            let mut pipeline = tx.pipeline();
            pipeline.push(end, ()).push("select 1", ());
            for result in all(pipeline.run().await?).await {
                assert_eq!(result.unwrap_err().sqlstate(), Some("57P01"));
            }
            Ok(())
        })
        .await;
    let Err(Own::Postgres(error)) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
    // Nor is a mistake in a call taken for an end of the connection, or the other way round.
    let mut conn = cx.connect().await;
    let mut pipeline = conn.pipeline();
    pipeline.push(end, ()).sync();
    pipeline.push("select $1::int4", ());
    let mut results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(results.len(), 2);
    let error = results.remove(0).unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"));
    let few = UsageError::ParameterCount {
        expected: 1,
        given: 0,
    };
    match results.remove(0).unwrap_err() {
        Error::Usage(usage) => assert_eq!(*usage, few),
        error => assert_eq!(error.sqlstate(), Some("57P01")),
    }
}
