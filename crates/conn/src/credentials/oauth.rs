//! What a server says of bearer tokens, and whether it may say it.

use purepg_proto::OauthChallenge;
use serde_json::{Map, Value};

use super::error::CredentialsError;
use super::issuer::{identifier, issuer_of, known_discovery};
use super::provider::TokenRequest;
use crate::config::Settings;

/// What a challenge says, once it was found to speak for the issuer that is trusted.
pub(super) struct Told {
    status: String,
    discovery_url: Option<String>,
    scope: Option<String>,
}

/// Reads a challenge (RFC 7628, section 3.2.2), and compares the issuer.
pub(super) fn read(
    challenge: &OauthChallenge,
    settings: &Settings,
) -> Result<Told, CredentialsError> {
    let malformed = |reason| CredentialsError::ChallengeMalformed { reason };
    let mut members: Map<String, Value> =
        serde_json::from_str(challenge.as_str()).map_err(|_| malformed("it is no JSON object"))?;
    let mut text = |name, reason| match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(reason)),
    };
    let told = Told {
        discovery_url: text(
            "openid-configuration",
            "its openid-configuration is no string",
        )?,
        scope: text("scope", "its scope is no string")?,
        status: text("status", "its status is no string")?.ok_or(malformed("it has no status"))?,
    };
    if let Some(url) = &told.discovery_url {
        check(url, settings)?;
    }
    Ok(told)
}

impl Told {
    /// What is to be asked for now.
    pub(super) fn request(self, settings: &Settings) -> Result<TokenRequest, CredentialsError> {
        if self.status != "invalid_token" {
            let status = self.status.into();
            return Err(CredentialsError::Status { status });
        }
        let url = self
            .discovery_url
            .ok_or(CredentialsError::DiscoveryMissing)?;
        Ok(TokenRequest::new(settings, &url, self.scope))
    }
}

/// Whether the issuer that describes itself there is the one that is trusted.
fn check(url: &str, settings: &Settings) -> Result<(), CredentialsError> {
    let described = issuer_of(url).map_err(|reason| CredentialsError::DiscoveryMalformed {
        url: url.into(),
        reason,
    })?;
    let trusted = identifier(settings).unwrap_or_default();
    // One that is known by its document has moved if it describes itself elsewhere.
    let moved = known_discovery(settings).is_some_and(|known| known != url);
    if described != trusted || moved {
        let issuer = settings.oauth_issuer().unwrap_or_default().into();
        let url = url.into();
        return Err(CredentialsError::Issuer { url, issuer });
    }
    Ok(())
}
