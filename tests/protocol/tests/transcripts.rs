//! Conversations with a real server, replayed: whole, byte by byte, and cut in two at every place. The core tells and sends the same,
//! always.

use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use purepg_testkit::cut::{Detail, Script, bytewise, cut_at, everywhere, whole};
use purepg_testkit::trace::Trace;
use purepg_tests_protocol::scenarios::{ALL, Scenario};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

fn replay(name: &str) {
    let file = folder().join(name).with_extension("trace");
    let trace = Trace::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    let scenario = ALL.iter().find(|scenario| scenario.name == name).unwrap();
    let script = (scenario.script)();
    let stream = trace.backend();
    let told = whole(&script, &stream, Detail::Full);
    assert_eq!(told.log, trace.told());
    assert_eq!(
        told.sent.escape_ascii().to_string(),
        trace.frontend().escape_ascii().to_string()
    );
    assert_eq!(everywhere(&script, &stream), stream.len() + 1);
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*

        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

replays! {
    simple
    extended
    error_skips_to_sync
    deferred_constraint
    unsolicited
    empty_query
    suspended
    pipeline
    ten_columns
    rows_then_error
    transaction
    copy_out
    copy_in
    copy_in_abandoned
    copy_in_refused
    copy_in_swallows_syncs
    query_in_a_skip_region
    abandoned
    replication
    fatal
    scram
    md5
    cleartext
    wrong_password
}

/// The script of a scenario, and what its server said.
fn recorded(scenario: &Scenario) -> (Script, Vec<u8>) {
    let file = folder().join(scenario.name).with_extension("trace");
    let trace = Trace::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    ((scenario.script)(), trace.backend())
}

/// In one piece, byte by byte, and in pieces of every length from one byte to a third of it, which a number decides.
#[test]
fn acceptance_122_however_the_bytes_are_cut_the_events_are_the_same() {
    let mut splits = 0;
    for scenario in ALL {
        let (script, stream) = recorded(scenario);
        let expected = whole(&script, &stream, Detail::Full);
        assert!(!expected.log.is_empty());
        assert_eq!(bytewise(&script, &stream, Detail::Full), expected);
        let mut numbers = (0_u64..).map(|seed| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(seed);
            hasher.finish()
        });
        for longest in [2, 7, 40, stream.len() / 3] {
            for _ in 0..25 {
                let mut places = Vec::new();
                let mut place = 0;
                loop {
                    let number = usize::try_from(numbers.next().unwrap() >> 32).unwrap();
                    place += 1 + number % longest;
                    if place >= stream.len() {
                        break;
                    }
                    places.push(place);
                }
                let told = cut_at(&script, &stream, &places, Detail::Full);
                assert_eq!(told, expected, "{}: cut at {places:?}", scenario.name);
                splits += 1;
            }
        }
    }
    assert_eq!(splits, 100 * ALL.len());
}

/// Nothing but what it is fed and what it is told to do decides what a core does: no clock, no randomness, no state beside it.
#[test]
fn acceptance_123_a_session_replays_to_the_byte() {
    for scenario in ALL {
        let (script, stream) = recorded(scenario);
        let first = whole(&script, &stream, Detail::Full);
        let (script, stream) = recorded(scenario);
        let elsewhere = std::thread::spawn(move || whole(&script, &stream, Detail::Full));
        assert_eq!(elsewhere.join().unwrap(), first, "{}", scenario.name);
    }
}

#[test]
fn nothing_recorded_is_left_out() {
    let mut recorded: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut replayed = REPLAYED.to_vec();
    let mut scenarios: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
    recorded.sort_unstable();
    replayed.sort_unstable();
    scenarios.sort_unstable();
    assert_eq!(recorded, replayed);
    assert_eq!(scenarios, replayed);
}
