//! COPY TO STDOUT: data of every size, backpressure, leaving early, errors amid the data.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FusedStream as _;
use futures_util::{StreamExt, TryStreamExt as _, sink};
use purepg_conn::{ByteStream, Connection, CopyOut, Error, Format, Runtime, UsageError};
use purepg_testkit::io::OneByte;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Context, Wrapped, live};

live!(
    data_of_every_size,
    runs_are_lent,
    as_a_stream,
    acceptance_80_what_nobody_takes_is_not_read,
    acceptance_80_a_reader_that_stops_half_way,
    acceptance_80_into_a_sink_that_is_slow_and_one_that_fails,
    acceptance_81_an_error_amid_the_data,
    acceptance_85_a_cancel_amid_the_data,
    a_statement_that_is_no_copy,
    other_statements_around_it,
    a_second_copy_in_the_text,
    the_count_of_rows_without_the_rows,
    kept_data_outlives_everything,
    facts,
);

async fn all<S: ByteStream>(out: &mut CopyOut<'_, S>) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(chunk) = out.next().await {
        let chunk: Bytes = chunk?;
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

fn numbers(to: usize) -> String {
    let mut lines = String::new();
    for n in 1..=to {
        writeln!(lines, "{n}\trow number {n}").unwrap();
    }
    lines
}

fn copy(to: usize) -> String {
    format!("copy (select g, 'row number ' || g from generate_series(1, {to}) g) to stdout")
}

async fn data_of_every_size<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for rows in [0, 1, 2, 1_000, 200_000] {
        let mut out = conn.copy_out(&copy(rows)).await.unwrap();
        assert!(all(&mut out).await.unwrap() == numbers(rows).into_bytes());
        assert!(out.next().await.is_none(), "it stays at its end");
        let count = out.row_count().await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), rows);
        assert!(conn.is_idle());
    }
    let mut out = conn
        .copy_out("copy (select repeat('x', 10000000)) to stdout")
        .await
        .unwrap();
    let one = all(&mut out).await.unwrap();
    assert_eq!(one.len(), 10_000_001);
    assert!(one[..10_000_000].iter().all(|&byte| byte == b'x'));
}

async fn runs_are_lent<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut out = conn.copy_out(&copy(100_000)).await.unwrap();
    let (mut data, mut runs, mut messages) = (Vec::new(), 0, 0);
    while let Some(run) = out.next_run().await.unwrap() {
        runs += 1;
        for message in &run {
            messages += 1;
            data.extend_from_slice(message);
        }
    }
    assert!(data == numbers(100_000).into_bytes());
    assert_eq!(messages, 100_000, "the server sends one for each row");
    assert!(runs < 2_000, "{runs} runs");
    assert!(out.next_run().await.unwrap().is_none());
}

async fn as_a_stream<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut out = conn.copy_out(&copy(10_000)).await.unwrap();
    assert!(!out.is_terminated());
    let chunks: Vec<Bytes> = StreamExt::by_ref(&mut out)
        .map(|chunk| chunk.unwrap())
        .collect()
        .await;
    assert_eq!(chunks.concat(), numbers(10_000).into_bytes());
    assert!(out.is_terminated());
    assert!(StreamExt::next(&mut out).await.is_none());
}

async fn acceptance_80_what_nobody_takes_is_not_read<R: Runtime>(cx: Context<R>) {
    let (controls, control) = std::sync::mpsc::channel();
    let runtime = Wrapped::new(&cx.runtime, move |stream| {
        // For its counts alone.
        let stream = OneByte::new(stream);
        stream.control().set(false);
        controls.send(stream.control()).unwrap();
        stream
    });
    let config = cx.config(USER_TRUST);
    let mut conn = purepg_conn::connect(runtime, &config).await.unwrap();
    let control = control.recv().unwrap();
    let mut other = cx.connect().await;
    let process = conn.process_id().unwrap();
    let mut out = conn.copy_out(&copy(2_000_000)).await.unwrap();
    // The server waits for us.
    let waits =
        "select coalesce(wait_event = 'ClientWrite', false) from pg_stat_activity where pid = $1";
    while !other.fetch_scalar::<bool>(waits, (process,)).await.unwrap() {
        cx.runtime.sleep(Duration::from_millis(10)).await;
    }
    let mut taken = 0;
    for _ in 0..20 {
        taken += out.next().await.unwrap().unwrap().len();
        let read = control.bytes_read();
        cx.runtime.sleep(Duration::from_millis(5)).await;
        assert_eq!(control.bytes_read(), read, "nobody asked for more");
        let ahead = usize::try_from(read).unwrap().saturating_sub(taken);
        assert!(ahead < 1 << 20, "{ahead} bytes were read and not taken");
    }
    let rest = all(&mut out).await.unwrap().len();
    assert_eq!(taken + rest, numbers(2_000_000).len());
}

