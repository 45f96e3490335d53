//! Channel binding: nobody stands in the middle.

use purepg_proto::{
    AuthMethod, BearerToken, ChannelBinding, Limits, Startup, TlsFacts, TlsRequest, Transport,
};
use purepg_testkit::backend::{
    authentication_cleartext, authentication_md5, authentication_ok, authentication_sasl,
};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer, ScramServer, Tls};
use purepg_tests_protocol::driver::{Driver, startup};

use crate::{assert_ends, begun};

const HASH: &[u8] = &[0xc5; 32];
const PLAIN: &str = "SCRAM-SHA-256";
const PLUS: &str = "SCRAM-SHA-256-PLUS";

fn facts() -> TlsFacts {
    TlsFacts::new().alpn(*TlsFacts::ALPN).verified(true)
}

fn bound() -> TlsFacts {
    facts().server_end_point(HASH)
}

fn tcp(channel_binding: ChannelBinding) -> Startup {
    Startup::new("me", Transport::Tcp)
        .password("secret")
        .tls(TlsRequest::Require)
        .channel_binding(channel_binding)
}

/// A client whose `StartupMessage` was sent through TLS.
fn through_tls(startup: Startup, facts: TlsFacts) -> Driver {
    let mut driver = begun(startup);
    driver.tls = Some(facts);
    assert_eq!(driver.feed(b"S"), ["UpgradeToTls"]);
    assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
    driver
}

/// The mechanism that a client chooses, and the gs2 header that it begins with.
fn chosen(driver: &mut Driver, offered: &[&str]) -> (String, String) {
    let lines = driver.feed(&authentication_sasl(offered));
    let [Frontend::Password(body)] = &driver.send()[..] else {
        panic!("{lines:?}");
    };
    let (mechanism, initial) = Frontend::sasl_initial(body).unwrap();
    let initial = String::from_utf8(initial.unwrap()).unwrap();
    let (header, _) = initial.split_once("n=").unwrap();
    (mechanism, header.to_owned())
}

#[test]
fn security_09_require_refuses_what_cannot_bind() {
    let token = BearerToken::new("token").unwrap();
    for (request, method) in [
        (authentication_ok(), "none"),
        (authentication_cleartext(), "password"),
        (authentication_md5([0; 4]), "md5"),
        (authentication_sasl(&[PLAIN]), "scram-sha-256"),
        (authentication_sasl(&["OAUTHBEARER"]), "oauth"),
    ] {
        // And nothing else is configured: not even the methods.
        let startup = tcp(ChannelBinding::Require).bearer_token(token.clone());
        let mut driver = through_tls(startup, bound());
        let expected =
            format!("channel binding is required, but the server asks for `{method}` without it");
        assert_ends(&mut driver, &request, &expected);
        assert_eq!(driver.core.auth_method(), None);
    }
    let mut driver = through_tls(tcp(ChannelBinding::Require), bound());
    let expected = (PLUS.to_owned(), "p=tls-server-end-point,,".to_owned());
    assert_eq!(chosen(&mut driver, &[PLAIN, PLUS]), expected);
}

#[test]
fn security_09_require_needs_tls_before_anything_is_sent() {
    // A server without TLS, though it was only preferred.
    let startup = tcp(ChannelBinding::Require).tls(TlsRequest::Prefer);
    let mut driver = begun(startup);
    let expected = "channel binding is required, but the connection has no TLS";
    assert_ends(&mut driver, b"N", expected);
    // TLS that nobody asks for.
    let in_the_clear = tcp(ChannelBinding::Require).tls(TlsRequest::None);
    let over_unix = startup_unix();
    for startup in [in_the_clear, over_unix] {
        let mut driver = Driver::new(startup, Limits::default());
        assert!(!driver.core.wants_write());
        let lines = driver.take();
        let expected =
            "Closed Protocol misuse: channel binding is required, and no TLS is asked for";
        assert!(lines[0].starts_with(expected), "{lines:?}");
    }
}

fn startup_unix() -> Startup {
    startup()
        .tls(TlsRequest::Require)
        .channel_binding(ChannelBinding::Require)
}

/// A certificate whose signature names no hash, such as Ed25519's, gives nothing to bind to.
#[test]
fn security_10_a_certificate_without_a_hash() {
    for nothing in [facts(), facts().server_end_point([])] {
        let mut driver = begun(tcp(ChannelBinding::Require));
        driver.tls = Some(nothing);
        let expected =
            "channel binding is required, but the server's certificate has no hash for it";
        let lines = driver.feed(b"S");
        assert!(
            lines[1].starts_with(&format!("Closed Protocol {expected}")),
            "{lines:?}"
        );
        assert!(!driver.core.wants_write(), "not even the first message");
    }
    // Set by hand, too.
    let mut empty = facts();
    empty.server_end_point = Some(Vec::new());
    for nothing in [facts(), empty] {
        let mut driver = through_tls(tcp(ChannelBinding::Prefer), nothing.clone());
        let unbound = (PLAIN.to_owned(), "n,,".to_owned());
        assert_eq!(chosen(&mut driver, &[PLUS, PLAIN]), unbound);
        let mut driver = through_tls(tcp(ChannelBinding::Prefer), nothing);
        assert_eq!(chosen(&mut driver, &[PLAIN]), unbound);
    }
}

