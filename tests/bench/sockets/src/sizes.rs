//! How many units make a run.

use crate::workload::{CONNECTIONS, PIPELINE, Workload, copy_piece};

/// How long a run is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 0.2 to 0.5 seconds, in which what happens once is little.
    Full,
    /// A quarter of that.
    Quick,
    /// Few: for what is counted exactly.
    Counted,
}

/// A number of units that the workload can do: whole pipelines, as many on each connection, whole pieces.
pub fn units(workload: Workload, size: Size) -> u64 {
    let (full, counted): (u64, u64) = match workload {
        Workload::Connect => (160, 15),
        Workload::Reconnect => (240, 15),
        Workload::Select
        | Workload::SelectText
        | Workload::Row
        | Workload::Insert
        | Workload::Sixteen => (16_000, 400),
        Workload::Pipeline | Workload::InsertPipelined => (60_000, 2_000),
        Workload::StreamNarrow | Workload::CopyOut => (1_500_000, 150_000),
        Workload::StreamWide => (100_000, 15_000),
        Workload::CopyIn => (600_000, 60_000),
    };
    let units = match size {
        Size::Full => full,
        Size::Quick => full / 4,
        Size::Counted => counted,
    };
    units.next_multiple_of(step(workload))
}

fn step(workload: Workload) -> u64 {
    match workload {
        Workload::Pipeline | Workload::InsertPipelined => PIPELINE,
        Workload::Sixteen => CONNECTIONS,
        Workload::CopyIn => copy_piece().1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{NARROW_ROWS, WIDE_ROWS};

    #[test]
    fn no_workload_wants_more_rows_than_there_are() {
        let all = [Size::Full, Size::Quick, Size::Counted];
        for size in all {
            assert!(units(Workload::StreamWide, size) <= WIDE_ROWS);
            for workload in [Workload::StreamNarrow, Workload::CopyOut] {
                assert!(units(workload, size) <= NARROW_ROWS);
            }
        }
        // What is counted is counted twice, the second time with twice as many.
        assert!(2 * units(Workload::StreamWide, Size::Counted) <= WIDE_ROWS);
        assert!(2 * units(Workload::CopyOut, Size::Counted) <= NARROW_ROWS);
    }

    #[test]
    fn units_are_whole_pipelines_and_pieces() {
        for workload in Workload::ALL {
            for size in [Size::Full, Size::Quick, Size::Counted] {
                let units = units(workload, size);
                assert!(
                    units > 0 && units.is_multiple_of(step(workload)),
                    "{workload}"
                );
            }
        }
    }
}
