//! Pipelines: queries that do not wait for each other, and what an error in one does to the others.

use futures_util::StreamExt;
use purepg_conn::{ByteStream, Connection, Error, Query, RowRef, Runtime, ToSql, UsageError};
use purepg_testkit::drop_at::drop_at;
use purepg_testkit::frontend::Frontend;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::results::{all, told};
use purepg_tests_live::{Context, Slow, live};

live!(
    acceptance_52_results_come_in_order_and_the_server_is_ready_once,
    rows_are_lent_instead_of_kept,
    known_statements_take_one_round_trip,
    acceptance_53_an_error_in_the_middle_aborts_what_follows_up_to_the_sync,
    acceptance_54_an_error_between_two_syncs_touches_no_other_segment,
    acceptance_55_a_segment_is_one_transaction,
    acceptance_56_a_block_that_fails_and_is_rolled_back_amid_a_pipeline,
    acceptance_58_several_statements_in_one_text,
    acceptance_63_create_database_is_the_first_of_its_segment,
    a_statement_that_depends_on_one_before_it,
    a_value_that_cannot_be_written_fails_its_transaction,
    a_block_in_one_trip,
    a_pipeline_in_a_transaction,
    a_deferred_constraint_fails_the_last_query,
    an_empty_pipeline,
    acceptance_60_ten_thousand_large_queries_with_large_results,
    many_sets_of_parameters,
    more_sets_than_may_be_under_way,
    sets_of_all_kinds,
    many_sets_with_a_bad_one,
    dropped_anywhere,
    many_dropped_anywhere,
);

async fn table<S: ByteStream>(conn: &mut Connection<S>) {
    let sql = "create temporary table t (a int4 unique deferrable initially deferred)";
    conn.execute(sql, ()).await.unwrap();
}

async fn sum<S: ByteStream>(conn: &mut Connection<S>) -> i64 {
    let sql = "select coalesce(sum(a), 0) from t";
    conn.fetch_scalar(sql, ()).await.unwrap()
}

async fn acceptance_52_results_come_in_order_and_the_server_is_ready_once<R: Runtime>(
    cx: Context<R>,
) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    table(&mut conn).await;
    let statement = conn.prepare("insert into t values ($1)").await.unwrap();
    let text = String::from("y");
    let mut pipeline = conn.pipeline();
    pipeline.push("select $1::int4", (1_i32,));
    pipeline.push(&statement, (2,)).push(&statement, (3,));
    pipeline.push(
        "select a, $1::text as b from t order by a",
        (text.as_str(),),
    );
    pipeline.push(Query::new("select generate_series(1, 9)").max_rows(4), ());
    pipeline.push("create temporary table u (a int4)", ());
    pipeline.push("", ());
    assert_eq!((pipeline.len(), pipeline.is_empty()), (7, false));
    record.take();
    let results = all(pipeline.run().await.unwrap()).await;
    let seen = record.take();
    assert_eq!(seen.tags().matches('S').count(), 1);
    assert_eq!(seen.statuses(), "I");
    assert_eq!(
        told(&results),
        ["ok 1", "ok 1", "ok 1", "ok 2", "ok 4", "ok 0", "ok 0"]
    );
    let outcome = results[3].as_ref().unwrap();
    assert_eq!(outcome.columns()[1].name(), "b");
    assert_eq!(outcome.rows[1].decode::<(i32, &str)>().unwrap(), (3, "y"));
    assert_eq!(
        results[0].as_ref().unwrap().rows[0].get::<i32>(0).unwrap(),
        1
    );
    assert!(results[1].as_ref().unwrap().rows.is_empty());
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 5);
}

