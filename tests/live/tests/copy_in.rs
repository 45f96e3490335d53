//! COPY FROM STDIN: data of every size, sources that fail, servers that refuse.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{AsyncWriteExt, SinkExt, Stream, StreamExt as _, stream};
use purepg_conn::{ByteStream, Connection, Error, Format, Runtime, SharedConnection, UsageError};
use purepg_testkit::io::is_asked_for;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, live};

live!(
    acceptance_74_nothing_one_row_and_many,
    acceptance_74_a_single_field_of_10_mb,
    acceptance_75_an_error_of_the_source_fails_the_copy,
    acceptance_77_nothing_is_read_of_the_source_when_the_table_is_missing,
    acceptance_78_notices_and_parameters_amid_the_data,
    acceptance_85_a_cancel_at_every_stage,
    an_error_of_the_server_is_told_before_the_source_is_exhausted,
    a_slow_source_hears_of_the_error_too,
    small_pieces_make_large_messages,
    a_copy_that_is_aborted,
    a_copy_that_is_dropped_or_forgotten,
    a_statement_that_is_no_copy,
    other_statements_around_it,
    a_second_copy_in_the_text,
    after_its_end_it_takes_nothing,
    in_a_transaction,
    in_a_transaction_with_a_guard,
    on_a_shared_connection,
    as_a_sink,
    as_a_writer,
    csv_and_facts,
);

/// What a source of data meets, and what its reader does.
#[derive(Debug)]
enum SourceError {
    Own(&'static str),
    Client(Error),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(text) => f.write_str(text),
            Self::Client(error) => error.fmt(f),
        }
    }
}

impl From<Error> for SourceError {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

async fn connect_with_table<R: Runtime>(cx: &Context<R>) -> Connection<R::Stream> {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (n int, s text)", ())
        .await
        .unwrap();
    conn
}

async fn count<S: ByteStream>(conn: &mut Connection<S>) -> i64 {
    conn.fetch_scalar("select count(*) from t", ())
        .await
        .unwrap()
}

fn line(n: usize) -> String {
    format!("{n}\trow number {n}\n")
}

/// Rows without end, of which somebody counts those that were taken.
fn endless(taken: &AtomicUsize) -> impl Stream<Item = Result<String, Error>> {
    stream::iter(1..).map(|n| {
        taken.fetch_add(1, Ordering::Relaxed);
        Ok(line(n))
    })
}

async fn acceptance_74_nothing_one_row_and_many<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    for rows in [0, 1, 100_000] {
        let all: String = (1..=rows).map(line).collect();
        for piece in [all.len().max(1), 100_000, 7_777, 30] {
            let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
            for piece in all.as_bytes().chunks(piece) {
                sink.send(piece).await.unwrap();
            }
            assert_eq!(sink.row_count(), 0, "not yet");
            let copied = sink.finish().await.unwrap();
            assert_eq!(usize::try_from(copied).unwrap(), rows);
            assert!(conn.is_idle());
            let sql = "select count(*), coalesce(sum(n), 0), coalesce(bool_and(s = 'row number ' || n), true) from t";
            let row = conn.fetch_one(sql, ()).await.unwrap();
            let (count, sum, right): (i64, i64, bool) = row.decode().unwrap();
            let expected = i64::try_from(rows).unwrap();
            assert_eq!((count, sum), (expected, expected * (expected + 1) / 2));
            assert!(right);
            conn.execute("truncate t", ()).await.unwrap();
        }
    }
}

async fn acceptance_74_a_single_field_of_10_mb<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let field = "0123456789abcdefgh ".repeat(526_316)[..10_000_000].to_owned();
    assert_eq!(field.len(), 10_000_000);
    let line = Bytes::from(format!("7\t{field}\n"));
    for piece in [line.len(), 600_000, 1_000] {
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        for start in (0..line.len()).step_by(piece) {
            let end = line.len().min(start + piece);
            sink.send(line.slice(start..end)).await.unwrap();
        }
        assert_eq!(sink.finish().await.unwrap(), 1);
        let kept: String = conn.fetch_scalar("select s from t", ()).await.unwrap();
        assert!(kept == field, "in pieces of {piece}");
        // And back.
        let mut back = Vec::with_capacity(line.len());
        let mut out = conn.copy_out("copy t to stdout").await.unwrap();
        while let Some(chunk) = out.next().await {
            back.extend_from_slice(&chunk.unwrap());
        }
        assert!(back == line, "and back");
        assert_eq!(out.row_count().await.unwrap(), 1);
        conn.execute("truncate t", ()).await.unwrap();
    }
}

