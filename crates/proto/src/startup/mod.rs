//! How a connection is to begin.

mod auth_methods;
mod tls;
mod version;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;

pub use self::auth_methods::{AuthMethod, AuthMethods, AuthMethodsError};
pub use self::tls::{ChannelBinding, TlsFacts, TlsRequest, Transport};
pub use self::version::{ProtocolVersion, UnknownProtocolVersion};

use self::auth_methods::Channel;
use crate::auth::{BearerToken, Password, ScramKeys};
use crate::error::UsageError;
use crate::message::backend::backend_key_data::CancelKey;
use crate::message::frontend::{cancel_request, startup as startup_message};

/// What the server is told first, and what it may ask for.
///
/// `client_encoding` is always `UTF8`: every text that the core hands out is read as such.
#[derive(Clone)]
pub struct Startup {
    pub(crate) user: String,
    database: Option<String>,
    parameters: Vec<(String, String)>,
    pub(crate) password: Option<Password>,
    pub(crate) password_on_demand: bool,
    pub(crate) keys: Option<ScramKeys>,
    pub(crate) oauth: Option<Oauth>,
    transport: Transport,
    tls: TlsRequest,
    pub(crate) channel_binding: ChannelBinding,
    pub(crate) max_version: ProtocolVersion,
    pub(crate) min_version: ProtocolVersion,
    require_auth: AuthMethods,
    pub(crate) replication: Option<Replication>,
    /// Then the connection is there for nothing else.
    cancel: Option<CancelKey>,
}

/// What a replication connection replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The whole server: its write-ahead log as it is. Such a connection has no database, and takes replication commands only.
    Physical,
    /// One database: decoded changes. Such a connection takes replication commands and simple queries.
    Logical,
}

/// What OAUTHBEARER says.
#[derive(Clone)]
pub(crate) enum Oauth {
    Token(BearerToken),
    /// That somebody has to be asked for the token first.
    OnDemand,
    /// That there is no token yet.
    Discovery,
}

/// Said by other means than [`Startup::parameter`].
const RESERVED: [&str; 4] = ["user", "database", "client_encoding", "replication"];

/// "Names beginning with `_pq_.` are reserved for use as protocol extensions" (Message Formats). There is none yet.
const PROTOCOL_OPTION: &str = "_pq_.";

impl Startup {
    /// A connection for this user, over this transport. The database is the one named like the user, unless said otherwise.
    pub fn new(user: impl Into<String>, transport: Transport) -> Self {
        Self {
            user: user.into(),
            database: None,
            parameters: Vec::new(),
            password: None,
            password_on_demand: false,
            keys: None,
            oauth: None,
            transport,
            tls: TlsRequest::default(),
            channel_binding: ChannelBinding::default(),
            max_version: ProtocolVersion::default(),
            min_version: ProtocolVersion::default(),
            require_auth: AuthMethods::default(),
            replication: None,
            cancel: None,
        }
    }

    /// A connection that asks the server to cancel what another one runs, and does nothing else: after TLS, if that is asked for, the
    /// `CancelRequest` is all that it sends. The server answers by closing the stream, and the connection ends as
    /// [`Closed::Terminated`](crate::Closed::Terminated); whether anything was cancelled, only the other connection learns.
    ///
    /// Of the other settings only [`tls`](Self::tls) counts, and no nonce is used. Who had TLS on the other connection wants it here too, and
    /// asks for [`TlsRequest::Require`] or [`TlsRequest::Direct`]: the key is a secret, and [`TlsRequest::Prefer`] would show it to whoever
    /// answers that there is no TLS.
    pub fn cancel(key: CancelKey, transport: Transport) -> Self {
        Self {
            cancel: Some(key),
            ..Self::new("", transport)
        }
    }

    /// The database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// A run-time parameter that the session begins with, such as `application_name`. Not `user`, `database`, `client_encoding`,
    /// `replication`, or a name that begins with `_pq_.`: a connection with one of these does not begin.
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

    /// There may be a password, but it is only to be had by asking somebody: that is done, by
    /// [`StartupEvent::PasswordNeeded`](crate::StartupEvent::PasswordNeeded), once a server wants one by a method that is acceptable, and
    /// before anything is answered. A [`password`](Self::password) that is given goes first, and so do [keys](Self::scram_keys) that are for
    /// any salt.
    #[must_use]
    pub fn password_on_demand(mut self) -> Self {
        self.password_on_demand = true;
        self
    }

