//! Which processor does what.
//!
//! With client and server on two processors of a virtual machine, a question and its answer measure how long a sleeping processor takes to
//! wake up. So both share one where they take turns, and have one each where they work at the same time.

use std::io;

use crate::workload::Workload;

/// The processors that the two sides are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processors {
    /// The server's, all of its processes.
    pub server: usize,
    /// The client's.
    pub client: usize,
}

impl Processors {
    /// For this workload, of those that this process may use.
    pub fn choose(workload: Workload, usable: &[usize]) -> Option<Self> {
        let (&first, &last) = (usable.first()?, usable.last()?);
        // The first of a machine often has the interrupts.
        let server = if workload.is_bulk() { first } else { last };
        Some(Self {
            server,
            client: last,
        })
    }
}

/// Those that this process may use.
///
/// # Errors
/// It cannot be asked here.
#[cfg(target_os = "linux")]
pub fn usable() -> io::Result<Vec<usize>> {
    use nix::sched::{CpuSet, sched_getaffinity};
    let set = sched_getaffinity(this())?;
    Ok((0..CpuSet::count())
        .filter(|&cpu| set.is_set(cpu).unwrap_or(false))
        .collect())
}

/// Puts this process on a processor, and the threads that it is going to start.
///
/// # Errors
/// That was not allowed.
#[cfg(target_os = "linux")]
pub fn move_this_process(cpu: usize) -> io::Result<()> {
    put(this(), cpu)
}

/// Puts a server on a processor: its first process, from which those of new sessions inherit it, and all that are there already.
///
/// # Errors
/// That was not allowed.
#[cfg(target_os = "linux")]
pub fn move_server(postmaster: u32, cpu: usize) -> io::Result<()> {
    use nix::unistd::Pid;
    let pid = |id: u32| i32::try_from(id).map(Pid::from_raw);
    put(pid(postmaster).map_err(io::Error::other)?, cpu)?;
    for child in children(postmaster)? {
        match put(pid(child).map_err(io::Error::other)?, cpu) {
            Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => {} // it ended meanwhile
            moved => moved?,
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn this() -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(0)
}

#[cfg(target_os = "linux")]
fn put(process: nix::unistd::Pid, cpu: usize) -> io::Result<()> {
    let mut set = nix::sched::CpuSet::new();
    set.set(cpu)?;
    Ok(nix::sched::sched_setaffinity(process, &set)?)
}

#[cfg(target_os = "linux")]
fn children(process: u32) -> io::Result<Vec<u32>> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = std::fs::read_to_string(path)?;
    let children = text.split_whitespace().map(str::parse);
    children.collect::<Result<_, _>>().map_err(io::Error::other)
}

/// Those that this process may use.
///
/// # Errors
/// Always: it cannot be asked here.
#[cfg(not(target_os = "linux"))]
pub fn usable() -> io::Result<Vec<usize>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts this process on a processor.
///
/// # Errors
/// Always: there is no such thing here.
#[cfg(not(target_os = "linux"))]
pub fn move_this_process(_cpu: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts a server on a processor.
///
/// # Errors
/// Always: there is no such thing here.
#[cfg(not(target_os = "linux"))]
pub fn move_server(_postmaster: u32, _cpu: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_turns_shares_a_processor_and_who_streams_does_not() {
        let turns = Processors::choose(Workload::Select, &[0, 1, 2]).unwrap();
        assert_eq!(turns.server, turns.client);
        let stream = Processors::choose(Workload::CopyOut, &[0, 1, 2]).unwrap();
        assert_ne!(stream.server, stream.client);
        assert_eq!(Processors::choose(Workload::Select, &[]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_was_moved_may_use_one_processor_and_its_children_are_found() {
        let cpu = *usable().unwrap().last().unwrap();
        let mut sleeper = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo $! && wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = sleeper.stdout.take().unwrap();
        io::BufRead::read_line(&mut io::BufReader::new(output), &mut line).unwrap();
        let child: i32 = line.trim().parse().unwrap();
        move_server(sleeper.id(), cpu).unwrap();
        let set = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(child)).unwrap();
        let used = (0..nix::sched::CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap());
        assert_eq!(used.collect::<Vec<_>>(), [cpu]);
        std::process::Command::new("kill")
            .arg(line.trim())
            .status()
            .unwrap();
        sleeper.wait().unwrap();
    }
}
