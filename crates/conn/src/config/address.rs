//! Where a server listens.

use std::fmt;
use std::path::PathBuf;

/// Where a server listens, as the host and the port of a [`Config`](super::Config) say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// A host name or an IP address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket: the path of the socket itself.
    Unix(PathBuf),
    /// A Unix socket in Linux's abstract namespace: its name, without the zero byte before it.
    Abstract(String),
}

impl Address {
    /// An absolute path is a Unix socket: the socket itself if it is named as PostgreSQL names
    /// them, otherwise the folder it is in. The port is then only a part of the name. No file is
    /// looked at. The same goes for an abstract name behind an `@`.
    pub(super) fn new(host: &str, port: u16) -> Self {
        let is_socket = || {
            let file_name = host.rsplit('/').next().unwrap_or_default();
            file_name.starts_with(SOCKET_PREFIX)
        };
        if let Some(name) = host.strip_prefix('@') {
            return Self::Abstract(if is_socket() {
                name.to_owned()
            } else {
                format!("{name}/{SOCKET_PREFIX}{port}")
            });
        }
        if !host.starts_with('/') {
            return Self::tcp(host, port);
        }
        if is_socket() {
            Self::Unix(PathBuf::from(host))
        } else {
            Self::Unix(PathBuf::from(host).join(format!("{SOCKET_PREFIX}{port}")))
        }
    }

    pub(super) fn tcp(host: &str, port: u16) -> Self {
        let host = host.to_owned();
        Self::Tcp { host, port }
    }
}

/// The server's `UNIXSOCK_PATH`.
const SOCKET_PREFIX: &str = ".s.PGSQL.";

/// As it is written in messages: `localhost:5432`, `[::1]:5432`, `/tmp/.s.PGSQL.5432`, `@db/.s.PGSQL.5432`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_paths_become_addresses() {
        let table = [
            ("localhost", "localhost:5433"),
            ("127.0.0.1", "127.0.0.1:5433"),
            ("::1", "[::1]:5433"),
            ("fe80::1%eth0", "[fe80::1%eth0]:5433"),
            ("run/postgresql", "run/postgresql:5433"),
            ("/run/postgresql", "/run/postgresql/.s.PGSQL.5433"),
            ("/run/postgresql/", "/run/postgresql/.s.PGSQL.5433"),
            ("/", "/.s.PGSQL.5433"),
            ("/tmp/.s.PGSQL.6000", "/tmp/.s.PGSQL.6000"),
            ("/.s.PGSQL.6000", "/.s.PGSQL.6000"),
            ("/tmp/.s.PGSQL.6000/", "/tmp/.s.PGSQL.6000/.s.PGSQL.5433"),
            (
                "/tmp/.s.PGSQL.6000/sub",
                "/tmp/.s.PGSQL.6000/sub/.s.PGSQL.5433",
            ),
            ("/tmp/s.PGSQL.6000", "/tmp/s.PGSQL.6000/.s.PGSQL.5433"),
            ("@db", "@db/.s.PGSQL.5433"),
            ("@/run/db", "@/run/db/.s.PGSQL.5433"),
            ("@db/.s.PGSQL.6000", "@db/.s.PGSQL.6000"),
            ("@", "@/.s.PGSQL.5433"),
        ];
        for (host, text) in table {
            let address = Address::new(host, 5433);
            assert_eq!(address.to_string(), text, "{host:?}");
            let is_unix = matches!(address, Address::Unix(_));
            assert_eq!(is_unix, host.starts_with('/'), "{host:?}");
            let is_abstract = matches!(address, Address::Abstract(_));
            assert_eq!(is_abstract, host.starts_with('@'), "{host:?}");
        }
    }
}
