//! The question for types, dropped at every poll: with a query, a statement that is prepared, within a pipeline, by itself, and for the members
//! of records.

use purepg_conn::{ByteStream, Connection, Runtime, Value};
use purepg_testkit::drop_at::{drop_after, drop_at};
use purepg_testkit::io::OneByteControl;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::drops::{Slow, check};
use purepg_tests_live::{Context, live_by_turns};

live_by_turns!(
    with_a_query,
    with_a_statement_in_a_transaction,
    by_themselves,
    within_a_pipeline,
    of_members_of_records,
);

/// A connection, the switch of its stream, and types.
async fn connect<R: Runtime>(cx: &Context<R>) -> (Slow<R>, OneByteControl) {
    let (mut conn, control) = cx.connect_switched(&cx.config(USER_TRUST)).await;
    control.set(false);
    create(&mut conn).await;
    (conn, control)
}

async fn create<S: ByteStream>(conn: &mut Connection<S>) {
    conn.execute(
        "create type pg_temp.mood as enum ('sad', 'glad');
         create type pg_temp.pair as (m pg_temp.mood, list pg_temp.mood[])",
        (),
    )
    .await
    .unwrap();
}

/// The question has a name on the server, which is gone behind it.
async fn nothing_has_its_name<S: ByteStream>(conn: &mut Connection<S>) {
    let sql = "select count(*) from pg_prepared_statements where name = 'purepg_types'";
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 0);
}

/// A call writes less than this of its own before the text of the question, and behind it.
const OWN: u64 = 200;

/// Drops a call that looks types up: at every place of its own messages and of all answers, and here and there amid the long text of the
/// question, of which every byte is the same case.
async fn drops<R: Runtime, T>(
    conn: &mut Slow<R>,
    control: &OneByteControl,
    own: u64,
    mut call: impl AsyncFnMut(&mut Slow<R>) -> T,
) {
    let (process, status) = (conn.process_id().unwrap(), conn.transaction_status());
    conn.forget_types();
    let before = control.bytes_written();
    call(conn).await;
    let all = control.bytes_written() - before;
    assert!(all > 2 * own + 1_000, "nothing is looked up");
    let mut places = 0;
    for window in [0..own, all - own..u64::MAX] {
        places += drop_at(
            conn,
            async |conn| {
                conn.forget_types();
                control.only(window.clone());
                call(conn).await
            },
            async |conn, _| {
                control.set(false);
                check(conn, process, status).await;
            },
        )
        .await;
    }
    println!("dropped at {places} places");
    assert!(places > 800, "only {places} places");
    for polls in (0..).step_by(211) {
        conn.forget_types();
        control.only(own..all - own);
        let done = drop_after(call(conn), polls).await;
        control.set(false);
        check(conn, process, status).await;
        if done.is_some() {
            break;
        }
    }
}

async fn with_a_query<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    drops::<R, _>(&mut conn, &control, OWN, async |conn| {
        let row = conn.fetch_one("select $1::pg_temp.mood", ("sad",)).await;
        assert_eq!(row.unwrap().columns()[0].ty().labels().len(), 2);
    })
    .await;
    nothing_has_its_name(&mut conn).await;
}

async fn with_a_statement_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    conn.execute("begin", ()).await.unwrap();
    drops::<R, _>(&mut conn, &control, OWN, async |conn| {
        let statement = conn.prepare("select $1::pg_temp.pair").await.unwrap();
        assert_eq!(statement.params()[0].fields().len(), 2);
    })
    .await;
    nothing_has_its_name(&mut conn).await;
}

async fn by_themselves<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    drops::<R, _>(&mut conn, &control, OWN, async |conn| {
        let ty = conn.type_info("pg_temp.pair").await.unwrap();
        assert_eq!(ty.fields().len(), 2);
    })
    .await;
    nothing_has_its_name(&mut conn).await;
}

async fn within_a_pipeline<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    drops::<R, _>(&mut conn, &control, 2 * OWN, async |conn| {
        let mut pipeline = conn.pipeline();
        pipeline.push("select $1::int4", (1,));
        pipeline.push("select $1::pg_temp.mood", ("sad",));
        pipeline.push("select 7", ());
        let mut results = pipeline.run().await.unwrap();
        let mut rows = Vec::new();
        while let Some(result) = results.next().await {
            rows.extend(result.unwrap().rows);
        }
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1].columns()[0].ty().labels().len(), 2);
    })
    .await;
    nothing_has_its_name(&mut conn).await;
}

async fn of_members_of_records<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    let sql = "select row('sad'::pg_temp.mood), $1::int4";
    let met = conn.fetch_one(sql, (1,)).await.unwrap();
    drops::<R, _>(&mut conn, &control, OWN, async |conn| {
        met.get::<Value>(0).unwrap();
        let row = conn.fetch_one(sql, (1,)).await.unwrap();
        assert_eq!(row.get::<Value>(0).unwrap().to_string(), "(sad)");
    })
    .await;
    nothing_has_its_name(&mut conn).await;
}
