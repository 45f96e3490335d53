//! Bearer tokens, and servers in memory that want one. Real ones stand among the tests of TLS.

use std::sync::{Arc, Mutex};

use purepg_conn::{
    AuthMethod, AuthMethods, Config, CredentialsError, Error, ProtocolErrorKind, Runtime,
    TokenRequest,
};
use purepg_testkit::drop_at::drop_after;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_live::{Context, live};

use crate::models::{Models, contains, over_unix};

live!(
    a_token_is_asked_for_where_the_server_says,
    an_issuer_that_is_known_takes_one_stream,
    security_20_another_issuer_is_nobody,
    security_20_a_token_goes_where_it_may_and_is_shown_nowhere,
    security_20_a_refused_token_is_not_tried_again,
    a_token_may_not_be_had,
    dropped_wherever_it_waits,
);

const ISSUER: &str = "https://issuer.test";
const URL: &str = "https://issuer.test/.well-known/openid-configuration";
const TOKEN: &str = "good-t0ken-that-nobody-may-see";

fn challenge() -> String {
    format!(
        "{{\"status\":\"invalid_token\",\"openid-configuration\":\"{URL}\",\"scope\":\"openid db\"}}"
    )
}

/// A server that takes [`TOKEN`], and says this to whoever has another one.
fn server(challenge: &str) -> ModelServer {
    ModelServer::new(Auth::Oauth {
        token: TOKEN.to_owned(),
        challenge: challenge.to_owned(),
    })
}

type Asked = Arc<Mutex<Vec<TokenRequest>>>;

fn asking(config: Config, token: &'static str) -> (Config, Asked) {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    let config = config
        .oauth_issuer(ISSUER)
        .require_auth(AuthMethods::only([AuthMethod::Oauth]))
        .oauth_token_with(move |request| {
            noted.lock().unwrap().push(request.clone());
            Ok(token.into())
        });
    (config, asked)
}

/// The only answer to a server that asks for OAUTHBEARER from somebody who has no token.
const DISCOVERY: &[u8] = b"OAUTHBEARER\0\0\0\0\x0bn,,\x01auth=\x01\x01p\0\0\0\x05\x01";

async fn a_token_is_asked_for_where_the_server_says<R: Runtime>(cx: Context<R>) {
    let models = Models::new(&cx, |_| server(&challenge()));
    let (config, asked) = asking(over_unix(), TOKEN);
    let config = config.oauth_client_id("me").oauth_client_secret("shh");
    let conn = models.connect(&config).await.unwrap();
    assert_eq!(conn.auth_method(), Some(AuthMethod::Oauth));
    let written = models.written();
    assert_eq!(written.len(), 2, "one to learn, one to enter");
    assert!(written[0].ends_with(DISCOVERY) && !contains(&written[0], TOKEN));
    assert!(contains(
        &written[1],
        &format!("auth=Bearer {TOKEN}\x01\x01")
    ));
    {
        let asked = asked.lock().unwrap();
        let [request] = &asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!((request.issuer(), request.discovery_url()), (ISSUER, URL));
        assert_eq!(request.scope(), Some("openid db"));
        assert_eq!(request.client_id(), Some("me"));
        assert_eq!(request.client_secret(), Some("shh"));
        assert_eq!(
            (request.user(), request.address()),
            ("me", &config.settings().address())
        );
        assert!(!format!("{request:?}").contains("shh"));
    }
    // What the configuration says of the scope counts.
    let scoped = config.oauth_scope("db.read");
    models.connect(&scoped).await.unwrap();
    assert_eq!(asked.lock().unwrap()[1].scope(), Some("db.read"));
    // Asked without a thread.
    let unasked = models.runtime.jobs();
    let config = scoped.oauth_token_with_async(async |_| Ok(TOKEN.into()));
    models.connect(&config).await.unwrap();
    assert_eq!(models.runtime.jobs(), unasked);
    // Where no token is wanted nobody is asked for one.
    let trusting = Models::new(&cx, |_| ModelServer::new(Auth::Trust));
    let (config, asked) = asking(over_unix(), TOKEN);
    let config = config.require_auth(AuthMethods::default());
    trusting.connect(&config).await.unwrap();
    assert!(asked.lock().unwrap().is_empty());
}

