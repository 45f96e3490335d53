//! Methods that are weaker than what is allowed, or than what the connection can bear.

use purepg_proto::{
    AuthMethod, AuthMethods, BearerToken, Startup, TlsFacts, TlsRequest, Transport,
};
use purepg_testkit::backend::{
    authentication_cleartext, authentication_md5, authentication_ok, authentication_sasl,
    authentication_sasl_continue, error_response, let_in,
};
use purepg_testkit::frontend::Frontend;
use purepg_tests_protocol::driver::Driver;

use crate::{UNEXPECTED, assert_ends, begun};

const ALL: [AuthMethod; 5] = [
    AuthMethod::None,
    AuthMethod::Password,
    AuthMethod::Md5,
    AuthMethod::ScramSha256,
    AuthMethod::Oauth,
];

/// How a connection may be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Unix,
    InTheClear,
    Unverified,
    Verified,
}

impl Channel {
    const ALL: [Self; 4] = [
        Self::Unix,
        Self::InTheClear,
        Self::Unverified,
        Self::Verified,
    ];

    /// A client with every credential that there is, whose first message was sent.
    fn begun(self, methods: AuthMethods) -> Driver {
        let transport = match self {
            Self::Unix => Transport::UnixSocket,
            _ => Transport::Tcp,
        };
        let tls = match self {
            Self::Unverified | Self::Verified => TlsRequest::Direct,
            Self::Unix | Self::InTheClear => TlsRequest::None,
        };
        let startup = Startup::new("me", transport)
            .tls(tls)
            .password("secret")
            .bearer_token(token())
            .require_auth(methods);
        let mut driver = begun(startup);
        if tls == TlsRequest::Direct {
            let facts = TlsFacts::new().alpn(*TlsFacts::ALPN);
            driver.tls = Some(facts.verified(self == Self::Verified));
            assert_eq!(driver.take(), ["UpgradeToTls"]);
            driver.send();
        }
        driver
    }
}

fn token() -> BearerToken {
    BearerToken::new("the-token-that-nobody-may-see").unwrap()
}

/// What a server says that wants this method.
fn request(method: AuthMethod) -> Vec<u8> {
    match method {
        AuthMethod::None => authentication_ok(),
        AuthMethod::Password => authentication_cleartext(),
        AuthMethod::Md5 => authentication_md5([1, 2, 3, 4]),
        AuthMethod::ScramSha256 => authentication_sasl(&["SCRAM-SHA-256"]),
        _ => authentication_sasl(&["OAUTHBEARER"]),
    }
}

/// Every list that there is, of either kind, and none.
fn policies() -> Vec<(Option<bool>, Vec<AuthMethod>)> {
    let mut sets = vec![vec![]];
    for method in ALL {
        for set in sets.clone() {
            sets.push([set, vec![method]].concat());
        }
    }
    assert_eq!(sets.len(), 32);
    let lists = [true, false].map(|only| sets.iter().map(move |set| (Some(only), set.clone())));
    [(None, vec![])]
        .into_iter()
        .chain(lists.into_iter().flatten())
        .collect()
}

#[test]
fn security_18_no_weaker_method_than_is_allowed() {
    for (only, named) in policies() {
        let methods = match only {
            None => AuthMethods::default(),
            Some(true) => AuthMethods::only(named.iter().copied()),
            Some(false) => AuthMethods::except(named.iter().copied()),
        };
        for (method, channel) in ALL.iter().flat_map(|m| Channel::ALL.map(|c| (*m, c))) {
            let is_named = named.contains(&method);
            let listed = match only {
                None => true,
                Some(only) => is_named == only,
            };
            let asked_for = only == Some(true) && is_named;
            let private = match (method, channel) {
                (AuthMethod::Password, Channel::InTheClear) => asked_for,
                (AuthMethod::Oauth, Channel::Unix) => asked_for,
                (AuthMethod::Oauth, Channel::InTheClear | Channel::Unverified) => false,
                _ => true,
            };
            let allowed = listed && private;
            let what = format!("{method:?} over {channel:?} with {methods:?}");

            let mut driver = channel.begun(methods);
            let lines = driver.feed(&request(method));
            let answers = driver.core.wants_write();
            assert_eq!(lines.is_empty(), allowed, "{what}: {lines:?}");
            assert_eq!(answers, allowed && method != AuthMethod::None, "{what}");
            if !allowed {
                let refused = format!("`{method}`, which is not allowed here");
                assert!(lines[0].contains(&refused), "{what}: {lines:?}");
            }
        }
    }
}

#[test]
fn security_18_of_several_mechanisms_one_that_is_allowed() {
    let offer = authentication_sasl(&["OAUTHBEARER", "SCRAM-SHA-256"]);
    let answer = |startup: Startup| {
        let mut driver = begun(startup.tls(TlsRequest::Direct));
        driver.tls = Some(TlsFacts::new().alpn(*TlsFacts::ALPN).verified(true));
        driver.take();
        driver.send();
        let lines = driver.feed(&offer);
        match &driver.send()[..] {
            [Frontend::Password(body)] => Ok(Frontend::sasl_initial(body).unwrap().0),
            _ => Err(lines.join("\n")),
        }
    };
    let bare = || Startup::new("me", Transport::Tcp);
    let both = || bare().password("secret").bearer_token(token());
    let only = |method| AuthMethods::only([method]);
    let (scram, oauth) = ("SCRAM-SHA-256".to_owned(), "OAUTHBEARER".to_owned());
    // The one that gives nothing away, if there is something to answer it with.
    assert_eq!(answer(both()), Ok(scram.clone()));
    assert_eq!(answer(bare().bearer_token(token())), Ok(oauth.clone()));
    assert_eq!(answer(bare().password("secret")), Ok(scram.clone()));
    assert_eq!(
        answer(both().require_auth(only(AuthMethod::Oauth))),
        Ok(oauth)
    );
    let scram_alone = both().require_auth(only(AuthMethod::ScramSha256));
    assert_eq!(answer(scram_alone), Ok(scram));
    let missing = answer(bare()).unwrap_err();
    assert!(missing.contains("asks for a password"), "{missing}");
    let neither = answer(both().require_auth(only(AuthMethod::Md5))).unwrap_err();
    assert!(neither.contains("not allowed here"), "{neither}");
}

