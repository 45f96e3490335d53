//! What a build without TLS refuses.

use super::*;
use crate::config::Config;

#[test]
fn security_03_without_tls_nothing_is_promised() {
    let config = || Config::new("h", "u");
    for refused in [
        config().ssl_mode(SslMode::Require),
        config().ssl_mode(SslMode::VerifyCa),
        config().ssl_mode(SslMode::VerifyFull),
        config().ssl_root_cert("/root.crt"),
        config().ssl_root_cert_system(),
        config().ssl_negotiation(SslNegotiation::Direct),
        config().ssl_cert("/c").ssl_key("/k"),
        config().ssl_min_protocol_version(TlsVersion::V1_3),
    ] {
        let error = refused.validate().unwrap_err().to_string();
        assert!(error.starts_with("this build has no TLS"), "{error}");
    }
    for mode in [SslMode::Disable, SslMode::Allow, SslMode::Prefer] {
        assert_eq!(config().ssl_mode(mode).validate(), Ok(()));
    }
}
