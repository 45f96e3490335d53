//! Parameters: positional `$1`, and named `:name` that become `$n`; one number for each name, and never inside of anything. A prepared
//! statement takes positional ones only.

use purepg_conn::{
    ByteStream, Connection, DatabaseError, EncodeErrorKind, Error, Message, NamedParams, Params,
    Query, Runtime, ToSql, UsageError, params,
};
use purepg_tests_live::{Context, live};

live!(
    parameters_by_name,
    parameters_by_name_through_every_query,
    parameters_by_name_in_pipelines,
    parameters_by_name_many_times,
    parameters_by_name_are_numbers_for_the_server,
    parameters_by_name_are_never_inside_of_anything,
    parameters_by_name_while_backslashes_escape,
    parameters_by_name_that_do_not_match,
    parameters_by_name_beside_numbers,
    parameters_by_name_that_cannot_be_written,
    parameters_by_name_of_the_callers_own,
    parameters_of_a_prepared_statement_have_no_names,
    acceptance_32_as_many_parameters_by_name_as_there_can_be,
    the_error_shows_where_in_the_text_as_written,
);

fn usage(error: Error) -> UsageError {
    match error {
        Error::Usage(usage) => *usage,
        error => panic!("{error:?}"),
    }
}

fn database(error: Error) -> DatabaseError {
    match error {
        Error::Database(error) => *error,
        error => panic!("{error:?}"),
    }
}

async fn parameters_by_name<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (a int, b text)", ())
        .await
        .unwrap();
    let insert = "insert into t values (:a, :b)";
    let n = conn
        .execute(insert, params! { a: 1, b: "x" })
        .await
        .unwrap();
    assert_eq!(n, 1);
    // In any order, of any type, borrowed.
    let text = String::from("y");
    conn.execute(insert, params! { b: text, a: Some(2_i16) })
        .await
        .unwrap();
    let kept = params! { b: None::<&str>, a: text.len().to_string() };
    for _ in 0..2 {
        conn.execute(insert, kept).await.unwrap();
        conn.execute(insert, &kept).await.unwrap();
    }
    // One number for each name, however often it is there.
    let sql = "select count(*) from t where (b = :b or :b is null) and a >= :a and :b is not distinct from :b";
    let count = async |conn: &mut Connection<_>, params: NamedParams<'_>| {
        conn.fetch_scalar::<i64>(sql, params).await.unwrap()
    };
    assert_eq!(count(&mut conn, params! { a: 1, b: "y" }).await, 1);
    assert_eq!(count(&mut conn, params! { a: 1, b: None::<&str> }).await, 6);
    // Keywords, letters that are not ASCII, capitals.
    let row = conn
        .fetch_one(
            "select :type::int, :größe::int, :Type::int",
            params! { größe: 2, Type: 3, type: 1 },
        )
        .await
        .unwrap();
    assert_eq!(row.decode::<(i32, i32, i32)>().unwrap(), (1, 2, 3));
    // None at all: then it may be several statements.
    let n = conn
        .execute(
            "select ':a'; select '{1,2}'::int[] as b union all select null",
            params! {},
        )
        .await
        .unwrap();
    assert_eq!(n, 2);
}

async fn parameters_by_name_through_every_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select generate_series(1, :n::int) + :by::int";
    let given = params! { by: 10, n: 3 };
    assert_eq!(conn.execute(sql, given).await.unwrap(), 3);
    assert_eq!(conn.fetch(sql, given).await.unwrap().len(), 3);
    let first = conn.fetch_one(sql, given).await.unwrap();
    assert_eq!(first.get::<i32>(0).unwrap(), 11);
    let first = conn.fetch_optional(sql, given).await.unwrap().unwrap();
    assert_eq!(first.get::<i32>(0).unwrap(), 11);
    assert_eq!(conn.fetch_scalar::<i32>(sql, given).await.unwrap(), 11);
    let mut rows = conn.query(sql, given).await.unwrap();
    let mut sum = 0;
    while let Some(row) = rows.next().await {
        sum += row.unwrap().get::<i32>(0).unwrap();
    }
    assert_eq!(sum, 36);
    let limited = Query::new(sql).max_rows(2);
    assert_eq!(conn.execute(&limited, given).await.unwrap(), 2);
    let mut messages = conn.lowlevel_query(sql, given).await.unwrap();
    let mut count = 0;
    while let Some(message) = messages.next().await {
        count += usize::from(matches!(message.unwrap(), Message::Row(_)));
    }
    assert_eq!(count, 3);
    let mut tx = conn.begin().await.unwrap();
    assert_eq!(tx.execute(sql, given).await.unwrap(), 3);
    tx.commit().await.unwrap();
    let alone = Query::new("select generate_series(1, 9) as \":n\"").max_rows(4);
    assert_eq!(conn.execute(alone, params! {}).await.unwrap(), 4);
    let shared = conn.into_shared();
    assert_eq!(shared.execute(sql, given).await.unwrap(), 3);
    assert_eq!(shared.fetch_scalar::<i32>(sql, given).await.unwrap(), 11);
}

