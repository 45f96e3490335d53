//! What is known of types that are not built in: looked up once, in one query, and again when it has changed.

use purepg_conn::{
    ByteStream, Composite, Connection, Converter, DecodeErrorKind, Error, Format, Kind, Query,
    Runtime, Type, UsageError, Value,
};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    types_are_looked_up_once_with_the_first_statement,
    a_type_by_its_number_and_by_its_name,
    built_in_types_cost_no_round_trip,
    without_a_cache_of_statements,
    in_a_pipeline,
    in_a_failed_transaction,
    acceptance_45_a_label_is_added_to_an_enum,
    acceptance_45_an_attribute_is_added_to_a_composite_type,
    acceptance_45_a_type_is_dropped_and_created_again,
    converters,
    converters_of_members_of_records_and_of_copied_rows,
    members_of_a_record_are_looked_up_by_the_next_call,
    members_of_a_record_that_were_looked_up_before,
    an_array_with_another_delimiter,
    binary_results,
);

async fn create<S: ByteStream>(conn: &mut Connection<S>) {
    conn.execute(
        "create type pg_temp.mood as enum ('sad', 'glad');
         create domain pg_temp.positive as int4 check (value > 0);
         create type pg_temp.pair as (m pg_temp.mood, list pg_temp.positive[]);
         create temp table t (p pg_temp.pair, ps pg_temp.pair[])",
        (),
    )
    .await
    .unwrap();
}

async fn types_are_looked_up_once_with_the_first_statement<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    create(&mut conn).await;
    record.take();
    let value = Composite::new([Value::from("sad"), vec![Value::Int4(1)].into()]);
    let sql = "insert into t values ($1::pg_temp.pair, array[$1::pg_temp.pair]) returning ps";
    for first in [true, false] {
        let row = conn.fetch_one(sql, (&value,)).await.unwrap();
        assert_eq!(
            row.get::<Vec<Composite>>(0).unwrap(),
            std::slice::from_ref(&value)
        );
        let written = record.take();
        if first {
            // Described, looked up in the same segment, run.
            assert_eq!(written.tags(), "PDHCPBDECHBES");
            assert_eq!(written.trips, 3);
        } else {
            assert_eq!((written.tags(), written.trips), ("BES".into(), 1));
        }
    }
    // Another statement of the same types.
    conn.fetch("select p from t where $1", (true,))
        .await
        .unwrap();
    assert_eq!(record.take().tags(), "PDHBES");
    let statement = conn
        .prepare("select p, p is null as n, ps from t")
        .await
        .unwrap();
    assert_eq!(record.take().tags(), "PDS");
    let pair = statement.columns()[0].ty();
    assert_eq!((pair.name(), pair.kind()), ("pair", Kind::Composite));
    assert_eq!(pair.fields()[0].name(), "m");
    assert_eq!(pair.fields()[1].ty().to_string(), "positive[]");
    assert_eq!(statement.columns()[2].ty().element().as_ref(), Some(pair));
    // The text format tells no types, and asks for none.
    let value: Value = conn.fetch_scalar("select p from t", ()).await.unwrap();
    assert_eq!(value.to_string(), "(sad,{1})");
    assert_eq!(record.take().tags(), "Q");
}

