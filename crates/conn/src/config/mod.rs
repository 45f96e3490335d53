//! How to reach a server, and how to enter it.

mod address;
pub(crate) mod auth;
mod connection_string;
mod environment;
mod error;
mod handler;
mod hosts;
mod key_value;
mod keyword;
mod pass_file;
mod reach;
mod service;
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
pub use connection_string::ConnectionString;
pub use environment::Environment;
pub use error::ConfigError;
pub(crate) use handler::Handler;
pub use hosts::Host;
use pass_file::PassFile;
pub(crate) use pass_file::PassKey;
pub use pass_file::Warning;
#[doc(hidden)]
pub use pass_file::comparing;
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
/// Nothing but what is given here counts: no environment variable is read, and no file but those that are named. What `psql` would go by
/// besides, [`from_env`](Self::from_env) and [`parse_with_env`](Self::parse_with_env) go by, too.
///
/// # Connection strings
///
/// A string is parsed as libpq parses it: as a URL if it starts with `postgres://` or
/// `postgresql://`, otherwise as a list of `keyword=value`. The last of several equal keywords
/// counts. Every keyword of libpq 18 has an effect or is an error that says why, as unknown ones are; none is ignored. All of them stand in a
/// table in `docs/configuration.md`, each with its environment variable. There is no default
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
    /// Apart, since a configuration is handed on by each of its setters.
    settings: Box<Settings>,
}

impl Config {
    /// The server at `host`, to be entered as `user`.
    ///
    /// `host` is a host name, an IP address (without brackets), or an absolute path: of a Unix
    /// socket that is named like `.s.PGSQL.5432`, or of the folder it is in. With an `@` before it, it is
    /// a name in Linux's abstract namespace, in place of a path.
    pub fn new(host: impl Into<String>, user: impl Into<String>) -> Self {
        let settings = Settings::new(host.into(), user.into());
        Self {
            settings: Box::new(settings),
        }
    }

    /// What the environment of this process says, where `psql` without any argument would connect to: the same as
    /// [`parse_with_env`](Self::parse_with_env) with an empty string and [`Environment::process`].
    ///
    /// # Errors
    ///
    /// As for [`parse_with_env`](Self::parse_with_env).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse_with_env("", &Environment::process())
    }

    /// Parses a connection string and adds what it leaves out, as `psql` would. What is said first counts:
    ///
    /// 1. by the string,
    /// 2. by the service that `service` or `PGSERVICE` names, in the file that `servicefile` or `PGSERVICEFILE` names, else
    ///    `~/.pg_service.conf`; then in `pg_service.conf` in the folder that `PGSYSCONFDIR` names, or where systems have it,
    /// 3. by environment variables,
    /// 4. otherwise the user is who runs the program, the host is a folder with a socket for the port, or `localhost`. Passwords
    ///    are looked for in `~/.pgpass`, and `root.crt`, `root.crl`, `postgresql.crt` and `postgresql.key` in `~/.postgresql` are used if they
    ///    are there.
    ///
    /// The table in `docs/configuration.md` names the variable of each keyword. A variable that cannot be honoured is an error, as a keyword is.
    /// Files of services are read here, which blocks; the password file is when connecting.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the string, a variable or a service; the error says with which.
    pub fn parse_with_env(text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        text.parse::<ConnectionString>()?
            .complete(environment)?
            .config()
    }

    /// Parses a connection string that comes from a stranger: nothing but these keywords may be in it. Parts of a URL count as keywords.
    ///
    /// ```
    /// use purepg_conn::Config;
    ///
    /// let theirs = "postgres://me@db.example/app?sslkey=/etc/ssl/private/ours.key";
    /// let error = Config::parse_allowing(theirs, Config::SAFE_KEYWORDS).unwrap_err();
    /// assert_eq!(error.to_string(), "sslkey is not allowed in this connection string");
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::NotAllowed`] for any other keyword, before anything else is looked at; and whatever is wrong with the string.
    pub fn parse_allowing(text: &str, keywords: &[&str]) -> Result<Self, ConfigError> {
        text.parse::<ConnectionString>()?
            .allow_only(keywords)?
            .config()
    }

    /// What a stranger may say, to begin with: which server, as whom, into which database, and how well protected. None of these has a
    /// file read, hands out something of yours, or says anything about the session.
    ///
    /// They still choose the host: it may be one that only your machine can reach, or the absolute path of a Unix socket, whose server
    /// may let in whoever runs your program. Look at [`Settings::address`], or leave out `host` and `hostaddr`.
    pub const SAFE_KEYWORDS: &[&str] = &[
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "dbname",
        "application_name",
        "fallback_application_name",
        "client_encoding",
        "connect_timeout",
        "sslmode",
        "sslnegotiation",
        "sslsni",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "channel_binding",
        "require_auth",
        "min_protocol_version",
        "max_protocol_version",
        "target_session_attrs",
        "load_balance_hosts",
    ];

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

    /// A file with passwords, to be looked into when connecting if there is no [password](Self::password): libpq's `passfile`.
    ///
    /// Each line is `host:port:database:user:password`, and the first that fits counts; `*` fits everything, a backslash takes the next
    /// character as it is, `#` begins a comment. A server that is reached through a folder where they put their sockets by default is called
    /// `localhost`. The file must be a plain one that is nobody's but its owner's (`0600`); if it is not, or not there, it is ignored, of which
    /// [`on_warning`](Self::on_warning) tells, and the error if a password is missing then.
    pub fn pass_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.pass_file = PassFile::named(file);
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

    /// The [`application_name`](Self::application_name) when there is no other: what a program calls itself unless its user says
    /// otherwise.
    pub fn fallback_application_name(mut self, application_name: impl Into<String>) -> Self {
        self.settings.fallback_application_name = non_empty(application_name.into());
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

    /// A folder with such lists, besides the file or in its place: `sslcrldir`. As for OpenSSL the names of the files count that
    /// `openssl rehash` gives them, such as `0a1b2c3d.r0`; each of these is read.
    pub fn ssl_crl_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.tls.crl_dir = Some(folder.into());
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

    /// The newest version of the protocol to ask for. By default 3.0, as for libpq, since there are poolers that do not know what to make
    /// of others; or the newest there is, if a [minimum](Self::min_protocol_version) rules that out.
    pub fn max_protocol_version(mut self, version: ProtocolVersion) -> Self {
        self.settings.max_protocol_version = Some(version);
        self
    }

    /// The oldest version of the protocol to put up with; 3.0 by default. A server that does not speak it is refused.
    pub fn min_protocol_version(mut self, version: ProtocolVersion) -> Self {
        self.settings.min_protocol_version = version;
        self
    }

    /// How much a connection puts up with: see [`Limits`] for what there is, and why.
    /// `max_in_flight` is 1,000 at least, or a pipeline could wait for answers that the server keeps until it is asked for more.
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
        self.settings.on_notice = Some(Handler::new(handler));
        self
    }

    /// Tells `handler` of everything that is not as it should be and yet keeps nobody from connecting. It is called while connecting,
    /// and must not block.
    pub fn on_warning(mut self, handler: impl Fn(&Warning) + Send + Sync + 'static) -> Self {
        self.settings.on_warning = Some(Handler::new(handler));
        self
    }
}

/// Parses a URL or a list of `keyword=value`: see [`Config`].
impl FromStr for Config {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        text.parse::<ConnectionString>()?.config()
    }
}

/// C's `isspace`, which libpq uses.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}