async fn rows_are_lent_instead_of_kept<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline.push("insert into t select generate_series(1, 5)", ());
    pipeline.push("select a, a::text as b from t order by a", ());
    pipeline.push(Query::new("select a, a::text from t").max_rows(2), ());
    pipeline.push("select 'x', 'y'", ()).sync();
    pipeline.push("select 6, repeat('6', 100000)", ());
    let mut results = pipeline.run().await.unwrap();
    let (mut seen, mut counts) = (Vec::new(), Vec::new());
    let mut look = |row: RowRef<'_>| {
        let (number, text): (i32, &str) = row.decode()?;
        seen.push((number, text.len()));
        Ok(())
    };
    while let Some(result) = results.next_with(&mut look).await {
        counts.push(result.map_err(|error| matches!(error, Error::Decode(_))));
    }
    assert_eq!(counts, [Ok(5), Ok(5), Ok(2), Err(true), Ok(1)]);
    let few = [1, 2, 3, 4, 5, 1, 2].map(|number| (number, 1));
    assert_eq!(seen, [&few[..], &[(6, 100_000)]].concat());
    assert!(conn.is_idle());
    // What failed was only that somebody did not like a row.
    assert_eq!(sum(&mut conn).await, 15);
}

async fn known_statements_take_one_round_trip<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    for warm in [false, true] {
        record.take();
        let mut pipeline = conn.pipeline();
        for i in 0..100 {
            pipeline.push("select $1::int4", (i,));
            if i % 10 == 9 {
                pipeline.sync();
            }
        }
        let results = all(pipeline.run().await.unwrap()).await;
        assert!(results.iter().all(Result::is_ok) && results.len() == 100);
        let written = record.take();
        let count =
            |wanted: fn(&Frontend) -> bool| written.messages().iter().filter(|m| wanted(m)).count();
        assert_eq!(count(|message| matches!(message, Frontend::Sync)), 10);
        assert_eq!(
            count(|message| matches!(message, Frontend::Bind { .. })),
            100
        );
        assert_eq!(
            count(|message| matches!(message, Frontend::Parse { .. })),
            usize::from(!warm)
        );
        if warm {
            assert_eq!((written.writes, written.trips), (1, 1));
        }
    }
}

async fn acceptance_53_an_error_in_the_middle_aborts_what_follows_up_to_the_sync<R: Runtime>(
    cx: Context<R>,
) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    table(&mut conn).await;
    for failing in ["select 1 / $1::int4", "select $1::int4 from nowhere"] {
        let mut pipeline = conn.pipeline();
        pipeline.push("insert into t values ($1)", (1,));
        pipeline.push(failing, (0,));
        pipeline.push("insert into t values ($1)", (2,));
        pipeline.push("select 7 where $1", (true,)).sync();
        pipeline.push("select 8 where $1", (true,));
        record.take();
        let results = all(pipeline.run().await.unwrap()).await;
        assert_eq!(record.take().statuses(), "II", "each Sync is answered");
        let sqlstate = if failing.contains("nowhere") {
            "42P01"
        } else {
            "22012"
        };
        assert_eq!(
            told(&results),
            ["ok 1", sqlstate, "aborted", "aborted", "ok 1"]
        );
        let row = &results[4].as_ref().unwrap().rows[0];
        assert_eq!(row.get::<i32>(0).unwrap(), 8, "the next segment is run");
        assert!(conn.is_idle());
        assert_eq!(sum(&mut conn).await, 0);
    }
}

async fn acceptance_54_an_error_between_two_syncs_touches_no_other_segment<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline.sync().sync();
    pipeline.push("insert into t values ($1)", (1,)).sync();
    pipeline.push("insert into t values ($1)", (2,));
    pipeline.push("select 1 / $1::int4", (0,));
    pipeline
        .push("insert into t values ($1)", (4,))
        .sync()
        .sync();
    pipeline.push("insert into t values ($1)", (8,));
    pipeline.push("selec $1", (1,));
    pipeline.push("insert into t values ($1)", (16,)).sync();
    pipeline.push("insert into t values ($1)", (32,)).sync();
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(
        told(&results),
        [
            "ok 1", "ok 1", "22012", "aborted", "ok 1", "42601", "aborted", "ok 1"
        ]
    );
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 33);
}

