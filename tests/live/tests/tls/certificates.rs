//! Whose certificate it is, and who vouches for it: what each mode takes, and what it refuses.

use purepg_conn::{Config, Error, Runtime, SslMode};
use purepg_testkit::server::{Server, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};
use rcgen::{SanType, SerialNumber, date_time_ymd};

use crate::pki::{Authority, Folder, Identity, named, self_signed, server};
use crate::servers::{authority, config, showing};

live!(
    acceptance_24_names_of_a_certificate,
    acceptance_24_wildcards_of_a_certificate,
    acceptance_24_who_vouches_for_a_certificate,
    acceptance_24_certificates_that_were_revoked,
    acceptance_24_a_certificate_that_vouches_for_itself,
    security_03_files_that_cannot_be_used,
    a_client_configuration_of_ones_own,
);

/// Nothing, or why the certificate was refused.
async fn refusal<R: Runtime>(cx: &Context<R>, config: &Config) -> Option<String> {
    match cx.try_connect(config).await {
        Ok(mut conn) => {
            assert!(conn.is_encrypted());
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
            None
        }
        Err(Error::Tls(error)) => Some(error.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

fn verified(server: &Server, mode: SslMode, roots: &std::path::Path) -> Config {
    config(server, USER_TRUST)
        .ssl_mode(mode)
        .ssl_root_cert(roots)
}

async fn acceptance_24_names_of_a_certificate<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let folder = Folder::new();
    let roots = folder.public("root.crt", &authority().pem);
    let common = |name: &str, alternative: &[&str]| {
        let mut params = server(alternative);
        params.distinguished_name = named(name).distinguished_name;
        authority().issue(params)
    };
    let cut = {
        let mut params = server(&[]);
        let name = "localhost\0.example".try_into().unwrap();
        params.subject_alt_names = vec![SanType::DnsName(name)];
        authority().issue(params)
    };
    // The certificate, and the hosts it is for, of the two that lead to the servers of the tests.
    for (what, identity, name, address) in [
        (
            "both",
            authority().server(&["127.0.0.1", "localhost"]),
            true,
            true,
        ),
        ("a name", authority().server(&["localhost"]), true, false),
        (
            "an address",
            authority().server(&["127.0.0.1"]),
            false,
            true,
        ),
        (
            "in capitals",
            authority().server(&["LOCALHOST"]),
            true,
            false,
        ),
        (
            "another name",
            authority().server(&["remotehost"]),
            false,
            false,
        ),
        (
            "a wildcard for everything",
            authority().server(&["*"]),
            false,
            false,
        ),
        (
            "a wildcard below",
            authority().server(&["*.localhost"]),
            false,
            false,
        ),
        ("a common name", common("localhost", &[]), true, false),
        ("a common address", common("127.0.0.1", &[]), false, true),
        (
            "a common name besides another",
            common("localhost", &["remotehost"]),
            false,
            false,
        ),
        (
            "a common name besides an address",
            common("localhost", &["127.0.0.1"]),
            true,
            true,
        ),
        (
            "a common address besides a name",
            common("127.0.0.1", &["remotehost"]),
            false,
            true,
        ),
        (
            "a common name with a zero byte",
            common("localhost\0.example", &[]),
            false,
            false,
        ),
        ("a name with a zero byte", cut, false, false),
    ] {
        let server = showing(&identity);
        let full = verified(&server, SslMode::VerifyFull, &roots);
        for (host, expected) in [("localhost", name), ("127.0.0.1", address)] {
            let refused = refusal(&cx, &full.clone().host(host)).await;
            assert_eq!(refused.is_none(), expected, "{what} {host}: {refused:?}");
            let told = |text: &String| text.contains("the certificate is for");
            assert!(
                refused.as_ref().is_none_or(told),
                "{what} {host}: {refused:?}"
            );
        }
        // No other mode looks at names.
        for mode in [SslMode::VerifyCa, SslMode::Require, SslMode::Prefer] {
            let config = verified(&server, mode, &roots).host("localhost");
            assert_eq!(refusal(&cx, &config).await, None, "{what} {mode}");
        }
    }
}

/// Names that nobody can look up: the address is said beside each.
async fn acceptance_24_wildcards_of_a_certificate<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let folder = Folder::new();
    let roots = folder.public("root.crt", &authority().pem);
    for (names, hosts) in [
        (
            &["*.db.example"][..],
            &[
                ("a.db.example", true),
                ("A.DB.Example", true),
                // One label, and one alone.
                ("db.example", false),
                ("a.b.db.example", false),
                ("a.xdb.example", false),
                (".db.example", false),
            ][..],
        ),
        // Neither a part of a label, nor one further on.
        (&["a*.db.example"], &[("ab.db.example", false)]),
        (&["a.*.example"], &[("a.db.example", false)]),
        (
            &["remotehost", "*.db.example", "a.db.other"],
            &[
                ("x.db.example", true),
                ("a.db.other", true),
                ("b.db.other", false),
            ],
        ),
    ] {
        let showing = showing(&authority().server(names));
        for (host, fits) in hosts {
            let config = verified(&showing, SslMode::VerifyFull, &roots);
            let config = config.host(*host).host_addr("127.0.0.1");
            let refusal = refusal(&cx, &config).await;
            assert_eq!(refusal.is_none(), *fits, "{names:?} {host}: {refusal:?}");
        }
    }
}

async fn acceptance_24_who_vouches_for_a_certificate<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let folder = Folder::new();
    let names = &["127.0.0.1"];
    let root = Authority::new("root");
    let between = root.intermediate("between");
    let other = Authority::new("other");
    let old = Authority::expired();
    let dated = |from: i32, until: i32| {
        let mut params = server(names);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        root.issue(params)
    };
    let roots = folder.public("root.crt", &root.pem);
    let both = folder.public("both.crt", &format!("{}{}", other.pem, root.pem));
    let wrong = folder.public("other.crt", &other.pem);
    let expired = folder.public("old.crt", &old.pem);
    let stale = folder.public("stale.crt", &format!("{}{}", old.pem, root.pem));
    for (what, identity, trusted, expected) in [
        ("the root", root.server(names), &roots, None),
        ("one of two", root.server(names), &both, None),
        ("another", root.server(names), &wrong, Some("UnknownIssuer")),
        (
            "a chain",
            between.server(names).through(&between),
            &roots,
            None,
        ),
        (
            "a torn chain",
            between.server(names),
            &roots,
            Some("UnknownIssuer"),
        ),
        (
            "an old certificate",
            dated(2001, 2002),
            &roots,
            Some("expired"),
        ),
        (
            "a future certificate",
            dated(2090, 2091),
            &roots,
            Some("not valid yet"),
        ),
        (
            "for a client",
            root.issue(crate::pki::client("x")),
            &roots,
            Some("extended key usage"),
        ),
        ("an old root", old.server(names), &expired, Some("Expired")),
        (
            "an old root, and another",
            old.server(names),
            &stale,
            Some("UnknownIssuer"),
        ),
    ] {
        let server = showing(&identity);
        for mode in [SslMode::Require, SslMode::VerifyCa] {
            let refused = refusal(&cx, &verified(&server, mode, trusted)).await;
            match (&refused, expected) {
                (None, None) => {}
                (Some(text), Some(expected)) if text.contains(expected) => {}
                _ => panic!("{what} {mode}: {refused:?}"),
            }
        }
        // Without anybody to trust, nobody is asked.
        let blind = config(&server, USER_TRUST).ssl_mode(SslMode::Require);
        assert_eq!(refusal(&cx, &blind).await, None, "{what}");
    }
}

