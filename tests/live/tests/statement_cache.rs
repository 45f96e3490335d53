//! Statements that are used by their text: prepared once, one round trip from then on, and what happens when they go stale.

use std::collections::HashSet;

use purepg_conn::{Connection, Error, Query, Runtime};
use purepg_testkit::frontend::{Frontend, Object};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    the_second_time_it_is_one_round_trip_without_describe,
    the_first_time_it_is_two,
    a_text_without_parameters_stays_simple,
    what_gives_way_is_closed_along_the_way,
    closing_works_in_a_failed_transaction,
    without_a_cache_only_the_unnamed_statement_is_used,
    names_are_unique_and_short,
    a_table_that_changed,
    a_table_that_changed_amid_a_transaction,
    a_search_path_that_changed,
    a_type_that_was_dropped,
    statements_that_were_deallocated,
    a_handle_whose_statement_is_gone,
    a_failed_description_leaves_nothing,
    definitions_are_not_kept,
);

async fn prepared<S: purepg_conn::ByteStream>(conn: &mut Connection<S>) -> i64 {
    let sql = "select count(*) from pg_prepared_statements";
    conn.fetch_scalar(sql, ()).await.unwrap()
}

async fn the_second_time_it_is_one_round_trip_without_describe<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    for i in 0..5 {
        record.take();
        let sum: i32 = conn
            .fetch_scalar("select $1::int4 + 1", (i,))
            .await
            .unwrap();
        assert_eq!(sum, i + 1);
        let written = record.take();
        if i > 0 {
            assert_eq!(written.tags(), "BES");
            assert_eq!((written.writes, written.trips), (1, 1));
        }
    }
    // However it is asked for.
    let sql = "select $1::int4 + 1";
    conn.execute(sql, (1,)).await.unwrap();
    conn.fetch_optional(&Query::new(sql), (1,)).await.unwrap();
    let stream = conn.query(String::from(sql), (1,)).await.unwrap();
    stream.row_count().await.unwrap();
    conn.fetch(Query::new(sql).max_rows(1), (1,)).await.unwrap();
    assert_eq!(record.take().tags(), "BES".repeat(4));
    assert_eq!(prepared(&mut conn).await, 1);
}

async fn the_first_time_it_is_two<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.fetch("select $1::text", ("a",)).await.unwrap();
    let written = record.take();
    assert_eq!(written.tags(), "PDHBES");
    assert_eq!((written.writes, written.trips), (2, 2));
    // A row limit is for the extended protocol, too.
    let query = Query::new("select generate_series(1, 9)").max_rows(2);
    assert_eq!(conn.fetch(&query, ()).await.unwrap().len(), 2);
    record.take();
    assert_eq!(conn.fetch(&query, ()).await.unwrap().len(), 2);
    assert_eq!(record.take().tags(), "BES");
}

async fn a_text_without_parameters_stays_simple<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let query = Query::new("select 1").max_rows(1);
    conn.fetch(&query, ()).await.unwrap();
    record.take();
    conn.fetch("select 1", ()).await.unwrap();
    assert_eq!(record.take().tags(), "Q");
}

async fn what_gives_way_is_closed_along_the_way<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(3);
    let (mut conn, record) = cx.connect_recorded(&config).await;
    for i in 0..10 {
        let sql = format!("select $1::int4 + {i}");
        conn.fetch(&sql, (1,)).await.unwrap();
    }
    conn.ping().await.unwrap();
    assert_eq!(prepared(&mut conn).await, 3);
    let messages = record.take().messages();
    let closed: Vec<&Frontend> = messages
        .iter()
        .filter(|message| matches!(message, Frontend::Close(Object::Statement(_))))
        .collect();
    assert_eq!(closed.len(), 7);
    let speaks = |message: &Frontend| matches!(message, Frontend::Query(sql) if sql.to_lowercase().contains("deallocate"));
    assert!(!messages.iter().any(speaks));
    // The least recently used gives way, not the oldest.
    conn.fetch("select $1::int4 + 7", (1,)).await.unwrap();
    conn.fetch("select $1::int8", (1_i64,)).await.unwrap();
    record.take();
    conn.fetch("select $1::int4 + 7", (1,)).await.unwrap();
    let again = record.take().messages();
    assert!(
        !again
            .iter()
            .any(|message| matches!(message, Frontend::Parse { .. }))
    );
}

