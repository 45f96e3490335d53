//! The modes, and what a server can do: which streams are opened, what goes over them, and what comes of it.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use purepg_conn::{
    ChannelBinding, Config, Error, ProtocolErrorKind, Runtime, SslMode, SslNegotiation,
};
use purepg_testkit::server::{PASSWORD, Server, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

use crate::pki::{Authority, Folder};
use crate::servers::{ONLY_PLAIN, ONLY_TLS, config, connect, folder, roots, with_tls, without_tls};

live!(
    acceptance_20_the_modes_and_what_a_server_can_do,
    acceptance_20_a_wrong_password_and_what_comes_behind_it,
    acceptance_23_direct_tls_begins_with_its_own_hello,
    acceptance_25_without_gssapi_tls_is_asked_for_at_once,
    what_a_failed_handshake_leads_to,
    a_unix_socket_needs_no_tls,
    parameters_of_the_handshake,
);

/// What becomes of it: `tls` and `plain` are connections, the rest is why there is none.
async fn outcome<R: Runtime>(cx: &Context<R>, config: &Config) -> (String, String) {
    let (connected, streams) = connect(cx, config).await;
    let told = streams.told().join(" ");
    let outcome = match connected {
        Ok(mut conn) => {
            let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
            let row = conn.fetch_one(sql, ()).await.unwrap();
            let encrypted = row.get::<bool>(0).unwrap();
            assert_eq!(conn.is_encrypted(), encrypted);
            conn.close().await.unwrap();
            if encrypted { "tls" } else { "plain" }.to_owned()
        }
        Err(error) => why(&error),
    };
    (told, outcome)
}

fn why(error: &Error) -> String {
    match error {
        Error::Protocol(error) if *error.kind() == ProtocolErrorKind::TlsRefused => "no tls".into(),
        Error::Tls(_) => "handshake".into(),
        Error::Io { .. } => "io".into(),
        error => error
            .sqlstate()
            .unwrap_or_else(|| panic!("{error:?}"))
            .to_owned(),
    }
}

async fn acceptance_20_the_modes_and_what_a_server_can_do<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    // The user, the mode, and what happens with a server that does TLS, and with one that does not.
    let table = [
        (USER_TRUST, "disable", ("P", "plain"), ("P", "plain")),
        (ONLY_TLS, "disable", ("P", "28000"), ("P", "28000")),
        (ONLY_PLAIN, "disable", ("P", "plain"), ("P", "plain")),
        (USER_TRUST, "allow", ("P", "plain"), ("P", "plain")),
        (ONLY_TLS, "allow", ("P RST", "tls"), ("P RN", "28000")),
        (ONLY_PLAIN, "allow", ("P", "plain"), ("P", "plain")),
        (USER_TRUST, "prefer", ("RST", "tls"), ("RNP", "plain")),
        (ONLY_TLS, "prefer", ("RST", "tls"), ("RNP", "28000")),
        (ONLY_PLAIN, "prefer", ("RST P", "plain"), ("RNP", "plain")),
        (USER_TRUST, "require", ("RST", "tls"), ("RN", "no tls")),
        (ONLY_TLS, "require", ("RST", "tls"), ("RN", "no tls")),
        (ONLY_PLAIN, "require", ("RST", "28000"), ("RN", "no tls")),
        (USER_TRUST, "verify-ca", ("RST", "tls"), ("RN", "no tls")),
        (ONLY_PLAIN, "verify-ca", ("RST", "28000"), ("RN", "no tls")),
        (USER_TRUST, "verify-full", ("RST", "tls"), ("RN", "no tls")),
        (
            ONLY_PLAIN,
            "verify-full",
            ("RST", "28000"),
            ("RN", "no tls"),
        ),
    ];
    for (user, mode, yes, no) in table {
        let mode: SslMode = mode.parse().unwrap();
        let verifies = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
        let of = |server: &Server| {
            let config = config(server, user).ssl_mode(mode);
            if verifies {
                config.ssl_root_cert(roots())
            } else {
                config
            }
        };
        let servers = with_tls().iter().map(|server| (server, yes));
        for (server, (told, expected)) in
            servers.chain(without_tls().iter().map(|server| (server, no)))
        {
            let expected = (told.to_owned(), expected.to_owned());
            let version = server.version();
            assert_eq!(
                outcome(&cx, &of(server)).await,
                expected,
                "{version} {user} {mode}"
            );
        }
        if !mode.requires_tls() {
            continue;
        }
        // Direct TLS is there from 17 on, and there is no way back from it.
        for server in with_tls().iter().chain(without_tls()) {
            let config = of(server).ssl_negotiation(SslNegotiation::Direct);
            let (told, outcome) = outcome(&cx, &config).await;
            assert_eq!(told, "T", "{user} {mode}");
            if server.version() >= 17 && with_tls().iter().any(|tls| std::ptr::eq(tls, server)) {
                assert_eq!(outcome, yes.1, "{user} {mode}");
            } else {
                assert_eq!(outcome, "handshake", "{user} {mode}");
            }
        }
    }
}

/// As with a libpq that was built without GSSAPI: whoever would like it gets TLS, and whoever must have it gets nothing.
async fn acceptance_25_without_gssapi_tls_is_asked_for_at_once<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let of = |server: &Server, keywords: &str| {
        let port = server.port();
        let text =
            format!("host=127.0.0.1 port={port} user={USER_TRUST} dbname=postgres {keywords}");
        text.parse::<Config>()
    };
    for (server, mode, expected) in [
        (&with_tls()[0], "prefer", ("RST", "tls")),
        (&with_tls()[0], "require", ("RST", "tls")),
        (&without_tls()[0], "prefer", ("RNP", "plain")),
        (&without_tls()[0], "require", ("RN", "no tls")),
    ] {
        for gss in ["prefer", "disable"] {
            let config = of(server, &format!("gssencmode={gss} sslmode={mode}")).unwrap();
            let (told, came) = outcome(&cx, &config).await;
            assert_eq!((&*told, &*came), expected, "{gss} {mode}");
        }
    }
    let error = of(&with_tls()[0], "gssencmode=require").unwrap_err();
    assert!(error.to_string().contains("GSSAPI"), "{error}");
}

