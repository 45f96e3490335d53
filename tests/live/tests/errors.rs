//! What an error tells: the fields of the server, the statement, and the place in it.

use purepg_conn::{DatabaseError, Error, Runtime, Severity, SqlState, params};
use purepg_tests_live::{Context, live};

live!(
    acceptance_104_every_field_that_the_server_gives,
    acceptance_106_an_error_has_its_statement_and_no_values,
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
