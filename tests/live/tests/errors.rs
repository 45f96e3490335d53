//! What an error tells: the fields of the server, the statement, and the place in it.

use purepg_conn::{DatabaseError, Error, Query, Runtime, Severity, SqlState, params};
use purepg_tests_live::{Context, live};

live!(
    acceptance_104_every_field_that_the_server_gives,
    acceptance_106_an_error_has_its_statement_and_no_values,
    acceptance_106_however_the_statement_is_run,
    acceptance_106_values_are_shown_when_the_session_asks_for_them,
    the_caret_is_under_the_fault_whatever_stands_before_it,
    the_caret_is_in_the_statement_of_a_function,
);

fn database(error: Error) -> DatabaseError {
    match error {
        Error::Database(error) => *error,
        error => panic!("{error:?}"),
    }
}

async fn acceptance_104_every_field_that_the_server_gives<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let table = format!("errors_{}", conn.process_id().unwrap());
    let create = format!("create table {table} (a int constraint {table}_a check (a > 0))");
    conn.execute(&create, ()).await.unwrap();
    let insert = format!("insert into {table} values (:a)");
    let error = database(conn.execute(&insert, params! { a: -1 }).await.unwrap_err());
    assert_eq!(error.severity(), Severity::Error);
    assert_eq!(error.localized_severity(), Some("ERROR"));
    assert_eq!(error.code(), Some(SqlState::CHECK_VIOLATION));
    assert!(error.message().contains(&table) && error.detail().is_some());
    assert_eq!(
        (error.schema(), error.table(), error.column()),
        (Some("public"), Some(table.as_str()), None)
    );
    assert_eq!(error.constraint(), Some(format!("{table}_a").as_str()));
    assert_eq!(error.routine(), Some("ExecConstraints"));
    assert!(
        error
            .file()
            .is_some_and(|file| file.ends_with("execMain.c"))
    );
    assert!(error.line().is_some());
    assert_eq!((error.hint(), error.position()), (None, None));
    let error = conn
        .execute(&insert, params! { a: None::<i32>, b: 1 })
        .await;
    assert!(matches!(error, Err(Error::Usage(_))));

    let raise = "do $$ begin
        raise exception using errcode = 'raise_exception', message = 'm', detail = 'd', hint = 'h',
            column = 'c', datatype = 't', schema = 's', table = 'r', constraint = 'k';
    end $$";
    let error = database(conn.execute(raise, ()).await.unwrap_err());
    assert_eq!(error.code(), Some(SqlState::RAISE_EXCEPTION));
    assert_eq!(
        (error.message(), error.detail(), error.hint()),
        ("m", Some("d"), Some("h"))
    );
    assert_eq!((error.column(), error.data_type()), (Some("c"), Some("t")));
    assert_eq!((error.schema(), error.table()), (Some("s"), Some("r")));
    assert_eq!(error.constraint(), Some("k"));
    assert!(
        error
            .context()
            .is_some_and(|context| context.contains("line 2 at RAISE"))
    );
    let shown = error.to_string();
    let expected = "ERROR: m (SQLSTATE P0001)\nDETAIL: d\nHINT: h\nCONTEXT: PL/pgSQL function";
    assert!(shown.starts_with(expected), "{shown}");
    conn.execute(&format!("drop table {table}"), ())
        .await
        .unwrap();
}

async fn acceptance_106_an_error_has_its_statement_and_no_values<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select :secret::text::int";
    let error = conn.fetch(sql, params! { secret: 123_456_i64 }).await;
    assert!(matches!(error, Err(Error::Encode(_))));
    assert!(!format!("{0:?} {0}", error.unwrap_err()).contains("123456"));
    let sql = "select 1 / length(:secret)";
    let error = conn.fetch(sql, params! { secret: "" }).await.unwrap_err();
    assert_eq!(database(error).statement(), Some(sql));
    let statement = conn.prepare("select 1 / $1::int").await.unwrap();
    let error = conn.fetch(&statement, (0,)).await.unwrap_err();
    assert_eq!(database(error).statement(), Some("select 1 / $1::int"));
}

