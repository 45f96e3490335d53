//! Conversations with a real server, replayed: whole, byte by byte, and cut in two at every place. The core tells and sends the same,
//! always.

use std::path::{Path, PathBuf};

use purepg_testkit::cut::{Detail, everywhere, whole};
use purepg_testkit::trace::Trace;
use purepg_tests_protocol::scenarios::ALL;

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
