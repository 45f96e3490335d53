//! Connection strings.

use std::fmt::Write as _;

use purepg_conn::{Config, ConfigError};

use crate::allocated;

/// What stands for a secret in an input: as it is, and percent-encoded.
const SECRET: char = '\u{1}';
const ENCODED_SECRET: char = '\u{2}';
/// Two secrets. What depends on which one it is shows it.
const SECRETS: [&str; 2] = ["hUnTeRtWo", "kEsTrElSe"];

/// A connection string with secrets in it: it is read or refused, and no secret is ever shown. Whatever a value is, each way of writing
/// it says the same.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let [one, other] = SECRETS.map(|secret| read(&with(&text, secret)));
    match (one, other) {
        (Ok(one), Ok(other)) => {
            let same = |config: &Config| config.clone().password("x").ssl_password("x");
            if same(&one) == same(&other) {
                // The two differ in nothing but passwords.
                let shown = |config: &Config| format!("{config:?} {:?}", config.settings());
                assert_eq!(shown(&one), shown(&other));
            }
            let [one, other] = [one, other].map(|config| config.validate());
            hidden(one.err(), other.err());
        }
        (one, other) => hidden(one.err(), other.err()),
    }
    written(&text);
}

fn read(text: &str) -> Result<Config, ConfigError> {
    let before = allocated();
    let config = text.parse::<Config>();
    let grown = allocated() - before;
    assert!(
        grown <= 4096 + 32 * text.len(),
        "{grown} bytes for {text:?}"
    );
    config
}

fn with(text: &str, secret: &str) -> String {
    let mut encoded = String::new();
    for byte in secret.bytes() {
        let _ = write!(encoded, "%{byte:02x}");
    }
    text.replace(SECRET, secret)
        .replace(ENCODED_SECRET, &encoded)
}

/// An error is the same whatever the secret is.
fn hidden(one: Option<ConfigError>, other: Option<ConfigError>) {
    let shown = |error: Option<ConfigError>| error.map(|error| format!("{error} {error:?}"));
    assert_eq!(shown(one), shown(other));
}

/// The text as the value of a keyword, and as a part of a URL.
fn written(value: &str) {
    if value.contains('\0') {
        return;
    }
    let expected = Config::new("", "").user(value);
    let mut quoted = String::from("user = '");
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('\'');
    assert_eq!(quoted.parse(), Ok(expected.clone()));
    let mut url = String::from("postgres://?user=");
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    assert_eq!(url.parse(), Ok(expected));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_put_where_they_belong() {
        assert_eq!(with("a\u{1}b", "x"), "axb");
        assert_eq!(with("\u{2}", "xy"), "%78%79");
    }
}