async fn parameters_by_name_in_pipelines<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let statement = conn.prepare("select $1::int").await.unwrap();
    let sql = String::from("select :a::int - :b::int + :a");
    let mut pipeline = conn.pipeline();
    pipeline.push(&sql, params! { a: 1, b: 2 });
    pipeline.push(&sql, params! { b: 1, a: 2 });
    pipeline.push("select $1::int", (7,)).sync();
    pipeline.push("select ':a', 8", params! {}).sync();
    // What does not match fails alone, with what is in its segment.
    pipeline.push(&sql, params! { a: 1 }).sync();
    pipeline.push(&sql, params! { a: 1, b: 2 });
    pipeline.push("select $1, :a", params! { a: 1 });
    pipeline.push(&sql, params! { a: 1, b: 2 }).sync();
    pipeline.push(&statement, params! { a: 1 }).sync();
    pipeline
        .push(&sql, params! { a: 1, b: 70_000_i64 * 70_000 })
        .sync();
    pipeline
        .push("select :long::int + nope", params! { long: 1 })
        .sync();
    pipeline.push(&sql, params! { a: 5, b: 1 });
    let mut results = pipeline.run().await.unwrap();
    let mut next = async || results.next().await.unwrap();
    for expected in [0, 3, 7] {
        let rows = next().await.unwrap().rows;
        assert_eq!(rows[0].get::<i32>(0).unwrap(), expected);
    }
    assert_eq!(next().await.unwrap().rows[0].get::<i32>(1).unwrap(), 8);
    let error = next().await.unwrap_err().to_string();
    assert_eq!(error, "no value is given for :b");
    // Its segment was begun, and is given up.
    next().await.unwrap();
    let number = "$1".into();
    assert_eq!(
        usage(next().await.unwrap_err()),
        UsageError::MixedParameters { number }
    );
    assert!(matches!(next().await, Err(Error::Aborted)));
    assert_eq!(
        usage(next().await.unwrap_err()),
        UsageError::NamesForPrepared
    );
    let error = next().await.unwrap_err().to_string();
    assert!(error.starts_with("parameter :b (int4)"), "{error}");
    let error = next().await.unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("LINE 1: select :long::int + nope\n                            ^"),
        "{shown}"
    );
    let rows = next().await.unwrap().rows;
    assert_eq!(rows[0].get::<i32>(0).unwrap(), 9);
    assert!(results.next().await.is_none() && conn.is_ready());
}

async fn parameters_by_name_many_times<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (a int, b text)", ())
        .await
        .unwrap();
    let insert = "insert into t values (:a, :b)";
    let text = |i: i32| format!("text {i}");
    let texts: Vec<_> = (0..100).map(|i| (i, text(i))).collect();
    let lists = texts.iter().map(|(i, text)| {
        let (a, b): ((_, &dyn ToSql), (_, &dyn ToSql)) = (("a", i), ("b", text));
        if i % 2 == 0 { [a, b] } else { [b, a] }
    });
    let lists: Vec<_> = lists.collect();
    let sets = lists.iter().map(|list| NamedParams::new(list));
    assert_eq!(conn.execute_many(insert, sets).await.unwrap(), 100);
    let wrong = "select count(*) from t where b <> 'text ' || a";
    assert_eq!(conn.fetch_scalar::<i64>(wrong, ()).await.unwrap(), 0);
    // All or nothing.
    let sets = [params! { a: 1, b: "x" }, params! { a: 1, c: "x" }];
    let error = conn.execute_many(insert, sets).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no value is given for :b; the statement has no :c"
    );
    let error = conn
        .execute_many(
            "insert into t select :a::int / :b::int",
            [params! { a: 1, b: 0 }],
        )
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    let named: &dyn Params = &params! { a: 1, b: "x" };
    let sets: [&dyn Params; 2] = [&(1, "x"), named];
    let error = conn
        .execute_many("insert into t values ($1, $2)", sets)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the statement has no :a, :b");
    let statement = conn.prepare("insert into t values ($1, $2)").await.unwrap();
    let error = conn.execute_many(&statement, [named]).await.unwrap_err();
    assert_eq!(usage(error), UsageError::NamesForPrepared);
    assert_eq!(conn.execute("delete from t", ()).await.unwrap(), 100);
    // Of none nothing is known, not even whether they have names.
    let none: [NamedParams<'_>; 0] = [];
    assert_eq!(conn.execute_many(insert, none).await.unwrap(), 0);
    assert!(conn.is_idle());
}

