//! The postmaster: starts it, sees when it is ready, ends it.

use super::{
    HOST,
    account::Account,
    binaries::Binaries,
    error::{Doing, StartError},
    options::Identity,
    run::last_lines,
    watchdog::Watchdog,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    net::TcpListener,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take until it is ready.
const READY: Duration = Duration::from_secs(30);
/// How long a server that was told to end may take. It needs some milliseconds; after five seconds
/// the postmaster kills those of its children that do not listen (`SIGKILL_CHILDREN_AFTER_SECS` in
/// `postmaster.c`), but it waits a minute for a client that connected late and says nothing.
const GONE: Duration = Duration::from_secs(7);
/// How often to look.
const LOOK: Duration = Duration::from_millis(5);
/// How many ports to try: each is free when it is chosen, and seldom taken by somebody else before
/// the server takes it.
const PORTS: usize = 5;

/// How to start a server, again and again.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) binaries: Binaries,
    pub(super) account: Account,
    /// Holds the data, the log and the socket.
    pub(super) folder: PathBuf,
    /// `name=value` for each setting.
    pub(super) assignments: Vec<String>,
    /// Where else it listens: folders, names in the abstract namespace.
    pub(super) sockets: Vec<String>,
}

impl Launch {
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Puts the server's certificate and its key where it looks for them. A key that others can read is refused.
    pub(super) fn write_identity(&self, identity: &Identity) -> io::Result<()> {
        let Identity { certificates, key } = identity;
        for (name, pem) in [(Identity::CERTIFICATES, certificates), (Identity::KEY, key)] {
            let path = self.data().join(name);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(pem.as_bytes())?;
            self.account.adopt(&path)?;
        }
        Ok(())
    }

    /// Starts a server on one of the ports that `choose` gives.
    pub(super) fn on_some_port(
        &self,
        watchdog: &mut Watchdog,
        mut choose: impl FnMut() -> io::Result<u16>,
    ) -> Result<(Postmaster, u16), StartError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = choose().doing(|| "choosing a port".into())?;
            match self.on_port(watchdog, port) {
                Err(StartError::Ended { log })
                    if attempts < PORTS && log.contains("Address already in use") => {}
                started => return started.map(|postmaster| (postmaster, port)),
            }
        }
    }

    /// Starts a server on a port, and waits until it is ready.
    pub(super) fn on_port(
        &self,
        watchdog: &mut Watchdog,
        port: u16,
    ) -> Result<Postmaster, StartError> {
        let doing = || "starting postgres".to_owned();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .doing(doing)?;
        let old_log = log.metadata().doing(doing)?.len();
        let mut command = self
            .binaries
            .command("postgres", self.account, &self.folder);
        for assignment in &self.assignments {
            command.arg("-c").arg(assignment);
        }
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.socket_folders());
        command.args(["-p", &port.to_string()]);
        // An interrupt from the terminal is the tests' to act on; the watchdog sees their end.
        command.process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().doing(doing)?)
            .stderr(log);

        let mut postmaster = Postmaster {
            child: command.spawn().doing(doing)?,
        };
        let ready = watchdog
            .watch(postmaster.pid())
            .doing(|| "telling the watchdog".into())
            .and_then(|()| self.wait_until_ready(&mut postmaster, old_log));
        if let Err(error) = ready {
            postmaster.crash();
            let _ = watchdog.forget();
            return Err(error);
        }
        Ok(postmaster)
    }

    fn socket_folders(&self) -> OsString {
        let mut folders = OsString::from(&self.folder);
        for other in &self.sockets {
            folders.push(",");
            folders.push(other);
        }
        folders
    }

    fn wait_until_ready(
        &self,
        postmaster: &mut Postmaster,
        old_log: u64,
    ) -> Result<(), StartError> {
        let file = self.data().join("postmaster.pid");
        let start = Instant::now();
        loop {
            if !postmaster.is_running() {
                return Err(StartError::Ended {
                    log: self.last_words(old_log),
                });
            }
            let status = fs::read_to_string(&file).unwrap_or_default();
            if says_ready(&status, postmaster.pid()) {
                return Ok(());
            }
            if start.elapsed() > READY {
                let log = self.last_words(old_log);
                return Err(StartError::TimedOut {
                    seconds: READY.as_secs(),
                    log,
                });
            }
            thread::sleep(LOOK);
        }
    }

    /// The last lines of what was written to the log since it had `from` bytes.
    fn last_words(&self, from: u64) -> String {
        let mut text = Vec::new();
        let read = fs::File::open(self.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(from))?;
            log.read_to_end(&mut text)
        });
        match read {
            Ok(_) => last_lines(&String::from_utf8_lossy(&text), 20),
            Err(error) => format!("({}: {error})", self.log().display()),
        }
    }
}

