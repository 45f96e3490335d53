//! Allocations and system calls of a unit, counted apart from the rounds that are timed.
//!
//! A job is done twice, the second time with twice as many units: what it has more is what the units took, in steady state. Allocations come
//! out the same each time. System calls do not quite: whether a client has to wait depends on how far the server is. So that is done
//! several times, and the one in the middle counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::contestants::{Entry, Result};
use crate::expected::Expected;
use crate::job::Outcome;
use crate::server::Bench;
use crate::sizes::{Size, units};
use crate::worker::{self, Order, this_program};
use crate::workload::Workload;

/// The program whose allocator counts.
const COUNTED: &str = "purepg-bench-counted";
/// Contestants whose work is done by a program in C, which has an allocator of its own.
const IN_C: [&str; 1] = ["libpq"];

/// How many of a unit.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Calls of the allocator that give memory.
    pub allocations: Option<f64>,
    /// System calls.
    pub calls: Option<Calls>,
}

/// System calls of a unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calls {
    /// All.
    pub total: f64,
    /// Those that matter, the most frequent first.
    pub by_name: Vec<(String, f64)>,
}

/// What can be counted here.
#[derive(Debug)]
pub struct Counter {
    counted: std::result::Result<PathBuf, String>,
    strace: std::result::Result<(), String>,
    repeats: usize,
}

impl Counter {
    /// Builds the program that counts allocations, and tries whether there is `strace`.
    pub fn new(size: Size) -> Self {
        Self {
            counted: build(),
            strace: try_strace(),
            repeats: if size == Size::Full { 3 } else { 1 },
        }
    }

    /// What is not counted, and why.
    pub fn troubles(&self) -> Vec<String> {
        let allocations = self.counted.as_ref().err();
        let calls = self.strace.as_ref().err();
        let allocations = allocations.map(|why| format!("allocations are not counted: {why}"));
        let calls = calls.map(|why| format!("system calls are not counted: {why}"));
        allocations.into_iter().chain(calls).collect()
    }

    /// Counts. The contestant is one that has this workload.
    ///
    /// # Errors
    /// A job fails.
    pub fn count(&self, subject: &mut Subject<'_>) -> Result<Counts> {
        let mut counts = Counts::default();
        if let Ok(program) = &self.counted
            && !IN_C.contains(&subject.contestant.name)
        {
            let each = subject.per_unit(|order, expected| allocations(program, order, expected))?;
            counts.allocations = Some(each.values().sum());
        }
        if self.strace.is_ok() {
            let program = this_program()?;
            let mut all = Vec::new();
            for _ in 0..self.repeats {
                let each = subject.per_unit(|order, expected| calls(&program, order, expected))?;
                all.push(Calls::new(each));
            }
            counts.calls = middle(all);
        }
        Ok(counts)
    }
}

/// How often something was called.
type Tally = BTreeMap<String, u64>;

/// Who is counted, and in what.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Where.
    pub bench: &'a mut Bench,
    /// What comes out.
    pub expected: &'a mut Expected,
    /// Who.
    pub contestant: &'static Entry,
    /// What.
    pub workload: Workload,
    /// On which processor.
    pub cpu: Option<usize>,
}

impl Subject<'_> {
    fn per_unit(
        &mut self,
        job: impl Fn(&Order<'_>, u64) -> Result<Tally>,
    ) -> Result<BTreeMap<String, f64>> {
        let few = units(self.workload, Size::Counted);
        let mut tally = |count| {
            if self.workload.writes() {
                self.bench.empty_target()?;
            }
            let order = Order {
                server: &self.bench.server,
                contestant: self.contestant,
                workload: self.workload,
                count,
                cpu: self.cpu,
            };
            job(&order, self.expected.checksum(self.workload, count))
        };
        Ok(per_unit(&tally(few)?, &tally(2 * few)?, few))
    }
}

fn per_unit(once: &Tally, twice: &Tally, units: u64) -> BTreeMap<String, f64> {
    let more = |name: &String, twice: u64| {
        let once = once.get(name).copied().unwrap_or(0);
        (twice as f64 - once as f64) / units as f64
    };
    let each = twice.iter();
    each.map(|(name, &count)| (name.clone(), more(name, count)))
        .collect()
}

impl Calls {
    fn new(each: BTreeMap<String, f64>) -> Self {
        let total = each.values().sum();
        let mut by_name: Vec<_> = each.into_iter().collect();
        by_name.retain(|(_, count)| *count >= total / 50.0 && *count > 0.0);
        by_name.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        Self { total, by_name }
    }
}

