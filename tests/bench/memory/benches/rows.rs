//! Rows: nanoseconds for each, and ratios to a raw walk.

use std::process::Command;

use purepg_bench_memory::core::Core;
use purepg_bench_memory::peer::Peer;
use purepg_bench_memory::raw::{Memcpy, RawWalk};
use purepg_bench_memory::rounds::Race;
use purepg_bench_memory::stream::{Stream, ten_columns, three_columns};

fn main() {
    if !heap_is_kept() {
        return;
    }
    let streams = [
        ("Rows of three columns, 40 bytes", three_columns(100_000)),
        ("Rows of ten columns, 299 bytes", ten_columns(100_000)),
    ];
    for (title, stream) in &streams {
        race(title, stream);
    }
}

fn race(title: &str, Stream { bytes, rows }: &Stream) {
    let (mut raw, mut memcpy) = (RawWalk::default(), Memcpy::default());
    let (mut lent, mut kept, mut collected) = (Core::open(), Core::open(), Core::open());
    let (mut peer, mut ranges, mut vectors) = (Peer::default(), Peer::default(), Peer::default());
    Race::new(title, "row", *rows)
        .with("raw walk", || raw.rows(bytes))
        .with("memcpy", || memcpy.rows(bytes))
        .with("purepg-proto, lent", || lent.rows_lent(bytes))
        .with("purepg-proto, kept", || kept.rows_kept(bytes))
        .with("purepg-proto, collected", || {
            collected.rows_collected(bytes)
        })
        .with("postgres-protocol", || peer.rows(bytes))
        .with("postgres-protocol, a vector of ranges", || {
            ranges.rows_with_ranges(bytes)
        })
        .with("postgres-protocol, collected", || {
            vectors.rows_collected(bytes)
        })
        .run();
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
