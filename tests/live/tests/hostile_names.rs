//! Names and values that would be something else if they stood in a statement as they are, and a search path on which other functions,
//! operators, tables and types bear the names of the server's own.

use std::collections::HashMap;

use purepg_conn::{Connection, Error, Kind, Runtime, Value};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    security_28_values_are_no_part_of_a_statement,
    security_30_identifiers_of_any_kind_are_data,
    security_31_a_channel_is_what_it_is_called,
    security_32_quotes_and_backslashes_stay_in_their_values,
    security_33_lists_are_values_like_any_other,
    security_34_columns_of_hostile_names,
    security_36_nothing_is_found_by_the_search_path,
);

/// A minus before a placeholder makes no comment of a negative number, nor does any operator.
async fn security_28_values_are_no_part_of_a_statement<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    for (sql, expected) in [
        ("select 1 -$1", 42),
        ("select 1-$1::int4", 42),
        ("select 1 - -$1::int4", -40),
        ("select 1+$1", -40),
        ("select 1*$1", -41),
        ("select abs(@$1::int4)", 41),
    ] {
        record.take();
        assert_eq!(
            conn.fetch_scalar::<i32>(sql, (-41,)).await.unwrap(),
            expected,
            "{sql}"
        );
        let written = record.take().bytes;
        assert!(
            written
                .windows(sql.len())
                .any(|bytes| bytes == sql.as_bytes())
        );
        assert!(!written.windows(3).any(|bytes| bytes == b"-41"));
    }
    let sum = "select 1 -:a - :b";
    let params = purepg_conn::params! { a: -1, b: -2 };
    assert_eq!(conn.fetch_scalar::<i32>(sum, params).await.unwrap(), 4);
}

const HOSTILE: [&str; 12] = [
    "\"",
    "\"; drop table t; --",
    "'; drop table t; --",
    "a\"\"b",
    "\\",
    "$1",
    ":name",
    "{}%s%n{0}",
    "größe 日本",
    "select",
    "a\nb\tc",
    "exactly sixty-three bytes, which is as long as a name can be, 63",
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Tables, columns, schemas, types and enum labels: the driver names none of them in a statement, and finds what they are called.
async fn security_30_identifiers_of_any_kind_are_data<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for name in HOSTILE {
        let name: String = name.chars().take(60).collect();
        let ty = quoted(&name);
        let sql = format!(
            "begin; create type pg_temp.{ty} as ({ty} int4); create type pg_temp.e as enum ('{}')",
            name.replace('\'', "''")
        );
        conn.execute(&sql, ()).await.unwrap();
        let sql = format!(
            "select row($1)::pg_temp.{ty}, row(7)::pg_temp.{ty} as {ty}, enum_first(null::pg_temp.e)"
        );
        let row = conn.fetch_one(&sql, (7,)).await.unwrap();
        let column = &row.columns()[0];
        let found = conn.type_info(column.ty().oid()).await.unwrap();
        assert_eq!((found.name(), found.kind()), (&*name, Kind::Composite));
        assert_eq!(found.fields()[0].name(), name);
        let value: Value = row.get(0).unwrap();
        let composite = value.as_composite().unwrap();
        assert_eq!(composite.get(&name).and_then(Value::as_i64), Some(7));
        assert_eq!(row.get::<Value>(&*name).unwrap(), value);
        assert_eq!(row.get::<String>(2).unwrap(), name);
        conn.execute("rollback", ()).await.unwrap();
        conn.forget_types();
    }
}

async fn security_31_a_channel_is_what_it_is_called<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temporary table t (a int4)", ())
        .await
        .unwrap();
    for name in ["a\"; drop table t;--", "12+\"34"] {
        conn.listen(name).await.unwrap();
        let all: Vec<String> = conn
            .fetch_as("select pg_listening_channels()", ())
            .await
            .map(firsts)
            .unwrap();
        assert_eq!(all, [name]);
        conn.unlisten(name).await.unwrap();
    }
    for name in ["", "a\0b", &"x".repeat(64)] {
        assert!(matches!(conn.listen(name).await, Err(Error::Usage(_))));
    }
    assert!(conn.fetch("select a from t", ()).await.unwrap().is_empty());
}

fn firsts(rows: Vec<(String,)>) -> Vec<String> {
    rows.into_iter().map(|(first,)| first).collect()
}

