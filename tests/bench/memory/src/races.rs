//! What is measured: ways to do one thing, in a list for each thing. All that measures takes it from here: times, ratios, and counts of
//! instructions.

use std::fmt;

mod driver;
mod operations;
mod rows;
mod values;

pub use driver::{CONNECT, COPY, ONE, TOGETHER};
pub use operations::{PIPELINED, PREPARED, SCRAM, SIMPLE};
pub use rows::{TEN_COLUMNS, THREE_COLUMNS};
#[cfg(test)]
pub(crate) use values::own;
pub use values::{DECODE, ENCODE};

/// Every one.
pub const ALL: [&Race; 12] = [
    &THREE_COLUMNS,
    &TEN_COLUMNS,
    &DECODE,
    &ENCODE,
    &SIMPLE,
    &PREPARED,
    &PIPELINED,
    &SCRAM,
    &CONNECT,
    &ONE,
    &TOGETHER,
    &COPY,
];

/// Several ways to do one thing.
#[derive(Debug)]
pub struct Race {
    /// What is done.
    pub title: &'static str,
    /// What the figures are per.
    pub unit: &'static str,
    /// How many units belong together: those of a pipeline, or of a result. That many are timed at once.
    pub together: usize,
    /// How many a turn does where contestants take turns: a multiple of these.
    pub units: usize,
    /// Who does it. The first is the one that the others are compared with.
    pub contestants: &'static [Contestant],
}

/// One of them.
#[derive(Clone, Copy)]
pub struct Contestant {
    /// Who, and how.
    pub name: &'static str,
    /// Prepares turns of so many units.
    pub prepare: fn(usize) -> Turn,
}

/// Does that many units, and gives something of what came out.
pub type Turn = Box<dyn FnMut() -> u64>;

/// Contestants are told by their names.
impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Contestant {
    const fn new(name: &'static str, prepare: fn(usize) -> Turn) -> Self {
        Self { name, prepare }
    }

    /// True for what is measured for its own sake, not to be compared with.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with("purepg")
    }
}

/// The same once more and once more.
fn repeat(times: usize, mut once: impl FnMut() -> u64 + 'static) -> Turn {
    Box::new(move || (0..times).fold(0, |sum, _| sum.wrapping_add(once())))
}
