//! Ten values of a row to Rust, and ten of Rust to parameters.

use purepg_conn::{TimestampTz, Type};

use crate::core::Core;
use crate::driver::Driver;
use crate::peer::{self, JsonText, Peer, ten_types};
use crate::races::{Contestant, Race, Turn, repeat};
use crate::raw::{RawWalk, bytes_of, formats_of};
use crate::script::Answers;
use crate::stream::{TEN_TYPES, ten_values};
use crate::values::{OthersTuple, Tuple, params, ten};

/// Rows of ten values.
pub const DECODE: Race = Race {
    title: "ten values decoded",
    unit: "row",
    together: 100_000,
    units: 100_000,
    contestants: &[
        Contestant::new("raw walk, nothing decoded", |rows| {
            let (bytes, mut raw) = (ten_values(rows).bytes, RawWalk::default());
            Box::new(move || raw.rows(&bytes))
        }),
        Contestant::new("purepg-conn, nothing decoded", |rows| {
            driver(rows, Driver::walk)
        }),
        Contestant::new("purepg-conn, a tuple", |rows| driver(rows, Driver::tuples)),
        Contestant::new("purepg-conn, a struct by name", |rows| {
            driver(rows, Driver::structs)
        }),
        Contestant::new("purepg-conn, a struct, other order", |rows| {
            driver(rows, Driver::shuffled)
        }),
        Contestant::new("purepg-conn, value by value", |rows| {
            driver(rows, Driver::gets)
        }),
        Contestant::new("purepg-conn, chrono and uuid", |rows| {
            driver(rows, Driver::others_tuples)
        }),
        Contestant::new("postgres-types, chrono and uuid", |rows| {
            let (bytes, mut peer) = (ten_values(rows).bytes, Peer::default());
            Box::new(move || peer.values(&bytes))
        }),
    ],
};

/// A `Bind` with ten parameters.
pub const ENCODE: Race = Race {
    title: "ten values encoded",
    unit: "Bind",
    together: 1,
    units: 100_000,
    contestants: &[
        Contestant::new("raw copy of their bytes", |times| {
            let (bound, mut raw) = (bound(), RawWalk::default());
            let (bytes, formats) = (bytes_of(bound), formats_of(bound));
            repeat(times, move || raw.bind(&bytes, &formats))
        }),
        Contestant::new("purepg-proto, their bytes at hand", |times| {
            let (bytes, mut core) = (bytes_of(bound()), Core::open());
            repeat(times, move || core.bind_bytes(&bytes))
        }),
        Contestant::new("purepg-types", |times| {
            let (values, types, mut core) = (own(), types(), Core::open());
            repeat(times, move || core.bind(&params(&values), &types))
        }),
        Contestant::new("purepg-types, chrono and uuid", |times| {
            let (values, types, mut core) = (ten(), types(), Core::open());
            repeat(times, move || core.bind(&params(&values), &types))
        }),
        Contestant::new("postgres-types, chrono and uuid", |times| {
            let (values, types, mut peer) = (ten(), ten_types(), Peer::default());
            let json = JsonText(values.8);
            repeat(times, move || {
                peer.bind(&peer::params(&values, &json), &types)
            })
        }),
    ],
};

fn driver(rows: usize, read: fn(&mut Driver, &Answers) -> u64) -> Turn {
    let answer = Answers::from(ten_values(rows).bytes);
    let mut driver = Driver::open();
    Box::new(move || read(&mut driver, &answer))
}

fn types() -> [Type; 10] {
    TEN_TYPES.map(|oid| Type::from_oid(oid).expect("they are built in"))
}

/// A `Bind` of them, of which pieces are borrowed for as long as anybody may want.
fn bound() -> &'static [u8] {
    Core::open().bound(&params(&ten()), &types()).leak()
}

/// The same values without types of other crates.
pub(crate) fn own() -> Tuple<'static> {
    let (id, visits, name, remark, active, score, created, token, data, picture): OthersTuple<'_> =
        ten();
    let created = TimestampTz::from_unix_micros(created.timestamp_micros().into());
    let created = created.expect("a moment that PostgreSQL has");
    let token = *token.as_bytes();
    (
        id, visits, name, remark, active, score, created, token, data, picture,
    )
}
