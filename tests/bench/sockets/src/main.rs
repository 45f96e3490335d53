//! Runs all contestants in all workloads, and prints tables.

use clap::{Parser, Subcommand};
use purepg_bench_sockets::contestants::{ALL, Entry, Result};
use purepg_bench_sockets::expected::Expected;
use purepg_bench_sockets::figures::Figures;
use purepg_bench_sockets::job;
use purepg_bench_sockets::rounds::{Placement, Plan, race};
use purepg_bench_sockets::server::Bench;
use purepg_bench_sockets::sizes::Size;
use purepg_bench_sockets::table;
use purepg_bench_sockets::workload::Workload;

/// purepg beside other clients of PostgreSQL, over a Unix socket.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    job: Option<Job>,
}

#[derive(Debug, clap::Args)]
struct Options {
    /// A minute, for the form of it: the figures are worth less.
    #[arg(long)]
    quick: bool,
    /// How often everybody does everything [default: 7, quick: 3]
    #[arg(long)]
    rounds: Option<usize>,
    /// These workloads only, with commas between.
    #[arg(long, value_delimiter = ',', value_parser = job::workload)]
    workloads: Vec<Workload>,
    /// These contestants only, with commas between.
    #[arg(long, value_delimiter = ',', value_parser = job::contestant)]
    contestants: Vec<&'static Entry>,
    /// Decides the order of the contestants in each round [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Does one job: this program starts itself so.
    #[command(hide = true)]
    Job(job::Arguments),
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(Job::Job(arguments)) = cli.job {
        return job::tell(job::run(arguments)?.as_ref());
    }
    bench(&cli.options.plan())
}

impl Options {
    fn plan(self) -> Plan {
        let quick = self.quick;
        Plan {
            workloads: or_all(self.workloads, Workload::ALL),
            contestants: or_all(self.contestants, ALL),
            rounds: self.rounds.unwrap_or(if quick { 3 } else { 7 }).max(1),
            size: if quick { Size::Quick } else { Size::Full },
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..)),
        }
    }
}

/// What was chosen, or else all.
fn or_all<T>(chosen: Vec<T>, all: impl IntoIterator<Item = T>) -> Vec<T> {
    if chosen.is_empty() {
        all.into_iter().collect()
    } else {
        chosen
    }
}

fn bench(plan: &Plan) -> Result<()> {
    eprintln!("starting a server, filling its tables");
    let mut bench = Bench::start()?;
    let mut placement = Placement::new();
    let mut expected = Expected::default();
    let mut all = Vec::new();
    for &workload in &plan.workloads {
        eprintln!("{workload}");
        let race = race(plan, workload, &mut bench, &mut placement, &mut expected)?;
        let figures = Figures::new(&race);
        println!("\n{}\n\n{}", workload.title(), table::details(&figures));
        all.push(figures);
    }
    println!("{}", table::overview(&all, &plan.contestants));
    println!("{}", table::notes(&plan.contestants));
    println!("Rounds: {}, seed: {}.", plan.rounds, plan.seed);
    if let Some(trouble) = placement.trouble {
        println!("Pinning: {trouble}.");
    }
    Ok(())
}
