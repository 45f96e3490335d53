//! Who is let in, and how those who are not are told.

use std::io;
use std::net::ToSocketAddrs as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use purepg_conn::{
    AuthMethod, AuthMethods, BoxFuture, Endpoint, Error, ProtocolErrorKind, ProtocolVersion,
    Runtime, SocketOptions,
};
use purepg_testkit::server::{PASSWORD, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

live!(
    trust_lets_in_without_a_password,
    every_method_takes_the_right_password,
    a_wrong_password_is_told_from_a_missing_one,
    cleartext_goes_over_a_unix_socket_only,
    require_auth_is_kept,
    a_refusal_says_why,
    acceptance_3_every_address_of_a_name_is_tried,
    the_session_begins_as_asked,
    acceptance_10_a_newer_protocol_is_asked_for,
);

async fn trust_lets_in_without_a_password<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let user: String = conn.fetch_scalar("select current_user", ()).await.unwrap();
    assert_eq!(user, USER_TRUST);
    assert!(conn.is_ready() && !conn.in_transaction() && !conn.is_dead());
    conn.close().await.unwrap();
}

async fn every_method_takes_the_right_password<R: Runtime>(cx: Context<R>) {
    for user in [USER_PASSWORD, USER_MD5, USER_SCRAM] {
        let mut conn = cx
            .try_connect(&cx.config_with_password(user))
            .await
            .unwrap();
        let who: String = conn.fetch_scalar("select session_user", ()).await.unwrap();
        assert_eq!(who, user);
    }
}

async fn a_wrong_password_is_told_from_a_missing_one<R: Runtime>(cx: Context<R>) {
    for (user, name) in [
        (USER_PASSWORD, "password"),
        (USER_MD5, "md5"),
        (USER_SCRAM, "scram-sha-256"),
    ] {
        let wrong = cx.config_with_password(user).password("not that");
        let error = cx.try_connect(&wrong).await.unwrap_err();
        assert!(matches!(&error, Error::InvalidPassword(_)), "{error}");
        assert_eq!(error.sqlstate(), Some("28P01"));
        assert!(!error.to_string().contains("not that") && !error.is_recoverable());

        let all = [
            AuthMethod::Password,
            AuthMethod::Md5,
            AuthMethod::ScramSha256,
        ];
        let missing = cx.config(user).require_auth(AuthMethods::only(all));
        let error = cx.try_connect(&missing).await.unwrap_err();
        assert!(
            matches!(&error, Error::MissingPassword { method, .. } if *method == name),
            "{error:?}"
        );
        let empty = missing.password("");
        let error = cx.try_connect(&empty).await.unwrap_err();
        assert!(matches!(error, Error::MissingPassword { .. }), "{error:?}");
    }
}

async fn cleartext_goes_over_a_unix_socket_only<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_PASSWORD).password(PASSWORD);
    match (cx.transport, cx.try_connect(&config).await) {
        (Transport::Unix, result) => drop(result.unwrap()),
        (Transport::Tcp, result) => match result.unwrap_err() {
            Error::Protocol(error) => assert_eq!(
                error.kind(),
                &ProtocolErrorKind::MethodNotAllowed { method: "password" }
            ),
            other => panic!("{other:?}"),
        },
    }
}

async fn require_auth_is_kept<R: Runtime>(cx: Context<R>) {
    let only = |methods: &[AuthMethod]| AuthMethods::only(methods.iter().copied());
    let cases = [
        (USER_TRUST, only(&[AuthMethod::ScramSha256]), "none"),
        (USER_MD5, only(&[AuthMethod::ScramSha256]), "md5"),
        (
            USER_SCRAM,
            only(&[AuthMethod::Md5, AuthMethod::None]),
            "scram-sha-256",
        ),
        (
            USER_SCRAM,
            AuthMethods::except([AuthMethod::ScramSha256]),
            "scram-sha-256",
        ),
    ];
    for (user, methods, refused) in cases {
        let config = cx.config(user).password(PASSWORD).require_auth(methods);
        match cx.try_connect(&config).await.unwrap_err() {
            Error::Protocol(error) => assert_eq!(
                error.kind(),
                &ProtocolErrorKind::MethodNotAllowed { method: refused },
                "{user}"
            ),
            other => panic!("{user}: {other:?}"),
        }
    }
}

