//! The methods of authentication that a server may ask for, and which of them are acceptable.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// A method of authentication, as far as it is supported here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `none`: the server asks for nothing, as with `trust` in its `pg_hba.conf`.
    None,
    /// `password`: the password in clear text.
    Password,
    /// `md5`: a hash of the password that can be replayed. PostgreSQL 18 deprecates it.
    Md5,
    /// `scram-sha-256`: proof of knowing the password, from both sides, with channel binding or without.
    ScramSha256,
    /// `oauth`: a bearer token (OAUTHBEARER, PostgreSQL 18).
    Oauth,
}

/// libpq's `require_auth`: the methods of authentication that are acceptable, whatever the server asks for.
///
/// By default these are all, with two exceptions that libpq does not make:
///
/// * A password in clear text goes only where nobody can listen: over TLS or a Unix socket. It goes elsewhere only when `password` is named.
/// * A bearer token goes only to a server that TLS has verified, never anywhere else over a network. Over a Unix socket, where there is no TLS,
///   it goes when `oauth` is named.
///
/// A list that forbids others does not name them.
///
/// ```
/// use purepg_proto::{AuthMethod, AuthMethods, AuthMethodsError};
///
/// let methods: AuthMethods = "scram-sha-256,md5".parse()?;
/// assert!(methods.allows(AuthMethod::Md5) && !methods.allows(AuthMethod::Password));
/// let methods: AuthMethods = "!md5,!none".parse()?;
/// assert!(methods.allows(AuthMethod::ScramSha256) && !methods.allows(AuthMethod::Md5));
/// # Ok::<(), AuthMethodsError>(())
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

/// Who can listen to a connection, and who is at its other end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Channel {
    /// Everybody, and nobody knows who.
    Open,
    /// Nobody but this machine.
    UnixSocket,
    /// Nobody but the other end, which is who it should be if that was verified.
    Tls { verified: bool },
}

/// Why a list is none that `require_auth` can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthMethodsError {
    /// Some methods have a `!` before them, and some have none.
    #[error("{}", self.reason())]
    Mixed,
    /// No method has this name.
    #[error("{}", self.reason())]
    Unknown,
    /// A method stands there twice, which libpq takes for a typing error in a place where one is dangerous.
    #[error("{}", self.reason())]
    Repeated,
    /// A method that this library does not have cannot be asked for.
    #[error("{}", self.reason())]
    Unsupported,
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

    /// Whether `method` is acceptable on every connection, one that others can listen to included. A bearer token never is.
    pub fn allows(self, method: AuthMethod) -> bool {
        self.allows_over(Channel::Open, method)
    }

    /// Whether `method` is acceptable over TLS to a server whose certificate was verified, which is where everything may be.
    pub fn allows_where_private(self, method: AuthMethod) -> bool {
        self.allows_over(Channel::Tls { verified: true }, method)
    }

    pub(crate) fn allows_over(self, channel: Channel, method: AuthMethod) -> bool {
        let named = self.named & method.bit() != 0;
        let asked_for = self.rule == Rule::Only && named;
        let listed = match self.rule {
            Rule::Default => true,
            Rule::Only => named,
            Rule::Except => !named,
        };
        let fitting = match (method, channel) {
            (AuthMethod::Password, Channel::Open) => asked_for,
            (AuthMethod::Oauth, Channel::Open) => false,
            (AuthMethod::Oauth, Channel::UnixSocket) => asked_for,
            (AuthMethod::Oauth, Channel::Tls { verified }) => verified,
            _ => true,
        };
        listed && fitting
    }

    /// Whether nothing was asked for.
    pub fn is_default(self) -> bool {
        self.rule == Rule::Default
    }
}

impl AuthMethod {
    /// Its name in `require_auth`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::Md5 => "md5",
            Self::ScramSha256 => "scram-sha-256",
            Self::Oauth => "oauth",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::None => 1,
            Self::Password => 2,
            Self::Md5 => 4,
            Self::ScramSha256 => 8,
            Self::Oauth => 16,
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn bits(methods: impl IntoIterator<Item = AuthMethod>) -> u8 {
    let bits = methods.into_iter().map(AuthMethod::bit);
    bits.fold(0, |all, bit| all | bit)
}

/// What libpq's list may name. Those without a method can be forbidden, which is true anyway, but not asked for.
const NAMES: [(&str, Option<AuthMethod>); 7] = [
    (AuthMethod::None.name(), Some(AuthMethod::None)),
    (AuthMethod::Password.name(), Some(AuthMethod::Password)),
    (AuthMethod::Md5.name(), Some(AuthMethod::Md5)),
    (
        AuthMethod::ScramSha256.name(),
        Some(AuthMethod::ScramSha256),
    ),
    (AuthMethod::Oauth.name(), Some(AuthMethod::Oauth)),
    ("gss", None),
    ("sspi", None),
];

/// libpq's syntax: names with commas and no spaces between them, either all or none of them with `!` before it. The empty string is the
/// default.
impl FromStr for AuthMethods {
    type Err = AuthMethodsError;

