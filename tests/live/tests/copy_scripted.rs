//! COPY with a server in memory: what no real one does when it is asked to, and an executor that finds lost wake-ups.

use std::io;

use bytes::Bytes;
use futures_util::{AsyncWriteExt, SinkExt, StreamExt as _, stream};
use purepg_conn::{Connection, DecodeErrorKind, Error, Type, UsageError};
use purepg_testkit::backend;
use purepg_testkit::drop_at::{poll_times, run};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer, ScriptedStream, ServerHandle, Statement};
use purepg_tests_live::InMemory;

fn open(server: ModelServer) -> (Connection<ScriptedStream>, ServerHandle) {
    let (stream, server) = ScriptedStream::new(server);
    (InMemory::connect(stream), server)
}

fn model() -> ModelServer {
    ModelServer::new(Auth::Trust)
}

/// All the data that the server was sent, and its messages.
fn copied(server: &ServerHandle) -> (Vec<u8>, usize) {
    server.with(|server| (server.copied().concat(), server.copied().len()))
}

/// What needs nobody else is done in one poll: a stream that takes everything at once wakes nobody who waits for it.
fn at_once<F: Future>(future: F) -> F::Output {
    poll_times(future, 1).expect("there is nothing to wait for")
}

#[test]
fn no_wake_up_is_waited_for_in_vain() {
    let large = Bytes::from(vec![b'x'; 3 << 20]);
    let (mut conn, server) = open(model());
    let through_send = async {
        let mut sink = conn.copy_in("copy in").await.unwrap();
        sink.send(&large).await.unwrap();
        sink.send("small").await.unwrap();
        sink.flush().await.unwrap();
        sink.send(&large[..400_000]).await.unwrap();
        sink.finish().await.unwrap();
    };
    at_once(through_send);
    assert_eq!(copied(&server).0.len(), large.len() + 5 + 400_000);

    let (mut conn, server) = open(model());
    let through_sink = async {
        let mut sink = conn.copy_in("copy in").await.unwrap();
        SinkExt::send(&mut sink, large.clone()).await.unwrap();
        SinkExt::feed(&mut sink, large.clone()).await.unwrap();
        SinkExt::feed(&mut sink, Bytes::from_static(b"small"))
            .await
            .unwrap();
        SinkExt::feed(&mut sink, large.clone()).await.unwrap();
        SinkExt::close(&mut sink).await.unwrap();
    };
    at_once(through_sink);
    assert_eq!(copied(&server).0.len(), 3 * large.len() + 5);

    let (mut conn, server) = open(model());
    let through_writer = async {
        let mut sink = conn.copy_in("copy in").await.unwrap();
        sink.write_all(&large).await.unwrap();
        AsyncWriteExt::close(&mut sink).await.unwrap();
    };
    at_once(through_writer);
    assert_eq!(copied(&server).0.len(), large.len());

    let (mut conn, server) = open(model());
    let from_source = async {
        let sink = conn.copy_in("copy in").await.unwrap();
        let source = stream::iter([Ok::<_, Error>(large.clone()), Ok(large.clone())]);
        sink.send_from(source).await.unwrap();
    };
    at_once(from_source);
    assert_eq!(copied(&server).0.len(), 2 * large.len());
}

/// Items that are handed over without asking whether there is room, as no caller should.
#[test]
fn a_sink_that_is_not_asked_keeps_the_order() {
    let (mut conn, server) = open(model());
    let pieces = [
        (b'a', 100),
        (b'b', 2 << 20),
        (b'c', 10),
        (b'd', 50_000),
        (b'e', 1),
    ];
    let pieces = pieces.map(|(byte, length)| Bytes::from(vec![byte; length]));
    let all = async {
        let mut sink = conn.copy_in("copy in").await.unwrap();
        for piece in &pieces {
            sink.start_send_unpin(piece.clone()).unwrap();
        }
        SinkExt::close(&mut sink).await.unwrap();
    };
    at_once(all);
    assert!(copied(&server).0 == pieces.concat());
}

