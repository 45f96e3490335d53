//! Portals and cursors: rows in portions, several at a time, and what becomes of them. The core's own portals over a Unix socket, and what the
//! driver offers: row limits, and cursors in SQL.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use purepg_conn::{ByteStream, Connection, Error, Message, Query, Runtime};
use purepg_proto::{Batch, Bind, Columns, Event, Reply, RowShape, Target, UsageError};
use purepg_testkit::blocking::Blocking;
use purepg_testkit::server::Server;
use purepg_tests_live::{Context, live};

live!(
    acceptance_69_a_row_limit_that_is_the_number_of_rows,
    acceptance_70_a_cursor_that_went_with_its_transaction,
    acceptance_71_two_cursors_in_turn,
    acceptance_71_a_stream_that_is_left_leaves_its_portal,
    acceptance_72_a_cursor_outside_of_a_transaction,
    acceptance_73_portions_of_every_size,
);

// The core's portals.

/// Makes a portal of a statement, and gives its columns. Its segment stays open.
fn bind(client: &mut Blocking<UnixStream>, portal: &str, sql: &str) -> Arc<Columns> {
    client.batch(|batch: &mut Batch<'_>| {
        batch.parse("", sql, &[]);
        let bound: Result<_, UsageError> = batch.bind(
            Bind {
                portal,
                ..Bind::default()
            },
            |_| Ok(()),
        );
        bound.unwrap().describe(Target::Portal(portal)).flush();
    });
    let mut columns = None;
    loop {
        match client.next_event().unwrap() {
            Event::Reply(_, Reply::Columns(told)) => columns = Some(told),
            Event::Reply(_, Reply::Finished(_)) => return columns.unwrap(),
            _ => {}
        }
    }
}

/// The next rows of a portal, and what they end with.
fn portion(
    client: &mut Blocking<UnixStream>,
    portal: &str,
    columns: &Arc<Columns>,
    limit: Option<u32>,
) -> (Vec<i32>, String) {
    client.batch(|batch| {
        batch
            .execute(portal, limit, RowShape::Known(Arc::clone(columns)))
            .flush();
    });
    let op = client.ops.last().copied();
    let (mut rows, mut end) = (Vec::new(), String::new());
    loop {
        let reply = match client.next_event().unwrap() {
            Event::Reply(id, reply) if Some(id) == op => reply,
            _ => continue,
        };
        match reply {
            Reply::Rows(batch) => {
                for row in &batch {
                    let value = row.field(0).unwrap().unwrap().unwrap();
                    rows.push(str::from_utf8(value).unwrap().parse().unwrap());
                }
            }
            Reply::Suspended => end.push_str("suspended"),
            Reply::StatementComplete(tag) => end.push_str(&tag.to_string()),
            Reply::Finished(outcome) => {
                if let purepg_proto::Outcome::Failed(error) = outcome {
                    end.push_str(error.sqlstate().unwrap());
                }
                return (rows, end);
            }
            _ => {}
        }
    }
}

/// Ends a segment, and all portals with it if no transaction was begun.
fn sync(client: &mut Blocking<UnixStream>) {
    client.batch(|batch| {
        batch.sync();
    });
    client.until(&format!("op{} Finished", client.ops.len() - 1));
}

fn numbers(first: i32, last: i32) -> Vec<i32> {
    (first..=last).collect()
}

#[test]
fn acceptance_69_suspended_continued_completed() {
    let mut client = Blocking::open(Server::shared());
    let sql = |rows: i32| format!("select generate_series(1, {rows})");
    let columns = bind(&mut client, "p", &sql(5));
    let mut next = |limit| portion(&mut client, "p", &columns, limit);
    assert_eq!(next(Some(2)), (numbers(1, 2), "suspended".into()));
    assert_eq!(next(Some(2)), (numbers(3, 4), "suspended".into()));
    assert_eq!(next(Some(2)), (numbers(5, 5), "SELECT 1".into()));
    // The server counts the rows of each portion, and says once more that there are none.
    assert_eq!(next(Some(2)), (vec![], "SELECT 0".into()));
    sync(&mut client);

    // As many as there are: whether there are more is not known yet.
    let columns = bind(&mut client, "p", &sql(4));
    let mut next = |limit| portion(&mut client, "p", &columns, limit);
    assert_eq!(next(Some(4)), (numbers(1, 4), "suspended".into()));
    assert_eq!(next(Some(4)), (vec![], "SELECT 0".into()));
    sync(&mut client);

    // The rest at once.
    let columns = bind(&mut client, "p", &sql(100));
    let mut next = |limit| portion(&mut client, "p", &columns, limit);
    assert_eq!(next(Some(1)), (vec![1], "suspended".into()));
    assert_eq!(next(None), (numbers(2, 100), "SELECT 99".into()));
    sync(&mut client);
}

