//! How to reach a server, and how to enter it.

mod address;
pub(crate) mod auth;
mod error;
mod hosts;
mod key_value;
mod keyword;
mod notice_handler;
mod reach;
mod settings;
mod socket_options;
mod ssl_mode;
mod target;
#[cfg(test)]
mod tests;
pub(crate) mod tls;
mod url;
mod validate;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use purepg_proto::{AuthMethods, ChannelBinding, Limits, Notice, ProtocolVersion};

pub use address::Address;
pub use error::ConfigError;
pub use hosts::Host;
pub(crate) use notice_handler::NoticeHandler;
pub(crate) use settings::Password;
pub(crate) use settings::Protected;
pub use settings::Settings;
use settings::non_empty;
pub use socket_options::SocketOptions;
pub use ssl_mode::SslMode;
pub use target::{LoadBalanceHosts, TargetSessionAttrs};
use tls::RootCert;
pub use tls::{SslCertMode, SslNegotiation, TlsVersion};

/// How to reach a server, and how to enter it.
///
/// ```
/// use purepg_conn::Config;
///
/// let built = Config::new("localhost", "postgres").password("secret").database("db");
/// let by_url: Config = "postgres://postgres:secret@localhost/db".parse()?;
/// let by_keywords: Config = "host=localhost user=postgres password=secret dbname=db".parse()?;
/// assert!(built == by_url && built == by_keywords);
///
/// let socket = Config::new("/run/postgresql", "postgres");
/// assert_eq!(socket.settings().address().to_string(), "/run/postgresql/.s.PGSQL.5432");
/// # Ok::<(), purepg_conn::ConfigError>(())
/// ```
///
/// Nothing but what is given here counts: no environment variable is read, and no file but those that are named.
///
/// # Connection strings
///
/// A string is parsed as libpq parses it: as a URL if it starts with `postgres://` or
/// `postgresql://`, otherwise as a list of `keyword=value`. The last of several equal keywords
/// counts. The keywords are `host`, `hostaddr`, `port`, `user`, `password`, `dbname`, `application_name`,
/// `options`, `connect_timeout`, `target_session_attrs`, `load_balance_hosts`, `keepalives`, `keepalives_idle`, `keepalives_interval`,
/// `keepalives_count`, `tcp_user_timeout`, `requirepeer`, `require_auth`, `scram_client_key`, `scram_server_key`,
/// `oauth_issuer`, `oauth_client_id`, `oauth_client_secret`, `oauth_scope`, `channel_binding`, `min_protocol_version`, `max_protocol_version`, `sslmode`, `sslnegotiation`, `sslrootcert` (a file, or `system`), `sslcrl`,
/// `sslcert`, `sslkey`, `sslpassword`, `sslcertmode`, `sslsni`, `ssl_min_protocol_version`, `ssl_max_protocol_version`. libpq's other
/// keywords are accepted where they ask for what happens anyway, such as
/// `gssencmode=disable`, and are an error otherwise; so are unknown ones. There is no default
/// for the host and the user: [`host`](Self::host) and [`user`](Self::user) may fill in what a
/// string leaves out.
///
/// # Several hosts
///
/// `host`, `hostaddr` and `port` may be lists, with commas between; so may be the hosts of a URL: `postgres://db1,db2:5433/db`. The lists
/// are equally long, but for one port, which does for all. An empty port is 5432; where neither a name nor an address is given, a host of
/// a list is the folder in which the packages of Linux have the server put its socket, `/var/run/postgresql` (`/tmp` on other Unixes,
/// `localhost` elsewhere). The setters are [`add_host`](Self::add_host) and [`host_addr`](Self::host_addr).
///
/// Connecting goes from one to the next as libpq does:
///
/// * A name may have several addresses, which are all tried. An address that cannot be reached, takes longer than
///   [`connect_timeout`](Self::connect_timeout), or ends the connection before it has let the client in, leads to the next one, and behind
///   the last to the next host. (libpq does not go on where a connection ends that way.)
/// * A name that cannot be looked up, a server that is starting or shutting down (57P03), and one that is not the
///   [one that is wanted](Self::target_session_attrs) lead to the next host.
/// * Everything else is the end: a server that refuses a password or a database, breaks the protocol, or shows a certificate that is not
///   trusted. There may be somebody in its place, and the others would most likely say the same.
///
/// Nothing that is learned from one host counts for the next. The connection says where it leads
/// ([`Connection::endpoint`](crate::Connection::endpoint)), and its [cancels](crate::CancelToken) go there. With one attempt the error is that of the attempt; with more it is
/// [`Error::Connect`](crate::Error::Connect), which has them all.
///
/// Neither an error nor `Debug` shows a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a Config does nothing until something connects with it"]
pub struct Config {
    settings: Settings,
}

