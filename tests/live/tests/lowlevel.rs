//! Queries message by message, and the calls that look after a session.

use futures_util::StreamExt;
use purepg_conn::{ByteStream, Error, Message, MessageStream, Query, Runtime, UsageError};
use purepg_tests_live::{Context, live};

live!(
    acceptance_26_an_empty_text_is_one_empty_query,
    acceptance_27_one_result_for_each_statement,
    statements_without_rows_come_first,
    acceptance_27_an_error_behind_statements_that_succeeded_is_told_once,
    acceptance_27_an_error_in_the_second_statement_undoes_the_first,
    acceptance_28_what_a_text_commits_itself_stays,
    through_the_extended_protocol,
    a_stream_that_is_left_early,
    data_of_a_copy_is_refused,
    values_of_a_type_of_ones_own,
    a_session_that_is_reset,
    a_statement_that_is_closed,
);

/// A line for each message.
async fn told<S: ByteStream>(mut messages: MessageStream<'_, S>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(message) = StreamExt::next(&mut messages).await {
        lines.push(match message {
            Ok(Message::Columns(columns)) => {
                let names: Vec<&str> = columns.iter().map(purepg_conn::Column::name).collect();
                format!("columns {}", names.join(" "))
            }
            Ok(Message::Row(row)) => format!("row {}", row.get::<i32>(0).unwrap()),
            Ok(Message::Complete(tag)) => tag.to_string(),
            Ok(Message::EmptyQuery) => "empty".to_owned(),
            Ok(Message::Suspended) => "suspended".to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error
                .sqlstate()
                .map_or_else(|| error.to_string(), str::to_owned),
        });
    }
    assert!(messages.next().await.is_none(), "it stays at its end");
    lines
}

async fn acceptance_26_an_empty_text_is_one_empty_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for sql in [
        "",
        "  \n\t",
        "-- nothing",
        "/* nothing /* at all */ */",
        ";;",
    ] {
        // Without a row limit it is the simple protocol, with one the extended.
        for query in [Query::new(sql), Query::new(sql).max_rows(1)] {
            let messages = conn.lowlevel_query(&query, ()).await.unwrap();
            assert_eq!(told(messages).await, ["empty"], "{sql:?}");
            assert!(conn.is_idle());
        }
    }
}

async fn acceptance_27_one_result_for_each_statement<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select 1 as a; select 2 as b, 0 as c where false; select generate_series(3, 4) as d";
    let messages = conn.lowlevel_query(sql, ()).await.unwrap();
    assert_eq!(
        told(messages).await,
        [
            "columns a",
            "row 1",
            "SELECT 1",
            "columns b c",
            "SELECT 0",
            "columns d",
            "row 3",
            "row 4",
            "SELECT 2"
        ]
    );
    assert!(conn.is_idle());
}

async fn statements_without_rows_come_first<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "create temporary table t (a int4); insert into t values (1), (2); select a from t; drop table t";
    let messages = conn.lowlevel_query(sql, ()).await.unwrap();
    assert_eq!(
        told(messages).await,
        [
            "CREATE TABLE",
            "INSERT 0 2",
            "columns a",
            "row 1",
            "row 2",
            "SELECT 2",
            "DROP TABLE"
        ]
    );
}

async fn acceptance_27_an_error_behind_statements_that_succeeded_is_told_once<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    let messages = conn
        .lowlevel_query("select 1 as a; select 1 / 0; select 2", ())
        .await
        .unwrap();
    assert_eq!(
        told(messages).await,
        ["columns a", "row 1", "SELECT 1", "22012"]
    );
    assert!(conn.is_idle());
    let messages = conn.lowlevel_query("selec 1", ()).await.unwrap();
    assert_eq!(told(messages).await, ["42601"]);
    assert!(conn.is_idle());
}

async fn acceptance_27_an_error_in_the_second_statement_undoes_the_first<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    conn.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
    for second in ["select 1 / 0", "select nope", "insert into t values ('x')"] {
        let sql = format!("insert into t values (1); {second}; insert into t values (3)");
        let messages = conn.lowlevel_query(&sql, ()).await.unwrap();
        let told = told(messages).await;
        assert_eq!(told[0], "INSERT 0 1", "told, and undone");
        assert_eq!(told.len(), 2, "the error once, and nothing behind it");
        assert!(conn.is_idle());
    }
    let left: i64 = conn
        .fetch_scalar("select count(*) from t", ())
        .await
        .unwrap();
    assert_eq!(left, 0);
}

