//! Parameters that decide how values are read: a change that would make values be misread is an error, and no wrong value.

use std::time::Duration;

use purepg_conn::{ByteStream, Connection, Error, Message, ProtectedParameter, Runtime};
use purepg_testkit::backend;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Canned, Context, live};

live!(
    another_encoding_is_an_error_and_no_wrong_value,
    a_change_is_noticed_by_the_query_that_makes_it,
    every_way_to_read_rows_is_guarded,
    a_stream_amid_which_it_changes_ends_with_an_error,
    nothing_is_written_in_the_wrong_encoding,
    dates_are_iso,
    changes_that_do_no_harm_are_allowed,
    setting_it_back_heals,
    a_rollback_heals,
    notifications_in_another_encoding,
    a_server_that_never_did_as_it_was_asked,
);

/// In LATIN1 these two characters are the bytes of one `é` in UTF-8.
const TWO: &str = "select chr(195) || chr(169)";

fn violation(error: &Error) -> &ProtectedParameter {
    assert!(error.is_recoverable());
    match error {
        Error::ProtectedParameter(violation) => violation,
        error => panic!("{error:?}"),
    }
}

async fn set<S: ByteStream>(conn: &mut Connection<S>, name: &str, value: &str) {
    let sql = format!("set {name} to '{value}'");
    conn.execute(&sql, ()).await.unwrap();
}

async fn healthy<S: ByteStream>(conn: &mut Connection<S>) {
    let text: String = conn.fetch_scalar("select $1 || 'ü'", ("é",)).await.unwrap();
    assert_eq!(text, "éü");
    let two: String = conn.fetch_scalar(TWO, ()).await.unwrap();
    assert_eq!(two, "Ã©");
}

async fn another_encoding_is_an_error_and_no_wrong_value<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    healthy(&mut conn).await;
    set(&mut conn, "client_encoding", "latin1").await;
    let error = conn.fetch(TWO, ()).await.unwrap_err();
    let violated = violation(&error);
    assert_eq!(
        (violated.name(), violated.value(), violated.needed()),
        ("client_encoding", "LATIN1", "UTF8")
    );
    assert_eq!(
        error.to_string(),
        "client_encoding is \"LATIN1\", with which values would be misread: \
         it has to be UTF8 (`RESET client_encoding` sets it back)"
    );
    assert!(conn.is_ready() && !conn.is_dead());
    conn.execute("reset client_encoding", ()).await.unwrap();
    healthy(&mut conn).await;
}

/// The server reports the change behind the rows that it made with it.
async fn a_change_is_noticed_by_the_query_that_makes_it<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for sql in [
        "select set_config('client_encoding', 'latin1', false), chr(195) || chr(169)",
        "set client_encoding to latin1; select chr(195) || chr(169)",
    ] {
        let error = conn.fetch_one(sql, ()).await.unwrap_err();
        assert_eq!(violation(&error).name(), "client_encoding");
        assert!(conn.is_ready());
        set(&mut conn, "client_encoding", "UTF8").await;
        healthy(&mut conn).await;
        let mut messages = conn.lowlevel_query(sql, ()).await.unwrap();
        let error = loop {
            if let Err(error) = messages.next().await.unwrap() {
                break error;
            }
        };
        violation(&error);
        set(&mut conn, "client_encoding", "UTF8").await;
    }
    let mut pipeline = conn.pipeline();
    pipeline
        .push("set client_encoding to latin1", ())
        .push(TWO, ());
    let mut results = pipeline.run().await.unwrap();
    results.next().await.unwrap().unwrap();
    violation(&results.next().await.unwrap().unwrap_err());
    assert!(results.next().await.is_none());
    set(&mut conn, "client_encoding", "UTF8").await;
    healthy(&mut conn).await;
}

