//! What purepg does, on a throw-away PostgreSQL: `cargo demo`, or `cargo demo -- ROWS` to stream another number of rows.
//!
//! * [`steps`]: what an application does with a connection. Start here.
//! * [`tour`]: the server, and every way to it that the steps are taken through.
//! * [`report`]: how it looks.

#[cfg(unix)]
mod report;
#[cfg(unix)]
mod steps;
#[cfg(unix)]
mod tour;

use std::process::ExitCode;

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever goes wrong, it is told in words.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[cfg(unix)]
fn demo() -> Result<()> {
    let rows = match std::env::args().nth(1) {
        None => 1_000_000,
        Some(rows) => rows
            .parse()
            .map_err(|_| format!("`{rows}` is not a number of rows"))?,
    };
    tour::run(rows)
}

#[cfg(not(unix))]
fn demo() -> Result<()> {
    Err("it starts a PostgreSQL by itself, which it can do on Unix only".into())
}
