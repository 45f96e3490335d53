//! COPY, dropped at every poll, over a stream that moves one byte and then says `Pending` twice: once is not enough between two bytes that
//! are written, since the driver tries again as long as something moves.
//!
//! Afterwards the same server process answers the next query rightly, the table has all rows of the COPY or none of them, and nothing is
//! left over.

use bytes::Bytes;
use futures_util::{AsyncWriteExt, SinkExt, StreamExt as _, stream};
use purepg_conn::{ByteStream, Connection, Error, Runtime, TransactionStatus, Type, UsageError};
use purepg_testkit::drop_at::{drop_after, drop_at};
use purepg_testkit::io::OneByteControl;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, Slow, live_by_turns};

live_by_turns!(
    bytes_in,
    bytes_in_that_are_refused,
    bytes_in_that_are_aborted,
    bytes_in_in_a_transaction,
    bytes_in_with_a_guard,
    bytes_in_through_traits,
    a_source,
    forgotten,
    rows_in,
    bytes_out,
    rows_out,
    no_piece_is_lost_or_sent_twice,
    a_torn_piece_fails_the_copy,
);

const COPY: &str = "copy t from stdin";

/// A connection, its switch, and an empty table `t`.
async fn connect<R: Runtime>(cx: &Context<R>) -> (Slow<R>, OneByteControl) {
    let (mut conn, control) = cx.connect_switched(&cx.config(USER_TRUST)).await;
    conn.execute("create temp table t (a int)", ())
        .await
        .unwrap();
    (conn, control)
}

/// Everything in the table; what has to be true of a connection whatever was dropped on it is checked on the way.
async fn taken<S: ByteStream>(conn: &mut Connection<S>, control: &OneByteControl) -> Vec<i32> {
    // What is left is read past a byte at a time, too.
    conn.ping().await.unwrap();
    assert!(conn.is_idle());
    control.set(false);
    let process = conn.process_id().unwrap();
    let sql = "select pg_backend_pid(), $1::text";
    let row = conn.fetch_one(sql, ("mine",)).await.unwrap();
    assert_eq!(row.decode::<(i32, &str)>().unwrap(), (process, "mine"));
    let rows = conn.fetch("select a from t order by a", ()).await.unwrap();
    conn.execute("truncate t", ()).await.unwrap();
    control.set(true);
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

/// Drops a COPY into `t` at every poll: all of the rows were copied, or none; all of them if it completed.
async fn cover<R: Runtime>(
    cx: &Context<R>,
    name: &str,
    rows: &[i32],
    mut operation: impl AsyncFnMut(&mut Slow<R>),
) {
    let (mut conn, control) = connect(cx).await;
    let (mut happened, mut not) = (0, 0);
    let mut moved = (0, 0);
    let counted = async |conn: &mut Slow<R>| {
        let before = (control.bytes_written(), control.bytes_read());
        operation(conn).await;
        let written = control.bytes_written() - before.0;
        moved = (written, control.bytes_read() - before.1);
    };
    let places = drop_at(&mut conn, counted, async |conn, output| {
        let copied = taken(conn, &control).await;
        if copied.is_empty() && output.is_none() {
            not += 1;
        } else {
            assert_eq!(copied, rows, "{name}");
            happened += 1;
        }
    })
    .await;
    println!("{name}: dropped at {places} places, happened {happened}, not {not}");
    check_places(name, places, moved);
    assert!(
        rows.is_empty() || (happened > 1 && not > 1),
        "{name}: both outcomes are seen"
    );
}

/// There is one behind every byte that is written, and behind every byte that is read.
fn check_places(name: &str, places: usize, (written, read): (u64, u64)) {
    let places = u64::try_from(places).unwrap();
    assert!(
        places >= written && places >= read,
        "{name}: {places} places, {written} bytes written, {read} read"
    );
}

async fn bytes_in<R: Runtime>(cx: Context<R>) {
    cover(&cx, "copy_in, send, finish", &[1, 2, 3], async |conn| {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        sink.send("1\n2").await.unwrap();
        sink.send("\n3\n").await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 3);
    })
    .await;
    cover(&cx, "flush", &[1, 2, 3], async |conn| {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        for piece in ["1\n2", "\n", "3\n"] {
            sink.send(piece).await.unwrap();
            sink.flush().await.unwrap();
        }
        assert_eq!(sink.finish().await.unwrap(), 3);
    })
    .await;
    let sql = "select 1; copy t from stdin; insert into t values (9)";
    cover(&cx, "statements around it", &[1, 2, 9], async |conn| {
        let mut sink = conn.copy_in(sql).await.unwrap();
        sink.send("1\n2\n").await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 2);
    })
    .await;
}

