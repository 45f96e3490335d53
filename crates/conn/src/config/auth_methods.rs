//! The ways of authentication that a server may ask for.

use std::str::FromStr;

use super::ConfigError;

/// A way of authentication, as far as it is supported here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `none`: the server asks for nothing, as with `trust` in its `pg_hba.conf`.
    None,
    /// `password`: the password in clear text.
    Password,
    /// `md5`: a hash of the password that can be replayed.
    Md5,
    /// `scram-sha-256`: proof of knowing the password, from both sides.
    ScramSha256,
}

/// libpq's `require_auth`: the ways of authentication that are acceptable, whatever the server asks
/// for.
///
/// By default these are all, except that a password in clear text goes only where nobody can
/// listen: over TLS or a Unix socket. It goes elsewhere only when `password` is named; a list that
/// forbids others does not name it.
///
/// ```
/// use purepg_conn::{AuthMethod, AuthMethods};
///
/// let methods: AuthMethods = "scram-sha-256,md5".parse()?;
/// assert!(methods.allows(AuthMethod::Md5) && !methods.allows(AuthMethod::Password));
/// let methods: AuthMethods = "!md5,!none".parse()?;
/// assert!(methods.allows(AuthMethod::ScramSha256) && !methods.allows(AuthMethod::Md5));
/// # Ok::<(), purepg_conn::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthMethods {
    rule: Rule,
    /// One bit for each method that the rule names.
    named: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    Default,
    Only,
    Except,
}

impl AuthMethods {
    /// Exactly these. An empty list allows nothing.
    pub fn only(methods: impl IntoIterator<Item = AuthMethod>) -> Self {
        let named = bits(methods);
        Self {
            rule: Rule::Only,
            named,
        }
    }

    /// The default without these.
    pub fn except(methods: impl IntoIterator<Item = AuthMethod>) -> Self {
        let named = bits(methods);
        Self {
            rule: Rule::Except,
            named,
        }
    }

    /// Whether `method` is acceptable on every connection, one that others can listen to included.
    pub fn allows(self, method: AuthMethod) -> bool {
        let in_the_clear = method == AuthMethod::Password && self.rule != Rule::Only;
        self.allows_where_private(method) && !in_the_clear
    }

    /// Whether `method` is acceptable over TLS or a Unix socket.
    pub fn allows_where_private(self, method: AuthMethod) -> bool {
        let named = self.named & method.bit() != 0;
        match self.rule {
            Rule::Default => true,
            Rule::Only => named,
            Rule::Except => !named,
        }
    }

    /// Whether nothing was asked for.
    pub fn is_default(self) -> bool {
        self.rule == Rule::Default
    }
}

impl AuthMethod {
    const fn bit(self) -> u8 {
        match self {
            Self::None => 1,
            Self::Password => 2,
            Self::Md5 => 4,
            Self::ScramSha256 => 8,
        }
    }
}

fn bits(methods: impl IntoIterator<Item = AuthMethod>) -> u8 {
    let bits = methods.into_iter().map(AuthMethod::bit);
    bits.fold(0, |all, bit| all | bit)
}

/// What libpq's list may name. Those without a method can be forbidden, which is true anyway, but
/// not asked for.
const NAMES: [(&str, Option<AuthMethod>); 7] = [
    ("none", Some(AuthMethod::None)),
    ("password", Some(AuthMethod::Password)),
    ("md5", Some(AuthMethod::Md5)),
    ("scram-sha-256", Some(AuthMethod::ScramSha256)),
    ("gss", None),
    ("sspi", None),
    ("oauth", None),
];

/// libpq's syntax: names with commas and no spaces between them, either all or none of them with
/// `!` before it. The empty string is the default.
impl FromStr for AuthMethods {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let negated = text.starts_with('!');
        let mut seen = Vec::new();
        let mut methods = Vec::new();
        for element in text.split(',') {
            let name = element.strip_prefix('!');
            if name.is_some() != negated {
                return Err(invalid("either all methods have a `!` or none"));
            }
            let name = name.unwrap_or(element);
            let Some(&(name, method)) = NAMES.iter().find(|known| known.0 == name) else {
                return Err(invalid(
                    "the methods are none, password, md5 and scram-sha-256",
                ));
            };
            // libpq refuses it as a likely typing error in a place where one is dangerous.
            if seen.contains(&name) {
                return Err(invalid("a method is given more than once"));
            }
            seen.push(name);
            if method.is_none() && !negated {
                return Err(invalid("gss, sspi and oauth are not supported"));
            }
            methods.extend(method);
        }
        Ok(if negated {
            Self::except(methods)
        } else {
            Self::only(methods)
        })
    }
}

