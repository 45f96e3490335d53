//! The lines of the design that are built, as a user writes them, through both adapters; and every future on a runtime of several
//! threads, which takes a future that is `Send`.

use std::future::Future;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use purepg_testkit::server::{DATABASE, Server, USER_TRUST};

/// The scenario once for each adapter: nothing in it may differ but the name of the crate.
macro_rules! through {
    ($adapter:ident, $spawn:path) => {
        use std::time::Duration;

        use $adapter::{
            CancelToken, Config, Connection, ConnectionGuard, CopyIn, CopyInRows, CopyOut,
            CopyOutRows, CopyRow, Error, FromRow, FromSql, IsolationLevel, Message, MessageStream,
            Notification, Params, Pipeline, PipelineResults, Query, QueryOutcome, Row, RowBatch,
            RowStream, SharedConnection, SharedNotifications, Statement, ToSql, Transaction, Type,
            Value, connect, params,
        };

        use super::*;

        fn config() -> Config {
            let server = Server::shared();
            Config::new(server.host(), USER_TRUST)
                .port(server.port())
                .database(DATABASE)
        }

        #[derive(Debug, PartialEq, FromRow)]
        #[purepg(crate = $adapter)]
        struct User {
            a: i32,
            b: Option<String>,
        }

        /// Generic code over the traits needs no other crate.
        fn first<'r, T: FromSql<'r>>(row: &'r Row) -> Result<T, Error> {
            row.get(0)
        }

        fn all<'r, T: FromRow<'r>>(row: &'r Row) -> Result<T, Error> {
            row.decode()
        }

        #[expect(
            clippy::too_many_lines,
            reason = "the lines of the design are as many as they are"
        )]
        pub(super) async fn the_lines_of_the_design() -> Result<(), Error> {
            let server = Server::shared();
            let (host, port) = (server.host(), server.port());
            let url =
                format!("postgres://{USER_TRUST}:secret@{host}:{port}/{DATABASE}?sslmode=prefer");
            let config: Config = url.parse()?;
            let pairs = format!("host={host} port={port} user={USER_TRUST} dbname={DATABASE}");
            let same: Config = pairs.parse()?;
            connect(&same).await?.close().await?;
            let socket = Config::new(server.socket_dir().display().to_string(), USER_TRUST)
                .port(port)
                .password("secret")
                .database(DATABASE)
                .connect_timeout(Duration::from_secs(60));
            connect(&socket).await?.close().await?;

            let mut conn: Connection = connect(&config).await?;
            let _: (bool, bool, bool) = (conn.is_ready(), conn.in_transaction(), conn.is_dead());
            let _: Option<&str> = conn.parameter("server_version");
            for (_, _) in conn.parameters().iter() {}
            let _: (Option<&str>, Option<i32>) = (conn.server_timezone(), conn.process_id());

            let rows: Vec<Row> = conn.fetch("select 1 as a", ()).await?;
            let a: i32 = rows[0].get(0)?;
            let b: i32 = rows[0].get("a")?;
            let c: Option<i32> = rows[0].get(0)?;
            let d = rows[0].get::<i32>(0)?;
            let (e,): (i32,) = rows[0].decode()?;
            assert_eq!((a, b, c, d, e), (1, 1, Some(1), 1, 1));
            assert_eq!(
                (first::<i32>(&rows[0])?, all::<(i32,)>(&rows[0])?),
                (1, (1,))
            );
            let name = String::from("a");
            assert_eq!(rows[0].get::<i32>(&name)?, 1);

            let row: Row = conn.fetch_one("select $1::int4 + 1", (41_i32,)).await?;
            assert_eq!(row.get::<i32>(0)?, 42);
            let row: Option<Row> = conn.fetch_optional("select 1 where false", ()).await?;
            assert!(row.is_none());
            conn.execute("create temp table t (a int4, b text)", ())
                .await?;
            let n: i64 = conn.fetch_scalar("select count(*) from t", ()).await?;
            assert_eq!(n, 0);
            let text: Option<String> = conn.fetch_scalar("select null::text", ()).await?;
            assert_eq!(text, None);

            let n: u64 = conn
                .execute("insert into t values (:a, :b)", params! { a: 1, b: "x" })
                .await?;
            assert_eq!(n, 1);
            conn.execute("delete from t", ()).await?;

            let statement: Statement = conn.prepare("insert into t values ($1, $2)").await?;
            assert_eq!(
                (statement.params().len(), statement.columns().len()),
                (2, 0)
            );
            let n: u64 = conn.execute(&statement, (1, "x")).await?;
            assert_eq!(n, 1);
            let dynamic: &[&dyn ToSql] = &[&2, &"y"];
            conn.execute(&statement, dynamic).await?;
            conn.execute(
                "insert into t values ($1::text::int4, $2)",
                [Some("3"), None],
            )
            .await?;
            conn.execute("insert into t values ($1, $1::int4::text)", vec![4])
                .await?;
            conn.execute(
                &String::from("insert into t values ($1, $2)"),
                &(5, String::from("z")),
            )
            .await?;
            let rows = conn
                .fetch(Query::new("select * from t").max_rows(2), ())
                .await?;
            assert_eq!(rows.len(), 2);
            let query = Query::new("select * from t").max_rows(10);
            let query = query.timeout(Duration::from_secs(60));
            assert_eq!(conn.fetch(query, ()).await?.len(), 5);
            let again = Query::new("select * from t").max_rows(2);
            assert_eq!(
                conn.fetch(&again, ()).await?.len(),
                conn.fetch(&again, ()).await?.len()
            );

            let mut rows = conn.query("select a, b from t order by a", ()).await?;
            while let Some(row) = rows.next().await {
                let row = row?;
                let _: Option<&str> = row.get("b")?;
            }
            let mut rows: RowStream<'_> = conn
                .query("select a, b from t where b is not null", ())
                .await?;
            while let Some(batch) = rows.next_batch().await? {
                let batch: RowBatch = batch;
                for row in &batch {
                    let (a, b): (i64, &str) = row.decode()?;
                    assert!(a > 0 && !b.is_empty());
                }
            }
            let map = conn.fetch_one("select a, b from t where a = 1", ()).await?;
            let map = map.to_map();
            assert_eq!(map["a"], Value::from(1_i32));
            let users: Vec<User> = conn.fetch_as("select a, b from t where a = 1", ()).await?;
            let (a, b) = (1, Some("x".to_owned()));
            assert_eq!(users, [User { a, b }]);
            let many = [(20, "x"), (21, "y")];
            let n: u64 = conn
                .execute_many("insert into t values ($1, $2)", many)
                .await?;
            assert_eq!(n, 2);
            conn.execute("delete from t where a >= 20", ()).await?;
            let n: u64 = conn.query("select * from t", ()).await?.row_count().await?;
            assert_eq!(n, 5);
            let rows = conn.query("select * from t", ()).await?;
            assert_eq!(futures_util::StreamExt::count(rows).await, 5);

            let bytes = Bytes::from("6\tsix\n7\tseven\n");
            let mut sink = conn.copy_in("copy t from stdin").await?;
            sink.send(bytes).await?;
            let n: u64 = sink.finish().await?;
            assert_eq!(n, 2);
            let mut out = conn.copy_out("copy t to stdout").await?;
            while let Some(chunk) = out.next().await {
                let chunk: Bytes = chunk?;
                assert!(chunk.ends_with(b"\n"));
            }
            let sink: CopyIn<'_> = conn.copy_in("copy t from stdin").await?;
            sink.abort("no more").await?;
            let out: CopyOut<'_> = conn.copy_out("copy t to stdout").await?;
            assert_eq!(out.row_count().await?, 7);
            let types: Vec<Type> = conn.column_types("select a, b from t").await?;
            let copy = "copy t from stdin (format binary)";
            let mut rows: CopyInRows<'_> = conn.copy_in_rows(copy, &types).await?;
            rows.send((8_i64, "eight")).await?;
            assert_eq!(rows.finish().await?, 1);
            let copy = "copy t to stdout (format binary)";
            let mut rows: CopyOutRows<'_> = conn.copy_out_rows(copy, &types).await?;
            while let Some(row) = rows.next().await {
                let row: CopyRow = row?;
                let (a, _): (i64, Option<&str>) = row.decode()?;
                assert!(a > 0);
            }

            let channel = concat!("names_", stringify!($adapter));
            conn.listen(channel).await?;
            conn.execute(&format!("notify {channel}, 'x'"), ()).await?;
            let n: Notification = conn.notification().await?;
            assert_eq!(
                (n.channel(), n.payload(), Some(n.process_id())),
                (channel, "x", conn.process_id())
            );
            conn.unlisten(channel).await?;
            while let Some(_notice) = conn.take_notice() {}
            let token: CancelToken = conn.cancel_token();
            token.cancel().await?;
            let elsewhere = token.clone();
            let cancelled = $spawn(async move { elsewhere.cancel().await });
            let _ = cancelled.await;
            conn.ping().await?;
            conn.reset().await?;

            let shared: SharedConnection = conn.into_shared();
            let n: i32 = shared.clone().fetch_scalar("select 1", ()).await?;
            let mut guard: ConnectionGuard<'_> = shared.lock().await;
            let rows = guard.query("select $1::int4", (n,)).await?;
            assert_eq!(rows.row_count().await?, 1);
            drop(guard);
            shared.close().await
        }

        /// The rest of what is built, closures and guards included, each in a task of its own.
        pub(super) async fn transactions_and_pipelines_are_send() {
            let conn = connect(&config()).await.unwrap();
            let spawned = $spawn(async move {
                let mut conn = conn;
                conn.execute("create temp table t (a int4, b text)", ())
                    .await?;
                let statement: Statement = conn.prepare("insert into t values ($1, $2)").await?;
                let sql = "insert into t values ($1, $2)";
                let n: u64 = conn.execute_many(sql, [(1, "x"), (2, "y")]).await?;
                let rows: Vec<(i32, String)> = conn.fetch_as("select * from t", ()).await?;
                assert_eq!((n, rows.len()), (2, 2));

                let mut messages: MessageStream<'_> =
                    conn.lowlevel_query("select 1; select 2", ()).await?;
                let mut seen = 0;
                while let Some(message) = messages.next().await {
                    match message? {
                        Message::Columns(_) | Message::Row(_) | Message::Complete(_) => seen += 1,
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!(seen, 6);

                let mut tx: Transaction<'_> = conn.begin().await?;
                tx.execute("delete from t", ()).await?;
                let mut inner = tx.begin().await?;
                inner.execute(&statement, (7, "z")).await?;
                inner.rollback().await?;
                tx.commit().await?;
                let transaction = conn.transaction().isolation(IsolationLevel::Serializable);
                let mut tx = transaction.read_only(true).begin().await?;
                tx.fetch("select 1", ()).await?;
                drop(tx);

                let mut pipeline: Pipeline<'_, '_> = conn.pipeline();
                pipeline.push("select $1::int4", (1_i32,));
                pipeline.push(&statement, (2, "y"));
                pipeline.sync();
                pipeline.push("select 1 / $1::int4", (0,));
                pipeline.push("select $1::int4", (1,));
                let mut results: PipelineResults<'_, '_> = pipeline.run().await?;
                let mut told = Vec::new();
                while let Some(result) = results.next().await {
                    told.push(match result {
                        Ok(QueryOutcome { rows, .. }) => Some(rows.len()),
                        Err(Error::Aborted) => Some(99),
                        Err(_) => None,
                    });
                }
                assert_eq!(told, [Some(1), Some(0), None, Some(99)]);
                drop(results);
                conn.close_statement(statement).await?;
                conn.reset().await?;
                Ok::<_, Error>(conn)
            });
            let conn = spawned.await.unwrap();
            $spawn(closures(conn)).await.unwrap();
        }

        /// What runs in a closure that is async, and borrows what is around it.
        async fn closures(mut conn: Connection) -> Result<(), Error> {
            let text = String::from("borrowed");
            conn.execute("create temp table t (b text)", ()).await?;
            let statement = conn.prepare("insert into t values ($1)").await?;
            let mut count = 0;
            conn.with_transaction(async |tx| {
                tx.execute("insert into t values ($1)", (&text,)).await?;
                tx.execute(&statement, (&text,)).await?;
                tx.execute_many(&statement, [(&text,)]).await?;
                let mut messages = tx.lowlevel_query("select 1", ()).await?;
                while let Some(message) = messages.next().await {
                    message?;
                    count += 1;
                }
                let mut inner = tx.begin().await?;
                inner.execute("delete from t", ()).await?;
                inner.rollback().await
            })
            .await?;
            assert_eq!(count, 3);
            let own: Result<(), Own> = conn
                .try_transaction(async |tx| {
                    let mut rows = tx.query("select b from t", ()).await?;
                    rows.next().await.transpose()?;
                    Err(Own::Said(text.len()))
                })
                .await;
            assert!(matches!(own, Err(Own::Said(8))));
            let n = conn
                .transaction()
                .retry(3, async |tx| {
                    tx.execute("insert into t values ($1)", ("borrowed",)).await
                })
                .await?;
            assert_eq!(n, 1);
            let shared: SharedConnection = conn.into_shared();
            let n: i64 = shared
                .with_transaction(async |tx| {
                    tx.fetch_scalar("select count(*) from t where b = $1", (&text,))
                        .await
                })
                .await?;
            assert_eq!(n, 4);
            shared.close().await
        }

        #[derive(Debug)]
        enum Own {
            Said(usize),
            Postgres(#[expect(dead_code, reason = "it is for whoever prints it")] Error),
        }

        impl From<Error> for Own {
            fn from(error: Error) -> Self {
                Self::Postgres(error)
            }
        }

        /// Each task on a thread of its own, as it comes, and so does whoever waits for a notification.
        pub(super) async fn a_hundred_tasks() {
            let config = config().on_notice(|notice| panic!("{notice}"));
            let shared = connect(&config).await.unwrap().into_shared();
            let channel = concat!("hundred_", stringify!($adapter));
            $spawn({
                let shared = shared.clone();
                async move { shared.listen(channel).await }
            })
            .await
            .unwrap();
            let tasks = (0..100).map(|n: i32| {
                let shared = shared.clone();
                $spawn(async move {
                    let payload = n.to_string();
                    let notify = shared.prepare("select pg_notify($1, $2)").await?;
                    shared.execute(&notify, (channel, &payload)).await?;
                    shared.ping().await?;
                    let one: Row = shared.fetch_one("select $1::int4", (n,)).await?;
                    let some = shared.fetch_optional("select 1", ()).await?;
                    let rows: Vec<Row> = shared.fetch("select generate_series(1, 3)", ()).await?;
                    assert_eq!(
                        (one.get::<i32>(0)?, some.is_some(), rows.len()),
                        (n, true, 3)
                    );
                    let mut guard = shared.lock().await;
                    let rows = guard.query("select generate_series(1, $1)", (n,)).await?;
                    assert_eq!(rows.row_count().await?, u64::try_from(n).unwrap());
                    drop(guard);
                    let sum: i32 = shared.fetch_scalar("select $1::int4 + 1", (n,)).await?;
                    Ok::<_, Error>(sum - 1)
                })
            });
            let hear = $spawn({
                let shared = shared.clone();
                async move {
                    let mut heard = Vec::new();
                    let mut stream: SharedNotifications = shared.notifications();
                    while heard.len() < 100 {
                        let next: Notification = match heard.len() % 3 {
                            0 => shared.notification().await?,
                            1 => stream.next().await.transpose()?.unwrap(),
                            _ => {
                                let long = Duration::from_secs(60);
                                shared.notification_timeout(long).await?.unwrap()
                            }
                        };
                        heard.push(next.payload().parse::<i32>().unwrap());
                    }
                    Ok::<_, Error>(heard)
                }
            });
            let (sums, heard) = futures_util::future::join(join_all(tasks), hear).await;
            let mut heard = heard.unwrap();
            heard.sort_unstable();
            let all: Vec<i32> = (0..100).collect();
            assert_eq!(heard, all);
            assert_eq!(
                sums.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
                all
            );
            $spawn(async move {
                shared.unlisten(channel).await?;
                shared.unlisten_all().await?;
                let _: Vec<(i32,)> = shared.fetch_as("select 1", ()).await?;
                shared.execute_many("select $1::int4", [(1,), (2,)]).await?;
                let statement = shared.prepare("select 1").await?;
                shared.close_statement(statement).await?;
                shared.reset().await?;
                shared.close().await
            })
            .await
            .unwrap();
        }

        /// Each future crosses threads, with everything it borrows or owns.
        pub(super) async fn every_future_is_send() {
            async fn rows(conn: &mut Connection, params: impl Params) -> Result<u64, Error> {
                conn.query("select generate_series(1, $1::int4)", params)
                    .await?
                    .row_count()
                    .await
            }
            let mut conn = $spawn(async { connect(&config()).await }).await.unwrap();
            macro_rules! spawned {
                (|$conn:ident| $future:expr) => {{
                    let (back, result) = $spawn(async move {
                        let mut $conn = conn;
                        let result = $future.await;
                        ($conn, result)
                    })
                    .await;
                    conn = back;
                    result.unwrap()
                }};
            }
            let dynamic: Vec<Box<dyn ToSql>> = vec![Box::new(1), Box::new("x")];
            spawned!(|conn| conn.execute("create temp table t (a int4, b text)", ()));
            spawned!(|conn| conn.execute("insert into t values ($1, $2)", dynamic));
            let text = String::from("y");
            let insert = "insert into t values (:a, :b)";
            spawned!(|conn| conn.execute(insert, params! { b: text, a: 1 + 1 }));
            spawned!(|conn| async {
                let params = params! { a: 2, b: String::from("y") };
                conn.execute("delete from t where a = :a and b = :b", params)
                    .await
            });
            assert_eq!(
                spawned!(|conn| conn.fetch(String::from("select a from t"), ())).len(),
                1
            );
            spawned!(|conn| conn.fetch_one("select $1::int4", (Some(1),)));
            spawned!(|conn| conn.fetch_optional(Query::new("select 1").max_rows(1), ()));
            let number: i32 = spawned!(|conn| conn.fetch_scalar("select $1::int4", [7]));
            assert_eq!(number, 7);
            let statement = spawned!(|conn| conn.prepare("select $1::text"));
            let text: String = spawned!(|conn| conn.fetch_scalar(&statement, ("x",)));
            assert_eq!(text, "x");
            assert_eq!(spawned!(|conn| rows(&mut conn, (10,))), 10);
            spawned!(|conn| async {
                let mut rows = conn.query("select a, b from t", ()).await?;
                let row = rows.next().await.transpose()?;
                let batch = rows.next_batch().await?;
                rows.row_count().await?;
                conn.listen("sent").await?;
                conn.execute("notify sent, '1'; notify sent, '2'", ())
                    .await?;
                conn.notification().await?;
                conn.notification_timeout(Duration::ZERO).await?;
                conn.execute("notify sent", ()).await?;
                conn.notifications().next().await.transpose()?;
                conn.unlisten("sent").await?;
                conn.unlisten_all().await?;
                Ok::<_, Error>((row, batch))
            });
            spawned!(|conn| async {
                let mut sink = conn.copy_in("copy t from stdin").await?;
                sink.send(vec![b'\n'; 0]).await?;
                sink.send(String::from("1\tx\n")).await?;
                sink.flush().await?;
                sink.finish().await?;
                let source = stream::iter([Ok::<_, Error>("1\tx\n")]);
                let sink = conn.copy_in("copy t from stdin").await?;
                sink.send_from(source).await?;
                conn.copy_in("copy t from stdin").await?.abort("no").await?;
                let mut out = conn.copy_out("copy t to stdout").await?;
                out.next().await.transpose()?;
                out.next_run().await?;
                out.row_count().await?;
                let types = conn.column_types("select a from t").await?;
                let copy = "copy t (a) from stdin (format binary)";
                let mut sink = conn.copy_in_rows(copy, &types).await?;
                sink.send((1,)).await?;
                sink.finish().await?;
                let copy = "copy t (a) to stdout (format binary)";
                let mut rows = conn.copy_out_rows(copy, &types).await?;
                let row = rows.next().await.transpose()?;
                rows.row_count().await?;
                Ok::<_, Error>(row)
            });
            spawned!(|conn| conn.ping());
            $spawn(conn.close()).await.unwrap();
        }
    };
}

async fn spawn_tokio<F: Future<Output: Send + 'static> + Send + 'static>(future: F) -> F::Output {
    tokio::spawn(future).await.unwrap()
}

async fn spawn_async_std<F: Future<Output: Send + 'static> + Send + 'static>(
    future: F,
) -> F::Output {
    async_std::task::spawn(future).await
}

mod on_tokio {
    through!(purepg_conn_tokio, spawn_tokio);
}

mod on_async_std {
    through!(purepg_conn_async_std, spawn_async_std);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokio_names() {
    let lines = spawn_tokio(on_tokio::the_lines_of_the_design());
    lines.await.unwrap();
    on_tokio::transactions_and_pipelines_are_send().await;
    on_tokio::every_future_is_send().await;
    on_tokio::a_hundred_tasks().await;
}

#[test]
fn async_std_names() {
    async_std::task::block_on(async {
        let lines = spawn_async_std(on_async_std::the_lines_of_the_design());
        lines.await.unwrap();
        on_async_std::transactions_and_pipelines_are_send().await;
        on_async_std::every_future_is_send().await;
        on_async_std::a_hundred_tasks().await;
    });
}