async fn acceptance_55_a_segment_is_one_transaction<R: Runtime>(cx: Context<R>) {
    let (mut conn, mut other) = (cx.connect().await, cx.connect().await);
    let table = format!("segments_{}", conn.process_id().unwrap());
    conn.execute(&format!("create table {table} (a int4)"), ())
        .await
        .unwrap();
    let insert = format!("insert into {table} values ($1)");
    let seen = format!("select coalesce(sum(a), 0) from {table}");
    let mut pipeline = conn.pipeline();
    pipeline.push(&insert, (1,)).push(&insert, (2,)).sync();
    pipeline.push(&insert, (4,)).push(&insert, (8,));
    pipeline.push("select 1 / $1::int4", (0,)).sync();
    pipeline.push(&insert, (16,)).sync();
    // Until the end of its segment nobody sees it; what was committed before stays, whatever comes.
    pipeline
        .push(&insert, (32,))
        .push("select pg_sleep(0.3)", ());
    pipeline.push("select nope", ());
    let mut results = pipeline.run().await.unwrap();
    for expected in ["ok 1", "ok 1", "ok 1", "ok 1", "22012", "ok 1"] {
        let result = results.next().await.unwrap();
        assert_eq!(told(&[result]), [expected]);
    }
    assert_eq!(other.fetch_scalar::<i64>(&seen, ()).await.unwrap(), 19);
    let rest = all(results).await;
    assert_eq!(told(&rest), ["ok 1", "ok 1", "42703"]);
    assert_eq!(other.fetch_scalar::<i64>(&seen, ()).await.unwrap(), 19);
    conn.execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

async fn acceptance_56_a_block_that_fails_and_is_rolled_back_amid_a_pipeline<R: Runtime>(
    cx: Context<R>,
) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    table(&mut conn).await;
    let rollback = conn.prepare("rollback").await.unwrap();
    for warm in [false, true] {
        conn.execute("truncate t", ()).await.unwrap();
        let mut pipeline = conn.pipeline();
        pipeline.push("begin", ()).push("select 0 / 0", ()).sync();
        pipeline.push("insert into t values ($1)", (1,)).sync();
        pipeline.push(&rollback, ());
        pipeline.push("insert into t values ($1)", (2,)).sync();
        pipeline.push("begin", ());
        pipeline.push("insert into t values ($1)", (4,));
        pipeline.push("commit", ()).sync();
        record.take();
        let results = all(pipeline.run().await.unwrap()).await;
        assert_eq!(record.take().statuses(), "EEII", "warm: {warm}");
        assert_eq!(
            told(&results),
            [
                "ok 0", "22012", "25P02", "ok 0", "ok 1", "ok 0", "ok 1", "ok 0"
            ]
        );
        assert!(conn.is_idle());
        assert_eq!(sum(&mut conn).await, 6);
    }
}

async fn acceptance_58_several_statements_in_one_text<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    for several in ["select 1; select 2", "delete from t; delete from t;"] {
        let mut pipeline = conn.pipeline();
        pipeline.push("insert into t values ($1)", (1,));
        pipeline.push(several, ());
        pipeline.push("insert into t values ($1)", (2,)).sync();
        pipeline.push("insert into t values ($1)", (4,));
        let results = all(pipeline.run().await.unwrap()).await;
        assert_eq!(told(&results), ["ok 1", "42601", "aborted", "ok 1"]);
        assert!(conn.is_idle());
        assert_eq!(sum(&mut conn).await, 4, "its segment is undone");
        conn.execute("truncate t", ()).await.unwrap();
    }
}

