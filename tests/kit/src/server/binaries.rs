//! Finds a PostgreSQL: a folder that holds `initdb` and `postgres`.

use super::{
    account::Account,
    error::StartError,
    fetch,
    run::{Input, run},
};
use std::{
    cmp::Reverse,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The environment variable that names a folder of programs.
const BIN: &str = "PUREPG_TEST_PG_BIN";

/// Where packages put the programs, with one `*` for the version.
const USUAL: [&str; 9] = [
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
    "/usr/libexec/postgresql*",                           // Alpine
    "/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew, Apple silicon
    "/usr/local/opt/postgresql@*/bin",                    // Homebrew, Intel
    "/opt/local/lib/postgresql*/bin",                     // MacPorts
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
    "/usr/local/pgsql*/bin",                              // built from source
    "/usr/lib/postgresql*/bin",                           // openSUSE
];

/// The programs of one PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
    release: String,
}

/// The first PostgreSQL that fits a wish: in the folder named by the environment, installed, or
/// fetched.
pub(super) fn find(wish: Option<u32>, account: Account) -> Result<Binaries, StartError> {
    let fits = |binaries: &Binaries| wish.is_none_or(|major| major == binaries.major);
    if let Some(folder) = env::var_os(BIN).filter(|folder| !folder.is_empty()) {
        let named = Binaries::inspect(Path::new(&folder), account).map_err(|problem| {
            StartError::Environment {
                variable: BIN,
                problem,
            }
        })?;
        if fits(&named) {
            return Ok(named);
        }
    }
    let installed = pg_config()
        .into_iter()
        .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default()))
        .chain(USUAL.iter().flat_map(|pattern| newest_first(pattern)))
        .filter_map(|folder| Binaries::inspect(&folder, account).ok())
        .find(fits);
    match installed {
        Some(binaries) => Ok(binaries),
        None => fetch::fetch(wish, account),
    }
}

fn pg_config() -> Option<PathBuf> {
    let folder = run(Command::new("pg_config").arg("--bindir"), &Input::Nothing).ok()?;
    Some(folder.trim_end().into())
}

