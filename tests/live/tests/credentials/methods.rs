//! Which methods will do: libpq's `require_auth`, and what is thought of MD5.

use std::sync::{Arc, Mutex};

use purepg_conn::{AuthMethod, AuthMethods, Config, Error, ProtocolErrorKind, Runtime, Severity};
use purepg_testkit::backend::{
    authentication, authentication_cleartext, authentication_md5, authentication_ok,
    authentication_sasl, ready,
};
use purepg_testkit::recorded::{Record, Recorded};
use purepg_testkit::server::{PASSWORD, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Canned, Context, Replaced, Transport, live};

use crate::models::contains;
use crate::servers::{any, servers};

live!(
    security_18_the_table_of_libpq,
    security_18_nothing_is_answered_to_what_is_refused,
    security_18_no_password_in_the_clear_unless_it_is_named,
    security_19_md5_is_warned_of,
);

const METHODS: [(&str, AuthMethod); 4] = [
    (USER_TRUST, AuthMethod::None),
    (USER_PASSWORD, AuthMethod::Password),
    (USER_MD5, AuthMethod::Md5),
    (USER_SCRAM, AuthMethod::ScramSha256),
];

/// Lists, and which of [`METHODS`] let in then: what `001_password.pl` of PostgreSQL's own tests shows, where our rules are libpq's.
const TABLE: [(&str, [bool; 4]); 27] = [
    ("", [true, true, true, true]),
    ("none", [true, false, false, false]),
    ("password", [false, true, false, false]),
    ("md5", [false, false, true, false]),
    ("scram-sha-256", [false, false, false, true]),
    ("oauth", [false, false, false, false]),
    ("none,password", [true, true, false, false]),
    ("none,md5", [true, false, true, false]),
    ("none,scram-sha-256", [true, false, false, true]),
    ("password,md5", [false, true, true, false]),
    ("password,scram-sha-256", [false, true, false, true]),
    ("md5,scram-sha-256", [false, false, true, true]),
    ("scram-sha-256,password,md5", [false, true, true, true]),
    ("none,scram-sha-256,password,md5", [true, true, true, true]),
    ("!none", [false, true, true, true]),
    ("!password", [true, false, true, true]),
    ("!md5", [true, true, false, true]),
    ("!scram-sha-256", [true, true, true, false]),
    ("!gss", [true, true, true, true]),
    ("!sspi,!gss,!oauth", [true, true, true, true]),
    ("!none,!password", [false, false, true, true]),
    ("!none,!md5", [false, true, false, true]),
    ("!password,!md5", [true, false, false, true]),
    ("!password,!scram-sha-256", [true, false, true, false]),
    ("!md5,!scram-sha-256", [true, true, false, false]),
    ("!password,!md5,!scram-sha-256", [true, false, false, false]),
    (
        "!none,!password,!md5,!scram-sha-256",
        [false, false, false, false],
    ),
];

/// Over a network without TLS a password in the clear has to be named, whatever else is.
fn is_refused_in_the_clear<R>(cx: &Context<R>, list: &str, method: AuthMethod) -> bool {
    let named = !list.starts_with('!') && list.split(',').any(|name| name == "password");
    cx.transport == Transport::Tcp && method == AuthMethod::Password && !named
}

async fn security_18_the_table_of_libpq<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        for (list, expected) in TABLE {
            let methods: AuthMethods = list.parse().unwrap();
            for ((user, method), listed) in METHODS.into_iter().zip(expected) {
                let config = cx
                    .config_of(server, user)
                    .password(PASSWORD)
                    .require_auth(methods);
                let enters = listed && !is_refused_in_the_clear(&cx, list, method);
                match cx.try_connect(&config).await {
                    Ok(conn) => {
                        assert!(enters, "{list}: {user}");
                        assert_eq!(conn.auth_method(), Some(method));
                    }
                    Err(Error::Protocol(error)) => {
                        assert!(!enters, "{list}: {user}: {error}");
                        let method = method.name();
                        let refused = ProtocolErrorKind::MethodNotAllowed { method };
                        assert_eq!(*error.kind(), refused);
                    }
                    Err(error) => panic!("{list}: {user}: {error:?}"),
                }
            }
        }
    }
}

