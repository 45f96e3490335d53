//! A certificate, as far as rustls does not look into it.

use futures_rustls::rustls::pki_types::CertificateDer;
use futures_rustls::rustls::{CertificateError, Error};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;

/// One of any issuer's making: serial numbers and the like may be what they are.
pub(super) type Certificate = CertificateInner<Raw>;

pub(super) fn parse(der: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(der).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))
}
