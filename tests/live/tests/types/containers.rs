//! Arrays, ranges, composite types, domains, enums and hstore.

use std::collections::HashMap;
use std::fmt::Debug;
use std::ops::Bound;

use bytes::BytesMut;
use purepg_conn::{
    Array, BoxError, ByteStream, Composite, Connection, Dimension, Format, FromSqlOwned, IsNull,
    Multirange, Range, Runtime, ToSql, Type, TypeField, Value,
};
use purepg_tests_live::{Context, live};

live!(
    acceptance_110_arrays,
    acceptance_110_arrays_of_composite_types_of_arrays_of_domains,
    acceptance_110_another_delimiter,
    acceptance_111_composite_types,
    acceptance_111_records,
    acceptance_111_domains_and_enums,
    acceptance_112_ranges_and_multiranges,
    acceptance_112_hstore,
    acceptance_112_text_search,
    floats_are_printed_as_the_server_does,
    dynamic_values_of_a_row,
);

/// The same value, in the text format only.
#[derive(Debug)]
struct AsText<'a, T>(&'a T);

impl<T: ToSql> ToSql for AsText<'_, T> {
    fn accepts(&self, ty: &Type) -> bool {
        self.0.accepts(ty)
    }

    fn supports_binary(&self, _: &Type) -> bool {
        false
    }

    fn to_binary(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, BoxError> {
        Err("not in this format".into())
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.0.to_text(ty, out)
    }
}

/// The value comes from the server in both formats, and the server takes it in both.
async fn check<S: ByteStream, T>(conn: &mut Connection<S>, ty: &str, literal: &str, expected: T)
where
    T: FromSqlOwned + ToSql + PartialEq + Debug,
{
    let sql = format!("select '{}'::{ty}", literal.replace('\'', "''"));
    // Prepared first, so that its types are known when the text format comes.
    let statement = conn.prepare(&sql).await.unwrap();
    let column = &statement.columns()[0];
    assert_eq!(column.format(), Format::Binary, "{ty}");
    let row = conn.fetch_one(&statement, ()).await.unwrap();
    assert_eq!(row.get::<T>(0).unwrap(), expected, "{sql}");
    let row = conn.fetch_one(&sql, ()).await.unwrap();
    assert_eq!(row.columns()[0].format(), Format::Text);
    assert_eq!(row.get::<T>(0).unwrap(), expected, "{sql}");
    written(conn, ty, literal, &expected).await;
    // Dynamic values are the same, and are printed as the server prints them.
    let own = own_text(conn, ty, literal).await;
    for value in [
        conn.fetch_scalar::<Value>(&statement, ()).await.unwrap(),
        conn.fetch_scalar::<Value>(&sql, ()).await.unwrap(),
    ] {
        assert_eq!(value.to_string(), own, "{sql}");
        written(conn, ty, literal, &value).await;
    }
}

async fn own_text<S: ByteStream>(conn: &mut Connection<S>, ty: &str, literal: &str) -> String {
    let literal = literal.replace('\'', "''");
    let sql = format!("select '{literal}'::{ty}::text");
    conn.fetch_scalar(&sql, ()).await.unwrap()
}

async fn written<S: ByteStream>(
    conn: &mut Connection<S>,
    ty: &str,
    literal: &str,
    value: &dyn ToSql,
) {
    let own = own_text(conn, ty, literal).await;
    let sql = format!("select $1::{ty}::text");
    let written: String = conn.fetch_scalar(&sql, (value,)).await.unwrap();
    assert_eq!(written, own, "{ty} {literal}");
    let written: String = conn.fetch_scalar(&sql, (AsText(&value),)).await.unwrap();
    assert_eq!(written, own, "{ty} {literal}");
}

fn dimension(length: usize, lower_bound: i32) -> Dimension {
    Dimension {
        length,
        lower_bound,
    }
}