    /// Keys that were derived before: SCRAM then costs no derivation, and needs no password. They are used when they are for the salt
    /// and the iterations that the server names, or for unknown ones.
    #[must_use]
    pub fn scram_keys(mut self, keys: ScramKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The bearer token, should the server ask for one (OAUTHBEARER, PostgreSQL 18). Where a token may go at all is said by [`AuthMethods`].
    ///
    /// Should the server refuse it, it says why, and where to get another one:
    /// [`StartupEvent::OauthChallenge`](crate::StartupEvent::OauthChallenge).
    #[must_use]
    pub fn bearer_token(mut self, token: BearerToken) -> Self {
        self.oauth = Some(Oauth::Token(token));
        self
    }

    /// There may be a bearer token, but it is only to be had by asking somebody: that is done, by
    /// [`StartupEvent::TokenNeeded`](crate::StartupEvent::TokenNeeded), once a server wants one where a token may go. Replaces a token.
    #[must_use]
    pub fn bearer_token_on_demand(mut self) -> Self {
        self.oauth = Some(Oauth::OnDemand);
        self
    }

    /// There is no bearer token yet, and the server is to say where to get one: it does so in
    /// [`StartupEvent::OauthChallenge`](crate::StartupEvent::OauthChallenge), and refuses the connection then. Replaces a token.
    #[must_use]
    pub fn oauth_discovery(mut self) -> Self {
        self.oauth = Some(Oauth::Discovery);
        self
    }

    /// Whether there is to be TLS; none by default.
    #[must_use]
    pub fn tls(mut self, tls: TlsRequest) -> Self {
        self.tls = tls;
        self
    }

    /// Whether SCRAM is to be tied to TLS; where that is possible, by default.
    #[must_use]
    pub fn channel_binding(mut self, channel_binding: ChannelBinding) -> Self {
        self.channel_binding = channel_binding;
        self
    }

    /// The newest version of the protocol to ask for; 3.0 by default, as libpq does, since poolers choke on others. A server that is older
    /// says so, and that one is spoken: [`Connection::protocol_version`](crate::Connection::protocol_version).
    #[must_use]
    pub fn max_protocol_version(mut self, version: ProtocolVersion) -> Self {
        self.max_version = version;
        self
    }

    /// The oldest version of the protocol to put up with; 3.0 by default.
    #[must_use]
    pub fn min_protocol_version(mut self, version: ProtocolVersion) -> Self {
        self.min_version = version;
        self
    }

    /// The methods of authentication that are acceptable.
    #[must_use]
    pub fn require_auth(mut self, methods: AuthMethods) -> Self {
        self.require_auth = methods;
        self
    }

    /// What to do for TLS: nothing over a Unix socket.
    pub(crate) fn wanted_tls(&self) -> TlsRequest {
        match self.transport {
            Transport::UnixSocket => TlsRequest::None,
            Transport::Tcp => self.tls,
        }
    }

    /// Whether a method is acceptable over the connection as it is, with TLS or without.
    pub(crate) fn allows(&self, method: AuthMethod, tls: Option<&TlsFacts>) -> bool {
        let channel = match (self.transport, tls) {
            (Transport::UnixSocket, _) => Channel::UnixSocket,
            (Transport::Tcp, None) => Channel::Open,
            (Transport::Tcp, Some(tls)) => Channel::Tls {
                verified: tls.verified,
            },
        };
        self.require_auth.allows_over(channel, method)
    }

    /// The first message but for those about TLS: what has to be known to be right before anything is sent.
    pub(crate) fn first_message(&self) -> Result<BytesMut, UsageError> {
        let mut message = BytesMut::new();
        if let Some(key) = &self.cancel {
            cancel_request::write(&mut message, key);
        } else {
            self.check()?;
            startup_message::write(&mut message, self.max_version, self.pairs())?;
        }
        Ok(message)
    }

    pub(crate) fn is_cancel(&self) -> bool {
        self.cancel.is_some()
    }

    /// What let us in is of no use any more.
    pub(crate) fn forget_secrets(&mut self) {
        self.password = None;
        self.keys = None;
        self.oauth = None;
        self.parameters = Vec::new();
    }

    fn check(&self) -> Result<(), UsageError> {
        // A name that stands in the message already would override what stands there.
        let reserved = |given: &str| {
            let mut all = RESERVED.into_iter();
            let name = all.find(|name| name.eq_ignore_ascii_case(given));
            name.or_else(|| {
                given
                    .starts_with(PROTOCOL_OPTION)
                    .then_some(PROTOCOL_OPTION)
            })
        };
        if let Some(name) = self.parameters.iter().find_map(|(name, _)| reserved(name)) {
            return Err(UsageError::ReservedParameter { name });
        }
        if self.min_version > self.max_version {
            return Err(UsageError::VersionRange {
                min: self.min_version,
                max: self.max_version,
            });
        }
        let unbound = self.wanted_tls() == TlsRequest::None;
        if unbound && self.channel_binding == ChannelBinding::Require {
            return Err(UsageError::ChannelBindingWithoutTls);
        }
        Ok(())
    }

    /// The parameters of the `StartupMessage`.
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
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
            .field("tls", &self.tls)
            .field("channel_binding", &self.channel_binding)
            .field("require_auth", &self.require_auth)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp() -> Startup {
        Startup::new("me", Transport::Tcp)
    }

    fn only(method: AuthMethod) -> AuthMethods {
        AuthMethods::only([method])
    }

    #[test]
    fn security_18_cleartext_is_refused_over_an_open_network() {
        let tls = TlsFacts::new();
        let password = AuthMethod::Password;
        assert!(!tcp().allows(password, None));
        assert!(tcp().allows(AuthMethod::Md5, None) && tcp().allows(AuthMethod::ScramSha256, None));
        assert!(tcp().allows(password, Some(&tls)), "TLS keeps it private");
        assert!(Startup::new("me", Transport::UnixSocket).allows(password, None));
        let named = tcp().require_auth(only(password));
        assert!(named.allows(password, None) && !named.allows(AuthMethod::None, None));
        let forbidden = tcp().require_auth(AuthMethods::except([password]));
        assert!(!forbidden.allows(password, Some(&tls)));
        let unmentioned = tcp().require_auth(AuthMethods::except([AuthMethod::Md5]));
        assert!(!unmentioned.allows(password, None) && unmentioned.allows(password, Some(&tls)));
    }

    #[test]
    fn security_20_a_token_goes_to_a_verified_server_alone() {
        let (oauth, unverified) = (AuthMethod::Oauth, TlsFacts::new());
        let verified = TlsFacts::new().verified(true);
        let unix = || Startup::new("me", Transport::UnixSocket);
        for startup in [tcp(), tcp().require_auth(only(oauth))] {
            assert!(!startup.allows(oauth, None) && !startup.allows(oauth, Some(&unverified)));
            assert!(startup.allows(oauth, Some(&verified)));
        }
        assert!(!unix().allows(oauth, None));
        assert!(unix().require_auth(only(oauth)).allows(oauth, None));
        let forbidden = tcp().require_auth(AuthMethods::except([oauth]));
        assert!(!forbidden.allows(oauth, Some(&verified)));
    }

    #[test]
    fn security_27_no_parameter_overrides_the_user() {
        for name in [
            "user",
            "Client_Encoding",
            "DATABASE",
            "replication",
            "_pq_.x",
        ] {
            let startup = tcp().parameter(name, "postgres");
            assert!(matches!(
                startup.first_message(),
                Err(UsageError::ReservedParameter { .. })
            ));
        }
        assert!(tcp().parameter("a", "b").first_message().is_ok());
    }

    #[test]
    fn wishes_that_contradict_each_other_are_refused() {
        let newer = tcp().min_protocol_version(ProtocolVersion::V3_2);
        assert_eq!(
            newer.first_message(),
            Err(UsageError::VersionRange {
                min: ProtocolVersion::V3_2,
                max: ProtocolVersion::V3_0
            })
        );
        let both = newer.max_protocol_version(ProtocolVersion::V3_2);
        assert!(both.first_message().is_ok());

        let bound = tcp().channel_binding(ChannelBinding::Require);
        let nothing = Err(UsageError::ChannelBindingWithoutTls);
        assert_eq!(bound.first_message(), nothing);
        assert!(bound.tls(TlsRequest::Prefer).first_message().is_ok());
        let unix = Startup::new("me", Transport::UnixSocket).tls(TlsRequest::Require);
        let unix = unix.channel_binding(ChannelBinding::Require);
        assert_eq!(unix.first_message(), nothing);
    }

    #[test]
    fn what_let_us_in_is_forgotten() {
        let mut startup = tcp()
            .password("hush")
            .scram_keys(ScramKeys::new([1; 32], [2; 32]))
            .bearer_token(BearerToken::new("hush").unwrap())
            .parameter("a", "hush");
        startup.forget_secrets();
        assert!(startup.password.is_none() && startup.keys.is_none() && startup.oauth.is_none());
        assert!(startup.parameters.is_empty());
    }

    #[test]
    fn debug_shows_no_secret() {
        let token = BearerToken::new("hush").unwrap();
        let startup = tcp()
            .password("hush")
            .bearer_token(token)
            .parameter("a", "hush");
        assert!(!alloc::format!("{startup:?}").contains("hush"));
    }
}
