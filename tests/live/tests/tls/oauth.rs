//! Bearer tokens and a real server: PostgreSQL 18, with a validator of tokens that is compiled here.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use purepg_conn::{
    AuthMethod, AuthMethods, Config, CredentialsError, Error, ProtocolErrorKind, Runtime, SslMode,
};
use purepg_testkit::server::{Options, Server, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

use crate::servers::{connect, folder, identity, roots};

live!(
    a_token_lets_in,
    security_20_another_token_does_not,
    security_20_another_issuer_gets_none,
    security_20_who_is_not_verified_gets_none,
);

const ISSUER: &str = "https://issuer.test/of/ours";
const URL: &str = "https://issuer.test/of/ours/.well-known/openid-configuration";

/// One that wants a token of everybody but the superuser.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let oauth = format!("oauth issuer=\"{ISSUER}\" scope=\"openid db\"");
        let lines = [
            "local all postgres trust".to_owned(),
            format!("local all all {oauth}"),
            format!("host all all 127.0.0.1/32 {oauth}\n"),
        ];
        let hba = folder().public("pg_hba_oauth.conf", &lines.join("\n"));
        let options = Options::new()
            .version(18)
            .tls(&identity().certificate, &identity().key)
            .setting("hba_file", hba.display().to_string())
            .setting("dynamic_library_path", format!("{}:$libdir", compiled()))
            .setting("oauth_validator_libraries", "validator");
        Server::start(options).unwrap()
    })
}

/// The folder with the validator. Whoever has compiled this test has a C compiler, which has linked it.
fn compiled() -> String {
    let source = folder().public("validator.c", include_str!("validator.c"));
    let module = folder().public("validator.so", "");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(&compiler)
        .args(["-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"])
        .args(cfg!(target_os = "macos").then_some("-Wl,-undefined,dynamic_lookup"))
        .arg("-o")
        .args([&module, &source])
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("OAUTHBEARER: against a real PostgreSQL 18, with a validator compiled by {compiler}");
    module.parent().unwrap().display().to_string()
}

/// Everything as it must be, but for the token.
fn config<R: Runtime>(cx: &Context<R>) -> Config {
    let config = cx.config_of(server(), USER_TRUST).oauth_issuer(ISSUER);
    match cx.transport {
        Transport::Tcp => config.ssl_mode(SslMode::VerifyFull).ssl_root_cert(roots()),
        Transport::Unix => config.require_auth(AuthMethods::only([AuthMethod::Oauth])),
    }
}

/// The same with a token, and how often it was asked for.
fn with_token(config: Config, token: &str) -> (Config, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, token) = (Arc::clone(&asked), token.to_owned());
    let config = config.oauth_token_with(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!((request.issuer(), request.discovery_url()), (ISSUER, URL));
        Ok(token.clone())
    });
    (config, asked)
}

fn good() -> String {
    format!("good-{USER_TRUST}")
}

async fn a_token_lets_in<R: Runtime>(cx: Context<R>) {
    for (issuer, streams) in [(ISSUER, 2), (URL, 1)] {
        let (config, asked) = with_token(config(&cx).oauth_issuer(issuer), &good());
        let (connected, written) = connect(&cx, &config).await;
        let mut conn = connected.unwrap();
        assert_eq!(conn.auth_method(), Some(AuthMethod::Oauth));
        let who: String = conn.fetch_scalar("select system_user", ()).await.unwrap();
        assert_eq!(who, format!("oauth:{USER_TRUST}"));
        assert_eq!(written.told().len(), streams);
        assert_eq!(asked.load(Ordering::SeqCst), 1);

        let asynchronous = config.oauth_token_with_async(async |_| Ok(good()));
        let mut conn = cx.try_connect(&asynchronous).await.unwrap();
        conn.ping().await.unwrap();
    }
}

async fn security_20_another_token_does_not<R: Runtime>(cx: Context<R>) {
    for token in ["bad", "good-somebody_else", "good"] {
        for issuer in [ISSUER, URL] {
            let (config, asked) = with_token(config(&cx).oauth_issuer(issuer), token);
            let error = cx.try_connect(&config).await.unwrap_err();
            assert_eq!(error.sqlstate(), Some("28000"), "{error:?}");
            assert!(!error.to_string().contains(token), "{error}");
            assert_eq!(asked.load(Ordering::SeqCst), 1);
        }
    }
}

async fn security_20_another_issuer_gets_none<R: Runtime>(cx: Context<R>) {
    let (config, asked) = with_token(config(&cx), &good());
    for issuer in [
        "https://issuer.test",
        "https://issuer.test/of/ours/",
        "https://other.test/of/ours",
    ] {
        let config = config.clone().oauth_issuer(issuer);
        let (result, written) = connect(&cx, &config).await;
        let Err(Error::Credentials(error)) = result else {
            panic!("{issuer}")
        };
        assert!(matches!(*error, CredentialsError::Issuer { .. }), "{error}");
        assert!(error.to_string().contains(URL), "{error}");
        assert_eq!(written.told().len(), 1, "nothing more is tried");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

async fn security_20_who_is_not_verified_gets_none<R: Runtime>(cx: Context<R>) {
    let (config, asked) = with_token(config(&cx), &good());
    let configs = match cx.transport {
        Transport::Tcp => [
            SslMode::Disable,
            SslMode::Allow,
            SslMode::Prefer,
            SslMode::Require,
            SslMode::VerifyCa,
        ]
        .map(|mode| config.clone().ssl_mode(mode))
        .to_vec(),
        Transport::Unix => vec![config.require_auth(AuthMethods::default())],
    };
    for config in configs {
        let Error::Protocol(error) = cx.try_connect(&config).await.unwrap_err() else {
            panic!("{config:?}")
        };
        let method = "oauth";
        assert_eq!(
            *error.kind(),
            ProtocolErrorKind::MethodNotAllowed { method }
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