async fn acceptance_110_arrays<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let conn = &mut conn;
    check(conn, "int4[]", "{}", Vec::<i32>::new()).await;
    check(conn, "int4[]", "{1,NULL,-3}", vec![Some(1), None, Some(-3)]).await;
    check(conn, "int8[]", "{9223372036854775807}", [i64::MAX]).await;
    check(conn, "bool[]", "{t,f}", vec![true, false]).await;
    check(
        conn,
        "float8[]",
        "{-Infinity,-0,1e300}",
        vec![f64::NEG_INFINITY, -0.0, 1e300],
    )
    .await;
    let bytes = vec![vec![0_u8, 255], vec![]];
    check(conn, "bytea[]", r#"{"\\x00ff","\\x"}"#, bytes).await;
    let hard = ["", "NULL", "null", "a,b", "\"", "\\", "{}", " ", "é\n", "'"];
    let hard: Vec<_> = hard.into_iter().map(String::from).collect();
    let literal = "{\"\",\"NULL\",\"null\",\"a,b\",\"\\\"\",\"\\\\\",\"{}\",\" \",\"é\n\",'}";
    check(conn, "text[]", literal, hard.clone()).await;
    check(conn, "varchar[]", literal, hard.into_boxed_slice()).await;
    check(conn, "int2vector", "1 -2 3", vec![1_i16, -2, 3]).await;
    check(conn, "int2vector", "", Vec::<i16>::new()).await;
    check(conn, "oidvector", "4294967295 0", vec![u32::MAX, 0]).await;
    check(
        conn,
        "int2vector[]",
        "{1 2,3}",
        vec![vec![1_i16, 2], vec![3]],
    )
    .await;
    check(conn, "\"char\"[]", "{a,\"\"}", vec![97_i8, 0]).await;

    let six = Array::with_dimensions(vec![Some(1), None], &[dimension(1, 1); 5]);
    assert!(six.is_err());
    let mut dimensions = [dimension(1, 1); 6];
    dimensions[5].length = 2;
    let six = Array::with_dimensions(vec![Some(1), None], &dimensions).unwrap();
    check(conn, "int4[]", "{{{{{{1,NULL}}}}}}", six).await;
    let bounds = [dimension(2, -1), dimension(3, 5)];
    let bounded = Array::with_dimensions((1..=6).collect(), &bounds).unwrap();
    check(conn, "int4[]", "[-1:0][5:7]={{1,2,3},{4,5,6}}", bounded).await;
    // A vec is not told where the array begins.
    let sql = "select '[5:6]={1,2}'::int4[]";
    assert_eq!(
        conn.fetch_scalar::<Vec<i32>>(sql, ()).await.unwrap(),
        [1, 2]
    );
    // A thousand elements, in one go.
    let many: Vec<i32> = (0..1000).collect();
    let sql = "select $1::int4[], $1::int4[]::text, array_agg(g order by g) from generate_series(0, 999) g";
    let row = conn.fetch_one(sql, (&many,)).await.unwrap();
    assert_eq!(row.get::<Vec<i32>>(0).unwrap(), many);
    assert_eq!(row.get::<Vec<i32>>(2).unwrap(), many);
}

async fn acceptance_110_arrays_of_composite_types_of_arrays_of_domains<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "create domain pg_temp.positive as int4 check (value > 0);
         create type pg_temp.holder as (name text, list pg_temp.positive[])",
        (),
    )
    .await
    .unwrap();
    let one = Composite::new([
        Value::from("a b"),
        vec![Value::Int4(1), Value::Null, Value::Int4(3)].into(),
    ]);
    let two = Composite::new([Value::Null, Array::default().into()]);
    let literal = r#"{"(\"a b\",\"{1,NULL,3}\")","(,{})",NULL}"#;
    check(
        &mut conn,
        "pg_temp.holder[]",
        literal,
        vec![Some(one), Some(two), None],
    )
    .await;
    let ty = conn.type_info("pg_temp.holder[]").await.unwrap();
    let holder = ty.element().unwrap();
    let domain = holder.fields()[1].ty().element().unwrap();
    assert_eq!(domain.underlying(), &Type::INT4);
    // The server's own check of a domain is no affair of ours.
    let sql = "select $1::pg_temp.positive[]";
    let error = conn.execute(sql, ([0],)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("23514"));
}