async fn an_issuer_that_is_known_takes_one_stream<R: Runtime>(cx: Context<R>) {
    let models = Models::new(&cx, |_| server(&challenge()));
    let (config, asked) = asking(over_unix(), TOKEN);
    let config = config.oauth_issuer(URL);
    models.connect(&config).await.unwrap();
    assert_eq!(models.written().len(), 1);
    let asked = asked.lock().unwrap();
    assert_eq!((asked[0].issuer(), asked[0].discovery_url()), (ISSUER, URL));
    assert_eq!(asked[0].scope(), None, "the server was not heard");
}

/// Nobody is asked for a token, and no other stream is opened.
async fn security_20_another_issuer_is_nobody<R: Runtime>(cx: Context<R>) {
    let of =
        |url: &str| format!("{{\"status\":\"invalid_token\",\"openid-configuration\":\"{url}\"}}");
    let table = [
        (
            of("https://evil.test/.well-known/openid-configuration"),
            "another issuer",
        ),
        (
            of("https://issuer.test/x/.well-known/openid-configuration"),
            "another issuer",
        ),
        (
            of("https://issuer.test.evil/.well-known/openid-configuration"),
            "another issuer",
        ),
        (
            of("https://ISSUER.test/.well-known/openid-configuration"),
            "another issuer",
        ),
        (
            of("http://issuer.test/.well-known/openid-configuration"),
            "https://",
        ),
        (of("https://issuer.test"), "no /.well-known/"),
        (
            of("https://issuer.test/.well-known/openid-configuration?to=evil"),
            "query",
        ),
        (
            of("https://a/.well-known/openid-configuration/\\u001b[31m"),
            "ASCII",
        ),
        (
            "{\"status\":\"invalid_token\"}".to_owned(),
            "does not say where",
        ),
        (
            "{\"status\":\"invalid_token\",\"openid-configuration\":7}".to_owned(),
            "no string",
        ),
        (
            "{\"status\":\"invalid_token\",\"openid-configuration\":null}".to_owned(),
            "no string",
        ),
        (
            format!("{{\"openid-configuration\":\"{URL}\"}}"),
            "no status",
        ),
        (
            challenge().replace("invalid_token", "insufficient_scope"),
            "insufficient_scope",
        ),
        ("[]".to_owned(), "no JSON object"),
        ("{\"status\":".to_owned(), "no JSON object"),
        ("x".to_owned(), "no JSON object"),
        (
            format!("{}1{}", "[".repeat(900), "]".repeat(900)),
            "no JSON object",
        ),
    ];
    for (challenge, expected) in table {
        let said = challenge.clone();
        let models = Models::new(&cx, move |_| server(&said));
        let (config, asked) = asking(over_unix(), TOKEN);
        let error = models.connect(&config).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Credentials(_)), "{error:?}");
        assert!(text.contains(expected), "{challenge}: {text}");
        assert!(!text.contains('\x1b'));
        assert!(!error.is_retryable() && !error.is_recoverable());
        assert!(asked.lock().unwrap().is_empty(), "{challenge}");
        let written = models.written();
        assert_eq!(written.len(), 1);
        assert!(written[0].ends_with(DISCOVERY));
    }
    // One that is known by its document, and describes itself elsewhere by now.
    let moved = challenge().replace(
        "openid-configuration\",\"sc",
        "oauth-authorization-server\",\"sc",
    );
    let models = Models::new(&cx, move |_| server(&moved));
    let (config, _) = asking(over_unix(), "an-old-token");
    let error = models.connect(&config.oauth_issuer(URL)).await.unwrap_err();
    let Error::Credentials(error) = error else {
        panic!("{error:?}")
    };
    assert!(
        matches!(*error, CredentialsError::Issuer { .. }),
        "{error:?}"
    );
    assert_eq!(models.runtime.streams(), 1);
}

