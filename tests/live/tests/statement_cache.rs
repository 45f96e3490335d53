//! Statements that are used by their text: prepared once, one round trip from then on, and what happens when they go stale.

use std::collections::HashSet;
use std::sync::LazyLock;

use purepg_conn::{Connection, Error, Query, Runtime};
use purepg_testkit::frontend::{Frontend, Object};
use purepg_testkit::server::{Options, Server, USER_TRUST};
use purepg_tests_live::{Context, live};

live!(
    the_second_time_it_is_one_round_trip_without_describe,
    the_first_time_it_is_two,
    a_text_without_parameters_stays_simple,
    what_returns_no_rows_is_not_described_each_time,
    a_rule_makes_no_rows_of_an_insert,
    acceptance_40_what_gives_way_is_closed_along_the_way,
    acceptance_40_closing_works_in_a_failed_transaction,
    acceptance_41_closing_what_is_not_there,
    acceptance_48_without_a_cache_only_the_unnamed_statement_is_used,
    acceptance_50_names_are_unique_and_short,
    acceptance_44_a_table_that_changed,
    acceptance_44_a_table_that_changed_amid_a_transaction,
    acceptance_47_a_search_path_that_changed,
    acceptance_47_a_search_path_that_is_reported,
    acceptance_45_a_type_that_was_dropped_and_made_again,
    acceptance_45_a_type_that_was_dropped_amid_a_transaction,
    acceptance_45_an_enum_with_another_value,
    acceptance_45_a_composite_with_another_attribute,
    acceptance_45_a_domain_with_another_check,
    acceptance_46_statements_that_were_deallocated,
    acceptance_46_deallocated_within_a_pipeline,
    acceptance_46_deallocated_behind_an_abandoned_query,
    many_sets_for_a_statement_that_is_gone,
    messages_of_a_statement_that_is_gone,
    a_handle_whose_statement_is_gone,
    a_failed_description_leaves_nothing,
    acceptance_42_definitions_and_long_texts_are_not_kept,
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

async fn what_returns_no_rows_is_not_described_each_time<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let table = "create temporary table t (a int4)";
    conn.execute(table, ()).await.unwrap();
    let sql = "insert into t values ($1)";
    for tags in ["PDHBES", "BES", "BES"] {
        record.take();
        assert_eq!(conn.execute(sql, (1,)).await.unwrap(), 1);
        assert_eq!(record.take().tags(), tags);
    }
    assert!(conn.fetch(sql, (2,)).await.unwrap().is_empty());
    // What has no plan may give other rows each time.
    let cursor = "begin; declare c cursor for select a from t";
    conn.execute(cursor, ()).await.unwrap();
    let fetch = conn.prepare("fetch 1 from c").await.unwrap();
    record.take();
    assert_eq!(conn.execute(&fetch, ()).await.unwrap(), 1);
    assert_eq!(record.take().tags(), "BDES");
}

async fn a_rule_makes_no_rows_of_an_insert<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let table = "create temporary table t (a int4)";
    conn.execute(table, ()).await.unwrap();
    let insert = conn.prepare("insert into t values ($1)").await.unwrap();
    assert_eq!(conn.execute(&insert, (1,)).await.unwrap(), 1);
    let rule = "create rule r as on insert to t do instead select 7";
    conn.execute(rule, ()).await.unwrap();
    for _ in 0..2 {
        assert!(conn.fetch(&insert, (2,)).await.unwrap().is_empty());
        assert_eq!(conn.execute(&insert, (2,)).await.unwrap(), 0);
    }
    conn.execute("drop rule r on t", ()).await.unwrap();
    assert_eq!(conn.execute(&insert, (3,)).await.unwrap(), 1);
    let sum = "select sum(a) from t";
    assert_eq!(conn.fetch_scalar::<i64>(sum, ()).await.unwrap(), 4);
    assert!(conn.is_idle());
}

async fn a_text_without_parameters_stays_simple<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let query = Query::new("select 1").max_rows(1);
    conn.fetch(&query, ()).await.unwrap();
    record.take();
    conn.fetch("select 1", ()).await.unwrap();
    assert_eq!(record.take().tags(), "Q");
}