async fn acceptance_110_another_delimiter<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let literal = "{(3,4),(1,2);(7,8),(5,6)}";
    let sql = format!("select '{literal}'::box[]");
    let statement = conn.prepare(&sql).await.unwrap();
    for value in [
        conn.fetch_scalar::<Value>(&sql, ()).await.unwrap(),
        conn.fetch_scalar::<Value>(&statement, ()).await.unwrap(),
    ] {
        let array = value.as_array().unwrap();
        assert_eq!(array.len(), 2);
        written(&mut conn, "box[]", literal, &value).await;
    }
    written(&mut conn, "box[]", literal, &["(3,4),(1,2)", "(7,8),(5,6)"]).await;
}

async fn acceptance_111_composite_types<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "create type pg_temp.inner as (a int4, b text);
         create temp table outer_table (gone int4, x pg_temp.inner, y int4range, z bool);
         alter table outer_table drop column gone",
        (),
    )
    .await
    .unwrap();
    let inner = |a: Option<i32>, b: Option<&str>| Composite::new([Value::from(a), Value::from(b)]);
    for (literal, value) in [
        ("(1,x)", inner(Some(1), Some("x"))),
        ("(,)", inner(None, None)),
        ("(,\"\")", inner(None, Some(""))),
        (
            "(-1,\"a \"\"b\"\" \\\\ (c), d\")",
            inner(Some(-1), Some("a \"b\" \\ (c), d")),
        ),
    ] {
        check(&mut conn, "pg_temp.inner", literal, value).await;
    }
    // A column that was dropped is in no value.
    let value = Composite::new([
        inner(Some(1), Some("x,y")).into(),
        Range::from(Value::Int4(1)..Value::Int4(5)).into(),
        Value::Bool(true),
    ]);
    check(
        &mut conn,
        "pg_temp.outer_table",
        r#"("(1,""x,y"")","[1,5)",t)"#,
        value,
    )
    .await;
    let ty = conn.type_info("pg_temp.outer_table").await.unwrap();
    let names: Vec<_> = ty.fields().iter().map(TypeField::name).collect();
    assert_eq!(names, ["x", "y", "z"]);
}

async fn acceptance_111_records<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select row(1, 'a b', null, array[1, 2], row(true, row(1.5::float8)))";
    let statement = conn.prepare(sql).await.unwrap();
    let value: Value = conn.fetch_scalar(&statement, ()).await.unwrap();
    let nested = Composite::new([
        Value::Bool(true),
        Composite::new([Value::Float8(1.5)]).into(),
    ]);
    let expected = Composite::new([
        Value::Int4(1),
        Value::from("a b"),
        Value::Null,
        vec![Value::Int4(1), Value::Int4(2)].into(),
        nested.into(),
    ]);
    assert_eq!(value, Value::Composite(expected));
    let text = r#"(1,"a b",,"{1,2}","(t,""(1.5)"")")"#;
    assert_eq!(value.to_string(), text);
    // The text form does not tell the types.
    let value: Value = conn.fetch_scalar(sql, ()).await.unwrap();
    let fields = value.as_composite().unwrap().values();
    assert_eq!((fields[0].as_str(), &fields[2]), (Some("1"), &Value::Null));
    assert_eq!(value.to_string(), text);
    let sql = "select array[row(1, 2), row(3, null)]";
    let statement = conn.prepare(sql).await.unwrap();
    let records: Vec<Composite> = conn.fetch_scalar(&statement, ()).await.unwrap();
    assert_eq!(records[1].values(), [Value::Int4(3), Value::Null]);
    // No value of that type can be sent.
    let error = conn
        .execute("select $1::record", (records[0].clone(),))
        .await;
    assert!(error.is_err());
    assert!(conn.is_ready());
}