async fn parameters_by_name_are_numbers_for_the_server<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select query from pg_stat_activity where pid = pg_backend_pid() and :b = ':b' and :a = 1 and :b = :b";
    for given in [params! { a: 1, b: ":b" }, params! { b: ":b", a: 1 }] {
        let sent: String = conn.fetch_scalar(sql, given).await.unwrap();
        assert_eq!(
            sent,
            "select query from pg_stat_activity where pid = pg_backend_pid() and $1 = ':b' and $2 = 1 and $1 = $1"
        );
    }
    // It is one statement, in whatever order values are given.
    let prepared =
        "select count(*) from pg_prepared_statements where statement like 'select query%'";
    let known: i64 = conn.fetch_scalar(prepared, ()).await.unwrap();
    assert_eq!(known, 1);
}

/// Statements that the server accepts, each of which gives one text with `:a` as 'A' and `:n` as 2.
const TEXTS: &[(&str, &str)] = &[
    ("select ':a' || :a::text || :n::int", ":aA2"),
    ("select 'it''s :a' || :a || :n::int", "it's :aA2"),
    (r"select E'\':a\\' || :a || :n::int", r"':a\A2"),
    ("select E'x'\n'\\' :a' || :a || :n::int", "x' :aA2"),
    ("select E'x' -- '\n  '\\' :a' || :a || :n::int", "x' :aA2"),
    (
        "select B'10'::text || X'1F'::text || :a || :n::int",
        "1000011111A2",
    ),
    (
        "select date'2020-01-01' || ':a' || :a || :n::int",
        "2020-01-01:aA2",
    ),
    (
        "select $$:a'$$ || :a || $größe$ $$ :a $größe$ || :n::int",
        ":a'A $$ :a 2",
    ),
    (
        "select a$b$ || :a || :n::int from (select 'x' as a$b$) s",
        "xA2",
    ),
    (
        "select \":a\" || :a || :n::int from (select 'x' as \":a\") s",
        "xA2",
    ),
    ("select /* ' :a /* :b */ :c */ :a || :n::int -- :d '", "A2"),
    ("select --:x\r:a || :n::int", "A2"),
    (
        "select x[1:2]::text || :a || :n::int from (select '{1,2,3}'::int[] as x) s",
        "{1,2}A2",
    ),
    (
        "select x[1:y]::text || :a from (select '{1,2,3}'::int[] as x, :n::int as y) s",
        "{1,2}A",
    ),
    (
        "select x[:n]::text || :a from (select '{1,2,3}'::int[] as x) s",
        "2A",
    ),
    (
        "select x[: y]::text || :a from (select '{1,2,3}'::int[] as x, :n::int as y) s",
        "{1,2}A",
    ),
    (
        "select x[:n: :n]::text || :a from (select '{1,2,3}'::int[] as x) s",
        "{2}A",
    ),
    ("select array[:a, 'b']::text || :n::int::text", "{A,b}2"),
    ("select array[[:a],[ :n::int::text ]]::text", "{{A},{2}}"),
    (
        "select ('{\"A\": 1}'::jsonb ? :a)::text || :n::int",
        "true2",
    ),
    (
        "select ('{\"A\": 1}'::jsonb ?| array[:a,'B'])::text || :n::int",
        "true2",
    ),
    ("select ('{\"A\": 1}'::jsonb->:a)::text || :n::int", "12"),
    (
        "select ('{\"A\": 1}'::jsonb@?'$.A ? (@ == 1)')::text || :a || :n::int",
        "trueA2",
    ),
    ("select make_interval(days:=:n)::text || :a", "2 daysA"),
    (
        "select make_interval(days => :n)::text || :a::text::varchar",
        "2 daysA",
    ),
    ("select case when :n::int=2 then :a else':a' end", "A"),
    ("select 1::int::text||:a||(-:n::int)", "1A-2"),
];

