//! Does one job with an allocator that counts. What it measures is not the time: counting costs some.

use std::alloc::System;

use clap::{Parser, Subcommand};
use purepg_bench_sockets::contestants::Result;
use purepg_bench_sockets::job;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    Job(job::Arguments),
}

fn main() -> Result<()> {
    let Job::Job(arguments) = Cli::parse().job;
    let mut outcome = job::run(arguments)?;
    if let Some(outcome) = &mut outcome {
        let counted = COUNTED.stats();
        outcome.allocations = Some((counted.allocations + counted.reallocations) as u64);
    }
    job::tell(outcome.as_ref())
}
