//! OAUTHBEARER.

use purepg_proto::{
    AuthMethod, AuthMethods, BearerToken, Startup, TlsFacts, TlsRequest, Transport,
};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer, Tls};
use purepg_tests_protocol::driver::Driver;

use crate::begin;

const CHALLENGE: &str = "{\"status\":\"invalid_token\",\
    \"openid-configuration\":\"https://issuer.test/.well-known/openid-configuration\",\
    \"scope\":\"openid db\"}";

fn server() -> ModelServer {
    let auth = Auth::Oauth {
        token: "good-token".to_owned(),
        challenge: CHALLENGE.to_owned(),
    };
    ModelServer::new(auth).tls(Tls::Accepted)
}

/// A client that reaches the server through TLS, which verifies it.
fn client(with: impl FnOnce(Startup) -> Startup) -> Driver {
    let startup = Startup::new("me", Transport::Tcp).tls(TlsRequest::Require);
    let mut driver = begin(with(startup));
    driver.tls = Some(TlsFacts::new().verified(true));
    driver
}

fn token(text: &str) -> BearerToken {
    BearerToken::new(text).unwrap()
}

/// The bodies of the answers that a server got.
fn answers(server: &ModelServer) -> Vec<&[u8]> {
    let received = server.received().iter();
    let bodies = received.filter_map(|message| match message {
        Frontend::Password(body) => Some(&body[..]),
        _ => None,
    });
    bodies.collect()
}

#[test]
fn the_right_token_lets_in() {
    let mut server = server();
    let mut driver = client(|startup| startup.bearer_token(token("good-token")));
    assert_eq!(driver.converse(&mut server), ["UpgradeToTls", "Ready"]);
    assert_eq!(driver.core.auth_method(), Some(AuthMethod::Oauth));
    assert!(!driver.core.is_channel_bound());
    let initial = b"OAUTHBEARER\0\0\0\0\x1cn,,\x01auth=Bearer good-token\x01\x01";
    assert_eq!(answers(&server), [initial]);
}

#[test]
fn a_wrong_token_is_told_where_to_get_another() {
    let mut server = server();
    let mut driver = client(|startup| startup.bearer_token(token("bad-token")));
    let challenge = format!("OauthChallenge {CHALLENGE}");
    assert_eq!(
        driver.converse(&mut server)[..3],
        [
            "UpgradeToTls",
            &challenge,
            "Closed Fatal 28000 authentication failed"
        ]
    );
    assert_eq!(answers(&server)[1..], [b"\x01"], "it was heard");
    assert_eq!(driver.core.auth_method(), None);
}

#[test]
fn who_has_no_token_asks_where_to_get_one() {
    let mut server = server();
    let mut driver = client(Startup::oauth_discovery);
    let challenge = format!("OauthChallenge {CHALLENGE}");
    assert_eq!(
        driver.converse(&mut server)[..3],
        [
            "UpgradeToTls",
            &challenge,
            "Closed Fatal 28000 authentication failed"
        ]
    );
    let initial: &[u8] = b"OAUTHBEARER\0\0\0\0\x0bn,,\x01auth=\x01\x01";
    assert_eq!(answers(&server), [initial, b"\x01"]);
}

#[test]
fn a_missing_token_is_told_before_anything_is_sent() {
    for with in [(|startup| startup) as fn(Startup) -> Startup, |startup| {
        startup.password("a password is no token")
    }] {
        let mut server = server();
        let lines = client(with).converse(&mut server);
        let expected = "Closed Protocol the server asks for a bearer token (oauth)";
        assert!(lines[1].starts_with(expected), "{lines:?}");
        assert!(answers(&server).is_empty());
    }
}

#[test]
fn over_a_unix_socket_a_token_goes_where_it_was_asked_for() {
    let unix = || Startup::new("me", Transport::UnixSocket).bearer_token(token("good-token"));
    let mut refusing = server();
    let lines = begin(unix()).converse(&mut refusing);
    assert!(
        lines[0].contains("`oauth`, which is not allowed here"),
        "{lines:?}"
    );
    assert!(answers(&refusing).is_empty());
    let named = unix().require_auth(AuthMethods::only([AuthMethod::Oauth]));
    assert_eq!(begin(named).converse(&mut server()), ["Ready"]);
}
