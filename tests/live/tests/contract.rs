//! What the driver promises, a test for each promise: short ones, to be read. What becomes of it in all its corners, other files test.

use std::sync::{Arc, Mutex};

use futures_util::future::{join, join_all};
use purepg_conn::{Error, Message, ProtocolVersion, Query, Runtime, SslMode, params};
use purepg_testkit::backend;
use purepg_testkit::recorded::{Record, Recorded};
use purepg_testkit::server::{USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Canned, Context, Wrapped, live};

live!(
    open_a_connection,
    facts,
    eager_queries,
    lazy_queries,
    leaving_early,
    the_choice_of_protocol,
    parameters,
    row_limit,
    prepared_statements,
    low_level,
    errors,
    transactions,
    one_query_at_a_time,
    notices,
    protected_parameters,
    conversions,
);

/// By the name of a host or the path of a socket; all but the user's name is optional, and the database has the user's name then.
async fn open_a_connection<R: Runtime>(cx: Context<R>) {
    let full = cx
        .config_with_password(USER_SCRAM)
        .ssl_mode(SslMode::Prefer)
        .application_name("contract")
        .max_protocol_version(ProtocolVersion::V3_0);
    let mut conn = cx.try_connect(&full).await.unwrap();
    let sql = "select current_user::text, current_setting('application_name')";
    let row = conn.fetch_one(sql, ()).await.unwrap();
    assert_eq!(
        row.decode::<(&str, &str)>().unwrap(),
        (USER_SCRAM, "contract")
    );
    conn.close().await.unwrap();

    let server = cx.server();
    let socket = purepg_conn::Config::new(server.socket_dir().display().to_string(), USER_TRUST);
    let tcp = purepg_conn::Config::new(server.host(), USER_TRUST);
    for config in [socket, tcp] {
        let error = cx.try_connect(&config.port(server.port())).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("\"{USER_TRUST}\"")), "{error}");
        assert!(error.contains("database"), "{error}");
    }
    let nobody = cx.config("");
    assert!(matches!(
        cx.try_connect(&nobody).await,
        Err(Error::Config(_))
    ));
}

/// Ready, in a transaction, dead, the server's parameters, its time zone.
async fn facts<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    assert!(conn.is_ready() && !conn.in_transaction() && !conn.is_dead());
    conn.execute("set timezone to 'Asia/Tokyo'; begin", ())
        .await
        .unwrap();
    assert!(conn.is_ready() && conn.in_transaction());
    assert_eq!(conn.server_timezone(), Some("Asia/Tokyo"));
    let version: String = conn.fetch_scalar("show server_version", ()).await.unwrap();
    assert_eq!(conn.parameter("server_version"), Some(&*version));
    assert!(conn.parameters().iter().count() > 5);
    let process = conn.fetch_scalar("select pg_backend_pid()", ()).await;
    assert_eq!(conn.process_id(), Some(process.unwrap()));
    conn.execute("select pg_terminate_backend(pg_backend_pid())", ())
        .await
        .unwrap_err();
    assert!(conn.is_dead() && !conn.is_ready());
}

/// All rows, the first one, which has to be there, or may be; a count, and no rows.
async fn eager_queries<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let some = "select generate_series(1, 3)";
    let none = "select 1 where false";
    assert_eq!(conn.fetch(some, ()).await.unwrap().len(), 3);
    let first = conn.fetch_one(some, ()).await.unwrap();
    assert_eq!(first.get::<i32>(0).unwrap(), 1);
    assert!(matches!(conn.fetch_one(none, ()).await, Err(Error::NoRows)));
    assert!(conn.fetch_optional(some, ()).await.unwrap().is_some());
    assert!(conn.fetch_optional(none, ()).await.unwrap().is_none());
    assert_eq!(conn.fetch_scalar::<i32>(some, ()).await.unwrap(), 1);
    let numbers: Vec<(i32,)> = conn.fetch_as(some, ()).await.unwrap();
    assert_eq!(numbers, [(1,), (2,), (3,)]);
    assert_eq!(conn.execute(some, ()).await.unwrap(), 3);
    let create = "create temporary table t (a int4)";
    assert_eq!(conn.execute(create, ()).await.unwrap(), 0);
}