async fn acceptance_28_what_a_text_commits_itself_stays<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
    let whole = [
        "begin; insert into t values (1); commit; insert into t values (10); select 1 / 0",
        "insert into t values (2); commit; insert into t values (10); select 1 / 0",
    ];
    let mut stays = 0;
    for (sql, number) in whole.into_iter().zip([1, 2]) {
        let messages = conn.lowlevel_query(sql, ()).await.unwrap();
        let told = told(messages).await;
        assert_eq!(told.last().unwrap(), "22012");
        assert_eq!(
            told.iter().filter(|line| *line == "INSERT 0 1").count(),
            2,
            "{told:?}"
        );
        assert!(conn.is_idle());
        stays += number;
        let sum: i64 = conn.fetch_scalar("select sum(a) from t", ()).await.unwrap();
        assert_eq!(sum, stays, "{sql}");
    }
    // Eagerly it is the same.
    let error = conn.execute(whole[0], ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    let sum: i64 = conn.fetch_scalar("select sum(a) from t", ()).await.unwrap();
    assert_eq!(sum, stays + 1);
    // A block that the text leaves open fails with what fails in it.
    let error = conn
        .execute("begin; insert into t values (10); select 1 / 0", ())
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    assert!(conn.is_ready() && conn.in_transaction());
    conn.execute("rollback", ()).await.unwrap();
    // What was dropped may have happened, as far as it says itself.
    drop(conn.lowlevel_query(whole[1], ()).await.unwrap());
    let again: i64 = conn.fetch_scalar("select sum(a) from t", ()).await.unwrap();
    assert!(again == sum || again == sum + 2, "{again}");
}

async fn through_the_extended_protocol<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select generate_series($1::int4, 9) as n";
    for _ in 0..2 {
        let messages = conn.lowlevel_query(sql, (8,)).await.unwrap();
        assert_eq!(
            told(messages).await,
            ["columns n", "row 8", "row 9", "SELECT 2"]
        );
        let limited = Query::new(sql).max_rows(2);
        let messages = conn.lowlevel_query(&limited, (1,)).await.unwrap();
        assert_eq!(
            told(messages).await,
            ["columns n", "row 1", "row 2", "suspended"]
        );
    }
    let statement = conn.prepare(sql).await.unwrap();
    let messages = conn.lowlevel_query(&statement, (9,)).await.unwrap();
    assert_eq!(told(messages).await, ["columns n", "row 9", "SELECT 1"]);
    assert!(conn.is_idle());
    assert!(matches!(
        conn.lowlevel_query(sql, (1.5_f64,)).await,
        Err(Error::Encode(_))
    ));
    assert!(conn.is_idle());
}

async fn a_stream_that_is_left_early<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for forget in [false, true] {
        let sql = "select generate_series(1, 100000); select 1";
        let mut messages = conn.lowlevel_query(sql, ()).await.unwrap();
        messages.next().await.unwrap().unwrap();
        messages.next().await.unwrap().unwrap();
        if forget {
            std::mem::forget(messages);
        }
        assert_eq!(conn.fetch_scalar::<i32>("select 7", ()).await.unwrap(), 7);
        assert!(conn.is_idle());
    }
}

async fn data_of_a_copy_is_refused<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select 1 as a; copy (select 1) to stdout";
    let mut messages = conn.lowlevel_query(sql, ()).await.unwrap();
    let mut last = None;
    while let Some(message) = messages.next().await {
        last = Some(message);
    }
    assert!(matches!(last, Some(Err(Error::Usage(error))) if *error == UsageError::CopyOut));
    assert!(conn.is_idle());
}

async fn values_of_a_type_of_ones_own<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select g, 'n' || g from generate_series(1, 3) g";
    let values: Vec<(i32, String)> = conn.fetch_as(sql, ()).await.unwrap();
    assert_eq!(values[2], (3, "n3".to_owned()));
    let wrong: Result<Vec<(i32, i32)>, Error> = conn.fetch_as(sql, ()).await;
    assert!(matches!(wrong, Err(Error::Decode(_))));
    assert!(conn.is_idle());
}

async fn a_session_that_is_reset<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for open in [false, true] {
        conn.execute(
            "create temporary table t (a int4); set search_path to pg_temp",
            (),
        )
        .await
        .unwrap();
        conn.fetch("select $1::int4", (1,)).await.unwrap();
        if open {
            conn.execute("begin", ()).await.unwrap();
            conn.execute("selec", ()).await.unwrap_err();
        }
        conn.reset().await.unwrap();
        assert!(conn.is_idle());
        conn.execute("create temporary table t (a int4)", ())
            .await
            .unwrap();
        let path: String = conn.fetch_scalar("show search_path", ()).await.unwrap();
        assert!(path.contains("public"), "{path}");
        assert_eq!(
            conn.fetch_scalar::<i32>("select $1::int4", (2,))
                .await
                .unwrap(),
            2
        );
        conn.execute("drop table t", ()).await.unwrap();
    }
}

async fn a_statement_that_is_closed<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let statement = conn.prepare("select 1").await.unwrap();
    let clone = statement.clone();
    conn.close_statement(statement).await.unwrap();
    let left: i64 = conn
        .fetch_scalar("select count(*) from pg_prepared_statements", ())
        .await
        .unwrap();
    assert_eq!(left, 0);
    // Another handle of it prepares it again.
    assert_eq!(conn.fetch_scalar::<i32>(&clone, ()).await.unwrap(), 1);
    let foreign = cx.connect().await.prepare("select 1").await.unwrap();
    let refused = conn.close_statement(foreign).await;
    assert!(matches!(refused, Err(Error::Usage(error)) if *error == UsageError::ForeignStatement));
}
