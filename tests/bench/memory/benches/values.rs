//! Values: nanoseconds to decode a row of ten, and to encode them as parameters; ratios to a raw walk.

use std::sync::Arc;

use purepg_bench_memory::core::Core;
use purepg_bench_memory::driver::Driver;
use purepg_bench_memory::peer::{self, JsonText, Peer, ten_types};
use purepg_bench_memory::raw::{RawWalk, bytes_of, formats_of};
use purepg_bench_memory::rounds::Race;
use purepg_bench_memory::stream::{TEN_TYPES, ten_values};
use purepg_bench_memory::values::{params, ten};
use purepg_conn::{TimestampTz, Type};

/// Rows in one turn.
const ROWS: usize = 100_000;
/// Messages in one turn.
const BINDS: usize = 100_000;

fn main() {
    decode();
    encode();
}

fn decode() {
    let bytes: Arc<[u8]> = ten_values(ROWS).bytes.into();
    let (mut raw, mut peer) = (RawWalk::default(), Peer::default());
    let mut walked = Driver::open();
    let (mut tuples, mut structs, mut gets) = (Driver::open(), Driver::open(), Driver::open());
    let (mut shuffled, mut others) = (Driver::open(), Driver::open());
    Race::new("Ten values, decoded", "row", ROWS)
        .with("raw walk, nothing decoded", || raw.rows(&bytes))
        .with("purepg-conn, nothing decoded", || walked.walk(&bytes))
        .with("purepg-conn, a tuple", || tuples.tuples(&bytes))
        .with("purepg-conn, a struct by name", || structs.structs(&bytes))
        .with("purepg-conn, a struct, other order", || {
            shuffled.shuffled(&bytes)
        })
        .with("purepg-conn, value by value", || gets.gets(&bytes))
        .with("purepg-conn, chrono and uuid", || {
            others.others_tuples(&bytes)
        })
        .with("postgres-types, chrono and uuid", || peer.values(&bytes))
        .run();
}

fn encode() {
    let (values, types) = (
        ten(),
        TEN_TYPES.map(|oid| Type::from_oid(oid).expect("built in")),
    );
    let created = TimestampTz::from_unix_micros(values.6.timestamp_micros().into());
    let (id, visits, name, remark, active, score, _, token, data, picture) = values;
    let created = created.expect("a moment that PostgreSQL has");
    let own = (
        id,
        visits,
        name,
        remark,
        active,
        score,
        created,
        *token.as_bytes(),
        data,
        picture,
    );
    let (mut core, mut peer, mut raw) = (Core::open(), Peer::default(), RawWalk::default());
    let bound = core.bound(&params(&values), &types);
    let (bytes, formats) = (bytes_of(&bound), formats_of(&bound));
    let (mut owns, mut others, mut at_hand) = (Core::open(), Core::open(), Core::open());
    let (json, peers_types) = (JsonText(data), ten_types());
    Race::new("Ten values, encoded as parameters", "Bind", BINDS)
        .with("raw copy of their bytes", || {
            repeat(|| raw.bind(&bytes, &formats))
        })
        .with("purepg-proto, their bytes at hand", || {
            repeat(|| at_hand.bind_bytes(&bytes))
        })
        .with("purepg-types", || {
            repeat(|| owns.bind(&params(&own), &types))
        })
        .with("purepg-types, chrono and uuid", || {
            repeat(|| others.bind(&params(&values), &types))
        })
        .with("postgres-types, chrono and uuid", || {
            repeat(|| peer.bind(&peer::params(&values, &json), &peers_types))
        })
        .run();
}

fn repeat(mut once: impl FnMut() -> u64) -> u64 {
    (0..BINDS).fold(0, |sum, _| sum.wrapping_add(once()))
}
