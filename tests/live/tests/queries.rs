//! Eager queries, simple and extended, prepared and not; their values and their errors.

use purepg_conn::{DecodeErrorKind, Error, Query, Runtime, ToSql, Type, UsageError};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    simple_queries,
    several_statements,
    extended_queries,
    values_of_every_type_in_both_formats,
    values_that_do_not_fit,
    parameters_in_all_their_forms,
    row_limits,
    row_counts,
    acceptance_26_empty_queries,
    acceptance_27_an_error_in_the_second_statement_undoes_the_first,
    errors_and_the_query_after,
    acceptance_30_a_deferred_constraint,
    acceptance_32_as_many_parameters_as_there_can_be,
    acceptance_37_large_values,
    parameters_that_cannot_be_written,
    prepared_statements,
    acceptance_39_prepared_run_often_and_closed,
    a_dropped_statement_is_closed,
    acceptance_51_statements_of_every_kind_can_be_prepared,
    acceptance_51_a_prepared_fetch_gives_what_its_cursor_gives,
    rows_can_be_detached,
    copy_is_refused_clearly,
    the_error_shows_where,
    transactions_by_hand,
    pings,
);

async fn simple_queries<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let rows = conn
        .fetch("select 1 as a, 'x' as b, null::int as c", ())
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<i32>(0).unwrap(), 1);
    assert_eq!(rows[0].get::<i64>("a").unwrap(), 1);
    assert_eq!(rows[0].get::<&str>("b").unwrap(), "x");
    assert_eq!(rows[0].get::<Option<i32>>("c").unwrap(), None);
    assert_eq!(
        rows[0].decode::<(i32, String, Option<i32>)>().unwrap(),
        (1, "x".into(), None)
    );
    let one = conn
        .fetch_one("select 7 union all select 8 order by 1", ())
        .await
        .unwrap();
    assert_eq!(one.get::<i32>(0).unwrap(), 7);
    assert!(
        conn.fetch_optional("select 1 where false", ())
            .await
            .unwrap()
            .is_none()
    );
    let none = conn
        .fetch_one("select 1 where false", ())
        .await
        .unwrap_err();
    assert!(matches!(none, Error::NoRows) && conn.is_ready());
    let duplicate = conn.fetch_one("select 1 as x, 2 as x", ()).await.unwrap();
    assert_eq!(
        duplicate.get::<i32>("x").unwrap(),
        2,
        "the last of equal names"
    );
    let no_columns = conn.fetch_one("select", ()).await.unwrap();
    assert!(no_columns.is_empty());
}

async fn several_statements<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "create temp table t (a int); insert into t values (1), (2); select a from t; delete from t where a = 1";
    let rows = conn.fetch(sql, ()).await.unwrap();
    assert_eq!(rows.len(), 2);
    let count = conn
        .execute("insert into t values (3); update t set a = a + 1", ())
        .await
        .unwrap();
    assert_eq!(count, 2, "that of the last statement");
    let error = conn.fetch("select 1; select 2", ()).await.unwrap_err();
    assert!(
        matches!(error, Error::TooManyResults) && conn.is_ready(),
        "{error}"
    );
    assert!(error.to_string().contains("lowlevel_query"));
    assert_eq!(
        conn.execute("select 1; select 2 union select 3", ())
            .await
            .unwrap(),
        2
    );
    let error = conn
        .fetch("select 1; select 2; select 1/0", ())
        .await
        .unwrap_err();
    assert_eq!(
        error.sqlstate(),
        Some("22012"),
        "what the server says comes first"
    );
    assert!(conn.is_ready());
}

async fn extended_queries<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let row = conn
        .fetch_one("select $1::int4 + 1", (41_i32,))
        .await
        .unwrap();
    assert_eq!(row.get::<i32>(0).unwrap(), 42);
    let sum: i64 = conn
        .fetch_scalar("select $1::int8 + $2::int4", (1_i64, 2))
        .await
        .unwrap();
    assert_eq!(sum, 3);
    let text: String = conn.fetch_scalar("select $1 || 'b'", ("a",)).await.unwrap();
    assert_eq!(text, "ab");
    let null: Option<i32> = conn
        .fetch_scalar("select $1::int4", (None::<i32>,))
        .await
        .unwrap();
    assert_eq!(null, None);
    let uuid = "2f8c0f0e-6e3c-4d4e-8b0c-0d2f5a3c9e11";
    let echoed: bool = conn
        .fetch_scalar("select $1::uuid::text = $2", (uuid, uuid))
        .await
        .unwrap();
    assert!(
        echoed,
        "a string goes as text where the type has another binary form"
    );
    let count = conn
        .execute("select generate_series(1, $1::int)", (10,))
        .await
        .unwrap();
    assert_eq!(count, 10);
    let rows = conn
        .fetch("select from generate_series(1, $1::int)", (3,))
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
}

