//! Who we are, and what proves it: asked for, derived, kept, and shown to nobody.

mod derive;
mod error;
mod issuer;
mod key_cache;
mod oauth;
mod provider;

use std::mem;

use purepg_proto::{
    AuthMethod, BearerToken, DeriveKey, OauthChallenge, Password, ScramKeys, Startup,
};

use crate::config::Settings;
use crate::error::Error;
use crate::runtime::Runtime;

pub use error::CredentialsError;
pub(crate) use issuer::check_issuer;
pub(crate) use key_cache::KeyCache;
pub(crate) use provider::Provider;
pub use provider::{PasswordRequest, TokenRequest};

use key_cache::Name;

/// What is used on the way into one server, over as many streams as that takes.
pub(crate) struct Credentials<'a> {
    settings: &'a Settings,
    /// What was asked for.
    password: Option<Password>,
    token: Option<BearerToken>,
    /// What the server has said to the latest stream that had no token it liked.
    challenge: Option<Box<OauthChallenge>>,
    /// The keys that the latest stream used.
    used: Option<Used>,
}

enum Used {
    Kept(Name),
    Derived(Name, ScramKeys),
}

impl<'a> Credentials<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            password: None,
            token: None,
            challenge: None,
            used: None,
        }
    }

    /// Tells what there is, and what can be asked for.
    pub(crate) fn introduce(&self, mut startup: Startup) -> Startup {
        let auth = self.settings.auth();
        if let Some(keys) = self.settings.scram_keys() {
            startup = startup.scram_keys(keys);
        }
        if let Some(password) = self.settings.password() {
            startup = startup.password(password);
        } else if let Some(password) = &self.password {
            startup = startup.password(password.clone());
        } else if auth.ask_password.is_some() {
            startup = startup.password_on_demand();
        }
        if let Some(token) = &self.token {
            startup.bearer_token(token.clone())
        } else if auth.ask_token.is_none() {
            startup
        } else if issuer::known_discovery(self.settings).is_some() {
            startup.bearer_token_on_demand()
        } else {
            startup.oauth_discovery()
        }
    }

    /// The password, from whoever has it.
    pub(crate) async fn password<R: Runtime + ?Sized>(
        &mut self,
        runtime: &R,
        method: AuthMethod,
    ) -> Result<Password, Error> {
        let Some(ask) = &self.settings.auth().ask_password else {
            let method = method.name();
            let warning = None;
            return Err(Error::MissingPassword { method, warning });
        };
        let request = PasswordRequest::new(self.settings, method);
        let password = ask.ask(runtime, request, "password").await?;
        Ok(self.password.insert(password).clone())
    }

    /// The keys that a password makes, be they kept or derived now.
    pub(crate) async fn keys<R: Runtime + ?Sized>(
        &mut self,
        runtime: &R,
        job: DeriveKey,
    ) -> Result<ScramKeys, Error> {
        let cache = &self.settings.auth().keys;
        let name = cache.name(self.settings.user(), &job)?;
        if let Some(keys) = cache.get(&name) {
            self.used = Some(Used::Kept(name));
            return Ok(keys);
        }
        cache.count_derivation();
        let keys = derive::derive(runtime, job).await?;
        self.used = Some(Used::Derived(name, keys.clone()));
        Ok(keys)
    }

    /// The server has let us in: what was derived serves again.
    pub(crate) fn accepted(&mut self) {
        if let Some(Used::Derived(name, keys)) = self.used.take() {
            self.settings.auth().keys.insert(name, keys);
        }
    }

    /// The server has not let us in: what was kept may be why.
    pub(crate) fn refused(&mut self) {
        if let Some(Used::Kept(name)) = self.used.take() {
            self.settings.auth().keys.remove(&name);
        }
    }

    /// What the server says of tokens.
    pub(crate) fn challenged(&mut self, challenge: Box<OauthChallenge>) {
        self.challenge = Some(challenge);
    }

    /// Behind a stream that led nowhere: true when there is a token by now, so that another stream may lead somewhere.
    pub(crate) async fn learn_from_challenge<R: Runtime + ?Sized>(
        &mut self,
        runtime: &R,
    ) -> Result<bool, Error> {
        let Some(challenge) = self.challenge.take() else {
            return Ok(false);
        };
        let told = oauth::read(&challenge, self.settings)?;
        if self.token.is_some() {
            // The server has seen it. What it says of that comes with its error.
            return Ok(false);
        }
        let request = told.request(self.settings)?;
        self.token = Some(self.ask_token(runtime, request).await?);
        Ok(true)
    }

    /// A token for a server that wants one and need not be asked who issues it.
    pub(crate) async fn token<R: Runtime + ?Sized>(
        &mut self,
        runtime: &R,
    ) -> Result<BearerToken, Error> {
        let known = issuer::known_discovery(self.settings);
        let url = known.ok_or(CredentialsError::DiscoveryMissing)?;
        let request = TokenRequest::new(self.settings, url, None);
        let token = self.ask_token(runtime, request).await?;
        Ok(self.token.insert(token).clone())
    }

    async fn ask_token<R: Runtime + ?Sized>(
        &self,
        runtime: &R,
        request: TokenRequest,
    ) -> Result<BearerToken, Error> {
        let Some(ask) = &self.settings.auth().ask_token else {
            return Err(CredentialsError::DiscoveryMissing.into());
        };
        let mut token = ask.ask(runtime, request, "bearer token").await?;
        let token = BearerToken::new(mem::take(&mut *token));
        token.map_err(|reason| CredentialsError::NoToken(reason).into())
    }
}