#[test]
fn acceptance_78_a_parameter_and_a_notice_amid_the_data() {
    let (mut conn, server) = open(model());
    let told = async {
        let mut sink = conn.copy_in("copy in").await.unwrap();
        sink.send("a\n").await.unwrap();
        server.with(|server| {
            server.inject(&backend::parameter_status("TimeZone", "Mars"));
            server.inject(&backend::notice_response("NOTICE", "00000", "amid"));
        });
        sink.flush().await.unwrap();
        sink.send("b\n").await.unwrap();
        sink.finish().await.unwrap();
        assert_eq!(conn.server_timezone(), Some("Mars"));
        assert_eq!(conn.take_notice().unwrap().message(), "amid");
    };
    run(told).expect("it was woken");
    assert_eq!(copied(&server).0, b"a\nb\n");

    let (mut conn, server) = open(model().on("copy t", Statement::Hang));
    let read = async {
        let mut out = conn.copy_out("copy t").await.unwrap();
        let mut data = Vec::new();
        while let Some(chunk) = out.next().await {
            data.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(data, b"a\nb\n");
        assert_eq!(conn.server_timezone(), Some("Moon"));
        assert_eq!(conn.take_notice().unwrap().message(), "amid");
    };
    let mut read = Box::pin(read);
    assert!(run(read.as_mut()).is_none(), "nothing was said yet");
    server.with(|server| {
        for message in [
            backend::copy_out_response(1),
            backend::copy_data(b"a\n"),
            backend::parameter_status("TimeZone", "Moon"),
            backend::notice_response("NOTICE", "00000", "amid"),
            backend::copy_data(b"b\n"),
            backend::copy_done(),
            backend::command_complete("COPY 2"),
        ] {
            server.inject(&message);
        }
        server.resume();
    });
    run(read).expect("it was woken");
}

#[test]
fn security_37_a_copy_that_is_refused_is_sent_no_data() {
    for statement in [
        Statement::Fail("42P01".into()),
        Statement::Command("SELECT 0".into()),
        Statement::CopyOut(vec![b"1\n".to_vec()]),
    ] {
        let (mut conn, server) = open(model().on("copy t from stdin", statement));
        let asked = std::cell::Cell::new(0);
        let source = stream::iter(0..).map(|n| {
            asked.set(n);
            Ok::<_, Error>("drop table t")
        });
        let refused = async {
            let sink = conn.copy_in("copy t from stdin").await?;
            let rows = sink.send_from(source).await;
            rows.map(|_| ())
        };
        run(refused).expect("it was woken").unwrap_err();
        assert_eq!(asked.get(), 0, "the source was not touched");
        run(conn.ping()).expect("it was woken").unwrap();
        let sent = server.with(|server| server.received().to_vec());
        let data = |message: &Frontend| matches!(message, Frontend::CopyData(_));
        assert!(!sent.iter().any(data), "{sent:?}");
    }
}

#[test]
fn security_27_the_reason_of_a_source_is_made_one_that_can_be_sent() {
    for (text, told) in [
        ("a\0b".to_owned(), "a\u{fffd}b".to_owned()),
        ("é".repeat(10_000), "é".repeat(4_997)),
    ] {
        let (mut conn, server) = open(model());
        let failed = async {
            let sink = conn.copy_in("copy in").await.unwrap();
            let error = io::Error::other(text.clone());
            let source = stream::iter([Ok("a"), Err(Own(error))]);
            sink.send_from(source).await.unwrap_err()
        };
        let error = run(failed).expect("it was woken");
        assert_eq!(
            error.0.to_string(),
            text,
            "the source's own error is unharmed"
        );
        let sent = server.with(|server| server.received().to_vec());
        assert!(sent.contains(&Frontend::CopyFail(told)), "{sent:?}");
        assert!(conn.is_idle());
    }
}

#[derive(Debug)]
struct Own(io::Error);

impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Error> for Own {
    fn from(error: Error) -> Self {
        Self(io::Error::other(error))
    }
}

/// Between the error and the server's readiness for more.
#[test]
fn a_copy_that_is_known_to_fail_takes_no_more() {
    let (mut conn, server) = open(model());
    let mut sink = run(conn.copy_in("copy in")).unwrap().unwrap();
    server.with(|server| server.inject(&backend::error_response("ERROR", "22P02", "no number")));
    run(sink.send("a"))
        .expect("taken before it was heard")
        .unwrap();
    assert!(
        run(sink.flush()).is_none(),
        "it waits for the rest of the answer"
    );
    assert!(run(sink.send("b")).is_none());
    server.with(|server| server.inject(&backend::ready(b'I')));
    let error = run(sink.send("c")).unwrap().unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"));
    let over = run(sink.send("d")).unwrap().unwrap_err();
    assert!(matches!(over, Error::Usage(usage) if *usage == UsageError::CopyOver));
    drop(sink);
    assert!(conn.is_ready());
}

#[test]
fn the_end_of_the_connection_amid_a_copy() {
    let ways = [
        |server: &mut ModelServer| server.close(),
        |server: &mut ModelServer| {
            server.inject(&backend::error_response("FATAL", "57P01", "going down"));
            server.close();
        },
    ];
    for (way, sqlstate) in ways.into_iter().zip([None, Some("57P01")]) {
        let (mut conn, server) = open(model());
        let mut sink = run(conn.copy_in("copy in")).unwrap().unwrap();
        run(sink.send("a")).unwrap().unwrap();
        server.with(way);
        let error = run(sink.flush()).unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), sqlstate, "{error:?}");
        assert!(!error.is_recoverable());
        assert!(run(sink.finish()).unwrap().is_err());
        assert!(conn.is_dead());
        let error = run(conn.copy_in("copy in")).unwrap().unwrap_err();
        assert_eq!(
            error.sqlstate(),
            sqlstate,
            "it is told as often as somebody asks"
        );

        let (mut conn, server) = open(model().on("hang", Statement::Hang));
        assert!(run(conn.copy_out("hang")).is_none());
        server.with(way);
        let error = run(conn.copy_out("copy out 3")).unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), sqlstate, "{error:?}");
    }
}