async fn values_of_every_type_in_both_formats<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let columns = "true, 12::int2, -34::int4, 56::int8, 4294967295::oid, 1.5::float4, \
                   'NaN'::float8, 'té'::text, 'v'::varchar, 'b  '::bpchar, 'n'::name, 'c'::\"char\", \
                   '\\x00ff'::bytea";
    let simple = conn
        .fetch_one(&format!("select {columns}"), ())
        .await
        .unwrap();
    let extended = conn
        .fetch_one(&format!("select {columns} where $1"), (true,))
        .await
        .unwrap();
    assert_ne!(
        simple.columns()[2].format(),
        extended.columns()[2].format(),
        "the simple protocol is text, the extended one binary"
    );
    for row in [&simple, &extended] {
        assert!(row.get::<bool>(0).unwrap());
        assert_eq!(row.get::<i16>(1).unwrap(), 12);
        assert_eq!(row.get::<i32>(2).unwrap(), -34);
        assert_eq!(row.get::<i64>(3).unwrap(), 56);
        assert_eq!(row.get::<u32>(4).unwrap(), u32::MAX);
        assert!((row.get::<f32>(5).unwrap() - 1.5).abs() < f32::EPSILON);
        assert!(row.get::<f64>(6).unwrap().is_nan());
        assert_eq!(row.get::<&str>(7).unwrap(), "té");
        assert_eq!(row.get::<String>(8).unwrap(), "v");
        assert_eq!(row.get::<&str>(9).unwrap(), "b  ");
        assert_eq!(row.get::<&str>(10).unwrap(), "n");
        assert_eq!(row.get::<i8>(11).unwrap(), i8::try_from(b'c').unwrap());
        assert_eq!(row.get::<Vec<u8>>(12).unwrap(), [0, 255]);
    }
    let echo = "select $1::bool, $2::int2, $3::int4, $4::int8, $5::oid, $6::float4, $7::float8, \
                $8::text, $9::bytea";
    let params = (
        false,
        i16::MIN,
        i32::MIN,
        i64::MIN,
        u32::MAX,
        f32::MIN,
        f64::MAX,
        "ü",
        vec![0_u8],
    );
    let row = conn.fetch_one(echo, params).await.unwrap();
    let values: (bool, i16, i32, i64, u32, f32, f64, &str, &[u8]) = row.decode().unwrap();
    assert_eq!((values.0, values.1, values.2), (false, i16::MIN, i32::MIN));
    assert_eq!(
        (values.3, values.4, values.7, values.8),
        (i64::MIN, u32::MAX, "ü", &[0_u8][..])
    );
    assert_eq!(values.5.to_bits(), f32::MIN.to_bits());
    assert_eq!(values.6.to_bits(), f64::MAX.to_bits());
}

async fn values_that_do_not_fit<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let row = conn
        .fetch_one("select 3000000000 as big, null::int as none, 'x' as s", ())
        .await;
    let row = row.unwrap();
    let told = |error: Error, kind| match error {
        Error::Decode(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            error.to_string()
        }
        other => panic!("{other:?}"),
    };
    let big = told(
        row.get::<i32>("big").unwrap_err(),
        DecodeErrorKind::OutOfRange,
    );
    assert_eq!(
        big,
        "column \"big\" (int8) cannot be read as i32: 3000000000 does not fit"
    );
    let none = told(row.get::<i32>("none").unwrap_err(), DecodeErrorKind::Null);
    assert!(
        none.contains("\"none\"") && none.contains("int4") && none.contains("i32"),
        "{none}"
    );
    let kind = told(row.get::<i32>("s").unwrap_err(), DecodeErrorKind::WrongType);
    assert!(
        kind.contains("\"s\"") && kind.contains("text") && kind.contains("i32"),
        "{kind}"
    );
    let missing = told(
        row.get::<i32>("t").unwrap_err(),
        DecodeErrorKind::NoSuchColumn,
    );
    assert!(
        missing.contains("\"t\"") && missing.contains("\"big\""),
        "{missing}"
    );
    told(
        row.get::<i32>(3).unwrap_err(),
        DecodeErrorKind::NoSuchColumn,
    );
    told(
        row.decode::<(i64,)>().unwrap_err(),
        DecodeErrorKind::ColumnCount,
    );
    assert!(conn.is_ready());
}

