//! Contestants in turn, and their ratios.

use std::hint::black_box;
use std::time::Instant;

use crate::stream::Noise;

/// Timed rounds, unless the environment variable `ROUNDS` says otherwise.
const ROUNDS: usize = 15;

/// Several ways to do one thing.
pub struct Race<'a> {
    title: &'a str,
    unit: &'a str,
    /// How many units one turn does.
    units: usize,
    contestants: Vec<Contestant<'a>>,
}

struct Contestant<'a> {
    name: &'a str,
    turn: Box<dyn FnMut() -> u64 + 'a>,
    /// Nanoseconds for one unit, one for each round.
    times: Vec<f64>,
}

impl<'a> Race<'a> {
    /// Without contestants.
    pub fn new(title: &'a str, unit: &'a str, units: usize) -> Self {
        Self {
            title,
            unit,
            units,
            contestants: Vec::new(),
        }
    }

    /// One more. The first is the one that the others are compared with.
    #[must_use]
    pub fn with(mut self, name: &'a str, turn: impl FnMut() -> u64 + 'a) -> Self {
        self.contestants.push(Contestant {
            name,
            turn: Box::new(turn),
            times: Vec::new(),
        });
        self
    }

    /// Runs the rounds and prints the table.
    ///
    /// In each round every contestant has two turns in a row, of which the second is timed: it finds the caches as it left them itself, not
    /// as the one before it did. Who begins changes from round to round. A ratio is taken within a round, where both sides had the same
    /// machine, and the median of these is shown, beside the ratio of the best times.
    ///
    /// One argument on the command line narrows it to the races whose title contains it, another to the contestants whose name does;
    /// the first contestant always runs.
    pub fn run(mut self) {
        let mut wanted = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
        if wanted
            .next()
            .is_some_and(|part| !self.title.contains(&part))
        {
            return;
        }
        if let Some(part) = wanted.next() {
            let mut first = true;
            self.contestants
                .retain(|one| std::mem::take(&mut first) || one.name.contains(&part));
        }
        let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok());
        let rounds = rounds.unwrap_or(ROUNDS).max(1);
        let mut order: Vec<usize> = (0..self.contestants.len()).collect();
        let mut noise = Noise::default();
        for _ in 0..rounds {
            noise.shuffle(&mut order);
            for &i in &order {
                let contestant = &mut self.contestants[i];
                black_box((contestant.turn)());
                let start = Instant::now();
                black_box((contestant.turn)());
                let time = start.elapsed().as_secs_f64() * 1e9 / self.units as f64;
                contestant.times.push(time);
            }
        }
        self.print(rounds);
    }

    fn print(&self, rounds: usize) {
        let Some(reference) = self.contestants.first() else {
            return;
        };
        let unit = self.unit;
        println!("\n{}, {rounds} rounds\n", self.title);
        println!("| contestant | ratio, median | ratio of minima | ns/{unit}, minimum | median |");
        println!("|---|---:|---:|---:|---:|");
        for contestant in &self.contestants {
            let pairs = contestant.times.iter().zip(&reference.times);
            let ratio = median(pairs.map(|(time, reference)| time / reference).collect());
            let (least, of_reference) = (least(&contestant.times), least(&reference.times));
            println!(
                "| {} | {ratio:.2} | {:.2} | {least:.1} | {:.1} |",
                contestant.name,
                least / of_reference,
                median(contestant.times.clone()),
            );
        }
    }
}

fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