/// libpq's rule: an error before the server has let anybody in leads to the other way, one behind it does not.
async fn acceptance_20_a_wrong_password_and_what_comes_behind_it<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in with_tls() {
        for (mode, told) in [
            (SslMode::Disable, "P"),
            (SslMode::Allow, "P RST"),
            (SslMode::Prefer, "RST P"),
            (SslMode::Require, "RST"),
        ] {
            let config = config(server, USER_SCRAM).ssl_mode(mode);
            let wrong = config.clone().password("wrong");
            assert_eq!(
                outcome(&cx, &wrong).await,
                (told.into(), "28P01".into()),
                "{mode}"
            );
            let nowhere = config.password(PASSWORD).database("nowhere");
            let first = told.split(' ').next().unwrap();
            assert_eq!(
                outcome(&cx, &nowhere).await,
                (first.into(), "3D000".into()),
                "{mode}"
            );
        }
    }
}

async fn acceptance_23_direct_tls_begins_with_its_own_hello<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let mut shown = false;
    for server in with_tls() {
        let config = config(server, USER_TRUST)
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        let (connected, streams) = connect(&cx, &config).await;
        let written = streams.written();
        assert_eq!(written.len(), 1);
        assert_eq!(written[0][0], 0x16);
        let offers = |bytes: &[u8]| bytes.windows(11).any(|bytes| bytes == b"\x0apostgresql");
        // A server that does not know this way may end it behind the first bytes.
        assert!(connected.is_err() || offers(&written[0]));
        shown |= connected.is_ok();
        // An address is not told.
        assert!(!written[0].windows(9).any(|bytes| bytes == b"127.0.0.1"));
    }
    assert!(shown, "one of them knows it");
}

/// With `prefer` the other way is open, with `require` nothing is.
async fn what_a_failed_handshake_leads_to<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let other = Authority::new("somebody else");
    let folder = Folder::new();
    let roots = folder.public("other.crt", &other.pem);
    for server in with_tls() {
        for (mode, told, expected) in [
            (SslMode::Allow, "P", "plain"),
            (SslMode::Prefer, "RST P", "plain"),
            (SslMode::Require, "RST", "handshake"),
            (SslMode::VerifyCa, "RST", "handshake"),
        ] {
            let config = config(server, USER_TRUST)
                .ssl_mode(mode)
                .ssl_root_cert(&roots);
            assert_eq!(
                outcome(&cx, &config).await,
                (told.into(), expected.into()),
                "{mode}"
            );
        }
    }
}

async fn a_unix_socket_needs_no_tls<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Tcp {
        return;
    }
    for mode in ["disable", "allow", "prefer", "require"] {
        let config = cx.config(USER_TRUST).ssl_mode(mode.parse().unwrap());
        assert_eq!(
            outcome(&cx, &config).await,
            ("P".into(), "plain".into()),
            "{mode}"
        );
    }
    let config = cx.config(USER_TRUST).ssl_mode(SslMode::Require);
    let bound = config.channel_binding(ChannelBinding::Require);
    let (refused, streams) = connect(&cx, &bound).await;
    assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    assert!(streams.told().is_empty(), "nothing was opened");
}

/// What is asked of the handshake is what it gives.
async fn parameters_of_the_handshake<R: Runtime>(cx: Context<R>) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    if cx.transport == Transport::Unix {
        return;
    }
    let server = &with_tls()[0];
    for (setting, value, expected) in [
        ("ssl_max_protocol_version", "TLSv1.2", "TLSv1.2"),
        ("ssl_min_protocol_version", "TLSv1.3", "TLSv1.3"),
        ("ssl_min_protocol_version", "TLSv1", "TLSv1.3"),
    ] {
        let (host, port) = (server.host(), server.port());
        let text = format!(
            "host={host} port={port} user={USER_TRUST} dbname=purepg sslmode=require {setting}={value}"
        );
        let (connected, _) = connect(&cx, &text.parse().unwrap()).await;
        let mut conn = connected.unwrap();
        let sql = "select version from pg_stat_ssl where pid = pg_backend_pid()";
        let row = conn.fetch_one(sql, ()).await.unwrap();
        assert_eq!(row.get::<&str>(0).unwrap(), expected);
    }
    // A name is told, unless it is not to be.
    for sni in [true, false] {
        let config = config(server, USER_TRUST)
            .host("localhost")
            .ssl_mode(SslMode::Require)
            .ssl_sni(sni);
        let (connected, streams) = connect(&cx, &config).await;
        connected.unwrap();
        let told = |bytes: &[u8]| bytes.windows(9).any(|bytes| bytes == b"localhost");
        assert_eq!(streams.written().iter().any(|bytes| told(bytes)), sni);
    }
    // Who has the keys can read along.
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let log = folder().path(&format!("keys-{run}"));
    let config = config(server, USER_TRUST).ssl_mode(SslMode::Require);
    connect(&cx, &config.ssl_key_log_file(&log))
        .await
        .0
        .unwrap();
    let keys = std::fs::read_to_string(&log).unwrap();
    let mode = std::fs::metadata(&log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "and nobody else");
    assert!(
        keys.lines()
            .any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")),
        "{keys}"
    );
}
