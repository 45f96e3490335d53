//! What is known of types that are not built in: looked up once, in one query, and again when it has changed.

use purepg_conn::{
    ByteStream, Composite, Connection, Converter, DecodeErrorKind, Error, Format, Kind, Runtime,
    TransactionStatus, Type, UsageError, Value,
};
use purepg_testkit::drop_at::drop_after;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::drops::check;
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
    dropped_here_and_there,
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

async fn dropped_here_and_there<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect_slowly().await;
    create(&mut conn).await;
    let process = conn.process_id().unwrap();
    for status in [TransactionStatus::Idle, TransactionStatus::InTransaction] {
        if status == TransactionStatus::InTransaction {
            conn.execute("begin", ()).await.unwrap();
        }
        let mut places = 0;
        // The text of the question is long: not every byte of it is another case.
        for polls in (0..).step_by(211) {
            conn.forget_types();
            let row = conn.fetch_one("select $1::pg_temp.mood", ("sad",));
            let row = drop_after(row, polls).await;
            check(&mut conn, process, status).await;
            if let Some(row) = row {
                let row = row.unwrap();
                assert_eq!(row.columns()[0].ty().labels().len(), 2);
                break;
            }
            places += 1;
        }
        for polls in (0..).step_by(211) {
            conn.forget_types();
            let statement = drop_after(conn.prepare("select $1::pg_temp.pair"), polls).await;
            check(&mut conn, process, status).await;
            if let Some(statement) = statement {
                assert_eq!(statement.unwrap().params()[0].fields().len(), 2);
                break;
            }
            places += 1;
        }
        for polls in (0..).step_by(211) {
            conn.forget_types();
            let ty = drop_after(conn.type_info("pg_temp.pair"), polls).await;
            check(&mut conn, process, status).await;
            if let Some(ty) = ty {
                assert_eq!(ty.unwrap().fields().len(), 2);
                break;
            }
            places += 1;
        }
        println!("dropped at {places} places");
        assert!(places > 30);
    }
    conn.execute("commit", ()).await.unwrap();
    let sql = "select count(*) from pg_prepared_statements where name = 'purepg_types'";
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 0);
}
