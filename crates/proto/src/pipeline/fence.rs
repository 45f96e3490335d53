//! Fences: where the output stops being shown until the server has answered.
//!
//! Behind a `COPY FROM STDIN` that is not answered yet anything but the data of that COPY kills the connection (a Sync is swallowed),
//! and only the answer tells whether data is wanted. So what stands behind such an operation waits.

use alloc::collections::VecDeque;
use core::ops::Range;

use crate::OpId;

/// The end of what may be sent before an operation has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) op: OpId,
    /// Where it stands in the output. The operation's data is put before it.
    pub(crate) place: u64,
    /// Somebody has data for it.
    pub(crate) declared: bool,
}

/// Those that stand, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Fences(VecDeque<Fence>);

impl Fences {
    /// Where the output ends for now.
    pub(crate) fn first(&self) -> Option<u64> {
        self.0.front().map(|fence| fence.place)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, op: OpId) -> Option<Fence> {
        let found = self.find(op).ok()?;
        self.0.get(found).copied()
    }

    pub(crate) fn raise(&mut self, fence: Fence) {
        let (Ok(behind) | Err(behind)) = self.find(fence.op);
        self.0.insert(behind, fence);
    }

    pub(crate) fn lower(&mut self, op: OpId) {
        if let Ok(found) = self.find(op) {
            self.0.remove(found);
        }
    }

    /// Each operation has one at the most, and they stand in the order of these.
    fn find(&self, op: OpId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&op, |fence| fence.op)
    }

    /// Those of this operation and all later ones.
    pub(crate) fn lower_from(&mut self, op: OpId) {
        self.0
            .truncate(self.0.partition_point(|fence| fence.op < op));
    }

    /// Bytes were put into the output at `place`: before the fence that stands there.
    pub(crate) fn make_room(&mut self, place: u64, bytes: u64) {
        let behind = self.0.partition_point(|fence| fence.place < place);
        for fence in self.0.range_mut(behind..) {
            fence.place += bytes;
        }
    }

    /// Bytes were removed from the output.
    pub(crate) fn close_gap(&mut self, gap: &Range<u64>) {
        let behind = self.0.partition_point(|fence| fence.place < gap.end);
        for fence in self.0.range_mut(behind..) {
            fence.place -= gap.end - gap.start;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn fences() -> Fences {
        let mut fences = Fences::default();
        for (op, place) in [(1, 10), (4, 30), (3, 20)] {
            fences.raise(Fence {
                op: OpId(op),
                place,
                declared: true,
            });
        }
        fences
    }

    fn places(fences: &Fences) -> Vec<u64> {
        fences.0.iter().map(|fence| fence.place).collect()
    }

    #[test]
    fn the_oldest_one_counts() {
        let mut fences = fences();
        assert_eq!(fences.first(), Some(10));
        fences.lower(OpId(2));
        fences.lower(OpId(1));
        assert_eq!(fences.first(), Some(20));
        assert!(fences.of(OpId(1)).is_none() && fences.of(OpId(4)).is_some());
        fences.lower_from(OpId(4));
        assert_eq!(places(&fences), [20]);
    }

    #[test]
    fn they_move_with_what_stands_around_them() {
        let mut fences = fences();
        fences.make_room(20, 5);
        assert_eq!(
            places(&fences),
            [10, 25, 35],
            "what is put at a fence is put before it"
        );
        fences.close_gap(&(12..17));
        assert_eq!(places(&fences), [10, 20, 30]);
        fences.close_gap(&(25..30));
        assert_eq!(places(&fences), [10, 20, 25]);
    }
}
