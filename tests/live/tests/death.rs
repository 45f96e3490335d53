//! Servers and connections that end at bad moments.

use std::time::Duration;

use futures_util::future::join;
use purepg_conn::{ByteStream, Config, Connection, Error, RowStream, Runtime};
use purepg_testkit::faults::{Fault, Faulty};
use purepg_testkit::server::{Options, Server, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Wrapped, live};

live!(
    a_backend_terminated_amid_a_query,
    a_backend_terminated_amid_the_rows,
    acceptance_103_terminated_while_idle,
    acceptance_103_a_server_that_is_shut_down,
    a_backend_killed_amid_a_query,
    a_server_that_crashes,
    the_end_at_every_byte_of_the_start,
    the_end_at_every_byte_of_a_query,
    connect_timeout_covers_everything,
);

async fn a_backend_terminated_amid_a_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id().unwrap();
    let terminate = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        cx.server().terminate_backend(process).unwrap();
    };
    let (result, ()) = join(conn.execute("select pg_sleep(60)", ()), terminate).await;
    let error = result.unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
    assert!(!error.is_recoverable() && conn.is_dead());
    let again = conn.fetch("select 1", ()).await.unwrap_err();
    assert_eq!(
        again.sqlstate(),
        Some("57P01"),
        "it is told as often as somebody asks"
    );
}

async fn a_backend_terminated_amid_the_rows<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let process = conn.process_id().unwrap();
    let mut rows = conn
        .query("select generate_series(1, 10000000)", ())
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    cx.server().terminate_backend(process).unwrap();
    let error = first_error(&mut rows).await;
    // A server that is blocked amid a row when it is told to end cannot say so any more.
    let told = error.sqlstate() == Some("57P01") || matches!(error, Error::Io { .. });
    assert!(told && !error.is_recoverable(), "{error:?}");
    assert!(rows.next().await.is_none());
    assert!(conn.is_dead() && !conn.is_ready());
}

async fn acceptance_103_terminated_while_idle<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    cx.server()
        .terminate_backend(conn.process_id().unwrap())
        .unwrap();
    cx.runtime.sleep(Duration::from_millis(100)).await;
    let error = conn.fetch("select $1::int", (1,)).await.unwrap_err();
    assert_eq!(
        error.sqlstate(),
        Some("57P01"),
        "not a broken pipe: {error:?}"
    );
    assert!(conn.is_dead());
}

/// There is no callback: it is told by whatever is called next, to each caller once, and the connection is dead from then on.
async fn acceptance_103_a_server_that_is_shut_down<R: Runtime>(cx: Context<R>) {
    let server = Server::start(Options::new()).unwrap();
    let config = cx.config_of(&server, USER_TRUST);
    let mut idle = cx.try_connect(&config).await.unwrap();
    let mut waiting = cx.try_connect(&config).await.unwrap();
    let mut busy = cx.try_connect(&config).await.unwrap();
    waiting.listen("news").await.unwrap();
    let shut_down = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        server.shut_down();
    };
    let ((heard, slept), ()) = join(
        join(
            waiting.notification(),
            busy.execute("select pg_sleep(60)", ()),
        ),
        shut_down,
    )
    .await;
    for error in [heard.unwrap_err(), slept.unwrap_err()] {
        assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
    }
    assert!(!idle.is_dead(), "nobody has looked");
    let error = idle.execute("select 1", ()).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
    assert!(idle.is_dead() && waiting.is_dead() && busy.is_dead());
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}