/// What is written to a server that answers the first message so, and how it ends.
async fn written_to<R: Runtime>(
    cx: &Context<R>,
    config: &Config,
    answer: Vec<u8>,
) -> (Vec<u8>, Error) {
    let record = Record::default();
    let noted = record.clone();
    let runtime = Replaced::new(&cx.runtime, move |_| {
        Recorded::new(Canned::new([answer.clone()]), noted.clone())
    });
    let error = purepg_conn::connect(runtime, config).await.unwrap_err();
    (record.take().bytes, error)
}

/// The first message, and not a byte behind it.
async fn security_18_nothing_is_answered_to_what_is_refused<R: Runtime>(cx: Context<R>) {
    let base = match cx.transport {
        Transport::Tcp => Config::new("127.0.0.1", "me").ssl_mode(purepg_conn::SslMode::Disable),
        Transport::Unix => Config::new("/nowhere", "me"),
    };
    let base = base.password("s3cret").scram_keys([1; 32], [2; 32]);
    let requests = [
        (
            AuthMethod::None,
            [authentication_ok(), ready(b'I')].concat(),
        ),
        (AuthMethod::Password, authentication_cleartext()),
        (AuthMethod::Md5, authentication_md5([1, 2, 3, 4])),
        (
            AuthMethod::ScramSha256,
            authentication_sasl(&["SCRAM-SHA-256"]),
        ),
        (AuthMethod::Oauth, authentication_sasl(&["OAUTHBEARER"])),
    ];
    let mut refusals = 0;
    for (list, _) in TABLE {
        let methods: AuthMethods = list.parse().unwrap();
        for (method, request) in requests.clone() {
            if methods.allows_where_private(method) && method != AuthMethod::Oauth {
                continue;
            }
            let config = base.clone().require_auth(methods);
            let (written, error) = written_to(&cx, &config, request).await;
            let length = u32::from_be_bytes(written[..4].try_into().unwrap());
            assert_eq!(
                usize::try_from(length).unwrap(),
                written.len(),
                "{list}: {method}"
            );
            assert!(!contains(&written, "s3cret"));
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
            refusals += 1;
        }
    }
    // Methods that nobody has here: Kerberos, GSSAPI, SSPI, another mechanism.
    for (request, name) in [
        (authentication(2, b""), "Kerberos"),
        (authentication(7, b""), "GSS"),
        (authentication(9, b""), "SSPI"),
        (authentication_sasl(&["SCRAM-SHA-1", "PLAIN"]), "PLAIN"),
    ] {
        let (written, error) = written_to(&cx, &base, request).await;
        let length = u32::from_be_bytes(written[..4].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), written.len());
        assert!(error.to_string().contains(name), "{error}");
    }
    println!("{refusals} refusals");
    assert!(refusals > 50);
}

async fn security_18_no_password_in_the_clear_unless_it_is_named<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        let config = cx.config_of(server, USER_PASSWORD).password(PASSWORD);
        let default = cx.try_connect(&config).await;
        assert_eq!(default.is_ok(), cx.transport == Transport::Unix);
        let named = config.require_auth(AuthMethods::only([AuthMethod::Password]));
        cx.try_connect(&named).await.unwrap();
    }
}

/// It comes as servers' own warnings do: to be taken, or to whoever is to be told.
async fn security_19_md5_is_warned_of<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        for (user, method) in METHODS {
            let config = cx
                .config_of(server, user)
                .password(PASSWORD)
                .require_auth(any());
            let mut conn = cx.try_connect(&config).await.unwrap();
            let taken = conn.take_notice();
            let told: Arc<Mutex<Vec<_>>> = Arc::default();
            let noted = Arc::clone(&told);
            let config = config.on_notice(move |notice| noted.lock().unwrap().push(notice.clone()));
            cx.try_connect(&config).await.unwrap();
            let told = std::mem::take(&mut *told.lock().unwrap());
            if method != AuthMethod::Md5 {
                assert!(taken.is_none() && told.is_empty(), "{user}");
                continue;
            }
            let notice = taken.unwrap();
            assert_eq!(told, std::slice::from_ref(&notice));
            assert_eq!(notice.severity(), Severity::Warning);
            assert_eq!(notice.sqlstate(), Some("01P01"));
            assert!(notice.message().contains("MD5"), "{notice}");
            assert!(notice.hint().unwrap().contains("scram-sha-256"));
            let shown = format!("{notice} {notice:?}");
            assert!(!shown.contains(PASSWORD) && !shown.contains(user));
            assert!(conn.take_notice().is_none(), "once");
        }
    }
}