/// Whatever the server makes of backslashes in literals, and whatever encoding it is told: no value is ever written as one.
async fn security_32_quotes_and_backslashes_stay_in_their_values<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let values = [
        "\\",
        "\\'",
        "'; select 1; --",
        "\u{bf}'",
        "\u{e0}\\",
        "''",
        "E'\\''",
    ];
    for setting in ["on", "off"] {
        let sql = format!("set standard_conforming_strings to {setting}");
        conn.execute(&sql, ()).await.unwrap();
        for value in values {
            let back: String = conn
                .fetch_scalar("select $1::text", (value,))
                .await
                .unwrap();
            assert_eq!(back, value);
            let params = purepg_conn::params! { name: value };
            let row = conn
                .fetch_one("select :name::text, ':name'", params)
                .await
                .unwrap();
            assert_eq!(row.decode::<(&str, &str)>().unwrap(), (value, ":name"));
        }
    }
    record.take();
    // In another encoding the bytes of a value would be other characters: it is not sent.
    conn.execute("set client_encoding to sjis", ())
        .await
        .unwrap();
    record.take();
    let refused = conn
        .fetch_scalar::<String>("select $1::text", ("\u{bf}'",))
        .await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(record.take().bytes.is_empty());
    conn.execute("reset client_encoding", ()).await.unwrap();
    let value: String = conn
        .fetch_scalar("select $1::text", ("\u{bf}'",))
        .await
        .unwrap();
    assert_eq!(value, "\u{bf}'");
}

async fn security_33_lists_are_values_like_any_other<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let list: Vec<_> = HOSTILE
        .iter()
        .map(|text| Some(*text))
        .chain([None, Some(""), Some("NULL")])
        .collect();
    let sql = "select $1::text[], cardinality($1::text[]), array_to_string($1::text[], '|', '-')";
    let row = conn.fetch_one(sql, (&list,)).await.unwrap();
    let (back, count, joined): (Vec<Option<String>>, i32, String) = row.decode().unwrap();
    assert!(back.iter().map(Option::as_deref).eq(list.iter().copied()));
    assert_eq!(usize::try_from(count), Ok(list.len()));
    let texts: Vec<_> = list.iter().map(|text| text.unwrap_or("-")).collect();
    assert_eq!(joined, texts.join("|"));
    let nested = purepg_conn::Array::with_dimensions(
        list.clone(),
        &[
            purepg_conn::Dimension::new(5),
            purepg_conn::Dimension::new(3),
        ],
    );
    let nested = nested.unwrap();
    let text: String = conn
        .fetch_scalar("select ($1::text[])[5][2]", (&nested,))
        .await
        .unwrap();
    assert_eq!(text, "");
    // One that cannot be written fails the call, before anything is sent.
    let zero = conn.execute("select $1::text[]", (["a", "b\0"],)).await;
    assert!(matches!(zero, Err(Error::Encode(_))), "{zero:?}");
    assert!(conn.is_ready());
}

