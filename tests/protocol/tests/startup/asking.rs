//! Passwords and tokens that somebody has to be asked for.

use purepg_proto::{
    AuthMethod, AuthMethods, BearerToken, ScramKeys, Startup, TlsFacts, TlsRequest, Transport,
    UsageError,
};
use purepg_testkit::backend;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::startup;

use crate::{asked, begin, scram};

#[test]
fn a_password_is_asked_for_once_a_server_wants_one() {
    let password = || "secret".to_owned();
    for (auth, method) in [
        (Auth::Cleartext(password()), AuthMethod::Password),
        (Auth::Md5(password()), AuthMethod::Md5),
        (scram(&password()), AuthMethod::ScramSha256),
    ] {
        let mut server = ModelServer::new(auth);
        let mut driver = begin(startup().password_on_demand());
        let lines = driver.converse(&mut server);
        assert_eq!(lines, [format!("PasswordNeeded({method:?})")]);
        assert!(!driver.core.wants_write() && driver.core.next_event().unwrap().is_none());
        driver.core.password_given("secret").unwrap();
        assert_eq!(driver.converse(&mut server), ["Ready"]);
        assert_eq!(driver.core.auth_method(), Some(method));
        let what = "password";
        let again = driver.core.password_given("secret");
        assert_eq!(again, Err(UsageError::NotAskedFor { what }));
        assert!(driver.core.is_idle(), "and it harms nothing");
    }
}

#[test]
fn nobody_is_asked_in_vain() {
    // None is wanted.
    let mut driver = begin(startup().password_on_demand());
    assert_eq!(
        driver.converse(&mut ModelServer::new(Auth::Trust)),
        ["Ready"]
    );
    // One is there.
    let mut driver = begin(startup().password("secret").password_on_demand());
    assert_eq!(
        driver.converse(&mut ModelServer::new(scram("secret"))),
        ["Ready"]
    );
    // Keys are there that are for any salt; here they are wrong.
    let keys = ScramKeys::new([1; 32], [2; 32]);
    let mut driver = begin(startup().scram_keys(keys).password_on_demand());
    let lines = driver.converse(&mut ModelServer::new(scram("secret")));
    assert!(lines[0].starts_with("Closed Fatal 28P01"), "{lines:?}");
    // The method is not acceptable.
    let methods = AuthMethods::except([
        AuthMethod::Password,
        AuthMethod::Md5,
        AuthMethod::ScramSha256,
    ]);
    for request in [
        backend::authentication_cleartext(),
        backend::authentication_md5([1; 4]),
        backend::authentication_sasl(&["SCRAM-SHA-256"]),
    ] {
        let startup = startup().password_on_demand().require_auth(methods);
        let (driver, lines) = asked(startup, &request);
        assert!(lines[0].contains("which is not allowed here"), "{lines:?}");
        assert!(!driver.core.wants_write());
    }
}

#[test]
fn an_empty_answer_is_none() {
    let startup = startup().password_on_demand();
    let (mut driver, lines) = asked(startup, &backend::authentication_md5([1; 4]));
    assert_eq!(lines, ["PasswordNeeded(Md5)"]);
    driver.core.password_given("").unwrap();
    let lines = driver.take();
    let expected = "Closed Protocol the server asks for a password (md5), and none was given";
    assert!(lines[0].starts_with(expected), "{lines:?}");
    assert!(!driver.core.wants_write());
}

#[test]
fn a_server_that_speaks_while_somebody_is_asked() {
    let begun = || {
        let startup = startup().password_on_demand();
        asked(startup, &backend::authentication_cleartext()).0
    };
    for message in [
        backend::authentication_ok(),
        backend::authentication_cleartext(),
    ] {
        let lines = begun().feed(&message);
        let expected = "Closed Protocol a message that must not come now \
            (message type 'R', state AwaitingPassword)";
        assert_eq!(lines[0], expected);
    }
    // It does not wait for ever.
    let late = backend::error_response("FATAL", "57014", "too late");
    let mut driver = begun();
    assert_eq!(driver.feed(&late)[0], "Closed Fatal 57014 too late");
    let what = "password";
    let given = driver.core.password_given("secret");
    assert_eq!(given, Err(UsageError::NotAskedFor { what }));
}

#[test]
fn a_token_is_asked_for_where_it_may_go() {
    let client = |facts: TlsFacts| {
        let startup = Startup::new("me", Transport::Tcp)
            .tls(TlsRequest::Direct)
            .bearer_token_on_demand();
        let mut driver = begin(startup);
        driver.tls = Some(facts.alpn(*TlsFacts::ALPN));
        driver
    };
    let token = || BearerToken::new("good").unwrap();
    let server = || {
        ModelServer::new(Auth::Oauth {
            token: "good".to_owned(),
            challenge: "{}".to_owned(),
        })
    };
    let mut driver = client(TlsFacts::new().verified(true));
    let what = "bearer token";
    let early = driver.core.token_given(token());
    assert_eq!(early, Err(UsageError::NotAskedFor { what }));
    let mut oauth = server();
    oauth.handshake();
    let lines = driver.converse(&mut oauth);
    assert_eq!(lines, ["UpgradeToTls", "TokenNeeded"]);
    driver.core.token_given(token()).unwrap();
    assert_eq!(driver.converse(&mut oauth), ["Ready"]);
    assert_eq!(driver.core.auth_method(), Some(AuthMethod::Oauth));

    let mut driver = client(TlsFacts::new());
    let mut oauth = server();
    oauth.handshake();
    let lines = driver.converse(&mut oauth);
    assert!(
        lines[1].contains("`oauth`, which is not allowed here"),
        "{lines:?}"
    );
}

/// Of two mechanisms the one that can be answered goes first, be it by asking.
#[test]
fn who_can_be_asked_can_answer() {
    let offer = backend::authentication_sasl(&["OAUTHBEARER", "SCRAM-SHA-256"]);
    let methods = AuthMethods::only([AuthMethod::Oauth, AuthMethod::ScramSha256]);
    let bare = || Startup::new("me", Transport::UnixSocket).require_auth(methods);
    for (startup, expected) in [
        (bare().password_on_demand(), "PasswordNeeded(ScramSha256)"),
        (bare().bearer_token_on_demand(), "TokenNeeded"),
        (
            bare().bearer_token_on_demand().password_on_demand(),
            "PasswordNeeded(ScramSha256)",
        ),
    ] {
        assert_eq!(asked(startup, &offer).1, [expected]);
    }
}
