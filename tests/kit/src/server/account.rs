//! Whom a server runs as: `postgres` and `initdb` refuse to run as root.

use rustix::process::{getegid, geteuid};
use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

/// What most systems call `nobody`, for those whose `/etc/passwd` has nobody.
const NOBODY: (u32, u32) = (65534, 65534);

/// The account that owns a server's data and runs its programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    /// Not the caller's own: the caller is root and lends itself another.
    borrowed: bool,
}

impl Account {
    /// The caller, or, when that is root, `postgres`, or else `nobody`.
    ///
    /// The account must have an entry in `/etc/passwd`: `initdb` looks itself up there.
    pub(super) fn for_servers() -> Self {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        if uid != 0 {
            return Self {
                uid,
                gid,
                borrowed: false,
            };
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (uid, gid) = ["postgres", "nobody"]
            .iter()
            .find_map(|name| entry(&passwd, name))
            .unwrap_or(NOBODY);
        Self {
            uid,
            gid,
            borrowed: true,
        }
    }

    pub(super) fn uid(self) -> u32 {
        self.uid
    }

    /// A program that runs as this account, in `folder` (the caller's own may be closed to it),
    /// untouched by the caller's `PG…` variables, language and time zone.
    pub(super) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        if self.borrowed {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes what the caller created the account's.
    pub(super) fn adopt(self, path: &Path) -> io::Result<()> {
        if self.borrowed {
            chown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    /// Whether the account can get to what lies in a folder: root's home is closed to it.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        let Ok(folder) = folder.canonicalize() else {
            return false;
        };
        !self.borrowed
            || folder.ancestors().all(|ancestor| {
                fs::metadata(ancestor).is_ok_and(|metadata| self.may_search(&metadata))
            })
    }

    fn may_search(self, metadata: &fs::Metadata) -> bool {
        let who = if metadata.uid() == self.uid {
            6
        } else if metadata.gid() == self.gid {
            3
        } else {
            0
        };
        metadata.mode() >> who & 1 == 1
    }
}

/// The user and group number of a line `name:password:uid:gid:…`.
fn entry(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn entries_are_found_by_their_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:101:104::/:\n";
        assert_eq!(entry(passwd, "postgres"), Some((101, 104)));
        assert_eq!(entry(passwd, "nobody"), None);
        assert_eq!(entry("nobody:*:-2:-2::/:", "nobody"), None);
    }

    #[test]
    fn servers_never_run_as_root() {
        assert_ne!(Account::for_servers().uid(), 0);
    }

    #[test]
    fn closed_folders_are_out_of_reach() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        mode(&inner, 0o711);
        mode(folder.path(), 0o700);
        let stranger = Account {
            uid: 4_000_000,
            gid: 4_000_000,
            borrowed: true,
        };
        assert!(!stranger.reaches(&inner));
        mode(folder.path(), 0o711);
        assert!(stranger.reaches(&inner));
        assert!(!stranger.reaches(&folder.path().join("missing")));
    }
}
