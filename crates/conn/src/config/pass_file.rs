//! Password files: libpq's `~/.pgpass`.

#[cfg(test)]
mod tests;

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Host;
use super::settings::{Password, Settings};

/// Something that is not as it should be, and keeps nobody from connecting: [`Config::on_warning`](super::Config::on_warning).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The password file is not looked into, so it is as if there were none.
    #[error("the password file {} is ignored: {reason}", file.display())]
    PassFileIgnored {
        /// Where it is.
        file: PathBuf,
        /// What is wrong with it.
        reason: Box<str>,
    },
}

/// A file that may have the password for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassFile {
    pub(super) path: PathBuf,
    /// Somebody has named it, so it should be there.
    named: bool,
}

/// Whom a password is for. A line of the file has these four in this order, and then the password.
#[derive(Clone, Debug)]
pub(crate) struct PassKey {
    host: String,
    port: String,
    database: String,
    user: String,
}

impl PassKey {
    /// For one of the hosts that a configuration names.
    pub(crate) fn new(host: &Host, settings: &Settings) -> Self {
        let port = host.port();
        let host = match host.name() {
            "" => host.addr().unwrap_or(LOCALHOST),
            host if SOCKET_FOLDERS.contains(&host) => LOCALHOST,
            host => host,
        };
        let user = settings.user();
        Self {
            host: host.to_owned(),
            port: port.to_string(),
            database: settings.database().unwrap_or(user).to_owned(),
            user: user.to_owned(),
        }
    }
}

/// What a server is called in a password file that is reached through a folder where one puts its socket by default.
const LOCALHOST: &str = "localhost";

/// Where servers put their sockets by default: those of distributions, and PostgreSQL's own.
pub(super) const SOCKET_FOLDERS: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

impl PassFile {
    pub(super) fn named(path: impl Into<PathBuf>) -> Option<Self> {
        let (path, named) = (path.into(), true);
        (!path.as_os_str().is_empty()).then_some(Self { path, named })
    }

    /// The one that is there unless another is named.
    pub(super) fn in_home(folder: &Path) -> Self {
        let name = if cfg!(windows) {
            "pgpass.conf"
        } else {
            ".pgpass"
        };
        Self {
            path: folder.join(name),
            named: false,
        }
    }

    /// The password in the first line that fits. It blocks.
    pub(crate) fn look_up(&self, key: &PassKey) -> Result<Option<Password>, Warning> {
        let text = match self.read() {
            Ok(text) => text,
            Err(Unread::Missing) if !self.named => return Ok(None),
            Err(Unread::Missing) => return Err(self.ignored("it is not there")),
            Err(Unread::Refused(reason)) => return Err(self.ignored(reason)),
            Err(Unread::Failed(error)) => return Err(self.ignored(error.to_string())),
        };
        let Some(password) = find(&text, key) else {
            return Ok(None);
        };
        match str::from_utf8(&password) {
            Ok(password) => Ok(Password::new(password.to_owned())),
            Err(_) => Err(self.ignored("the password in it is not UTF-8")),
        }
    }

    fn ignored(&self, reason: impl Into<Box<str>>) -> Warning {
        Warning::PassFileIgnored {
            file: self.path.clone(),
            reason: reason.into(),
        }
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Unread> {
        // Before it is opened, since that would wait for the other end of a pipe.
        check(&fs::metadata(&self.path)?)?;
        let mut file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        check(&metadata)?;
        // One allocation, so that nothing is left behind by growing.
        let capacity = usize::try_from(metadata.len()).unwrap_or(0).min(MAX_SIZE);
        let mut text = Zeroizing::new(Vec::with_capacity(capacity + 1));
        let limit = u64::try_from(MAX_SIZE).unwrap_or(u64::MAX);
        file.by_ref().take(limit).read_to_end(&mut text)?;
        if text.len() == MAX_SIZE {
            return Err(Unread::Refused("it has 16 MiB or more"));
        }
        Ok(text)
    }
}

/// Files that are edited by hand have some lines; this is to keep out what is not one.
const MAX_SIZE: usize = 16 << 20;

enum Unread {
    Missing,
    Refused(&'static str),
    Failed(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Failed(error),
        }
    }
}

/// libpq's rule. On Windows the folder is protected, and the file is not looked at.
fn check(metadata: &Metadata) -> Result<(), Unread> {
    if cfg!(unix) && !metadata.is_file() {
        return Err(Unread::Refused("it is not a plain file"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(Unread::Refused(
            "others than its owner have access to it: its permissions must be 0600 or less",
        ));
    }
    Ok(())
}

/// For the tests that compare this with libpq, and for nobody else.
#[doc(hidden)]
pub mod comparing {
    use super::{PassKey, Warning};
    use crate::config::Config;

    /// The password that the password file of a configuration has for its first host.
    ///
    /// # Errors
    /// When the file is ignored.
    pub fn password(config: &Config) -> Result<Option<String>, Warning> {
        let settings = config.settings();
        let hosts = settings.hosts();
        let found = match (settings.password_elsewhere(), hosts.first()) {
            (Some(file), Some(host)) => file.look_up(&PassKey::new(host, settings))?,
            _ => None,
        };
        Ok(found.map(|password| password.reveal().to_owned()))
    }
}

fn find(text: &[u8], key: &PassKey) -> Option<Zeroizing<Vec<u8>>> {
    let fields = [&key.host, &key.port, &key.database, &key.user];
    for line in text.split(|byte| *byte == b'\n') {
        let line = without_carriage_returns(line);
        if line.starts_with(b"#") || line.contains(&0) {
            continue;
        }
        let rest = fields
            .into_iter()
            .try_fold(line, |rest, field| after_match(rest, field.as_bytes()));
        if let Some(rest) = rest {
            return Some(unescape(rest));
        }
    }
    None
}

fn without_carriage_returns(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// What follows a field and its colon, if the field is `*` or `token`. A backslash takes the next byte as it is.
fn after_match<'a>(line: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let (mut line, mut token) = (line, token);
    loop {
        line = match (line, token) {
            ([b':', rest @ ..], []) => return Some(rest),
            ([b'\\', rest @ ..], _) => rest,
            _ => line,
        };
        let (first, rest) = line.split_first()?;
        let (wanted, after) = token.split_first()?;
        if first != wanted {
            return None;
        }
        (line, token) = (rest, after);
    }
}

/// Up to a colon, if there is one.
fn unescape(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => break,
            b'\\' => plain.push(bytes.next().unwrap_or(byte)),
            _ => plain.push(byte),
        }
    }
    plain
}
