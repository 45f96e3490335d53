//! Rows: nanoseconds for each, and ratios to a raw walk.

use purepg_bench::core::Core;
use purepg_bench::peer::Peer;
use purepg_bench::raw::{Memcpy, RawWalk};
use purepg_bench::rounds::Race;
use purepg_bench::stream::{Stream, ten_columns, three_columns};

fn main() {
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
