//! The keywords of a connection string that are about authentication.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use super::Key;
use crate::config::settings::{Password, non_empty};
use crate::config::{ConfigError, Settings};

pub(in crate::config) fn scram_client_key(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.auth.scram_client_key = key("scram_client_key", value)?;
    Ok(())
}

pub(in crate::config) fn scram_server_key(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.auth.scram_server_key = key("scram_server_key", value)?;
    Ok(())
}

/// An empty one is none, as for libpq.
fn key(keyword: &'static str, value: &str) -> Result<Option<Key>, ConfigError> {
    if value.is_empty() {
        return Ok(None);
    }
    let bytes = BASE64_STANDARD.decode(value).map(Zeroizing::new).ok();
    let key = bytes.and_then(|bytes| Key::new(&bytes));
    let reason = "it is the base64 of 32 bytes";
    key.map(Some)
        .ok_or(ConfigError::InvalidValue { keyword, reason })
}

pub(in crate::config) fn oauth_issuer(settings: &mut Settings, value: String) {
    settings.auth.oauth_issuer = non_empty(value);
}

pub(in crate::config) fn oauth_client_id(settings: &mut Settings, value: String) {
    settings.auth.oauth_client_id = non_empty(value);
}

pub(in crate::config) fn oauth_client_secret(settings: &mut Settings, value: String) {
    settings.auth.oauth_client_secret = Password::new(value);
}

pub(in crate::config) fn oauth_scope(settings: &mut Settings, value: String) {
    settings.auth.oauth_scope = non_empty(value);
}