async fn acceptance_75_an_error_of_the_source_fails_the_copy<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    for rows in [0, 1, 10_000] {
        let reason: &'static str = format!("out of apples after {rows}").leak();
        let good = stream::iter(1..=rows).map(|n| Ok(line(n)));
        let source = good.chain(stream::iter([Err(SourceError::Own(reason))]));
        let sink = conn.copy_in("copy t from stdin").await.unwrap();
        let error = sink.send_from(source).await.unwrap_err();
        assert!(matches!(error, SourceError::Own(text) if text == reason));
        assert!(conn.is_idle(), "at once");
        assert_eq!(count(&mut conn).await, 0);
        let told = format!("COPY from stdin failed: {reason}");
        assert!(cx.server().log().contains(&told), "the server was told");
    }
    // A stream without an error, by the same way.
    let sink = conn.copy_in("copy t from stdin").await.unwrap();
    let source = stream::iter(1..=1_000).map(|n| Ok::<_, Error>(line(n)));
    assert_eq!(sink.send_from(source).await.unwrap(), 1_000);
    assert_eq!(count(&mut conn).await, 1_000);
}

async fn acceptance_77_nothing_is_read_of_the_source_when_the_table_is_missing<R: Runtime>(
    cx: Context<R>,
) {
    let (mut conn, sent) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create temp table t (n int, s text)", ())
        .await
        .unwrap();
    for sql in [
        "copy nowhere from stdin",
        "copy t (nope) from stdin",
        "copy t from stdni",
    ] {
        sent.take();
        let taken = AtomicUsize::new(0);
        let copied = async {
            let sink = conn.copy_in(sql).await?;
            sink.send_from(endless(&taken)).await
        };
        let error = copied.await.unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(taken.load(Ordering::Relaxed), 0);
        assert!(conn.is_idle());
        conn.ping().await.unwrap();
        assert_eq!(sent.take().tags(), "QS", "no data, for {sql}");
    }
}

async fn acceptance_78_notices_and_parameters_amid_the_data<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    conn.execute(
        "create function pg_temp.tell() returns trigger language plpgsql as $$
         begin
             raise notice 'row %', new.n;
             perform set_config('application_name', 'row ' || new.n, false);
             return new;
         end $$;
         create trigger tell before insert on t for each row execute function pg_temp.tell()",
        (),
    )
    .await
    .unwrap();
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    for n in 1..=500 {
        sink.send(line(n)).await.unwrap();
        sink.flush().await.unwrap();
    }
    assert_eq!(sink.finish().await.unwrap(), 500);
    for n in 1..=500 {
        let notice = conn.take_notice().unwrap();
        assert_eq!(notice.message(), format!("row {n}"));
    }
    assert!(conn.take_notice().is_none());
    assert_eq!(conn.parameter("application_name"), Some("row 500"));
    assert_eq!(count(&mut conn).await, 500);
}

/// By the server's own means: whoever asks for it, the server does the same.
async fn acceptance_85_a_cancel_at_every_stage<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let mut other = cx.connect().await;
    let process = conn.process_id().unwrap();
    let cancel = async |other: &mut Connection<R::Stream>| {
        let done: bool = other
            .fetch_scalar("select pg_cancel_backend($1)", (process,))
            .await
            .unwrap();
        assert!(done);
    };

    // Before the first row: the COPY waits for a lock.
    let table = format!("cancelled_{process}");
    other
        .execute(&format!("create table {table} (n int, s text)"), ())
        .await
        .unwrap();
    other
        .execute(&format!("begin; lock table {table}"), ())
        .await
        .unwrap();
    let sql = format!("copy {table} from stdin");
    let soon = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        cancel(&mut other).await;
    };
    let (refused, ()) = join(conn.copy_in(&sql), soon).await;
    assert_eq!(refused.unwrap_err().sqlstate(), Some("57014"));
    assert!(conn.is_idle());
    other
        .execute(&format!("rollback; drop table {table}"), ())
        .await
        .unwrap();

    // While it waits for data, and amid the data. The server looks up when a message comes.
    for rows in [0, 1, 20_000] {
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        for n in 0..rows {
            sink.send(line(n)).await.unwrap();
        }
        sink.flush().await.unwrap();
        cancel(&mut other).await;
        let error = loop {
            let sent = match sink.send(line(0)).await {
                Ok(()) => sink.flush().await,
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                break error;
            }
        };
        assert_eq!(error.sqlstate(), Some("57014"), "{error:?}");
        drop(sink);
        assert!(conn.is_idle());
        assert_eq!(count(&mut conn).await, 0);
    }

    // While the server works off what it was sent.
    conn.execute(
        "create function pg_temp.slow() returns trigger language plpgsql as
         $$ begin perform pg_sleep(60); return new; end $$;
         create trigger slow before insert on t for each row execute function pg_temp.slow()",
        (),
    )
    .await
    .unwrap();
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.send(line(1)).await.unwrap();
    let soon = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        cancel(&mut other).await;
    };
    let (finished, ()) = join(sink.finish(), soon).await;
    assert_eq!(finished.unwrap_err().sqlstate(), Some("57014"));
    assert!(conn.is_idle());
    assert_eq!(count(&mut conn).await, 0);
}