    fn from_str(text: &str) -> Result<Self, AuthMethodsError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let negated = text.starts_with('!');
        let mut seen = Vec::new();
        let mut methods = Vec::new();
        for element in text.split(',') {
            let name = element.strip_prefix('!');
            if name.is_some() != negated {
                return Err(AuthMethodsError::Mixed);
            }
            let name = name.unwrap_or(element);
            let Some(&(name, method)) = NAMES.iter().find(|known| known.0 == name) else {
                return Err(AuthMethodsError::Unknown);
            };
            if seen.contains(&name) {
                return Err(AuthMethodsError::Repeated);
            }
            seen.push(name);
            if method.is_none() && !negated {
                return Err(AuthMethodsError::Unsupported);
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

impl AuthMethodsError {
    /// The rule that was broken, for errors that name the keyword too.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Mixed => "either all methods have a `!` or none",
            Self::Unknown => "the methods are none, password, md5, scram-sha-256 and oauth",
            Self::Repeated => "a method is given more than once",
            Self::Unsupported => "gss and sspi are not supported",
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::AuthMethod::{Md5, None, Oauth, Password, ScramSha256};
    use super::*;

    const ALL: [AuthMethod; 5] = [None, Password, Md5, ScramSha256, Oauth];

    /// What libpq's `001_password.pl` connects with, and what must then be acceptable where everything may be (where our rules are
    /// libpq's) and everywhere.
    #[test]
    fn security_18_lists_mean_what_libpq_means() {
        let table: &[(&str, &[AuthMethod], &[AuthMethod])] = &[
            ("", &ALL, &[None, Md5, ScramSha256]),
            ("password", &[Password], &[Password]),
            ("md5", &[Md5], &[Md5]),
            ("scram-sha-256", &[ScramSha256], &[ScramSha256]),
            ("oauth", &[Oauth], &[]),
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
            ("none,oauth", &[None, Oauth], &[None]),
            ("!gss", &ALL, &[None, Md5, ScramSha256]),
            (
                "!sspi,!oauth",
                &[None, Password, Md5, ScramSha256],
                &[None, Md5, ScramSha256],
            ),
            (
                "!password",
                &[None, Md5, ScramSha256, Oauth],
                &[None, Md5, ScramSha256],
            ),
            (
                "!md5",
                &[None, Password, ScramSha256, Oauth],
                &[None, ScramSha256],
            ),
            (
                "!scram-sha-256",
                &[None, Password, Md5, Oauth],
                &[None, Md5],
            ),
            (
                "!password,!scram-sha-256",
                &[None, Md5, Oauth],
                &[None, Md5],
            ),
            (
                "!none",
                &[Password, Md5, ScramSha256, Oauth],
                &[Md5, ScramSha256],
            ),
            ("!password,!md5,!scram-sha-256", &[None, Oauth], &[None]),
            ("!none,!password,!md5,!scram-sha-256", &[Oauth], &[]),
            ("!none,!password,!md5,!scram-sha-256,!oauth", &[], &[]),
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
        use AuthMethodsError::{Mixed, Repeated, Unknown, Unsupported};
        let table = [
            ("scram-sha-256,!md5", Mixed),
            ("!password,!none,scram-sha-256", Mixed),
            ("password,md5,password", Repeated),
            ("!password,!md5,!password", Repeated),
            ("none,md5,none", Repeated),
            ("!none,!md5,!none", Repeated),
            ("!gss,!gss", Repeated),
            ("none,abcdefg", Unknown),
            ("password, md5", Unknown),
            ("password,", Unknown),
            (",", Unknown),
            ("!", Unknown),
            ("!!md5", Unknown),
            ("MD5", Unknown),
            ("gss", Unsupported),
            ("md5,sspi", Unsupported),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<AuthMethods>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn what_is_built_equals_what_is_written() {
        assert_eq!(Ok(AuthMethods::only([Md5, None])), "none,md5".parse());
        assert_eq!(Ok(AuthMethods::except([Md5])), "!md5".parse());
        assert!(!AuthMethods::only([]).allows_where_private(None));
        assert!(!AuthMethods::except([]).allows(Password));
        for method in ALL {
            assert_eq!(format!("{method}").parse(), Ok(AuthMethods::only([method])));
        }
    }
}
