//! The way in, against real servers, by the core alone: TLS, channel binding, protocol 3.2, cancel requests.
//!
//! Each test runs with PostgreSQL 18, the first that has all of this, and with the version that the kit chooses (`PUREPG_TEST_PG_VERSION`),
//! which may be older.

#![cfg(unix)]

mod certificates;
mod client;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use purepg_proto::{
    AuthMethod, ChannelBinding, Closed, ProtocolErrorKind, ProtocolVersion, Startup, TlsFacts,
    TlsRequest, Transport,
};
use purepg_testkit::blocking::until_it_sleeps;
use purepg_testkit::server::{
    DATABASE, Options, PASSWORD, Server, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST,
};
use rustls::ClientConnection;

use client::{Client, Tls, honest, unbound};

const NEWEST: u32 = 18;

/// Both servers, with TLS; one where they are the same.
fn servers() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let chosen = with_tls(Options::new());
        let newest = (chosen.version() != NEWEST).then(newest);
        [chosen].into_iter().chain(newest).collect()
    })
}

fn newest() -> Server {
    with_tls(Options::new().version(NEWEST))
}

fn with_tls(options: Options) -> Server {
    let identity = certificates::ecdsa();
    Server::start(options.tls(&identity.certificate, &identity.key)).unwrap()
}

fn startup(user: &str, tls: TlsRequest) -> Startup {
    Startup::new(user, Transport::Tcp)
        .database(DATABASE)
        .password(PASSWORD)
        .tls(tls)
}

/// A client that verifies the server.
fn verifying(facts: fn(&ClientConnection) -> TlsFacts) -> Tls {
    let config = certificates::ecdsa().trusted(Some(TlsFacts::ALPN));
    Tls { config, facts }
}

fn entered(server: &Server, startup: Startup) -> Client {
    let mut client = Client::tcp(server, startup, Some(verifying(honest)));
    client.enter().unwrap();
    client
}

/// How a server can be asked for TLS: direct TLS is there from 17 on.
fn requests(server: &Server) -> Vec<TlsRequest> {
    let mut requests = vec![TlsRequest::Prefer, TlsRequest::Require];
    requests.extend((server.version() >= 17).then_some(TlsRequest::Direct));
    requests
}

const IS_ENCRYPTED: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

#[test]
fn tls_is_negotiated_or_begun_at_once() {
    for server in servers() {
        for tls in requests(server) {
            for (user, method) in [
                (USER_TRUST, AuthMethod::None),
                (USER_PASSWORD, AuthMethod::Password),
                (USER_MD5, AuthMethod::Md5),
                (USER_SCRAM, AuthMethod::ScramSha256),
            ] {
                let mut client = entered(server, startup(user, tls));
                assert_eq!(client.query(IS_ENCRYPTED).unwrap(), ["t"]);
                assert_eq!(client.inner.core.auth_method(), Some(method));
                let facts = client.inner.core.tls().unwrap();
                // Older servers know nothing of ALPN.
                let alpn = (server.version() >= 17).then_some(&TlsFacts::ALPN[..]);
                assert_eq!(facts.alpn.as_deref(), alpn);
            }
        }
    }
}

#[test]
fn acceptance_21_a_server_without_tls() {
    let server = Server::shared();
    let mut client = Client::tcp(server, startup(USER_SCRAM, TlsRequest::Prefer), None);
    client.enter().unwrap();
    assert_eq!(client.query(IS_ENCRYPTED).unwrap(), ["f"]);
    let mut client = Client::tcp(server, startup(USER_SCRAM, TlsRequest::Require), None);
    assert_eq!(kind(client.enter()), ProtocolErrorKind::TlsRefused);
}

#[test]
fn acceptance_23_direct_tls_and_a_server_that_is_too_old() {
    for server in servers().iter().filter(|server| server.version() < 17) {
        let startup = startup(USER_TRUST, TlsRequest::Direct);
        let mut client = Client::tcp(server, startup, Some(verifying(honest)));
        assert!(client.enter().is_err());
        assert!(client.inner.core.tls().is_none());
    }
}

