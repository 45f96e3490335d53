//! What is agreed upon before anything is asked: the version of the protocol, the cancel key, what a server tells by itself.

use std::time::Duration;

use purepg_conn::{
    Config, Connection, Error, ProtocolErrorKind, ProtocolVersion, Runtime, Severity,
};
use purepg_testkit::backend::{
    authentication_ok, backend_key_data, negotiate_protocol_version, ready,
};
use purepg_testkit::blocking::until_it_sleeps;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Canned, Context, Replaced, live};

use crate::models::over_unix;
use crate::servers::{servers, superuser};

live!(
    acceptance_10_versions_of_the_protocol,
    acceptance_12_the_length_of_a_cancel_key,
    acceptance_14_what_a_server_reports,
    acceptance_14_a_notice_of_the_start,
);

const V3_0: ProtocolVersion = ProtocolVersion::V3_0;
const V3_2: ProtocolVersion = ProtocolVersion::V3_2;

async fn acceptance_10_versions_of_the_protocol<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        let newest = if server.version() >= 18 { V3_2 } else { V3_0 };
        let config = cx.config_of(server, USER_TRUST);
        for (config, spoken) in [
            (config.clone(), V3_0),
            (config.clone().max_protocol_version(V3_0), V3_0),
            (config.clone().max_protocol_version(V3_2), newest),
            (
                config.clone().max_protocol_version(ProtocolVersion::LATEST),
                newest,
            ),
            (
                config
                    .clone()
                    .min_protocol_version(V3_0)
                    .max_protocol_version(V3_2),
                newest,
            ),
        ] {
            let mut conn = cx.try_connect(&config).await.unwrap();
            assert_eq!(conn.protocol_version(), spoken, "{config:?}");
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
            is_cancelled(&cx, server, conn).await;
        }
        // Nothing older than this will do, and so it is asked for.
        match cx.try_connect(&config.min_protocol_version(V3_2)).await {
            Ok(conn) => assert_eq!((conn.protocol_version(), newest), (V3_2, V3_2)),
            Err(Error::Protocol(error)) => {
                assert_eq!(newest, V3_0);
                let kind = error.kind();
                assert!(matches!(kind, ProtocolErrorKind::Negotiation(_)), "{error}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// However long the key is.
async fn is_cancelled<R: Runtime>(
    cx: &Context<R>,
    server: &purepg_testkit::server::Server,
    mut conn: Connection<R::Stream>,
) {
    let process = conn.process_id().unwrap();
    let token = conn.cancel_token();
    let cancelling = async {
        // The look at the server blocks: it has to sleep by then.
        cx.runtime.sleep(Duration::from_millis(5)).await;
        until_it_sleeps(server, process);
        token.cancel().await.unwrap();
    };
    let sleeping = conn.execute("select pg_sleep(60)", ());
    let (slept, ()) = futures_util::future::join(sleeping, cancelling).await;
    assert_eq!(slept.unwrap_err().sqlstate(), Some("57014"));
}

async fn acceptance_12_the_length_of_a_cancel_key<R: Runtime>(cx: Context<R>) {
    let with_key = |config: &Config, before: Vec<u8>, length: usize| {
        let key = backend_key_data(7, &vec![1; length]);
        let answer = [before, authentication_ok(), key, ready(b'I')].concat();
        let runtime = Replaced::new(&cx.runtime, move |_| Canned::new([answer.clone()]));
        let config = config.clone();
        async move { purepg_conn::connect(runtime, &config).await }
    };
    let old = over_unix();
    let new = over_unix().max_protocol_version(V3_2);
    let down = || negotiate_protocol_version(3 << 16, &[]);
    for (config, before, length, fits) in [
        (&old, vec![], 4, true),
        (&old, vec![], 0, false),
        (&old, vec![], 3, false),
        (&old, vec![], 5, false),
        (&old, vec![], 32, false),
        (&new, vec![], 3, false),
        (&new, vec![], 4, true),
        (&new, vec![], 32, true),
        (&new, vec![], 256, true),
        (&new, vec![], 257, false),
        (&new, down(), 4, true),
        (&new, down(), 32, false),
    ] {
        let connected = with_key(config, before, length).await;
        match connected {
            Ok(conn) => assert!(fits && conn.process_id() == Some(7), "{length}"),
            Err(Error::Protocol(error)) => {
                let kind = error.kind();
                assert!(
                    matches!(kind, ProtocolErrorKind::Malformed { .. }),
                    "{error}"
                );
                assert!(!fits, "{length}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn acceptance_14_what_a_server_reports<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        let conn = superuser(&cx, server).await;
        let parameters = conn.parameters();
        let mut names: Vec<&str> = parameters.iter().map(|(name, _)| name).collect();
        let mut expected = vec![
            "DateStyle",
            "IntervalStyle",
            "TimeZone",
            "application_name",
            "client_encoding",
            "integer_datetimes",
            "is_superuser",
            "server_encoding",
            "server_version",
            "session_authorization",
            "standard_conforming_strings",
        ];
        for (since, more) in [
            (14, &["default_transaction_read_only", "in_hot_standby"][..]),
            (16, &["scram_iterations"]),
            (18, &["search_path"]),
        ] {
            if server.version() >= since {
                expected.extend(more);
            }
        }
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected, "PostgreSQL {}", server.version());
        assert_eq!(conn.parameter("is_superuser"), Some("on"));
        assert_eq!(conn.parameter("client_encoding"), Some("UTF8"));
    }
}

/// Since PostgreSQL 17 there are triggers on login, which run before the server is ready.
async fn acceptance_14_a_notice_of_the_start<R: Runtime>(cx: Context<R>) {
    for server in servers().iter().filter(|server| server.version() >= 17) {
        let mut admin = superuser(&cx, server).await;
        let database = crate::servers::fresh_role();
        let create = format!("create database {database}");
        admin.execute(&create, ()).await.unwrap();
        let config = cx.config_of(server, server.superuser()).database(&database);
        let mut conn = cx.try_connect(&config).await.unwrap();
        let sql = "create function greet() returns event_trigger language plpgsql as \
            $$ begin raise warning 'mind the gap'; raise notice 'hello'; end $$; \
            create event trigger greets on login execute function greet()";
        conn.execute(sql, ()).await.unwrap();
        let mut conn = cx.try_connect(&config).await.unwrap();
        for (severity, message) in [
            (Severity::Warning, "mind the gap"),
            (Severity::Notice, "hello"),
        ] {
            let notice = conn.take_notice().unwrap();
            assert_eq!((notice.severity(), notice.message()), (severity, message));
        }
        assert!(conn.take_notice().is_none());
        conn.close().await.unwrap();
        let drop = format!("drop database {database} with (force)");
        admin.execute(&drop, ()).await.unwrap();
    }
}
