//! The files that a configuration names. Reading them blocks.

use std::fs;
use std::path::{Path, PathBuf};

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

/// The files in a folder that have the names by which OpenSSL finds lists of revoked certificates: the hash of the authority's name, `.r`, and
/// a number.
pub(super) fn hashed(keyword: &'static str, folder: &Path) -> Result<Vec<PathBuf>, TlsError> {
    let failed = |error| TlsError::file(keyword, folder, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(is_hashed) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn is_hashed(name: &str) -> bool {
    name.split_once(".r").is_some_and(|(hash, number)| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && is_number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_which_openssl_finds_lists() {
        for name in ["0a1b2c3d.r0", "ffffffff.r12"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "0a1b2c3d.0",
            "0a1b2c3d.r",
            "0a1b2c3d.rx",
            "0a1b2c3.r0",
            "0a1b2c3dd.r0",
            "0a1b2c3g.r0",
            "root.crl",
            "",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