/// The one in the middle. `None` if more units took fewer calls: others came and went by chance.
fn middle(mut all: Vec<Calls>) -> Option<Calls> {
    all.sort_by(|one, other| one.total.total_cmp(&other.total));
    let middle = all.len() / 2;
    let calls = all.into_iter().nth(middle)?;
    (calls.total >= 0.0).then_some(calls)
}

fn allocations(program: &Path, order: &Order<'_>, expected: u64) -> Result<Tally> {
    let outcome = done(&mut worker::command(program, order), order, expected)?;
    let count = outcome.allocations.ok_or("nothing was counted")?;
    Ok(Tally::from([("allocations".into(), count)]))
}

fn calls(program: &Path, order: &Order<'_>, expected: u64) -> Result<Tally> {
    let summary = tempfile::NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-o"]).arg(summary.path());
    let traced = worker::command(program, order);
    command.arg(traced.get_program()).args(traced.get_args());
    done(&mut command, order, expected)?;
    Ok(parse_summary(&std::fs::read_to_string(summary.path())?))
}

fn done(command: &mut Command, order: &Order<'_>, expected: u64) -> Result<Outcome> {
    let outcome = worker::run(command, order, expected)?;
    outcome.ok_or_else(|| format!("{}: not now", order.contestant.name).into())
}

/// Of `% time, seconds, usecs/call, calls, errors, syscall`, where the errors may be blank: the fourth column and the last.
fn parse_summary(text: &str) -> Tally {
    let lines = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.last().filter(|name| **name != "total")?;
        Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
    });
    lines.collect()
}

/// Beside this program, by the same cargo, in the same profile.
fn build() -> std::result::Result<PathBuf, String> {
    let this = this_program().map_err(|error| error.to_string())?;
    let folder = this.parent().ok_or("this program is nowhere")?;
    let profile = folder.file_name().and_then(|name| name.to_str());
    let profile = match profile.ok_or("this program has no profile")? {
        "debug" => "dev",
        profile => profile,
    };
    let target = folder.parent().ok_or("this program has no target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--bin", COUNTED, "--profile", profile]);
    command.arg("--manifest-path").arg(manifest);
    command.arg("--target-dir").arg(target);
    for (name, _) in std::env::vars_os() {
        if is_of_cargo_run(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    eprintln!("building the program that counts allocations");
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    let program = folder.join(COUNTED);
    if status.success() && program.exists() {
        Ok(program)
    } else {
        Err("the program that counts them cannot be built".into())
    }
}

/// What `cargo run` tells its program. Build scripts that ask for it would run again, and all that depends on them would be built anew.
fn is_of_cargo_run(variable: &str) -> bool {
    let prefixes = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    prefixes.iter().any(|prefix| variable.starts_with(prefix))
}

fn try_strace() -> std::result::Result<(), String> {
    let tried = Command::new("strace")
        .args(["-f", "-c", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("strace: {error}"))?;
    if tried.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 51.00    0.000102           1       102         2 recvfrom
 49.00    0.000098           0       200           sendto
  0.00    0.000000           0         1         1 access
------ ----------- ----------- --------- --------- ----------------
100.00    0.000200           0       303         3 total
";

    #[test]
    fn a_summary_is_read_with_errors_and_without() {
        let calls = [("access", 1), ("recvfrom", 102), ("sendto", 200)];
        let calls = calls.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(parse_summary(SUMMARY), Tally::from(calls));
    }

    #[test]
    fn what_happens_once_is_not_in_a_unit() {
        let tally = |sent, opened| Tally::from([("sendto".into(), sent), ("open".into(), opened)]);
        let each = per_unit(&tally(110, 7), &tally(210, 7), 100);
        let calls = Calls::new(each);
        assert_eq!(calls.by_name, [("sendto".to_owned(), 1.0)]);
        assert!((calls.total - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_the_user_tells_cargo_is_passed_on() {
        assert!(is_of_cargo_run("CARGO_PKG_NAME") && is_of_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_of_cargo_run("CARGO_HOME") && !is_of_cargo_run("CARGO_BUILD_JOBS"));
    }

    #[test]
    fn the_one_in_the_middle_counts_unless_it_is_chance() {
        let calls = |total| Calls {
            total,
            by_name: Vec::new(),
        };
        let totals = |totals: &[f64]| middle(totals.iter().copied().map(calls).collect());
        assert_eq!(totals(&[800.0, 2.0, 3.0]), Some(calls(3.0)));
        assert_eq!(totals(&[2.0]), Some(calls(2.0)));
        assert_eq!(totals(&[-2.0]), None);
        assert_eq!(totals(&[]), None);
    }
}