async fn a_type_by_its_number_and_by_its_name<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    create(&mut conn).await;
    conn.execute("create type pg_temp.\"Odd name\" as (a int4)", ())
        .await
        .unwrap();
    record.take();
    let pair = conn.type_info("pg_temp.pair").await.unwrap();
    assert_eq!(record.take().trips, 1);
    assert_eq!(pair.name(), "pair");
    assert!(pair.schema().unwrap().starts_with("pg_temp"));
    let mood = pair.fields()[0].ty().clone();
    assert_eq!(mood.labels(), [Box::from("sad"), Box::from("glad")]);
    // What it consists of came along.
    assert_eq!(conn.type_info(mood.oid()).await.unwrap().labels().len(), 2);
    assert_eq!(
        conn.type_info(String::from("pg_temp.pair")).await.unwrap(),
        pair
    );
    assert_eq!(record.take().trips, 0);
    let odd = conn.type_info("pg_temp.\"Odd name\"[]").await.unwrap();
    assert_eq!(odd.to_string(), "Odd name[]");
    assert_eq!(conn.type_info("integer").await.unwrap(), Type::INT4);
    assert_eq!(
        conn.type_info("pg_catalog.int4[]").await.unwrap(),
        Type::INT4_ARRAY
    );
    let table = conn.type_info("pg_catalog.pg_am").await.unwrap();
    assert_eq!(table.kind(), Kind::Composite);
    assert!(table.fields().iter().any(|field| field.name() == "amname"));
    let range = conn.type_info("pg_catalog.int4range").await.unwrap();
    assert_eq!(range, Type::INT4RANGE);
    if cx.server().version() >= 14 {
        let range = conn.type_info("pg_catalog.int4multirange").await.unwrap();
        assert_eq!(range, Type::INT4MULTIRANGE);
    }
    record.take();
    for name in ["pg_temp.nope", "x y"] {
        let error = conn.type_info(name).await.unwrap_err();
        assert!(
            matches!(error, Error::Usage(_) | Error::Database(_)),
            "{error:?}"
        );
        assert!(conn.is_idle());
    }
    let error = conn.type_info(4_000_000_000).await.unwrap_err();
    let Error::Usage(usage) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        *usage,
        UsageError::UnknownType {
            name: "4000000000".into()
        }
    );
}

async fn built_in_types_cost_no_round_trip<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let sql = "select $1::int4, now(), '{1}'::int4[], '[1,2)'::int4range, row(1), '1'::\"char\"";
    conn.fetch(sql, (1,)).await.unwrap();
    let written = record.take();
    assert_eq!((written.tags(), written.trips), ("PDHBES".into(), 2));
    assert_eq!(conn.type_info(23).await.unwrap(), Type::INT4);
    assert_eq!(record.take().trips, 0);
}

async fn without_a_cache_of_statements<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).statement_cache_size(0);
    let (mut conn, record) = cx.connect_recorded(&config).await;
    create(&mut conn).await;
    record.take();
    for tags in ["PDHCPBDECHBES", "PDHBES"] {
        let sql = "select $1::pg_temp.mood, 7";
        let row = conn.fetch_one(sql, ("glad",)).await.unwrap();
        assert_eq!(row.decode::<(String, i32)>().unwrap(), ("glad".into(), 7));
        assert_eq!(record.take().tags(), tags);
    }
    let sql = "select count(*) from pg_prepared_statements";
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 0);
}

async fn in_a_pipeline<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    let value = Composite::new([Value::from("sad"), Value::Null]);
    let mut pipeline = conn.pipeline();
    pipeline.push("insert into t values ($1)", (&value,));
    pipeline.push("select $1::int4", (1,));
    pipeline.push("select p, $1::int4 from t", (2,));
    let mut results = pipeline.run().await.unwrap();
    assert_eq!(results.next().await.unwrap().unwrap().row_count, 1);
    assert_eq!(results.next().await.unwrap().unwrap().row_count, 1);
    let rows = results.next().await.unwrap().unwrap().rows;
    assert_eq!(rows[0].get::<Composite>(0).unwrap(), value);
    assert!(results.next().await.is_none());
    assert!(conn.is_idle());
    // Many at once.
    let sets = vec![(&value,); 5];
    conn.forget_types();
    assert_eq!(
        conn.execute_many("insert into t values ($1)", sets)
            .await
            .unwrap(),
        5
    );
}

async fn in_a_failed_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    conn.execute("begin", ()).await.unwrap();
    conn.execute("select 1/0", ()).await.unwrap_err();
    let error = conn.type_info("pg_temp.mood").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("25P02"));
    conn.execute("rollback", ()).await.unwrap();
    // Nothing was made of that.
    assert_eq!(
        conn.type_info("pg_temp.mood").await.unwrap().kind(),
        Kind::Enum
    );
    conn.execute("begin", ()).await.unwrap();
    let sql = "select $1::pg_temp.pair";
    let value = Composite::new([Value::from("sad"), Value::Null]);
    conn.fetch(sql, (&value,)).await.unwrap();
    conn.execute("commit", ()).await.unwrap();
    assert!(conn.is_idle());
}

