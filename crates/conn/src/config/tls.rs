//! What a `Config` says of TLS.

pub(super) mod keywords;
#[cfg(all(test, feature = "tls"))]
mod tests;
#[cfg(all(test, not(feature = "tls")))]
mod tests_without;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use purepg_proto::ChannelBinding;

use super::settings::Password;
use super::{Address, ConfigError, Settings, SslMode};

/// libpq's `sslnegotiation`: who begins TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SslNegotiation {
    /// `postgres`: the server is asked whether it does TLS. The default.
    #[default]
    Postgres,
    /// `direct`: TLS is begun at once, which saves a round trip. PostgreSQL 17 and newer.
    Direct,
}

/// libpq's `sslcertmode`: whether the client shows a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SslCertMode {
    /// `disable`: never, even if the server asks.
    Disable,
    /// `allow`: if the server asks and there is one. The default.
    #[default]
    Allow,
    /// `require`: a server that does not ask for it is refused.
    Require,
}

/// A version of TLS. Older ones than these are never spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// `TLSv1.2`
    V1_2,
    /// `TLSv1.3`
    V1_3,
}

/// Whom a client trusts to vouch for servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RootCert {
    File(PathBuf),
    System,
}

/// All of it, but for `sslmode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsSettings {
    pub(crate) negotiation: SslNegotiation,
    pub(crate) root_cert: Option<RootCert>,
    pub(crate) crl: Option<PathBuf>,
    pub(crate) crl_dir: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) password: Option<Password>,
    pub(crate) cert_mode: SslCertMode,
    pub(crate) sni: bool,
    pub(crate) min_version: TlsVersion,
    pub(crate) max_version: Option<TlsVersion>,
    pub(crate) key_log_file: Option<PathBuf>,
    pub(crate) channel_binding: ChannelBinding,
    #[cfg(feature = "tls")]
    pub(crate) own: Option<OwnClientConfig>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            negotiation: SslNegotiation::default(),
            root_cert: None,
            crl: None,
            crl_dir: None,
            cert: None,
            key: None,
            password: None,
            cert_mode: SslCertMode::default(),
            sni: true,
            min_version: TlsVersion::V1_2,
            max_version: None,
            key_log_file: None,
            channel_binding: ChannelBinding::default(),
            #[cfg(feature = "tls")]
            own: None,
        }
    }
}

impl TlsSettings {
    /// What is named by its place in the file system, and the keyword that names it.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let root_cert = match &self.root_cert {
            Some(RootCert::File(file)) => Some(file),
            _ => None,
        };
        let files = [
            ("sslrootcert", root_cert),
            ("sslcrl", self.crl.as_ref()),
            ("sslcrldir", self.crl_dir.as_ref()),
            ("sslcert", self.cert.as_ref()),
            ("sslkey", self.key.as_ref()),
            ("sslkeylogfile", self.key_log_file.as_ref()),
        ];
        files
            .into_iter()
            .filter_map(|(keyword, file)| Some((keyword, file?.as_path())))
    }
}

/// One of the caller's own. Two are equal if they are the same.
#[cfg(feature = "tls")]
#[derive(Clone)]
pub(crate) struct OwnClientConfig(pub(crate) std::sync::Arc<crate::rustls::ClientConfig>);

#[cfg(feature = "tls")]
impl PartialEq for OwnClientConfig {
    fn eq(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(feature = "tls")]
impl Eq for OwnClientConfig {}

#[cfg(feature = "tls")]
impl fmt::Debug for OwnClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientConfig")
    }
}

/// The files that are in the home folder, where libpq looks for them, unless others are named.
pub(super) fn default_files(settings: &mut Settings, home: &Path) {
    if cfg!(not(feature = "tls")) || settings.ssl_mode() == SslMode::Disable {
        return;
    }
    let folder = if cfg!(windows) {
        home.to_owned()
    } else {
        home.join(".postgresql")
    };
    let existing = |name| Some(folder.join(name)).filter(|file| file.exists());
    let tls = &mut settings.tls;
    if tls.root_cert.is_none() {
        tls.root_cert = existing("root.crt").map(RootCert::File);
    }
    let no_list = tls.crl.is_none() && tls.crl_dir.is_none();
    if no_list && matches!(tls.root_cert, Some(RootCert::File(_))) {
        tls.crl = existing("root.crl");
    }
    if tls.cert_mode != SslCertMode::Disable {
        if tls.cert.is_none() {
            tls.cert = existing("postgresql.crt");
        }
        if tls.cert.is_some() && tls.key.is_none() {
            tls.key = Some(folder.join("postgresql.key"));
        }
    }
}