async fn an_error_of_the_server_is_told_before_the_source_is_exhausted<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let taken = AtomicUsize::new(0);
    let bad = stream::iter([Ok("none\tx\n".to_owned())]);
    let sink = conn.copy_in("copy t from stdin").await.unwrap();
    let error = sink.send_from(bad.chain(endless(&taken))).await;
    let error = error.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"), "{error:?}");
    assert!(conn.is_idle(), "at once");
    assert_eq!(count(&mut conn).await, 0);
    println!(
        "{} rows were taken from a source without end",
        taken.into_inner()
    );

    // By hand: at the next call that has something to hear.
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.send("none\tx\n").await.unwrap();
    // The server may be that fast.
    let mut told = sink.flush().await;
    if told.is_ok() {
        cx.runtime.sleep(Duration::from_millis(100)).await;
        told = sink.send("1\tgood\n").await;
    }
    // Byte by byte a call hears a byte.
    for _ in 0..1_000 {
        if told.is_ok() && is_asked_for() {
            cx.runtime.sleep(Duration::from_millis(1)).await;
            told = sink.flush().await;
        }
    }
    let error = told.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"));
    assert!(error.to_string().contains("none"), "{error}");
    let over = sink.send("1\tgood\n").await.unwrap_err();
    assert!(is_usage(&over, &UsageError::CopyOver), "{over:?}");
    let over = sink.finish().await.unwrap_err();
    assert!(is_usage(&over, &UsageError::CopyOver), "{over:?}");
    assert!(conn.is_idle());
}

/// A source that has nothing to give is no reason to wait for it.
async fn a_slow_source_hears_of_the_error_too<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let sink = conn.copy_in("copy t from stdin").await.unwrap();
    let bad = stream::iter([Ok::<_, Error>("none\tx\n")]);
    let error = sink.send_from(bad.chain(stream::pending())).await;
    assert_eq!(error.unwrap_err().sqlstate(), Some("22P02"));
    assert!(conn.is_idle());
}

async fn small_pieces_make_large_messages<R: Runtime>(cx: Context<R>) {
    let (mut conn, sent) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create temp table t (s text)", ())
        .await
        .unwrap();
    let all = 4 << 20;
    for piece in [30, 1_000, 20_000, 40_000, 300_000, all] {
        let data = vec![b'x'; piece];
        sent.take();
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        let pieces = all / piece;
        for _ in 0..pieces {
            sink.send(&data).await.unwrap();
        }
        sink.send("\n").await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 1);
        let written = sent.take();
        let sizes: Vec<usize> = written
            .frames()
            .filter(|(tag, _)| *tag == b'd')
            .map(|(_, body)| body.len())
            .collect();
        assert_eq!(sizes.iter().sum::<usize>(), pieces * piece + 1);
        let tags = written.tags();
        assert!(tags.starts_with('Q') && tags.ends_with('c'));
        let (smallest, largest) = (sizes.iter().rev().skip(1).min(), sizes.iter().max());
        println!(
            "pieces of {piece}: {} messages of {smallest:?} to {largest:?} bytes",
            sizes.len()
        );
        assert!(*largest.unwrap() <= 64 << 10);
        assert!(
            *smallest.unwrap() >= 8 << 10,
            "the last one aside: {sizes:?}"
        );
    }
}

