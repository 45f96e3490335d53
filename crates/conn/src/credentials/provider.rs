//! Who is asked for passwords and tokens, and what they are told.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use purepg_proto::AuthMethod;
use purepg_types::BoxError;

use super::error::CredentialsError;
use crate::config::{Address, Password, Settings};
use crate::connect::run_blocking;
use crate::error::Error;
use crate::runtime::{BoxFuture, Runtime};

/// What a password is wanted for.
#[derive(Clone, Debug)]
pub struct PasswordRequest {
    user: Box<str>,
    database: Option<Box<str>>,
    address: Address,
    method: AuthMethod,
}

impl PasswordRequest {
    pub(super) fn new(settings: &Settings, method: AuthMethod) -> Self {
        Self {
            user: settings.user().into(),
            database: settings.database().map(Into::into),
            address: settings.address(),
            method,
        }
    }

    /// Whose password it is.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database; that which is named like the user when it is `None`.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The server, as the configuration names it.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How the server wants to have it. It is acceptable, or nobody would be asked.
    pub fn method(&self) -> AuthMethod {
        self.method
    }
}

/// What a bearer token is wanted for. The issuer was compared with the one that is trusted.
#[derive(Clone)]
pub struct TokenRequest {
    user: Box<str>,
    address: Address,
    issuer: Box<str>,
    discovery_url: Box<str>,
    scope: Option<Box<str>>,
    client_id: Option<Box<str>>,
    client_secret: Option<Password>,
}

impl TokenRequest {
    /// `scope` is what the server says, which counts where the configuration says nothing.
    pub(super) fn new(settings: &Settings, discovery_url: &str, scope: Option<String>) -> Self {
        let own = settings.oauth_scope().map(Into::into);
        Self {
            user: settings.user().into(),
            address: settings.address(),
            issuer: super::issuer::identifier(settings)
                .unwrap_or_default()
                .into(),
            discovery_url: discovery_url.into(),
            scope: own.or_else(|| scope.map(Into::into)),
            client_id: settings.oauth_client_id().map(Into::into),
            client_secret: settings.auth().oauth_client_secret.clone(),
        }
    }

    /// As whom to log in to the server.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The server, as the configuration names it.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Who issues the token: an identifier, which its discovery document has to repeat to the letter (`issuer`).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where the issuer describes itself: the URL of its discovery document.
    pub fn discovery_url(&self) -> &str {
        &self.discovery_url
    }

    /// What the token has to be good for: what the configuration says, else what the server says.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// As whom the issuer knows the client.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// How the client proves to the issuer that it is who it says.
    pub fn client_secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(Password::reveal)
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("user", &self.user)
            .field("address", &self.address)
            .field("issuer", &self.issuer)
            .field("discovery_url", &self.discovery_url)
            .field("scope", &self.scope)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A function that is asked. It equals its clones, and nothing else: functions cannot be compared.
pub(crate) enum Provider<Q, A> {
    Blocking(Arc<Blocking<Q, A>>),
    Async(Arc<Async<Q, A>>),
}

type Blocking<Q, A> = dyn Fn(&Q) -> Result<A, BoxError> + Send + Sync;
type Async<Q, A> = dyn Fn(Q) -> BoxFuture<'static, Result<A, BoxError>> + Send + Sync;

impl<Q: Send + 'static, A: Send + 'static> Provider<Q, A> {
    pub(crate) fn blocking(
        ask: impl Fn(&Q) -> Result<A, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self::Blocking(Arc::new(ask))
    }

    pub(crate) fn asynchronous<F>(ask: impl Fn(Q) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<A, BoxError>> + Send + 'static,
    {
        Self::Async(Arc::new(move |request| Box::pin(ask(request))))
    }

    pub(super) async fn ask<R: Runtime + ?Sized>(
        &self,
        runtime: &R,
        request: Q,
        what: &'static str,
    ) -> Result<A, Error> {
        let answer = match self {
            Self::Blocking(ask) => {
                let ask = Arc::clone(ask);
                let job = move || catch_unwind(AssertUnwindSafe(|| ask(&request)));
                run_blocking(runtime, job).await?
            }
            Self::Async(ask) => {
                // The function itself may panic, too, before there is a future.
                let answer = async { ask(request).await };
                AssertUnwindSafe(answer).catch_unwind().await
            }
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(CredentialsError::Callback { what, source }.into()),
            Err(_) => Err(CredentialsError::Panicked { what }.into()),
        }
    }
}

impl<Q, A> Clone for Provider<Q, A> {
    fn clone(&self) -> Self {
        match self {
            Self::Blocking(ask) => Self::Blocking(Arc::clone(ask)),
            Self::Async(ask) => Self::Async(Arc::clone(ask)),
        }
    }
}

impl<Q, A> PartialEq for Provider<Q, A> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Blocking(one), Self::Blocking(other)) => Arc::ptr_eq(one, other),
            (Self::Async(one), Self::Async(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl<Q, A> Eq for Provider<Q, A> {}

impl<Q, A> fmt::Debug for Provider<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fn")
    }
}