async fn bytes_in_that_are_refused<R: Runtime>(cx: Context<R>) {
    for (name, sql, sqlstate) in [
        ("no such table", "copy nowhere from stdin", "42P01"),
        ("no number", COPY, "22P02"),
        (
            "an error behind it",
            "copy t from stdin; select 1/0",
            "22012",
        ),
    ] {
        cover(&cx, name, &[], async |conn| {
            let copied = async {
                let mut sink = conn.copy_in(sql).await?;
                sink.send("1\n").await?;
                sink.flush().await?;
                if sqlstate == "22P02" {
                    sink.send("none\n").await?;
                    sink.flush().await?;
                }
                sink.send("2\n").await?;
                sink.finish().await
            };
            let error = copied.await.unwrap_err();
            assert_eq!(error.sqlstate(), Some(sqlstate));
            assert!(conn.is_idle(), "{name}");
        })
        .await;
    }
    for (sql, expected) in [
        ("select 'no copy'", UsageError::NotCopyIn),
        ("copy t to stdout", UsageError::NotCopyIn),
        (
            "copy t from stdin; copy t from stdin",
            UsageError::SecondCopy,
        ),
    ] {
        cover(&cx, sql, &[], async |conn| {
            let copied = async {
                let mut sink = conn.copy_in(sql).await?;
                sink.send("1\n").await?;
                sink.finish().await
            };
            let error = copied.await.unwrap_err();
            assert!(matches!(error, Error::Usage(usage) if *usage == expected));
            assert!(conn.is_idle(), "{sql}");
        })
        .await;
    }
}

async fn bytes_in_that_are_aborted<R: Runtime>(cx: Context<R>) {
    cover(&cx, "abort", &[], async |conn| {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        sink.send("1\n").await.unwrap();
        sink.flush().await.unwrap();
        sink.send("2\n").await.unwrap();
        sink.abort("no more").await.unwrap();
        assert!(conn.is_idle());
    })
    .await;
    cover(&cx, "drop", &[], async |conn| {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        sink.send("1\n").await.unwrap();
        sink.flush().await.unwrap();
        drop(sink);
        conn.ping().await.unwrap();
        assert!(conn.is_idle());
    })
    .await;
}

async fn bytes_in_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    let process = conn.process_id().unwrap();
    conn.execute("begin", ()).await.unwrap();
    let (mut whole, mut failed) = (0, 0);
    let places = drop_at(
        &mut conn,
        async |conn| {
            let mut sink = conn.copy_in(COPY).await.unwrap();
            sink.send("1\n2\n").await.unwrap();
            sink.finish().await.unwrap();
        },
        async |conn, output| {
            conn.ping().await.unwrap();
            assert_eq!(conn.process_id(), Some(process));
            if conn.transaction_status() == TransactionStatus::Failed {
                assert!(output.is_none());
                failed += 1;
            } else {
                let sql = "select count(*) from t";
                let count: i64 = conn.fetch_scalar(sql, ()).await.unwrap();
                assert!(count == 2 || (count == 0 && output.is_none()));
                whole += 1;
            }
            control.set(false);
            conn.execute("rollback", ()).await.unwrap();
            assert_eq!(
                conn.fetch_scalar::<i64>("select count(*) from t", ())
                    .await
                    .unwrap(),
                0
            );
            conn.execute("begin", ()).await.unwrap();
            control.set(true);
        },
    )
    .await;
    println!("in a transaction: dropped at {places} places, {whole} whole, {failed} failed");
    assert!(whole > 1 && failed > 1);
}