fn invalid(reason: &'static str) -> ConfigError {
    ConfigError::InvalidValue {
        keyword: "require_auth",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::AuthMethod::{Md5, None, Password, ScramSha256};
    use super::*;

    const ALL: [AuthMethod; 4] = [None, Password, Md5, ScramSha256];

    /// What libpq's `001_password.pl` connects with, and what must then be acceptable where nobody
    /// listens (where our rules are libpq's) and everywhere.
    #[test]
    fn security_18_lists_mean_what_libpq_means() {
        let table: &[(&str, &[AuthMethod], &[AuthMethod])] = &[
            ("", &ALL, &[None, Md5, ScramSha256]),
            ("password", &[Password], &[Password]),
            ("md5", &[Md5], &[Md5]),
            ("scram-sha-256", &[ScramSha256], &[ScramSha256]),
            (
                "password,scram-sha-256",
                &[Password, ScramSha256],
                &[Password, ScramSha256],
            ),
            (
                "scram-sha-256,password,md5",
                &[Password, Md5, ScramSha256],
                &[Password, Md5, ScramSha256],
            ),
            ("none", &[None], &[None]),
            ("none,md5", &[None, Md5], &[None, Md5]),
            ("!gss", &ALL, &[None, Md5, ScramSha256]),
            ("!sspi,!oauth", &ALL, &[None, Md5, ScramSha256]),
            (
                "!password",
                &[None, Md5, ScramSha256],
                &[None, Md5, ScramSha256],
            ),
            ("!md5", &[None, Password, ScramSha256], &[None, ScramSha256]),
            ("!scram-sha-256", &[None, Password, Md5], &[None, Md5]),
            ("!password,!scram-sha-256", &[None, Md5], &[None, Md5]),
            ("!none", &[Password, Md5, ScramSha256], &[Md5, ScramSha256]),
            ("!password,!md5,!scram-sha-256", &[None], &[None]),
            ("!none,!password,!md5,!scram-sha-256", &[], &[]),
        ];
        for (text, private, everywhere) in table {
            let methods: AuthMethods = text.parse().unwrap();
            for method in ALL {
                let context = format!("{text:?} {method:?}");
                assert_eq!(
                    methods.allows_where_private(method),
                    private.contains(&method),
                    "{context}"
                );
                assert_eq!(
                    methods.allows(method),
                    everywhere.contains(&method),
                    "{context}"
                );
            }
            assert_eq!(methods.is_default(), text.is_empty());
        }
    }

    #[test]
    fn security_18_malformed_lists_are_refused() {
        let table = [
            ("scram-sha-256,!md5", "either all methods"),
            ("!password,!none,scram-sha-256", "either all methods"),
            ("password,md5,password", "more than once"),
            ("!password,!md5,!password", "more than once"),
            ("none,md5,none", "more than once"),
            ("!none,!md5,!none", "more than once"),
            ("!gss,!gss", "more than once"),
            ("none,abcdefg", "the methods are"),
            ("password, md5", "the methods are"),
            ("password,", "the methods are"),
            (",", "the methods are"),
            ("!", "the methods are"),
            ("!!md5", "the methods are"),
            ("MD5", "the methods are"),
            ("gss", "not supported"),
            ("md5,sspi", "not supported"),
            ("oauth", "not supported"),
        ];
        for (text, reason) in table {
            let error = text.parse::<AuthMethods>().unwrap_err().to_string();
            assert!(error.contains("require_auth"), "{text:?}: {error}");
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_is_built_equals_what_is_written() {
        assert_eq!(Ok(AuthMethods::only([Md5, None])), "none,md5".parse());
        assert_eq!(Ok(AuthMethods::except([Md5])), "!md5".parse());
        assert!(!AuthMethods::only([]).allows_where_private(None));
        assert!(!AuthMethods::except([]).allows(Password));
    }
}