async fn acceptance_24_certificates_that_were_revoked<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let folder = Folder::new();
    let root = Authority::new("root");
    let other = Authority::new("other");
    let roots = folder.public("root.crt", &root.pem);
    let mut params = server(&["127.0.0.1"]);
    params.serial_number = Some(SerialNumber::from(7));
    let server = showing(&root.issue(params));
    for (name, list, expected) in [
        ("none", root.revoked(&[], 2090), None),
        ("others", root.revoked(&[6, 8], 2090), None),
        ("it", root.revoked(&[6, 7, 8], 2090), Some("Revoked")),
        ("of old", root.revoked(&[], 2021), Some("expired")),
        ("another's", other.revoked(&[7], 2090), Some("nknown")),
    ] {
        let list = folder.public(name, &list);
        for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
            let config = verified(&server, mode, &roots).ssl_crl(&list);
            let refused = refusal(&cx, &config).await;
            match (&refused, expected) {
                (None, None) => {}
                (Some(text), Some(expected)) if text.contains(expected) => {}
                _ => panic!("{name} {mode}: {refused:?}"),
            }
        }
    }
    // The same lists in a folder, which may hold whatever else, but no list by another name.
    for (what, files, expected) in [
        (
            "others",
            vec![
                ("0a1b2c3d.r0", root.revoked(&[6], 2090)),
                ("readme", "nothing".into()),
            ],
            None,
        ),
        (
            "it",
            vec![
                ("0a1b2c3d.r0", other.revoked(&[], 2090)),
                ("0a1b2c3d.r1", root.revoked(&[7], 2090)),
            ],
            Some("Revoked"),
        ),
        (
            "the newest counts",
            vec![
                ("0a1b2c3d.r0", root.revoked_in(2021, &[], 2090)),
                ("0a1b2c3d.r1", root.revoked_in(2022, &[7], 2090)),
                ("0a1b2c3d.r2", root.revoked(&[], 2090)),
            ],
            Some("Revoked"),
        ),
        (
            "by another name",
            vec![("root.crl", root.revoked(&[7], 2090))],
            Some("there is no list"),
        ),
        (
            "no list",
            vec![("0a1b2c3d.r0", "nothing".into())],
            Some("there is no list"),
        ),
        ("nothing", vec![], Some("there is no list")),
    ] {
        let lists = tempfile::tempdir().unwrap();
        for (name, list) in files {
            std::fs::write(lists.path().join(name), list).unwrap();
        }
        let config = verified(&server, SslMode::VerifyFull, &roots).ssl_crl_dir(lists.path());
        match (refusal(&cx, &config).await, expected) {
            (None, None) => {}
            (Some(text), Some(expected)) if text.contains(expected) => {}
            (refused, _) => panic!("{what}: {refused:?}"),
        }
    }
}