async fn acceptance_40_what_gives_way_is_closed_along_the_way<R: Runtime>(cx: Context<R>) {
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

async fn acceptance_40_closing_works_in_a_failed_transaction<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(1);
    let (mut conn, record) = cx.connect_recorded(&config).await;
    let handle = conn.prepare("select 1").await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.fetch("select $1::int4", (1,)).await.unwrap();
    // Described, and so the other one gives way; then it fails.
    let failed = tx.fetch("select 1 / $1::int8", (0_i64,)).await;
    assert_eq!(failed.unwrap_err().sqlstate(), Some("22012"));
    drop(handle);
    record.take();
    let refused = tx.fetch("select $1::int2", (1_i16,)).await.unwrap_err();
    assert_eq!(refused.sqlstate(), Some("25P02"));
    let messages = record.take().messages();
    let closed = messages
        .iter()
        .filter(|message| matches!(message, Frontend::Close(Object::Statement(_))));
    assert_eq!(closed.count(), 2, "{messages:?}");
    tx.rollback().await.unwrap();
    assert_eq!(prepared(&mut conn).await, 1);
    record.take();
    conn.fetch("select 1 / $1::int8", (1_i64,)).await.unwrap();
    assert_eq!(record.take().tags(), "BES", "this one is kept");
}

async fn acceptance_41_closing_what_is_not_there<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let first = conn.prepare("select 1").await.unwrap();
    let second = conn.prepare("select 2").await.unwrap();
    conn.execute("deallocate all", ()).await.unwrap();
    record.take();
    conn.close_statement(first).await.unwrap();
    assert_eq!(record.take().tags(), "CS");
    // Along the way, and in a transaction, which lives on.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
    drop(second);
    tx.execute("insert into t values (1)", ()).await.unwrap();
    assert!(record.take().tags().contains('C'));
    tx.commit().await.unwrap();
    assert_eq!(conn.execute("select from t", ()).await.unwrap(), 1);
}

