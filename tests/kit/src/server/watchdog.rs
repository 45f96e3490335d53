//! Ends a server when the process that started it is gone, however it went.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

/// What the watchdog runs: the numbers that come on its standard input are the process to watch, and
/// its end is the signal to act. `$1` is the folder.
///
/// It ignores what a terminal sends to everybody. It gives `postgres` the seven seconds that the rest
/// of the kit gives it. A process that has ended but that nobody waits for still answers to
/// `kill -0`, so the file `postmaster.pid` counts as well. The second `rm` is for a copy that was
/// under way.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    tries=0
    while kill -0 "$pid" && [ -e "$1/data/postmaster.pid" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 140 ]; then kill -KILL "$pid"; break; fi
        sleep 0.05
    done
fi
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
"#;

/// A shell that outlives this process by as long as it takes to end a server and remove its folder.
///
/// A value in a `static` is never dropped, and a killed process drops nothing: so the signal is the
/// end of a pipe, which the system closes whatever happens. Only this process holds the other end:
/// std opens it close-on-exec. Dropping the watchdog is the same signal, and waits.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// Starts it; from now on it removes the folder.
    pub(super) fn start(folder: &Path) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(folder)
            .current_dir("/")
            // Not in the group that is killed with the tests, and none of their outputs kept open.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// From now on it also ends this process.
    pub(super) fn watch(&mut self, pid: u32) -> io::Result<()> {
        self.send(&pid.to_string())
    }

    /// The process has ended: its number may soon be another's.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.send("")
    }

    fn send(&mut self, line: &str) -> io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => pipe.write_all(format!("{line}\n").as_bytes()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}
