//! SCRAM that is tied to the TLS it goes through.

use purepg_conn::{ChannelBinding, Config, Error, ProtocolErrorKind, Runtime, SslMode};
use purepg_testkit::server::{PASSWORD, Server, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use crate::pki::Authority;
use crate::servers::{ONLY_PLAIN, asking, config, connect, roots, showing, with_tls};

live!(
    scram_is_bound_to_the_certificate,
    security_09_nothing_but_a_bound_method_will_do,
    security_09_whatever_a_server_asks_for_through_tls,
    security_10_certificates_with_and_without_a_hash,
);

fn bound(server: &Server, user: &str, binding: ChannelBinding) -> Config {
    config(server, user)
        .password(PASSWORD)
        .ssl_mode(SslMode::Require)
        .channel_binding(binding)
}

async fn scram_is_bound_to_the_certificate<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in with_tls() {
        for (binding, expected) in [
            (ChannelBinding::Disable, false),
            (ChannelBinding::Prefer, true),
            (ChannelBinding::Require, true),
        ] {
            let mut conn = cx
                .try_connect(&bound(server, USER_SCRAM, binding))
                .await
                .unwrap();
            assert_eq!(conn.is_channel_bound(), expected, "{binding:?}");
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
        }
    }
}

/// The password is never written then, in the clear or otherwise. Over a stream without TLS nothing is.
async fn security_09_nothing_but_a_bound_method_will_do<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let server = &with_tls()[0];
    for (user, mode, told) in [
        (USER_TRUST, SslMode::Require, "RST"),
        (USER_TRUST, SslMode::Prefer, "RST"),
        (ONLY_PLAIN, SslMode::Prefer, "RST "),
    ] {
        let config = bound(server, user, ChannelBinding::Require).ssl_mode(mode);
        let (result, streams) = connect(&cx, &config).await;
        let error = result.unwrap_err();
        assert_eq!(streams.told().join(" "), told, "{user} {mode}: {error}");
        if user == USER_TRUST {
            let Error::Protocol(error) = &error else {
                panic!("{error:?}")
            };
            let method = "none";
            assert_eq!(
                *error.kind(),
                ProtocolErrorKind::ChannelBindingRequired { method }
            );
        }
    }
    // Without TLS there is nothing to bind to, which is known before anything is sent.
    let config = bound(server, USER_SCRAM, ChannelBinding::Require).ssl_mode(SslMode::Disable);
    let (result, streams) = connect(&cx, &config).await;
    assert!(matches!(result, Err(Error::Config(_))), "{result:?}");
    assert!(streams.told().is_empty());
}

/// The password is in the configuration, and so is whoever could be asked for another one.
async fn security_09_whatever_a_server_asks_for_through_tls<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for server in asking() {
        for (user, method) in [
            (USER_TRUST, "none"),
            (USER_PASSWORD, "password"),
            (USER_MD5, "md5"),
        ] {
            for mode in [SslMode::Require, SslMode::Prefer, SslMode::VerifyFull] {
                let config = config(server, user)
                    .ssl_mode(mode)
                    .ssl_root_cert(roots())
                    .channel_binding(ChannelBinding::Require);
                let nobody = config.clone().password_with(|_| panic!("nobody is asked"));
                for config in [config.password(PASSWORD), nobody] {
                    let (result, streams) = connect(&cx, &config).await;
                    let Err(Error::Protocol(error)) = result else {
                        panic!("{user} {mode}")
                    };
                    let refused = ProtocolErrorKind::ChannelBindingRequired { method };
                    assert_eq!(*error.kind(), refused, "{user} {mode}");
                    assert_eq!(streams.told(), ["RST"], "no other way is tried");
                }
            }
        }
        // What can bind lets in, be it by keys that serve again.
        let config = bound(server, USER_SCRAM, ChannelBinding::Require);
        for _ in 0..2 {
            assert!(cx.try_connect(&config).await.unwrap().is_channel_bound());
        }
        assert_eq!(config.key_derivations(), 1);
    }
}

async fn security_10_certificates_with_and_without_a_hash<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for (algorithm, has_hash) in [
        (&PKCS_ECDSA_P256_SHA256, true),
        (&PKCS_ECDSA_P384_SHA384, true),
        (&PKCS_ED25519, false),
    ] {
        let authority = Authority::with("of its own kind", algorithm);
        let server = showing(&authority.server(&["127.0.0.1"]));
        let preferred = bound(&server, USER_SCRAM, ChannelBinding::Prefer);
        let conn = cx.try_connect(&preferred).await.unwrap();
        assert_eq!(conn.is_channel_bound(), has_hash);
        let required = cx
            .try_connect(&bound(&server, USER_SCRAM, ChannelBinding::Require))
            .await;
        match required {
            Ok(conn) => assert!(has_hash && conn.is_channel_bound()),
            Err(Error::Protocol(error)) => {
                let kind = error.kind();
                assert!(matches!(
                    kind,
                    ProtocolErrorKind::ChannelBindingUnavailable { .. }
                ));
                assert!(!has_hash);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}
