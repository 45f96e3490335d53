//! What must hold before anything is sent.

use std::path::Path;

use super::hosts;
use super::keyword::check_protected;
use super::settings::Password;
use super::{ConfigError, Settings, auth, tls};

/// Everything that a setter could not refuse.
pub(super) fn validate(settings: &Settings) -> Result<(), ConfigError> {
    check_nul(settings)?;
    hosts::validate(settings)?;
    if settings.user.is_empty() {
        return Err(ConfigError::Missing { keyword: "user" });
    }
    check_parameters(settings)?;
    check_startup_size(settings)?;
    check_limits(settings)?;
    auth::validate(settings)?;
    tls::validate(settings)
}

/// A string ends at its first zero byte, and the next parameter begins: a user name could smuggle
/// one in.
fn check_nul(settings: &Settings) -> Result<(), ConfigError> {
    let texts = [
        ("requirepeer", settings.require_peer()),
        ("user", Some(settings.user())),
        ("dbname", settings.database()),
        ("application_name", settings.application_name()),
        ("options", settings.options()),
    ];
    if let Some(part) = settings.reach.hosts.contain_nul() {
        return Err(ConfigError::Nul { part });
    }
    let parameters = settings
        .parameters()
        .flat_map(|(name, value)| [name, value])
        .map(|text| ("run-time parameter", Some(text)));
    for (part, text) in texts.into_iter().chain(parameters) {
        if text.is_some_and(|text| text.contains('\0')) {
            return Err(ConfigError::Nul { part });
        }
    }
    let passwords = [
        ("password", &settings.password),
        ("sslpassword", &settings.tls.password),
    ];
    for (part, password) in passwords {
        if password.as_ref().is_some_and(Password::contains_nul) {
            return Err(ConfigError::Nul { part });
        }
    }
    match settings.tls.files().find(|(_, file)| contains_nul(file)) {
        Some((part, _)) => Err(ConfigError::Nul { part }),
        None => Ok(()),
    }
}

fn check_limits(settings: &Settings) -> Result<(), ConfigError> {
    let keyword = "limits";
    if settings.limits().output_high_water == 0 {
        let reason = "with an output_high_water of 0 nothing could ever be sent";
        return Err(ConfigError::InvalidValue { keyword, reason });
    }
    if settings.limits().max_in_flight < MIN_IN_FLIGHT {
        let reason = "max_in_flight is 1000 at least, or a pipeline could wait for ever";
        return Err(ConfigError::InvalidValue { keyword, reason });
    }
    Ok(())
}

/// Up to the next Sync a server keeps answers for itself until 8 KiB of them have come together. The least that an operation is answered is
/// eighteen bytes, so with as many under way some must come.
const MIN_IN_FLIGHT: usize = 1_000;

fn contains_nul(file: &Path) -> bool {
    file.as_os_str().as_encoded_bytes().contains(&0)
}

pub(super) fn check_socket_path(bytes: usize) -> Result<(), ConfigError> {
    if bytes > MAX_SOCKET_PATH {
        let limit = MAX_SOCKET_PATH;
        return Err(ConfigError::SocketPathTooLong { bytes, limit });
    }
    Ok(())
}

/// The size of `sun_path` in `sockaddr_un`, less the zero byte at its end.
const MAX_SOCKET_PATH: usize = if cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "windows"
)) {
    107
} else {
    103
};

fn check_parameters(settings: &Settings) -> Result<(), ConfigError> {
    for (name, value) in settings.parameters() {
        // The list of parameters ends at an empty name.
        if name.is_empty() {
            return Err(ConfigError::InvalidValue {
                keyword: "run-time parameter",
                reason: "its name is empty",
            });
        }
        let mut reserved = RESERVED.into_iter();
        if let Some(name) = reserved.find(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(ConfigError::ReservedParameter { name });
        }
        if name.starts_with(PROTOCOL_OPTION) {
            return Err(ConfigError::ReservedParameter {
                name: PROTOCOL_OPTION,
            });
        }
        check_protected(name, value)?;
    }
    Ok(())
}

/// What the StartupMessage knows besides run-time parameters, and what has a setter.
const RESERVED: [&str; 5] = [
    "user",
    "database",
    "options",
    "replication",
    "application_name",
];

/// "Names beginning with `_pq_.` are reserved for use as protocol extensions" (Message Formats).
const PROTOCOL_OPTION: &str = "_pq_.";

/// The server's `MAX_STARTUP_PACKET_LENGTH` counts the version, the strings with their zero bytes
/// and the zero byte at the end, but not the length word.
fn check_startup_size(settings: &Settings) -> Result<(), ConfigError> {
    let parameters = settings.startup_parameters();
    let strings: usize = parameters
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    let bytes = 4 + strings + 1;
    let limit = MAX_STARTUP_SIZE;
    if bytes > limit {
        return Err(ConfigError::StartupTooLong { bytes, limit });
    }
    Ok(())
}

