//! The scenarios of libpq's pipeline tests, driven through the core, and what travels then: traces in the regress mode of libpq's
//! `PQtrace`, compared with the files in `tests/live/goldens`.
//!
//! A mismatch is shown as a diff. With `PUREPG_TEST_GOLDENS=write` in the environment the files are written anew (`just goldens`).
//!
//! Who reads while they write gets the two directions in an order that depends on buffers and timing. Here a step's messages are all
//! written before anything is read, and all its answers read before the next step, so `F` lines come before the `B` lines that answer them,
//! always.

mod client;
mod scenarios;

use std::path::{Path, PathBuf};

use similar::TextDiff;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

/// The trace is that of the file; or becomes it, where that is asked for.
#[track_caller]
fn assert_golden(name: &str, trace: &str) {
    let file = folder().join(name).with_extension("pqtrace");
    if std::env::var("PUREPG_TEST_GOLDENS").is_ok_and(|wish| wish == "write") {
        return std::fs::write(file, trace).unwrap();
    }
    let golden = std::fs::read_to_string(file).unwrap_or_default();
    let diff = TextDiff::from_lines(golden.as_str(), trace);
    let diff = diff.unified_diff().header("golden", "seen").to_string();
    assert!(
        golden == trace,
        "something else travels in `{name}`:\n{diff}"
    );
}

macro_rules! goldens {
    ($($test:ident $name:ident)*; $($below:ident)*) => {
        $(
            #[test]
            fn $test() {
                assert_golden(stringify!($name), &scenarios::$name());
            }
        )*

        const GOLDENS: &[&str] = &[$(stringify!($name),)* $(stringify!($below)),*];
    };
}

// Behind the semicolon: those whose tests are below.
goldens! {
    acceptance_125_simple_pipeline simple_pipeline
    acceptance_125_multi_pipelines multi_pipelines
    acceptance_125_prepared prepared
    acceptance_125_nosync nosync
    acceptance_125_cancel cancel
    acceptance_125_uniqviol uniqviol;
    pipeline_abort
    pipeline_idle
    transaction
}

#[test]
fn acceptance_53_a_pipeline_that_is_aborted() {
    assert_golden("pipeline_abort", &scenarios::pipeline_abort());
}

#[test]
fn acceptance_56_a_transaction_in_a_pipeline() {
    let trace = scenarios::transaction();
    assert_golden("transaction", &trace);
    // The write that fails, refuses, rolls back and begins anew.
    let written = trace
        .split("F\t")
        .find(|step| step.contains("division by zero"));
    let ready = written
        .unwrap()
        .lines()
        .filter(|line| line.contains("ReadyForQuery"));
    let statuses: Vec<_> = ready.filter_map(|line| line.chars().last()).collect();
    assert_eq!(statuses, ['E', 'E', 'I', 'I']);
}

#[test]
fn acceptance_57_a_pipeline_that_is_idle() {
    assert_golden("pipeline_idle", &scenarios::pipeline_idle());
}

#[test]
fn no_golden_is_left_over() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut goldens: Vec<String> = GOLDENS
        .iter()
        .map(|name| format!("{name}.pqtrace"))
        .collect();
    files.sort_unstable();
    goldens.sort_unstable();
    assert_eq!(files, goldens);
}