#[test]
fn security_10_who_is_bound_is_told() {
    for (channel_binding, is_bound) in [
        (ChannelBinding::Require, true),
        (ChannelBinding::Prefer, true),
        (ChannelBinding::Disable, false),
    ] {
        let mut server = server(HASH);
        let mut driver = Driver::new(tcp(channel_binding), Limits::default());
        driver.tls = Some(bound());
        assert_eq!(driver.converse(&mut server), ["UpgradeToTls", "Ready"]);
        assert_eq!(driver.core.is_channel_bound(), is_bound);
        assert_eq!(driver.core.auth_method(), Some(AuthMethod::ScramSha256));
    }
}

fn server(hash: &[u8]) -> ModelServer {
    let auth = Auth::Scram {
        password: "secret".to_owned(),
        iterations: 2,
    };
    ModelServer::new(auth)
        .tls(Tls::Accepted)
        .certificate_hash(hash)
}

#[test]
fn security_11_without_tls_the_client_says_that_it_cannot_bind() {
    let unbound = (PLAIN.to_owned(), "n,,".to_owned());
    let mut driver = begun(startup().password("secret"));
    assert_eq!(chosen(&mut driver, &[PLUS, PLAIN]), unbound);
    let mut driver = begun(tcp(ChannelBinding::Prefer).tls(TlsRequest::Prefer));
    driver.feed(b"N");
    driver.send();
    assert_eq!(chosen(&mut driver, &[PLUS, PLAIN]), unbound);
}

#[test]
fn security_11_a_client_says_whether_it_could_have_bound() {
    for (channel_binding, offered, mechanism, header) in [
        (ChannelBinding::Prefer, &[PLAIN][..], PLAIN, "y,,"),
        (
            ChannelBinding::Prefer,
            &[PLUS, PLAIN],
            PLUS,
            "p=tls-server-end-point,,",
        ),
        (
            ChannelBinding::Prefer,
            &[PLUS],
            PLUS,
            "p=tls-server-end-point,,",
        ),
        (
            ChannelBinding::Require,
            &[PLUS, PLAIN],
            PLUS,
            "p=tls-server-end-point,,",
        ),
        (ChannelBinding::Disable, &[PLAIN], PLAIN, "n,,"),
        (ChannelBinding::Disable, &[PLUS, PLAIN], PLAIN, "n,,"),
    ] {
        let mut driver = through_tls(tcp(channel_binding), bound());
        let expected = (mechanism.to_owned(), header.to_owned());
        assert_eq!(
            chosen(&mut driver, offered),
            expected,
            "{channel_binding:?}"
        );
    }
    // Nothing but what it cannot do, or is not to do.
    let mut driver = through_tls(tcp(ChannelBinding::Disable), bound());
    let expected =
        "the server asks for an authentication method that is not supported: SCRAM-SHA-256-PLUS";
    assert_ends(&mut driver, &authentication_sasl(&[PLUS]), expected);
}

/// Somebody in the middle who has another certificate, and passes everything on.
#[test]
fn security_11_other_binding_data_are_refused_by_the_server() {
    let mut server = server(HASH);
    let mut driver = Driver::new(tcp(ChannelBinding::Prefer), Limits::default());
    driver.tls = Some(facts().server_end_point([0x55; 32]));
    let lines = driver.converse(&mut server);
    assert_eq!(
        lines[1],
        "Closed Fatal 28P01 password authentication failed"
    );
}

/// Somebody in the middle who takes SCRAM-SHA-256-PLUS off the list, so that nothing is bound.
#[test]
fn security_11_a_list_that_was_shortened_is_noticed() {
    let mut driver = through_tls(tcp(ChannelBinding::Prefer), bound());
    driver.feed(&authentication_sasl(&[PLAIN]));
    let [Frontend::Password(body)] = &driver.send()[..] else {
        panic!("one answer");
    };
    let (mechanism, initial) = Frontend::sasl_initial(body).unwrap();
    let initial = initial.unwrap();
    let server = || ScramServer::new("secret", b"salt", 1, "x");
    let mut that_binds = server().offers_binding_to(HASH);
    assert_eq!(that_binds.first(&mechanism, &initial), None);
    assert!(server().first(&mechanism, &initial).is_some());
}
