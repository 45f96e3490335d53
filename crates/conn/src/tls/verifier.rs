//! Whether a server is who it says: as much as the configuration asks for.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use futures_rustls::rustls::client::WebPkiServerVerifier;
use futures_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use futures_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature_with_raw_key,
};
use futures_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use futures_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_cert::crl::CertificateList;
use x509_cert::der::{Decode as _, Encode as _};

use super::{TlsError, certificate, files, names};
use crate::config::tls::{RootCert, TlsSettings};

/// Verifies the chain where there is somebody to trust, and the host where it was asked to; that the server has the key that belongs to
/// its certificate always.
#[derive(Debug)]
pub(super) struct Verifier {
    chain: Option<Chain>,
    host: Option<Box<str>>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Chain {
    /// None where all that were named are out of date.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that were named by file: a server's own may be among them.
    named: Vec<CertificateDer<'static>>,
}

const ROOTS: &str = "sslrootcert";
const CRL: &str = "sslcrl";
const CRL_DIR: &str = "sslcrldir";

/// Every list of revoked certificates that is named, at least one.
fn revoked(tls: &TlsSettings) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let nothing = "there is no list of revoked certificates in it";
    let mut lists = match &tls.crl {
        Some(path) => files::read_pem(CRL, path, nothing)?,
        None => Vec::new(),
    };
    if let Some(folder) = &tls.crl_dir {
        for path in files::hashed(CRL_DIR, folder)? {
            lists.extend(files::read_pem(CRL_DIR, &path, nothing)?);
        }
        if lists.is_empty() {
            // To ask for a look at lists, and to look at none, would not be the same.
            return Err(TlsError::file(CRL_DIR, folder, nothing));
        }
    }
    // Of several lists of one authority the first is looked at, which as for OpenSSL is the newest.
    lists.sort_by_cached_key(|list| Reverse(made(list)));
    Ok(lists)
}

/// When a list was made: its `thisUpdate`. What cannot be read is refused later, with the reason.
fn made(list: &CertificateRevocationListDer<'_>) -> Option<Duration> {
    let list: CertificateList = CertificateList::from_der(list).ok()?;
    Some(list.tbs_cert_list.this_update.to_unix_duration())
}

impl Verifier {
    pub(super) fn load(
        tls: &TlsSettings,
        host: Option<&str>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let chain = match &tls.root_cert {
            Some(roots) => Some(Chain::load(tls, roots, provider)?),
            None => None,
        };
        Ok(Self {
            chain,
            host: host.map(Into::into),
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl Chain {
    fn load(
        tls: &TlsSettings,
        roots: &RootCert,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let (store, named) = match roots {
            RootCert::File(path) => {
                let nothing = "there is no certificate in it";
                let named = files::read_pem::<CertificateDer<'static>>(ROOTS, path, nothing)?;
                let mut store = RootCertStore::empty();
                let now = UnixTime::now();
                for certificate in &named {
                    // rustls does not look at the dates of authorities; libpq does.
                    if check_validity(certificate, now).is_err() {
                        certificate::parse(certificate)
                            .map_err(|error| TlsError::file(ROOTS, path, error))?;
                        continue;
                    }
                    let added = store.add(certificate.clone());
                    added.map_err(|error| TlsError::file(ROOTS, path, error))?;
                }
                (store, named)
            }
            RootCert::System => (system_roots()?, Vec::new()),
        };
        if store.is_empty() {
            let webpki = None;
            return Ok(Self { webpki, named });
        }
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
        let webpki = match (&tls.crl, &tls.crl_dir) {
            (None, None) => builder.build().map_err(|error| unusable(&error))?,
            (Some(path), _) | (None, Some(path)) => {
                let keyword = if tls.crl.is_some() { CRL } else { CRL_DIR };
                let builder = builder.with_crls(revoked(tls)?);
                let built = builder.enforce_revocation_expiration().build();
                built.map_err(|error| TlsError::file(keyword, path, error))?
            }
        };
        let webpki = Some(webpki);
        Ok(Self { webpki, named })
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.named.contains(certificate) && is_self_issued(certificate)? {
            return check_validity(certificate, now);
        }
        let expired = || Error::InvalidCertificate(CertificateError::Expired);
        let webpki = self.webpki.as_ref().ok_or_else(expired)?;
        let verified = webpki.verify_server_cert(certificate, intermediates, name, &[], now);
        match verified {
            // It looks at the name last, and by other rules than libpq's.
            Ok(_)
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // Some systems have one or the other that nobody can read.
    let (added, _) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(|error| format!(": {error}"));
        return Err(TlsError::NoSystemRoots(why.unwrap_or_default().into()));
    }
    Ok(store)
}

fn unusable(error: &impl std::error::Error) -> TlsError {
    TlsError::unusable(Error::General(error.to_string()))
}

/// A server's own certificate that vouches for itself: what `openssl req -x509` makes, which is an authority's as well.
fn is_self_issued(certificate: &CertificateDer<'_>) -> Result<bool, Error> {
    let parsed = certificate::parse(certificate)?;
    let tbs = parsed.tbs_certificate();
    Ok(tbs.issuer() == tbs.subject())
}

fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = certificate::parse(certificate)?;
    let validity = parsed.tbs_certificate().validity();
    let now = now.as_secs();
    let error = if now < validity.not_before.to_unix_duration().as_secs() {
        CertificateError::NotValidYet
    } else if now > validity.not_after.to_unix_duration().as_secs() {
        CertificateError::Expired
    } else {
        return Ok(());
    };
    Err(Error::InvalidCertificate(error))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(chain) = &self.chain {
            chain.verify(certificate, intermediates, name, now)?;
        }
        if let Some(host) = &self.host {
            names::check(certificate, host)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    /// By the key alone, so that certificates of version 1, which only older tools make, do as well.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let parsed = certificate::parse(certificate)?;
        let key = parsed.tbs_certificate().subject_public_key_info().to_der();
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let key = SubjectPublicKeyInfoDer::from(key.map_err(bad)?);
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