async fn acceptance_63_create_database_is_the_first_of_its_segment<R: Runtime>(cx: Context<R>) {
    let superuser = cx.config(cx.server().superuser());
    let mut conn = cx.try_connect(&superuser).await.unwrap();
    let process = conn.process_id().unwrap();
    let [first, second] = ["first", "second"].map(|name| format!("{name}_{process}"));
    let mut pipeline = conn.pipeline();
    pipeline.push(format!("create database {first}"), ());
    pipeline.push("select $1::int4", (1,)).sync();
    pipeline.push("select $1::int4", (1,));
    pipeline.push(format!("create database {second}"), ());
    pipeline.push("select $1::int4", (1,)).sync();
    pipeline.push(format!("drop database {first}"), ()).sync();
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(
        told(&results),
        ["ok 0", "ok 1", "ok 1", "25001", "aborted", "ok 0"]
    );
    assert!(conn.is_idle());
}

async fn a_statement_that_depends_on_one_before_it<R: Runtime>(cx: Context<R>) {
    for size in [0, 256] {
        let config = cx.config(USER_TRUST).statement_cache_size(size);
        let mut conn = cx.try_connect(&config).await.unwrap();
        let mut pipeline = conn.pipeline();
        pipeline.push("create temporary table t (a int4)", ());
        pipeline.push("insert into t values ($1), ($2)", (1, 2));
        pipeline.push("select a from t where a > $1", (1,));
        pipeline.push("alter table t add b text default 'b'", ());
        pipeline.push("select a, b from t where a > $1", (1,));
        pipeline.push("drop table t", ());
        let results = all(pipeline.run().await.unwrap()).await;
        assert_eq!(
            told(&results),
            ["ok 0", "ok 2", "ok 1", "ok 0", "ok 1", "ok 0"]
        );
        assert!(conn.is_idle());
    }
}

async fn a_value_that_cannot_be_written_fails_its_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let other = cx.connect().await.prepare("select 1").await.unwrap();
    let mut pipeline = conn.pipeline();
    pipeline.push("insert into t values ($1)", (1,));
    pipeline.push("insert into t values ($1)", (1.5_f64,));
    pipeline.push("insert into t values ($1)", (2,)).sync();
    pipeline.push("insert into t values ($1)", (4,)).sync();
    pipeline.push("insert into t values ($1)", ());
    pipeline.push("insert into t values ($1)", (8,)).sync();
    pipeline.push("select\0", ());
    pipeline.push("insert into t values ($1)", (8,)).sync();
    pipeline.push(&other, ());
    let mut results = all(pipeline.run().await.unwrap()).await;
    let foreign = results.pop().unwrap();
    assert!(matches!(foreign, Err(Error::Usage(error)) if *error == UsageError::ForeignStatement));
    assert!(matches!(results.pop(), Some(Err(Error::Aborted))));
    let nul = results.pop().unwrap();
    assert!(matches!(nul, Err(Error::Usage(_))), "{nul:?}");
    let few = results.remove(4);
    assert!(
        matches!(few, Err(Error::Usage(error)) if matches!(*error, UsageError::ParameterCount { expected: 1, given: 0 }))
    );
    assert_eq!(
        told(&results),
        ["ok 1", "encode", "aborted", "ok 1", "aborted"]
    );
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 4);
}

async fn a_block_in_one_trip<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline
        .push("begin", ())
        .push("insert into t values ($1)", (1,))
        .push("commit", ());
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(told(&results), ["ok 0", "ok 1", "ok 0"]);
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 1);
}

async fn a_pipeline_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    let mut pipeline = tx.pipeline();
    pipeline.push("insert into t values ($1)", (1,)).sync();
    pipeline.push("insert into t values ($1)", (2,));
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(told(&results), ["ok 1", "ok 1"]);
    assert_eq!(
        tx.execute_many("insert into t values ($1)", [(4,), (8,)])
            .await
            .unwrap(),
        2
    );
    assert!(tx.in_transaction());
    drop(tx);
    assert_eq!(sum(&mut conn).await, 0);
}