async fn closing_works_in_a_failed_transaction<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(1);
    let (mut conn, _) = cx.connect_recorded(&config).await;
    let mut tx = conn.begin().await.unwrap();
    tx.fetch("select $1::int4", (1,)).await.unwrap();
    tx.fetch("select $1::int8", (1_i64,)).await.unwrap();
    tx.execute("nonsense", ()).await.unwrap_err();
    tx.rollback().await.unwrap();
    assert_eq!(prepared(&mut conn).await, 1);
}

async fn without_a_cache_only_the_unnamed_statement_is_used<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(0);
    let (mut conn, record) = cx.connect_recorded(&config).await;
    for i in 0..3 {
        conn.fetch("select $1::int4", (i,)).await.unwrap();
    }
    for message in record.take().messages() {
        let name = match message {
            Frontend::Parse { statement, .. } | Frontend::Bind { statement, .. } => statement,
            Frontend::Describe(Object::Statement(name)) => name,
            _ => continue,
        };
        assert_eq!(name, "");
    }
    assert_eq!(prepared(&mut conn).await, 0);
}

async fn names_are_unique_and_short<R: Runtime>(cx: Context<R>) {
    let (mut one, noted_one) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let (mut two, noted_two) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    for i in 0..5 {
        let sql = format!("select $1::int4 + {i}");
        one.fetch(&sql, (1,)).await.unwrap();
        two.fetch(&sql, (1,)).await.unwrap();
    }
    let mut names = HashSet::new();
    for message in [noted_one, noted_two]
        .iter()
        .flat_map(|noted| noted.take().messages())
    {
        if let Frontend::Parse { statement, .. } = message {
            assert!((1..=63).contains(&statement.len()));
            assert!(
                names.insert(statement),
                "no name twice, not on two connections either"
            );
        }
    }
    assert_eq!(names.len(), 10);
}

async fn a_table_that_changed<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute(
        "create temporary table t (a int4); insert into t values (1)",
        (),
    )
    .await
    .unwrap();
    let sql = "select * from t where a >= $1";
    let handle = conn.prepare(sql).await.unwrap();
    assert_eq!(conn.fetch_one(sql, (0,)).await.unwrap().len(), 1);
    assert_eq!(conn.fetch_one(&handle, (0,)).await.unwrap().len(), 1);
    conn.execute("alter table t add b text default 'x'", ())
        .await
        .unwrap();
    for _ in 0..2 {
        let row = conn.fetch_one(sql, (0,)).await.unwrap();
        assert_eq!(row.decode::<(i32, &str)>().unwrap(), (1, "x"));
        let row = conn.fetch_one(&handle, (0,)).await.unwrap();
        assert_eq!(row.decode::<(i32, &str)>().unwrap(), (1, "x"));
    }
    conn.execute("alter table t drop a, add a int8 default 7", ())
        .await
        .unwrap();
    let row = conn
        .fetch_one("select * from t where a >= $1", (0_i64,))
        .await
        .unwrap();
    assert_eq!(row.get::<i64>("a").unwrap(), 7);
    assert!(conn.is_idle());
}

async fn a_table_that_changed_amid_a_transaction<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute(
        "create temporary table t (a int4); insert into t values (1)",
        (),
    )
    .await
    .unwrap();
    let sql = "select * from t where a >= $1";
    conn.fetch(sql, (0,)).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("alter table t add b text default 'x'", ())
        .await
        .unwrap();
    let error = tx.fetch(sql, (0,)).await.unwrap_err();
    assert_eq!(
        error.sqlstate(),
        Some("0A000"),
        "here nobody can try it again"
    );
    tx.rollback().await.unwrap();
    conn.execute("alter table t add b text default 'x'", ())
        .await
        .unwrap();
    let row = conn.fetch_one(sql, (0,)).await.unwrap();
    assert_eq!(row.len(), 2, "the next time it works");
}

