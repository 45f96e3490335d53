//! Runs that a seed decides, from the first byte to the end: whatever the client does and however the stream breaks, nothing panics,
//! nobody waits for ever, and every operation ends once.

use purepg_proto::Outcome;
use purepg_testkit::sim::{
    BLOCKS, COPIES, ENDS, Fate, HARMLESS, Mix, SEVERAL, STREAMS, Sim, seeds,
};

fn mix(texts: &[&[&'static str]]) -> Mix {
    Mix {
        texts: texts.concat(),
        copies: vec!["copy in"],
        replicates: false,
        faults: 0,
        terminates: false,
        steps: 60,
    }
}

/// How many operations of a run ended like this.
fn count(sim: &Sim, wanted: impl Fn(&Outcome) -> bool) -> usize {
    let fates = sim.client().fates().iter();
    fates
        .filter(|fate| matches!(fate, Fate::Ended(outcome) if wanted(outcome)))
        .count()
}

#[test]
fn what_happened_is_what_was_told() {
    let (mut complete, mut failed, mut skipped, mut copied) = (0, 0, 0, 0);
    let seeds = seeds(4_000);
    for seed in seeds.clone() {
        let sim = Sim::play(seed, &mix(&[HARMLESS]));
        sim.check_effects();
        assert!(!sim.client().is_over());
        complete += count(&sim, |outcome| *outcome == Outcome::Complete);
        failed += count(&sim, |outcome| matches!(outcome, Outcome::Failed(_)));
        skipped += count(&sim, |outcome| *outcome == Outcome::Skipped);
        copied += sim.server().copied().len();
    }
    // Or else this shows nothing.
    let seen = (complete, failed, skipped, copied);
    assert!(
        seeds.count() < 4_000
            || complete > 10_000 && failed > 2_000 && skipped > 400 && copied > 100,
        "{seen:?}"
    );
}

#[test]
fn blocks_copies_and_sessions_that_end() {
    let mix = Mix {
        copies: [COPIES, HARMLESS].concat(),
        terminates: true,
        ..mix(&[HARMLESS, BLOCKS, SEVERAL, COPIES, ENDS])
    };
    for seed in seeds(4_000) {
        Sim::play(seed, &mix);
    }
}

#[test]
fn replication_streams() {
    let mix = Mix {
        replicates: true,
        terminates: true,
        ..mix(&[STREAMS, STREAMS, HARMLESS, COPIES])
    };
    let mut streamed = 0;
    let seeds = seeds(4_000);
    for seed in seeds.clone() {
        let sim = Sim::play(seed, &mix);
        let log = sim.client().log().iter();
        streamed += log
            .filter(|line| line.contains("START_REPLICATION"))
            .count();
    }
    assert!(seeds.count() < 4_000 || streamed > 300, "{streamed}");
}

#[test]
fn every_stream_breaks_once() {
    let mix = Mix {
        faults: 100,
        ..mix(&[HARMLESS, BLOCKS, SEVERAL, COPIES])
    };
    let (mut lost, mut damaged) = (0, 0);
    let seeds = seeds(4_000);
    for seed in seeds.clone() {
        let sim = Sim::play(seed, &mix);
        lost += count(&sim, |outcome| *outcome == Outcome::Lost);
        damaged += usize::from(sim.is_damaged());
    }
    assert!(
        seeds.count() < 4_000 || lost > 2_500 && damaged > 2_000,
        "{lost} {damaged}"
    );
}

#[test]
fn acceptance_123_a_seed_is_one_run() {
    let mix = Mix {
        faults: 50,
        ..mix(&[HARMLESS, BLOCKS, SEVERAL, COPIES, ENDS])
    };
    let log = |seed| Sim::play(seed, &mix).client().log().to_vec();
    for seed in 0..50 {
        assert_eq!(log(seed), log(seed));
    }
    assert_ne!(log(1), log(2));
}