#[test]
fn security_22_direct_tls_wants_alpn() {
    // The server itself refuses a client without.
    let config = certificates::ecdsa().trusted(None);
    let facts = honest;
    for server in servers().iter().filter(|server| server.version() >= 17) {
        let startup = startup(USER_TRUST, TlsRequest::Direct);
        let tls = Some(Tls {
            config: config.clone(),
            facts,
        });
        assert!(Client::tcp(server, startup, tls).enter().is_err());
    }
    // Asked for with SSLRequest, it does without.
    for server in servers() {
        let startup = startup(USER_TRUST, TlsRequest::Require);
        let tls = Some(Tls {
            config: config.clone(),
            facts,
        });
        assert_eq!(Client::tcp(server, startup, tls).enter(), Ok(()));
    }
}

#[test]
fn scram_is_bound_to_the_certificate() {
    for server in servers() {
        for tls in requests(server) {
            let startup = startup(USER_SCRAM, tls).channel_binding(ChannelBinding::Require);
            let mut client = entered(server, startup);
            assert!(client.inner.core.is_channel_bound());
            assert_eq!(client.query("select session_user").unwrap(), [USER_SCRAM]);
        }
        // Where it is possible, unless it is unwanted; the server takes `y` and `n` as they are meant.
        let with = |channel_binding| {
            let startup = startup(USER_SCRAM, TlsRequest::Require);
            entered(server, startup.channel_binding(channel_binding))
        };
        assert!(with(ChannelBinding::Prefer).inner.core.is_channel_bound());
        assert!(!with(ChannelBinding::Disable).inner.core.is_channel_bound());
    }
}

#[test]
fn security_09_require_refuses_what_cannot_bind() {
    for server in servers() {
        for (user, method) in [
            (USER_TRUST, "none"),
            (USER_PASSWORD, "password"),
            (USER_MD5, "md5"),
        ] {
            let startup = startup(user, TlsRequest::Require);
            let startup = startup.channel_binding(ChannelBinding::Require);
            let mut client = Client::tcp(server, startup, Some(verifying(honest)));
            let expected = ProtocolErrorKind::ChannelBindingRequired { method };
            assert_eq!(kind(client.enter()), expected);
        }
    }
}

#[test]
fn security_10_a_certificate_without_a_hash() {
    let identity = certificates::ed25519();
    let options = Options::new().tls(&identity.certificate, &identity.key);
    let server = Server::start(options).unwrap();
    let client = |channel_binding| {
        let startup = startup(USER_SCRAM, TlsRequest::Require).channel_binding(channel_binding);
        let tls = Tls {
            config: identity.trusted(None),
            facts: unbound,
        };
        Client::tcp(&server, startup, Some(tls))
    };
    let mut preferred = client(ChannelBinding::Prefer);
    assert_eq!(preferred.enter(), Ok(()));
    assert!(!preferred.inner.core.is_channel_bound());
    let required = client(ChannelBinding::Require).enter();
    assert!(matches!(
        kind(required),
        ProtocolErrorKind::ChannelBindingUnavailable { .. }
    ));
}

