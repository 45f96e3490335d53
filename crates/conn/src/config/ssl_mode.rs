//! How much a connection must be protected.

use std::fmt;
use std::str::FromStr;

use super::ConfigError;

/// libpq's `sslmode`: whether a connection is encrypted, and what is verified.
///
/// It is about networks: over a Unix socket there is never TLS. In every mode that has TLS, a file of [authorities](super::Config::ssl_root_cert)
/// has the server's certificate verified, its host name aside.
///
/// Without the feature `tls`, `Disable`, `Allow` and `Prefer` make a plain connection, and the others are refused by
/// [`Config::validate`](super::Config::validate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SslMode {
    /// `disable`: never encrypted.
    Disable,
    /// `allow`: encrypted when the server insists. If it refuses a connection without TLS, for whatever reason, another one is made with it.
    Allow,
    /// `prefer`: encrypted when the server can do it. If there is no TLS to be had, or the server refuses a connection with it, for whatever
    /// reason, another one is made without: somebody on the way can bring that about. The default.
    #[default]
    Prefer,
    /// `require`: encrypted, with any certificate, unless a file of authorities is given.
    Require,
    /// `verify-ca`: encrypted, with a certificate of a trusted authority.
    VerifyCa,
    /// `verify-full`: encrypted, with a certificate of a trusted authority for this host name.
    VerifyFull,
}

impl SslMode {
    /// Whether a connection that is not encrypted is out of the question.
    pub fn requires_tls(self) -> bool {
        match self {
            Self::Disable | Self::Allow | Self::Prefer => false,
            Self::Require | Self::VerifyCa | Self::VerifyFull => true,
        }
    }

    const ALL: [Self; 6] = [
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl FromStr for SslMode {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or(ConfigError::InvalidValue {
            keyword: "sslmode",
            reason: "it is disable, allow, prefer, require, verify-ca or verify-full",
        })
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_has_one_spelling() {
        for mode in SslMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for text in ["", "Prefer", "prefer ", "verify_ca", "on", "true"] {
            assert!(text.parse::<SslMode>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_three_strict_modes_require_tls() {
        let strict = SslMode::ALL.map(SslMode::requires_tls);
        assert_eq!(strict, [false, false, false, true, true, true]);
        assert_eq!(SslMode::default(), SslMode::Prefer);
    }
}
