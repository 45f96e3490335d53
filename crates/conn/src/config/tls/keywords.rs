//! The keywords of a connection string that are about TLS.

use super::{ChannelBinding, ConfigError, PathBuf, RootCert, Settings, SslCertMode, TlsVersion};
use crate::config::settings::{Password, non_empty};

pub(in crate::config) fn channel_binding(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.tls.channel_binding = match value {
        "disable" => ChannelBinding::Disable,
        "prefer" => ChannelBinding::Prefer,
        "require" => ChannelBinding::Require,
        _ => {
            return Err(ConfigError::InvalidValue {
                keyword: "channel_binding",
                reason: "it is disable, prefer or require",
            });
        }
    };
    Ok(())
}

pub(in crate::config) fn negotiation(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.tls.negotiation = value.parse()?;
    Ok(())
}

pub(in crate::config) fn cert_mode(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.tls.cert_mode = value.parse::<SslCertMode>()?;
    Ok(())
}

pub(in crate::config) fn sni(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    settings.tls.sni = match value {
        "1" => true,
        "0" => false,
        _ => {
            return Err(ConfigError::InvalidValue {
                keyword: "sslsni",
                reason: "it is 0 or 1",
            });
        }
    };
    Ok(())
}

pub(in crate::config) fn min_version(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    // Who accepts an older one has no objection to a newer one.
    let version = match value.to_ascii_lowercase().as_str() {
        "" | "tlsv1" | "tlsv1.1" | "tlsv1.2" => TlsVersion::V1_2,
        "tlsv1.3" => TlsVersion::V1_3,
        _ => return Err(bad_version("ssl_min_protocol_version")),
    };
    settings.tls.min_version = version;
    Ok(())
}

pub(in crate::config) fn max_version(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.tls.max_version = match value.to_ascii_lowercase().as_str() {
        "" => None,
        "tlsv1.2" => Some(TlsVersion::V1_2),
        "tlsv1.3" => Some(TlsVersion::V1_3),
        "tlsv1" | "tlsv1.1" => {
            return Err(ConfigError::InvalidValue {
                keyword: "ssl_max_protocol_version",
                reason: "TLSv1.2 is the oldest version that is spoken",
            });
        }
        _ => return Err(bad_version("ssl_max_protocol_version")),
    };
    Ok(())
}

fn bad_version(keyword: &'static str) -> ConfigError {
    ConfigError::InvalidValue {
        keyword,
        reason: "it is TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3",
    }
}

pub(in crate::config) fn root_cert(settings: &mut Settings, value: String) {
    settings.tls.root_cert = non_empty(value).map(|value| match value.as_str() {
        "system" => RootCert::System,
        _ => RootCert::File(value.into()),
    });
}

pub(in crate::config) fn crl(settings: &mut Settings, value: String) {
    settings.tls.crl = path(value);
}

pub(in crate::config) fn crl_dir(settings: &mut Settings, value: String) {
    settings.tls.crl_dir = path(value);
}

pub(in crate::config) fn cert(settings: &mut Settings, value: String) {
    settings.tls.cert = path(value);
}

pub(in crate::config) fn key(settings: &mut Settings, value: String) {
    settings.tls.key = path(value);
}

pub(in crate::config) fn password(settings: &mut Settings, value: String) {
    settings.tls.password = Password::new(value);
}

fn path(value: String) -> Option<PathBuf> {
    non_empty(value).map(PathBuf::from)
}
