//! Real servers: a primary, its standby, and a primary whose sessions are read-only.

use std::sync::OnceLock;
use std::time::Duration;

use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
use futures_util::future::join;
use purepg_conn::{Config, Error, Host, LoadBalanceHosts, Runtime, SqlState, TargetSessionAttrs};
use purepg_testkit::server::{DATABASE, Options, Server, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

live!(
    acceptance_05_session_attributes,
    acceptance_06_whether_a_server_is_asked,
    acceptance_07_load_balancing_goes_to_all,
    acceptance_15_refused_behind_the_authentication,
    a_cancel_goes_where_the_connection_is,
);

struct Servers {
    primary: Server,
    standby: Server,
    read_only: Server,
}

fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let primary = Server::start(Options::new()).unwrap();
        let standby = primary.start_standby(Options::new()).unwrap();
        let options = Options::new().setting("default_transaction_read_only", "on");
        Servers {
            primary,
            standby,
            read_only: Server::start(options).unwrap(),
        }
    })
}

/// A configuration with these servers, in this order.
fn hosts<R: Runtime>(cx: &Context<R>, servers: &[&Server]) -> Config {
    let config = Config::new("", USER_TRUST).database(DATABASE);
    servers.iter().fold(config, |config, server| {
        let folder = || server.socket_dir().display().to_string();
        match cx.transport {
            Transport::Tcp => config.add_host(server.host(), server.port()),
            Transport::Unix => config.add_host(folder(), server.port()),
        }
    })
}

async fn acceptance_05_session_attributes<R: Runtime>(cx: Context<R>) {
    let Servers {
        primary,
        standby,
        read_only,
    } = servers();
    for (wanted, servers, expected) in [
        (Any, [standby, primary, read_only], Some(standby)),
        (ReadWrite, [standby, read_only, primary], Some(primary)),
        (ReadOnly, [primary, read_only, standby], Some(read_only)),
        (ReadOnly, [primary, standby, read_only], Some(standby)),
        (Primary, [standby, read_only, primary], Some(read_only)),
        (Primary, [standby, primary, read_only], Some(primary)),
        (Standby, [primary, read_only, standby], Some(standby)),
        (PreferStandby, [primary, read_only, standby], Some(standby)),
        (PreferStandby, [primary, read_only, primary], Some(primary)),
        (Standby, [primary, read_only, primary], None),
        (Primary, [standby, standby, standby], None),
        (ReadWrite, [standby, read_only, standby], None),
        (ReadOnly, [primary, primary, primary], None),
    ] {
        let config = hosts(&cx, &servers).target_session_attrs(wanted);
        let result = cx.try_connect(&config).await;
        let Some(expected) = expected else {
            let error = result.unwrap_err();
            let Error::Connect(error) = error else {
                panic!("{wanted}: {error:?}")
            };
            assert_eq!(error.attempts().len(), 3, "{wanted}");
            let all = error.attempts().iter();
            assert!(
                all.map(purepg_conn::ConnectAttempt::error)
                    .all(|error| matches!(error, Error::UnsuitableServer { .. })),
                "{error}"
            );
            continue;
        };
        let mut conn = result.unwrap();
        let port: String = conn
            .fetch_scalar("select current_setting('port')", ())
            .await
            .unwrap();
        assert_eq!(port, expected.port().to_string(), "{wanted}");
    }
}

async fn acceptance_06_whether_a_server_is_asked<R: Runtime>(cx: Context<R>) {
    let Servers {
        primary, standby, ..
    } = servers();
    for (wanted, server) in [
        (ReadWrite, primary),
        (ReadOnly, standby),
        (Primary, primary),
        (Standby, standby),
        (PreferStandby, standby),
    ] {
        let config = hosts(&cx, &[server]);
        let record = purepg_testkit::recorded::Record::default();
        let noted = record.clone();
        let runtime = purepg_tests_live::Wrapped::new(&cx.runtime, move |stream| {
            purepg_testkit::recorded::Recorded::new(stream, noted.clone())
        });
        let config = config
            .target_session_attrs(wanted)
            .ssl_mode(purepg_conn::SslMode::Disable);
        let conn = purepg_conn::connect(runtime, &config).await.unwrap();
        assert!(conn.is_ready());
        let ready = record.take().statuses();
        // One answer to the start, one to the question.
        let expected = if server.version() >= 14 { "I" } else { "II" };
        assert_eq!(ready, expected, "{wanted}");
    }
}

async fn acceptance_07_load_balancing_goes_to_all<R: Runtime>(cx: Context<R>) {
    let Servers {
        primary,
        standby,
        read_only,
    } = servers();
    let config = hosts(&cx, &[primary, standby, read_only])
        .add_host("127.0.0.1", 1)
        .load_balance_hosts(LoadBalanceHosts::Random);
    assert_eq!(config.settings().hosts().last().map(Host::port), Some(1));
    let mut ports = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let conn = cx.try_connect(&config).await.unwrap();
        ports.insert(conn.endpoint().to_string());
        conn.close().await.unwrap();
    }
    assert_eq!(ports.len(), 3, "{ports:?}");
}

async fn acceptance_15_refused_behind_the_authentication<R: Runtime>(cx: Context<R>) {
    let missing = cx.config(USER_TRUST).database("no such database");
    let error = cx.try_connect(&missing).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert_eq!(error.code(), Some(SqlState::INVALID_CATALOG_NAME));
    assert!(!error.is_retryable());

    let superuser = cx.config(cx.server().superuser());
    let mut admin = cx.try_connect(&superuser).await.unwrap();
    let process = admin.process_id().unwrap();
    let database = format!("full_{process}");
    let create = format!("create database {database} connection limit 0");
    admin.execute(&create, ()).await.unwrap();
    let full = cx.config(USER_TRUST).database(&database);
    let error = cx.try_connect(&full).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert_eq!(error.code(), Some(SqlState::TOO_MANY_CONNECTIONS));
    assert!(error.is_retryable());
    admin
        .execute(&format!("drop database {database}"), ())
        .await
        .unwrap();
}

async fn a_cancel_goes_where_the_connection_is<R: Runtime>(cx: Context<R>) {
    // Behind hosts where nobody is, and by a name that was looked up.
    let config = cx.config(USER_TRUST);
    let port = cx.server().port();
    let config = match cx.transport {
        Transport::Tcp => Config::new("127.0.0.1", USER_TRUST)
            .port(1)
            .add_host("localhost", port)
            .database(DATABASE),
        Transport::Unix => {
            let folder = config.settings().host().to_owned();
            Config::new("/nowhere", USER_TRUST)
                .add_host(folder, port)
                .database(DATABASE)
        }
    };
    let mut conn = cx.try_connect(&config).await.unwrap();
    let token = conn.cancel_token();
    let cancel = async {
        cx.runtime.sleep(Duration::from_millis(50)).await;
        token.cancel().await
    };
    let (slept, cancelled) = join(conn.execute("select pg_sleep(60)", ()), cancel).await;
    cancelled.unwrap();
    assert_eq!(slept.unwrap_err().code(), Some(SqlState::QUERY_CANCELED));
}