async fn a_deferred_constraint_fails_the_last_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let mut pipeline = conn.pipeline();
    pipeline.push("insert into t values ($1)", (1,));
    pipeline.push("insert into t values ($1)", (1,)).sync();
    pipeline.push("insert into t values ($1)", (2,));
    let results = all(pipeline.run().await.unwrap()).await;
    assert_eq!(told(&results), ["ok 1", "23505", "ok 1"]);
    assert_eq!(sum(&mut conn).await, 2);
    let error = conn
        .execute_many("insert into t values ($1)", [(5,), (5,)])
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("23505"));
    assert_eq!(sum(&mut conn).await, 2);
}

async fn an_empty_pipeline<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut pipeline = conn.pipeline();
    pipeline.sync();
    assert!(pipeline.is_empty());
    assert!(all(pipeline.run().await.unwrap()).await.is_empty());
    assert!(conn.is_idle());
    assert_eq!(
        conn.execute_many("select $1::int4", [(0,); 0])
            .await
            .unwrap(),
        0
    );
    assert!(conn.is_idle());
}

/// More than any buffer holds, in both directions: each would wait for the other.
async fn acceptance_60_ten_thousand_large_queries_with_large_results<R: Runtime>(cx: Context<R>) {
    const QUERIES: usize = 10_000;
    let mut conn = cx.connect().await;
    let (small, large) = ("x".repeat(3_000), "x".repeat(100_000));
    let value = |i: usize| {
        if i.is_multiple_of(100) {
            &large
        } else {
            &small
        }
    };
    let mut pipeline = conn.pipeline();
    for i in 0..QUERIES {
        pipeline.push("select $1 || $2", (value(i).as_str(), i.to_string()));
        if i.is_multiple_of(70) {
            pipeline.sync();
        }
    }
    let mut results = pipeline.run().await.unwrap();
    let mut count = 0;
    while let Some(result) = StreamExt::next(&mut results).await {
        let row = &result.unwrap().rows[0];
        let text: &str = row.get(0).unwrap();
        assert!(text.strip_prefix(value(count).as_str()) == Some(&count.to_string()));
        count += 1;
    }
    assert_eq!(count, QUERIES);
    assert!(conn.is_idle());
    // One that fills the output all by itself, and the server says nothing of it before the end.
    table(&mut conn).await;
    let sets = (0..20).map(|i| (i, "x".repeat(3_000_000)));
    let sql = "insert into t select $1 where length($2) > 0";
    assert_eq!(conn.execute_many(sql, sets).await.unwrap(), 20);
}

async fn many_sets_of_parameters<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let n = conn
        .execute_many("insert into t values ($1)", (1..=1000).map(|i| (i,)))
        .await;
    assert_eq!(n.unwrap(), 1000);
    assert_eq!(sum(&mut conn).await, 500_500);
    let statement = conn.prepare("select a from t where a <= $1").await.unwrap();
    assert_eq!(
        conn.execute_many(&statement, [(1,), (10,)]).await.unwrap(),
        11
    );
    assert!(conn.is_idle());
}

async fn more_sets_than_may_be_under_way<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let sets = (1..=50_000).map(|i| (i,));
    let insert = "insert into t values ($1) returning a";
    assert_eq!(conn.execute_many(insert, sets).await.unwrap(), 50_000);
    assert_eq!(sum(&mut conn).await, 1_250_025_000);
    // The one that fails is far from the first, and from the last.
    let sets = (0..2_000).map(|i| (60_000 + i % 1_500,));
    let error = conn.execute_many("delete from t where 1 / ($1 - 60700) < 2", sets);
    assert_eq!(error.await.unwrap_err().sqlstate(), Some("22012"));
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 1_250_025_000, "all or nothing");
}