async fn acceptance_111_domains_and_enums<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "create type pg_temp.mood as enum ('sad', 'so so', 'NULL', 'glad');
         create domain pg_temp.ids as int8[] check (array_length(value, 1) < 4);
         create domain pg_temp.fewer as pg_temp.ids;
         create domain pg_temp.short as varchar(3);
         create type pg_temp.all_of_them as (m pg_temp.mood[], i pg_temp.fewer, s pg_temp.short)",
        (),
    )
    .await
    .unwrap();
    let conn = &mut conn;
    check(conn, "pg_temp.mood", "so so", "so so".to_owned()).await;
    let moods = vec![Some("sad".to_owned()), None, Some("NULL".to_owned())];
    check(conn, "pg_temp.mood[]", r#"{sad,NULL,"NULL"}"#, moods).await;
    check(conn, "pg_temp.ids", "{1,2}", vec![1_i64, 2]).await;
    check(conn, "pg_temp.fewer", "{1,2}", vec![Some(1_i64), Some(2)]).await;
    check(conn, "pg_temp.fewer[]", "{}", Vec::<Vec<i64>>::new()).await;
    check(conn, "pg_temp.short", "abc", "abc".to_owned()).await;
    check(conn, "pg_temp.short[]", "{abc}", vec!["abc".to_owned()]).await;
    let value = Composite::new([
        vec![Value::from("glad")].into(),
        vec![Value::Int8(7)].into(),
        Value::from("x"),
    ]);
    check(conn, "pg_temp.all_of_them", "({glad},{7},x)", value).await;
    let ty = conn.type_info("pg_temp.mood").await.unwrap();
    let labels: Vec<_> = ty.labels().iter().map(|label| &**label).collect();
    assert_eq!(labels, ["sad", "so so", "NULL", "glad"]);
}

async fn acceptance_112_ranges_and_multiranges<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "create type pg_temp.textrange as range (subtype = text)",
        (),
    )
    .await
    .unwrap();
    let conn = &mut conn;
    let sql = "select to_regtype('int4multirange') is not null";
    let has_multiranges: bool = conn.fetch_scalar(sql, ()).await.unwrap();
    for (literal, range) in [
        ("empty", Range::Empty),
        ("[1,5)", Range::from(1..5)),
        ("[1,5]", Range::from(1..6)),
        ("(,)", Range::all()),
        ("[,5)", Range::from(..5)),
        ("(1,)", Range::from(2..)),
        ("[3,3)", Range::Empty),
    ] {
        check(conn, "int4range", literal, range).await;
    }
    check(
        conn,
        "int8range",
        "[-9223372036854775808,0)",
        Range::from(i64::MIN..0),
    )
    .await;
    let text = |value: &str| value.to_owned();
    for (literal, range) in [
        (
            "(a,b]",
            Range::from((Bound::Excluded(text("a")), Bound::Included(text("b")))),
        ),
        (
            "[\"\",\"a \"\"b\\\\\")",
            Range::from(text("")..text("a \"b\\")),
        ),
        ("[\"(\",\",\"]", Range::from(text("(")..=text(","))),
        ("(,\"]\")", Range::from(..text("]"))),
    ] {
        check(conn, "pg_temp.textrange", literal, range.clone()).await;
        if !has_multiranges {
            continue;
        }
        let many = Multirange::from([range]);
        check(
            conn,
            "pg_temp.textmultirange",
            &format!("{{{literal}}}"),
            many,
        )
        .await;
    }
    check(
        conn,
        "int4range[]",
        "{empty,\"[1,2)\",NULL}",
        vec![Some(Range::Empty), Some(Range::from(1..2)), None],
    )
    .await;
    if !has_multiranges {
        return;
    }
    let several = Multirange::from([Range::from(..1), Range::from(3..5), Range::from(7..)]);
    check(conn, "int4multirange", "{(,1),[3,5),[7,)}", several).await;
    check(conn, "int4multirange", "{}", Multirange::<i32>::default()).await;
    // What is sent need not be in the server's form.
    let sql = "select $1::int4range, $2::int4multirange";
    let loose = Multirange::from([Range::from(5..=6), Range::from(1..=4), Range::Empty]);
    let row = conn
        .fetch_one(sql, (Range::from(1..=5), loose))
        .await
        .unwrap();
    let row: (Range<i32>, Multirange<i32>) = row.decode().unwrap();
    assert_eq!(row, (Range::from(1..6), [Range::from(1..7)].into()));
}