async fn a_search_path_that_changed<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let process = conn.process_id().unwrap();
    let sql = format!(
        "create schema one_{process}; create schema two_{process}; create table one_{process}.t as select 1 as a; create table two_{process}.t as select 'two' as b, 2 as c"
    );
    conn.execute(&sql, ()).await.unwrap();
    conn.execute(&format!("set search_path to one_{process}"), ())
        .await
        .unwrap();
    let sql = "select * from t where $1";
    assert_eq!(
        conn.fetch_one(sql, (true,))
            .await
            .unwrap()
            .get::<i32>("a")
            .unwrap(),
        1
    );
    conn.execute(&format!("set search_path to two_{process}"), ())
        .await
        .unwrap();
    let row = conn.fetch_one(sql, (true,)).await.unwrap();
    assert_eq!(row.decode::<(&str, i32)>().unwrap(), ("two", 2));
    let sql = format!("drop schema one_{process} cascade; drop schema two_{process} cascade");
    conn.execute(&sql, ()).await.unwrap();
}

async fn a_type_that_was_dropped<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create type pg_temp.mood as enum ('sad', 'glad')", ())
        .await
        .unwrap();
    let sql = "select $1::pg_temp.mood::text";
    assert_eq!(
        conn.fetch_scalar::<String>(sql, ("glad",)).await.unwrap(),
        "glad"
    );
    conn.execute("drop type pg_temp.mood", ()).await.unwrap();
    conn.fetch(sql, ("glad",)).await.unwrap_err();
    conn.execute("create type pg_temp.mood as enum ('glad', 'mad')", ())
        .await
        .unwrap();
    // Once an error may tell of the old one; then it is the new one.
    let _ = conn.fetch(sql, ("mad",)).await;
    assert_eq!(
        conn.fetch_scalar::<String>(sql, ("mad",)).await.unwrap(),
        "mad"
    );
}

async fn statements_that_were_deallocated<R: Runtime>(cx: Context<R>) {
    for command in ["deallocate all", "discard all"] {
        let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
        let sql = "select $1::int4";
        conn.fetch(sql, (1,)).await.unwrap();
        conn.execute(command, ()).await.unwrap();
        record.take();
        assert_eq!(conn.fetch_scalar::<i32>(sql, (2,)).await.unwrap(), 2);
        let written = record.take();
        assert!(
            written.tags().starts_with("CPDH"),
            "nothing is tried in vain"
        );
        // Behind our back.
        let all = "do $$ begin execute 'deallocate all'; end $$";
        conn.execute(all, ()).await.unwrap();
        assert_eq!(conn.fetch_scalar::<i32>(sql, (3,)).await.unwrap(), 3);
        assert_eq!(prepared(&mut conn).await, 1);
        let mut tx = conn.begin().await.unwrap();
        tx.execute(all, ()).await.unwrap();
        assert_eq!(
            tx.fetch(sql, (3,)).await.unwrap_err().sqlstate(),
            Some("26000")
        );
        tx.rollback().await.unwrap();
        assert_eq!(conn.fetch_scalar::<i32>(sql, (4,)).await.unwrap(), 4);
    }
}

async fn a_handle_whose_statement_is_gone<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let handle = conn.prepare("select $1::int4").await.unwrap();
    for _ in 0..2 {
        conn.execute("deallocate all", ()).await.unwrap();
        assert_eq!(conn.fetch_scalar::<i32>(&handle, (2,)).await.unwrap(), 2);
        assert_eq!(conn.fetch_scalar::<i32>(&handle, (3,)).await.unwrap(), 3);
    }
    drop(handle);
    conn.ping().await.unwrap();
    assert_eq!(prepared(&mut conn).await, 0);
}

async fn a_failed_description_leaves_nothing<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    // Parsed, and then there is nothing to describe it by.
    for _ in 0..2 {
        conn.fetch("select $1::int4 from nowhere", (1,))
            .await
            .unwrap_err();
        conn.fetch("selec $1", (1,)).await.unwrap_err();
    }
    let failed = conn.fetch("select $1::int4", (1.5_f64,)).await;
    assert!(matches!(failed, Err(Error::Encode(_))));
    assert_eq!(
        conn.fetch_scalar::<i32>("select $1::int4", (1,))
            .await
            .unwrap(),
        1
    );
    assert_eq!(prepared(&mut conn).await, 1);
}

async fn definitions_are_not_kept<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let query = |sql: &'static str| Query::new(sql).max_rows(1);
    conn.execute(query("create temporary table t (a int4)"), ())
        .await
        .unwrap();
    conn.execute(query("insert into t values (1)"), ())
        .await
        .unwrap();
    conn.ping().await.unwrap();
    assert_eq!(prepared(&mut conn).await, 0);
}