async fn parameters_in_all_their_forms<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select $1::int4 + $2::int4";
    let owned = vec![1, 2];
    let dynamic: [&dyn ToSql; 2] = [&1_i32, &2_i64];
    for sum in [
        conn.fetch_scalar::<i32>(sql, (1, 2)).await,
        conn.fetch_scalar(sql, [1, 2]).await,
        conn.fetch_scalar(sql, &[1, 2]).await,
        conn.fetch_scalar(sql, &owned[..]).await,
        conn.fetch_scalar(sql, &owned).await,
        conn.fetch_scalar(sql, owned.clone()).await,
        conn.fetch_scalar(sql, &dynamic[..]).await,
        conn.fetch_scalar(sql, dynamic).await,
        conn.fetch_scalar(sql, [&1_i32 as &(dyn ToSql + Sync), &2_i16])
            .await,
        conn.fetch_scalar(sql, owned.clone().into_boxed_slice())
            .await,
        conn.fetch_scalar(&String::from(sql), (&1, Some(2))).await,
        conn.fetch_scalar(&Query::new(sql), (1_i16, 2_u32)).await,
    ] {
        assert_eq!(sum.unwrap(), 3);
    }
    let sixteen = "select $1::int+$2+$3+$4+$5+$6+$7+$8+$9+$10+$11+$12+$13+$14+$15+$16::int";
    let sum: i32 = conn
        .fetch_scalar(sixteen, (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1))
        .await
        .unwrap();
    assert_eq!(sum, 16);
}

async fn row_limits<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select generate_series(1, 100)";
    let limited = Query::new(sql).max_rows(10);
    assert_eq!(conn.fetch(&limited, ()).await.unwrap().len(), 10);
    assert_eq!(conn.execute(&limited, ()).await.unwrap(), 10);
    assert_eq!(
        conn.query(&limited, ())
            .await
            .unwrap()
            .row_count()
            .await
            .unwrap(),
        10
    );
    assert_eq!(
        conn.fetch(Query::new(sql).max_rows(1000), ())
            .await
            .unwrap()
            .len(),
        100
    );
    for limit in [0, 1 << 31] {
        let error = conn
            .fetch(Query::new(sql).max_rows(limit), ())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
        assert!(conn.is_ready());
    }
}

async fn row_counts<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    assert_eq!(
        conn.execute("create temp table c (a int)", ())
            .await
            .unwrap(),
        0
    );
    let insert = "insert into c select generate_series(1, $1::int)";
    assert_eq!(conn.execute(insert, (5,)).await.unwrap(), 5);
    assert_eq!(
        conn.execute("update c set a = 0 where a < $1", (3,))
            .await
            .unwrap(),
        2
    );
    assert_eq!(conn.execute("delete from c", ()).await.unwrap(), 5);
    assert_eq!(conn.execute("select 1", ()).await.unwrap(), 1);
}

async fn acceptance_26_empty_queries<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for sql in ["", "  \n", "-- nothing", "/* nothing */", ";", ";;"] {
        assert_eq!(conn.execute(sql, ()).await.unwrap(), 0, "{sql:?}");
        assert!(conn.fetch(sql, ()).await.unwrap().is_empty(), "{sql:?}");
    }
    assert!(
        conn.fetch(Query::new("").max_rows(1), ())
            .await
            .unwrap()
            .is_empty()
    );
    let mut rows = conn.query("", ()).await.unwrap();
    assert!(rows.next().await.is_none() && rows.columns().is_empty());
}

async fn acceptance_27_an_error_in_the_second_statement_undoes_the_first<R: Runtime>(
    cx: Context<R>,
) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table e (a int primary key)", ())
        .await
        .unwrap();
    let error = conn
        .execute("insert into e values (1); insert into e values (1)", ())
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.sqlstate(), Some("23505"));
    assert!(error.is_recoverable() && conn.is_ready() && !conn.in_transaction());
    let server = error.server().unwrap();
    assert_eq!(
        (server.table(), server.constraint()),
        (Some("e"), Some("e_pkey"))
    );
    let count: i64 = conn
        .fetch_scalar("select count(*) from e", ())
        .await
        .unwrap();
    assert_eq!(count, 0, "the first insert went with the second");
}

