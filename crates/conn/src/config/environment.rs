//! What surrounds a program: environment variables, folders, the user who runs it.

#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::pass_file::SOCKET_FOLDERS;
pub(super) use variables::{ByVariable, VARIABLES};

/// What surrounds a program, as far as libpq goes by it: environment variables, the home folder, the user who runs it, where servers put
/// their sockets.
///
/// [`process`](Self::process) is the real one. Any other can be made up, for tests and for programs that keep their settings elsewhere:
///
/// ```
/// use purepg_conn::{Config, Environment};
///
/// let environment = Environment::new()
///     .variable("PGHOST", "db.example")
///     .variable("PGUSER", "me");
/// let config = Config::parse_with_env("dbname=app", &environment)?;
/// assert_eq!(config, Config::new("db.example", "me").database("app"));
/// # Ok::<(), purepg_conn::ConfigError>(())
/// ```
///
/// `Debug` shows which variables there are, and no value.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "an Environment does nothing by itself"]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    home: Option<PathBuf>,
    user: Option<String>,
    socket_folders: Vec<PathBuf>,
    system_folders: Vec<PathBuf>,
}

impl Environment {
    /// One in which there is nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// That of this process, as it is now: the variables whose names begin with `PG`, the home folder (`HOME`, else what the system
    /// says of the user; on Windows `%APPDATA%\postgresql`), and the user's name as the system knows it.
    ///
    /// `~/.pg_service.conf` is followed, where `PGSYSCONFDIR` is not set, by the file `pg_service.conf` in `/etc/postgresql-common`,
    /// `/etc/sysconfig/pgsql` and `/usr/local/pgsql/etc`, the first of which there is: where Debian, Red Hat and PostgreSQL itself have it.
    pub fn process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with("PG").then_some((name, value))
        });
        Self {
            variables: variables.collect(),
            home: home(),
            user: user(),
            socket_folders: SOCKET_FOLDERS.map(PathBuf::from).into(),
            system_folders: SYSTEM_FOLDERS.map(PathBuf::from).into(),
        }
    }

    /// Sets a variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The folder that has `.pgpass`, `.pg_service.conf` and `.postgresql`; without one none of them is looked for.
    pub fn home_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Some(folder.into());
        self
    }

    /// The user who runs the program, who is the user of the database, too, unless another one is named.
    pub fn user_name(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// A folder where servers put their sockets: when no host is named it is the first of these that has a socket for the port, else
    /// `localhost`. Without one there is no default for the host.
    pub fn socket_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.socket_folders.push(folder.into());
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str)
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The host when none is named.
    pub(super) fn default_host(&self, port: &str) -> Option<String> {
        let mut folders = self.socket_folders.iter();
        folders.as_slice().first()?;
        let socket = format!(".s.PGSQL.{port}");
        let found = folders.find(|folder| folder.join(&socket).exists());
        let found = found.and_then(|folder| folder.to_str());
        Some(found.unwrap_or("localhost").to_owned())
    }

    /// Where the administrator may have a `pg_service.conf`.
    pub(super) fn system_folders(&self) -> Vec<&Path> {
        match self.get("PGSYSCONFDIR") {
            Some(folder) => vec![Path::new(folder)],
            None => self.system_folders.iter().map(PathBuf::as_path).collect(),
        }
    }
}

const SYSTEM_FOLDERS: [&str; 3] = [
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/usr/local/pgsql/etc",
];

fn home() -> Option<PathBuf> {
    if cfg!(windows) {
        return Some(PathBuf::from(std::env::var_os("APPDATA")?).join("postgresql"));
    }
    std::env::home_dir().filter(|folder| !folder.as_os_str().is_empty())
}

/// Who runs the process, whatever its variables say.
#[cfg(unix)]
fn user() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective());
    user.ok().flatten().map(|user| user.name)
}

#[cfg(not(unix))]
fn user() -> Option<String> {
    std::env::var("USERNAME").ok()
}

/// Variables and their values.
impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let set = |environment: Self, (name, value)| environment.variable(name, value);
        variables.into_iter().fold(Self::new(), set)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
