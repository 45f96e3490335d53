//! What a `Config` says.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use purepg_proto::{ChannelBinding, Limits, Notice, ScramKeys};
use zeroize::Zeroizing;

use super::auth::AuthSettings;
use super::pass_file::PassFile;
use super::reach::Reach;
use super::tls::{RootCert, TlsSettings};
use super::{AuthMethods, Handler, ProtocolVersion, SslMode, SslNegotiation, Warning};

/// What a [`Config`](super::Config) says, to be read.
///
/// The password can be used, not read: neither a method nor `Debug` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(super) reach: Reach,
    pub(super) user: String,
    pub(super) password: Option<Password>,
    pub(super) database: Option<String>,
    pub(super) pass_file: Option<PassFile>,
    pub(super) application_name: Option<String>,
    pub(super) fallback_application_name: Option<String>,
    pub(super) options: Option<String>,
    pub(super) ssl_mode: Option<SslMode>,
    pub(super) tls: TlsSettings,
    pub(super) require_auth: AuthMethods,
    /// Apart, since settings are moved at each setter, and there is much of it.
    pub(super) auth: Box<AuthSettings>,
    pub(super) min_protocol_version: ProtocolVersion,
    pub(super) max_protocol_version: Option<ProtocolVersion>,
    pub(super) limits: Limits,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) statement_cache_size: usize,
    pub(super) query_timeout: Option<Duration>,
    pub(super) cancel_abandoned: Option<usize>,
    pub(super) statement_cache_max_text: usize,
    pub(super) on_notice: Option<Handler<Notice>>,
    pub(super) on_warning: Option<Handler<Warning>>,
}

impl Settings {
    /// The user name. Empty when a connection string gave none.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database. The server takes the one that is named like the user when none is given.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The `application_name`, else the one to fall back on.
    pub fn application_name(&self) -> Option<&str> {
        let name = self.application_name.as_deref();
        name.or(self.fallback_application_name.as_deref())
    }

    /// The command-line arguments for the server.
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// How much the connection must be protected. With the system's authorities ([`Config::ssl_root_cert_system`]) it is
    /// [`SslMode::VerifyFull`] unless something else is said, and [`SslMode::Prefer`] otherwise.
    ///
    /// [`Config::ssl_root_cert_system`]: super::Config::ssl_root_cert_system
    pub fn ssl_mode(&self) -> SslMode {
        self.ssl_mode.unwrap_or(match self.tls.root_cert {
            Some(RootCert::System) => SslMode::VerifyFull,
            _ => SslMode::default(),
        })
    }

    /// Who begins TLS.
    pub fn ssl_negotiation(&self) -> SslNegotiation {
        self.tls.negotiation
    }

    /// Whether SCRAM is tied to the TLS connection that it goes through.
    pub fn channel_binding(&self) -> ChannelBinding {
        self.tls.channel_binding
    }

    /// The ways of authentication that are acceptable.
    pub fn require_auth(&self) -> AuthMethods {
        self.require_auth
    }

    /// Whether there are keys of SCRAM's own in the password's place.
    pub fn has_scram_keys(&self) -> bool {
        self.auth.scram_keys().is_some()
    }

    /// Who must have issued a bearer token: an `https` URL.
    pub fn oauth_issuer(&self) -> Option<&str> {
        self.auth.oauth_issuer.as_deref()
    }

    /// As whom the issuer knows this client.
    pub fn oauth_client_id(&self) -> Option<&str> {
        self.auth.oauth_client_id.as_deref()
    }

    /// What a bearer token has to be good for, where that is not left to the server.
    pub fn oauth_scope(&self) -> Option<&str> {
        self.auth.oauth_scope.as_deref()
    }

    /// The oldest version of the protocol to put up with.
    pub fn min_protocol_version(&self) -> ProtocolVersion {
        self.min_protocol_version
    }

    /// The newest version of the protocol to ask for: 3.0 unless something else is said, since poolers choke on others; but the newest there
    /// is where 3.0 would not be put up with.
    pub fn max_protocol_version(&self) -> ProtocolVersion {
        self.max_protocol_version.unwrap_or({
            if self.min_protocol_version > ProtocolVersion::V3_0 {
                ProtocolVersion::LATEST
            } else {
                ProtocolVersion::V3_0
            }
        })
    }

    /// How much a connection puts up with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The file with passwords, which is looked into when connecting and there is none.
    pub fn pass_file(&self) -> Option<&Path> {
        let file = self.pass_file.as_ref();
        file.map(|file| file.path.as_path())
    }

    /// The other run-time parameters, as they were given.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.parameters.iter();
        parameters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many statements a connection keeps prepared that are used by their text.
    pub fn statement_cache_size(&self) -> usize {
        self.statement_cache_size
    }

    /// How long a call may take that says nothing of its own, if there is a limit.
    pub fn query_timeout(&self) -> Option<Duration> {
        self.query_timeout
    }

    /// How many bytes of an abandoned result are read past before it is cancelled, if it ever is.
    pub fn cancel_abandoned(&self) -> Option<usize> {
        self.cancel_abandoned
    }

