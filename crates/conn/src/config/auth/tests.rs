//! What may be said of authentication.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::*;
use crate::config::ProtocolVersion;

fn parse(keywords: &str) -> Result<Config, ConfigError> {
    let config: Config = format!("host=h user=u {keywords}").parse()?;
    config.validate()?;
    Ok(config)
}

#[test]
fn acceptance_18_keys_are_32_bytes_each_and_both_are_there() {
    let [one, other] = [[1; 32], [2; 32]].map(|key: [u8; 32]| BASE64_STANDARD.encode(key));
    let both = format!("scram_client_key={one} scram_server_key={other}");
    let config = parse(&both).unwrap();
    assert_eq!(config, Config::new("h", "u").scram_keys([1; 32], [2; 32]));
    assert!(config.settings().has_scram_keys() && !config.settings().has_password());
    assert!(!format!("{config:?}").contains(&one));
    assert!(
        !parse("scram_client_key=")
            .unwrap()
            .settings()
            .has_scram_keys()
    );

    for (keywords, expected) in [
        (
            format!("scram_client_key={one}"),
            "scram_server_key is missing",
        ),
        (
            format!("scram_server_key={one}"),
            "scram_client_key is missing",
        ),
        (
            "scram_client_key=AAAA".to_owned(),
            "it is the base64 of 32 bytes",
        ),
        (
            format!("scram_server_key={}", &one[1..]),
            "it is the base64 of 32 bytes",
        ),
        (
            format!("scram_server_key={one}{one}"),
            "it is the base64 of 32 bytes",
        ),
        (
            "scram_client_key=secret!".to_owned(),
            "it is the base64 of 32 bytes",
        ),
    ] {
        let error = parse(&keywords).unwrap_err().to_string();
        assert!(error.contains(expected), "{keywords}: {error}");
        assert!(!error.contains("secret!") && !error.contains(&one));
    }
}

#[test]
fn security_20_a_token_needs_an_issuer() {
    let config = Config::new("h", "u").oauth_token_with(|_| Ok("token".into()));
    let keyword = "oauth_issuer";
    assert_eq!(config.validate(), Err(ConfigError::Missing { keyword }));
    let config = config.oauth_issuer("https://issuer.test");
    assert_eq!(config.validate(), Ok(()));
    for issuer in [
        "http://issuer.test",
        "issuer.test",
        "https://a.test/a/.well-known/x",
    ] {
        let error = config.clone().oauth_issuer(issuer).validate().unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("invalid value for oauth_issuer: "),
            "{text}"
        );
    }
    let parsed = parse(
        "oauth_issuer=https://issuer.test oauth_client_id=me oauth_client_secret=shh oauth_scope='a b'",
    )
    .unwrap();
    let settings = parsed.settings();
    assert_eq!(settings.oauth_issuer(), Some("https://issuer.test"));
    assert_eq!(settings.oauth_client_id(), Some("me"));
    assert_eq!(settings.oauth_scope(), Some("a b"));
    assert!(!format!("{parsed:?}").contains("shh"));
}

#[test]
fn who_is_asked_is_a_setting() {
    let config = Config::new("h", "u").password_with(|_| Ok("secret".into()));
    assert_eq!(config, config.clone());
    assert_ne!(config, Config::new("h", "u"));
    let other = Config::new("h", "u").password_with_async(async |_| Ok("secret".into()));
    assert_ne!(config, other);
    assert_eq!(other, other.clone());
}

#[test]
fn acceptance_10_the_oldest_version_is_not_above_the_newest() {
    assert!(parse("min_protocol_version=3.2").is_ok());
    assert!(parse("min_protocol_version=3.2 max_protocol_version=latest").is_ok());
    let error = parse("min_protocol_version=3.2 max_protocol_version=3.0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value for min_protocol_version: it is not above max_protocol_version"
    );
    let config = Config::new("h", "u").min_protocol_version(ProtocolVersion::V3_2);
    let newest = config.settings().max_protocol_version();
    assert_eq!(newest, ProtocolVersion::LATEST);
}