async fn errors_and_the_query_after<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for (sql, state) in [
        ("selec 1", "42601"),
        ("select $1::int + nope", "42703"),
        ("select $1::int / 0", "22012"),
        ("select 1; select $1::int", "42601"),
    ] {
        let error = conn.fetch(sql, (1,)).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some(state), "{sql}");
        assert!(conn.is_ready() && !conn.in_transaction(), "{sql}");
        assert_eq!(
            conn.fetch_scalar::<i32>("select $1::int", (1,))
                .await
                .unwrap(),
            1
        );
    }
}

async fn acceptance_30_a_deferred_constraint<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "create temp table d (a int unique deferrable initially deferred); insert into d values (1)";
    conn.execute(sql, ()).await.unwrap();
    for _ in 0..2 {
        let error = conn
            .execute("insert into d values ($1)", (1,))
            .await
            .unwrap_err();
        assert_eq!(
            error.sqlstate(),
            Some("23505"),
            "an error after CommandComplete"
        );
        assert!(conn.is_ready() && !conn.in_transaction());
    }
    assert_eq!(
        conn.fetch_scalar::<i64>("select count(*) from d", ())
            .await
            .unwrap(),
        1
    );
}

async fn acceptance_32_as_many_parameters_as_there_can_be<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let list = |n: usize| {
        (1..=n)
            .map(|i| format!("${i}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let sql = format!("select cardinality(array[{}]::int[])", list(65_535));
    let many: i32 = conn.fetch_scalar(&sql, vec![1_i32; 65_535]).await.unwrap();
    assert_eq!(many, 65_535);
    record.take();
    for sql in ["select $1::int", &format!("select {}", list(65_536))] {
        let error = conn.execute(sql, vec![1_i32; 65_536]).await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
        assert_eq!(
            error.to_string(),
            "65536 parameters are more than the protocol's 65535"
        );
        assert!(conn.is_ready());
    }
    let statement = conn.prepare("select $1::int").await.unwrap();
    assert_eq!(record.take().tags(), "PDS", "nothing else was sent");
    let error = conn.execute(&statement, vec![1_i32; 65_536]).await;
    let Err(Error::Usage(usage)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        *usage,
        UsageError::ParameterCount {
            expected: 1,
            given: 65_536
        }
    );
    assert_eq!(record.take().tags(), "");
}

async fn acceptance_37_large_values<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let large = "x".repeat(10 << 20);
    let echoed: String = conn
        .fetch_scalar("select $1::text", (large.as_str(),))
        .await
        .unwrap();
    assert!(echoed == large);
    let twice: i32 = conn
        .fetch_scalar("select length($1 || $1)", (&large,))
        .await
        .unwrap();
    assert_eq!(twice, 20 << 20);
}

async fn parameters_that_cannot_be_written<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let told = |error: Error| match error {
        Error::Encode(error) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let error = told(
        conn.execute("select $1::int2", (70_000,))
            .await
            .unwrap_err(),
    );
    assert!(
        error.contains("$1") && error.contains("int2") && error.contains("i32"),
        "{error}"
    );
    assert!(conn.is_ready() && !conn.in_transaction());
    let error = told(
        conn.execute("select $1::int, $2::bool", (1, "x\0"))
            .await
            .unwrap_err(),
    );
    assert!(error.contains("$2"), "{error}");
    let error = conn.execute("select $1::int", (1, 2)).await.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    let error = conn.execute("select 1", (1,)).await.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    let error = conn.execute("select '\0'", ()).await.unwrap_err();
    assert!(error.to_string().contains("NUL"), "{error}");
    assert!(conn.is_ready());
    assert_eq!(
        conn.fetch_scalar::<i32>("select $1::int", (1,))
            .await
            .unwrap(),
        1
    );
}

async fn prepared_statements<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table p (a int, b text)", ())
        .await
        .unwrap();
    let insert = conn.prepare("insert into p values ($1, $2)").await.unwrap();
    assert_eq!(insert.params(), [Type::INT4, Type::TEXT]);
    assert!(insert.columns().is_empty());
    for i in 0..10 {
        assert_eq!(conn.execute(&insert, (i, "x")).await.unwrap(), 1);
    }
    let select = conn
        .prepare("select a, b from p where a < $1 order by a")
        .await
        .unwrap();
    assert_eq!(select.columns()[1].name(), "b");
    let rows = conn.fetch(&select, (3,)).await.unwrap();
    assert_eq!(rows[2].decode::<(i32, &str)>().unwrap(), (2, "x"));
    let error = conn.prepare("select nope").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42703"));
    assert!(conn.is_ready());
    assert_eq!(conn.fetch(&select, (5,)).await.unwrap().len(), 5);
    let mut other = cx.connect().await;
    let error = other.fetch(&select, (5,)).await.unwrap_err();
    assert!(error.to_string().contains("another connection"), "{error}");
}

