//! What the server says of a statement's parameters and columns, and what comes of types and names that nobody expects.

use purepg_conn::{Column, Error, Format, Row, Runtime, Type};
use purepg_proto::{Event, Outcome, Reply, Target};
use purepg_testkit::backend;
use purepg_testkit::blocking::Blocking;
use purepg_testkit::server::{Server, USER_TRUST};
use purepg_tests_live::{Canned, Context, live};

live!(
    acceptance_33_many_columns,
    acceptance_33_no_columns,
    acceptance_33_columns_of_one_name_or_of_none,
    acceptance_33_a_name_that_is_not_utf_8,
    acceptance_34_parameters_whose_type_cannot_be_told,
    acceptance_35_a_statement_is_described,
    acceptance_36_types_that_nobody_knows_are_text,
);

async fn acceptance_33_many_columns<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let list = (0..1_664)
        .map(|i| format!("{i} as c{i}"))
        .collect::<Vec<_>>()
        .join(",");
    let sql = format!("select {list}");
    let simple = conn.fetch_one(&sql, ()).await.unwrap();
    let extended = conn.fetch_one(&format!("{sql} where $1"), (true,)).await;
    for row in [simple, extended.unwrap()] {
        assert_eq!(row.len(), 1_664, "as many as there can be");
        for i in 0..1_664 {
            let wanted = i32::try_from(i).unwrap();
            assert_eq!(row.get::<i32>(i).unwrap(), wanted);
            assert_eq!(row.get::<i32>(format!("c{i}")).unwrap(), wanted);
        }
        assert!(row.get::<i32>("c1664").is_err() && row.get::<i32>(1_664).is_err());
    }
    let error = conn.fetch_one(&format!("{sql}, 0"), ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("54011"));
    let nulls = (0..20)
        .map(|i| format!("null::int as c{i}"))
        .collect::<Vec<_>>()
        .join(",");
    let row = conn
        .fetch_one(&format!("select {nulls}, '' as e"), ())
        .await
        .unwrap();
    assert_eq!(row.get::<Option<i32>>("c19").unwrap(), None);
    assert_eq!(row.get::<&str>("e").unwrap(), "");
}

async fn acceptance_33_no_columns<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let simple = conn.fetch("select from generate_series(1, 3)", ()).await;
    let sql = "select from generate_series(1, $1::int)";
    let extended = conn.fetch(sql, (3,)).await;
    for rows in [simple.unwrap(), extended.unwrap()] {
        assert_eq!(rows.len(), 3);
        assert!(
            rows.iter()
                .all(|row| row.is_empty() && row.get::<i32>(0).is_err())
        );
    }
    assert_eq!(conn.execute(sql, (3,)).await.unwrap(), 3);
}

async fn acceptance_33_columns_of_one_name_or_of_none<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let row = conn
        .fetch_one("select 1 as x, 2 as y, 3 as x, 4", ())
        .await
        .unwrap();
    assert_eq!(names(&row), ["x", "y", "x", "?column?"]);
    assert_eq!(row.get::<i32>("x").unwrap(), 3, "the last of equal names");
    assert_eq!(row.decode::<(i32, i32, i32, i32)>().unwrap(), (1, 2, 3, 4));
    let many = (0..100).map(|i| format!("{i} as c{}", i % 50));
    let many = format!("select {}", many.collect::<Vec<_>>().join(","));
    let row = conn.fetch_one(&many, ()).await.unwrap();
    assert_eq!(row.get::<i32>("c7").unwrap(), 57, "among many columns too");

    // PostgreSQL names every column; others may not.
    let columns = [("", 23, 0), ("a", 23, 0), ("", 23, 0)];
    let answer = [
        backend::row_description(&columns),
        backend::data_row(&[Some("1"), Some("2"), Some("3")]),
        backend::command_complete("SELECT 1"),
        backend::ready(b'I'),
    ];
    let server = Canned::new([backend::let_in(), answer.concat()]);
    let mut conn = cx.connect_canned(&cx.config(USER_TRUST), server).await;
    let row = conn.fetch_one("select", ()).await.unwrap();
    assert_eq!(names(&row), ["", "a", ""]);
    assert_eq!(row.get::<i32>("").unwrap(), 3);
    assert_eq!(row.get::<i32>(0).unwrap(), 1);
}

fn names(row: &Row) -> Vec<&str> {
    row.columns().iter().map(Column::name).collect()
}

