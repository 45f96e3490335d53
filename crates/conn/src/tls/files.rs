//! The files that a configuration names. Reading them blocks.

use std::fs;
use std::path::Path;

use futures_rustls::rustls::pki_types::pem::PemObject;

use super::TlsError;

/// All of a file.
pub(super) fn read(keyword: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::file(keyword, path, error))
}

/// Everything of one kind in a file of PEM, at least one.
pub(super) fn read_pem<T: PemObject>(
    keyword: &'static str,
    path: &Path,
    nothing: &'static str,
) -> Result<Vec<T>, TlsError> {
    let text = read(keyword, path)?;
    let found: Result<Vec<T>, _> = T::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| TlsError::file(keyword, path, error.to_string()))?;
    if found.is_empty() {
        return Err(TlsError::file(keyword, path, nothing));
    }
    Ok(found)
}
