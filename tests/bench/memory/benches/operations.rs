//! Small queries and authentication: nanoseconds for each, and ratios.

use purepg_bench_memory::core::Core;
use purepg_bench_memory::peer::Peer;
use purepg_bench_memory::raw::RawWalk;
use purepg_bench_memory::rounds::Race;
use purepg_bench_memory::scram;
use purepg_bench_memory::stream::Replies;

/// Queries in one turn.
const QUERIES: usize = 20_000;
/// Pipelines in one turn.
const PIPELINES: usize = QUERIES / Replies::PIPELINE;
/// Key derivations in one turn.
const DERIVATIONS: usize = 5;

fn main() {
    let replies = Replies::default();
    let (mut raw, mut core, mut peer) = (RawWalk::default(), Core::open(), Peer::default());
    Race::new("`select 1`, simple", "query", QUERIES)
        .with("raw walk", || {
            repeat(QUERIES, || raw.simple_query(&replies.simple))
        })
        .with("purepg-proto", || {
            repeat(QUERIES, || core.simple_query(&replies.simple))
        })
        .with("postgres-protocol", || {
            repeat(QUERIES, || peer.simple_query(&replies.simple))
        })
        .run();
    Race::new("`select 1`, prepared", "query", QUERIES)
        .with("raw walk", || {
            repeat(QUERIES, || raw.prepared(&replies.prepared))
        })
        .with("purepg-proto", || {
            repeat(QUERIES, || core.prepared(&replies.prepared))
        })
        .with("postgres-protocol", || {
            repeat(QUERIES, || peer.prepared(&replies.prepared))
        })
        .run();
    Race::new("`select 1`, prepared, pipelined by 100", "query", QUERIES)
        .with("raw walk", || {
            repeat(PIPELINES, || raw.pipeline(&replies.pipeline))
        })
        .with("purepg-proto", || {
            repeat(PIPELINES, || core.pipeline(&replies.pipeline))
        })
        .with("postgres-protocol", || {
            repeat(PIPELINES, || peer.pipeline(&replies.pipeline))
        })
        .run();
    let title = format!("SCRAM-SHA-256, {} iterations", scram::ITERATIONS);
    let keys = scram::core(None);
    let race = Race::new(&title, "exchange", DERIVATIONS)
        .with("purepg-proto", || {
            repeat(DERIVATIONS, || u64::from(scram::core(None).is_some()))
        })
        .with("purepg-proto, keys known", || {
            repeat(DERIVATIONS, || {
                u64::from(scram::core(keys.as_ref()).is_some())
            })
        })
        .with("postgres-protocol", || {
            repeat(DERIVATIONS, || {
                scram::peer();
                0
            })
        });
    #[cfg(feature = "openssl")]
    let race = race.with("OpenSSL, the iterations alone", || {
        repeat(DERIVATIONS, || u64::from(scram::openssl()[0]))
    });
    race.run();
}

fn repeat(times: usize, mut once: impl FnMut() -> u64) -> u64 {
    (0..times).fold(0, |sum, _| sum.wrapping_add(once()))
}