async fn acceptance_33_a_name_that_is_not_utf_8<R: Runtime>(cx: Context<R>) {
    // A database without an encoding holds whatever bytes it was given. PostgreSQL looks at them once more before it sends them.
    let superuser = cx.config(cx.server().superuser());
    let mut conn = cx.try_connect(&superuser).await.unwrap();
    let name = format!("bytes_{}", conn.process_id().unwrap());
    let create = format!(
        "create database {name} template template0 encoding sql_ascii lc_collate 'C' lc_ctype 'C'"
    );
    conn.execute(&create, ()).await.unwrap();
    let mut other = cx.try_connect(&superuser.database(&name)).await.unwrap();
    let view =
        "do $$ begin execute 'create view v as select 7 as a' || chr(233) || 'b, 8 as c'; end $$";
    other.execute(view, ()).await.unwrap();
    let simple = other.fetch("select * from v", ()).await.unwrap_err();
    let extended = other.fetch("select * from v where $1", (true,)).await;
    for error in [simple, extended.unwrap_err()] {
        assert_eq!(error.sqlstate(), Some("22021"), "{error}");
    }
    let eight: i32 = other.fetch_scalar("select c from v", ()).await.unwrap();
    assert_eq!(eight, 8);
    other.close().await.unwrap();
    let drop = format!("drop database {name} with (force)");
    conn.execute(&drop, ()).await.unwrap();

    // Others send it as it is.
    let mut columns = backend::row_description(&[("a?b", 23, 0), ("c", 23, 0)]);
    let place = columns.iter().position(|&byte| byte == b'?').unwrap();
    columns[place] = 0xe9;
    let answer = [
        columns,
        backend::data_row(&[Some("7"), Some("8")]),
        backend::command_complete("SELECT 1"),
        backend::ready(b'I'),
    ];
    let server = Canned::new([backend::let_in(), answer.concat()]);
    let mut conn = cx.connect_canned(&cx.config(USER_TRUST), server).await;
    let row = conn.fetch_one("select", ()).await.unwrap();
    assert_eq!(names(&row), ["a\u{fffd}b", "c"]);
    assert_eq!(row.decode::<(i32, i32)>().unwrap(), (7, 8));
    assert_eq!(row.get::<i32>("a\u{fffd}b").unwrap(), 7);
}

async fn acceptance_34_parameters_whose_type_cannot_be_told<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table two (a int, b text)", ())
        .await
        .unwrap();
    for (sql, sqlstate) in [
        // Two types for one parameter.
        ("insert into two values ($1, $1)", "42P08"),
        // None at all.
        ("select $2::int, $3::int", "42P18"),
        // One with which the rest makes no sense.
        ("select $1::int || $2::bool where $3", "42883"),
        ("select $1::int = $2::text where $3", "42883"),
    ] {
        let error = conn.fetch(sql, (1, 1, 1)).await.unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{sql}: {error:?}");
        assert_eq!(error.sqlstate(), Some(sqlstate), "{sql}");
        assert!(conn.is_idle(), "{sql}");
        let error = conn.prepare(sql).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some(sqlstate), "{sql}");
        assert!(conn.is_idle(), "{sql}");
        assert_eq!(
            conn.fetch_scalar::<i32>("select $1::int", (7,))
                .await
                .unwrap(),
            7
        );
    }
    let left =
        "select count(*) from pg_prepared_statements where statement not like '%pg_prepared%'";
    let kept: i64 = conn.fetch_scalar(left, ()).await.unwrap();
    assert_eq!(kept, 1, "only the one that works");
}

async fn acceptance_35_a_statement_is_described<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table p (a int8, b text)", ())
        .await
        .unwrap();
    let select = conn
        .prepare("select a, b as c, null::regclass as d from p where a < $1 and b = $2")
        .await
        .unwrap();
    assert_eq!(select.params(), [Type::INT8, Type::TEXT]);
    let columns = select.columns();
    let told: Vec<_> = columns.iter().map(|c| (c.name(), c.ty().clone())).collect();
    assert_eq!(
        told,
        [("a", Type::INT8), ("c", Type::TEXT), ("d", Type::REGCLASS)]
    );
    // The server says text of all of them; what they will be asked for in is what the driver reads.
    let formats: Vec<_> = columns.iter().map(Column::format).collect();
    assert_eq!(formats, [Format::Binary, Format::Binary, Format::Text]);
    for (sql, params) in [
        ("insert into p values ($1, $2)", 2),
        ("create table never_made (a int)", 0),
        ("drop table p", 0),
        ("begin", 0),
        ("", 0),
    ] {
        let statement = conn.prepare(sql).await.unwrap();
        assert_eq!(statement.params().len(), params, "{sql}");
        assert!(statement.columns().is_empty(), "{sql}");
    }
    assert!(conn.is_idle());
}