async fn bytes_in_with_a_guard<R: Runtime>(cx: Context<R>) {
    cover(&cx, "a transaction", &[1, 2], async |conn| {
        let mut tx = conn.begin().await.unwrap();
        let mut sink = tx.copy_in(COPY).await.unwrap();
        sink.send("1\n2\n").await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 2);
        tx.commit().await.unwrap();
    })
    .await;
    cover(&cx, "a savepoint", &[1, 3], async |conn| {
        let mut tx = conn.begin().await.unwrap();
        tx.execute("insert into t values (1)", ()).await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        let mut sink = inner.copy_in(COPY).await.unwrap();
        sink.send("2\n").await.unwrap();
        drop(sink);
        drop(inner);
        let mut sink = tx.copy_in(COPY).await.unwrap();
        sink.send("3\n").await.unwrap();
        sink.finish().await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}

async fn bytes_in_through_traits<R: Runtime>(cx: Context<R>) {
    cover(&cx, "Sink", &[1, 2], async |conn| {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        SinkExt::feed(&mut sink, Bytes::from_static(b"1\n"))
            .await
            .unwrap();
        SinkExt::send(&mut sink, Bytes::from_static(b"2\n"))
            .await
            .unwrap();
        SinkExt::close(&mut sink).await.unwrap();
        assert_eq!(sink.row_count(), 2);
    })
    .await;
    cover(&cx, "AsyncWrite", &[1, 2], async |conn| {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        sink.write_all(b"1\n2\n").await.unwrap();
        AsyncWriteExt::close(&mut sink).await.unwrap();
        assert_eq!(sink.row_count(), 2);
    })
    .await;
}

async fn a_source<R: Runtime>(cx: Context<R>) {
    let rows: Vec<i32> = (1..=9).collect();
    cover(&cx, "send_from", &rows, async |conn| {
        let sink = conn.copy_in(COPY).await.unwrap();
        // It is not ready every other time.
        let source = stream::iter(1..=9).then(async |n: i32| {
            if n % 2 == 0 {
                yield_now().await;
            }
            Ok::<_, Error>(format!("{n}\n"))
        });
        assert_eq!(sink.send_from(source).await.unwrap(), 9);
    })
    .await;
    cover(&cx, "send_from, and the source fails", &[], async |conn| {
        let sink = conn.copy_in(COPY).await.unwrap();
        let source = stream::iter([Ok("1\n"), Err(Error::Closed)]);
        let error = sink.send_from(source).await.unwrap_err();
        assert!(matches!(error, Error::Closed), "the source's own");
        assert!(conn.is_idle());
    })
    .await;
}

async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

async fn forgotten<R: Runtime>(cx: Context<R>) {
    for flushed in [false, true] {
        cover(&cx, "forgotten", &[], async |conn| {
            let mut sink = conn.copy_in(COPY).await.unwrap();
            sink.send("1\n").await.unwrap();
            if flushed {
                sink.flush().await.unwrap();
            }
            std::mem::forget(sink);
            conn.ping().await.unwrap();
        })
        .await;
    }
    let (mut conn, control) = connect(&cx).await;
    let sql = "copy (select 1) to stdout";
    let places = drop_at(
        &mut conn,
        async |conn| {
            let mut out = conn.copy_out(sql).await.unwrap();
            out.next().await.unwrap().unwrap();
            std::mem::forget(out);
        },
        async |conn, _| assert!(taken(conn, &control).await.is_empty()),
    )
    .await;
    println!("a forgotten CopyOut: {places} places");
    assert!(places > sql.len() + "H....bcc..d....1.".len());
}

async fn rows_in<R: Runtime>(cx: Context<R>) {
    cover(&cx, "copy_in_rows", &[1, 2], async |conn| {
        let types = [Type::INT4];
        let sql = "copy t from stdin with (format binary)";
        let mut sink = conn.copy_in_rows(sql, &types).await.unwrap();
        sink.send((1,)).await.unwrap();
        sink.send((2,)).await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 2);
    })
    .await;
    cover(&cx, "copy_in_rows, aborted", &[], async |conn| {
        let types = conn.column_types("select a from t").await.unwrap();
        let sql = "copy t from stdin with (format binary)";
        let mut sink = conn.copy_in_rows(sql, &types).await.unwrap();
        sink.send((1,)).await.unwrap();
        sink.abort("no more").await.unwrap();
    })
    .await;
    cover(&cx, "copy_in_rows, not binary", &[], async |conn| {
        conn.copy_in_rows(COPY, &[Type::INT4]).await.unwrap_err();
        assert!(conn.is_idle());
    })
    .await;
}

