//! Fuzz targets of the core, as functions: what each of them checks holds for any bytes. `docs/fuzzing.md` says how they are run.
//!
//! Those of the protocol drive a [`Watched`](purepg_testkit::sim::Watched) core, which panics when a promise is broken: about its buffers, about each
//! operation's one end, about what comes behind the end of the connection, about memory. Those of [`codec`] read values and write them again.

pub mod batches;
pub mod codec;
mod config;
mod conversation;
mod copy;
pub mod input;
mod messages;
mod model;
mod names;
mod sasl;
mod trace;

use std::alloc::System;

use purepg_proto::{Limits, Startup};
use purepg_testkit::sim::Watched;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

pub use config::config;
pub use conversation::{honest, operations, startup};
pub use copy::copy;
pub use messages::{PLACES, messages};
pub use model::model;
pub use names::names;
pub use sasl::{Said, sasl};
pub use trace::trace;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A target: what it makes of any bytes.
pub type Target = fn(&[u8]);

/// All of them, by name. One more is a line here, a program in `fuzz_targets`, and its name in `Cargo.toml`.
pub const TARGETS: &[(&str, Target)] = &[
    ("operations", operations),
    ("startup", startup),
    ("messages", messages),
    ("sasl", sasl),
    ("model", model),
    ("trace", trace),
    ("names", names),
    ("config", config),
    ("copy", copy),
    ("numbers", codec::numbers),
    ("strings", codec::strings),
    ("datetime", codec::datetime),
    ("network", codec::network),
    ("geometry", codec::geometry),
    ("hstore", codec::hstore),
    ("arrays", codec::arrays),
    ("ranges", codec::ranges),
    ("composites", codec::composites),
    ("values", codec::values),
    ("compat", codec::compat),
];

/// A core whose memory is watched, too.
fn watched(startup: Startup, limits: Limits) -> Watched {
    Watched::new(startup, limits).measured(allocated)
}

/// How many bytes were allocated so far.
fn allocated() -> usize {
    ALLOCATOR.stats().bytes_allocated
}

/// What one call may allocate, whatever has come.
const LARGEST_GROWTH: usize = 512 * 1024;

/// Takes every event that there is.
fn drain(core: &mut Watched) {
    while core.take() {}
}

/// The stream ends, and so does the connection.
fn end(core: &mut Watched) {
    drain(core);
    core.eof();
    core.derive();
    drain(core);
    assert!(core.is_over(), "the end of the stream is the end: {core:?}");
    // It stays the end.
    assert!(!core.take());
    core.abandon_all();
    let refused = core.begin(|batch| {
        batch.sync();
    });
    assert!(refused.is_err());
    assert_eq!(core.core().in_flight(), 0);
}

/// Limits that a few bytes reach.
fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.max_message = 300;
    limits.max_short_message = 100;
    limits.max_startup_message = 120;
    limits.max_startup_error = 60;
    limits.max_columns = 2;
    limits.max_scram_iterations = 3;
    limits.max_scram_nonce = 60;
    limits.max_result = 40;
    limits.output_high_water = 400;
    limits.max_in_flight = 4;
    limits.max_server_parameters = 2;
    limits.max_server_parameter = 20;
    limits
}

/// Limits as they are, but for key derivation, which would take too long.
fn usual() -> Limits {
    let mut limits = Limits::default();
    limits.max_scram_iterations = 8;
    limits
}
