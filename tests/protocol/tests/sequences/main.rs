//! Every short sequence of what a caller and a transport can do around COPYs, and many long ones: whatever happens, both ends become idle,
//! every operation ends once or was abandoned, and what happened is what was told.
//!
//! What runs by itself is a small part of it. `CASES` and `SEED` say how many of the long ones there are, and which; `DEPTH` how long the
//! short ones get, and `ALL=1` that they are made of everything.

mod hostile;
mod kinds;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kinds::{KINDS, Kind, REPLICATION, Tail};
use world::{Step, World};

fn env(name: &str, default: usize) -> usize {
    let value = std::env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// All of it if that was asked for.
fn some_of<'k>(all: &'k [Kind], some: &'k [Kind]) -> &'k [Kind] {
    if env("ALL", 0) > 0 { all } else { some }
}

/// Good enough for dice.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = u64::try_from(env("SEED", 1)).unwrap();
        Self(0x9E37_79B9_7F4A_7C15 ^ (seed << 20))
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Plays these steps to the end; tells whether the last of them changed anything, or what broke.
fn play(replication: bool, steps: &[Step]) -> Result<bool, String> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let begun = |step: &&Step| matches!(step, Step::Begin(_));
        let mut world = World::new(replication, steps.iter().filter(begun).count() + 1);
        let mut changed = false;
        for &step in steps {
            changed = world.step(step);
        }
        world.finish();
        changed
    }));
    played.map_err(said)
}

fn said(error: Box<dyn Any + Send>) -> String {
    match error.downcast::<String>() {
        Ok(text) => *text,
        Err(error) => error
            .downcast_ref::<&str>()
            .map_or(String::new(), |text| (*text).to_owned()),
    }
}

/// What broke, and how.
#[derive(Default)]
struct Failures(Vec<(Vec<Step>, String)>);

/// So many are enough to see what is wrong.
const ENOUGH: usize = 10;

impl Failures {
    fn are_enough(&self) -> bool {
        self.0.len() >= ENOUGH
    }

    /// Without the steps that are of no consequence.
    fn push(&mut self, replication: bool, mut steps: Vec<Step>, mut error: String) {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.remove(at);
            if let Err(same) = play(replication, &fewer) {
                (steps, error, at) = (fewer, same, 0);
            } else {
                at += 1;
            }
        }
        if self.0.iter().all(|(known, _)| *known != steps) {
            self.0.push((steps, error));
        }
    }

    fn assert_none(&self) {
        let lines = self
            .0
            .iter()
            .map(|(steps, error)| format!("\n{steps:?}\n    {error:.600}"));
        assert!(self.0.is_empty(), "{}", lines.collect::<String>());
    }
}

fn random(dice: &mut Dice, kinds: &[Kind], terminate: bool) -> Step {
    match dice.roll(if terminate { 31 } else { 30 }) {
        0..7 => Step::Begin(kinds[dice.roll(kinds.len())]),
        7..11 => Step::Abandon(dice.roll(4)),
        11 => [Step::AbandonAll, Step::AbortAll][dice.roll(2)],
        12..15 => Step::SendBytes(1 + dice.roll(8)),
        15..19 => Step::SendMessage,
        19..21 => Step::SendAllBut([0, 0, 1, 5, 7][dice.roll(5)]),
        21 => Step::HearBytes(1 + dice.roll(20)),
        22 => Step::Hear,
        23..25 => Step::HearOne,
        25..27 => Step::Data,
        27 => Step::Done,
        28 => Step::Fail,
        29 => Step::Forget,
        _ => Step::Terminate,
    }
}

fn many_random(replication: bool, kinds: &[Kind]) {
    let mut dice = Dice::new();
    let mut failures = Failures::default();
    for case in 0..env("CASES", 1_000) {
        let length = 2 + dice.roll(if case % 2 == 0 { 12 } else { 40 });
        let steps = (0..length).map(|_| random(&mut dice, kinds, case % 5 == 0));
        let steps: Vec<Step> = steps.collect();
        if let Err(error) = play(replication, &steps)
            && !failures.are_enough()
        {
            failures.push(replication, steps, error);
        }
    }
    failures.assert_none();
}