    /// How many bytes a text may have to be kept prepared.
    pub fn statement_cache_max_text(&self) -> usize {
        self.statement_cache_max_text
    }

    pub(super) fn new(host: String, user: String) -> Self {
        let mut reach = Reach::default();
        reach.hosts.set_name(host);
        Self {
            reach,
            user,
            password: None,
            database: None,
            pass_file: None,
            application_name: None,
            fallback_application_name: None,
            options: None,
            ssl_mode: None,
            tls: TlsSettings::default(),
            require_auth: AuthMethods::default(),
            auth: Box::default(),
            min_protocol_version: ProtocolVersion::default(),
            max_protocol_version: None,
            limits: Limits::default(),
            parameters: Vec::new(),
            statement_cache_size: 256,
            query_timeout: None,
            cancel_abandoned: None,
            statement_cache_max_text: 16 * 1024,
            on_notice: None,
            on_warning: None,
        }
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.0.as_str())
    }

    pub(crate) fn auth(&self) -> &AuthSettings {
        &self.auth
    }

    pub(crate) fn scram_keys(&self) -> Option<ScramKeys> {
        self.auth.scram_keys()
    }

    #[cfg_attr(
        not(feature = "tls"),
        expect(dead_code, reason = "there is nothing to set")
    )]
    pub(crate) fn tls(&self) -> &TlsSettings {
        &self.tls
    }

    pub(crate) fn on_notice(&self) -> Option<&Handler<Notice>> {
        self.on_notice.as_ref()
    }

    pub(crate) fn on_warning(&self) -> Option<&Handler<Warning>> {
        self.on_warning.as_ref()
    }

    /// Where to look for a password, if there is none.
    pub(crate) fn password_elsewhere(&self) -> Option<&PassFile> {
        let file = self.pass_file.as_ref();
        file.filter(|_| self.password.is_none())
    }

    pub(crate) fn set_password(&mut self, password: Password) {
        self.password = Some(password);
    }

    /// What the StartupMessage says, name by name. What could be unset stays unsaid, since older
    /// `PgBouncer`s refuse names that they do not know.
    pub(crate) fn startup_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let optional = [
            ("database", self.database()),
            ("application_name", self.application_name()),
            ("options", self.options()),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let others = self
            .parameters()
            .filter(|(name, _)| Protected::find(name).is_none());
        [("user", self.user())]
            .into_iter()
            .chain(Protected::ALL.map(|protected| (protected.name, protected.value)))
            .chain(optional)
            .chain(others)
    }
}

pub(super) const DEFAULT_PORT: u16 = 5432;

/// An empty string means the same as none, as it does to libpq.
pub(super) fn non_empty(value: String) -> Option<String> {
    (!value.is_empty()).then_some(value)
}

/// Wiped when it is dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(Zeroizing<String>);

impl Password {
    pub(super) fn new(password: String) -> Option<Self> {
        non_empty(password).map(|password| Self(Zeroizing::new(password)))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn contains_nul(&self) -> bool {
        self.0.contains('\0')
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A run-time parameter that decides how values are read: the library sets it, and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protected {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
    /// How else the value may be written.
    synonyms: &'static [&'static str],
}

impl Protected {
    pub(crate) const CLIENT_ENCODING: Self = Self {
        name: "client_encoding",
        value: "UTF8",
        // Servers report the last as it was given.
        synonyms: &["UTF-8", "UNICODE"],
    };

    const DATE_STYLE: Self = Self {
        name: "DateStyle",
        value: "ISO",
        synonyms: &[],
    };

    pub(crate) const ALL: [Self; 2] = [Self::CLIENT_ENCODING, Self::DATE_STYLE];

    /// Names of parameters have no case.
    pub(super) fn find(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|protected| protected.name.eq_ignore_ascii_case(name))
    }

    /// Whether `value` is the value that it has.
    pub(super) fn accepts(self, value: &str) -> bool {
        let mut spellings = [self.value]
            .into_iter()
            .chain(self.synonyms.iter().copied());
        spellings.any(|spelling| spelling.eq_ignore_ascii_case(value))
    }

    /// Whether values can be read with what the server reports. Behind a comma stands how it reads dates that are ambiguous, which ours
    /// are not.
    pub(crate) fn allows(self, reported: &str) -> bool {
        let style = reported.split(',').next().unwrap_or_default();
        self.accepts(style.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_may_report() {
        let [encoding, date_style] = Protected::ALL;
        for (protected, fine, bad) in [
            (
                encoding,
                &["UTF8", "utf-8", "UNICODE"][..],
                &["LATIN1", "SQL_ASCII", "UTF16", ""][..],
            ),
            (
                date_style,
                &["ISO", "ISO, MDY", "iso,DMY", "ISO, YMD"],
                &["Postgres, MDY", "SQL, DMY", "German, DMY", "DMY, ISO", ""],
            ),
        ] {
            for value in fine {
                assert!(protected.allows(value), "{value}");
            }
            for value in bad {
                assert!(!protected.allows(value), "{value}");
            }
        }
    }
}