const MAX_STARTUP_SIZE: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::super::{Config, SslMode};
    use super::*;

    fn config() -> Config {
        Config::new("localhost", "postgres")
    }

    #[test]
    fn an_honest_configuration_is_accepted() {
        let good = [
            config(),
            config().password("secret").database("db").port(1),
            config().ssl_mode(SslMode::Disable),
            config().ssl_mode(SslMode::Allow),
            config().parameter("search_path", "a,b"),
            config().parameter("my.own", ""),
            config().parameter("CLIENT_ENCODING", "utf-8"),
            config().parameter("datestyle", "iso"),
            Config::new("::1", "postgres"),
            Config::new("/run/postgresql", "postgres"),
            Config::new("/tmp/a,b", "postgres"),
            "host=localhost user=postgres".parse().unwrap(),
            "postgres://localhost".parse::<Config>().unwrap().user("u"),
            "postgres://u@".parse::<Config>().unwrap().host("h"),
        ];
        for config in good {
            assert_eq!(config.validate(), Ok(()), "{config:?}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let long = "x".repeat(10_000);
        let table = vec![
            (Config::new("", "u"), "host is missing"),
            (Config::new("h", ""), "user is missing"),
            ("postgres://".parse().unwrap(), "host is missing"),
            ("postgres://h".parse().unwrap(), "user is missing"),
            (config().port(0), "invalid value for port"),
            (Config::new("run/postgresql", "u"), "must be absolute"),
            (Config::new("./s", "u"), "must be absolute"),
            (Config::new(r"C:\sockets", "u"), "must be absolute"),
            (
                config().parameter("client_encoding", "LATIN1"),
                "client_encoding is always UTF8",
            ),
            (
                config().parameter("datestyle", "German"),
                "DateStyle is always ISO",
            ),
            (
                config().parameter("DateStyle", "ISO, DMY"),
                "DateStyle is always ISO",
            ),
            (config().parameter("", "x"), "its name is empty"),
            (config().parameter("user", "root"), "user cannot be given"),
            (config().parameter("Database", "x"), "database cannot be"),
            (config().parameter("options", "x"), "options cannot be"),
            (config().parameter("replication", "1"), "replication cannot"),
            (
                config().parameter("application_name", "x"),
                "application_name cannot",
            ),
            (config().parameter("_pq_.x", "1"), "_pq_. cannot"),
            (config().application_name(long), "at most 10000"),
        ];
        for (config, message) in table {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
    }

    #[test]
    fn security_27_a_zero_byte_is_refused_everywhere() {
        let text = "a\0user\0root";
        let table = vec![
            (config().host(text), "host"),
            (config().host("/a\0b"), "host"),
            (config().add_host(text, 1), "host"),
            (config().host_addr(text), "hostaddr"),
            (config().require_peer(text), "requirepeer"),
            (config().user(text), "user"),
            (config().password(text), "password"),
            (config().database(text), "dbname"),
            (config().ssl_password(text), "sslpassword"),
            (config().ssl_root_cert(text), "sslrootcert"),
            (config().ssl_crl(text), "sslcrl"),
            (config().ssl_crl_dir(text), "sslcrldir"),
            (config().ssl_cert(text), "sslcert"),
            (config().ssl_key(text), "sslkey"),
            (config().ssl_key_log_file(text), "sslkeylogfile"),
            (config().application_name(text), "application_name"),
            (config().options(text), "options"),
            (config().parameter(text, "x"), "run-time parameter"),
            (config().parameter("x", text), "run-time parameter"),
        ];
        for (config, part) in table {
            assert_eq!(config.validate(), Err(ConfigError::Nul { part }));
        }
        for text in ["host=h user='a\0b'", "postgres://a\0b@h", "\0"] {
            let part = "connection string";
            assert_eq!(text.parse::<Config>(), Err(ConfigError::Nul { part }));
        }
    }

    #[test]
    fn acceptance_19_the_longest_socket_path_is_the_systems() {
        let folder = |length: usize| format!("/{}", "x".repeat(length - 1));
        let name = "/.s.PGSQL.5432".len();
        let fits = Config::new(folder(MAX_SOCKET_PATH - name), "u");
        assert_eq!(fits.validate(), Ok(()));
        let error = ConfigError::SocketPathTooLong {
            bytes: MAX_SOCKET_PATH + 1,
            limit: MAX_SOCKET_PATH,
        };
        let exceeds = Config::new(folder(MAX_SOCKET_PATH + 1 - name), "u");
        assert_eq!(exceeds.validate(), Err(error.clone()));
        let socket = format!("{}/.s.PGSQL.1", folder(MAX_SOCKET_PATH - 10));
        assert_eq!(Config::new(socket, "u").validate(), Err(error.clone()));
        let named = |length: usize| format!("@{}", "x".repeat(length - 1));
        let fits = Config::new(named(MAX_SOCKET_PATH - name), "u");
        assert_eq!(fits.validate(), Ok(()));
        let exceeds = Config::new(named(MAX_SOCKET_PATH + 1 - name), "u");
        assert_eq!(exceeds.validate(), Err(error.clone()));
        let second = config().add_host(folder(MAX_SOCKET_PATH + 1 - name), 5432);
        assert_eq!(second.validate(), Err(error));
    }

    #[test]
    fn acceptance_16_the_longest_startup_message_is_the_servers() {
        let rest = 4 + "user__".len() + "client_encoding_UTF8_".len() + "DateStyle_ISO_".len() + 1;
        let fits = Config::new("h", "u".repeat(10_000 - rest));
        assert_eq!(fits.validate(), Ok(()));
        let (bytes, limit) = (10_001, 10_000);
        let exceeds = Config::new("h", "u".repeat(10_001 - rest));
        let error = ConfigError::StartupTooLong { bytes, limit };
        assert_eq!(exceeds.validate(), Err(error));
    }
}
