//! Where things are kept: short-lived folders, and trees that are made once and used by many.

use super::{
    account::Account,
    error::{Doing, StartError},
};
use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// How long the path of a folder for short-lived things may be. A Unix socket's whole path has 104
/// bytes on macOS and 108 on Linux, less the end; `/purepg-XXXXXX/.s.PGSQL.65535` takes 29.
const MAX_TEMPORARY: usize = 70;

/// The name of the kit's own folders inside shared ones.
const OWN: &str = "purepg-testkit";

/// Linux's file system in memory. The thousand small files of a cluster are made and removed ten
/// times as fast in it as on some disks.
const IN_MEMORY: &str = "/dev/shm";

/// How much must be free there. In containers it is often tiny.
const ENOUGH: u64 = 1 << 30;

/// Where servers run: where `TMPDIR` says, or in memory, or else among the temporary files.
pub(super) fn for_servers(account: Account) -> Result<PathBuf, StartError> {
    let chosen = env::var_os("TMPDIR").is_some();
    let in_memory = Path::new(IN_MEMORY);
    if !chosen && has_room(in_memory) && account.reaches(in_memory) {
        return Ok(in_memory.into());
    }
    temporary(account)
}

fn has_room(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|fs| fs.f_bavail.saturating_mul(fs.f_frsize) >= ENOUGH)
}

/// A folder for temporary files that the account can reach, short enough for Unix sockets.
fn temporary(account: Account) -> Result<PathBuf, StartError> {
    let fits = |folder: &PathBuf| {
        folder.is_absolute()
            && folder.as_os_str().as_bytes().len() <= MAX_TEMPORARY
            && account.reaches(folder)
    };
    [env::temp_dir(), "/tmp".into(), "/var/tmp".into()]
        .into_iter()
        .find(fits)
        .ok_or(io::ErrorKind::NotFound.into())
        .doing(|| {
            format!(
                "looking for a temporary folder open to user {}",
                account.uid()
            )
        })
}

/// Makes a folder of the caller's own, which goes when it is dropped.
pub(super) fn temporary_in(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    let closed = Permissions::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(prefix)
        .permissions(closed)
        .tempdir_in(parent)
}

/// The kit's own folder for what outlives a test run but may be lost at any time.
pub(super) fn scratch(account: Account) -> Result<PathBuf, StartError> {
    let folder = temporary(account)?.join(format!("{OWN}-{}", account.uid()));
    make_own(&folder, account).doing(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The kit's own folder for what is dear to get: in the user's cache, unless that is closed to the
/// account.
pub(super) fn cache(account: Account) -> Result<PathBuf, StartError> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let user = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    if let Some(user) = user
        && fs::create_dir_all(&user).is_ok()
        && account.reaches(&user)
        && make_own(&user.join(OWN), account).is_ok()
    {
        return Ok(user.join(OWN));
    }
    scratch(account)
}

/// Makes a folder that nobody but the account can write to, or sees that it is one: others may have
/// made it before us where everybody can.
fn make_own(folder: &Path, account: Account) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(folder)?;
    let caller = rustix::process::geteuid().as_raw();
    if !metadata.is_dir() || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("exists, and is open to others"));
    }
    if metadata.uid() == account.uid() {
        Ok(())
    } else if metadata.uid() == caller {
        account.adopt(folder) // just made, by us or by another process of ours
    } else {
        Err(io::Error::other("exists, and belongs to somebody else"))
    }
}

/// Gives `reader` the tree `name` of `store`, after `maker` has filled it if it is not there.
///
/// Processes that want the same tree wait for each other. A tree is made under another name, so a
/// half-made one is never seen; one that has lost files since (temporary folders are swept by age)
/// is made anew. Nobody replaces it while `reader` runs.
pub(super) fn shared_tree<T>(
    store: &Path,
    name: &str,
    account: Account,
    maker: impl FnOnce(&Path) -> Result<(), StartError>,
    reader: impl FnOnce(&Path) -> Result<T, StartError>,
) -> Result<T, StartError> {
    let finished = store.join(name);
    let lock = lock_file(&store.join(format!("{name}.lock")), account)
        .doing(|| format!("opening the lock of {}", finished.display()))?;
    lock.lock_shared()
        .doing(|| format!("locking {}", finished.display()))?;
    if !is_whole(&finished) {
        lock.unlock()
            .and_then(|()| lock.lock())
            .doing(|| format!("locking {}", finished.display()))?;
        if !is_whole(&finished) {
            make_tree(store, name, account, maker)?;
        }
    }
    reader(&finished.join(TREE))
}

/// The tree `name` of `store`, if it is there whole.
pub(super) fn whole_tree(store: &Path, name: &str) -> Option<PathBuf> {
    let finished = store.join(name);
    is_whole(&finished).then(|| finished.join(TREE))
}

