//! Heap allocations: exact, so what has to be none is checked, too.

use std::alloc::System;

use purepg_bench_memory::core::Core;
use purepg_bench_memory::driver::Driver;
use purepg_bench_memory::peer::Peer;
use purepg_bench_memory::script::Answers;
use purepg_bench_memory::stream::{
    Replies, Stream, TEN_TYPES, ten_columns, ten_values, three_columns,
};
use purepg_bench_memory::values::{params, ten};
use purepg_conn::Type;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Times that everything is done before and while it is counted.
const TIMES: usize = 100;

fn main() {
    println!("\n| what | allocations | bytes |");
    println!("|---|---:|---:|");
    let replies = Replies::default();
    let (mut core, mut peer) = (Core::open(), Peer::default());
    let none = [
        count("purepg-proto: a command without rows", || {
            core.simple_query(&replies.command)
        }),
        count("purepg-proto: `select 1`, prepared", || {
            core.prepared(&replies.prepared)
        }),
        count("purepg-proto: 100 of them, pipelined", || {
            core.pipeline(&replies.pipeline)
        }),
    ];
    assert_eq!(none, [0; 3], "no query allocates anything");
    count("purepg-proto: `select 1`, simple", || {
        core.simple_query(&replies.simple)
    });
    count("postgres-protocol: `select 1`, simple", || {
        peer.simple_query(&replies.simple)
    });
    count("postgres-protocol: `select 1`, prepared", || {
        peer.prepared(&replies.prepared)
    });
    values();
    rows("three columns", three_columns);
    rows("ten columns", ten_columns);
}

/// A way to read all rows of an answer.
type Read = fn(&mut Driver, &Answers) -> u64;

/// Values of ten columns to Rust, and from Rust.
fn values() {
    let of_rows = |rows: usize| Answers::from(ten_values(rows).bytes);
    let (few, many) = (of_rows(1_000), of_rows(10_000));
    let mut driver = Driver::open();
    let ways: [(&str, Read); 4] = [
        ("tuples", Driver::tuples),
        ("structs", Driver::structs),
        ("structs in another order", Driver::shuffled),
        ("tuples of chrono and uuid", Driver::others_tuples),
    ];
    for (way, read) in ways {
        let name = format!("purepg-conn: a result of 1,000 rows of ten values, {way}");
        let of_few = count(&name, || read(&mut driver, &few));
        let of_many = count("purepg-conn: 10,000 of them", || read(&mut driver, &many));
        assert_eq!(of_few, of_many, "no row allocates anything");
    }
    let values = ten();
    let types = TEN_TYPES.map(|oid| Type::from_oid(oid).expect("they are built in"));
    let mut core = Core::open();
    let of_bind = count("purepg-types: ten parameters", || {
        core.bind(&params(&values), &types)
    });
    assert_eq!(of_bind, 0, "no parameter allocates anything");
}

/// A result of many rows.
fn rows(columns: &str, stream: impl Fn(usize) -> Stream) {
    let (few, many) = (stream(1_000).bytes, stream(10_000).bytes);
    let (mut core, mut peer) = (Core::open(), Peer::default());
    let of_few = count(
        &format!("purepg-proto: a result of 1,000 rows of {columns}, lent"),
        || core.rows_lent(&few),
    );
    let of_many = count("purepg-proto: 10,000 of them, lent", || {
        core.rows_lent(&many)
    });
    assert_eq!(of_few, of_many, "no row allocates anything");
    count("purepg-proto: 10,000 of them, kept", || {
        core.rows_kept(&many)
    });
    count("purepg-proto: 10,000 of them, collected", || {
        core.rows_collected(&many)
    });
    count("postgres-protocol: 10,000 of them", || peer.rows(&many));
    count(
        "postgres-protocol: 10,000 of them, a vector of ranges",
        || peer.rows_with_ranges(&many),
    );
    count("postgres-protocol: 10,000 of them, collected", || {
        peer.rows_collected(&many)
    });
}

/// Prints how much one time allocates once it has settled, and gives the number of allocations, which has to be the same each time.
fn count(what: &str, mut once: impl FnMut() -> u64) -> usize {
    for _ in 0..TIMES {
        once();
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..TIMES {
        once();
    }
    let change = region.change();
    let allocations = change.allocations + change.reallocations;
    let average = allocations as f64 / TIMES as f64;
    let bytes = change.bytes_allocated / TIMES;
    println!("| {what} | {average} | {bytes} |");
    allocations.div_ceil(TIMES)
}
