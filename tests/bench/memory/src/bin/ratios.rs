//! Contestants in turn: nanoseconds for each unit, and ratios to the first of them.
//!
//! ```text
//! ratios [PART-OF-A-RACE [PART-OF-A-CONTESTANT]]
//! ```

use purepg_bench_memory::{heap, races, rounds};

fn main() {
    if heap::is_kept() {
        for race in races::ALL {
            rounds::run(race);
        }
    }
}
