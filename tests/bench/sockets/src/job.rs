//! One job in a process of its own, so that its processor time is that of one contestant.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::contestants::{ALL, Entry, Job, Result, Server};
use crate::pinning;
use crate::stopwatch::Stopwatch;
use crate::workload::Workload;

/// Seconds after which a job that hangs is ended.
const PATIENCE: u32 = 120;

/// What a process that does one job is told.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The folder of the server's socket.
    #[arg(long)]
    pub folder: PathBuf,
    /// The port in the socket's name.
    #[arg(long)]
    pub port: u16,
    /// Whose turn it is.
    #[arg(long, value_parser = contestant)]
    pub contestant: &'static Entry,
    /// What to do.
    #[arg(long, value_parser = workload)]
    pub workload: Workload,
    /// How many units.
    #[arg(long)]
    pub count: u64,
    /// The processor to stay on.
    #[arg(long)]
    pub cpu: Option<usize>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// On the wall.
    pub wall: Duration,
    /// Of the processor, in user and in system mode.
    pub cpu: Duration,
    /// Of what was decoded.
    pub checksum: u64,
    /// Calls of the allocator in the life of the process, where they are counted.
    pub allocations: Option<u64>,
}

/// Does the job. `None`: this contestant has no such thing.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(arguments: Arguments) -> Result<Option<Outcome>> {
    if let Some(cpu) = arguments.cpu {
        pinning::move_this_process(cpu)?;
    }
    nix::unistd::alarm::set(PATIENCE);
    let job = Job {
        server: Server {
            folder: arguments.folder,
            port: arguments.port,
        },
        workload: arguments.workload,
        count: arguments.count,
    };
    let mut watch = Stopwatch::default();
    let Some(checksum) = (arguments.contestant.run)(&job, &mut watch)? else {
        return Ok(None);
    };
    let measured = watch.measured().ok_or("the stopwatch was not stopped")?;
    Ok(Some(Outcome {
        wall: measured.wall,
        cpu: measured.cpu,
        checksum,
        allocations: None,
    }))
}

/// Tells the process that asked for it.
///
/// # Errors
/// When nobody listens.
pub fn tell(outcome: Option<&Outcome>) -> Result<()> {
    serde_json::to_writer(std::io::stdout(), &outcome)?;
    Ok(())
}

/// The workload of this name.
///
/// # Errors
/// There is none.
pub fn workload(name: &str) -> std::result::Result<Workload, String> {
    let found = Workload::ALL.into_iter().find(|one| one.name() == name);
    found.ok_or_else(|| {
        let names = Workload::ALL.map(Workload::name);
        format!("the workloads are {}", names.join(", "))
    })
}

/// The contestant of this name.
///
/// # Errors
/// There is none.
pub fn contestant(name: &str) -> std::result::Result<&'static Entry, String> {
    let found = ALL.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
        format!("the contestants are {}", names.join(", "))
    })
}