async fn acceptance_39_prepared_run_often_and_closed<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let statement = conn.prepare("select $1::int4 * 2").await.unwrap();
    record.take();
    for i in 0..100 {
        let twice: i32 = conn.fetch_scalar(&statement, (i,)).await.unwrap();
        assert_eq!(twice, 2 * i);
    }
    assert_eq!(record.take().tags(), "BES".repeat(100), "parsed once");
    let another = statement.clone();
    conn.close_statement(statement).await.unwrap();
    assert_eq!(record.take().tags(), "CS");
    let kept = "select count(*) from pg_prepared_statements";
    assert_eq!(conn.fetch_scalar::<i64>(kept, ()).await.unwrap(), 0);
    // Its own handle is gone, which the compiler watches. Whoever has another one does not have to know: it is prepared again.
    record.take();
    assert_eq!(conn.fetch_scalar::<i32>(&another, (4,)).await.unwrap(), 8);
    assert_eq!(record.take().tags(), "CPDHBES");
    // On another connection it is refused, and nothing is sent.
    let (mut other, noted) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    let error = other.execute(&another, (1,)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Usage(usage) if **usage == UsageError::ForeignStatement),
        "{error:?}"
    );
    let error = other.close_statement(another).await.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    assert_eq!(noted.take().tags(), "");
    conn.ping().await.unwrap();
    assert_eq!(conn.fetch_scalar::<i64>(kept, ()).await.unwrap(), 0);
}

async fn a_dropped_statement_is_closed<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let count = "select count(*) from pg_prepared_statements where name like 'purepg%'";
    let first = conn.prepare("select 1").await.unwrap();
    let second = conn.prepare("select 2").await.unwrap();
    assert_eq!(conn.fetch_scalar::<i64>(count, ()).await.unwrap(), 2);
    drop(first.clone());
    assert_eq!(conn.fetch_scalar::<i64>(count, ()).await.unwrap(), 2);
    drop((first, second));
    assert_eq!(conn.fetch_scalar::<i64>(count, ()).await.unwrap(), 0);
    drop(conn.prepare("select 3").await.unwrap());
    conn.execute("begin", ()).await.unwrap();
    conn.execute("select nope", ()).await.unwrap_err();
    drop(conn.prepare("select 4").await.unwrap_err());
    conn.execute("rollback", ()).await.unwrap();
    assert_eq!(conn.fetch_scalar::<i64>(count, ()).await.unwrap(), 0);
}

async fn copy_is_refused_clearly<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table k (a int)", ())
        .await
        .unwrap();
    let error = conn.execute("copy k from stdin", ()).await.unwrap_err();
    assert!(error.to_string().contains("COPY"), "{error}");
    assert!(conn.is_ready());
    let statement = conn.prepare("copy k from stdin").await.unwrap();
    let error = conn.execute(&statement, ()).await.unwrap_err();
    assert!(error.to_string().contains("COPY"), "{error}");
    assert!(conn.is_ready());
    let error = conn
        .fetch("copy (select 1) to stdout", ())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    assert!(conn.is_ready());
    let several = "select 1; select 2; copy (select 1) to stdout";
    assert!(matches!(
        conn.execute(several, ()).await.unwrap_err(),
        Error::Usage(_)
    ));
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