/// Every sequence of these steps behind that path, up to so many more; behind a step that changes nothing none is tried.
fn all_behind(
    replication: bool,
    path: &mut Vec<Step>,
    steps: &[Step],
    depth: usize,
    failures: &mut Failures,
) {
    let begun = path.iter().filter(|step| matches!(step, Step::Begin(_)));
    let full = begun.count() >= 3;
    for &step in steps {
        if full && matches!(step, Step::Begin(_)) {
            continue;
        }
        path.push(step);
        match play(replication, path) {
            Ok(true) if depth > 1 => all_behind(replication, path, steps, depth - 1, failures),
            Err(error) if !failures.are_enough() => {
                failures.push(replication, path.clone(), error);
            }
            Ok(_) | Err(_) => {}
        }
        path.pop();
    }
}

/// Of every two kinds.
fn all_short(replication: bool, kinds: &[Kind]) {
    let mut failures = Failures::default();
    for (i, &a) in kinds.iter().enumerate() {
        for &b in &kinds[i..] {
            let steps = [
                Step::Begin(b),
                Step::Begin(a),
                Step::Abandon(0),
                Step::Abandon(1),
                Step::AbandonAll,
                Step::SendBytes(1),
                Step::SendMessage,
                Step::SendAllBut(0),
                Step::SendAllBut(3),
                Step::SendAllBut(5),
                Step::SendAllBut(8),
                Step::Hear,
                Step::Data,
                Step::Done,
                Step::Terminate,
            ];
            let steps = &steps[usize::from(a == b)..];
            for &first in &[a, b][usize::from(a == b)..] {
                let mut path = vec![Step::Begin(first)];
                all_behind(
                    replication,
                    &mut path,
                    steps,
                    env("DEPTH", 2),
                    &mut failures,
                );
            }
        }
    }
    failures.assert_none();
}

#[test]
fn long_sequences_of_everything() {
    many_random(false, KINDS);
}

#[test]
fn long_sequences_on_a_replication_connection() {
    many_random(true, REPLICATION);
}

const SOME: &[Kind] = &[
    Kind::Declared("copy in; copy in"),
    Kind::DeclaredExtended("copy in"),
    Kind::Query("copy in"),
    Kind::Extended("copy in", Tail::Sync),
    Kind::Extended("copy in", Tail::Nothing),
    Kind::Extended("copy in refused", Tail::Sync),
    Kind::Extended("nonsense", Tail::Flush),
    Kind::FlushSync,
];

#[test]
fn every_short_sequence() {
    all_short(false, some_of(KINDS, SOME));
}

#[test]
fn every_short_sequence_on_a_replication_connection() {
    all_short(true, some_of(REPLICATION, &REPLICATION[3..7]));
}

/// Two operations, cut at every byte; then something happens, some more is sent, and something else happens.
#[test]
fn two_operations_cut_at_every_byte() {
    let acts = [
        None,
        Some(Step::Abandon(0)),
        Some(Step::Abandon(1)),
        Some(Step::AbandonAll),
        Some(Step::Terminate),
        Some(Step::Begin(Kind::Extended("insert", Tail::Sync))),
    ];
    let few = [
        Kind::DeclaredExtended("copy in"),
        Kind::Extended("copy in", Tail::Nothing),
        Kind::FlushSync,
    ];
    let kinds = some_of(KINDS, &few);
    let heard: &[_] = if env("ALL", 0) > 0 {
        &[None, Some(Step::Hear)]
    } else {
        &[Some(Step::Hear)]
    };
    let mut failures = Failures::default();
    for (&a, &b) in kinds.iter().flat_map(|a| kinds.iter().map(move |b| (a, b))) {
        let mut world = World::new(false, 2);
        world.begin(a);
        let first = world.driver.core.output().len();
        world.begin(b);
        // A fence behind the first one hides the second one.
        let length = world.driver.core.output().len().max(first);
        for cut in 1..=length {
            for (&hear, first) in heard.iter().flat_map(|hear| acts.map(|act| (hear, act))) {
                for (more, second) in [0, 1].into_iter().flat_map(|n| acts.map(|act| (n, act))) {
                    let steps = [
                        Some(Step::Begin(a)),
                        Some(Step::Begin(b)),
                        Some(Step::SendBytes(cut)),
                        hear,
                        first,
                        Some(Step::SendBytes(more)),
                        hear,
                        second,
                        Some(Step::Begin(Kind::Query("insert"))),
                    ];
                    let steps: Vec<Step> = steps.into_iter().flatten().collect();
                    if let Err(error) = play(false, &steps)
                        && !failures.are_enough()
                    {
                        failures.push(false, steps, error);
                    }
                }
            }
        }
    }
    failures.assert_none();
}
