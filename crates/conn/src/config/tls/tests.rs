//! What strings and setters say of TLS.

use super::*;
use crate::config::Config;

#[cfg(feature = "ring")]
fn provider() -> crate::rustls::crypto::CryptoProvider {
    crate::rustls::crypto::ring::default_provider()
}

fn read(text: &str) -> Result<Config, ConfigError> {
    let config: Config = format!("host=h user=u {text}").parse()?;
    config.validate()?;
    Ok(config)
}

#[test]
fn strings_say_what_setters_say() {
    let config = || Config::new("h", "u");
    for (text, expected) in [
        (
            "sslnegotiation=postgres sslsni=1 sslcertmode=allow",
            config(),
        ),
        (
            "sslmode=require sslnegotiation=direct",
            config()
                .ssl_mode(SslMode::Require)
                .ssl_negotiation(SslNegotiation::Direct),
        ),
        (
            "sslmode=verify-ca sslrootcert=/r sslcrl=/l",
            config()
                .ssl_mode(SslMode::VerifyCa)
                .ssl_root_cert("/r")
                .ssl_crl("/l"),
        ),
        (
            "sslcert=/c sslkey=/k sslpassword=s sslcertmode=require",
            config()
                .ssl_cert("/c")
                .ssl_key("/k")
                .ssl_password("s")
                .ssl_cert_mode(SslCertMode::Require),
        ),
        ("sslrootcert=system", config().ssl_root_cert_system()),
        ("sslrootcert=./system", config().ssl_root_cert("./system")),
        ("sslsni=0", config().ssl_sni(false)),
        (
            "ssl_min_protocol_version=tlsv1.3 ssl_max_protocol_version=TLSv1.3",
            config()
                .ssl_min_protocol_version(TlsVersion::V1_3)
                .ssl_max_protocol_version(TlsVersion::V1_3),
        ),
        (
            "ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=''",
            config(),
        ),
        (
            "channel_binding=require",
            config().channel_binding(ChannelBinding::Require),
        ),
        (
            "sslrootcert='' sslcert='' sslkey='' sslcrl='' sslpassword=''",
            config(),
        ),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    let system = read("sslrootcert=system").unwrap();
    assert_eq!(system.settings().ssl_mode(), SslMode::VerifyFull);
}

#[test]
fn security_03_what_contradicts_itself_is_refused() {
    for (text, reason) in [
        ("sslnegotiation=direct", "sslnegotiation: direct needs"),
        (
            "sslnegotiation=direct sslmode=prefer",
            "sslnegotiation: direct needs",
        ),
        ("sslnegotiation=Direct", "it is postgres or direct"),
        ("sslmode=verify-ca", "need sslrootcert"),
        ("sslmode=verify-full", "need sslrootcert"),
        (
            "sslmode=require sslrootcert=system",
            "needs sslmode=verify-full",
        ),
        (
            "sslmode=prefer sslrootcert=system",
            "needs sslmode=verify-full",
        ),
        ("sslcrl=/l", "sslrootcert is missing"),
        ("sslcert=/c", "sslkey is missing"),
        ("sslkey=/k", "sslcert is missing"),
        ("sslcertmode=require", "sslcert is missing"),
        ("sslcertmode=maybe", "it is disable, allow or require"),
        ("sslsni=yes", "it is 0 or 1"),
        (
            "channel_binding=require sslmode=disable",
            "nothing to bind to",
        ),
        ("channel_binding=require host=/s", "nothing to bind to"),
        ("channel_binding=yes", "it is disable, prefer or require"),
        ("ssl_min_protocol_version=SSLv3", "it is TLSv1"),
        ("ssl_max_protocol_version=TLSv1.4", "it is TLSv1"),
        ("ssl_max_protocol_version=TLSv1.1", "is the oldest"),
        (
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "older than ssl_min_protocol_version",
        ),
        ("sslkeylogfile=/l", "call Config::ssl_key_log_file"),
        ("sslcompression=1", "only 0 is supported"),
        ("sslcrldir=/l", "sslrootcert is missing"),
        ("requiressl=yes", "it is 0 or 1"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn security_35_a_string_has_no_file_written() {
    let error = "postgres://u@h?sslkeylogfile=/l"
        .parse::<Config>()
        .unwrap_err();
    assert!(matches!(error, ConfigError::SetterOnly { .. }));
}

#[test]
fn security_24_the_password_of_a_key_is_not_shown() {
    let config = Config::new("h", "u")
        .ssl_password("s3nt1nel")
        .ssl_cert("/c");
    let shown = format!("{config:?} {:?}", config.validate());
    assert!(!shown.contains("s3nt1nel"), "{shown}");
}

#[cfg(feature = "ring")]
#[test]
fn one_of_the_callers_own_leaves_nothing_to_say() {
    use crate::rustls::{ClientConfig, RootCertStore};
    let own = ClientConfig::builder_with_provider(std::sync::Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let config = Config::new("h", "u").tls_client_config(std::sync::Arc::new(own));
    assert_eq!(config.clone(), config);
    for mode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
        let config = config.clone().ssl_mode(mode.parse().unwrap());
        assert_eq!(config.validate(), Ok(()), "{mode}");
    }
    let beside = config.ssl_mode(SslMode::VerifyCa).ssl_root_cert("/r");
    let error = beside.validate().unwrap_err().to_string();
    assert!(error.contains("of your own"), "{error}");
}