async fn every_way_to_read_rows_is_guarded<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let two = conn.prepare(TWO).await.unwrap();
    set(&mut conn, "client_encoding", "latin1").await;
    violation(&conn.fetch(TWO, ()).await.unwrap_err());
    violation(&conn.fetch(&two, ()).await.unwrap_err());
    violation(&conn.fetch_one(TWO, ()).await.unwrap_err());
    violation(&conn.fetch_optional(TWO, ()).await.unwrap_err());
    violation(&conn.fetch_scalar::<String>(TWO, ()).await.unwrap_err());
    let mut rows = conn.query(TWO, ()).await.unwrap();
    violation(&rows.next().await.unwrap().unwrap_err());
    assert!(rows.next().await.is_none());
    let mut rows = conn.query(&two, ()).await.unwrap();
    violation(&rows.next_batch().await.unwrap_err());
    assert!(rows.next_batch().await.unwrap().is_none());

    let mut messages = conn.lowlevel_query(TWO, ()).await.unwrap();
    let error = loop {
        match messages.next().await.unwrap() {
            Ok(Message::Columns(_)) => {}
            Ok(message) => panic!("{message:?}"),
            Err(error) => break error,
        }
    };
    violation(&error);
    assert!(messages.next().await.is_none());
    let mut pipeline = conn.pipeline();
    pipeline
        .push("select 'a'", ())
        .push("reset application_name", ());
    let mut results = pipeline.run().await.unwrap();
    violation(&results.next().await.unwrap().unwrap_err());
    assert!(results.next().await.unwrap().unwrap().rows.is_empty());
    assert!(results.next().await.is_none());

    // Without values there is nothing to misread.
    assert_eq!(conn.execute(TWO, ()).await.unwrap(), 1);
    let rows = conn.query(TWO, ()).await.unwrap();
    assert_eq!(rows.row_count().await.unwrap(), 1);
    conn.execute("create temp table t (a int)", ())
        .await
        .unwrap();
    // The names of the columns are texts too.
    violation(&conn.fetch("select a from t", ()).await.unwrap_err());
    conn.ping().await.unwrap();
    conn.execute("reset client_encoding", ()).await.unwrap();
    assert_eq!(conn.fetch_scalar::<String>(&two, ()).await.unwrap(), "Ã©");
}

async fn a_stream_amid_which_it_changes_ends_with_an_error<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select set_config('client_encoding', 'latin1', false) from generate_series(1, 3)";
    let mut rows = conn.query(sql, ()).await.unwrap();
    let mut seen = 0;
    let error = loop {
        match rows.next().await.unwrap() {
            Ok(_) => seen += 1,
            Err(error) => break error,
        }
    };
    violation(&error);
    assert!(seen <= 3 && rows.next().await.is_none());
    set(&mut conn, "client_encoding", "utf8").await;
    healthy(&mut conn).await;
}

async fn nothing_is_written_in_the_wrong_encoding<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table w (t text)", ())
        .await
        .unwrap();
    let insert = conn.prepare("insert into w values ($1)").await.unwrap();
    set(&mut conn, "client_encoding", "sjis").await;
    // The last byte of this one begins a character of that encoding, which would be the quote.
    for sql in ["insert into w values ('à')", "select 'à'"] {
        violation(&conn.execute(sql, ()).await.unwrap_err());
    }
    violation(
        &conn
            .execute("insert into w values ($1)", ("é",))
            .await
            .unwrap_err(),
    );
    violation(&conn.execute(&insert, ("é",)).await.unwrap_err());
    violation(&conn.execute(&insert, ("plain",)).await.unwrap_err());
    let many = conn.execute_many(&insert, [("é",), ("è",)]).await;
    violation(&many.unwrap_err());
    violation(&conn.lowlevel_query("select 'é'", ()).await.unwrap_err());
    let mut pipeline = conn.pipeline();
    pipeline.push(&insert, ("é",));
    violation(
        &pipeline
            .run()
            .await
            .unwrap()
            .next()
            .await
            .unwrap()
            .unwrap_err(),
    );
    violation(&conn.prepare("select 'é'").await.unwrap_err());
    violation(&conn.listen("é").await.unwrap_err());
    assert!(conn.is_ready());
    conn.execute("insert into w values ('plain')", ())
        .await
        .unwrap();
    conn.execute("reset client_encoding", ()).await.unwrap();
    conn.execute(&insert, ("é",)).await.unwrap();
    let rows = conn.fetch("select t from w", ()).await.unwrap();
    let all: Vec<&str> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(all, ["plain", "é"]);
}

async fn dates_are_iso<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for style in ["German", "SQL, DMY", "Postgres, MDY"] {
        set(&mut conn, "DateStyle", style).await;
        let error = conn
            .fetch("select date '2000-02-01'", ())
            .await
            .unwrap_err();
        let violated = violation(&error);
        assert_eq!((violated.name(), violated.needed()), ("DateStyle", "ISO"));
        assert!(style.starts_with(violated.value().split(',').next().unwrap()));
        // What is written is as unambiguous as before.
        conn.execute("select 'é', $1::text", ("é",)).await.unwrap();
        set(&mut conn, "DateStyle", "ISO").await;
        healthy(&mut conn).await;
    }
}