#[test]
fn security_11_other_binding_data_are_refused_by_the_server() {
    let falsified = |tls: &ClientConnection| unbound(tls).server_end_point([7; 32]);
    for server in servers() {
        for channel_binding in [ChannelBinding::Require, ChannelBinding::Prefer] {
            let startup = startup(USER_SCRAM, TlsRequest::Require).channel_binding(channel_binding);
            let mut client = Client::tcp(server, startup, Some(verifying(falsified)));
            match client.enter() {
                Err(Closed::Fatal(error)) => assert_eq!(error.sqlstate(), Some("28000"), "{error}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Encrypted, but nobody knows with whom: enough for a password, as for libpq's `sslmode=require`.
#[test]
fn tls_without_verification_is_tls() {
    let tls = || Tls {
        config: certificates::gullible(),
        facts: |tls| honest(tls).verified(false),
    };
    let server = &servers()[0];
    let startup = startup(USER_PASSWORD, TlsRequest::Require);
    let mut client = Client::tcp(server, startup, Some(tls()));
    assert_eq!(client.enter(), Ok(()));
    assert!(!client.inner.core.tls().unwrap().verified);
}

/// What both sides know.
fn spoken(server: &Server) -> (ProtocolVersion, usize) {
    if server.version() >= 18 {
        (ProtocolVersion::V3_2, 32)
    } else {
        (ProtocolVersion::V3_0, 4)
    }
}

#[test]
fn acceptance_10_protocol_3_2_is_spoken_or_negotiated_down() {
    for server in servers() {
        for tls in [TlsRequest::None, TlsRequest::Require] {
            let startup = startup(USER_SCRAM, tls).max_protocol_version(ProtocolVersion::LATEST);
            let mut client = entered(server, startup);
            let key = client.inner.core.cancel_key().unwrap().secret().len();
            assert_eq!((client.inner.core.protocol_version(), key), spoken(server));
            assert_eq!(client.query("select 1").unwrap(), ["1"]);
        }
        let client = entered(server, startup(USER_TRUST, TlsRequest::None));
        assert_eq!(client.inner.core.protocol_version(), ProtocolVersion::V3_0);
        assert_eq!(client.inner.core.cancel_key().unwrap().secret().len(), 4);

        let startup = startup(USER_TRUST, TlsRequest::None)
            .max_protocol_version(ProtocolVersion::V3_2)
            .min_protocol_version(ProtocolVersion::V3_2);
        let result = Client::tcp(server, startup, None).enter();
        if server.version() >= 18 {
            assert_eq!(result, Ok(()));
        } else {
            assert!(matches!(kind(result), ProtocolErrorKind::Negotiation(_)));
        }
    }
}

#[test]
fn acceptance_87_a_cancel_request_really_cancels() {
    for server in servers() {
        let mut requests = requests(server);
        requests.push(TlsRequest::None);
        for (tls, version) in requests
            .iter()
            .flat_map(|tls| [ProtocolVersion::V3_0, ProtocolVersion::V3_2].map(|v| (*tls, v)))
        {
            let startup = startup(USER_TRUST, tls).max_protocol_version(version);
            let mut victim = entered(server, startup);
            let key = victim.inner.core.cancel_key().unwrap().clone();
            victim.inner.query("select pg_sleep(60)");
            victim.inner.write();
            until_it_sleeps(server, key.process_id());

            let begun = Instant::now();
            let cancel = Startup::cancel(key, Transport::Tcp).tls(tls);
            let mut cancel = Client::tcp(server, cancel, Some(verifying(honest)));
            assert_eq!(cancel.enter(), Err(Closed::Terminated));
            let encrypted = tls != TlsRequest::None;
            assert_eq!(cancel.inner.core.tls().is_some(), encrypted);
            assert_eq!(victim.finish(), Err("57014".to_owned()));
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it was cancelled"
            );
            assert_eq!(victim.query("select 1").unwrap(), ["1"], "and lives on");
        }
    }
}

#[test]
fn a_cancel_request_over_a_unix_socket() {
    for server in servers() {
        let unix = || Startup::new(USER_TRUST, Transport::UnixSocket).tls(TlsRequest::Require);
        let startup = unix().database(DATABASE);
        let startup = startup.max_protocol_version(ProtocolVersion::V3_2);
        let mut victim = Client::unix(server, startup);
        victim.enter().unwrap();
        let key = victim.inner.core.cancel_key().unwrap().clone();
        victim.inner.query("select pg_sleep(60)");
        victim.inner.write();
        until_it_sleeps(server, key.process_id());
        let cancel = Startup::cancel(key, Transport::UnixSocket).tls(TlsRequest::Require);
        assert_eq!(
            Client::unix(server, cancel).enter(),
            Err(Closed::Terminated)
        );
        assert_eq!(victim.finish(), Err("57014".to_owned()));
    }
}

fn kind(result: Result<(), Closed>) -> ProtocolErrorKind {
    match result {
        Err(Closed::Protocol(error)) => error.kind().clone(),
        other => panic!("{other:?}"),
    }
}