async fn acceptance_51_statements_of_every_kind_can_be_prepared<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut statements = Vec::new();
    for sql in [
        "",
        "-- nothing",
        "begin",
        "set local application_name to 'x'",
        "create temp table made (a int)",
        "commit",
        "show application_name",
    ] {
        let statement = conn.prepare(sql).await.unwrap();
        assert!(statement.params().is_empty(), "{sql}");
        statements.push(statement);
    }
    for (statement, in_transaction) in statements
        .iter()
        .zip([false, false, true, true, true, false, false])
    {
        conn.execute(statement, ()).await.unwrap();
        assert_eq!(conn.in_transaction(), in_transaction, "{statement:?}");
    }
    conn.execute("insert into made values (1)", ())
        .await
        .unwrap();
    let name: String = conn.fetch_scalar(&statements[6], ()).await.unwrap();
    assert_ne!(name, "x");
    // By their text, too.
    for _ in 0..2 {
        for sql in ["", "begin", "set local application_name to 'x'", "rollback"] {
            let query = Query::new(sql).max_rows(1);
            assert!(conn.fetch(query, ()).await.unwrap().is_empty(), "{sql}");
        }
    }
    assert!(conn.is_idle());
}

async fn acceptance_51_a_prepared_fetch_gives_what_its_cursor_gives<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let fetch = conn.prepare("fetch all from c").await.unwrap();
    conn.execute("begin; declare c cursor for select 1 as a", ())
        .await
        .unwrap();
    assert_eq!(
        conn.fetch(&fetch, ()).await.unwrap()[0]
            .get::<i32>("a")
            .unwrap(),
        1
    );
    conn.execute(
        "close c; declare c cursor for select 'abcd' as b, 2 as c",
        (),
    )
    .await
    .unwrap();
    let rows = conn.fetch(&fetch, ()).await.unwrap();
    assert_eq!(rows[0].decode::<(&str, i64)>().unwrap(), ("abcd", 2));
    let limited = Query::new(&fetch).max_rows(5);
    assert!(conn.fetch(limited, ()).await.unwrap().is_empty());
    conn.execute("rollback", ()).await.unwrap();
    // By its text, which is kept although it gave nothing the first time.
    let fetch = Query::new("fetch all from d").max_rows(9);
    for (cursor, rows, columns) in [
        ("select 1 as a where false", 0, 0),
        ("select g, 'x' || g as b from generate_series(1, 2) g", 2, 2),
        ("select true as t", 1, 1),
    ] {
        conn.execute(&format!("begin; declare d cursor for {cursor}"), ())
            .await
            .unwrap();
        let told = conn.fetch(&fetch, ()).await.unwrap();
        assert_eq!(told.len(), rows, "{cursor}");
        assert!(told.iter().all(|row| row.len() == columns), "{cursor}");
        match columns {
            2 => assert_eq!(told[1].decode::<(i32, &str)>().unwrap(), (2, "x2")),
            1 => assert!(told[0].get::<bool>("t").unwrap()),
            _ => {}
        }
        conn.execute("commit", ()).await.unwrap();
    }
}

async fn rows_can_be_detached<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let rows = conn
        .fetch(
            "select g, null::int, 'x' || g from generate_series(1, 9) g",
            (),
        )
        .await;
    let third = rows.unwrap().swap_remove(2).detach();
    let values: (i32, Option<i32>, &str) = third.decode().unwrap();
    assert_eq!(values, (3, None, "x3"));
}

async fn the_error_shows_where<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let error = conn
        .fetch("select 1,\n  nope + 1\nfrom pg_class", ())
        .await
        .unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.starts_with("ERROR: column \"nope\" does not exist (SQLSTATE 42703)"),
        "{shown}"
    );
    assert!(shown.contains("LINE 2:   nope + 1\n          ^"), "{shown}");
    let Error::Database(database) = &error else {
        panic!("{error:?}")
    };
    assert!(database.statement().unwrap().starts_with("select 1"));
    let error = conn.fetch("select $1::int + nope", (1,)).await.unwrap_err();
    assert!(error.to_string().contains('^'), "{error}");
}

async fn transactions_by_hand<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("begin", ()).await.unwrap();
    assert!(conn.in_transaction() && conn.is_ready());
    conn.execute("select $1::int / 0", (1,)).await.unwrap_err();
    assert!(conn.in_transaction() && conn.is_ready());
    let error = conn.fetch("select $1::int", (1,)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("25P02"));
    conn.execute("rollback", ()).await.unwrap();
    assert!(!conn.in_transaction());
}

async fn pings<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.ping().await.unwrap();
    conn.execute("begin", ()).await.unwrap();
    conn.ping().await.unwrap();
    assert!(conn.in_transaction());
}