/// Rows as they arrive, and their number after them, amid them, or instead of them.
async fn lazy_queries<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // The last row is an error: whoever has the first one did not wait for it.
    let sql = "select 1 / (20000 - g) from generate_series(1, 20000) g";
    let mut rows = conn.query(sql, ()).await.unwrap();
    rows.next().await.unwrap().unwrap();
    let error = rows.row_count().await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    for taken in [0, 1, 3] {
        let mut rows = conn
            .query("select generate_series(1, 3)", ())
            .await
            .unwrap();
        for n in 1..=taken {
            let row = rows.next().await.unwrap().unwrap();
            assert_eq!(row.get::<i32>(0).unwrap(), n);
        }
        assert_eq!(rows.row_count().await.unwrap(), 3);
    }
}

/// The next query first reads past what is left.
async fn leaving_early<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for _ in 0..3 {
        let sql = "select generate_series(1, 5000)";
        let mut rows = conn.query(sql, ()).await.unwrap();
        rows.next().await.unwrap().unwrap();
        drop(rows);
        let next: String = conn.fetch_scalar("select 'next'", ()).await.unwrap();
        assert_eq!(next, "next");
    }
    assert!(conn.is_idle());
}

/// Text alone is one simple query; parameters, a row limit, or a prepared statement take the extended protocol.
async fn the_choice_of_protocol<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.fetch("select 1", ()).await.unwrap();
    assert_eq!(record.take().tags(), "Q");
    conn.fetch("select $1::int4", (1,)).await.unwrap();
    assert_eq!(record.take().tags(), "PDHBES");
    conn.fetch(Query::new("select 2").max_rows(1), ())
        .await
        .unwrap();
    assert_eq!(record.take().tags(), "PDHBES");
    let statement = conn.prepare("select 3").await.unwrap();
    record.take();
    conn.fetch(&statement, ()).await.unwrap();
    assert_eq!(record.take().tags(), "BES");
}

/// By position, and by name outside of everything that only looks like one; prepared statements take positions.
async fn parameters<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sum: i32 = conn
        .fetch_scalar("select $1::int4 + $2 + $1", (1, 2))
        .await
        .unwrap();
    assert_eq!(sum, 4);
    let sql = r#"select :a::int4 + :b + :a, ':a', "x:a", $$:a$$ from (select 1 as "x:a") t -- :c"#;
    let row = conn.fetch_one(sql, params! { a: 1, b: 2 }).await.unwrap();
    let values: (i32, &str, i32, &str) = row.decode().unwrap();
    assert_eq!(values, (4, ":a", 1, ":a"));
    let statement = conn.prepare("select $1::int4").await.unwrap();
    let refused = conn.fetch(&statement, params! { a: 1 }).await;
    assert!(matches!(refused, Err(Error::Usage(_))));
    assert_eq!(conn.fetch_scalar::<i32>(&statement, (1,)).await.unwrap(), 1);
}

/// At most so many rows, however they are asked for: the server makes no more.
async fn row_limit<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // A third row would be an error.
    let sql = "select 1 / (3 - generate_series(1, 9))";
    let limited = Query::new(sql).max_rows(2);
    assert_eq!(conn.fetch(&limited, ()).await.unwrap().len(), 2);
    let rows = conn.query(&limited, ()).await.unwrap();
    assert_eq!(rows.row_count().await.unwrap(), 2);
    assert_eq!(conn.execute(&limited, ()).await.unwrap(), 2);
    let mut messages = conn.lowlevel_query(&limited, ()).await.unwrap();
    let mut last = None;
    while let Some(message) = messages.next().await {
        last = Some(message.unwrap());
    }
    assert!(matches!(last, Some(Message::Suspended)));
    let statement = conn.prepare(sql).await.unwrap();
    let handle = Query::new(&statement).max_rows(2);
    assert_eq!(conn.execute(&handle, ()).await.unwrap(), 2);
    for (rows, fine) in [
        (0, false),
        (1, true),
        (i32::MAX.unsigned_abs(), true),
        (1 << 31, false),
    ] {
        let result = conn.fetch(Query::new("select 1").max_rows(rows), ()).await;
        assert_eq!(result.is_ok(), fine, "{rows} rows");
    }
}

/// By a handle, and automatically: each is parsed once.
async fn prepared_statements<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let statement = conn.prepare("select $1::int4 + 1").await.unwrap();
    let sql = "select $1::int4 + 2";
    for n in 0..3 {
        let one: i32 = conn.fetch_scalar(&statement, (n,)).await.unwrap();
        let two: i32 = conn.fetch_scalar(sql, (n,)).await.unwrap();
        assert_eq!((one, two), (n + 1, n + 2));
    }
    let parsed = record.take().tags().matches('P').count();
    assert_eq!(parsed, 2);
    let sql = "select count(*) from pg_prepared_statements";
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 2);
    conn.close_statement(statement).await.unwrap();
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 1);
}