/// Drops what reads at every poll, over rows that `t` does not have.
async fn cover_out<R: Runtime>(
    cx: &Context<R>,
    name: &str,
    operation: impl AsyncFnMut(&mut Slow<R>),
) {
    let (mut conn, control) = connect(cx).await;
    let places = drop_at(&mut conn, operation, async |conn, _| {
        assert!(taken(conn, &control).await.is_empty());
    })
    .await;
    println!("{name}: dropped at {places} places");
    assert!(places > 30, "{name}: only {places} places");
}

async fn bytes_out<R: Runtime>(cx: Context<R>) {
    let sql = "copy (select generate_series(1, 5)) to stdout";
    cover_out(&cx, "copy_out, next", async |conn| {
        let mut out = conn.copy_out(sql).await.unwrap();
        let mut data = Vec::new();
        while let Some(chunk) = out.next().await {
            data.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(data, b"1\n2\n3\n4\n5\n");
    })
    .await;
    cover_out(&cx, "next_run", async |conn| {
        let mut out = conn.copy_out(sql).await.unwrap();
        let mut length = 0;
        while let Some(run) = out.next_run().await.unwrap() {
            length += run.len();
        }
        assert_eq!(length, 10);
    })
    .await;
    cover_out(&cx, "row_count", async |conn| {
        let out = conn.copy_out(sql).await.unwrap();
        assert_eq!(out.row_count().await.unwrap(), 5);
    })
    .await;
    for (sql, sqlstate) in [
        ("copy nowhere to stdout", Some("42P01")),
        (
            "copy (select 1 / (3 - generate_series(1, 4))) to stdout",
            Some("22012"),
        ),
        ("copy t from stdin", None),
        ("select 1", None),
    ] {
        cover_out(&cx, sql, async |conn| {
            let read = async { conn.copy_out(sql).await?.row_count().await };
            assert_eq!(read.await.unwrap_err().sqlstate(), sqlstate);
            assert!(conn.is_idle(), "{sql}");
        })
        .await;
    }
    // The future of `next` is dropped and asked for again: no data is lost.
    let (mut conn, _) = connect(&cx).await;
    for polls in 1..60 {
        let mut out = conn.copy_out(sql).await.unwrap();
        let mut data = Vec::new();
        loop {
            match drop_after(out.next(), polls).await {
                None => {}
                Some(Some(chunk)) => data.extend_from_slice(&chunk.unwrap()),
                Some(None) => break,
            }
        }
        assert_eq!(data, b"1\n2\n3\n4\n5\n", "dropped every {polls} polls");
    }
}

async fn rows_out<R: Runtime>(cx: Context<R>) {
    let sql = "copy (select generate_series(1, 3)) to stdout with (format binary)";
    cover_out(&cx, "copy_out_rows", async |conn| {
        let mut out = conn.copy_out_rows(sql, &[Type::INT4]).await.unwrap();
        let mut sum = 0;
        while let Some(row) = out.next().await {
            sum += row.unwrap().get::<i32>(0).unwrap();
        }
        assert_eq!(sum, 6);
    })
    .await;
    cover_out(&cx, "column_types, row_count", async |conn| {
        let types = conn.column_types("select 1").await.unwrap();
        let out = conn.copy_out_rows(sql, &types).await.unwrap();
        assert_eq!(out.row_count().await.unwrap(), 3);
    })
    .await;
    let (mut conn, _) = connect(&cx).await;
    for polls in 1..60 {
        let mut out = conn.copy_out_rows(sql, &[Type::INT4]).await.unwrap();
        let mut numbers = Vec::new();
        loop {
            match drop_after(out.next(), polls).await {
                None => {}
                Some(Some(row)) => numbers.push(row.unwrap().get::<i32>(0).unwrap()),
                Some(None) => break,
            }
        }
        assert_eq!(numbers, [1, 2, 3], "dropped every {polls} polls");
    }
}

fn lines_of(numbers: std::ops::Range<i32>) -> String {
    numbers.flat_map(|n| [n.to_string(), "\n".into()]).collect()
}

/// A `send` that was dropped has taken nothing: it is made again, as often as it takes.
async fn no_piece_is_lost_or_sent_twice<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    for polls in [1, 3, 1_000] {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        let mut dropped = 0;
        // Pieces that go out as they are, and such that are gathered.
        for (from, to, lines) in [
            (0, 9_000, 9_000),
            (9_000, 18_000, 2_000),
            (18_000, 30_000, 12_000),
        ] {
            let all = lines_of(from..to);
            let mut rest = all.as_str();
            while !rest.is_empty() {
                let end = rest.match_indices('\n').take(lines).last().unwrap().0 + 1;
                let (piece, behind) = rest.split_at(end);
                rest = behind;
                while drop_after(sink.send(piece), polls)
                    .await
                    .map(Result::unwrap)
                    .is_none()
                {
                    dropped += 1;
                    let flushed = drop_after(sink.flush(), polls % 2).await;
                    flushed.map_or(Ok(()), |flushed| flushed).unwrap();
                    // Sockets become ready while nobody is polled.
                    yield_now().await;
                }
            }
        }
        control.set(false);
        assert_eq!(sink.finish().await.unwrap(), 30_000);
        control.set(true);
        println!("after every {polls} polls: {dropped} times dropped");
        assert!(dropped > 10);
        let all = taken(&mut conn, &control).await;
        assert!(all == (0..30_000).collect::<Vec<_>>());
    }
}