async fn changes_that_do_no_harm_are_allowed<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for (name, value) in [
        ("DateStyle", "ISO, DMY"),
        ("DateStyle", "YMD"),
        ("IntervalStyle", "sql_standard"),
        ("IntervalStyle", "postgres_verbose"),
        ("IntervalStyle", "iso_8601"),
        ("TimeZone", "Pacific/Auckland"),
        ("client_encoding", "unicode"),
        ("client_encoding", "UNICODE"),
        ("application_name", "another"),
        ("standard_conforming_strings", "off"),
    ] {
        set(&mut conn, name, value).await;
        healthy(&mut conn).await;
    }
    assert_eq!(conn.server_timezone(), Some("Pacific/Auckland"));
}

async fn setting_it_back_heals<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for heal in [
        "reset client_encoding; reset datestyle",
        "set client_encoding to 'UTF8'; set datestyle to 'iso, mdy'",
        "reset all",
        "discard all",
    ] {
        set(&mut conn, "client_encoding", "win1252").await;
        set(&mut conn, "DateStyle", "German").await;
        let error = conn.fetch("select 1", ()).await.unwrap_err();
        assert_eq!(violation(&error).value(), "WIN1252");
        for statement in heal.split("; ") {
            conn.execute(statement, ()).await.unwrap();
        }
        healthy(&mut conn).await;
    }
    // One of two is not enough.
    set(&mut conn, "client_encoding", "latin1").await;
    set(&mut conn, "DateStyle", "German").await;
    conn.execute("reset client_encoding", ()).await.unwrap();
    let error = conn.fetch("select 1", ()).await.unwrap_err();
    assert_eq!(violation(&error).name(), "DateStyle");
    // Asked for as rows it is an error once, and heals all the same.
    let sql = "select set_config('DateStyle', 'ISO', false)";
    match conn.fetch(sql, ()).await {
        Err(error) => drop(violation(&error)),
        // Up to version 13 a server tells of the change before it sends the row.
        Ok(_) => assert!(cx.server().version() < 14),
    }
    healthy(&mut conn).await;
}

async fn a_rollback_heals<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("begin", ()).await.unwrap();
    set(&mut conn, "client_encoding", "latin1").await;
    violation(&conn.fetch(TWO, ()).await.unwrap_err());
    conn.execute("rollback", ()).await.unwrap();
    healthy(&mut conn).await;
}

async fn notifications_in_another_encoding<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut speaker = cx.connect().await;
    let channel = format!("encoding_{}", conn.process_id().unwrap());
    conn.listen(&channel).await.unwrap();
    set(&mut conn, "client_encoding", "latin1").await;
    for payload in ["Ã©", "plain"] {
        speaker
            .execute("select pg_notify($1, $2)", (&channel, payload))
            .await
            .unwrap();
    }
    let heard = conn.notification().await.unwrap();
    assert_eq!(heard.payload(), "plain", "that is the same in both");
    assert_eq!(conn.dropped_notifications(), 1, "the other is counted");
    let none = conn.notification_timeout(Duration::from_millis(20)).await;
    assert!(none.unwrap().is_none());
}

async fn a_server_that_never_did_as_it_was_asked<R: Runtime>(cx: Context<R>) {
    for (name, value, fine) in [
        ("client_encoding", "LATIN1", false),
        ("client_encoding", "UNICODE", true),
        ("DateStyle", "Postgres, MDY", false),
        ("DateStyle", "ISO", true),
        // A pooler may report less.
        ("is_superuser", "off", true),
    ] {
        let start = [
            backend::authentication_ok(),
            backend::parameter_status(name, value),
            backend::ready(b'I'),
        ];
        let answer = [
            backend::row_description(&[("a", 25, 0)]),
            backend::data_row(&[Some("é")]),
            backend::command_complete("SELECT 1"),
            backend::ready(b'I'),
        ];
        let server = Canned::new([start.concat(), answer.concat()]);
        let mut conn = cx.connect_canned(&cx.config(USER_TRUST), server).await;
        match conn.fetch_scalar::<String>("select a", ()).await {
            Ok(text) => assert!(fine && text == "é", "{name} {value}"),
            Err(error) => assert!(
                !fine && violation(&error).value() == value,
                "{name} {value}"
            ),
        }
    }
}