async fn acceptance_80_a_reader_that_stops_half_way<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id();
    for chunks in [0, 1, 5] {
        for forgotten in [false, true] {
            let mut out = conn.copy_out(&copy(100_000)).await.unwrap();
            for _ in 0..chunks {
                out.next().await.unwrap().unwrap();
            }
            if forgotten {
                std::mem::forget(out);
            }
            // Without a `Drop` of its own it is not in the way: the next call reads past it.
            let same: i32 = conn
                .fetch_scalar("select pg_backend_pid()", ())
                .await
                .unwrap();
            assert_eq!(Some(same), process);
            assert!(conn.is_idle());
        }
    }
    // Of two ends of one copy the one that fails first ends both.
    let sink_fails = async |conn: &mut Connection<R::Stream>| -> Result<(), &str> {
        let mut out = conn.copy_out(&copy(100_000)).await.map_err(|_| "copy")?;
        let mut room = 3_usize;
        while let Some(chunk) = out.next().await {
            chunk.map_err(|_| "data")?;
            room = room.checked_sub(1).ok_or("disk full")?;
        }
        Ok(())
    };
    assert_eq!(sink_fails(&mut conn).await, Err("disk full"));
    conn.ping().await.unwrap();
    assert!(conn.is_idle());
}

#[derive(Debug)]
enum SinkError {
    Full,
    Client(Error),
}

async fn acceptance_80_into_a_sink_that_is_slow_and_one_that_fails<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id();
    let all = numbers(100_000);
    for room in [usize::MAX, 1_000_000, 0] {
        let mut kept = Vec::new();
        let sink = sink::unfold(&mut kept, async |kept: &mut Vec<u8>, chunk: Bytes| {
            cx.runtime.sleep(Duration::from_micros(10)).await;
            if kept.len() + chunk.len() > room {
                return Err(SinkError::Full);
            }
            kept.extend_from_slice(&chunk);
            Ok(kept)
        });
        let out = conn.copy_out(&copy(100_000)).await.unwrap();
        let copied = out.map_err(SinkError::Client).forward(sink).await;
        match copied {
            Ok(()) => assert!(room == usize::MAX && kept == all.as_bytes()),
            Err(SinkError::Full) => {
                assert!(kept.len() <= room && all.as_bytes().starts_with(&kept));
            }
            Err(SinkError::Client(error)) => panic!("{error:?}"),
        }
        // What the sink did not take is read past.
        let sql = "select pg_backend_pid()";
        assert_eq!(conn.fetch_scalar::<i32>(sql, ()).await.ok(), process);
        assert!(conn.is_idle());
    }
}

async fn acceptance_81_an_error_amid_the_data<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "copy (select 1 / (50000 - g) from generate_series(1, 60000) g) to stdout";
    let mut out = conn.copy_out(sql).await.unwrap();
    let mut lines = 0;
    let error = loop {
        match out.next().await.unwrap() {
            Ok(chunk) => lines += chunk.split(|&byte| byte == b'\n').count() - 1,
            Err(error) => break error,
        }
    };
    assert_eq!(lines, 49_999, "what came before it is delivered");
    assert_eq!(error.sqlstate(), Some("22012"));
    assert!(error.is_recoverable());
    assert!(
        out.next().await.is_none(),
        "after the error there is no more"
    );
    drop(out);
    assert!(conn.is_idle());
    for sql in [
        "copy nowhere to stdout",
        "copy (select 1/0) to stdout",
        "copy (selec) to stdout",
    ] {
        let mut out = match conn.copy_out(sql).await {
            Ok(out) => out,
            Err(error) => {
                assert!(matches!(error, Error::Database(_)), "{error:?}");
                continue;
            }
        };
        let error = out.next().await.unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), Some("22012"), "{error:?}");
    }
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
}

