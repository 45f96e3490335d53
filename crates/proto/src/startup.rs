//! How a connection is to begin.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::auth::{Password, ScramKeys};
use crate::error::UsageError;

/// What the server is told first, and what it may ask for.
///
/// `client_encoding` is always `UTF8`: every text that the core hands out is read as such.
#[derive(Clone)]
pub struct Startup {
    pub(crate) user: String,
    pub(crate) database: Option<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) password: Option<Password>,
    pub(crate) keys: Option<ScramKeys>,
    pub(crate) transport: Transport,
    pub(crate) require_auth: Option<AuthMethods>,
    pub(crate) replication: Option<Replication>,
}

/// What a replication connection replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The whole server: its write-ahead log as it is. Such a connection has no database, and takes replication commands only.
    Physical,
    /// One database: decoded changes. Such a connection takes replication commands and simple queries.
    Logical,
}

/// Said by other means than [`Startup::parameter`].
const RESERVED: [&str; 4] = ["user", "database", "client_encoding", "replication"];

/// What carries the bytes. It decides what may be sent in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A socket of this machine: nobody else can read it.
    UnixSocket,
    /// A network without TLS: everybody may read it.
    Tcp,
}

/// Authentication methods, as libpq's `require_auth` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthMethods(u8);

impl Startup {
    /// A connection for this user, over this transport. The database is the one named like the user, unless said otherwise.
    pub fn new(user: impl Into<String>, transport: Transport) -> Self {
        Self {
            user: user.into(),
            database: None,
            parameters: Vec::new(),
            password: None,
            keys: None,
            transport,
            require_auth: None,
            replication: None,
        }
    }

    /// The database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// A run-time parameter that the session begins with, such as `application_name`. Not `user`, `database`, `client_encoding` or
    /// `replication`: a connection with one of these does not begin.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// The replication protocol: commands such as `START_REPLICATION`, through simple queries.
    #[must_use]
    pub fn replication(mut self, replication: Replication) -> Self {
        self.replication = Some(replication);
        self
    }

    /// The password, should the server ask for one.
    #[must_use]
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Keys that were derived before: SCRAM then costs no derivation, and needs no password. They are used when they are for the salt
    /// and the iterations that the server names, or for unknown ones.
    #[must_use]
    pub fn scram_keys(mut self, keys: ScramKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The methods that are allowed, instead of the default: all but a cleartext password over an open network.
    #[must_use]
    pub fn require_auth(mut self, methods: AuthMethods) -> Self {
        self.require_auth = Some(methods);
        self
    }

    pub(crate) fn allows(&self, method: AuthMethods) -> bool {
        let default = match self.transport {
            Transport::UnixSocket => AuthMethods::ALL,
            Transport::Tcp => AuthMethods::ALL.without(AuthMethods::PASSWORD),
        };
        self.require_auth.unwrap_or(default).contains(method)
    }

    /// A name that stands in the message already would override what stands there.
    pub(crate) fn check(&self) -> Result<(), UsageError> {
        let reserved = |given: &str| {
            let mut all = RESERVED.into_iter();
            all.find(|name| name.eq_ignore_ascii_case(given))
        };
        match self.parameters.iter().find_map(|(name, _)| reserved(name)) {
            Some(name) => Err(UsageError::ReservedParameter { name }),
            None => Ok(()),
        }
    }

    /// The parameters of the `StartupMessage`.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let database = self
            .database
            .as_deref()
            .map(|database| ("database", database));
        let replication = self.replication.map(|replication| match replication {
            Replication::Physical => ("replication", "true"),
            Replication::Logical => ("replication", "database"),
        });
        let parameters = self
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        [("user", self.user.as_str())]
            .into_iter()
            .chain(database)
            .chain(replication)
            .chain([("client_encoding", "UTF8")])
            .chain(parameters)
    }
}

/// No secret, and no value of a parameter.
impl fmt::Debug for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Startup")
            .field("user", &self.user)
            .field("database", &self.database)
            .field("transport", &self.transport)
            .field("require_auth", &self.require_auth)
            .finish_non_exhaustive()
    }
}

impl AuthMethods {
    /// No method at all: for building a list.
    pub const EMPTY: Self = Self(0);
    /// The server lets us in without asking for anything (`trust`, `peer`, …).
    pub const NONE: Self = Self(1);
    /// The password in the clear.
    pub const PASSWORD: Self = Self(2);
    /// An MD5 digest: whoever records it can use the stored one.
    pub const MD5: Self = Self(4);
    /// SCRAM-SHA-256.
    pub const SCRAM_SHA_256: Self = Self(8);
    /// All of them.
    pub const ALL: Self = Self(15);

    /// These methods and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These methods but not those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True when all of those are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_18_cleartext_is_refused_over_an_open_network() {
        let tcp = Startup::new("me", Transport::Tcp);
        assert!(!tcp.allows(AuthMethods::PASSWORD));
        assert!(tcp.allows(AuthMethods::MD5) && tcp.allows(AuthMethods::SCRAM_SHA_256));
        assert!(Startup::new("me", Transport::UnixSocket).allows(AuthMethods::PASSWORD));
        let named = tcp.require_auth(AuthMethods::PASSWORD);
        assert!(named.allows(AuthMethods::PASSWORD) && !named.allows(AuthMethods::NONE));
    }

    #[test]
    fn security_27_no_parameter_overrides_the_user() {
        for name in ["user", "Client_Encoding", "DATABASE", "replication"] {
            let startup = Startup::new("me", Transport::Tcp).parameter(name, "postgres");
            assert!(matches!(
                startup.check(),
                Err(UsageError::ReservedParameter { .. })
            ));
        }
        assert_eq!(
            Startup::new("me", Transport::Tcp)
                .parameter("a", "b")
                .check(),
            Ok(())
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let startup = Startup::new("me", Transport::Tcp)
            .password("hush")
            .parameter("a", "hush");
        assert!(!alloc::format!("{startup:?}").contains("hush"));
    }
}
