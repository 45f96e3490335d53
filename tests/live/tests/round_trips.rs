//! How often a call waits for the server: what `docs/guide.md` says of round trips.

use purepg_conn::{Error, Query, Runtime};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(calls_wait_for_the_server_as_often_as_the_guide_says);

async fn calls_wait_for_the_server_as_often_as_the_guide_says<R: Runtime>(cx: Context<R>) {
    let (mut conn, record) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    macro_rules! trips {
        ($trips:literal, $call:expr) => {{
            record.take();
            let done = $call.await.unwrap();
            assert_eq!(record.take().trips, $trips, "{}", stringify!($call));
            done
        }};
    }
    let insert = "insert into t values ($1, $2)";
    trips!(1, conn.execute("create temp table t (a int, b text)", ()));
    trips!(1, conn.execute("select 1; select 2", ()));
    trips!(2, conn.execute(insert, (1, "one")));
    trips!(1, conn.execute(insert, (2, "two")));
    let limited = Query::new("select a from t").max_rows(1);
    trips!(2, conn.fetch(&limited, ()));
    trips!(1, conn.fetch(&limited, ()));
    let rows = trips!(1, conn.query("select generate_series(1, 1000)", ()));
    trips!(0, rows.row_count());
    trips!(1, async {
        let mut messages = conn.lowlevel_query("select 1; select 2", ()).await?;
        while let Some(message) = messages.next().await {
            message?;
        }
        Ok::<_, Error>(())
    });
    trips!(1, conn.ping());

    drop(trips!(
        0,
        conn.lowlevel_query("insert into t values (0)", ())
    ));
    let zero = Query::new("select 1 from t where a = 0");
    assert!(conn.fetch_optional(&zero, ()).await.unwrap().is_none());

    let statement = trips!(1, conn.prepare("select a from t where a = $1"));
    trips!(1, conn.fetch(&statement, (1,)));
    trips!(1, conn.close_statement(statement));

    // BEGIN and SAVEPOINT ride with what comes next; what was empty costs nothing.
    let mut tx = trips!(0, conn.begin());
    trips!(1, tx.execute(insert, (3, "three")));
    let mut savepoint = trips!(0, tx.begin());
    trips!(1, savepoint.execute(insert, (4, "four")));
    trips!(1, savepoint.rollback());
    let savepoint = trips!(0, tx.begin());
    trips!(0, savepoint.commit());
    trips!(1, tx.commit());
    let mut tx = trips!(0, conn.begin());
    trips!(1, tx.execute(insert, (5, "five")));
    drop(tx);
    trips!(1, conn.execute(insert, (6, "six")));

    let sets = || (10..500).map(|a| (a, "many"));
    trips!(1, conn.execute_many(insert, sets()));
    let mut pipeline = conn.pipeline();
    pipeline
        .push(insert, (7, "seven"))
        .sync()
        .push(&limited, ());
    trips!(1, async {
        let mut results = pipeline.run().await?;
        while let Some(result) = results.next().await {
            result?;
        }
        Ok::<_, Error>(())
    });
    let mut pipeline = conn.pipeline();
    pipeline
        .push("select $1::int", (1,))
        .push(insert, (8, "eight"));
    trips!(2, async {
        let mut results = pipeline.run().await?;
        while let Some(result) = results.next().await {
            result?;
        }
        Ok::<_, Error>(())
    });

    let mut pipeline = conn.pipeline();
    pipeline.push(insert, (0, "zero"));
    drop(trips!(0, pipeline.run()));
    assert!(conn.fetch_optional(&zero, ()).await.unwrap().is_none());

    let mut sink = trips!(1, conn.copy_in("copy t from stdin"));
    trips!(0, sink.send("9\tnine\n"));
    assert_eq!(trips!(1, sink.finish()), 1);
    let out = trips!(1, conn.copy_out("copy t to stdout"));
    trips!(0, out.row_count());
    trips!(1, conn.column_types("select a from t"));

    trips!(1, conn.listen("round_trips"));
    trips!(1, conn.execute("notify round_trips", ()));
    trips!(0, conn.notification());
    trips!(1, conn.unlisten("round_trips"));
    trips!(1, conn.execute("begin", ()));
    trips!(1, conn.reset());
    assert!(conn.is_idle());
}