#[test]
fn acceptance_70_a_portal_that_went_with_its_transaction() {
    let mut client = Blocking::open(Server::shared());
    for begun in [false, true] {
        if begun {
            client.run("begin");
        }
        let columns = bind(&mut client, "p", "select generate_series(1, 5)");
        let first = portion(&mut client, "p", &columns, Some(2));
        assert_eq!(first, (numbers(1, 2), "suspended".into()));
        sync(&mut client);
        if begun {
            let second = portion(&mut client, "p", &columns, Some(2));
            assert_eq!(second, (numbers(3, 4), "suspended".into()));
            sync(&mut client);
            client.run("commit");
        }
        assert!(client.core.is_idle());
        let gone = portion(&mut client, "p", &columns, Some(2));
        assert_eq!(gone, (vec![], "34000".into()));
        let lines = client.run("select 'on'");
        assert!(lines.iter().any(|line| line.ends_with("row \"on\"")));
        assert!(client.core.is_idle());
    }
}

#[test]
fn acceptance_71_two_portals_in_turn_and_one_closed_early() {
    let mut client = Blocking::open(Server::shared());
    client.run("begin");
    let odd = bind(&mut client, "odd", "select generate_series(1, 99, 2)");
    let even = bind(&mut client, "even", "select generate_series(2, 100, 2)");
    for i in 0..10 {
        let next = portion(&mut client, "odd", &odd, Some(1));
        assert_eq!(next, (vec![2 * i + 1], "suspended".into()));
        let next = portion(&mut client, "even", &even, Some(2));
        assert_eq!(next, (vec![4 * i + 2, 4 * i + 4], "suspended".into()));
        if i == 4 {
            // Neither minds a sync within a transaction.
            sync(&mut client);
        }
    }
    client.batch(|batch| {
        batch.close(Target::Portal("odd")).flush();
    });
    let rest = portion(&mut client, "even", &even, None);
    assert_eq!(rest.1, "SELECT 30");
    let gone = portion(&mut client, "odd", &odd, Some(1));
    assert_eq!(gone, (vec![], "34000".into()));
    sync(&mut client);
    client.run("rollback");
    assert!(client.core.is_idle());
}

#[test]
fn acceptance_73_portions_of_a_portal() {
    let mut client = Blocking::open(Server::shared());
    for limit in [Some(1), Some(50), Some(120), Some(1_000), None] {
        let columns = bind(&mut client, "", "select generate_series(1, 120)");
        let mut all = Vec::new();
        loop {
            let (rows, end) = portion(&mut client, "", &columns, limit);
            all.extend(rows);
            if end != "suspended" {
                break;
            }
        }
        assert_eq!(all, numbers(1, 120), "{limit:?}");
        // Behind the end there is nothing more, however often one asks.
        for _ in 0..2 {
            let (rows, end) = portion(&mut client, "", &columns, limit);
            assert!(rows.is_empty() && end == "SELECT 0", "{end}");
        }
        sync(&mut client);
    }
}

// The driver's row limits, and cursors in SQL.

async fn acceptance_69_a_row_limit_that_is_the_number_of_rows<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select generate_series(1, $1::int)";
    for (rows, limit, suspended) in [(5, 2, true), (4, 4, true), (3, 4, false), (0, 1, false)] {
        let query = Query::new(sql).max_rows(limit);
        let mut messages = conn.lowlevel_query(&query, (rows,)).await.unwrap();
        let (mut count, mut end) = (0, None);
        while let Some(message) = messages.next().await {
            match message.unwrap() {
                Message::Row(_) => count += 1,
                Message::Suspended => end = Some(true),
                Message::Complete(_) => end = Some(false),
                _ => {}
            }
        }
        assert_eq!(
            (count, end),
            (rows.min(limit.cast_signed()), Some(suspended))
        );
        // Either way that is the row count, and the connection is ready.
        let delivered = u64::from(limit).min(rows.unsigned_abs().into());
        assert_eq!(conn.execute(&query, (rows,)).await.unwrap(), delivered);
        let stream = conn.query(&query, (rows,)).await.unwrap();
        assert_eq!(stream.row_count().await.unwrap(), delivered);
        assert!(conn.is_idle());
    }
}

async fn acceptance_70_a_cursor_that_went_with_its_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for commit in [true, false] {
        let mut tx = conn.begin().await.unwrap();
        tx.execute("declare c cursor for select generate_series(1, 5)", ())
            .await
            .unwrap();
        assert_eq!(tx.fetch("fetch 2 from c", ()).await.unwrap().len(), 2);
        if commit {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        let error = conn.fetch("fetch 2 from c", ()).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("34000"));
        assert!(error.is_recoverable() && conn.is_idle());
        assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    }
}