async fn a_refusal_says_why<R: Runtime>(cx: Context<R>) {
    let config = cx.config(USER_TRUST).database("no such database");
    let error = cx.try_connect(&config).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("3D000"), "{error}");
    assert!(matches!(error, Error::Database(_)));

    let config = cx.config("nobody of that name");
    let error = cx.try_connect(&config).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("28000"), "{error}");

    let config = cx.config(USER_TRUST).port(1);
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    let named = if cx.transport == Transport::Tcp {
        "127.0.0.1:1"
    } else {
        ".s.PGSQL.1"
    };
    assert!(error.to_string().contains(named), "{error}");

    let config: purepg_conn::Config = "postgres://u@localhost/?sslmode=verify-full"
        .parse()
        .unwrap();
    let error = cx.try_connect(&config).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
}

/// A runtime that refuses to connect to the first address it is asked for.
struct RefusesTheFirst<R> {
    inner: Arc<R>,
    asked: Mutex<Vec<Endpoint>>,
}

impl<R: Runtime> Runtime for RefusesTheFirst<R> {
    type Stream = R::Stream;

    fn connect(
        &self,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<R::Stream>> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(endpoint.clone());
        if asked.len() == 1 {
            Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
        } else {
            self.inner.connect(endpoint, options)
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(job)
    }
}

async fn acceptance_3_every_address_of_a_name_is_tried<R: Runtime>(cx: Context<R>) {
    let port = cx.server().port();
    let addresses = ("localhost", port).to_socket_addrs().unwrap().count();
    let asked = Mutex::default();
    let runtime = Arc::new(RefusesTheFirst {
        inner: Arc::clone(&cx.runtime),
        asked,
    });
    let config = cx.config(USER_TRUST).host("localhost");
    let result = purepg_conn::connect(Arc::clone(&runtime), &config).await;
    let asked = runtime.asked.lock().unwrap().len();
    match result {
        // The server listens on one of them: the name led there, behind one that refused.
        Ok(conn) => assert!(asked > 1 && matches!(conn.endpoint(), Endpoint::Tcp(_))),
        Err(error) => {
            assert_eq!(asked, addresses, "{error}");
            assert!(error.to_string().contains(&port.to_string()), "{error}");
        }
    }
    // A refusal by the server itself is no reason to try the next one.
    let asked = Mutex::new(vec![Endpoint::Unix("/not/the/first".into())]);
    let runtime = Arc::new(RefusesTheFirst {
        inner: Arc::clone(&cx.runtime),
        asked,
    });
    let config = cx.config("nobody of that name");
    let error = purepg_conn::connect(Arc::clone(&runtime), &config)
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("28000"));
    assert_eq!(runtime.asked.lock().unwrap().len(), 2);
}

async fn the_session_begins_as_asked<R: Runtime>(cx: Context<R>) {
    let config = cx
        .config(USER_TRUST)
        .application_name("a test")
        .parameter("statement_timeout", "54321")
        .options("-c work_mem=4321kB");
    let mut conn = cx.try_connect(&config).await.unwrap();
    assert_eq!(conn.parameter("application_name"), Some("a test"));
    assert_eq!(conn.parameter("client_encoding"), Some("UTF8"));
    assert_eq!(conn.parameter("DateStyle"), Some("ISO, MDY"));
    assert!(conn.server_timezone().is_some() && conn.process_id().is_some());
    let snapshot = conn.parameters();
    conn.execute("set timezone to 'Asia/Tokyo'", ())
        .await
        .unwrap();
    assert_eq!(conn.server_timezone(), Some("Asia/Tokyo"));
    assert_ne!(snapshot.get("TimeZone"), Some("Asia/Tokyo"));
    let settings = "select current_setting('statement_timeout'), current_setting('work_mem')";
    let row = conn.fetch_one(settings, ()).await.unwrap();
    assert_eq!(row.decode::<(&str, &str)>().unwrap(), ("54321ms", "4321kB"));
}

/// Whatever the server speaks: an older one says so, and goes on.
async fn acceptance_10_a_newer_protocol_is_asked_for<R: Runtime>(cx: Context<R>) {
    for version in [ProtocolVersion::V3_0, ProtocolVersion::LATEST] {
        let config = cx.config(USER_TRUST).max_protocol_version(version);
        let mut conn = cx.try_connect(&config).await.unwrap();
        let user: String = conn.fetch_scalar("select current_user", ()).await.unwrap();
        assert_eq!(user, USER_TRUST);
    }
}
