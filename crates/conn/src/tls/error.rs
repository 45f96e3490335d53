//! Why there is no TLS.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_rustls::rustls::{self, CertificateError};

/// Why there is no TLS. It has no secret in it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The two sides did not come to terms: the certificate is not trusted, or is another host's; there is no version that both speak.
    #[error("TLS: {}", Reason(.0))]
    Handshake(#[source] Arc<io::Error>),
    /// A file that the configuration names cannot be used.
    #[error("{keyword}: {}: {source}", path.display())]
    File {
        /// The keyword that names it.
        keyword: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// What the configuration says cannot be done.
    #[error("TLS: {0}")]
    Unusable(#[source] Arc<rustls::Error>),
    /// The operating system trusts nobody, or does not tell whom.
    #[error("sslrootcert=system: no authority is known to this system{0}")]
    NoSystemRoots(Box<str>),
    /// The server has not asked for the client's certificate, which `sslcertmode=require` wants.
    #[error("the server did not ask for a certificate, which sslcertmode=require wants")]
    CertificateNotAsked,
    /// The server showed no certificate.
    #[error("the server showed no certificate")]
    NoCertificate,
    /// There is nobody to do the cryptography.
    #[error(
        "TLS needs a provider of cryptography: the feature `ring` or `aws-lc-rs`, or one that the process installs"
    )]
    NoProvider,
}

impl TlsError {
    pub(super) fn handshake(error: io::Error) -> Self {
        Self::Handshake(Arc::new(error))
    }

    /// The certificate is not what it should be.
    pub(super) fn certificate(error: rustls::Error) -> Self {
        Self::handshake(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    pub(super) fn unusable(error: rustls::Error) -> Self {
        Self::Unusable(Arc::new(error))
    }

    pub(super) fn file(
        keyword: &'static str,
        path: &Path,
        error: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::File {
            keyword,
            path: path.to_owned(),
            source: Arc::from(error.into()),
        }
    }

    /// Whether it is what became of a handshake, and not of its preparation.
    pub(crate) fn is_handshake(&self) -> bool {
        matches!(
            self,
            Self::Handshake(_) | Self::CertificateNotAsked | Self::NoCertificate
        )
    }

    /// Whether the stream ended amid the handshake, which nobody has objected to.
    pub(crate) fn is_broken_off(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let kind = match self {
            Self::Handshake(error) => error.kind(),
            _ => return false,
        };
        matches!(
            kind,
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
        )
    }
}

/// What is wrong: rustls shows errors of other crates as programmers see them.
struct Reason<'a>(&'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.0.get_ref();
        let reason = inner.and_then(|inner| inner.downcast_ref());
        match reason {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
                other.0.fmt(f)
            }
            _ => self.0.fmt(f),
        }
    }
}