/// The folders that match a pattern with one `*`, by the number in its place.
fn newest_first(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return Vec::new();
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?;
            let folder = format!("{parent}/{name}{after}");
            Some((leading_number(version).unwrap_or(0), folder.into()))
        })
        .collect();
    found.sort_by_key(|(version, _)| Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

impl Binaries {
    /// Looks at a folder: both programs are there, and `postgres` runs. Otherwise says what is
    /// wrong with it.
    pub(super) fn inspect(folder: &Path, account: Account) -> Result<Self, String> {
        let real = |path: &Path| {
            path.canonicalize()
                .map_err(|error| format!("{}: {error}", path.display()))
        };
        // What stands in PATH may be a link to one program only; its real folder has both.
        let postgres = real(&folder.join("postgres"))?;
        let beside = postgres.with_file_name("");
        let folder = [beside, real(folder)?]
            .into_iter()
            .find(|folder| folder.join("initdb").exists())
            .ok_or_else(|| format!("{} has postgres, but no initdb", folder.display()))?;
        let mut binaries = Self {
            folder,
            major: 0,
            release: String::new(),
        };
        let mut command = binaries.command("postgres", account, Path::new("/"));
        let answer = run(command.arg("--version"), &Input::Nothing)
            .map_err(|error| format!("{} does not run: {error}", postgres.display()))?;
        (binaries.major, binaries.release) = parse_version(&answer)
            .ok_or_else(|| format!("{} --version says `{answer}`", postgres.display()))?;
        Ok(binaries)
    }

    pub(super) fn major(&self) -> u32 {
        self.major
    }

    /// The version as it calls itself, such as `15.18`.
    pub(super) fn release(&self) -> &str {
        &self.release
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// Its client library: beside the programs where a tree was unpacked, else where `pg_config` says.
    pub(super) fn libpq(&self, account: Account) -> Option<PathBuf> {
        let in_folder = |folder: PathBuf| {
            let library = folder.join("libpq.so.5");
            library.exists().then_some(library)
        };
        let beside = self.folder.parent().map(|tree| tree.join("lib"));
        beside.and_then(in_folder).or_else(|| {
            let mut ask = self.command("pg_config", account, Path::new("/"));
            let folder = run(ask.arg("--libdir"), &Input::Nothing).ok()?;
            in_folder(PathBuf::from(folder.trim()))
        })
    }

    /// One of its programs, run as an account.
    pub(super) fn command(&self, program: &str, account: Account, folder: &Path) -> Command {
        let mut command = account.command(&self.path(program), folder);
        // An unpacked tree brings its own libpq; its plug-ins (libpqwalreceiver, postgres_fdw) would
        // otherwise load the system's.
        if let Some(lib) = self.folder.parent().map(|tree| tree.join("lib"))
            && lib.join("libpq.so.5").exists()
        {
            let others = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            let all = std::iter::once(lib).chain(env::split_paths(&others));
            let all = all.filter(|path| !path.as_os_str().is_empty());
            command.env(
                "LD_LIBRARY_PATH",
                env::join_paths(all).unwrap_or(others.clone()),
            );
        }
        command
    }
}

/// The version in `postgres (PostgreSQL) 15.18 (Debian 15.18-1)`, `… 18beta1`: its number, and all
/// of its word.
fn parse_version(answer: &str) -> Option<(u32, String)> {
    let word = answer
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some((leading_number(word)?, word.into()))
}

fn leading_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::run::script;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder that every account can reach, with scripts in place of programs.
    fn fake(programs: &[&str], answer: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for program in programs {
            script(&folder.path().join(program), answer);
        }
        folder
    }

    fn inspect(folder: &Path) -> Result<Binaries, String> {
        Binaries::inspect(folder, Account::for_servers())
    }

    #[test]
    fn versions_of_all_kinds() {
        let parse = |text| parse_version(text).unwrap();
        assert_eq!(
            parse("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            (15, "15.18".into())
        );
        assert_eq!(
            parse("postgres (PostgreSQL) 19beta1\n"),
            (19, "19beta1".into())
        );
        assert_eq!(parse_version("no number"), None);
    }

    #[test]
    fn both_programs_are_needed() {
        let both = fake(&["initdb", "postgres"], "echo 'postgres (PostgreSQL) 17.4'");
        let found = inspect(both.path()).unwrap();
        assert_eq!((found.major(), found.release()), (17, "17.4"));
        let one = fake(&["postgres"], "echo 'postgres (PostgreSQL) 17.4'");
        assert!(
            inspect(one.path())
                .unwrap_err()
                .ends_with("has postgres, but no initdb")
        );
        assert!(
            inspect(Path::new("/nowhere"))
                .unwrap_err()
                .contains("/nowhere/postgres")
        );
    }

    #[test]
    fn a_program_that_does_not_run_or_says_nonsense_is_refused() {
        let broken = fake(&["initdb", "postgres"], "echo wrong library >&2; exit 127");
        assert!(
            inspect(broken.path())
                .unwrap_err()
                .contains("wrong library")
        );
        let other = fake(&["initdb", "postgres"], "echo hello");
        assert!(inspect(other.path()).unwrap_err().contains("says `hello"));
    }

    #[test]
    fn a_link_to_postgres_alone_leads_to_its_folder() {
        let both = fake(&["initdb", "postgres"], "echo 'postgres (PostgreSQL) 17.4'");
        let links = fake(&[], "");
        symlink(both.path().join("postgres"), links.path().join("postgres")).unwrap();
        let found = inspect(links.path()).unwrap();
        assert_eq!(
            found.path("initdb"),
            both.path().canonicalize().unwrap().join("initdb")
        );
    }

    #[test]
    fn folders_are_tried_newest_first() {
        let parent = fake(&[], "");
        for name in ["pg-9.6", "pg-13", "pg-17", "other"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let base = parent.path().display();
        let expected: Vec<PathBuf> = ["17", "13", "9.6"]
            .map(|v| format!("{base}/pg-{v}/bin").into())
            .into();
        assert_eq!(newest_first(&format!("{base}/pg-*/bin")), expected);
        assert!(newest_first("/nowhere/*/bin").is_empty());
    }
}