async fn a_copy_that_is_aborted<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    for sent in [0, 1, 100_000] {
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        for n in 0..sent {
            sink.send(line(n)).await.unwrap();
        }
        let reason = format!("no more than {sent} apples");
        sink.abort(&reason).await.unwrap();
        assert!(conn.is_idle(), "at once");
        assert_eq!(count(&mut conn).await, 0);
        assert!(cx.server().log().contains(&reason));
    }
    // A reason that cannot be sent: the COPY fails all the same.
    for reason in ["a\0b", &"x".repeat(9_996)] {
        let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
        sink.send(line(1)).await.unwrap();
        let error = sink.abort(reason).await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
        assert!(conn.is_idle());
        assert_eq!(count(&mut conn).await, 0);
    }
    // The server had another reason before.
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.send("none\tx\n").await.unwrap();
    // The server may be that fast; who has been told of the reason needs not be told again.
    let told = sink.flush().await.is_err();
    cx.runtime.sleep(Duration::from_millis(100)).await;
    let aborted = sink.abort("too late").await;
    assert_eq!(aborted.is_ok(), told);
    if let Err(error) = aborted {
        assert_eq!(error.sqlstate(), Some("22P02"));
    }
    assert!(conn.is_idle());
}

async fn a_copy_that_is_dropped_or_forgotten<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let process: i32 = conn
        .fetch_scalar("select pg_backend_pid()", ())
        .await
        .unwrap();
    for sent in [0, 1, 100_000] {
        for flushed in [false, true] {
            for forgotten in [false, true] {
                let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
                for n in 0..sent {
                    sink.send(line(n)).await.unwrap();
                }
                if flushed {
                    sink.flush().await.unwrap();
                }
                if forgotten {
                    std::mem::forget(sink);
                } else {
                    drop(sink);
                }
                let sql = "select pg_backend_pid(), count(*) from t";
                let row = conn.fetch_one(sql, ()).await.unwrap();
                assert_eq!(row.decode::<(i32, i64)>().unwrap(), (process, 0));
                assert!(conn.is_idle());
            }
        }
    }
    drop(conn.copy_in("copy t from stdin").await.unwrap());
    conn.close().await.unwrap();
}

fn is_usage(error: &Error, expected: &UsageError) -> bool {
    matches!(error, Error::Usage(usage) if **usage == *expected)
}

async fn a_statement_that_is_no_copy<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    for sql in [
        "select 1",
        "",
        "insert into t values (1)",
        "copy t to stdout",
        "copy (select generate_series(1, 100000)) to stdout",
        "select 1; select 2",
    ] {
        let error = conn.copy_in(sql).await.unwrap_err();
        assert!(is_usage(&error, &UsageError::NotCopyIn), "{sql}: {error:?}");
        assert!(error.is_recoverable() && conn.is_idle(), "{sql}");
    }
    assert_eq!(count(&mut conn).await, 1, "it was carried out");
    for sql in ["selec 1", "select 1/0; copy t from stdin"] {
        let error = conn.copy_in(sql).await.unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{sql}: {error:?}");
        assert!(conn.is_idle(), "{sql}");
    }
    let error = conn.copy_in("copy t\0 from stdin").await.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    // As before: a COPY is no query.
    let error = conn.fetch("copy t to stdout", ()).await.unwrap_err();
    assert!(is_usage(&error, &UsageError::CopyOut));
    conn.execute("copy t from stdin", ()).await.unwrap_err();
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

async fn other_statements_around_it<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let sql = "select 1; truncate t; insert into t values (0); copy t from stdin; select 1, 2; delete from t where n = 1";
    for _ in 0..2 {
        let mut sink = conn.copy_in(sql).await.unwrap();
        sink.send("1\ta\n2\tb\n3\tc\n").await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 3, "of the COPY");
        assert_eq!(count(&mut conn).await, 3);
    }
    // One transaction: what stands behind the COPY can undo it.
    let sql = "copy t from stdin; select 1/0";
    let mut sink = conn.copy_in(sql).await.unwrap();
    sink.send("1\ta\n").await.unwrap();
    let error = sink.finish().await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    assert_eq!(count(&mut conn).await, 3);
}

async fn a_second_copy_in_the_text<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    for second in ["copy t from stdin", "copy t to stdout"] {
        let sql = format!("copy t from stdin; {second}; select 1");
        let mut sink = conn.copy_in(&sql).await.unwrap();
        sink.send("1\ta\n").await.unwrap();
        let error = sink.finish().await.unwrap_err();
        assert!(is_usage(&error, &UsageError::SecondCopy), "{error:?}");
        assert!(conn.is_idle());
        conn.execute("truncate t", ()).await.unwrap();
    }
    let error = conn
        .copy_in("copy t to stdout; copy t from stdin")
        .await
        .unwrap_err();
    assert!(is_usage(&error, &UsageError::NotCopyIn), "{error:?}");
    assert!(conn.is_idle());
    assert_eq!(count(&mut conn).await, 0);
}