/// The tree itself, beside the number of its entries.
const TREE: &str = "tree";
const ENTRIES: &str = "entries";

fn make_tree(
    store: &Path,
    name: &str,
    account: Account,
    maker: impl FnOnce(&Path) -> Result<(), StartError>,
) -> Result<(), StartError> {
    let making = || format!("making {name} in {}", store.display());
    let prefix = format!(".{name}-");
    // We hold the lock: these were left by processes that were killed.
    sweep(store, &prefix).doing(making)?;
    let new = temporary_in(store, &prefix).doing(making)?;
    let tree = new.path().join(TREE);
    account.adopt(new.path()).doing(making)?;
    fs::create_dir(&tree).doing(making)?;
    account.adopt(&tree).doing(making)?;
    maker(&tree)?;
    let publish = || {
        fs::write(new.path().join(ENTRIES), count_entries(&tree)?.to_string())?;
        let finished = store.join(name);
        remove_all(&finished)?;
        fs::rename(new.path(), finished)
    };
    publish().doing(making)
}

fn sweep(store: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(store)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            remove_all(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn is_whole(finished: &Path) -> bool {
    let noted = fs::read_to_string(finished.join(ENTRIES)).ok();
    let noted = noted.and_then(|text| text.parse::<u64>().ok());
    noted.is_some() && noted == count_entries(&finished.join(TREE)).ok()
}

fn count_entries(folder: &Path) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        count += 1;
        if entry.file_type()?.is_dir() {
            count += count_entries(&entry.path())?;
        }
    }
    Ok(count)
}

fn lock_file(path: &Path, account: Account) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let file = options.open(path)?;
    account.adopt(path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, thread, time::Duration};

    fn made(store: &Path, times: &Cell<u32>) -> String {
        let account = Account::for_servers();
        let maker = |tree: &Path| {
            times.set(times.get() + 1);
            fs::create_dir(tree.join("deep")).unwrap();
            fs::write(tree.join("deep/file"), "text").unwrap();
            Ok(())
        };
        let reader = |tree: &Path| Ok(fs::read_to_string(tree.join("deep/file")).unwrap());
        shared_tree(store, "name", account, maker, reader).unwrap()
    }

    #[test]
    fn a_tree_is_made_once_and_again_when_it_lost_a_file() {
        let store = tempfile::tempdir().unwrap();
        let times = Cell::new(0);
        assert_eq!(made(store.path(), &times), "text");
        assert_eq!(made(store.path(), &times), "text");
        assert_eq!(times.get(), 1);
        fs::remove_file(store.path().join("name/tree/deep/file")).unwrap();
        assert_eq!(made(store.path(), &times), "text");
        assert_eq!(times.get(), 2);
    }

    #[test]
    fn a_tree_that_was_left_half_made_is_neither_used_nor_kept() {
        let store = tempfile::tempdir().unwrap();
        let left = store.path().join(".name-abc");
        fs::create_dir_all(left.join("tree/deep")).unwrap();
        assert_eq!(made(store.path(), &Cell::new(0)), "text");
        assert!(!left.exists());
    }

    #[test]
    fn a_maker_that_fails_leaves_nothing() {
        let store = tempfile::tempdir().unwrap();
        let refused = || Err::<(), _>(io::Error::other("refused")).doing(|| "making".into());
        let account = Account::for_servers();
        let error = shared_tree(store.path(), "name", account, |_| refused(), |_| Ok(()));
        assert_eq!(error.unwrap_err().to_string(), "making: refused");
        let names: Vec<_> = fs::read_dir(store.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["name.lock"]);
    }

    #[test]
    fn makers_wait_for_each_other() {
        let store = tempfile::tempdir().unwrap();
        let makers = thread::scope(|scope| {
            let run = || {
                let times = Cell::new(0);
                let account = Account::for_servers();
                let maker = |tree: &Path| {
                    times.set(1);
                    thread::sleep(Duration::from_millis(50));
                    fs::write(tree.join("file"), "text").doing(|| "writing".into())
                };
                shared_tree(store.path(), "name", account, maker, |_| Ok(())).unwrap();
                times.get()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum::<u32>()
        });
        assert_eq!(makers, 1);
    }

    #[test]
    fn a_folder_open_to_others_is_refused() {
        let store = tempfile::tempdir().unwrap();
        let folder = store.path().join("own");
        let account = Account::for_servers();
        make_own(&folder, account).unwrap();
        make_own(&folder, account).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        assert!(make_own(&folder, account).is_err());
        let link = store.path().join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        assert!(make_own(&link, account).is_err());
    }
}