async fn sets_of_all_kinds<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    // Some as text, since that is what a string is to a number.
    let values = (0..1_000).map(|i: i32| -> Box<dyn ToSql> {
        match i % 7 {
            0..4 => Box::new(i),
            4 => Box::new(None::<i32>),
            _ => Box::new(i.to_string()),
        }
    });
    let sets = values.map(|value| (value,));
    let insert = "insert into t values ($1::int4)";
    assert_eq!(conn.execute_many(insert, sets).await.unwrap(), 1_000);
    let expected: i64 = (0..1_000).filter(|i| i % 7 != 4).sum();
    assert_eq!(sum(&mut conn).await, expected);
    // Each of these is longer than what goes together, or shorter.
    let lengths = [0, 1, 100_000, 20_000, 5, 16_000, 400, 70_000];
    let sets = lengths.iter().enumerate().map(|(i, length)| {
        let number = i32::try_from(2_000 + i).unwrap();
        (number, "x".repeat(*length))
    });
    let insert = "insert into t select $1 + length($2) * 10";
    assert_eq!(conn.execute_many(insert, sets).await.unwrap(), 8);
    let added: i64 = lengths
        .iter()
        .map(|length| i64::try_from(*length).unwrap() * 10)
        .sum();
    assert_eq!(sum(&mut conn).await, expected + added + 8 * 2_000 + 28);
    // What has no plan is described each time.
    conn.execute(
        "create procedure pg_temp.p(i int4) language sql as 'delete from t where a = i'",
        (),
    )
    .await
    .unwrap();
    let sets = (0..300).map(|i| (i,));
    assert_eq!(
        conn.execute_many("call pg_temp.p($1)", sets).await.unwrap(),
        0
    );
    let left: i64 = (300..1_000).filter(|i| i % 7 != 4).sum();
    assert_eq!(sum(&mut conn).await, left + added + 8 * 2_000 + 28);
    assert!(conn.is_idle());
}

async fn many_sets_with_a_bad_one<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    table(&mut conn).await;
    let sql = "insert into t select 10 / $1::int4";
    let error = conn
        .execute_many(sql, [(1,), (2,), (0,), (5,)])
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    assert!(conn.is_idle());
    assert_eq!(sum(&mut conn).await, 0, "all or nothing");
    let values: [Box<dyn ToSql>; 3] = [Box::new(1), Box::new(2), Box::new(1.5_f64)];
    let sets = values.iter().map(|value| (&**value,));
    assert!(matches!(
        conn.execute_many(sql, sets).await,
        Err(Error::Encode(_))
    ));
    assert!(conn.is_idle());
}

async fn slow<R: Runtime>(cx: &Context<R>) -> Slow<R> {
    let mut conn = cx.connect_slowly().await;
    table(&mut conn).await;
    conn
}

async fn dropped_anywhere<R: Runtime>(cx: Context<R>) {
    let mut conn = slow(&cx).await;
    let places = drop_at(
        &mut conn,
        async |conn: &mut Slow<R>| {
            let mut pipeline = conn.pipeline();
            pipeline.push("insert into t select max(a) + $1 from t", (1,));
            pipeline.push("select a from t where a > $1", (0,)).sync();
            pipeline.push("select 1 / $1::int4", (0,));
            pipeline.push("select 1", ());
            let results = all(pipeline.run().await.unwrap()).await;
            assert_eq!(results.len(), 4);
        },
        async |conn, _| {
            sum(conn).await;
            assert!(conn.is_idle());
        },
    )
    .await;
    println!("a pipeline: dropped at {places} places");
    assert!(places > 100, "{places}");
}

/// All of them or none.
async fn many_dropped_anywhere<R: Runtime>(cx: Context<R>) {
    let mut conn = slow(&cx).await;
    let sql = "insert into t select coalesce(max(a), 0) + $1 from t";
    let places = drop_at(
        &mut conn,
        async |conn: &mut Slow<R>| {
            conn.execute_many(sql, [(1,), (1,), (1,)]).await.unwrap();
        },
        async |conn, _| {
            let count: i64 = conn
                .fetch_scalar("select count(*) from t", ())
                .await
                .unwrap();
            assert_eq!(count % 3, 0);
            assert!(conn.is_idle());
        },
    )
    .await;
    println!("execute_many: dropped at {places} places");
    assert!(places > 100, "{places}");
}