/// A port of the loopback interface that nobody listens on.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((HOST, 0))?.local_addr()?.port())
}

/// Whether `postmaster.pid` is of this process, and says that connections are served.
///
/// Its first line is the process, its eighth the status (`src/include/utils/pidfile.h`). An answer to
/// an `SSLRequest` would prove less: it comes before the server has finished its recovery.
fn says_ready(file: &str, pid: u32) -> bool {
    let mut lines = file.lines();
    lines.next() == Some(&pid.to_string()) && lines.nth(6).map(str::trim) == Some("ready")
}

/// The first process of a server, our child.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
}

impl Postmaster {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// An immediate shutdown, as by `pg_ctl stop -m immediate`; waits until it is over.
    pub(super) fn crash(&mut self) {
        self.end(Signal::QUIT);
    }

    /// Ends it as an administrator does who does not wait for the sessions to end, and waits until it is gone.
    pub(super) fn shut_down(&mut self) {
        self.end(Signal::INT);
    }

    fn end(&mut self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        let _ = kill_process(Pid::from_child(&self.child), signal);
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > GONE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(LOOK);
        }
    }

    /// Sends a signal to a process of this server, and to no other: the number may come from a peer
    /// that made it up, and the tests may run as root.
    pub(super) fn signal_child(&self, pid: i32, signal: Signal) -> io::Result<()> {
        let own = pid > 0 && parent(pid) == Some(self.pid());
        if let Some(child) = Some(pid).filter(|_| own).and_then(Pid::from_raw) {
            Ok(kill_process(child, signal)?)
        } else {
            let problem = format!("{pid} is no process of this server");
            Err(io::Error::new(io::ErrorKind::NotFound, problem))
        }
    }
}

/// The parent of a process: from Linux's `/proc`, or from `ps`.
fn parent(pid: i32) -> Option<u32> {
    if Path::new("/proc/self/status").exists() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        return line.trim().parse().ok();
    }
    let output = Command::new("ps")
        .args(["-o", "ppid=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_said_by_the_right_process_in_the_right_line() {
        let file = |pid, status: &str| format!("{pid}\n/data\n1\n2\n/s\nhost\n 3 4\n{status}\n");
        assert!(says_ready(&file(7, "ready   "), 7));
        assert!(!says_ready(&file(7, "starting"), 7));
        assert!(!says_ready(&file(8, "ready   "), 7));
        assert!(!says_ready("7\nready\n", 7));
        assert!(!says_ready("", 7));
    }

    #[test]
    fn parents_are_known() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(parent(pid), Some(std::process::id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(parent(pid), None);
    }

    #[test]
    fn signals_go_to_no_stranger() {
        let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
        let mut postmaster = Postmaster {
            child: Command::new("sleep").arg("60").spawn().unwrap(),
        };
        let pid = i32::try_from(stranger.id()).unwrap();
        for pid in [pid, 1, 0, -1, i32::MIN] {
            let error = postmaster.signal_child(pid, Signal::KILL).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        postmaster.crash();
    }
}
