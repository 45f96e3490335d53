//! What a caller may ask of a server.

use super::StartError;
use std::env;

/// The environment variable that asks for a major version.
const VERSION: &str = "PUREPG_TEST_PG_VERSION";

/// What every server is started with, before the settings of [`Options::setting`].
const SETTINGS: [(&str, &str); 9] = [
    // The data lives as long as one test: nothing is worth waiting for a disk.
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    // Several servers at once on a small machine.
    ("shared_buffers", "16MB"),
    ("max_connections", "100"),
    // Logical decoding can be tested on any server.
    ("wal_level", "logical"),
    ("max_wal_senders", "10"),
    ("max_replication_slots", "10"),
    // Never the world.
    ("listen_addresses", super::HOST),
];

/// How a server is to be: a version, settings. The default is any version, no extra settings.
#[derive(Debug, Clone, Default)]
pub struct Options {
    version: Option<u32>,
    settings: Vec<(String, String)>,
    tls: Option<Identity>,
    sockets: Vec<String>,
}

/// What a server shows of itself in TLS, as PEM.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) certificates: String,
    pub(super) key: String,
}

impl Identity {
    /// The names that PostgreSQL looks for in its data folder unless told otherwise.
    pub(super) const CERTIFICATES: &str = "server.crt";
    pub(super) const KEY: &str = "server.key";
}

impl Options {
    /// Any version, no extra settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a major version, whatever `PUREPG_TEST_PG_VERSION` says.
    #[must_use]
    pub fn version(mut self, major: u32) -> Self {
        self.version = Some(major);
        self
    }

    /// Sets a parameter of the server, as `postgres -c name=value` does. The last of equal names
    /// wins, also over what the kit sets. The port and the folder of the Unix socket are the kit's.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Makes it speak TLS, with these certificates (its own first) and this key, as PEM.
    #[must_use]
    pub fn tls(mut self, certificates: impl Into<String>, key: impl Into<String>) -> Self {
        self.tls = Some(Identity {
            certificates: certificates.into(),
            key: key.into(),
        });
        self.setting("ssl", "on")
    }

    /// Has it listen in another folder, too, or, behind an `@`, under a name in Linux's abstract namespace (from PostgreSQL 14 on).
    #[must_use]
    pub fn socket(mut self, folder: impl Into<String>) -> Self {
        self.sockets.push(folder.into());
        self
    }

    pub(super) fn sockets(&self) -> &[String] {
        &self.sockets
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        self.tls.as_ref()
    }

    /// The version that is asked for: here, or else in the environment.
    pub(super) fn wanted_version(&self) -> Result<Option<u32>, StartError> {
        if self.version.is_some() {
            return Ok(self.version);
        }
        match env::var_os(VERSION) {
            None => Ok(None),
            Some(text) => parse_version(&text.to_string_lossy()),
        }
    }

    /// `name=value` for each `-c`, in the order in which `postgres` must see them.
    pub(super) fn into_assignments(self) -> Vec<String> {
        let kit = SETTINGS
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let own = self
            .settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        kit.chain(own).collect()
    }
}

fn parse_version(text: &str) -> Result<Option<u32>, StartError> {
    match text.trim() {
        "" => Ok(None),
        digits => digits
            .parse()
            .map(Some)
            .map_err(|_| StartError::Environment {
                variable: VERSION,
                problem: format!("`{digits}` is not a major version such as 18"),
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_settings_come_after_the_kits() {
        let options = Options::new()
            .setting("fsync", "on")
            .setting("work_mem", "1MB");
        let assignments = options.into_assignments();
        assert_eq!(assignments.first().unwrap(), "fsync=off");
        assert!(assignments.ends_with(&["fsync=on".into(), "work_mem=1MB".into()]));
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(parse_version(" 17\n").unwrap(), Some(17));
        assert_eq!(parse_version("").unwrap(), None);
        let error = parse_version("17.2").unwrap_err().to_string();
        assert_eq!(
            error,
            "PUREPG_TEST_PG_VERSION: `17.2` is not a major version such as 18"
        );
    }

    #[test]
    fn a_version_asked_for_here_wins_over_the_environment() {
        // True whatever the environment of this run says.
        assert_eq!(
            Options::new().version(13).wanted_version().unwrap(),
            Some(13)
        );
    }
}
