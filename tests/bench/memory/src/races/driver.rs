//! Connecting, small statements and COPY. Only we are measured here: over sockets others are.

use crate::calls::{self, Call, Calls, Client};
use crate::copies::Copies;
use crate::core::Core;
use crate::driver::{self, Driver};
use crate::races::{Contestant, Race, Turn, repeat};
use crate::script::Answers;
use crate::stream::{greeting, ten_values};

/// The start-up, where no password is asked for.
pub const CONNECT: Race = Race {
    title: "connecting",
    unit: "connection",
    together: 1,
    units: 2_000,
    contestants: &[
        Contestant::new("purepg-proto", |times| {
            let greeting = greeting();
            repeat(times, move || {
                Core::connect(&greeting);
                1
            })
        }),
        Contestant::new("purepg-conn", |times| {
            let greeting = Answers::from(greeting());
            repeat(times, move || {
                driver::connect(&greeting);
                1
            })
        }),
    ],
};

/// A statement at a time.
pub const ONE: Race = Race {
    title: "one statement",
    unit: "call",
    together: 1,
    units: 20_000,
    contestants: &[
        Contestant::new("purepg-conn, `fetch_scalar`, prepared", |times| {
            call(times, Client::fetch_prepared)
        }),
        Contestant::new("purepg-conn, `fetch_scalar`, text that is kept", |times| {
            call(times, Client::fetch_text)
        }),
        Contestant::new(
            "purepg-conn, `query`, a row of ten values decoded",
            |times| {
                let answer = Answers::from(ten_values(1).bytes);
                let mut driver = Driver::open();
                repeat(times, move || driver.tuples(&answer))
            },
        ),
        Contestant::new("purepg-conn, `execute`, prepared", |times| {
            call(times, Client::execute)
        }),
        Contestant::new("purepg-conn, `execute` in a transaction", |times| {
            call(times, Client::transaction)
        }),
    ],
};

/// A hundred at a time.
pub const TOGETHER: Race = Race {
    title: "a hundred statements",
    unit: "statement",
    together: calls::TOGETHER,
    units: 20_000,
    contestants: &[
        Contestant::new("purepg-conn, a pipeline", |times| {
            call(times / calls::TOGETHER, Client::pipeline)
        }),
        Contestant::new("purepg-conn, `execute_many`", |times| {
            call(times / calls::TOGETHER, Client::execute_many)
        }),
    ],
};

/// Rows of an `int8`, an `int4` and a text.
pub const COPY: Race = Race {
    title: "COPY",
    unit: "row",
    together: 100_000,
    units: 100_000,
    contestants: &[
        Contestant::new("purepg-conn, in, lines", |rows| {
            copy(rows, Copies::lines_in)
        }),
        Contestant::new("purepg-conn, in, tuples", |rows| {
            copy(rows, Copies::rows_in)
        }),
        Contestant::new("purepg-conn, out, lines lent", |rows| {
            copy(rows, Copies::lines_out)
        }),
        Contestant::new("purepg-conn, out, tuples decoded", |rows| {
            copy(rows, Copies::rows_out)
        }),
    ],
};

fn call(times: usize, call: Call) -> Turn {
    let mut calls = Calls::of(call);
    repeat(times, move || calls.once())
}

fn copy(rows: usize, copy: fn(&mut Copies) -> u64) -> Turn {
    let mut copies = Copies::of(rows);
    Box::new(move || copy(&mut copies))
}