/// By the server's own means: whoever asks for it, the server does the same.
async fn acceptance_85_a_cancel_amid_the_data<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut other = cx.connect().await;
    let process = conn.process_id().unwrap();
    for chunks in [0, 1, 10] {
        let mut out = conn.copy_out(&copy(10_000_000)).await.unwrap();
        for _ in 0..chunks {
            out.next().await.unwrap().unwrap();
        }
        other
            .execute("select pg_cancel_backend($1)", (process,))
            .await
            .unwrap();
        let error = loop {
            match out.next().await.expect("it is cancelled before its end") {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.sqlstate(), Some("57014"));
        assert!(out.next().await.is_none());
        assert!(conn.is_idle());
    }
}

fn is_usage(error: &Error, expected: &UsageError) -> bool {
    matches!(error, Error::Usage(usage) if **usage == *expected)
}

async fn a_statement_that_is_no_copy<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (n int)", ())
        .await
        .unwrap();
    for sql in [
        "select 1",
        "",
        "insert into t values (1)",
        "copy t from stdin",
        "copy t from stdin; select 1",
        "select generate_series(1, 100000)",
    ] {
        let error = conn.copy_out(sql).await.unwrap_err();
        assert!(
            is_usage(&error, &UsageError::NotCopyOut),
            "{sql}: {error:?}"
        );
        assert!(error.is_recoverable() && conn.is_idle(), "{sql}");
    }
    let sql = "select count(*) from t";
    assert_eq!(conn.fetch_scalar::<i64>(sql, ()).await.unwrap(), 1);
    let error = conn.copy_out("copy nowhere from stdin").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42P01"));
    let error = conn.copy_out("copy\0").await.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    assert!(conn.is_idle());
}

async fn other_statements_around_it<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql =
        "create temp table t as select 7 as n; select 1; copy t to stdout; select 2; drop table t";
    for _ in 0..2 {
        let mut out = conn.copy_out(sql).await.unwrap();
        assert_eq!(all(&mut out).await.unwrap(), b"7\n");
        assert_eq!(out.row_count().await.unwrap(), 1, "of the COPY");
    }
    let mut out = conn
        .copy_out("copy (select 1) to stdout; select 1/0")
        .await
        .unwrap();
    assert_eq!(out.next().await.unwrap().unwrap(), "1\n");
    let error = out.next().await.unwrap().unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
}

async fn a_second_copy_in_the_text<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (n int)", ())
        .await
        .unwrap();
    for second in ["copy (select 2) to stdout", "copy t from stdin"] {
        let sql = format!("copy (select 1) to stdout; {second}; select 1");
        let mut out = conn.copy_out(&sql).await.unwrap();
        assert_eq!(out.next().await.unwrap().unwrap(), "1\n");
        let error = out.next().await.unwrap().unwrap_err();
        assert!(is_usage(&error, &UsageError::SecondCopy), "{error:?}");
        assert!(out.next().await.is_none());
        assert!(conn.is_idle());
    }
}

async fn the_count_of_rows_without_the_rows<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for chunks in [0, 3] {
        let mut out = conn.copy_out(&copy(100_000)).await.unwrap();
        for _ in 0..chunks {
            out.next().await.unwrap().unwrap();
        }
        assert_eq!(out.row_count().await.unwrap(), 100_000);
        assert!(conn.is_idle());
    }
}

async fn kept_data_outlives_everything<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let mut out = conn.copy_out(&copy(100_000)).await.unwrap();
    let mut kept = Vec::new();
    while let Some(run) = out.next_run().await.unwrap() {
        kept.push(run);
    }
    conn.execute(
        "select repeat('y', 100000) from generate_series(1, 100)",
        (),
    )
    .await
    .unwrap();
    conn.close().await.unwrap();
    let data: Vec<u8> = kept.iter().flatten().flatten().copied().collect();
    assert!(data == numbers(100_000).into_bytes());
}

async fn facts<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let out = conn
        .copy_out("copy (select 1, 2, 3) to stdout")
        .await
        .unwrap();
    assert_eq!((out.format(), out.column_count()), (Format::Text, 3));
    let mut out = conn
        .copy_out("copy (select 1, 2) to stdout with (format binary)")
        .await
        .unwrap();
    assert_eq!((out.format(), out.column_count()), (Format::Binary, 2));
    let data = all(&mut out).await.unwrap();
    assert!(data.starts_with(b"PGCOPY\n\xff\r\n\0") && data.ends_with(b"\xff\xff"));
}