/// The rows that a command on a cursor gives.
async fn fetched<S: ByteStream>(conn: &mut Connection<S>, command: &str) -> Vec<i32> {
    let rows = conn.fetch(command, ()).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

async fn acceptance_71_two_cursors_in_turn<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut tx = conn.begin().await.unwrap();
    for (name, first) in [("odd", 1), ("even", 2)] {
        let declare = "declare {} cursor for select g from generate_series(";
        let declare = declare.replace("{}", name);
        tx.execute(&format!("{declare}{first}, 100, 2) g"), ())
            .await
            .unwrap();
    }
    // A prepared fetch and one by its text.
    let odd = tx.prepare("fetch 1 from odd").await.unwrap();
    for i in 0..10 {
        let next: i32 = tx.fetch_scalar(&odd, ()).await.unwrap();
        assert_eq!(next, 2 * i + 1);
        let next = fetched(&mut tx, "fetch 2 from even").await;
        assert_eq!(next, [4 * i + 2, 4 * i + 4]);
    }
    tx.execute("close odd", ()).await.unwrap();
    assert_eq!(fetched(&mut tx, "fetch all from even").await.len(), 30);
    // The closed one is gone, and a savepoint keeps the transaction alive.
    let mut inner = tx.begin().await.unwrap();
    let error = inner.fetch(&odd, ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("34000"));
    inner.rollback().await.unwrap();
    assert!(fetched(&mut tx, "fetch from even").await.is_empty());
    tx.commit().await.unwrap();
    assert!(conn.is_idle());
}

async fn acceptance_71_a_stream_that_is_left_leaves_its_portal<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut tx = conn.begin().await.unwrap();
    let sql = "select g from generate_series(1, $1::int) g";
    for taken in [0, 1, 5] {
        let limited = Query::new(sql).max_rows(5);
        let mut rows = tx.query(&limited, (10_000,)).await.unwrap();
        for i in 1..=taken {
            let row = rows.next().await.unwrap().unwrap();
            assert_eq!(row.get::<i32>(0).unwrap(), i);
        }
        drop(rows);
        let next: i32 = tx.fetch_scalar(sql, (1,)).await.unwrap();
        assert_eq!(next, 1);
    }
    // The unnamed one is replaced by the next, so that none piles up.
    let open = "select count(*) from pg_cursors where statement = $1";
    let left: i64 = tx.fetch_scalar(open, (sql,)).await.unwrap();
    assert_eq!(left, 0);
    tx.commit().await.unwrap();
}

/// The driver has no cursor of its own that could be used too late: what is limited goes on nowhere, and needs no transaction. One in SQL is
/// refused by the server, in words that say what is missing.
async fn acceptance_72_a_cursor_outside_of_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let declare = "declare c cursor for select 1";
    for query in [Query::new(declare), Query::new(declare).max_rows(1)] {
        let error = conn.execute(query, ()).await.unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(error.sqlstate(), Some("25P01"), "{error}");
        assert!(error.to_string().contains("transaction block"), "{error}");
        assert!(conn.is_idle());
    }
    let limited = Query::new("select generate_series(1, 9)").max_rows(2);
    assert_eq!(conn.fetch(limited, ()).await.unwrap().len(), 2);
    assert!(conn.is_idle());
    // One that outlives its transaction needs none.
    let hold = "declare h cursor with hold for select generate_series(1, 3)";
    conn.execute(hold, ()).await.unwrap();
    assert_eq!(fetched(&mut conn, "fetch 2 from h").await, [1, 2]);
    assert_eq!(fetched(&mut conn, "fetch 2 from h").await, [3]);
    conn.execute("close h", ()).await.unwrap();
    // Nor does one whose text brings its own.
    let both = "begin; declare c cursor for select 7; fetch c; commit";
    assert_eq!(fetched(&mut conn, both).await, [7]);
    assert!(conn.is_idle());
}

async fn acceptance_73_portions_of_every_size<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut tx = conn.begin().await.unwrap();
    for portion in ["1", "50", "all"] {
        tx.execute(
            "declare c scroll cursor for select generate_series(1, 120)",
            (),
        )
        .await
        .unwrap();
        let command = format!("fetch {portion} from c");
        let mut all = Vec::new();
        loop {
            let rows = fetched(&mut tx, &command).await;
            if rows.is_empty() {
                break;
            }
            all.extend(rows);
        }
        assert_eq!(all, numbers(1, 120), "{portion}");
        // Behind the end there is nothing, and the last row is one step back.
        assert!(fetched(&mut tx, &command).await.is_empty());
        assert!(fetched(&mut tx, "fetch forward 0 from c").await.is_empty());
        assert_eq!(fetched(&mut tx, "fetch backward 1 from c").await, [120]);
        // No step at all is the same row once more.
        assert_eq!(fetched(&mut tx, "fetch forward 0 from c").await, [120]);
        assert_eq!(fetched(&mut tx, "fetch relative 0 from c").await, [120]);
        assert_eq!(fetched(&mut tx, "fetch absolute 7 from c").await, [7]);
        assert_eq!(tx.execute("move forward 10 from c", ()).await.unwrap(), 10);
        assert_eq!(fetched(&mut tx, "fetch next from c").await, [18]);
        assert_eq!(tx.execute("move forward all in c", ()).await.unwrap(), 102);
        tx.execute("close c", ()).await.unwrap();
    }
    tx.commit().await.unwrap();
}