/// What cannot be meant, or cannot be had.
pub(super) fn validate(settings: &Settings) -> Result<(), ConfigError> {
    let (tls, ssl_mode) = (&settings.tls, settings.ssl_mode());
    let plain = ssl_mode == SslMode::Disable
        || cfg!(not(feature = "tls"))
        || matches!(settings.address(), Address::Unix(_));
    if plain && tls.channel_binding == ChannelBinding::Require {
        return Err(ConfigError::InvalidValue {
            keyword: "channel_binding",
            reason: "it is required, and without TLS there is nothing to bind to",
        });
    }
    if cfg!(not(feature = "tls")) {
        let without_effect = TlsSettings {
            channel_binding: tls.channel_binding,
            ..TlsSettings::default()
        };
        if ssl_mode.requires_tls() || *tls != without_effect {
            return Err(ConfigError::TlsUnavailable { ssl_mode });
        }
        return Ok(());
    }
    let contradicts = |keyword, reason| Err(ConfigError::InvalidValue { keyword, reason });
    if tls.negotiation == SslNegotiation::Direct && !ssl_mode.requires_tls() {
        return contradicts(
            "sslnegotiation",
            "direct needs sslmode require, verify-ca or verify-full: there is no way back from it",
        );
    }
    if tls.root_cert == Some(RootCert::System) && ssl_mode != SslMode::VerifyFull {
        return contradicts(
            "sslrootcert",
            "system needs sslmode=verify-full: for some host or other everybody has a certificate",
        );
    }
    if tls.max_version.is_some_and(|max| max < tls.min_version) {
        return contradicts(
            "ssl_max_protocol_version",
            "it is older than ssl_min_protocol_version",
        );
    }
    #[cfg(feature = "tls")]
    if let Some(keyword) = tls.own.is_some().then(|| beside_own(tls)).flatten() {
        return contradicts(
            keyword,
            "the client configuration of your own decides that, so it cannot be given as well",
        );
    }
    let verifies = matches!(ssl_mode, SslMode::VerifyCa | SslMode::VerifyFull);
    if verifies && tls.root_cert.is_none() && !has_own(tls) {
        return contradicts(
            "sslmode",
            "verify-ca and verify-full need sslrootcert: a file, or system with verify-full",
        );
    }
    if (tls.crl.is_some() || tls.crl_dir.is_some()) && tls.root_cert.is_none() {
        return Err(ConfigError::Missing {
            keyword: "sslrootcert",
        });
    }
    match (&tls.cert, &tls.key) {
        (Some(_), None) => Err(ConfigError::Missing { keyword: "sslkey" }),
        (None, Some(_)) => Err(ConfigError::Missing { keyword: "sslcert" }),
        (None, None) if tls.cert_mode == SslCertMode::Require && !has_own(tls) => {
            Err(ConfigError::Missing { keyword: "sslcert" })
        }
        _ => Ok(()),
    }
}

#[cfg(feature = "tls")]
fn has_own(tls: &TlsSettings) -> bool {
    tls.own.is_some()
}

#[cfg(not(feature = "tls"))]
fn has_own(_: &TlsSettings) -> bool {
    false
}

/// A setting that counts for nothing beside a client configuration of the caller's own.
#[cfg(feature = "tls")]
fn beside_own(tls: &TlsSettings) -> Option<&'static str> {
    let given = [
        ("sslrootcert", tls.root_cert.is_some()),
        ("sslcrl", tls.crl.is_some()),
        ("sslcrldir", tls.crl_dir.is_some()),
        ("sslcert", tls.cert.is_some()),
        ("sslkey", tls.key.is_some()),
        ("sslpassword", tls.password.is_some()),
        ("sslcertmode", tls.cert_mode != SslCertMode::default()),
        ("sslsni", !tls.sni),
        (
            "ssl_min_protocol_version",
            tls.min_version != TlsVersion::V1_2,
        ),
        ("ssl_max_protocol_version", tls.max_version.is_some()),
        ("sslkeylogfile", tls.key_log_file.is_some()),
    ];
    given
        .into_iter()
        .find(|(_, given)| *given)
        .map(|(keyword, _)| keyword)
}

impl FromStr for SslNegotiation {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "direct" => Ok(Self::Direct),
            _ => Err(ConfigError::InvalidValue {
                keyword: "sslnegotiation",
                reason: "it is postgres or direct",
            }),
        }
    }
}

impl FromStr for SslCertMode {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "disable" => Ok(Self::Disable),
            "allow" => Ok(Self::Allow),
            "require" => Ok(Self::Require),
            _ => Err(ConfigError::InvalidValue {
                keyword: "sslcertmode",
                reason: "it is disable, allow or require",
            }),
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_2 => "TLSv1.2",
            Self::V1_3 => "TLSv1.3",
        })
    }
}