async fn acceptance_36_types_that_nobody_knows_are_text<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "create type pg_temp.mood as enum ('sad', 'so-so'); \
               create type pg_temp.pair as (a int, b text); \
               create domain pg_temp.even as int check (value % 2 = 0); \
               create type pg_temp.span as range (subtype = text)";
    conn.execute(sql, ()).await.unwrap();
    let columns = "'so-so'::pg_temp.mood as mood, row(1, 'x y')::pg_temp.pair as pair, 8::pg_temp.even as even, \
                   pg_temp.span('a', 'c') as span, array['sad']::pg_temp.mood[] as moods, null::pg_temp.pair as none";
    let simple = conn.fetch_one(&format!("select {columns}"), ()).await;
    let extended = conn
        .fetch_one(&format!("select {columns} where $1"), (true,))
        .await;
    for row in [simple.unwrap(), extended.unwrap()] {
        let get = |name: &str| row.get::<String>(name).unwrap();
        assert_eq!(row.get::<&str>("mood").unwrap(), "so-so");
        assert_eq!(get("pair"), "(1,\"x y\")");
        assert_eq!(get("span"), "[a,c)");
        assert_eq!(get("moods"), "{sad}");
        assert_eq!(row.get::<Vec<String>>("moods").unwrap(), ["sad"]);
        assert_eq!(row.get::<i32>("even").unwrap(), 8, "the server says int4");
        assert_eq!(row.get::<Option<String>>("none").unwrap(), None);
        // What it is not is an error of the value, which names what is known of it.
        let error = row.get::<i32>("mood").unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error:?}");
        assert!(error.to_string().contains("\"mood\""), "{error}");
    }
    // The other way round too.
    let sql = "select $1::pg_temp.mood, $2::pg_temp.pair, $3::pg_temp.span, $4::pg_temp.mood[], ($5::pg_temp.pair) is null";
    let params = ("sad", "(2,)", "empty", "{so-so,NULL}", None::<&str>);
    let row = conn.fetch_one(sql, params).await.unwrap();
    let values: (&str, String, String, String, bool) = row.decode().unwrap();
    let expected = ["(2,)", "empty", "{so-so,NULL}"].map(String::from);
    let [pair, span, moods] = expected;
    assert_eq!(values, ("sad", pair, span, moods, true));
    let error = conn
        .fetch_one(sql, ("glad", "(2,)", "empty", "{}", "(,)"))
        .await;
    assert_eq!(error.unwrap_err().sqlstate(), Some("22P02"));
    assert!(conn.is_idle());
}

/// What the driver asks for instead it says when it binds.
#[test]
fn acceptance_35_the_server_says_text_of_every_column() {
    let mut client = Blocking::open(Server::shared());
    let mut described = |sql: &str| {
        client.batch(|batch| {
            batch
                .parse("", sql, &[])
                .describe(Target::Statement(""))
                .sync();
        });
        let (mut params, mut columns) = (None, None);
        loop {
            match client.next_event().unwrap() {
                Event::Reply(_, Reply::Parameters(told)) => params = Some(told),
                Event::Reply(_, Reply::Columns(told)) => columns = Some(told),
                Event::Reply(_, Reply::Finished(outcome)) => {
                    assert_eq!(outcome, Outcome::Complete);
                    return (params.unwrap(), columns);
                }
                _ => {}
            }
        }
    };
    let (params, columns) = described("select $1::int8 as a, $2 || 'x' as b, $3::macaddr8 as c");
    assert_eq!(*params, [20, 25, 774]);
    let columns = columns.unwrap();
    let told: Vec<_> = columns.iter().map(purepg_proto::Column::type_oid).collect();
    assert_eq!(told, [20, 25, 774]);
    let text = |column: &purepg_proto::Column| column.format() == purepg_proto::Format::Text;
    assert!(columns.iter().all(text));
    // `NoData`.
    for sql in ["create table never_made (a int)", "begin", ""] {
        assert_eq!(described(sql), (Box::default(), None), "{sql}");
    }
    // No columns are some.
    assert_eq!(described("select").1.unwrap().len(), 0);
}