async fn acceptance_48_without_a_cache_only_the_unnamed_statement_is_used<R: Runtime>(
    cx: Context<R>,
) {
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

async fn acceptance_50_names_are_unique_and_short<R: Runtime>(cx: Context<R>) {
    let (mut one, noted_one) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let (mut two, noted_two) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    // Texts that differ far behind what a name can hold.
    let blank = " ".repeat(100);
    for i in 0..5 {
        let sql = format!("select $1::int4{blank} + {i}");
        for _ in 0..2 {
            for conn in [&mut one, &mut two] {
                let sum: i32 = conn.fetch_scalar(&sql, (1,)).await.unwrap();
                assert_eq!(sum, 1 + i, "each is its own");
            }
        }
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

async fn acceptance_44_a_table_that_changed<R: Runtime>(cx: Context<R>) {
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

async fn acceptance_44_a_table_that_changed_amid_a_transaction<R: Runtime>(cx: Context<R>) {
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

    // Changed by somebody else while it was kept: told once, and right in the next transaction.
    let handle = conn.prepare(sql).await.unwrap();
    conn.execute("alter table t add c int4 default 3", ())
        .await
        .unwrap();
    for columns in [None, Some(3)] {
        let mut tx = conn.begin().await.unwrap();
        for query in [Query::new(sql), Query::new(&handle)] {
            let mut inner = tx.begin().await.unwrap();
            match (inner.fetch_one(query, (0,)).await, columns) {
                (Ok(row), Some(columns)) => assert_eq!(row.len(), columns),
                (Err(error), None) => assert_eq!(error.sqlstate(), Some("0A000")),
                (other, _) => panic!("{other:?}"),
            }
        }
        tx.rollback().await.unwrap();
    }
}

async fn acceptance_47_a_search_path_that_changed<R: Runtime>(cx: Context<R>) {
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

/// From version 18 on the server tells when it changes; before, only rows of other columns do.
async fn acceptance_47_a_search_path_that_is_reported<R: Runtime>(cx: Context<R>) {
    static NEWEST: LazyLock<Server> =
        LazyLock::new(|| Server::start(Options::new().version(18)).unwrap());
    let (mut conn, record) = cx
        .connect_recorded(&cx.config_of(&NEWEST, USER_TRUST))
        .await;
    let process = conn.process_id().unwrap();
    let (one, two) = (format!("one_{process}"), format!("two_{process}"));
    let sql = format!(
        "create schema {one}; create schema {two}; create table {one}.t as select 1 as a; create table {two}.t as select 'x' as a; \
         set search_path to {one}"
    );
    conn.execute(&sql, ()).await.unwrap();
    let count = "select count(*) from t where a = $1";
    let get = async |conn: &mut Connection<_>| -> Result<i64, Error> {
        conn.fetch_scalar(count, ("x",)).await
    };
    // Of the columns nobody could tell, but the parameter has another type.
    for _ in 0..2 {
        assert_eq!(conn.fetch_scalar::<i64>(count, (1,)).await.unwrap(), 1);
        conn.execute(&format!("set search_path to {two}"), ())
            .await
            .unwrap();
        assert_eq!(get(&mut conn).await.unwrap(), 1);
        // The same once more, in a transaction, which takes it back.
        let mut tx = conn.begin().await.unwrap();
        tx.execute(&format!("set local search_path to {one}"), ())
            .await
            .unwrap();
        assert_eq!(tx.fetch_scalar::<i64>(count, (1,)).await.unwrap(), 1);
        tx.rollback().await.unwrap();
        assert_eq!(get(&mut conn).await.unwrap(), 1);
        conn.execute(&format!("set search_path to {one}"), ())
            .await
            .unwrap();
    }
    // As long as it stays what it is, nothing is prepared again.
    conn.fetch(count, (1,)).await.unwrap();
    conn.execute("set work_mem to '5MB'", ()).await.unwrap();
    conn.ping().await.unwrap();
    record.take();
    conn.fetch(count, (1,)).await.unwrap();
    assert_eq!(record.take().tags(), "BES");
    assert_eq!(prepared(&mut conn).await, 1, "none is left over");
}

async fn acceptance_45_a_type_that_was_dropped_and_made_again<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create type pg_temp.mood as enum ('sad', 'glad')", ())
        .await
        .unwrap();
    let sql = "select $1::pg_temp.mood";
    let handle = conn.prepare(sql).await.unwrap();
    let get = async |conn: &mut Connection<_>, value| {
        let by_handle = conn.fetch_scalar::<String>(&handle, (value,)).await;
        let by_text = conn.fetch_scalar::<String>(sql, (value,)).await;
        assert_eq!(by_handle.is_ok(), by_text.is_ok());
        by_text
    };
    assert_eq!(get(&mut conn, "glad").await.unwrap(), "glad");
    // While it is missing, the server says so.
    conn.execute("drop type pg_temp.mood", ()).await.unwrap();
    for _ in 0..2 {
        let error = get(&mut conn, "glad").await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("42704"), "{error}");
    }
    let sql = "create type pg_temp.mood as enum ('glad', 'mad')";
    conn.execute(sql, ()).await.unwrap();
    assert_eq!(get(&mut conn, "mad").await.unwrap(), "mad");
    // And nobody notices when it comes back meanwhile: the very next query is right.
    conn.execute("drop type pg_temp.mood", ()).await.unwrap();
    let sql = "create type pg_temp.mood as enum ('blue')";
    conn.execute(sql, ()).await.unwrap();
    assert_eq!(get(&mut conn, "blue").await.unwrap(), "blue");
    let error = get(&mut conn, "mad").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"), "{error}");
    // Another kind of type under the same name.
    let sql = "drop type pg_temp.mood; create domain pg_temp.mood as text";
    conn.execute(sql, ()).await.unwrap();
    assert_eq!(get(&mut conn, "any").await.unwrap(), "any");
    assert!(conn.is_idle());
}

async fn acceptance_45_a_type_that_was_dropped_amid_a_transaction<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create type pg_temp.mood as enum ('sad')", ())
        .await
        .unwrap();
    let sql = "select $1::pg_temp.mood";
    conn.fetch(sql, ("sad",)).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let again = "drop type pg_temp.mood; create type pg_temp.mood as enum ('mad')";
    tx.execute(again, ()).await.unwrap();
    // A command of its own: the connection knows that types have changed.
    tx.fetch(sql, ("mad",)).await.unwrap();
    tx.rollback().await.unwrap();
    let sad: String = conn.fetch_scalar(sql, ("sad",)).await.unwrap();
    assert_eq!(sad, "sad");
    conn.execute(again, ()).await.unwrap();
    let mad: String = conn.fetch_scalar(sql, ("mad",)).await.unwrap();
    assert_eq!(mad, "mad");
}

async fn acceptance_45_an_enum_with_another_value<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create type pg_temp.mood as enum ('sad')", ())
        .await
        .unwrap();
    let sql = "select $1::pg_temp.mood, enum_range(null::pg_temp.mood)";
    conn.fetch(sql, ("sad",)).await.unwrap();
    let error = conn.fetch(sql, ("mad",)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"));
    for (change, value, range) in [
        ("add value 'mad' before 'sad'", "mad", "{mad,sad}"),
        ("rename value 'sad' to 'blue'", "blue", "{mad,blue}"),
    ] {
        let change = format!("alter type pg_temp.mood {change}");
        conn.execute(&change, ()).await.unwrap();
        record.take();
        // Types have changed: described and looked up again, once.
        for tags in ["CPDHCPBDECHBES", "BES"] {
            let row = conn.fetch_one(sql, (value,)).await.unwrap();
            let row: (&str, String) = row.decode().unwrap();
            assert_eq!(row, (value, range.into()));
            assert_eq!(record.take().tags(), tags, "{change}");
        }
    }
}

async fn acceptance_45_a_composite_with_another_attribute<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let sql = "create type pg_temp.pair as (a int, b text); create temporary table t (p pg_temp.pair); insert into t values ('(0,)')";
    conn.execute(sql, ()).await.unwrap();
    let echo = "select $1::pg_temp.pair";
    let stored = "select p from t where $1";
    let told = async |conn: &mut Connection<_>, value| {
        let echo: String = conn.fetch_scalar(echo, (value,)).await.unwrap();
        let stored: String = conn.fetch_scalar(stored, (true,)).await.unwrap();
        (echo, stored)
    };
    let expected = |echo: &str, stored: &str| (echo.to_owned(), stored.to_owned());
    assert_eq!(told(&mut conn, "(1,x)").await, expected("(1,x)", "(0,)"));
    for (change, value, stored) in [
        ("add attribute c bool", "(1,x,t)", "(0,,)"),
        ("drop attribute a", "(x,t)", "(,)"),
    ] {
        let sql = format!("alter type pg_temp.pair {change}");
        conn.execute(&sql, ()).await.unwrap();
        assert_eq!(
            told(&mut conn, value).await,
            expected(value, stored),
            "{change}"
        );
    }
    let error = conn.fetch(echo, ("(1,2,3)",)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"));
}

async fn acceptance_45_a_domain_with_another_check<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute(
        "create domain pg_temp.even as int4 check (value % 2 = 0)",
        (),
    )
    .await
    .unwrap();
    let sql = "select $1::int4::pg_temp.even";
    assert_eq!(conn.fetch_scalar::<i32>(sql, (4,)).await.unwrap(), 4);
    let change = "alter domain pg_temp.even drop constraint even_check; alter domain pg_temp.even add check (value > 4)";
    conn.execute(change, ()).await.unwrap();
    assert_eq!(conn.fetch_scalar::<i32>(sql, (5,)).await.unwrap(), 5);
    let error = conn.fetch(sql, (4,)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("23514"));
    // Over another type.
    conn.execute(
        "drop domain pg_temp.even; create domain pg_temp.even as text",
        (),
    )
    .await
    .unwrap();
    assert_eq!(conn.fetch_scalar::<String>(sql, (4,)).await.unwrap(), "4");
}

async fn acceptance_46_statements_that_were_deallocated<R: Runtime>(cx: Context<R>) {
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

async fn acceptance_46_deallocated_within_a_pipeline<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let (known, new) = ("select $1::int4", "select $1::int4 + 1");
    let handle = conn.prepare("select $1::int4 * 2").await.unwrap();
    for command in ["deallocate all", "DEALLOCATE  PREPARE\nALL;", "discard all"] {
        conn.fetch(known, (1,)).await.unwrap();
        let mut pipeline = conn.pipeline();
        pipeline.push(known, (1,)).sync();
        pipeline.push(command, ()).sync();
        // Parsed behind it, and so still there.
        for (sql, value) in [(new, 2), (new, 3), (known, 4)] {
            pipeline.push(sql, (value,)).sync();
        }
        let mut results = pipeline.run().await.unwrap();
        let mut told = Vec::new();
        while let Some(result) = results.next().await {
            let outcome = result.unwrap();
            let row = outcome.rows.first();
            told.push(row.map(|row| row.get::<i32>(0).unwrap()));
        }
        assert_eq!(told, [Some(1), None, Some(3), Some(4), Some(4)]);
        for (sql, value, wanted) in [(known, 5, 5), (new, 5, 6), (known, 6, 6)] {
            let got: i32 = conn.fetch_scalar(sql, (value,)).await.unwrap();
            assert_eq!(got, wanted, "{sql}");
        }
        let twice: i32 = conn.fetch_scalar(&handle, (4,)).await.unwrap();
        assert_eq!(twice, 8);
        conn.ping().await.unwrap();
        assert_eq!(prepared(&mut conn).await, 3, "none is left over");
    }
    // A handle that goes along with it had been sent before anybody knew: that is told once.
    let mut pipeline = conn.pipeline();
    pipeline.push("deallocate all", ()).sync();
    pipeline.push(&handle, (1,));
    let mut results = pipeline.run().await.unwrap();
    results.next().await.unwrap().unwrap();
    let error = results.next().await.unwrap().unwrap_err();
    assert_eq!(error.sqlstate(), Some("26000"));
    let twice: i32 = conn.fetch_scalar(&handle, (5,)).await.unwrap();
    assert_eq!(twice, 10);
}

async fn acceptance_46_deallocated_behind_an_abandoned_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select $1::int4";
    let all = "do $$ begin execute 'deallocate all'; end $$; select generate_series(1, 100000)";
    conn.fetch(sql, (1,)).await.unwrap();
    drop(conn.query(all, ()).await.unwrap());
    assert_eq!(conn.fetch_scalar::<i32>(sql, (2,)).await.unwrap(), 2);
    // Not in a transaction, though it is an abandoned one.
    let all = format!("begin; {all}");
    drop(conn.query(&all, ()).await.unwrap());
    let error = conn.fetch(sql, (3,)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("26000"));
    conn.execute("rollback", ()).await.unwrap();
    assert_eq!(conn.fetch_scalar::<i32>(sql, (4,)).await.unwrap(), 4);
}