async fn a_torn_piece_fails_the_copy<R: Runtime>(cx: Context<R>) {
    let (mut conn, control) = connect(&cx).await;
    let large = lines_of(0..100_000);
    assert!(large.len() > 1 << 19);
    for polls in [0, 1, 2, 1_000] {
        let mut sink = conn.copy_in(COPY).await.unwrap();
        let sent = drop_after(sink.send(&large), polls).await;
        assert!(sent.is_none());
        control.set(false);
        let sent = sink.send("1\n").await;
        if polls == 0 {
            sent.unwrap();
            assert_eq!(sink.finish().await.unwrap(), 1);
            assert_eq!(taken(&mut conn, &control).await, [1]);
            continue;
        }
        let torn =
            |error: Error| matches!(error, Error::Usage(usage) if *usage == UsageError::CopyTorn);
        assert!(torn(sent.unwrap_err()));
        assert!(torn(sink.flush().await.unwrap_err()));
        assert!(torn(SinkExt::close(&mut sink).await.unwrap_err()));
        if polls == 1 {
            sink.abort("a piece is missing").await.unwrap();
        } else {
            assert!(torn(sink.finish().await.unwrap_err()));
        }
        assert!(conn.is_idle());
        assert!(taken(&mut conn, &control).await.is_empty());
    }
}