/// Data in the binary format, how many rows it has, and what is wrong behind them.
type Case<'a> = (&'a [&'a [u8]], usize, Option<&'a str>);

#[test]
fn acceptance_82_a_hostile_server() {
    let header = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    let tuple = b"\0\x01\0\0\0\x04\0\0\0\x07".to_vec();
    let trailer = b"\xff\xff".to_vec();
    let cases: [Case<'_>; 8] = [
        (&[&header, &tuple, &tuple, &trailer], 2, None),
        (&[&header, &tuple], 1, Some("without its trailer")),
        (
            &[&header, &tuple, &trailer, &tuple],
            1,
            Some("behind the trailer"),
        ),
        (&[&header, b"\0\x02"], 0, Some("2 fields instead of 1")),
        (&[&header, b"\0\x01\x80\0\0\0"], 0, Some("length")),
        (
            &[&header, &tuple, b"\0\x01\x7f\xff\xff\xff"],
            1,
            Some("ends within it"),
        ),
        (
            &[b"PGCOPY\n\xff\r\n1", b"\0\0\0\0\0\0\0\0"],
            0,
            Some("does not begin"),
        ),
        (&[b""], 0, Some("within its header")),
    ];
    for (pieces, rows, told) in cases {
        let (mut conn, server) = open(model().on("copy t", Statement::Hang));
        // The response of a model is text.
        let mut said = backend::message(b'H', b"\x01\0\x01\0\x01");
        for piece in pieces {
            said.extend(backend::copy_data(piece));
        }
        said.extend(backend::copy_done());
        said.extend(backend::command_complete("COPY 2"));
        let read = async {
            let mut out = conn.copy_out_rows("copy t", &[Type::INT4]).await.unwrap();
            let mut read = 0;
            let error = loop {
                match out.next().await {
                    None => break None,
                    Some(Ok(row)) => {
                        assert_eq!(row.get::<i32>(0).unwrap(), 7);
                        read += 1;
                    }
                    Some(Err(error)) => break Some(error),
                }
            };
            assert!(
                out.next().await.is_none(),
                "after an error there is no more"
            );
            (read, error)
        };
        let mut read = Box::pin(read);
        assert!(run(read.as_mut()).is_none(), "nothing was said yet");
        server.with(|server| {
            server.inject(&said);
            // Ends the statement that hangs.
            server.resume();
        });
        let (found, error) = run(read).expect("it was woken");
        assert_eq!(found, rows, "{told:?}");
        match (error, told) {
            (None, None) => {}
            (Some(Error::Decode(error)), Some(told)) => {
                assert_eq!(error.kind(), DecodeErrorKind::Malformed);
                assert!(error.to_string().contains(told), "{error}");
            }
            (error, told) => panic!("{error:?} instead of {told:?}"),
        }
        assert!(!conn.is_dead(), "what is in the data is not the protocol's");
    }
}

/// Whatever is awaited may be awaited on another thread.
#[test]
fn every_future_is_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    async fn all(conn: &mut Connection<ScriptedStream>) -> Result<(), Error> {
        let mut sink = is_send(is_send(conn.copy_in("copy in")).await?);
        is_send(sink.send("a")).await?;
        is_send(sink.send(vec![b'a'; 1 << 20])).await?;
        is_send(sink.send(Bytes::from_static(b"a"))).await?;
        is_send(sink.flush()).await?;
        is_send(sink.finish()).await?;
        is_send(is_send(conn.copy_in("copy in")).await?.abort("no")).await?;
        let source = stream::iter(["a"]).map(Ok::<_, Error>);
        is_send(conn.copy_in("copy in").await?.send_from(source)).await?;
        let mut out = is_send(is_send(conn.copy_out("copy out 1")).await?);
        is_send(out.next()).await.transpose()?;
        is_send(out.next_run()).await?;
        is_send(out.row_count()).await?;
        let types = is_send(conn.column_types("rows 1")).await?;
        is_send(is_send(conn.copy_in_rows("copy in", &types)).await).unwrap_err();
        is_send(is_send(conn.copy_out_rows("copy out 1", &types)).await).unwrap_err();
        Ok(())
    }
    let (mut conn, _) = open(model());
    run(is_send(all(&mut conn))).expect("it was woken").unwrap();
}