async fn after_its_end_it_takes_nothing<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.send("1\ta\n").await.unwrap();
    SinkExt::close(&mut sink).await.unwrap();
    assert_eq!(sink.row_count(), 1);
    let error = sink.send("2\tb\n").await.unwrap_err();
    assert!(is_usage(&error, &UsageError::CopyOver), "{error:?}");
    let error = sink.flush().await.unwrap_err();
    assert!(is_usage(&error, &UsageError::CopyOver), "{error:?}");
    SinkExt::close(&mut sink).await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), 1, "again");
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    SinkExt::close(&mut sink).await.unwrap();
    let error = sink.abort("too late").await.unwrap_err();
    assert!(is_usage(&error, &UsageError::CopyOver), "{error:?}");
    assert_eq!(count(&mut conn).await, 1);
}

async fn in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    conn.execute("begin", ()).await.unwrap();
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.send("1\ta\n").await.unwrap();
    sink.finish().await.unwrap();
    assert!(conn.in_transaction());
    conn.execute("commit", ()).await.unwrap();
    assert_eq!(count(&mut conn).await, 1);
    conn.execute("begin", ()).await.unwrap();
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.send("2\tb\n").await.unwrap();
    drop(sink);
    let error = conn.execute("select 1", ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("25P02"), "the COPY has failed");
    conn.execute("rollback", ()).await.unwrap();
    assert_eq!(count(&mut conn).await, 1);
}

async fn in_a_transaction_with_a_guard<R: Runtime>(cx: Context<R>) {
    let (mut conn, sent) = cx.connect_recorded(&cx.config(USER_TRUST)).await;
    conn.execute("create temp table t (n int, s text)", ())
        .await
        .unwrap();
    // BEGIN rides with the COPY.
    sent.take();
    let mut tx = conn.begin().await.unwrap();
    let mut sink = tx.copy_in("copy t from stdin").await.unwrap();
    assert_eq!(sent.take().tags(), "PBEQ");
    sink.send("1\ta\n").await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), 1);
    let mut out = tx.copy_out("copy t to stdout").await.unwrap();
    assert_eq!(out.next().await.unwrap().unwrap(), "1\ta\n");
    tx.commit().await.unwrap();
    assert_eq!(count(&mut conn).await, 1);

    // One that is given up fails the transaction, be it dropped or forgotten.
    for forgotten in [false, true] {
        let mut tx = conn.begin().await.unwrap();
        let mut sink = tx.copy_in("copy t from stdin").await.unwrap();
        sink.send("2\tb\n").await.unwrap();
        if forgotten {
            std::mem::forget(sink);
        } else {
            drop(sink);
        }
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error, Error::RolledBack), "{error:?}");
        assert!(conn.is_idle());
        assert_eq!(count(&mut conn).await, 1);
    }
    // All at once.
    let mut tx = conn.begin().await.unwrap();
    let mut sink = tx.copy_in("copy t from stdin").await.unwrap();
    sink.send("2\tb\n").await.unwrap();
    drop(sink);
    drop(tx);
    assert_eq!(count(&mut conn).await, 1);
    assert!(conn.is_idle());

    // A savepoint keeps what was before it.
    let counted = conn
        .with_transaction(async |tx| {
            let mut sink = tx.copy_in("copy t from stdin").await?;
            sink.send("2\tb\n").await?;
            sink.finish().await?;
            let mut inner = tx.begin().await?;
            let mut sink = inner.copy_in("copy t from stdin").await?;
            sink.send("3\tc\n").await?;
            drop(sink);
            inner.rollback().await?;
            let mut inner = tx.begin().await?;
            let error = inner.copy_in("copy nowhere from stdin").await.unwrap_err();
            assert_eq!(error.sqlstate(), Some("42P01"));
            // Its savepoint cannot be made any more: the error is that of the COPY.
            let mut innermost = inner.begin().await?;
            let error = innermost.copy_in("copy t from stdin").await.unwrap_err();
            assert_eq!(error.sqlstate(), Some("25P02"), "{error:?}");
            drop(innermost);
            inner.rollback().await?;
            tx.fetch_scalar::<i64>("select count(*) from t", ()).await
        })
        .await
        .unwrap();
    assert_eq!(counted, 2);
    assert_eq!(count(&mut conn).await, 2);
    assert!(conn.is_idle());
}