async fn security_34_columns_of_hostile_names<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let names = HOSTILE.map(|name| name.chars().take(60).collect::<String>());
    let columns: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(i, name)| format!("{i} as {}", quoted(name)))
        .collect();
    for sql in [columns.join(", "), format!("{}, $1", columns.join(", "))] {
        let sql = format!("select {sql}");
        let row = if sql.ends_with("$1") {
            conn.fetch_one(&sql, ("x",)).await.unwrap()
        } else {
            conn.fetch_one(&sql, ()).await.unwrap()
        };
        let map: HashMap<String, Value> = row.to_map();
        for (i, name) in names.iter().enumerate() {
            assert_eq!(row.columns()[i].name(), name);
            assert_eq!(
                row.get::<i64>(name.as_str()).unwrap(),
                i64::try_from(i).unwrap()
            );
            assert_eq!(map[name].as_i64(), i64::try_from(i).ok());
        }
        let error = row.get::<bool>(names[0].as_str()).unwrap_err().to_string();
        assert!(error.contains(r#"column "\"""#), "{error}");
    }
}

/// What bears the names of the server's own, and would be found before it.
fn traps(schema: &str) -> String {
    let fail = "language plpgsql as $$ begin raise exception 'a trap has sprung'; end $$";
    let mut all = vec![
        format!("create schema {schema}"),
        "set local search_path to pg_catalog".to_owned(),
    ];
    let functions = [
        ("to_regtype", "text", "regtype"),
        ("unnest", "anyarray", "setof anyelement"),
        ("pg_is_in_recovery", "", "boolean"),
        ("current_setting", "text", "text"),
        ("set_config", "text, text, boolean", "text"),
        ("text", "name", "text"),
        ("text", "\"char\"", "text"),
        ("coalesce", "oid, oid", "oid"),
        ("array_agg", "anyelement", "anyarray"),
    ];
    all.extend(functions.map(|(name, arguments, result)| {
        format!("create function {schema}.\"{name}\"({arguments}) returns {result} {fail}")
    }));
    let types = ["oid", "\"char\"", "int2", "int4", "name", "text", "boolean"];
    for (i, ty) in types.iter().enumerate() {
        let function = format!("{schema}.trap_{i}");
        all.push(format!(
            "create function {function}({ty}, {ty}) returns boolean {fail}"
        ));
        all.extend(["=", "<>", "<", "<=", ">", ">="].map(|operator| {
            format!("create operator {schema}.{operator} (leftarg = {ty}, rightarg = {ty}, function = {function})")
        }));
    }
    let tables = [
        "pg_type",
        "pg_range",
        "pg_attribute",
        "pg_enum",
        "pg_namespace",
        "pg_class",
        "pg_settings",
    ];
    all.extend(tables.map(|table| format!("create table {schema}.{table} (oid oid)")));
    let types = ["oid", "text", "int4", "bool", "regtype", "name"];
    all.extend(types.map(|ty| format!("create domain {schema}.{ty} as integer")));
    all.push(format!(
        "create type {schema}.mood as enum ('sad', 'glad');
         create type {schema}.pair as (number integer, mood {schema}.mood, moods {schema}.mood[]);
         create type {schema}.span as range (subtype = integer);
         create domain {schema}.few as {schema}.pair check ((value).number is not null);"
    ));
    all.join("; ")
}

async fn security_36_nothing_is_found_by_the_search_path<R: Runtime>(cx: Context<R>) {
    let mut owner = cx.connect().await;
    let schema = format!("trap_{}", owner.process_id().unwrap());
    owner
        .execute(&format!("begin; {} commit", traps(&schema)), ())
        .await
        .unwrap();
    // From the very first statement on.
    let path = format!("{schema}, pg_catalog, public");
    let config = cx.config(USER_TRUST).parameter("search_path", path);
    let mut conn = cx.try_connect(&config).await.unwrap();
    for trap in [
        "select oid '1' = oid '2'",
        "select 1 = 2",
        "select to_regtype('int4')",
        "select oid from pg_type where typname = 'int4'",
        "select * from unnest(array[1])",
    ] {
        assert!(conn.fetch(trap, ()).await.is_err(), "it is one: {trap}");
    }
    walk(&mut conn, &schema).await.unwrap();
    conn.reset().await.unwrap();
    conn.forget_types();
    walk(&mut conn, &schema).await.unwrap();
    conn.close().await.unwrap();
    owner
        .execute(&format!("drop schema {schema} cascade"), ())
        .await
        .unwrap();
}

/// Everything for which the driver says something of its own.
async fn walk<S: purepg_conn::ByteStream>(
    conn: &mut Connection<S>,
    schema: &str,
) -> Result<(), Error> {
    let ty = conn.type_info("mood").await?;
    assert_eq!((ty.schema(), ty.labels().len()), (Some(schema), 2));
    let few = conn.type_info(format!("{schema}.few")).await?;
    assert_eq!(few.kind(), Kind::Domain);
    let fields: Vec<_> = few
        .underlying()
        .fields()
        .iter()
        .map(|field| field.ty().kind())
        .collect();
    assert_eq!(fields, [Kind::Base, Kind::Enum, Kind::Array]);
    assert_eq!(conn.type_info("span").await?.kind(), Kind::Range);
    conn.forget_types();
    let sql = "select row($1::pg_catalog.int4, 'glad', array['sad'])::pair, $2::mood, span(1, 2), array[$2::mood]";
    let row = conn.fetch_one(sql, (7, "sad")).await?;
    let values: Vec<String> = (0..4)
        .map(|i| row.get::<Value>(i).map(|value| value.to_string()))
        .collect::<Result<_, _>>()?;
    assert_eq!(values, ["(7,glad,{sad})", "sad", "[1,2)", "{sad}"]);
    let mut outer = conn.begin().await?;
    outer
        .execute("create temporary table copied (a mood)", ())
        .await?;
    let mut inner = outer.begin().await?;
    inner
        .execute("insert into copied values ($1)", ("glad",))
        .await?;
    inner.rollback().await?;
    let types = outer.column_types("select a from copied").await?;
    let copy = "copy copied from stdin with (format binary)";
    let mut sink = outer.copy_in_rows(copy, &types).await?;
    sink.send(("sad",)).await?;
    assert_eq!(sink.finish().await?, 1);
    outer.commit().await?;
    conn.execute("drop table copied", ()).await?;
    conn.listen("channel").await?;
    conn.unlisten_all().await?;
    conn.ping().await?;
    let statement = conn.prepare("select $1::pair").await?;
    assert_eq!(statement.params()[0].name(), "pair");
    conn.close_statement(statement).await?;
    conn.execute_many("select $1::mood", [("sad",), ("glad",)])
        .await?;
    Ok(())
}
