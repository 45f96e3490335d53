//! Unix sockets: where they are, and whose process is behind them.

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use purepg_conn::{Config, ConfigError, Endpoint, Error, Runtime};
use purepg_conn_async_std::AsyncStd;
use purepg_conn_tokio::Tokio;
use purepg_testkit::server::{DATABASE, Options, Server, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

live!(
    acceptance_19_an_abstract_socket,
    acceptance_19_a_path_that_is_too_long,
    a_runtime_that_cannot_tell_who_is_there_lets_nobody_be_trusted,
);

/// The adapters themselves: a stream in a wrapper has no socket to ask.
mod each {
    use super::*;

    #[test]
    fn acceptance_19_the_server_must_run_as_required() {
        both(required(Tokio), required(AsyncStd));
    }

    #[test]
    fn acceptance_19_nothing_is_told_whoever_runs_as_another() {
        both(other(Tokio), other(AsyncStd));
    }

    fn both(on_tokio: impl Future<Output = ()>, on_async_std: impl Future<Output = ()>) {
        let tokio = ::tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        tokio.unwrap().block_on(on_tokio);
        ::async_std::task::block_on(on_async_std);
    }
}

fn socket_of(server: &Server) -> Config {
    Config::new(server.socket_dir().display().to_string(), USER_TRUST)
        .port(server.port())
        .database(DATABASE)
}

/// Who runs as this number, by the list that most systems have.
fn name_of(uid: u32) -> String {
    let list = fs::read_to_string("/etc/passwd").unwrap();
    let entry = list.lines().find(|line| {
        let number = line.split(':').nth(2);
        number.is_some_and(|number| number.parse() == Ok(uid))
    });
    entry.unwrap().split(':').next().unwrap().to_owned()
}

async fn required<R: Runtime>(runtime: R) {
    let runtime = Arc::new(runtime);
    let server = Server::shared();
    let file = format!(".s.PGSQL.{}", server.port());
    let uid = fs::metadata(server.socket_dir().join(file)).unwrap().uid();
    let config = socket_of(server).require_peer(name_of(uid));
    let mut conn = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap();
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    // What cancels it asks the same.
    let token = conn.cancel_token();
    let cancel = async {
        runtime.sleep(Duration::from_millis(50)).await;
        token.cancel().await
    };
    let sleep = conn.execute("select pg_sleep(60)", ());
    let (slept, cancelled) = futures_util::future::join(sleep, cancel).await;
    cancelled.unwrap();
    assert_eq!(slept.unwrap_err().sqlstate(), Some("57014"));
    // Over TCP there is nobody to ask.
    let tcp = Config::new(server.host(), USER_TRUST)
        .port(server.port())
        .database(DATABASE)
        .require_peer("nobody of that name");
    purepg_conn::connect(runtime, &tcp).await.unwrap();
}

async fn other<R: Runtime>(runtime: R) {
    let runtime = Arc::new(runtime);
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let config = Config::new(folder.path().display().to_string(), "me")
        .password("secret")
        .require_peer("nobody of that name")
        .add_host("192.0.2.1", 1);
    let error = purepg_conn::connect(runtime, &config).await.unwrap_err();
    // And nobody else is asked instead.
    assert!(matches!(error, Error::WrongPeer(_)), "{error:?}");
    let own = name_of(folder.path().metadata().unwrap().uid());
    assert_eq!(
        error.to_string(),
        format!("the server behind the socket does not run as requirepeer wants: it is {own:?}")
    );
    assert!(!error.is_retryable() && !error.is_recoverable());
    let (mut stream, _) = listener.accept().unwrap();
    let mut heard = Vec::new();
    io::Read::read_to_end(&mut stream, &mut heard).unwrap();
    assert!(heard.is_empty(), "{heard:?}");
}

/// A stream in a wrapper has nobody behind it that the wrapper knows of.
async fn a_runtime_that_cannot_tell_who_is_there_lets_nobody_be_trusted<R: Runtime>(
    cx: Context<R>,
) {
    if cx.transport == Transport::Tcp {
        return;
    }
    let config = cx.config(USER_TRUST).require_peer("postgres");
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(matches!(error, Error::WrongPeer(_)), "{error:?}");
    assert!(error.to_string().contains("cannot be told"), "{error}");
}

async fn acceptance_19_an_abstract_socket<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Tcp || !cfg!(target_os = "linux") {
        return;
    }
    let name = format!("@purepg-{}-{:p}", std::process::id(), &raw const cx);
    let options = Options::new().socket(&name);
    // Older ones know no such sockets.
    let listening = Server::start(match cx.server().version() {
        ..14 => options.version(18),
        _ => options,
    })
    .unwrap();
    let config = Config::new(&name, USER_TRUST)
        .port(listening.port())
        .database(DATABASE);
    let mut conn = cx.try_connect(&config).await.unwrap();
    assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
    let shown = format!("{name}/.s.PGSQL.{}", listening.port());
    assert_eq!(conn.endpoint().to_string(), shown);
    assert!(matches!(conn.endpoint(), Endpoint::Abstract(_)));
    assert!(!conn.is_encrypted(), "as over any Unix socket");
    // The name of the socket itself will do, too.
    cx.try_connect(&config.host(shown)).await.unwrap();
    let nobody = Config::new(name, USER_TRUST).port(1);
    let error = cx.try_connect(&nobody).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}

async fn acceptance_19_a_path_that_is_too_long<R: Runtime>(cx: Context<R>) {
    let long = format!("/{}", "x".repeat(200));
    let config = Config::new("192.0.2.1", "me").add_host(long, 1);
    let error = cx.try_connect(&config).await.unwrap_err();
    let Error::Config(error) = error else {
        panic!("{error:?}")
    };
    assert!(
        matches!(*error, ConfigError::SocketPathTooLong { bytes: 212, .. }),
        "{error:?}"
    );
}
