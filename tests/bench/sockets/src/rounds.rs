//! Runs every contestant in every workload, in turn, round by round.

use std::collections::HashMap;

use fastrand::Rng;

use crate::contestants::{Entry, Result};
use crate::expected::Expected;
use crate::job::Outcome;
use crate::pinning::{self, Processors};
use crate::server::Bench;
use crate::sizes::{Size, units};
use crate::worker::{self, Order, this_program};
use crate::workload::Workload;

/// What is to be run.
#[derive(Debug)]
pub struct Plan {
    /// What is done.
    pub workloads: Vec<Workload>,
    /// By whom.
    pub contestants: Vec<&'static Entry>,
    /// How often.
    pub rounds: usize,
    /// How long each time.
    pub size: Size,
    /// What decides the order in each round.
    pub seed: u64,
}

/// What one contestant did in one workload.
#[derive(Debug, Clone)]
pub struct Series {
    /// Who.
    pub contestant: &'static Entry,
    /// Microseconds of the processor for each unit, one for each round.
    pub cpu: Vec<f64>,
    /// Units for each second on the wall, one for each round.
    pub rate: Vec<f64>,
}

/// What all contestants did in one workload.
#[derive(Debug, Clone)]
pub struct Race {
    /// What.
    pub workload: Workload,
    /// In the order of the list; without those that have no such thing.
    pub series: Vec<Series>,
}

/// Decides which processor does what, as long as that is allowed.
#[derive(Debug)]
pub struct Placement {
    usable: Vec<usize>,
    /// Why nobody is told where to run, or where two would need two processors and have one.
    pub trouble: Option<String>,
}

impl Placement {
    /// Asks which processors there are.
    pub fn new() -> Self {
        match pinning::usable() {
            Ok(usable) => {
                let single = usable.len() < 2;
                let trouble = single.then(|| "client and server share the only processor".into());
                Self { usable, trouble }
            }
            Err(error) => Self::impossible(&error),
        }
    }

    /// How many processors there are to choose from, if that is known.
    pub fn processors(&self) -> Option<usize> {
        (!self.usable.is_empty()).then_some(self.usable.len())
    }

    fn impossible(error: &std::io::Error) -> Self {
        Self {
            usable: Vec::new(),
            trouble: Some(format!(
                "client and server run wherever the system puts them: {error}"
            )),
        }
    }

    /// Moves the server to where it is to be in this workload, and says where the client is to be.
    pub fn place(&mut self, bench: &Bench, workload: Workload) -> Option<usize> {
        let processors = Processors::choose(workload, &self.usable)?;
        match pinning::move_server(bench.server.process_id(), processors.server) {
            Ok(()) => Some(processors.client),
            Err(error) => {
                *self = Self::impossible(&error);
                None
            }
        }
    }
}

impl Default for Placement {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs them all in one workload.
///
/// # Errors
/// A contestant fails, or its values are not what they should be.
pub fn race(
    plan: &Plan,
    workload: Workload,
    bench: &mut Bench,
    placement: &mut Placement,
    expected: &mut Expected,
) -> Result<Race> {
    let program = this_program()?;
    let cpu = placement.place(bench, workload);
    let count = units(workload, plan.size);
    let expected = expected.checksum(workload, count);
    let mut rng = Rng::with_seed(plan.seed.wrapping_add(workload as u64));
    let mut order: Vec<&'static Entry> = plan.contestants.clone();
    let mut outcomes: HashMap<&str, Vec<Outcome>> = HashMap::new();
    for _ in 0..plan.rounds {
        rng.shuffle(&mut order);
        let mut unable = Vec::new();
        for &contestant in &order {
            if workload.writes() {
                bench.empty_target()?;
            }
            let order = Order {
                server: &bench.server,
                contestant,
                workload,
                count,
                cpu,
            };
            match worker::run(&mut worker::command(&program, &order), &order, expected)? {
                Some(outcome) => outcomes.entry(contestant.name).or_default().push(outcome),
                None => unable.push(contestant.name),
            }
        }
        order.retain(|contestant| !unable.contains(&contestant.name));
    }
    let series = plan.contestants.iter().filter_map(|&contestant| {
        let outcomes = outcomes.get(contestant.name)?;
        let per_unit = |outcome: &Outcome| outcome.cpu.as_secs_f64() * 1e6 / count as f64;
        let rate = |outcome: &Outcome| count as f64 / outcome.wall.as_secs_f64();
        Some(Series {
            contestant,
            cpu: outcomes.iter().map(per_unit).collect(),
            rate: outcomes.iter().map(rate).collect(),
        })
    });
    Ok(Race {
        workload,
        series: series.collect(),
    })
}