/// Takes rows until there is an error.
async fn first_error<S: ByteStream>(rows: &mut RowStream<'_, S>) -> Error {
    loop {
        match rows.next().await.expect("an error comes before the end") {
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

async fn a_backend_killed_amid_a_query<R: Runtime>(cx: Context<R>) {
    // It takes the whole server down for a moment, so it has one of its own.
    let server = Server::start(Options::new()).unwrap();
    let config = cx.config_of(&server, USER_TRUST);
    let mut conn = cx.try_connect(&config).await.unwrap();
    let process = conn.process_id().unwrap();
    let mut rows = conn
        .query("select generate_series(1, 10000000)", ())
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    server.kill_backend(process).unwrap();
    let error = first_error(&mut rows).await;
    assert!(
        matches!(error, Error::Protocol(_) | Error::Io { .. }),
        "{error:?}"
    );
    assert!(!error.is_recoverable() && conn.is_dead());
}

async fn a_server_that_crashes<R: Runtime>(cx: Context<R>) {
    let server = Server::start(Options::new()).unwrap();
    let config = cx.config_of(&server, USER_TRUST);
    let mut idle = cx.try_connect(&config).await.unwrap();
    let mut busy = cx.try_connect(&config).await.unwrap();
    let mut rows = busy
        .query("select generate_series(1, 10000000)", ())
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    server.crash();
    while let Some(Ok(_)) = rows.next().await {}
    assert!(busy.is_dead());
    let error = idle.ping().await.unwrap_err();
    assert!(!error.is_recoverable(), "{error:?}");
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(!error.is_recoverable(), "{error:?}");
}

/// Connects over a stream that ends, or is reset, after so many bytes have come in.
async fn connect_faulty<R: Runtime>(
    cx: &Context<R>,
    config: &Config,
    bytes: u64,
    fault: Fault,
) -> Result<Connection<Faulty<R::Stream>>, Error> {
    let runtime = Wrapped::new(&cx.runtime, move |stream| {
        Faulty::new(stream).read_fails(bytes, fault)
    });
    purepg_conn::connect(runtime, config).await
}

fn is_clean(error: &Error) -> bool {
    matches!(error, Error::Protocol(_) | Error::Io { .. }) && !error.is_recoverable()
}

async fn the_end_at_every_byte_of_the_start<R: Runtime>(cx: Context<R>) {
    // Behind the exchange of SCRAM the start is that of everybody; each place costs a key derivation on both sides.
    let exchange = 250;
    for (user, config, most) in [
        (USER_TRUST, cx.config(USER_TRUST), u64::MAX),
        (USER_SCRAM, cx.config_with_password(USER_SCRAM), exchange),
    ] {
        for fault in [Fault::End, Fault::Reset] {
            let mut failures = 0;
            for bytes in 0..most {
                match connect_faulty(&cx, &config, bytes, fault).await {
                    Ok(_) => break,
                    Err(error) => assert!(is_clean(&error), "{user}, byte {bytes}: {error:?}"),
                }
                failures += 1;
            }
            assert!(
                failures >= exchange,
                "{user}: only {failures} bytes of start-up"
            );
        }
    }
}

async fn the_end_at_every_byte_of_a_query<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST);
    for fault in [Fault::End, Fault::Reset] {
        // Somewhere near the end of the start; its length may differ by a few bytes from one connection to the next.
        let mut start = 0;
        while connect_faulty(&cx, &config, start, fault).await.is_err() {
            start += 16;
        }
        let mut failures = 0;
        for bytes in start.. {
            let Ok(mut conn) = connect_faulty(&cx, &config, bytes, fault).await else {
                continue;
            };
            match conn.fetch("select $1::int as a, 'b' as b", (1,)).await {
                Ok(rows) => {
                    assert_eq!(rows.len(), 1);
                    break;
                }
                Err(error) => {
                    failures += 1;
                    assert!(is_clean(&error), "byte {bytes}: {error:?}");
                    assert!(conn.is_dead());
                    let again = conn.fetch("select 1", ()).await.unwrap_err();
                    assert!(is_clean(&again), "byte {bytes}: {again:?}");
                }
            }
        }
        assert!(failures > 60, "only {failures} bytes of answers");
    }
}

async fn connect_timeout_covers_everything<R: Runtime>(cx: Context<R>) {
    // Somebody who accepts and never answers.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let config = Config::new("127.0.0.1", "u")
        .port(port)
        .connect_timeout(Duration::from_millis(50));
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let config = config.host("localhost");
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { .. } | Error::Io { .. }),
        "{error:?}"
    );
}
