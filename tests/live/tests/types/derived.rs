//! Types of one's own, by derive: through both adapters' names.

use std::fmt::Debug;

use purepg_conn::{
    ByteStream, Connection, DecodeErrorKind, Error, FromRow, FromSql, FromSqlOwned, Runtime, ToSql,
    Type,
};
use purepg_tests_live::{Context, live};

live!(
    enums,
    composite_types,
    newtypes,
    rows_by_name,
    rows_by_position,
    rows_whose_columns_change,
    rows_that_were_copied,
);

#[derive(Clone, Copy, PartialEq, Debug, FromSql, ToSql)]
#[purepg(rename_all = "snake_case")]
enum Mood {
    Sad,
    SoSo,
    #[purepg(rename = "Happy!")]
    Glad,
}

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
#[purepg(rename_all = "camelCase")]
struct Item {
    moods: Vec<Mood>,
    full_name: Option<String>,
    r#type: i64,
}

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
struct InOrder(i64, Option<String>);

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
struct Positive(i32);

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
struct Several<T> {
    list: Vec<T>,
}

#[derive(PartialEq, Debug, FromSql, ToSql)]
struct Name<'a>(&'a str);

/// In both formats, both ways.
async fn check<S: ByteStream, T>(conn: &mut Connection<S>, ty: &str, value: T, text: &str)
where
    T: FromSqlOwned + ToSql + PartialEq + Debug,
{
    let sql = format!("select $1::{ty}::text, $1::{ty}");
    let row = conn.fetch_one(&sql, (&value,)).await.unwrap();
    assert_eq!(row.decode::<(String, T)>().unwrap(), (text.into(), value));
    let sql = format!("select '{text}'::{ty}, '{text}'::{ty}");
    let row = conn.fetch_one(&sql, ()).await.unwrap();
    let (one, two): (T, T) = row.decode().unwrap();
    assert_eq!(one, two);
    let sql = format!("select ($1::text)::{ty}");
    let one_more: T = conn.fetch_scalar(&sql, (text,)).await.unwrap();
    assert_eq!(one, one_more);
}

async fn create<S: ByteStream>(conn: &mut Connection<S>) {
    conn.execute(
        "create type pg_temp.mood as enum ('sad', 'so_so', 'Happy!', 'mad');
         create type pg_temp.item as (gone int4, \"fullName\" text, type int8, moods pg_temp.mood[], more bool);
         alter type pg_temp.item drop attribute gone;
         create type pg_temp.exact as (\"fullName\" text, type int4, moods pg_temp.mood[]);
         create type pg_temp.in_order as (x int8, y text);
         create type pg_temp.several as (list int4[]);
         create domain pg_temp.positive as int4 check (value > 0)",
        (),
    )
    .await
    .unwrap();
}

async fn enums<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    for (mood, label) in [
        (Mood::Sad, "sad"),
        (Mood::SoSo, "so_so"),
        (Mood::Glad, "Happy!"),
    ] {
        check(&mut conn, "pg_temp.mood", mood, label).await;
        assert_eq!(
            conn.fetch_scalar::<Mood>("select $1::text", (label,))
                .await
                .unwrap(),
            mood
        );
    }
    let moods = vec![Some(Mood::Glad), None];
    check(&mut conn, "pg_temp.mood[]", moods, "{Happy!,NULL}").await;
    let Err(Error::Decode(error)) = conn
        .fetch_scalar::<Mood>("select 'mad'::pg_temp.mood", ())
        .await
    else {
        panic!("no variant is mad");
    };
    assert_eq!(error.kind(), DecodeErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .ends_with("as Mood: no variant has the label \"mad\""),
        "{error}"
    );
    assert!(!<Mood as FromSql>::accepts(&Type::INT4));
}

async fn composite_types<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    let item = Item {
        moods: vec![Mood::Sad, Mood::SoSo],
        full_name: Some("a, \"b\"".into()),
        r#type: 7,
    };
    check(
        &mut conn,
        "pg_temp.exact",
        item.clone(),
        r#"("a, ""b""",7,"{sad,so_so}")"#,
    )
    .await;
    // Fields besides are read past; they cannot be written.
    let sql = "select $1::pg_temp.item, $2::int4";
    let error = conn.execute(sql, (&item, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Encode(_)), "{error:?}");
    let sql = "select row('x', 8, '{}', true)::pg_temp.item, $1::int4";
    let row = conn.fetch_one(sql, (1,)).await.unwrap();
    let expected = Item {
        moods: vec![],
        full_name: Some("x".into()),
        r#type: 8,
    };
    assert_eq!(row.get::<Item>(0).unwrap(), expected);
    check(&mut conn, "pg_temp.in_order", InOrder(1, None), "(1,)").await;
    check(
        &mut conn,
        "pg_temp.in_order[]",
        vec![InOrder(1, Some(String::new()))],
        r#"{"(1,\"\")"}"#,
    )
    .await;
    check(
        &mut conn,
        "pg_temp.several",
        Several { list: vec![1, 2] },
        r#"("{1,2}")"#,
    )
    .await;
    // A record has no names.
    let statement = conn.prepare("select row(1::int8, 'x')").await.unwrap();
    let record: InOrder = conn.fetch_scalar(&statement, ()).await.unwrap();
    assert_eq!(record, InOrder(1, Some("x".into())));
    let statement = conn.prepare("select row(1::int8, 'x', 2)").await.unwrap();
    let Err(Error::Decode(error)) = conn.fetch_scalar::<InOrder>(&statement, ()).await else {
        panic!("it has a field more");
    };
    assert!(
        error
            .to_string()
            .ends_with("it has more fields than the struct"),
        "{error}"
    );
}

