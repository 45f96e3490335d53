//! Whoever answers in a server's place, before there is TLS: by scripts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use purepg_conn::{Config, Error, ProtocolErrorKind, Runtime, SslMode, SslNegotiation};
use purepg_testkit::backend;
use purepg_testkit::recorded::{Record, Recorded};
use purepg_tests_live::{Canned, Context, Transport, Wrapped, live};

live!(
    security_01_what_comes_behind_the_answer_is_not_read_in_the_clear,
    security_02_an_error_before_tls_is_not_shown,
    security_04_every_stream_asks_for_tls,
    acceptance_08_whoever_says_nothing_is_given_up,
    acceptance_22_an_error_in_place_of_the_answer,
);

const FORGED: &str = "f0rged";

fn config(mode: SslMode) -> Config {
    Config::new("127.0.0.1", "me").port(1).ssl_mode(mode)
}

/// Connects to servers that give these answers, one list for each stream; tells what was written to each.
async fn connect<R: Runtime>(
    cx: &Context<R>,
    config: &Config,
    servers: Vec<Canned>,
) -> (Result<(), Error>, Vec<Vec<u8>>) {
    let records: Vec<Record> = servers.iter().map(|_| Record::default()).collect();
    let (next, noted) = (AtomicUsize::new(0), records.clone());
    let runtime = Arc::new(Scripted {
        inner: Wrapped::new(&cx.runtime, |stream| stream),
        open: Box::new(move || {
            let number = next.fetch_add(1, Ordering::SeqCst);
            Recorded::new(servers[number].clone(), noted[number].clone())
        }),
    });
    let result = purepg_conn::connect(runtime, config).await;
    let written = records.iter().map(|record| record.take().bytes);
    (result.map(drop), written.collect())
}

/// A runtime whose streams lead nowhere.
struct Scripted<R: Runtime> {
    inner: Arc<Wrapped<R, R::Stream>>,
    open: Box<dyn Fn() -> Recorded<Canned> + Send + Sync>,
}

impl<R: Runtime> Runtime for Scripted<R> {
    type Stream = Recorded<Canned>;

    fn connect(
        &self,
        _: &purepg_conn::Endpoint,
        _: &purepg_conn::SocketOptions,
    ) -> purepg_conn::BoxFuture<'static, std::io::Result<Self::Stream>> {
        Box::pin(std::future::ready(Ok((self.open)())))
    }

    fn sleep(&self, duration: Duration) -> purepg_conn::BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> purepg_conn::BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

fn entered() -> Canned {
    let answer = [backend::authentication_ok(), backend::ready(b'I')].concat();
    Canned::new([answer])
}

async fn security_01_what_comes_behind_the_answer_is_not_read_in_the_clear<R: Runtime>(
    cx: Context<R>,
) {
    if cx.transport == Transport::Unix {
        return;
    }
    let error = backend::error_response("FATAL", "28000", FORGED);
    for forged in [backend::authentication_ok(), error] {
        let answer = [b"S".to_vec(), forged].concat();
        let server = Canned::new([answer]);
        let (result, written) = connect(&cx, &config(SslMode::Require), vec![server]).await;
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Tls(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(FORGED));
        let hello = written[0].strip_prefix(SSL_REQUEST).unwrap();
        assert_eq!(hello[0], 0x16, "and what went out is TLS");
    }
}

async fn security_02_an_error_before_tls_is_not_shown<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let server = || Canned::new([backend::error_response("FATAL", "53300", FORGED)]);
    let (result, written) = connect(&cx, &config(SslMode::Require), vec![server()]).await;
    let error = result.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(FORGED), "{error:?}");
    let Error::Protocol(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(*error.kind(), ProtocolErrorKind::TlsRequestFailed);
    assert_eq!(written, [SSL_REQUEST]);

    // Where TLS is only preferred, another stream goes without.
    let (result, written) = connect(&cx, &config(SslMode::Prefer), vec![server(), entered()]).await;
    result.unwrap();
    assert_eq!(written[0], SSL_REQUEST);
    assert_eq!(written[1][4..8], [0, 3, 0, 0]);
}

/// Whatever became of the stream before it.
async fn security_04_every_stream_asks_for_tls<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let mode: SslMode = mode.parse().unwrap();
        let config = match mode {
            SslMode::Require => config(mode),
            _ => config(mode).ssl_root_cert(crate::servers::roots()),
        };
        for _ in 0..3 {
            let (result, written) = connect(&cx, &config, vec![Canned::new([b"N".to_vec()])]).await;
            assert!(result.is_err());
            assert_eq!(written, [SSL_REQUEST]);
        }
        let direct = config.ssl_negotiation(SslNegotiation::Direct);
        let (result, written) = connect(&cx, &direct, vec![entered()]).await;
        assert!(matches!(result, Err(Error::Tls(_))), "{result:?}");
        assert_eq!(written[0][0], 0x16);
        assert!(
            !written[0].windows(2).any(|bytes| bytes == b"me"),
            "the user is not named"
        );
    }
}

/// Before TLS, amid its handshake, and behind it nobody is waited for longer than was said.
async fn acceptance_08_whoever_says_nothing_is_given_up<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let begun = b"\x16\x03\x03\x00\x7a".to_vec();
    for answers in [
        vec![],
        vec![b"S".to_vec()],
        vec![b"S".to_vec(), begun],
        vec![b"N".to_vec()],
    ] {
        let config = config(SslMode::Prefer).connect_timeout(Duration::from_millis(50));
        let servers = vec![Canned::new(answers), Canned::new([])];
        let (result, _) = connect(&cx, &config, servers).await;
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        assert!(error.is_retryable());
    }
}

/// Where the other way is open it is gone over another stream, once.
async fn acceptance_22_an_error_in_place_of_the_answer<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let refusing = || Canned::new([backend::error_response("FATAL", "53300", FORGED)]);
    for (mode, servers, streams, enters) in [
        (SslMode::Disable, vec![entered()], 1, true),
        (SslMode::Allow, vec![entered()], 1, true),
        (SslMode::Allow, vec![refusing(), refusing()], 2, false),
        (SslMode::Prefer, vec![refusing(), entered()], 2, true),
        (SslMode::Prefer, vec![refusing(), refusing()], 2, false),
        (SslMode::Require, vec![refusing(), entered()], 1, false),
    ] {
        let (result, written) = connect(&cx, &config(mode), servers).await;
        assert_eq!(result.is_ok(), enters, "{mode}: {result:?}");
        let used = written.iter().filter(|bytes| !bytes.is_empty()).count();
        assert_eq!(used, streams, "{mode}");
    }
}