/// What one connection does is known to the other when it meets the difference.
async fn acceptance_45_a_label_is_added_to_an_enum<R: Runtime>(cx: Context<R>) {
    let (mut conn, mut other) = (cx.connect().await, cx.connect().await);
    let mood = format!("mood_{}", conn.process_id().unwrap());
    let create = format!("create type {mood} as enum ('sad')");
    conn.execute(&create, ()).await.unwrap();
    let sql = format!("select $1::{mood}");
    conn.fetch(&sql, ("sad",)).await.unwrap();
    let info = conn.type_info(&mood).await.unwrap();
    other
        .execute(&format!("alter type {mood} add value 'glad'"), ())
        .await
        .unwrap();
    // The value itself is none the worse.
    let label: String = conn.fetch_scalar(&sql, ("glad",)).await.unwrap();
    assert_eq!(label, "glad");
    let labels = |ty: &Type| {
        ty.labels()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(labels(&info), ["sad"]);
    let info = conn.type_info(info.oid()).await.unwrap();
    assert_eq!(labels(&info), ["sad", "glad"]);
    // One's own commands are known at once.
    conn.execute(
        &format!("alter type {mood} rename value 'sad' to 'mad'"),
        (),
    )
    .await
    .unwrap();
    assert_eq!(
        labels(&conn.type_info(&mood).await.unwrap()),
        ["mad", "glad"]
    );
    conn.execute(&format!("drop type {mood}"), ())
        .await
        .unwrap();
    assert!(conn.type_info(&mood).await.is_err());
}

async fn acceptance_45_an_attribute_is_added_to_a_composite_type<R: Runtime>(cx: Context<R>) {
    let (mut conn, mut other) = (cx.connect().await, cx.connect().await);
    let pair = format!("pair_{}", conn.process_id().unwrap());
    conn.execute(&format!("create type {pair} as (a int4, b text)"), ())
        .await
        .unwrap();
    let sql = format!("select row(1, 'x')::{pair}, $1::int4");
    let known = conn.fetch_one(&sql, (1,)).await.unwrap();
    assert_eq!(known.get::<Composite>(0).unwrap().len(), 2);
    let alter = format!("alter type {pair} add attribute c bool");
    other.execute(&alter, ()).await.unwrap();
    let sql = format!("select ('(1,x,t)'::text)::{pair}, $1::int4");
    // Nobody knows yet: an error, and no wrong value.
    let row = conn.fetch_one(&sql, (1,)).await.unwrap();
    let Err(Error::Decode(error)) = row.get::<Composite>(0) else {
        panic!("it has a field more");
    };
    assert_eq!(error.kind(), DecodeErrorKind::Invalid);
    assert!(error.to_string().contains("other fields"), "{error}");
    // The next time it is known, also to statements that were prepared before.
    let row = conn.fetch_one(&sql, (1,)).await.unwrap();
    let value: Composite = row.get(0).unwrap();
    assert_eq!(value.get("c"), Some(&Value::Bool(true)));
    let alter = format!("alter type {pair} drop attribute a");
    conn.execute(&alter, ()).await.unwrap();
    let sql = format!("select ('(x,t)'::text)::{pair}, $1::int4");
    let row = conn.fetch_one(&sql, (1,)).await.unwrap();
    assert_eq!(
        row.get::<Composite>(0).unwrap().get("b"),
        Some(&Value::from("x"))
    );
    conn.execute(&format!("drop type {pair}"), ())
        .await
        .unwrap();
}

async fn acceptance_45_a_type_is_dropped_and_created_again<R: Runtime>(cx: Context<R>) {
    let (mut conn, mut other) = (cx.connect().await, cx.connect().await);
    let mood = format!("again_{}", conn.process_id().unwrap());
    conn.execute(&format!("create type {mood} as enum ('sad')"), ())
        .await
        .unwrap();
    let sql = format!("select $1::{mood}");
    conn.fetch(&sql, ("sad",)).await.unwrap();
    let before = conn.type_info(&mood).await.unwrap();
    other
        .execute(
            &format!("drop type {mood}; create type {mood} as (a int4)"),
            (),
        )
        .await
        .unwrap();
    // The statement was made for the type that is gone: an error at most once.
    let value = Composite::new([Value::Int4(7)]);
    let mut errors = 0;
    let read = loop {
        match conn.fetch_one(&sql, (&value,)).await {
            Ok(row) => break row.get::<Composite>(0).unwrap(),
            Err(_) if errors == 0 => errors += 1,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(read, value);
    let after = conn.type_info(&mood).await.unwrap();
    assert_ne!(after.oid(), before.oid());
    assert_eq!(after.kind(), Kind::Composite);
    conn.execute(&format!("drop type {mood}"), ())
        .await
        .unwrap();
}

async fn converters<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    let upper = Converter::new(Format::Text, |_, raw, _| {
        Ok(Value::Text(String::from_utf8_lossy(raw).to_uppercase()))
    });
    let sql = "select p, ps, 'sad'::pg_temp.mood, array['glad']::pg_temp.mood[], 'x'::text, array['y'], $1::int4 from t";
    let value = Composite::new([Value::from("sad"), Value::Null]);
    conn.execute(
        "insert into t values ($1::pg_temp.pair, array[$1::pg_temp.pair])",
        (&value,),
    )
    .await
    .unwrap();
    let shown = async |conn: &mut Connection<_>| {
        let row = conn.fetch_one(sql, (1,)).await.unwrap();
        let values = row.values();
        values[..6]
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        shown(&mut conn).await,
        r#"(sad,) {"(sad,)"} sad {glad} x {y}"#
    );
    conn.add_converter("mood", upper.clone());
    assert_eq!(
        shown(&mut conn).await,
        r#"(SAD,) {"(SAD,)"} SAD {GLAD} x {y}"#
    );
    conn.add_converter(Type::TEXT.oid(), upper);
    assert_eq!(
        shown(&mut conn).await,
        r#"(SAD,) {"(SAD,)"} SAD {GLAD} X {Y}"#
    );
    // Types of one's own do not ask it.
    let text: String = conn.fetch_scalar("select 'x'::text", ()).await.unwrap();
    assert_eq!(text, "x");
    let value: Value = conn.fetch_scalar("select 'x'::text", ()).await.unwrap();
    assert_eq!(value.as_str(), Some("X"));
}

async fn converters_of_members_of_records_and_of_copied_rows<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    let upper = Converter::new(Format::Binary, |_, raw, _| {
        Ok(Value::Text(String::from_utf8_lossy(raw).to_uppercase()))
    });
    conn.add_converter("mood", upper.clone());
    conn.add_converter("text", upper);
    conn.type_info("pg_temp.mood").await.unwrap();
    let sql = "select row('sad'::pg_temp.mood, 'x'::text, array['y'], row(array['glad']::pg_temp.mood[])), \
        array[row('a'::text)], array['z', null], $1::int4";
    let row = conn.fetch_one(sql, (1,)).await.unwrap();
    let (record, records, list, _): (Value, Value, Vec<Option<Value>>, i32) = row.decode().unwrap();
    assert!(record.to_string().starts_with("(SAD,X,{Y},"), "{record}");
    assert_eq!(records.to_string(), "{(A)}");
    assert_eq!(list, [Some(Value::from("Z")), None]);
    // The array within was met just now.
    let row = conn.fetch_one(sql, (1,)).await.unwrap();
    let record: Value = row.get(0).unwrap();
    assert_eq!(record.to_string(), r#"(SAD,X,{Y},"({GLAD})")"#);
    let query = "select 'sad'::pg_temp.mood, array['x']";
    let types = conn.column_types(query).await.unwrap();
    let copy = format!("copy ({query}) to stdout (format binary)");
    let mut rows = conn.copy_out_rows(&copy, &types).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    let (mood, list): (Value, Vec<Value>) = row.decode().unwrap();
    assert_eq!((mood, list), (Value::from("SAD"), vec![Value::from("X")]));
}

async fn members_of_a_record_are_looked_up_by_the_next_call<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    create(&mut conn).await;
    record.take();
    let sql =
        "select row('sad'::pg_temp.mood, 1, array[row('(glad,{7})'::pg_temp.pair)]), $1::int4";
    let first = conn.fetch_one(sql, (1,)).await.unwrap();
    assert_eq!(record.take().tags(), "PDHBES");
    let value: Value = first.get(0).unwrap();
    let members = value.as_composite().unwrap().values();
    assert!(matches!(&members[0], Value::Binary(ty, raw) if ty.is_unknown() && raw == b"sad"));
    let shown = r#"(sad,1,"{""(\\""(glad,{7})\\"")""}")"#;
    for tags in ["CPBDECSBES", "BES"] {
        let row = conn.fetch_one(sql, (1,)).await.unwrap();
        assert_eq!(record.take().tags(), tags);
        assert_eq!(row.get::<Value>(0).unwrap().to_string(), shown);
    }
    let text: String = conn
        .fetch_scalar(
            "select row('sad'::pg_temp.mood, 1, array[row('(glad,{7})'::pg_temp.pair)])::text",
            (),
        )
        .await
        .unwrap();
    assert_eq!(text, shown);
    // So is what was read before.
    assert_eq!(first.get::<Value>(0).unwrap().to_string(), shown);
    // In a transaction that has failed nothing can be looked up, and nothing is.
    conn.forget_types();
    first.get::<Value>(0).unwrap();
    record.take();
    conn.execute("begin", ()).await.unwrap();
    conn.execute("select 1/0", ()).await.unwrap_err();
    conn.fetch_one(sql, (1,)).await.unwrap_err();
    conn.execute("rollback", ()).await.unwrap();
    assert!(!record.take().tags().contains('C'));
    let row = conn.fetch_one(sql, (1,)).await.unwrap();
    assert_eq!(row.get::<Value>(0).unwrap().to_string(), shown);
}

async fn members_of_a_record_that_were_looked_up_before<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    create(&mut conn).await;
    let mood = conn.type_info("pg_temp.mood").await.unwrap();
    record.take();
    let sql = "select row('sad'::pg_temp.mood), $1::int4";
    let row = conn.fetch_one(sql, (1,)).await.unwrap();
    let value: Value = row.get(0).unwrap();
    assert_eq!(value.to_string(), "(sad)");
    let tags = record.take();
    assert_eq!((tags.tags(), tags.trips), ("PDHBES".into(), 2));
    // A label that nobody knows makes it forgotten, as anywhere.
    let add = "alter type pg_temp.mood add value 'mad'";
    conn.execute(add, ()).await.unwrap();
    assert_eq!(conn.type_info(mood.oid()).await.unwrap().labels().len(), 3);
}