/// Every message of the cycle, once for each statement of a text of several.
async fn low_level<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select 1; create temporary table t (a int4); select 2, 3";
    let mut messages = conn.lowlevel_query(sql, ()).await.unwrap();
    let mut told = Vec::new();
    while let Some(message) = messages.next().await {
        told.push(match message.unwrap() {
            Message::Columns(columns) => format!("{} columns", columns.len()),
            Message::Row(row) => format!("a row of {}", row.len()),
            Message::Complete(tag) => tag.to_string(),
            other => panic!("{other:?}"),
        });
    }
    let expected = [
        "1 columns",
        "a row of 1",
        "SELECT 1",
        "CREATE TABLE",
        "2 columns",
        "a row of 2",
        "SELECT 1",
    ];
    assert_eq!(told, expected);
}

/// Recoverable, unrecoverable, and of the protocol; a missing password, and a wrong one.
async fn errors<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let error = conn.fetch("select 1 / 0", ()).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)) && error.is_recoverable());
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    let die = "select pg_terminate_backend(pg_backend_pid())";
    let error = conn.fetch(die, ()).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)) && !error.is_recoverable());
    assert_eq!(error.sqlstate(), Some("57P01"));
    let again = conn.fetch("select 1", ()).await.unwrap_err();
    assert_eq!(again.sqlstate(), Some("57P01"), "why it cannot be used");

    let start = [backend::authentication_ok(), backend::ready(b'I')].concat();
    let server = Canned::new([start, b"nonsense".to_vec()]);
    let mut conn = cx.connect_canned(&cx.config(USER_TRUST), server).await;
    let error = conn.fetch("select 1", ()).await.unwrap_err();
    assert!(matches!(error, Error::Protocol(_)) && !error.is_recoverable());

    let missing = cx.try_connect(&cx.config(USER_SCRAM)).await;
    assert!(matches!(missing, Err(Error::MissingPassword { .. })));
    let wrong = cx.config(USER_SCRAM).password("wrong");
    let wrong = cx.try_connect(&wrong).await;
    assert!(matches!(wrong, Err(Error::InvalidPassword(_))));
}

