//! What the client on tokio is to reach.
//!
//! The goals were set in microseconds on one machine, beside the figures of others on the same. Machines differ, so that they are
//! written as ratios here: the goal, by what the floor needed there, or, where the floor was not measured, by what the best of the others did.

use crate::workload::Workload;

/// The contestant that has goals.
pub const CONTESTANT: &str = "purepg-tokio";

/// At most this many times the processor time of somebody else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The floor's.
    OfFloor(f64),
    /// The best peer's.
    OfPeer(f64),
}

/// The goal of a workload.
pub fn goal(workload: Workload) -> Goal {
    match workload {
        Workload::Connect => Goal::OfPeer(0.95),
        Workload::Reconnect => Goal::OfPeer(0.22),
        Workload::Select => Goal::OfFloor(5.0 / 3.69),
        Workload::SelectText | Workload::CopyIn => Goal::OfPeer(1.0), // the same microseconds
        Workload::Row => Goal::OfFloor(5.2 / 3.93),
        // There the floor was a client that made its messages; here it patches prepared ones, and takes a fifth of that.
        Workload::Pipeline => Goal::OfPeer(0.60 / 0.926),
        Workload::StreamNarrow => Goal::OfFloor(0.085 / 0.064),
        Workload::StreamWide => Goal::OfFloor(0.45 / 0.374),
        Workload::Insert => Goal::OfPeer(4.6 / 3.46),
        Workload::InsertPipelined => Goal::OfPeer(0.60 / 0.617),
        Workload::CopyOut => Goal::OfFloor(0.075 / 0.059),
        Workload::Sixteen => Goal::OfPeer(5.0 / 6.01),
    }
}