/// Two more, with what they give while `standard_conforming_strings` is on.
const PLAIN: &[(&str, &str)] = &[
    (r"select 'a\\' || :a || E'\'' || :n::int", r"a\\A'2"),
    (r"select U&'\0041:a' || :a || :n::int", "A:aA2"),
];

/// And while it is off; `U&'…'` is refused then.
const ESCAPED: &[(&str, &str)] = &[
    (r"select 'a\\' || :a || E'\'' || :n::int", r"a\A'2"),
    (r"select '\' :a' || :a || :n::int", "' :aA2"),
    ("select 'x'\n'\\' :a' || :a || :n::int", "x' :aA2"),
];

async fn check<S: ByteStream>(conn: &mut Connection<S>, texts: &[(&str, &str)]) {
    for (sql, expected) in texts {
        let given = conn.fetch_scalar(*sql, params! { a: "A", n: 2 }).await;
        let given: String = given.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(given, *expected, "{sql}");
    }
}

async fn parameters_by_name_are_never_inside_of_anything<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    check(&mut conn, TEXTS).await;
    check(&mut conn, PLAIN).await;
    // A text for the simple protocol, too.
    let block = "do $$ declare a int := 1; begin a := a::int; end $$; select ':a'";
    assert_eq!(conn.execute(block, params! {}).await.unwrap(), 1);
}

async fn parameters_by_name_while_backslashes_escape<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let both = r"select '\' || :a --'";
    let given: String = conn.fetch_scalar(both, params! { a: "A" }).await.unwrap();
    assert_eq!(given, r"\A");
    conn.execute(
        "set standard_conforming_strings = off; set escape_string_warning = off",
        (),
    )
    .await
    .unwrap();
    // The server reports it: the same text is one string from now on.
    let error = conn.execute(both, params! { a: "A" }).await.unwrap_err();
    assert_eq!(error.to_string(), "the statement has no :a");
    let given: String = conn.fetch_scalar(both, params! {}).await.unwrap();
    assert_eq!(given, "' || :a --");
    check(&mut conn, TEXTS).await;
    check(&mut conn, ESCAPED).await;
    // Errors show the right place, too.
    let error = conn
        .execute(r"select '\' :a', :a + oops", params! { a: 1 })
        .await
        .unwrap_err();
    assert_eq!(database(error).position(), Some(22));
}

async fn parameters_by_name_that_do_not_match<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("begin", ()).await.unwrap();
    let sql = "select :a::int, ':c', :b::int";
    for (given, text) in [
        (params! { a: 1 }, "no value is given for :b"),
        (params! {}, "no value is given for :a, :b"),
        (
            params! { a: 1, b: 2, c: 3, d: 4 },
            "the statement has no :c, :d",
        ),
        (
            params! { a: 1, bb: 2 },
            "no value is given for :b; the statement has no :bb",
        ),
    ] {
        let error = conn.execute(sql, given).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(error.is_recoverable());
        let UsageError::ParameterNames { .. } = usage(error) else {
            panic!("{text}")
        };
        assert!(conn.is_ready() && conn.in_transaction());
    }
    let twice: [(&str, &dyn ToSql); 3] = [("a", &1), ("b", &2), ("a", &3)];
    let error = conn
        .execute(sql, NamedParams::new(&twice))
        .await
        .unwrap_err();
    let name = "a".into();
    assert_eq!(usage(error), UsageError::RepeatedParameter { name });
    // Nothing of it all was sent: the transaction is whole.
    conn.execute(sql, params! { a: 1, b: 2 }).await.unwrap();
    conn.execute("commit", ()).await.unwrap();
}

async fn parameters_by_name_beside_numbers<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for sql in ["select :a::int + $1", "select $1::int"] {
        let error = conn.execute(sql, params! { a: 1 }).await.unwrap_err();
        let number = "$1".into();
        assert_eq!(usage(error), UsageError::MixedParameters { number });
        assert!(conn.is_ready());
    }
    // Without names, a colon is the server's business.
    let error = conn.execute("select :a", (1,)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42601"));
}