async fn on_a_shared_connection<R: Runtime>(cx: Context<R>) {
    let shared = connect_with_table(&cx).await.into_shared();
    let copy = async {
        let mut guard = shared.lock().await;
        let mut sink = guard.copy_in("copy t from stdin").await.unwrap();
        for n in 0..50_000 {
            sink.send(line(n)).await.unwrap();
        }
        sink.finish().await.unwrap()
    };
    // The other one waits for its turn.
    assert_eq!(join(copy, look_at(&shared)).await, (50_000, 50_000));
    let given_up = async {
        let mut guard = shared.lock().await;
        let mut sink = guard.copy_in("copy t from stdin").await.unwrap();
        sink.send(line(1)).await.unwrap();
    };
    given_up.await;
    assert_eq!(look_at(&shared).await, 50_000);
}

async fn look_at<S: ByteStream>(shared: &SharedConnection<S>) -> i64 {
    let sql = "select count(*) from t";
    shared.fetch_scalar(sql, ()).await.unwrap()
}

async fn as_a_sink<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    // More at once than the core lets wait, and small ones between.
    let large: Bytes = (0..200_000).map(line).collect::<String>().into();
    let small = Bytes::from_static(b"1\tsmall\n");
    let items = [&small, &large, &small, &large, &large, &small];
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    stream::iter(items)
        .map(|item| Ok(item.clone()))
        .forward(&mut sink)
        .await
        .unwrap();
    assert_eq!(sink.row_count(), 600_003);
    drop(sink);
    assert_eq!(count(&mut conn).await, 600_003);
    let sum: i64 = conn.fetch_scalar("select sum(n) from t", ()).await.unwrap();
    assert_eq!(sum, 3 * 19_999_900_000 + 3);

    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    SinkExt::feed(&mut sink, small.clone()).await.unwrap();
    SinkExt::flush(&mut sink).await.unwrap();
    SinkExt::feed(&mut sink, Bytes::from_static(b"none\n"))
        .await
        .unwrap();
    let error = SinkExt::close(&mut sink).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"));
    let error = SinkExt::feed(&mut sink, small).await.unwrap_err();
    assert!(is_usage(&error, &UsageError::CopyOver), "{error:?}");
    drop(sink);
    assert!(conn.is_idle());
    assert_eq!(count(&mut conn).await, 600_003);
}

async fn as_a_writer<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let data: String = (0..200_000).map(line).collect();
    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    let copied = futures_util::io::copy(data.as_bytes(), &mut sink).await;
    assert_eq!(copied.unwrap(), u64::try_from(data.len()).unwrap());
    sink.write_all(b"1\tone\n").await.unwrap();
    AsyncWriteExt::close(&mut sink).await.unwrap();
    assert_eq!(sink.row_count(), 200_001);
    drop(sink);
    assert_eq!(count(&mut conn).await, 200_001);

    let mut sink = conn.copy_in("copy t from stdin").await.unwrap();
    sink.write_all(b"none\n").await.unwrap();
    let error = AsyncWriteExt::close(&mut sink).await.unwrap_err();
    let inner = error.get_ref().and_then(|error| error.downcast_ref());
    let inner: &Error = inner.expect("the error itself");
    assert_eq!(inner.sqlstate(), Some("22P02"));
    sink.write_all(b"1\tone\n").await.unwrap_err();
    drop(sink);
    assert!(conn.is_idle());
}

async fn csv_and_facts<R: Runtime>(cx: Context<R>) {
    let mut conn = connect_with_table(&cx).await;
    let mut sink = conn
        .copy_in("copy t (n, s) from stdin with (format csv, header)")
        .await
        .unwrap();
    assert_eq!((sink.format(), sink.column_count()), (Format::Text, 2));
    sink.send("n,s\n1,\"a \"\"b\"\"\"\n2,\n").await.unwrap();
    assert!(!format!("{sink:?}").contains("a \""), "no value is shown");
    assert_eq!(sink.finish().await.unwrap(), 2);
    let rows = conn.fetch("select s from t order by n", ()).await.unwrap();
    assert_eq!(rows[0].get::<&str>(0).unwrap(), "a \"b\"");
    assert_eq!(rows[1].get::<Option<&str>>(0).unwrap(), None);
}
