//! What a `Config` says of authentication, besides the password itself and which methods will do.

pub(super) mod keywords;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;

use futures_util::TryFutureExt as _;
use purepg_proto::{Password as GivenPassword, ScramKeys};
use purepg_types::BoxError;
use zeroize::Zeroizing;

use super::settings::{Password, non_empty};
use super::{Config, ConfigError, Settings};
use crate::credentials::{KeyCache, PasswordRequest, Provider, TokenRequest, check_issuer};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthSettings {
    pub(crate) ask_password: Option<Provider<PasswordRequest, GivenPassword>>,
    pub(crate) ask_token: Option<Provider<TokenRequest, Zeroizing<String>>>,
    scram_client_key: Option<Key>,
    scram_server_key: Option<Key>,
    pub(super) oauth_issuer: Option<String>,
    pub(super) oauth_client_id: Option<String>,
    pub(crate) oauth_client_secret: Option<Password>,
    pub(super) oauth_scope: Option<String>,
    pub(crate) keys: KeyCache,
}

impl AuthSettings {
    pub(super) fn scram_keys(&self) -> Option<ScramKeys> {
        let (client, server) = self
            .scram_client_key
            .as_ref()
            .zip(self.scram_server_key.as_ref())?;
        Some(ScramKeys::new(*client.0, *server.0))
    }
}

/// Half of what SCRAM makes of a password. Wiped when it is dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
struct Key(Zeroizing<[u8; 32]>);

