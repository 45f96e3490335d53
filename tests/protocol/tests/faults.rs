//! Streams that end, or are damaged, at every byte.

use std::path::Path;

use purepg_testkit::cut::{Detail, Script, Told, cut_at, whole};
use purepg_testkit::trace::Trace;
use purepg_tests_protocol::scenarios::{ALL, Scenario};

/// The recorded conversations that are short enough to be played some thousand times.
fn scenarios() -> impl Iterator<Item = (&'static Scenario, Script, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    ALL.iter().filter_map(move |scenario| {
        let file = folder.join(scenario.name).with_extension("trace");
        let trace = Trace::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
        let (script, stream) = ((scenario.script)(), trace.backend());
        if stream.len() > 4_000 {
            return None;
        }
        // The keys are derived here, once, from what is not damaged.
        whole(&script, &stream, Detail::Full);
        Some((scenario, script, stream))
    })
}

/// Every operation ended once (those that were abandoned not at all), then came the end, then the error.
fn assert_ended(told: &Told, name: &str, what: &str) {
    let log = &told.log;
    let count = |wanted: &dyn Fn(&str) -> bool| log.iter().filter(|line| wanted(line)).count();
    let [.., closed, error] = &log[..] else {
        panic!("{name}, {what}: {log:?}");
    };
    assert!(
        closed.starts_with("Closed ") && error.starts_with("Err "),
        "{name}, {what}: {log:?}"
    );
    assert_eq!(
        count(&|line| line.starts_with("Closed ")),
        1,
        "{name}, {what}"
    );
    assert_eq!(count(&|line| line.starts_with("Err ")), 1, "{name}, {what}");
    for op in 0..told.begun {
        let finished = format!("op{op} Finished ");
        let ends = count(&|line| line.starts_with(&finished));
        if name.contains("abandoned") {
            assert!(ends <= 1, "{name}, {what}: op{op}");
        } else {
            assert_eq!(ends, 1, "{name}, {what}: op{op} in {log:?}");
        }
        let last = log
            .iter()
            .rposition(|line| line.starts_with(&format!("op{op} ")));
        let end = log.iter().rposition(|line| line.starts_with(&finished));
        assert!(
            end.is_none() || end == last,
            "{name}, {what}: op{op} goes on behind its end"
        );
    }
}

#[test]
fn the_end_at_every_byte() {
    let mut places = 0;
    for (scenario, script, stream) in scenarios() {
        let name = scenario.name;
        let full = whole(&script, &stream, Detail::Full);
        for place in 0..stream.len() {
            let told = whole(&script, &stream[..place], Detail::Full);
            let what = format!("the end behind byte {place}");
            assert_ended(&told, name, &what);
            // Up to there it was told the same.
            let same = told.log.iter().zip(&full.log).take_while(|(a, b)| a == b);
            let rest = &told.log[same.count()..];
            let expected = |line: &String| {
                line.starts_with("Closed ")
                    || line.starts_with("Err ")
                    || line.contains(" Finished ")
            };
            assert!(rest.iter().all(expected), "{name}, {what}: {rest:?}");
            places += 1;
        }
    }
    assert!(places > 10_000, "{places}");
}

#[test]
fn a_bit_that_flips_at_every_byte() {
    for (scenario, script, stream) in scenarios() {
        for place in 0..stream.len() {
            for bit in [0x01, 0x80] {
                let mut damaged = stream.clone();
                damaged[place] ^= bit;
                let told = whole(&script, &damaged, Detail::Full);
                let what = format!("bit {bit:#x} of byte {place} flipped");
                assert_ended(&told, scenario.name, &what);
            }
        }
    }
}

#[test]
fn a_byte_that_is_missing_or_comes_twice() {
    for (scenario, script, stream) in scenarios() {
        for place in 0..stream.len() {
            let (before, behind) = stream.split_at(place);
            let missing = [before, &behind[1..]].concat();
            let told = cut_at(&script, &missing, &[place], Detail::Full);
            assert_ended(&told, scenario.name, &format!("without byte {place}"));
            let twice = [before, &behind[..1], behind].concat();
            let told = cut_at(&script, &twice, &[place, place + 1], Detail::Full);
            assert_ended(&told, scenario.name, &format!("byte {place} twice"));
        }
    }
}
