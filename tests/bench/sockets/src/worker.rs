//! Starts processes that do one job each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use purepg_testkit::server::Server;

use crate::contestants::{Entry, Result};
use crate::job::Outcome;
use crate::workload::Workload;

/// A job for another process.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Where.
    pub server: &'a Server,
    /// Who.
    pub contestant: &'static Entry,
    /// What.
    pub workload: Workload,
    /// How many units.
    pub count: u64,
    /// On which processor.
    pub cpu: Option<usize>,
}

/// This very program.
///
/// # Errors
/// The system does not say where it is.
pub fn this_program() -> Result<PathBuf> {
    Ok(std::env::current_exe()?)
}

/// The command that has a program do a job.
pub fn command(program: &Path, order: &Order<'_>) -> Command {
    let mut command = Command::new(program);
    command
        .arg("job")
        .arg("--folder")
        .arg(order.server.socket_dir());
    command.args(["--port", &order.server.port().to_string()]);
    command.args(["--contestant", order.contestant.name]);
    command.args(["--workload", order.workload.name()]);
    command.args(["--count", &order.count.to_string()]);
    if let Some(cpu) = order.cpu {
        command.args(["--cpu", &cpu.to_string()]);
    }
    command
}

/// Does a job, and checks what came of it. `None`: this contestant has no such thing.
///
/// # Errors
/// It failed, or its checksum is not the expected one: with the names of contestant and workload.
pub fn run(command: &mut Command, order: &Order<'_>, expected: u64) -> Result<Option<Outcome>> {
    let who = format!("{}, {}", order.contestant.name, order.workload);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{who}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{who}: {}", output.status).into());
    }
    let outcome: Option<Outcome> = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{who}: its answer cannot be read: {error}"))?;
    match &outcome {
        Some(outcome) if outcome.checksum != expected => {
            let sum = outcome.checksum;
            Err(format!(
                "{who}: the checksum of {} units is {sum}, it should be {expected}",
                order.count
            )
            .into())
        }
        _ => Ok(outcome),
    }
}
