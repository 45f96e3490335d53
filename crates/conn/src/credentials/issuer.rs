//! Who issues tokens, and where that is described: RFC 8414, `OpenID` Connect Discovery 1.0, and libpq's rules about them.

use std::fmt;

use crate::config::Settings;

const WELL_KNOWN: &str = "/.well-known/";

/// What a discovery document is called: `OpenID` Connect's, and RFC 8414's.
const DOCUMENTS: [&str; 2] = ["openid-configuration", "oauth-authorization-server"];

/// The place of the issuer's discovery document, where the configuration names that.
pub(super) fn known_discovery(settings: &Settings) -> Option<&str> {
    let issuer = settings.oauth_issuer()?;
    issuer.contains(WELL_KNOWN).then_some(issuer)
}

/// The issuer's identifier, whichever of the two the configuration names.
pub(super) fn identifier(settings: &Settings) -> Option<String> {
    let issuer = settings.oauth_issuer()?;
    if issuer.contains(WELL_KNOWN) {
        issuer_of(issuer).ok()
    } else {
        Some(issuer.to_owned())
    }
}

/// Whether it can be an issuer's identifier, or the place of a discovery document; else the rule that it breaks.
pub(crate) fn check_issuer(issuer: &str) -> Result<(), &'static str> {
    if issuer.contains(WELL_KNOWN) {
        issuer_of(issuer).map(drop)
    } else {
        path_of(issuer).map(drop)
    }
}

/// The identifier of the issuer that is described at `url`.
pub(super) fn issuer_of(url: &str) -> Result<String, &'static str> {
    let path = path_of(url)?;
    // RFC 8615 has it at the beginning of the path, `OpenID` Connect at its end.
    let (before, behind) = url
        .split_once(WELL_KNOWN)
        .ok_or("it is no place of a discovery document: there is no /.well-known/ in it")?;
    let document = behind.split('/').next().unwrap_or_default();
    if !DOCUMENTS.contains(&document) {
        return Err(
            "the document is /.well-known/openid-configuration or /.well-known/oauth-authorization-server",
        );
    }
    let rest = behind.strip_prefix(document).unwrap_or_default();
    // In the middle it could speak for somebody else's path.
    if !rest.is_empty() && !path.starts_with(WELL_KNOWN) {
        return Err("/.well-known/ stands at the beginning of the path or at its end");
    }
    Ok([before, rest].concat())
}

/// The path of an `https` URL that has nothing behind it.
fn path_of(url: &str) -> Result<&str, &'static str> {
    let scheme = "https://";
    let rest = match url.split_at_checked(scheme.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(scheme) => rest,
        _ => return Err("it is a URL that begins with https://"),
    };
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a URL has visible ASCII characters only");
    }
    if url.contains(['?', '#']) {
        return Err("it has neither a query nor a fragment");
    }
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() {
        return Err("it has a host");
    }
    Ok(rest.strip_prefix(host).unwrap_or_default())
}

/// Text of a server: short, and with nothing in it that a terminal obeys.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARS: usize = 256;
        let shown = self.0.chars().take(MAX_CHARS);
        for character in shown.map(|c| if c.is_control() { '?' } else { c }) {
            fmt::Write::write_char(f, character)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_20_a_discovery_document_speaks_for_one_issuer() {
        for (url, issuer) in [
            (
                "https://a.test/.well-known/openid-configuration",
                "https://a.test",
            ),
            (
                "https://a.test/.well-known/oauth-authorization-server",
                "https://a.test",
            ),
            (
                "https://a.test:8443/x/.well-known/openid-configuration",
                "https://a.test:8443/x",
            ),
            (
                "https://a.test/.well-known/oauth-authorization-server/x",
                "https://a.test/x",
            ),
            (
                "https://a.test/.well-known/openid-configuration/x/y",
                "https://a.test/x/y",
            ),
            (
                "HTTPS://a.test/.well-known/openid-configuration",
                "HTTPS://a.test",
            ),
            (
                "https://a.test/.well-known/openid-configuration/",
                "https://a.test/",
            ),
        ] {
            assert_eq!(issuer_of(url).as_deref(), Ok(issuer), "{url}");
            assert_eq!(check_issuer(url), Ok(()));
        }
        for (url, reason) in [
            ("", "https://"),
            ("http://a.test/.well-known/openid-configuration", "https://"),
            ("https:/a.test/.well-known/openid-configuration", "https://"),
            ("https:///.well-known/openid-configuration", "a host"),
            ("https://a.test", "no /.well-known/"),
            ("https://a.test/.well-known", "no /.well-known/"),
            ("https://a.test/.well-known/", "the document is"),
            (
                "https://a.test/.well-known/openid-configuration-not",
                "the document is",
            ),
            ("https://a.test/.well-known/else", "the document is"),
            (
                "https://a.test/a/.well-known/openid-configuration/b",
                "the beginning of the path",
            ),
            ("https://a.test/.well-known/openid-configuration?x", "query"),
            (
                "https://a.test/.well-known/openid-configuration#x",
                "fragment",
            ),
            (
                "https://a.test/\u{e4}/.well-known/openid-configuration",
                "ASCII",
            ),
            (
                "https://a.test/\x1b/.well-known/openid-configuration",
                "ASCII",
            ),
            ("https://a.test/ /.well-known/openid-configuration", "ASCII"),
        ] {
            let error = issuer_of(url).unwrap_err();
            assert!(error.contains(reason), "{url}: {error}");
        }
    }

    #[test]
    fn an_issuer_is_an_https_url() {
        for issuer in ["https://a.test", "https://a.test/", "https://a.test:1/x"] {
            assert_eq!(check_issuer(issuer), Ok(()));
        }
        for issuer in [
            "a.test",
            "http://a.test",
            "https://",
            "https://a.test?x",
            "https://a b",
        ] {
            assert!(check_issuer(issuer).is_err(), "{issuer}");
        }
    }

    #[test]
    fn text_of_a_server_is_text() {
        assert_eq!(Shown("a\x1b[31m\nb").to_string(), "a?[31m?b");
        assert_eq!(Shown(&"x".repeat(1_000)).to_string().len(), 256);
    }
}