async fn newtypes<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    create(&mut conn).await;
    check(&mut conn, "pg_temp.positive", Positive(7), "7").await;
    check(&mut conn, "int8", Positive(7), "7").await;
    check(&mut conn, "pg_temp.positive[]", vec![Positive(7)], "{7}").await;
    let row = conn
        .fetch_one("select $1::text", (Name("x"),))
        .await
        .unwrap();
    assert_eq!(row.get::<Name<'_>>(0).unwrap(), Name("x"));
}

#[derive(PartialEq, Debug, FromRow)]
#[purepg(rename_all = "camelCase")]
struct User<'r> {
    number_id: i64,
    name: &'r str,
    #[purepg(rename = "e mail")]
    mail: Option<String>,
    #[purepg(default)]
    visits: i32,
    #[purepg(flatten)]
    address: Address<'r>,
}

#[derive(PartialEq, Debug, FromRow)]
struct Address<'r> {
    city: &'r str,
    #[purepg(rename = "name")]
    same: String,
}

#[derive(PartialEq, Debug, FromRow)]
#[purepg(by_position)]
struct ByPosition<T> {
    x: i32,
    y: T,
}

#[derive(PartialEq, Debug, FromRow)]
struct Pair(i32, Option<String>);

async fn rows_by_name<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select 'Rome' as city, null as \"e mail\", 'old' as name, 'Ann' as name, 7::int8 as \"numberId\", 1 as more";
    let expected = User {
        number_id: 7,
        name: "Ann",
        mail: None,
        visits: 0,
        address: Address {
            city: "Rome",
            same: "Ann".into(),
        },
    };
    let row = conn.fetch_one(sql, ()).await.unwrap();
    assert_eq!(row.decode::<User<'_>>().unwrap(), expected);
    let statement = conn.prepare(&format!("{sql}, 3 as visits")).await.unwrap();
    let row = conn.fetch_one(&statement, ()).await.unwrap();
    assert_eq!(
        row.decode::<User<'_>>().unwrap(),
        User {
            visits: 3,
            ..expected
        }
    );
    let row = conn
        .fetch_one("select 1 as \"numberId\", 'x' as city, 'y' as name", ())
        .await
        .unwrap();
    let Err(Error::Decode(error)) = row.decode::<User<'_>>() else {
        panic!("a column is missing");
    };
    assert_eq!(error.kind(), DecodeErrorKind::NoSuchColumn);
    assert_eq!(
        error.to_string(),
        "the row cannot be read: there is no column \"e mail\""
    );
}

#[derive(PartialEq, Debug, FromRow)]
struct Thing<'r> {
    id: i64,
    age: Positive,
    name: &'r str,
    #[purepg(default)]
    more: Option<bool>,
}

