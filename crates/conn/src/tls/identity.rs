//! The client's certificate, and its key.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_rustls::rustls::SignatureScheme;
use futures_rustls::rustls::client::ResolvesClientCert;
use futures_rustls::rustls::crypto::CryptoProvider;
use futures_rustls::rustls::pki_types::pem::PemObject as _;
use futures_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use futures_rustls::rustls::sign::CertifiedKey;
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use super::{TlsError, files};
use crate::config::Password;
use crate::config::tls::TlsSettings;

/// What the client shows of itself, and whether the server has asked for it.
#[derive(Debug)]
pub(super) struct Identity {
    key: Arc<CertifiedKey>,
    asked: Arc<AtomicBool>,
}

const KEY: &str = "sslkey";

impl Identity {
    /// The one that the configuration names, if it names one.
    pub(super) fn load(
        tls: &TlsSettings,
        provider: &CryptoProvider,
    ) -> Result<Option<Self>, TlsError> {
        let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else {
            return Ok(None);
        };
        let chain = files::read_pem("sslcert", cert, "there is no certificate in it")?;
        check_permissions(key)?;
        let text = Zeroizing::new(files::read(KEY, key)?);
        let password = tls.password.as_ref().map(Password::reveal);
        let der = parse(&text, password).map_err(|reason| TlsError::file(KEY, key, reason))?;
        let pair = CertifiedKey::from_der(chain, der, provider);
        // It also says when key and certificate do not belong together.
        let pair = pair.map_err(|error| TlsError::file(KEY, key, error))?;
        Ok(Some(Self {
            key: Arc::new(pair),
            asked: Arc::default(),
        }))
    }

    pub(super) fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        // It is shown even if the server would rather have another one, as libpq does.
        Some(Arc::clone(&self.key))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn parse(text: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, &'static str> {
    let pem = str::from_utf8(text)
        .ok()
        .filter(|text| text.contains("-----BEGIN "));
    let Some(pem) = pem else {
        let der = PrivateKeyDer::try_from(text).map(|der| der.clone_key());
        return der.or_else(|_| decrypt(text, password));
    };
    if pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(
            "the key is encrypted in OpenSSL's old format: write it anew with `openssl pkcs8 -topk8`",
        );
    }
    if let Some(begin) = pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        let (_, pem) = pem.split_at_checked(begin).unwrap_or_default();
        let end = "-----END ENCRYPTED PRIVATE KEY-----";
        let length = pem.find(end).map_or(pem.len(), |at| at + end.len());
        let (pem, _) = pem.split_at_checked(length).unwrap_or_default();
        let document = SecretDocument::from_pem(pem);
        let (_, document) = document.map_err(|_| "the encrypted key in it cannot be read")?;
        return decrypt(document.as_bytes(), password);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|_| "there is no key in it that can be read")
}

fn decrypt(der: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, &'static str> {
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der);
    let encrypted = encrypted.map_err(|_| "there is no key in it that can be read")?;
    let password = password.ok_or("the key is encrypted, and there is no sslpassword")?;
    let document = encrypted.decrypt(password);
    let document = document
        .map_err(|_| "it cannot be decrypted: sslpassword is wrong, or the cipher is not known")?;
    let key = PrivatePkcs8KeyDer::from(document.as_bytes().to_vec());
    Ok(key.into())
}

/// libpq's rule: nobody else may read it; a key of root's may be readable to a group.
#[cfg(unix)]
fn check_permissions(path: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::MetadataExt as _;
    let facts = fs::metadata(path).map_err(|error| TlsError::file(KEY, path, error))?;
    if !facts.is_file() {
        return Err(TlsError::file(KEY, path, "it is not a regular file"));
    }
    if others_may(facts.uid(), facts.mode()) {
        let reason = "others have access to it: it must have permissions 0600 or less, or 0640 or less if it is root's";
        return Err(TlsError::file(KEY, path, reason));
    }
    Ok(())
}

#[cfg(unix)]
fn others_may(owner: u32, mode: u32) -> bool {
    let forbidden = if owner == 0 { 0o037 } else { 0o077 };
    mode & forbidden != 0
}

#[cfg(not(unix))]
fn check_permissions(_: &Path) -> Result<(), TlsError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn security_25_who_may_read_a_key_is_libpqs_rule() {
        for (owner, mode, refused) in [
            (1000, 0o600, false),
            (1000, 0o400, false),
            (1000, 0o640, true),
            (1000, 0o604, true),
            (1000, 0o660, true),
            (0, 0o600, false),
            (0, 0o640, false),
            (0, 0o660, true),
            (0, 0o650, true),
            (0, 0o644, true),
        ] {
            assert_eq!(
                others_may(owner, 0o100_000 | mode),
                refused,
                "{owner} {mode:o}"
            );
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_a_reason() {
        for (text, password, reason) in [
            (&b""[..], None, "there is no key"),
            (b"\x30\x00", None, "there is no key"),
            (b"-----BEGIN CERTIFICATE-----\n", None, "there is no key"),
            (
                b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
                Some("s"),
                "openssl pkcs8 -topk8",
            ),
            (
                b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n",
                Some("s"),
                "cannot be read",
            ),
        ] {
            let error = parse(text, password).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