async fn acceptance_106_however_the_statement_is_run<R: Runtime>(cx: Context<R>) {
    const SECRET: &str = "s3cr3t";
    let mut conn = cx.connect().await;
    conn.execute(
        "create temp table t (a int primary key deferrable initially deferred)",
        (),
    )
    .await
    .unwrap();
    let mut errors: Vec<(Error, &str)> = Vec::new();
    let plain = "select 1 / 0";
    let numbered = "select 1 / (length($1) - 6)";
    let named = "select 1 / (length(:word) - 6)";
    errors.push((conn.fetch(plain, ()).await.unwrap_err(), plain));
    errors.push((conn.execute(plain, ()).await.unwrap_err(), plain));
    let error = conn.fetch(numbered, (SECRET,)).await.unwrap_err();
    errors.push((error, numbered));
    let error = conn.execute(named, params! { word: SECRET }).await;
    errors.push((error.unwrap_err(), named));
    let statement = conn.prepare(numbered).await.unwrap();
    let error = conn.fetch(&statement, (SECRET,)).await.unwrap_err();
    errors.push((error, numbered));
    let query = Query::new(numbered).max_rows(1);
    let error = conn.fetch_optional(query, (SECRET,)).await.unwrap_err();
    errors.push((error, numbered));
    let late = "select 1 / (length($1) - 6 + 3 - g) from generate_series(1, 5) g";
    let mut rows = conn.query(late, (SECRET,)).await.unwrap();
    let error = loop {
        if let Err(error) = rows.next().await.unwrap() {
            break error;
        }
    };
    errors.push((error, late));
    let mut messages = conn.lowlevel_query(named, params! { word: SECRET }).await;
    let error = loop {
        if let Err(error) = messages.as_mut().unwrap().next().await.unwrap() {
            break error;
        }
    };
    drop(messages);
    errors.push((error, named));
    let error = conn.execute_many(numbered, [("x",), (SECRET,)]).await;
    errors.push((error.unwrap_err(), numbered));
    let mut pipeline = conn.pipeline();
    pipeline.push(plain, ()).sync();
    pipeline.push(named, params! { word: SECRET }).sync();
    pipeline.push(&statement, (SECRET,)).sync();
    pipeline.push("selec $1", (SECRET,));
    let mut results = pipeline.run().await.unwrap();
    for sql in [plain, named, numbered, "selec $1"] {
        let error = results.next().await.unwrap().unwrap_err();
        errors.push((error, sql));
    }
    drop(results);
    let wrong = "select nope";
    errors.push((conn.prepare(wrong).await.unwrap_err(), wrong));
    errors.push((conn.column_types(wrong).await.unwrap_err(), wrong));
    let copy = "copy nowhere from stdin";
    errors.push((conn.copy_in(copy).await.unwrap_err(), copy));
    let copy = "copy t from stdin";
    let mut sink = conn.copy_in(copy).await.unwrap();
    sink.send("none\n").await.unwrap();
    errors.push((sink.finish().await.unwrap_err(), copy));
    let copy = "copy (select 1 / (3 - g) from generate_series(1, 5) g) to stdout";
    let mut out = conn.copy_out(copy).await.unwrap();
    let error = loop {
        if let Err(error) = out.next().await.unwrap() {
            break error;
        }
    };
    drop(out);
    errors.push((error, copy));
    // What the library says by itself.
    let mut tx = conn.begin().await.unwrap();
    tx.execute("insert into t values (1), (1)", ())
        .await
        .unwrap();
    errors.push((tx.commit().await.unwrap_err(), "COMMIT"));
    let isolated = conn.transaction().read_only(true).begin().await;
    let error = isolated.unwrap().execute(wrong, ()).await.unwrap_err();
    errors.push((error, wrong));
    for (error, sql) in errors {
        let shown = format!("{error} {error:?}");
        assert_eq!(database(error).statement(), Some(sql));
        assert!(!shown.contains(SECRET), "{shown}");
    }
    conn.ping().await.unwrap();
    assert!(conn.is_idle());
    // The end of a session is about no statement.
    let end = "select pg_terminate_backend(pg_backend_pid())";
    let error = conn.execute(end, ()).await.unwrap_err();
    assert_eq!(database(error).statement(), None);
}

/// By the server: no value gets into an error on this side.
async fn acceptance_106_values_are_shown_when_the_session_asks_for_them<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    for shown in [false, true] {
        if shown {
            let ask = "set log_parameter_max_length_on_error = -1";
            conn.execute(ask, ()).await.unwrap();
        }
        let error = conn.fetch("select 1 / (length($1) - 6)", ("s3cr3t",)).await;
        let text = error.unwrap_err().to_string();
        assert_eq!(text.contains("$1 = 's3cr3t'"), shown, "{text}");
    }
}

async fn the_caret_is_under_the_fault_whatever_stands_before_it<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for (sql, shown) in [
        (
            "select\t'ü',\t:a::int,\tnope",
            "LINE 1: select 'ü', :a::int, nope\n                             ^",
        ),
        (
            "select '日本',\r\n  '日本' || :a::int || nope\r\nfrom pg_class",
            "LINE 2:   '日本' || :a::int || nope\n                               ^",
        ),
        (
            "-- :a\nselect /* ü */ :a::int,\n\n\tnope",
            "LINE 4:  nope\n         ^",
        ),
        (
            "select :a::int from",
            "LINE 1: select :a::int from\n                           ^",
        ),
    ] {
        let error = conn.fetch(sql, params! { a: 1 }).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(shown), "{text}\ninstead of\n{shown}");
        // The same by position, which is sent as it is written.
        let sql = sql.replace(":a::int", "$1::int").replace(":a", "a");
        let shown = shown.replace(":a::int", "$1::int");
        let error = conn.fetch(&sql, (1,)).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(shown.lines().next().unwrap()) && text.contains('^'),
            "{text}"
        );
    }
}

async fn the_caret_is_in_the_statement_of_a_function<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "create function pg_temp.faulty(a int) returns int language plpgsql as
        $$ begin execute 'select ''ü'' || nope'; return a; end $$",
        (),
    )
    .await
    .unwrap();
    let error = conn
        .fetch(
            "select :longer_than_one::int, pg_temp.faulty(:a)",
            params! { a: 1, longer_than_one: 2 },
        )
        .await
        .unwrap_err();
    let text = error.to_string();
    // The server's own statement, where nothing is moved.
    let shown = "LINE 1: select 'ü' || nope\n                      ^";
    assert!(text.contains(shown), "{text}");
    let error = database(error);
    assert_eq!(error.position(), None);
    assert_eq!(error.internal_query(), Some("select 'ü' || nope"));
    assert_eq!(error.internal_position(), Some(15));
}
