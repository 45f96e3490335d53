//! Several hosts: each is verified by the name that it was given, whatever address that leads to.

use std::net::TcpListener;

use purepg_conn::{Config, ConnectAttempt, Error, Runtime, SslMode};
use purepg_testkit::server::{DATABASE, Server, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

use crate::servers::{roots, with_tls};

live!(
    security_05_each_host_is_verified_by_its_own_name,
    security_05_an_address_has_the_name_that_was_given_with_it,
);

/// Whoever connects there is refused.
fn nobody() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Hosts by name and port, all of them at 127.0.0.1. The server's certificate is for `localhost` and `127.0.0.1`.
fn hosts(hosts: &[(&str, u16)]) -> Config {
    let config = Config::new("", USER_TRUST)
        .database(DATABASE)
        .ssl_mode(SslMode::VerifyFull)
        .ssl_root_cert(roots());
    hosts.iter().fold(config, |config, (name, port)| {
        config.add_host(*name, *port).host_addr("127.0.0.1")
    })
}

async fn security_05_each_host_is_verified_by_its_own_name<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in with_tls() {
        let (dead, port) = (nobody(), server.port());
        // The name of a host where nobody is does no harm, and no good.
        let config = hosts(&[("wrong.example", dead), ("localhost", port)]);
        let mut conn = cx.try_connect(&config).await.unwrap();
        assert!(conn.is_encrypted());
        conn.ping().await.unwrap();
        let config = hosts(&[("localhost", dead), ("wrong.example", port)]);
        let error = cx.try_connect(&config).await.unwrap_err();
        let Error::Connect(error) = error else {
            panic!("{error:?}")
        };
        let errors: Vec<&Error> = error.attempts().iter().map(ConnectAttempt::error).collect();
        assert!(
            matches!(errors[..], [Error::Io { .. }, Error::Tls(_)]),
            "{errors:?}"
        );
        assert!(
            error.to_string().contains("not for wrong.example"),
            "{error}"
        );
        // A certificate that is not the host's is the end: the next one is not asked.
        let config = hosts(&[("wrong.example", port), ("localhost", port)]);
        let error = cx.try_connect(&config).await.unwrap_err();
        assert!(matches!(error, Error::Tls(_)), "{error:?}");
    }
}

async fn security_05_an_address_has_the_name_that_was_given_with_it<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let server: &Server = &with_tls()[0];
    let port = server.port();
    // `localhost` is not looked up: here it is an address that leads nowhere.
    let elsewhere = hosts(&[("localhost", port)]).host_addr("127.0.0.2");
    let error = cx.try_connect(&elsewhere).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.2"), "{error}");
    // Without a name there is nothing to compare with: in strict mode that is refused, otherwise it does no harm.
    let nameless = hosts(&[("", port)]);
    let error = cx.try_connect(&nameless).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    let nameless = nameless.ssl_mode(SslMode::VerifyCa);
    assert!(cx.try_connect(&nameless).await.unwrap().is_encrypted());
}
