//! Runs all contestants in all workloads, and prints tables.

use clap::{Parser, Subcommand};
use purepg_bench_sockets::contestants::{ALL, Entry, Result};
use purepg_bench_sockets::counts::{Counter, Subject};
use purepg_bench_sockets::expected::Expected;
use purepg_bench_sockets::figures::Figures;
use purepg_bench_sockets::job;
use purepg_bench_sockets::report::{self, Report};
use purepg_bench_sockets::rounds::{Placement, Plan, race};
use purepg_bench_sockets::server::Bench;
use purepg_bench_sockets::sizes::Size;
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
    /// Writes the tables and a chart into docs/performance.md, too.
    #[arg(long)]
    write: bool,
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
    let write = cli.options.write;
    bench(&cli.options.plan(), write)
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

fn bench(plan: &Plan, write: bool) -> Result<()> {
    let counter = Counter::new(plan.size);
    eprintln!("starting a server, filling its tables");
    let (mut bench, trouble) = Bench::start()?;
    let mut placement = Placement::new();
    let mut expected = Expected::default();
    let mut all = Vec::new();
    for (number, &workload) in plan.workloads.iter().enumerate() {
        eprintln!("{}/{}: {workload}", number + 1, plan.workloads.len());
        let race = race(plan, workload, &mut bench, &mut placement, &mut expected)?;
        let mut figures = Figures::new(&race);
        let cpu = placement.place(&bench, workload);
        for line in &mut figures.lines {
            line.counts = counter.count(&mut Subject {
                bench: &mut bench,
                expected: &mut expected,
                contestant: line.contestant,
                workload,
                cpu,
            })?;
        }
        all.push(figures);
    }
    let (version, month) = bench.version_and_month()?;
    let report = Report {
        plan,
        version,
        month,
        processors: placement.processors(),
        troubles: (trouble.into_iter())
            .chain(placement.trouble)
            .chain(counter.troubles())
            .collect(),
        races: all,
    };
    print!("{}", report.tables());
    if write {
        let chart = purepg_bench_page::folder().join(report::CHART);
        report.draw(&chart)?;
        purepg_bench_page::write(report::MARK, &report.page())?;
        eprintln!("written: docs/performance.md, docs/{}", report::CHART);
    }
    Ok(())
}