/// What was found out for the columns of one result is not used for another's, nor what was found out for one type for another.
async fn rows_whose_columns_change<R: Runtime>(cx: Context<R>) {
    let (mut conn, mut other) = (cx.connect().await, cx.connect().await);
    let process = conn.process_id().unwrap();
    let (table, domain) = (format!("columns_{process}"), format!("age_{process}"));
    let create = format!(
        "create domain {domain} as int4;
         create table {table} (id int8, age {domain}, name text, more bool);
         insert into {table} values (1, 10, 'one', true), (2, 20, 'two', null)"
    );
    conn.execute(&create, ()).await.unwrap();
    let thing = |id: i64, name, more| Thing {
        id,
        age: Positive(i32::try_from(id).unwrap() * 10),
        name,
        more,
    };
    let sql = format!("select * from {table} where id > $1 order by id");
    let statement = conn.prepare(&sql).await.unwrap();
    for _ in 0..2 {
        let rows = conn.fetch(&statement, (0_i64,)).await.unwrap();
        let things: Vec<Thing<'_>> = rows.iter().map(|row| row.decode().unwrap()).collect();
        assert_eq!(things, [thing(1, "one", Some(true)), thing(2, "two", None)]);
        let (id, age, name, more): (i64, i32, String, Option<bool>) = rows[0].decode().unwrap();
        assert_eq!((id, age, &*name, more), (1, 10, "one", Some(true)));
        let error = rows[0].decode::<(i64, i32, i32, bool)>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"column "name" (text) cannot be read as i32: the types do not match"#
        );
    }
    // The columns in another order, one less, one of another type, one more.
    let alter = format!(
        "alter table {table} drop column id, drop column more, add column more_yet text, add column id int4;
         update {table} set id = age / 10"
    );
    other.execute(&alter, ()).await.unwrap();
    let sql = format!("select * from {table} where $1 order by id");
    for _ in 0..2 {
        let rows = conn.fetch(&sql, (true,)).await.unwrap();
        let things: Vec<Thing<'_>> = rows.iter().map(|row| row.decode().unwrap()).collect();
        assert_eq!(things, [thing(1, "one", None), thing(2, "two", None)]);
    }
    let rows = conn.fetch(&statement, (1_i64,)).await.unwrap();
    assert_eq!(
        rows[0].decode::<Thing<'_>>().unwrap(),
        thing(2, "two", None)
    );
    let text = conn
        .fetch("select '3' as id, 'x' as name, 1 as age", ())
        .await;
    let error = text.unwrap()[0].decode::<Thing<'_>>().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"column "id" (text) cannot be read as i64: the types do not match"#
    );
    let drop = format!("drop table {table}; drop domain {domain}");
    conn.execute(&drop, ()).await.unwrap();
}

async fn rows_that_were_copied<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let types = [Type::INT4, Type::TEXT];
    let sql = "copy (select g, 'x' || g from generate_series(1, 3) g) to stdout (format binary)";
    let mut rows = conn.copy_out_rows(sql, &types).await.unwrap();
    for n in 1..=3 {
        let row = rows.next().await.unwrap().unwrap();
        assert_eq!(
            row.decode::<Pair>().unwrap(),
            Pair(n, Some(format!("x{n}")))
        );
        let by_position: ByPosition<&str> = row.decode().unwrap();
        assert_eq!(by_position.x, n);
        let error = row.decode::<(i32, bool)>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"column "1" (text) cannot be read as bool: the types do not match"#
        );
    }
    assert!(rows.next().await.is_none());
}

async fn rows_by_position<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select g, 'x' from generate_series(1, 3) g";
    let pairs: Vec<Pair> = conn.fetch_as(sql, ()).await.unwrap();
    assert_eq!(pairs[2], Pair(3, Some("x".into())));
    let rows: Vec<ByPosition<String>> = conn.fetch_as(sql, ()).await.unwrap();
    assert_eq!(
        rows[0],
        ByPosition {
            x: 1,
            y: "x".into()
        }
    );
    let Err(Error::Decode(error)) = conn.fetch_as::<Pair>("select 1", ()).await else {
        panic!("it has one column");
    };
    assert_eq!(error.kind(), DecodeErrorKind::ColumnCount);
}