/// Committed at the end; rolled back on an error, and when dropped; without one, each query is its own.
async fn transactions<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut other = cx.connect().await;
    let table = format!("contract_{}", conn.process_id().unwrap());
    let count = format!("select count(*) from {table}");
    let insert = format!("insert into {table} values (1)");
    let create = format!("create table {table} (a int4)");
    conn.execute(&create, ()).await.unwrap();
    conn.execute(&insert, ()).await.unwrap();
    assert_eq!(other.fetch_scalar::<i64>(&count, ()).await.unwrap(), 1);
    conn.with_transaction(async |tx| {
        tx.execute(&insert, ()).await?;
        assert_eq!(other.fetch_scalar::<i64>(&count, ()).await?, 1, "not yet");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(other.fetch_scalar::<i64>(&count, ()).await.unwrap(), 2);
    let failed: Result<(), Error> = conn
        .with_transaction(async |tx| {
            tx.execute(&insert, ()).await?;
            Err(Error::NoRows)
        })
        .await;
    assert!(matches!(failed, Err(Error::NoRows)));
    let mut tx = conn.begin().await.unwrap();
    tx.execute(&insert, ()).await.unwrap();
    drop(tx);
    assert_eq!(conn.fetch_scalar::<i64>(&count, ()).await.unwrap(), 2);
    conn.execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

/// Tasks have a shared connection in turn, and a transaction to themselves.
async fn one_query_at_a_time<R: Runtime>(cx: Context<R>) {
    let shared = cx.connect().await.into_shared();
    let order = Mutex::new(Vec::new());
    let tasks = (0..20).map(async |n: i32| {
        let sql = "select pg_sleep(0.001), $1::int4";
        let row = shared.fetch_one(sql, (n,)).await.unwrap();
        order.lock().unwrap().push(row.get::<i32>(1).unwrap());
    });
    join_all(tasks).await;
    let in_turn: Vec<i32> = (0..20).collect();
    assert_eq!(*order.lock().unwrap(), in_turn);
    let work = shared.with_transaction(async |tx| {
        let before: i64 = tx.fetch_scalar("select txid_current()", ()).await?;
        let after: i64 = tx.fetch_scalar("select txid_current()", ()).await?;
        assert_eq!(before, after);
        Ok(before)
    });
    let intruder = shared.fetch_scalar::<i64>("select txid_current()", ());
    let (inside, outside) = join(work, intruder).await;
    assert_ne!(inside.unwrap(), outside.unwrap(), "nobody slips into it");
}

/// A warning is delivered, and is no error.
async fn notices<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let warn = "do $$ begin raise warning 'careful'; end $$";
    conn.execute(warn, ()).await.unwrap();
    assert_eq!(conn.take_notice().unwrap().message(), "careful");
    assert!(conn.take_notice().is_none());
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let config = cx.config(USER_TRUST).on_notice(move |notice| {
        hears.lock().unwrap().push(notice.message().to_owned());
    });
    let mut conn = cx.try_connect(&config).await.unwrap();
    let sql = "select 1; do $$ begin raise warning 'careful'; end $$";
    assert_eq!(conn.fetch(sql, ()).await.unwrap().len(), 1);
    assert_eq!(*told.lock().unwrap(), ["careful"]);
}

/// The start asks for UTF-8 and ISO dates, and for nothing else; a change that would make values be misread is an error.
async fn protected_parameters<R: Runtime>(cx: Context<R>) {
    let record = Record::default();
    let noted = record.clone();
    let runtime = Wrapped::new(&cx.runtime, move |stream| {
        Recorded::new(stream, noted.clone())
    });
    let config = cx.config(USER_TRUST);
    let mut conn = purepg_conn::connect(runtime, &config).await.unwrap();
    let start = String::from_utf8_lossy(&record.take().bytes).into_owned();
    assert!(start.contains("client_encoding\0UTF8\0") && start.contains("DateStyle\0ISO"));
    for unasked in ["IntervalStyle", "extra_float_digits", "options"] {
        assert!(!start.contains(unasked), "{unasked}");
    }
    conn.execute("set datestyle to german", ()).await.unwrap();
    let dates = "select '2001-02-03'::date";
    let error = conn.fetch(dates, ()).await.unwrap_err();
    assert!(matches!(error, Error::ProtectedParameter(_)));
    conn.execute("reset datestyle", ()).await.unwrap();
    conn.execute("set intervalstyle to sql_standard", ())
        .await
        .unwrap();
    let harmless = conn.fetch(dates, ()).await.unwrap();
    assert_eq!(harmless.len(), 1);
}

/// The same Rust values from both formats, and back; what has no Rust type is text.
async fn conversions<R: Runtime>(cx: Context<R>) {
    type Values<'r> = (bool, i16, i32, i64, f32, f64, &'r str, Vec<u8>, Option<i32>);
    let mut conn = cx.connect().await;
    let columns = "true, 1::int2, 2::int4, 3::int8, 1.5::float4, -0.25::float8, 'ü', '\\x00ff'::bytea, null::int4";
    let text = conn.fetch_one(&format!("select {columns}"), ()).await;
    let text = text.unwrap();
    let sql = format!("select {columns} where $1");
    let binary = conn.fetch_one(&sql, (true,)).await.unwrap();
    assert_ne!(text.columns()[2].format(), binary.columns()[2].format());
    let values: Values<'_> = (true, 1, 2, 3, 1.5, -0.25, "ü", vec![0, 255], None);
    assert_eq!(text.decode::<Values<'_>>().unwrap(), values);
    assert_eq!(binary.decode::<Values<'_>>().unwrap(), values);
    let sql = "select $1::bool, $2::int2, $3::int4, $4::int8, $5::float4, $6::float8, $7::text, $8::bytea, $9::int4";
    let params = values;
    let back = conn.fetch_one(sql, params).await.unwrap();
    let same: Values<'_> = text.decode().unwrap();
    assert_eq!(back.decode::<Values<'_>>().unwrap(), same);
    conn.execute("create type pg_temp.mood as enum ('glad')", ())
        .await
        .unwrap();
    for sql in [
        "select 'glad'::pg_temp.mood",
        "select 'glad'::pg_temp.mood where $1",
    ] {
        let params: &[bool] = if sql.contains('$') { &[true] } else { &[] };
        let mood: String = conn.fetch_scalar(sql, params).await.unwrap();
        assert_eq!(mood, "glad");
    }
    let refused = conn.fetch_scalar::<i32>("select 'x'", ()).await;
    assert!(matches!(refused, Err(Error::Decode(_))));
}