async fn parameters_by_name_that_cannot_be_written<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select :first::int8 + :second::int2";
    let error = conn
        .execute(sql, params! { second: 70_000, first: 1 })
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter :second (int2) cannot be written from i32: the value does not fit"
    );
    let Error::Encode(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.kind(), EncodeErrorKind::OutOfRange);
    assert_eq!((error.index(), error.name()), (1, Some("second")));
    assert!(conn.is_ready());
    let given = params! { second: 7, first: 1 };
    assert_eq!(conn.fetch_scalar::<i64>(sql, given).await.unwrap(), 8);
}

/// Parameters that somebody else keeps.
struct Record(Vec<(String, i32)>);

impl Params for Record {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<&dyn ToSql> {
        self.0.get(index).map(|(_, value)| value as &dyn ToSql)
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|(name, _)| name.as_str())
    }
}

async fn parameters_by_name_of_the_callers_own<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let record = Record((0..100).map(|i| (format!("n{i}"), i)).collect());
    let sum: Vec<_> = record
        .0
        .iter()
        .map(|(name, _)| format!(":{name}"))
        .collect();
    let sql = format!("select 0 + {} - :n7 - :n99", sum.join(" + "));
    let sum: i32 = conn.fetch_scalar(&sql, &record).await.unwrap();
    assert_eq!(sum, 4_950 - 7 - 99);
    let boxed: Box<dyn Params> = Box::new(record);
    let sum: i32 = conn.fetch_scalar(&sql, boxed).await.unwrap();
    assert_eq!(sum, 4_950 - 7 - 99);
}

async fn parameters_of_a_prepared_statement_have_no_names<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let statement = conn.prepare("select $1::int").await.unwrap();
    for given in [params! { a: 1 }, params! {}] {
        let error = conn.execute(&statement, given).await.unwrap_err();
        assert_eq!(usage(error), UsageError::NamesForPrepared);
        let limited = Query::new(&statement).max_rows(1);
        let error = conn.execute(limited, given).await.unwrap_err();
        assert_eq!(usage(error), UsageError::NamesForPrepared);
    }
    assert_eq!(conn.fetch_scalar::<i32>(&statement, (1,)).await.unwrap(), 1);
    // Nor is a text with names prepared.
    let error = conn.prepare("select :a::int").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42601"));
}

async fn acceptance_32_as_many_parameters_by_name_as_there_can_be<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let names: Vec<_> = (0..65_536).map(|i| format!("n{i}")).collect();
    let values = names.iter().map(|name| (name.as_str(), &1 as &dyn ToSql));
    let values: Vec<_> = values.collect();
    let sql = |count: usize| {
        let list: Vec<_> = names[..count]
            .iter()
            .map(|name| format!(":{name}"))
            .collect();
        format!("select cardinality(array[{}]::int[])", list.join(","))
    };
    let many = NamedParams::new(&values[..65_535]);
    let many: i32 = conn.fetch_scalar(&sql(65_535), many).await.unwrap();
    assert_eq!(many, 65_535);
    let error = conn
        .execute(&sql(65_536), NamedParams::new(&values))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "65536 parameters are more than the protocol's 65535"
    );
    assert!(conn.is_ready());
}

async fn the_error_shows_where_in_the_text_as_written<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    // Found when the statement is parsed.
    let sql = "select :größe::int,\n\t'ü', :größe + nope, :b::int";
    let error = conn
        .fetch(sql, params! { größe: 1, b: 2 })
        .await
        .unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("LINE 2:  'ü', :größe + nope, :b::int\n                       ^"),
        "{shown}"
    );
    // What the server said is about what was sent.
    assert_eq!(error.server().unwrap().position(), Some(28));
    let error = database(error);
    assert_eq!(error.statement(), Some(sql));
    assert_eq!(error.position(), Some(36));

    // Found at the parameter itself.
    let error = conn
        .fetch(
            "select 1 where :first or :second",
            params! { first: true, second: 1 },
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Encode(_)), "{error}");
    let sql = "select :a + :b from pg_class";
    let error = conn.fetch(sql, params! { a: 1, b: 2 }).await.unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("LINE 1: select :a + :b from pg_class\n                  ^"),
        "{shown}"
    );

    // Found when it is planned, with its values.
    let sql = "select :long_name::int, 'x'::text::int4 + :long_name";
    let mut rows = conn.fetch(sql, params! { long_name: 1 }).await.unwrap_err();
    assert_eq!(rows.sqlstate(), Some("22P02"), "{rows}");

    // Without names nothing is moved.
    rows = conn
        .fetch("select $1::int, ':a', nope", (1,))
        .await
        .unwrap_err();
    assert_eq!(database(rows).position(), Some(23));
}
