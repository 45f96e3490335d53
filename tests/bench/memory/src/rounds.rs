//! Contestants in turn, and their ratios.

use std::hint::black_box;
use std::time::Instant;

use crate::races::{Race, Turn};
use crate::stream::Noise;

/// Timed rounds, unless the environment variable `ROUNDS` says otherwise.
const ROUNDS: usize = 15;

struct Runner {
    name: &'static str,
    turn: Turn,
    /// Nanoseconds for one unit, one for each round.
    times: Vec<f64>,
}

/// Runs the rounds and prints the table.
///
/// In each round every contestant has two turns in a row, of which the second is timed: it finds the caches as it left them itself, not
/// as the one before it did. Who begins changes from round to round. A ratio is taken within a round, where both sides had the same
/// machine, and the median of these is shown, beside the ratio of the best times.
///
/// One argument on the command line narrows it to the races whose title contains it, another to the contestants whose name does;
/// the first contestant always runs.
pub fn run(race: &Race) {
    let mut wanted = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    if wanted
        .next()
        .is_some_and(|part| !race.title.contains(&part))
    {
        return;
    }
    let part = wanted.next().unwrap_or_default();
    let runners = race.contestants.iter().enumerate();
    let runners = runners.filter(|(i, contestant)| *i == 0 || contestant.name.contains(&part));
    let mut runners: Vec<Runner> = runners
        .map(|(_, contestant)| Runner {
            name: contestant.name,
            turn: (contestant.prepare)(race.units),
            times: Vec::new(),
        })
        .collect();
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS).max(1);
    let mut order: Vec<usize> = (0..runners.len()).collect();
    let mut noise = Noise::default();
    for _ in 0..rounds {
        noise.shuffle(&mut order);
        for &i in &order {
            let runner = &mut runners[i];
            black_box((runner.turn)());
            let start = Instant::now();
            black_box((runner.turn)());
            let time = start.elapsed().as_secs_f64() * 1e9 / race.units as f64;
            runner.times.push(time);
        }
    }
    print(race, rounds, &runners);
}

fn print(race: &Race, rounds: usize, runners: &[Runner]) {
    let Some(reference) = runners.first() else {
        return;
    };
    let unit = race.unit;
    println!("\n{}, {rounds} rounds\n", race.title);
    println!("| contestant | ratio, median | ratio of minima | ns/{unit}, minimum | median |");
    println!("|---|---:|---:|---:|---:|");
    for runner in runners {
        let pairs = runner.times.iter().zip(&reference.times);
        let ratio = median(pairs.map(|(time, reference)| time / reference).collect());
        let (least, of_reference) = (least(&runner.times), least(&reference.times));
        println!(
            "| {} | {ratio:.2} | {:.2} | {least:.1} | {:.1} |",
            runner.name,
            least / of_reference,
            median(runner.times.clone()),
        );
    }
}

fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