async fn security_20_a_token_goes_where_it_may_and_is_shown_nowhere<R: Runtime>(cx: Context<R>) {
    // Over a network it takes TLS that is verified; over a Unix socket somebody has to say so.
    let (unix, asked) = asking(over_unix(), TOKEN);
    let unnamed = unix.clone().require_auth(AuthMethods::default());
    let tcp = unix
        .clone()
        .host("127.0.0.1")
        .ssl_mode(purepg_conn::SslMode::Disable);
    for config in [unnamed, tcp.clone(), tcp.oauth_issuer(URL)] {
        let models = Models::new(&cx, |_| server(&challenge()));
        let Error::Protocol(error) = models.connect(&config).await.unwrap_err() else {
            panic!("it goes")
        };
        let method = "oauth";
        assert_eq!(
            *error.kind(),
            ProtocolErrorKind::MethodNotAllowed { method }
        );
        assert!(asked.lock().unwrap().is_empty());
        let written = models.written();
        assert_eq!(written.len(), 1);
        assert!(
            !contains(&written[0], "OAUTHBEARER"),
            "not even that there is none"
        );
    }
    // A server that does not like it.
    let models = Models::new(&cx, |_| {
        ModelServer::new(Auth::Oauth {
            token: "another".to_owned(),
            challenge: challenge(),
        })
    });
    let error = models.connect(&unix).await.unwrap_err();
    let shown = format!("{error} {error:?} {unix:?}");
    assert!(!shown.contains("t0ken"), "{shown}");
    // What is no token at all.
    let (malformed, _) = asking(over_unix(), "a t0ken, with a blank");
    let models = Models::new(&cx, |_| server(&challenge()));
    let error = models.connect(&malformed).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("what was given for a bearer token is none"),
        "{shown}"
    );
    assert!(!shown.contains("t0ken"), "{shown}");
    assert_eq!(models.runtime.streams(), 1);
}

async fn security_20_a_refused_token_is_not_tried_again<R: Runtime>(cx: Context<R>) {
    for (issuer, streams) in [(ISSUER, 2), (URL, 1)] {
        let models = Models::new(&cx, |_| server(&challenge()));
        let (config, asked) = asking(over_unix(), "an-old-token");
        let error = models
            .connect(&config.oauth_issuer(issuer))
            .await
            .unwrap_err();
        assert_eq!(error.sqlstate(), Some("28000"), "{error:?}");
        assert_eq!(models.runtime.streams(), streams);
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
    // Who has no token, and nobody to ask, says nothing.
    let models = Models::new(&cx, |_| server(&challenge()));
    let named = AuthMethods::only([AuthMethod::Oauth]);
    let config = over_unix().oauth_issuer(ISSUER).require_auth(named);
    let Error::Protocol(error) = models.connect(&config).await.unwrap_err() else {
        panic!("it asks")
    };
    assert_eq!(*error.kind(), ProtocolErrorKind::BearerTokenMissing);
    assert!(!contains(&models.written()[0], "OAUTHBEARER"));
}

async fn a_token_may_not_be_had<R: Runtime>(cx: Context<R>) {
    for issuer in [ISSUER, URL] {
        let models = Models::new(&cx, |_| server(&challenge()));
        let (config, _) = asking(over_unix(), TOKEN);
        let config = config
            .oauth_issuer(issuer)
            .oauth_token_with(|_| Err("nobody is at home".into()));
        let error = models.connect(&config).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no bearer token could be had: nobody is at home"
        );
        assert_eq!(models.runtime.streams(), 1);
    }
}

async fn dropped_wherever_it_waits<R: Runtime>(cx: Context<R>) {
    for issuer in [ISSUER, URL] {
        let (config, _) = asking(over_unix(), TOKEN);
        let config = config
            .oauth_issuer(issuer)
            .oauth_token_with_async(async |_| {
                for _ in 0..3 {
                    crate::asking::pending_once().await;
                }
                Ok(TOKEN.into())
            });
        let mut places = 0;
        for polls in 0.. {
            let models = Models::new(&cx, |_| server(&challenge()));
            match drop_after(models.connect(&config), polls).await {
                None => places += 1,
                Some(connected) => {
                    connected.unwrap();
                    break;
                }
            }
        }
        println!("a token: dropped at {places} places");
        assert!(places > 3);
    }
}