/// A type whose values are those of `int4`, printed in arrays with another delimiter, with a binary form that nobody here knows.
async fn create_number<S: ByteStream>(conn: &mut Connection<S>) {
    conn.execute(
        "create type pg_temp.number;
         create function pg_temp.number_in(cstring) returns pg_temp.number language internal immutable strict as 'int4in';
         create function pg_temp.number_out(pg_temp.number) returns cstring language internal immutable strict as 'int4out';
         create function pg_temp.number_send(pg_temp.number) returns bytea language internal immutable strict as 'int4send';
         create function pg_temp.number_recv(internal) returns pg_temp.number language internal immutable strict as 'int4recv';
         create type pg_temp.number (input = pg_temp.number_in, output = pg_temp.number_out, send = pg_temp.number_send,
             receive = pg_temp.number_recv, like = int4, delimiter = ':')",
        (),
    )
    .await
    .unwrap();
}

async fn an_array_with_another_delimiter<R: Runtime>(cx: Context<R>) {
    let superuser = cx.config(cx.server().superuser());
    let mut conn = cx.try_connect(&superuser).await.unwrap();
    create_number(&mut conn).await;
    let sql = "select '{{1:2}:{3:null}}'::pg_temp.number[], '{1:2}'::pg_temp.number[]::text, \
        row('{1:2}'::pg_temp.number[])::text, array['(2,2),(1,1)'::box, '(4,4),(3,3)'], $1::int4";
    let row = conn.fetch_one(sql, (1,)).await.unwrap();
    let shown: Vec<_> = row.values().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "{{1:2}:{3:NULL}}",
            "{1:2}",
            "({1:2})",
            "{(2,2),(1,1);(4,4),(3,3)}",
            "1"
        ]
    );
}