async fn acceptance_112_hstore<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // Scenarios run at the same time.
    conn.execute("select pg_advisory_lock(4711)", ())
        .await
        .unwrap();
    conn.execute("create extension if not exists hstore", ())
        .await
        .unwrap();
    conn.execute("select pg_advisory_unlock(4711)", ())
        .await
        .unwrap();
    let map = |pairs: &[(&str, Option<&str>)]| {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(key, value)| ((*key).to_owned(), value.map(String::from)));
        pairs.collect::<HashMap<_, _>>()
    };
    for (literal, value) in [
        ("", map(&[])),
        ("a=>NULL", map(&[("a", None)])),
        (
            "a=>\"NULL\", \"b c\"=>\"\\\"\\\\\"",
            map(&[("a", Some("NULL")), ("b c", Some("\"\\"))]),
        ),
        ("\"\"=>\"\"", map(&[("", Some(""))])),
        ("\"=>\"=>\", \"", map(&[("=>", Some(", "))])),
    ] {
        check(&mut conn, "hstore", literal, value).await;
    }
    check(
        &mut conn,
        "hstore[]",
        r#"{"\"a\"=>NULL"}"#,
        vec![map(&[("a", None)])],
    )
    .await;
}

async fn acceptance_112_text_search<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for (ty, literal) in [
        ("tsvector", "'a':1A,3 'b c':2"),
        ("tsquery", "'a' & !( 'b' | 'c':* )"),
    ] {
        let own = own_text(&mut conn, ty, literal).await;
        let literal = literal.replace('\'', "''");
        let sql = format!("select '{literal}'::{ty}");
        let statement = conn.prepare(&sql).await.unwrap();
        let text: String = conn.fetch_scalar(&statement, ()).await.unwrap();
        assert_eq!(text, own);
        assert_eq!(conn.fetch_scalar::<String>(&sql, ()).await.unwrap(), own);
        written(&mut conn, ty, &own, &text).await;
    }
    conn.fetch_scalar::<()>("select pg_sleep(0)", ())
        .await
        .unwrap();
    let statement = conn.prepare("select pg_sleep(0)").await.unwrap();
    conn.fetch_scalar::<()>(&statement, ()).await.unwrap();
}

async fn floats_are_printed_as_the_server_does<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select f, f::text, f::float4, f::float4::text from (
        select sign * m * power(10::float8, e) as f
        from generate_series(-30, 30) e, (values (1::float8), (1.5), (9.99999), (123456), (0.1)) v (m), (values (1), (-1)) s (sign)
        union all select * from (values ('NaN'::float8), ('Infinity'), ('-Infinity'), ('-0'), (0)) w
    ) t";
    let statement = conn.prepare(sql).await.unwrap();
    for row in conn.fetch(&statement, ()).await.unwrap() {
        let (f8, text8, f4, text4): (Value, String, Value, String) = row.decode().unwrap();
        assert_eq!(f8.to_string(), text8);
        assert_eq!(f4.to_string(), text4);
    }
}

async fn dynamic_values_of_a_row<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select 1 as a, 'x' as b, null as c, true as a, '{1}'::int2[] as d, '1 day'::interval is null as e";
    let row = conn.fetch_one(sql, ()).await.unwrap();
    let map = row.to_map();
    assert_eq!(map.len(), 5);
    assert_eq!(map["a"], Value::Bool(true), "the last of equal names");
    assert_eq!(map["b"].as_str(), Some("x"));
    assert!(map["c"].is_null());
    assert_eq!(map["d"].to_string(), "{1}");
    let values = row.values();
    assert_eq!(values[0], Value::Int4(1));
    assert_eq!(values.len(), 6);
    // Parameters may be dynamic as well.
    let sql = "select $1::int8, $2::text, $3::uuid, $4::int2[]";
    let row = conn
        .fetch_one(
            sql,
            values.iter().take(3).chain([&map["d"]]).collect::<Vec<_>>(),
        )
        .await
        .unwrap();
    assert_eq!(
        row.values()[..3],
        [Value::Int8(1), Value::from("x"), Value::Null]
    );
}