impl Config {
    /// The server at `host`, to be entered as `user`.
    ///
    /// `host` is a host name, an IP address (without brackets), or an absolute path: of a Unix
    /// socket that is named like `.s.PGSQL.5432`, or of the folder it is in. With an `@` before it, it is
    /// a name in Linux's abstract namespace, in place of a path.
    pub fn new(host: impl Into<String>, user: impl Into<String>) -> Self {
        let settings = Settings::new(host.into(), user.into());
        Self { settings }
    }

    /// What has been set, to be read.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Checks what the setters could not refuse. Connecting does this first.
    ///
    /// # Errors
    ///
    /// When the host or the user is missing; a host is a list or a relative path; there are not as many names, addresses and ports of
    /// hosts; the path of a Unix socket is too long; a port is 0; there is a zero byte anywhere; a run-time parameter
    /// is protected or reserved; everything together is longer than a server reads; what is said of TLS contradicts itself; or TLS
    /// is required, which a build without the feature `tls` does not have.
    pub fn validate(&self) -> Result<(), ConfigError> {
        validate::validate(&self.settings)
    }

    /// Replaces the user name.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.settings.user = user.into();
        self
    }

    /// The password. An empty one is none, as servers never accept it.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Password::new(password.into());
        self
    }

    /// The database; the server takes the one that is named like the user when this is unset or
    /// empty.
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.settings.database = non_empty(database.into());
        self
    }

    /// The name that the server shows in its log and in `pg_stat_activity`.
    pub fn application_name(mut self, application_name: impl Into<String>) -> Self {
        self.settings.application_name = non_empty(application_name.into());
        self
    }

    /// Command-line arguments for the server, such as `-c statement_timeout=5s`. A backslash before
    /// a space keeps it. Some poolers refuse them: [`parameter`](Self::parameter) does the same.
    pub fn options(mut self, options: impl Into<String>) -> Self {
        self.settings.options = non_empty(options.into());
        self
    }

    /// How much the connection must be protected; [`SslMode::Prefer`] by default.
    pub fn ssl_mode(mut self, ssl_mode: SslMode) -> Self {
        self.settings.ssl_mode = Some(ssl_mode);
        self
    }

    /// Who begins TLS; [`SslNegotiation::Postgres`] by default. [`Direct`](SslNegotiation::Direct) needs a mode that requires TLS.
    pub fn ssl_negotiation(mut self, negotiation: SslNegotiation) -> Self {
        self.settings.tls.negotiation = negotiation;
        self
    }

    /// The file, as PEM, with the certificates of those who are trusted to vouch for servers. With it the server's certificate is
    /// verified in every mode, as libpq does: [`SslMode::Require`] then means the same as [`SslMode::VerifyCa`].
    ///
    /// It is read when connecting, as the other files are. No file is read that is not named: `~/.postgresql` means nothing here.
    pub fn ssl_root_cert(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.tls.root_cert = Some(RootCert::File(file.into()));
        self
    }

    /// Those whom the operating system trusts vouch for servers, too. It needs [`SslMode::VerifyFull`], which is the default then.
    pub fn ssl_root_cert_system(mut self) -> Self {
        self.settings.tls.root_cert = Some(RootCert::System);
        self
    }

    /// The file, as PEM, with lists of certificates that were revoked: one of each authority in the chain, none of them out of date.
    pub fn ssl_crl(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.tls.crl = Some(file.into());
        self
    }

    /// The file, as PEM, with the client's certificate, and those between it and the authority, if there are any.
    pub fn ssl_cert(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.tls.cert = Some(file.into());
        self
    }

    /// The file with the key of the client's certificate: PKCS #8, PKCS #1 or SEC 1, as PEM or DER. As for libpq nobody else may be
    /// able to read it: `0600`, or `0640` where it is root's.
    pub fn ssl_key(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.tls.key = Some(file.into());
        self
    }

    /// The password that the client's key is encrypted with (PKCS #8, `BEGIN ENCRYPTED PRIVATE KEY`).
    pub fn ssl_password(mut self, password: impl Into<String>) -> Self {
        self.settings.tls.password = Password::new(password.into());
        self
    }

    /// Whether the client shows its certificate; [`SslCertMode::Allow`] by default.
    pub fn ssl_cert_mode(mut self, mode: SslCertMode) -> Self {
        self.settings.tls.cert_mode = mode;
        self
    }

    /// Whether the host's name is told in the clear when TLS begins (SNI), so that proxies can go by it; true by default. An address
    /// never is.
    pub fn ssl_sni(mut self, sni: bool) -> Self {
        self.settings.tls.sni = sni;
        self
    }

    /// The oldest version of TLS that is acceptable; 1.2 by default.
    pub fn ssl_min_protocol_version(mut self, version: TlsVersion) -> Self {
        self.settings.tls.min_version = version;
        self
    }

    /// The newest version of TLS that is acceptable; by default the newest there is.
    pub fn ssl_max_protocol_version(mut self, version: TlsVersion) -> Self {
        self.settings.tls.max_version = Some(version);
        self
    }

    /// Appends the keys of each connection to a file, in the format of `SSLKEYLOGFILE`, so that a network analyser can decrypt it.
    /// For debugging: whoever reads the file reads the connection. A connection string cannot say it.
    pub fn ssl_key_log_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.tls.key_log_file = Some(file.into());
        self
    }

    /// Whether SCRAM is tied to the TLS connection that it goes through; [`ChannelBinding::Prefer`] by default.
    pub fn channel_binding(mut self, channel_binding: ChannelBinding) -> Self {
        self.settings.tls.channel_binding = channel_binding;
        self
    }

    /// Does TLS by a configuration of your own, in place of one that the settings above make; none of these may be given then.
    ///
    /// It decides whom to trust. [`SslMode`] says when there is TLS; with [`SslMode::VerifyFull`] the certificate must also be for the
    /// host, whatever the configuration says. Where it offers no protocol by ALPN, `postgresql` is offered.
    #[cfg(feature = "tls")]
    pub fn tls_client_config(
        mut self,
        config: std::sync::Arc<crate::rustls::ClientConfig>,
    ) -> Self {
        self.settings.tls.own = Some(tls::OwnClientConfig(config));
        self
    }

    /// The ways of authentication that are acceptable.
    pub fn require_auth(mut self, methods: AuthMethods) -> Self {
        self.settings.require_auth = methods;
        self
    }

    /// The newest version of the protocol to ask for; see [`Settings::max_protocol_version`] for the default. A server that is older says so,
    /// and that one is spoken.
    pub fn max_protocol_version(mut self, version: ProtocolVersion) -> Self {
        self.settings.max_protocol_version = Some(version);
        self
    }

    /// The oldest version of the protocol to put up with; 3.0 by default. A server that has none as new is an error.
    pub fn min_protocol_version(mut self, version: ProtocolVersion) -> Self {
        self.settings.min_protocol_version = version;
        self
    }

    /// How much a connection puts up with: see [`Limits`] for what there is, and why.
    ///
    /// ```
    /// # use purepg_conn::{Config, Limits};
    /// let mut limits = Limits::default();
    /// limits.max_result = 64 << 20;
    /// let config = Config::new("localhost", "postgres").limits(limits);
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How many statements each connection keeps prepared that are used by their text, the least recently used giving way; 256 by
    /// default. With 0 only the unnamed statement is used: so it has to be through a pooler that hands each transaction to another
    /// server process, such as `PgBouncer` in transaction mode.
    pub fn statement_cache_size(mut self, statements: usize) -> Self {
        self.settings.statement_cache_size = statements;
        self
    }

    /// How long a call may take that says nothing of its own, as [`Query::timeout`](crate::Query::timeout) does; see there for what
    /// happens then. Zero is no limit, which is the default.
    ///
    /// It holds for queries, commands, `prepare`, pipelines and the like, one call at a time. Not for COPY, whose time is up to who gives
    /// or takes the data, and not for waiting for notifications.
    pub fn query_timeout(mut self, timeout: Duration) -> Self {
        self.settings.query_timeout = (!timeout.is_zero()).then_some(timeout);
        self
    }

    /// Has a result that nobody wants any more [cancelled](crate::CancelToken::cancel) on the server, once so many bytes of it were read
    /// past in vain. Without this, the default, the next call reads past all of it.
    ///
    /// The next call then waits for what is left of the last one before it sends anything. Nothing is cancelled in a transaction, which
    /// would fail with it. Whether a dropped statement that writes is carried out is not known either way; with this it may be cancelled.
    pub fn cancel_abandoned(mut self, bytes: usize) -> Self {
        self.settings.cancel_abandoned = Some(bytes);
        self
    }

    /// How many bytes a statement's text may have for it to be kept prepared; 16 KiB by default. What is longer is mostly generated, and
    /// comes once; it goes through the unnamed statement, which takes two round trips each time.
    pub fn statement_cache_max_text(mut self, bytes: usize) -> Self {
        self.settings.statement_cache_max_text = bytes;
        self
    }

    /// A run-time parameter that the session starts with, such as `search_path`. `RESET` goes back
    /// to this value. A second one of the same name, in any case, replaces the first.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        let parameters = &mut self.settings.parameters;
        parameters.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        parameters.push((name, value.into()));
        self
    }

    /// Tells `handler` of every notice and warning of the connection as it arrives, those of the start-up included, instead of keeping
    /// it for [`take_notice`](crate::Connection::take_notice): none is dropped.
    ///
    /// It is called while somebody waits for the connection, and holds it up as long as it runs: it must not block, and not wait for
    /// the same connection. Should it panic, so does the call that waits, and the connection is as after a future that was dropped.
    ///
    /// Two configurations are equal if they have the same handler: one that was cloned, not one that does the same.
    ///
    /// ```
    /// # use purepg_conn::{Config, Notice};
    /// let config = Config::new("localhost", "postgres").on_notice(|notice: &Notice| eprintln!("{notice}"));
    /// assert_eq!(config, config.clone());
    /// ```
    pub fn on_notice(mut self, handler: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.settings.on_notice = Some(NoticeHandler::new(handler));
        self
    }
}

/// Parses a URL or a list of `keyword=value`: see [`Config`].
impl FromStr for Config {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if text.contains('\0') {
            return Err(ConfigError::Nul {
                part: "connection string",
            });
        }
        let mut config = Self::new("", "");
        if let Some(rest) = url::strip_scheme(text) {
            url::parse(rest, &mut config.settings)?;
        } else if has_another_scheme(text) {
            return Err(ConfigError::Syntax {
                part: "scheme",
                reason: "it is postgres:// or postgresql://",
            });
        } else {
            key_value::parse(text, &mut config.settings)?;
        }
        Ok(config)
    }
}

fn has_another_scheme(text: &str) -> bool {
    let scheme = text.trim_start_matches(is_blank).split_once("://");
    scheme.is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// C's `isspace`, which libpq uses.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}