/// Whoever drives the core warns of it: who has seen an MD5 digest once can use it.
#[test]
fn security_19_md5_is_told_and_can_be_forbidden() {
    let mut driver = Channel::Unix.begun(AuthMethods::default());
    driver.feed(&request(AuthMethod::Md5));
    assert_eq!(driver.core.auth_method(), None, "not let in yet");
    driver.send();
    assert_eq!(driver.feed(&let_in()), ["Ready"]);
    assert_eq!(driver.core.auth_method(), Some(AuthMethod::Md5));

    let mut forbidden = Channel::Unix.begun(AuthMethods::except([AuthMethod::Md5]));
    let expected = "the server asks for the authentication method `md5`, which is not allowed here";
    assert_ends(&mut forbidden, &request(AuthMethod::Md5), expected);
}

#[test]
fn security_20_a_token_is_in_no_text() {
    let hidden = |shown: String| assert!(!shown.contains("nobody-may-see"), "{shown}");
    let mut driver = Channel::Verified.begun(AuthMethods::default());
    hidden(format!("{:?}", driver.core));
    driver.feed(&request(AuthMethod::Oauth));
    hidden(format!("{:?}", driver.core));
    let sent = driver.core.output().to_vec();
    assert!(String::from_utf8(sent).unwrap().contains("nobody-may-see"));
    driver.send();
    let challenge = authentication_sasl_continue("{\"status\":\"invalid_token\"}");
    let refusal = error_response("FATAL", "28000", "no");
    let lines = driver.feed(&[challenge, refusal].concat());
    assert_eq!(
        lines[..2],
        [
            "OauthChallenge {\"status\":\"invalid_token\"}",
            "Closed Fatal 28000 no"
        ]
    );
    hidden(format!("{lines:?} {:?}", driver.core));

    let mut refused = Channel::Unverified.begun(AuthMethods::default());
    hidden(refused.feed(&request(AuthMethod::Oauth)).join("\n"));
    hidden(format!("{:?}", refused.core));
}

/// Where tokens come from is as delicate as the tokens: somebody in the middle would send the client to an issuer of their own.
#[test]
fn security_20_nobody_is_asked_for_an_issuer_who_was_not_verified() {
    for (tls, facts) in [
        (TlsRequest::None, TlsFacts::new()),
        (TlsRequest::Direct, TlsFacts::new().alpn(*TlsFacts::ALPN)),
    ] {
        let startup = Startup::new("me", Transport::Tcp)
            .oauth_discovery()
            .tls(tls);
        let mut driver = begun(startup);
        driver.tls = Some(facts);
        driver.take();
        driver.send();
        let expected = "the server asks for the authentication method `oauth`";
        assert_ends(&mut driver, &request(AuthMethod::Oauth), expected);
    }
}

#[test]
fn security_20_a_challenge_is_bounded_and_text() {
    let challenged = |data: &[u8]| {
        let mut driver = Channel::Verified.begun(AuthMethods::default());
        driver.feed(&request(AuthMethod::Oauth));
        driver.send();
        (driver, authentication_sasl_continue(data))
    };
    let (mut driver, longest) = challenged(&[b' '; 2_001 - 9]);
    assert_eq!(driver.feed(&longest).len(), 1);
    assert!(matches!(&driver.send()[..], [Frontend::Password(body)] if body == b"\x01"));
    // It has said all it had to say.
    assert_ends(&mut driver, &longest, UNEXPECTED);

    let (mut driver, longer) = challenged(&[b' '; 2_002 - 9]);
    let limit = "2002, more than the limit `max_startup_message` of 2001";
    assert_ends(&mut driver, &longer[..5], limit);
    let (mut driver, bytes) = challenged(b"\xff");
    let malformed = "a malformed message: expected a challenge that is text";
    assert_ends(&mut driver, &bytes, malformed);
}

/// A server that lets in whoever has no token was not asked for that; nor is one believed that was dismissed.
#[test]
fn security_20_a_server_that_changes_its_mind() {
    let startup = Startup::new("me", Transport::UnixSocket).oauth_discovery();
    let only = AuthMethods::only([AuthMethod::Oauth, AuthMethod::None]);
    let discovers = || {
        let mut driver = begun(startup.clone().require_auth(only));
        driver.feed(&request(AuthMethod::Oauth));
        driver.send();
        driver
    };
    assert_ends(&mut discovers(), &authentication_ok(), UNEXPECTED);
    let mut dismissed = discovers();
    dismissed.feed(&authentication_sasl_continue("{}"));
    assert_ends(&mut dismissed, &authentication_ok(), UNEXPECTED);
    for other in [AuthMethod::Password, AuthMethod::ScramSha256] {
        assert_ends(&mut discovers(), &request(other), UNEXPECTED);
    }
}