impl Key {
    fn new(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        Some(Self(Zeroizing::new(*bytes)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Who proves who it is, and how.
impl Config {
    /// Asks `ask` for the password where the configuration has none: once a server wants one, by a method that is
    /// [acceptable](Self::require_auth), and once for each server, whatever ways into it are tried. Where there are
    /// [keys](Self::scram_keys), SCRAM needs no password.
    ///
    /// The function may take its time, and block: it is called where [`Runtime::run_blocking`](crate::Runtime::run_blocking) has it called. The
    /// server waits meanwhile, for a minute unless it is told otherwise (`authentication_timeout`), and so does the
    /// [timeout](Self::connect_timeout) of the connection, if there is one. What the function returns is wiped from memory after its use. It
    /// need not be text: PostgreSQL takes any bytes for a password.
    ///
    /// ```
    /// # use purepg_conn::{Config, PasswordRequest};
    /// let config = Config::new("localhost", "postgres").password_with(|request: &PasswordRequest| {
    ///     let file = format!("/run/secrets/{}", request.user());
    ///     Ok(std::fs::read(file)?.into())
    /// });
    /// ```
    pub fn password_with(
        mut self,
        ask: impl Fn(&PasswordRequest) -> Result<GivenPassword, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.settings.auth.ask_password = Some(Provider::blocking(ask));
        self
    }

    /// The same with a function that does not block. Dropping the future of `connect` drops the one that `ask` gave.
    pub fn password_with_async<F>(
        mut self,
        ask: impl Fn(PasswordRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<GivenPassword, BoxError>> + Send + 'static,
    {
        self.settings.auth.ask_password = Some(Provider::asynchronous(ask));
        self
    }

    /// The keys that SCRAM makes of the password: `ClientKey` and `ServerKey` of RFC 5802. With them neither the password is needed nor a key
    /// derived. They belong to one role of one server, or to several that were given the same SCRAM verifier, and to one password.
    ///
    /// Whoever has the client's key can log in as with the password.
    pub fn scram_keys(mut self, client_key: [u8; 32], server_key: [u8; 32]) -> Self {
        let auth = &mut self.settings.auth;
        auth.scram_client_key = Key::new(&client_key);
        auth.scram_server_key = Key::new(&server_key);
        self
    }

    /// How often keys were derived from a password for this configuration and for those that were cloned from it. It stays as it is where
    /// the keys of an earlier connection serve again: they are kept with the configuration, for 64 pairs of user and password at the most.
    pub fn key_derivations(&self) -> u64 {
        self.settings.auth.keys.derivations()
    }

    /// Who must have issued a bearer token, should the server want one (OAUTHBEARER, PostgreSQL 18): the issuer's identifier, which is an
    /// `https` URL, or the URL of its discovery document, which has `/.well-known/` in it.
    ///
    /// The server says where the issuer describes itself, and nobody is asked for a token if that is not the place of this issuer: a server
    /// could otherwise send its clients to an issuer of its own, and collect what they enter there. The comparison is libpq's, to the letter.
    pub fn oauth_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.settings.auth.oauth_issuer = non_empty(issuer.into());
        self
    }

    /// As whom the issuer knows this client. It is for [`oauth_token_with`](Self::oauth_token_with) to use.
    pub fn oauth_client_id(mut self, client_id: impl Into<String>) -> Self {
        self.settings.auth.oauth_client_id = non_empty(client_id.into());
        self
    }

    /// How the client proves to the issuer that it is who it says. It is for [`oauth_token_with`](Self::oauth_token_with) to use.
    pub fn oauth_client_secret(mut self, client_secret: impl Into<String>) -> Self {
        self.settings.auth.oauth_client_secret = Password::new(client_secret.into());
        self
    }

    /// What a bearer token has to be good for, in place of what the server says.
    pub fn oauth_scope(mut self, scope: impl Into<String>) -> Self {
        self.settings.auth.oauth_scope = non_empty(scope.into());
        self
    }

    /// Asks `ask` for a bearer token, once a server wants one (OAUTHBEARER, PostgreSQL 18). It needs [`oauth_issuer`](Self::oauth_issuer).
    ///
    /// A token goes to a server that TLS has verified ([`SslMode::VerifyFull`](crate::SslMode::VerifyFull)) and to nobody else; over a Unix
    /// socket it goes where [`require_auth`](Self::require_auth) names [`AuthMethod::Oauth`](crate::AuthMethod::Oauth). Unless the issuer is
    /// given by its discovery document, one connection is made to learn where that is, and another one with the token. The function is
    /// called as that of [`password_with`](Self::password_with), for each connection anew: whoever wants to use a token again keeps it.
    /// The token is wiped from memory after its use, and stands in no error, no trace, and no `Debug`.
    pub fn oauth_token_with(
        mut self,
        ask: impl Fn(&TokenRequest) -> Result<String, BoxError> + Send + Sync + 'static,
    ) -> Self {
        // Wiped also when nobody waits for it any more.
        let ask = move |request: &TokenRequest| ask(request).map(Zeroizing::new);
        self.settings.auth.ask_token = Some(Provider::blocking(ask));
        self
    }

    /// The same with a function that does not block. Dropping the future of `connect` drops the one that `ask` gave.
    pub fn oauth_token_with_async<F>(
        mut self,
        ask: impl Fn(TokenRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        let ask = move |request| ask(request).map_ok(Zeroizing::new);
        self.settings.auth.ask_token = Some(Provider::asynchronous(ask));
        self
    }
}

pub(super) fn validate(settings: &Settings) -> Result<(), ConfigError> {
    let auth = &settings.auth;
    match (&auth.scram_client_key, &auth.scram_server_key) {
        (Some(_), None) => {
            let keyword = "scram_server_key";
            return Err(ConfigError::Missing { keyword });
        }
        (None, Some(_)) => {
            let keyword = "scram_client_key";
            return Err(ConfigError::Missing { keyword });
        }
        _ => {}
    }
    let keyword = "oauth_issuer";
    match &auth.oauth_issuer {
        Some(issuer) => {
            let checked = check_issuer(issuer);
            checked.map_err(|reason| ConfigError::InvalidValue { keyword, reason })?;
        }
        None if auth.ask_token.is_some() => return Err(ConfigError::Missing { keyword }),
        None => {}
    }
    if settings.min_protocol_version() > settings.max_protocol_version() {
        return Err(ConfigError::InvalidValue {
            keyword: "min_protocol_version",
            reason: "it is not above max_protocol_version",
        });
    }
    Ok(())
}