/// The manual's first example makes one, and gives it to the clients as what they trust.
async fn acceptance_24_a_certificate_that_vouches_for_itself<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let folder = Folder::new();
    let identity = self_signed(&["127.0.0.1"]);
    let roots = folder.public("root.crt", &identity.certificate);
    let server = showing(&identity);
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_eq!(
            refusal(&cx, &verified(&server, mode, &roots)).await,
            None,
            "{mode}"
        );
    }
    let full = verified(&server, SslMode::VerifyFull, &roots).host("localhost");
    assert!(
        refusal(&cx, &full)
            .await
            .unwrap()
            .contains("not for localhost")
    );
    let another = folder.public("another.crt", &self_signed(&["127.0.0.1"]).certificate);
    assert!(
        refusal(&cx, &verified(&server, SslMode::VerifyCa, &another))
            .await
            .is_some()
    );
}

/// Whatever the mode: what the configuration names is used, or nothing is.
async fn security_03_files_that_cannot_be_used<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let folder = Folder::new();
    let roots = folder.public("root.crt", &authority().pem);
    let empty = folder.public("empty", "");
    let garbled = folder.public(
        "garbled",
        "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
    );
    let missing = folder.path("missing");
    let Identity { certificate, key } = authority().issue(crate::pki::client(USER_TRUST));
    let cert = folder.public("client.crt", &certificate);
    let secret = folder.secret("client.key", &key);
    let open = folder.public("open.key", &key);
    let wrong = folder.secret("wrong.key", &authority().server(&["x"]).key);
    let server = &crate::servers::with_tls()[0];
    for mode in [SslMode::Allow, SslMode::Prefer, SslMode::Require] {
        let config = || config(server, USER_TRUST).ssl_mode(mode);
        let identified =
            |cert: &std::path::Path, key: &std::path::Path| config().ssl_cert(cert).ssl_key(key);
        for (keyword, config) in [
            ("sslrootcert", config().ssl_root_cert(&missing)),
            ("sslrootcert", config().ssl_root_cert(&empty)),
            ("sslrootcert", config().ssl_root_cert(&garbled)),
            ("sslcrl", config().ssl_root_cert(&roots).ssl_crl(&missing)),
            ("sslcrl", config().ssl_root_cert(&roots).ssl_crl(&roots)),
            ("sslcert", identified(&missing, &secret)),
            ("sslcert", identified(&empty, &secret)),
            ("sslkey", identified(&cert, &missing)),
            ("sslkey", identified(&cert, &empty)),
            ("sslkey", identified(&cert, &open)),
            ("sslkey", identified(&cert, &wrong)),
            (
                "sslkeylogfile",
                config().ssl_key_log_file(missing.join("below")),
            ),
        ] {
            let refused = refusal(&cx, &config).await.unwrap();
            assert!(
                refused.starts_with(&format!("{keyword}: /")),
                "{mode} {refused}"
            );
        }
    }
    // Nobody reads what nobody needs.
    let config = config(server, USER_TRUST).ssl_mode(SslMode::Disable);
    assert!(
        cx.try_connect(&config.ssl_root_cert(&missing))
            .await
            .is_ok()
    );
}

/// It decides whom to trust; for whom the certificate is, is looked at all the same.
async fn a_client_configuration_of_ones_own<R: Runtime>(cx: Context<R>) {
    use purepg_conn::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    use purepg_conn::rustls::{ClientConfig, RootCertStore, crypto::ring};

    if cx.transport == Transport::Unix {
        return;
    }
    let trusting = |authority: &Authority| {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        std::sync::Arc::new(config)
    };
    let server = showing(&authority().server(&["127.0.0.1"]));
    let own = |mode, authority| {
        config(&server, USER_TRUST)
            .ssl_mode(mode)
            .tls_client_config(trusting(authority))
    };
    let other = Authority::new("other");
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_eq!(refusal(&cx, &own(mode, authority())).await, None, "{mode}");
        let refused = refusal(&cx, &own(mode, &other)).await.unwrap();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }
    // A verifier that looks at nothing leaves the name to look at.
    let blind = |mode| {
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(std::sync::Arc::new(crate::blind::Blind))
            .with_no_client_auth();
        let config = config_of(&server, mode).tls_client_config(config.into());
        config.host("localhost")
    };
    assert_eq!(refusal(&cx, &blind(SslMode::VerifyCa)).await, None);
    let refused = refusal(&cx, &blind(SslMode::VerifyFull)).await.unwrap();
    assert!(
        refused.contains("the certificate is for 127.0.0.1"),
        "{refused}"
    );
}

fn config_of(server: &Server, mode: SslMode) -> Config {
    config(server, USER_TRUST).ssl_mode(mode)
}