async fn messages_of_a_statement_that_is_gone<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let sql = "select $1::int4";
    for by_handle in [false, true] {
        let handle = conn.prepare(sql).await.unwrap();
        let query = if by_handle {
            Query::new(&handle)
        } else {
            Query::new(sql)
        };
        let all = "do $$ begin execute 'deallocate all'; end $$";
        let mut told = Vec::new();
        for _ in 0..3 {
            let mut messages = conn.lowlevel_query(&query, (1,)).await.unwrap();
            let mut last = None;
            while let Some(message) = messages.next().await {
                last = Some(message);
            }
            told.push(match last {
                Some(Ok(_)) => "done",
                Some(Err(error)) if error.sqlstate() == Some("26000") => "gone",
                other => panic!("{other:?}"),
            });
            if told.len() == 1 {
                conn.execute(all, ()).await.unwrap();
            }
        }
        assert_eq!(told, ["done", "gone", "done"], "told once");
    }
}

async fn many_sets_for_a_statement_that_is_gone<R: Runtime>(cx: Context<R>) {
    let (mut conn, _) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
    let sql = "insert into t values ($1)";
    for by_handle in [false, true] {
        let handle = conn.prepare(sql).await.unwrap();
        let query = if by_handle {
            Query::new(&handle)
        } else {
            Query::new(sql)
        };
        assert_eq!(conn.execute_many(&query, [(1,), (2,)]).await.unwrap(), 2);
        let all = "do $$ begin execute 'deallocate all'; end $$";
        conn.execute(all, ()).await.unwrap();
        // The sets are spent, so it is told once.
        let error = conn.execute_many(&query, [(3,)]).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("26000"));
        assert_eq!(conn.execute_many(&query, [(3,)]).await.unwrap(), 1);
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

async fn acceptance_42_definitions_and_long_texts_are_not_kept<R: Runtime>(cx: Context<R>) {
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

    // What is long is mostly generated, and comes once.
    for (longest, length, kept) in [
        (None, 16 * 1024, true),
        (None, 16 * 1024 + 1, false),
        (Some(100), 100, true),
        (Some(100), 101, false),
        (Some(usize::MAX), 100_000, true),
    ] {
        let config = cx.config(USER_TRUST);
        let config = match longest {
            Some(bytes) => config.statement_cache_max_text(bytes),
            None => config,
        };
        let (mut conn, record) = cx.connect_recorded(&config).await;
        let sql = "select $1::int4";
        let sql = format!("{sql}{}", " ".repeat(length - sql.len()));
        for i in 0..3 {
            record.take();
            let value: i32 = conn.fetch_scalar(&sql, (i,)).await.unwrap();
            assert_eq!(value, i);
            let tags = if kept && i > 0 { "BES" } else { "PDHBES" };
            assert_eq!(record.take().tags(), tags, "{length} of {longest:?}");
        }
        assert_eq!(prepared(&mut conn).await, i64::from(kept));
        // In a pipeline it is the same.
        let mut pipeline = conn.pipeline();
        pipeline
            .push(&sql, (1,))
            .push("select 2", ())
            .push(&sql, (3,));
        let mut results = pipeline.run().await.unwrap();
        for wanted in 1..=3 {
            let outcome = results.next().await.unwrap().unwrap();
            assert_eq!(outcome.rows[0].get::<i32>(0).unwrap(), wanted);
        }
        assert_eq!(conn.execute_many(&sql, [(1,), (2,)]).await.unwrap(), 2);
    }
}
