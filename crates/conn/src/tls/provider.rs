//! Who does the cryptography.

use std::sync::Arc;

use futures_rustls::rustls::crypto::CryptoProvider;

/// The one that the process has installed, or else one that this build has: aws-lc-rs before ring, since who wants ring need not ask for it.
pub(super) fn provider() -> Option<Arc<CryptoProvider>> {
    let provider = CryptoProvider::get_default().cloned();
    #[cfg(feature = "aws-lc-rs")]
    let provider = provider.or_else(|| {
        use futures_rustls::rustls::crypto::aws_lc_rs;
        Some(Arc::new(aws_lc_rs::default_provider()))
    });
    #[cfg(feature = "ring")]
    let provider = provider.or_else(|| {
        use futures_rustls::rustls::crypto::ring;
        Some(Arc::new(ring::default_provider()))
    });
    provider
}
