//! Contestants in turn: nanoseconds for each unit, and ratios to the first of them.

use std::process::Command;

use purepg_bench_memory::{races, rounds};

fn main() {
    if heap_is_kept() {
        for race in races::ALL {
            rounds::run(race);
        }
    }
}

/// Runs this program once more, with a heap that is not given back to the system, and says whether this is that time.
///
/// Otherwise the C library gives back what a collected result took, now and then, and the page faults of taking it again are several
/// times all the rest.
fn heap_is_kept() -> bool {
    // Of glibc; others pay no attention.
    let settings = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"];
    if settings.iter().all(|name| std::env::var_os(name).is_some()) {
        return true;
    }
    let this = std::env::current_exe().expect("a program knows where it is");
    let status = Command::new(this)
        .args(std::env::args_os().skip(1))
        .envs(settings.map(|name| (name, "1000000000")))
        .status();
    assert!(status.expect("it can be run again").success());
    false
}