async fn binary_results<R: Runtime>(cx: Context<R>) {
    let superuser = cx.config(cx.server().superuser());
    let (mut conn, record) = cx.connect_recorded(&superuser).await;
    create_number(&mut conn).await;
    record.take();
    let number = |raw: &[u8]| i32::from_be_bytes(raw.try_into().unwrap());
    let sql = "select '7'::pg_temp.number, '{8:9}'::pg_temp.number[], 10, 'x'";
    // Without parameters, and yet not as a simple query.
    for tags in ["PDHCPBDECHBES", "BES"] {
        let row = conn
            .fetch_one(Query::new(sql).binary_results(), ())
            .await
            .unwrap();
        assert_eq!(record.take().tags(), tags);
        assert!(
            row.columns()
                .iter()
                .all(|column| column.format() == Format::Binary)
        );
        let (one, list, ten, x): (Value, Vec<Value>, i32, String) = row.decode().unwrap();
        let numbers: Vec<_> = std::iter::once(&one)
            .chain(&list)
            .map(|value| match value {
                Value::Binary(ty, raw) if ty.name() == "number" => number(raw),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((numbers, ten, &*x), (vec![7, 8, 9], 10, "x"));
    }
    // The same statement as ever.
    let row = conn
        .fetch_one(Query::new(sql).max_rows(1), ())
        .await
        .unwrap();
    assert_eq!(record.take().tags(), "BES");
    assert_eq!(row.get::<String>(0).unwrap(), "7");
    assert_eq!(row.columns()[2].format(), Format::Binary);
    // A prepared one, one whose columns nobody knows beforehand, and in a pipeline.
    let statement = conn.prepare(sql).await.unwrap();
    let query = Query::new(&statement).binary_results();
    let row = conn.fetch_one(&query, ()).await.unwrap();
    assert!(matches!(row.get(0).unwrap(), Value::Binary(..)));
    conn.execute(&format!("prepare p as {sql}"), ())
        .await
        .unwrap();
    let query_of_none = Query::new("execute p").binary_results();
    let row = conn.fetch_one(&query_of_none, ()).await.unwrap();
    assert!(
        row.columns()
            .iter()
            .all(|column| column.format() == Format::Binary)
    );
    assert!(matches!(row.get(0).unwrap(), Value::Binary(..)));
    let mut pipeline = conn.pipeline();
    pipeline.push(&query, ());
    pipeline.push(sql, ());
    let mut results = pipeline.run().await.unwrap();
    let rows = results.next().await.unwrap().unwrap().rows;
    assert!(matches!(rows[0].get(0).unwrap(), Value::Binary(..)));
    let rows = results.next().await.unwrap().unwrap().rows;
    assert_eq!(rows[0].get::<Value>(0).unwrap(), Value::from("7"));
    assert!(results.next().await.is_none());
    // What has no binary form is the server's to refuse.
    let query =
        Query::new("select '=(int4,int4)'::regoperator, acldefault('r', 10)").binary_results();
    let error = conn.fetch(query, ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42883"));
    assert!(conn.is_idle());
}
