//! What the checksums have to be, from the formulas that the tables are made with.

use std::collections::HashMap;

use md5::{Digest, Md5};

use crate::workload::{Checksum, WIDE_ROWS, Workload, key, parameter};

/// Checksums that were computed before.
#[derive(Debug, Default)]
pub struct Expected(HashMap<(&'static str, u64), u64>);

impl Expected {
    /// Of so many units.
    pub fn checksum(&mut self, workload: Workload, count: u64) -> u64 {
        let known = self.0.entry((workload.name(), count));
        *known.or_insert_with(|| checksum(workload, count))
    }
}

fn checksum(workload: Workload, count: u64) -> u64 {
    let mut sum = Checksum::default();
    match workload {
        Workload::Connect | Workload::Reconnect | Workload::CopyIn => {}
        // A 1 for each row that was selected, or inserted.
        Workload::Select
        | Workload::SelectText
        | Workload::Sixteen
        | Workload::Insert
        | Workload::InsertPipelined => sum.0 = count,
        Workload::Row => (0..count).for_each(|number| add_wide(&mut sum, key(number))),
        Workload::Pipeline => (0..count).for_each(|number| sum.number(parameter(number))),
        Workload::StreamNarrow => (1..=count).for_each(|id| add_narrow(&mut sum, id)),
        Workload::StreamWide => (0..count).for_each(|number| add_wide(&mut sum, key(number))),
        Workload::CopyOut => sum.0 = (1..=count).map(copied).sum(),
    }
    sum.0
}

fn small(number: u64) -> i32 {
    i32::try_from(number % 1000).expect("below 1000")
}

fn add_narrow(sum: &mut Checksum, id: u64) {
    let number = i64::try_from(id).expect("fewer than 2^63");
    sum.narrow((number, small(id), &format!("name {id}")));
}

/// The bytes of a row of `narrow` in the text format.
fn copied(id: u64) -> u64 {
    format!("{id}\t{}\tname {id}\n", small(id)).len() as u64
}

fn add_wide(sum: &mut Checksum, id: i64) {
    let whole = i32::try_from(id * 7 % 100_000).expect("below 100,000");
    let part = i16::try_from(id % 1000).expect("below 1000");
    let repeated = usize::try_from(1 + id % 5).expect("at most 5");
    let limit = i64::try_from(WIDE_ROWS).expect("100,000");
    assert!((1..=limit).contains(&id), "a key of the table");
    sum.wide((
        id,
        whole,
        part,
        id % 3 == 0,
        id as f64 / 8.0,
        &format!("short {id}"),
        &format!("{}{id}", "longer text ".repeat(repeated)),
        &format!("v{}", id % 10),
        &Md5::digest(id.to_string()),
        (id % 4 != 0).then_some(-id),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_row_is_its_numbers_and_the_length_and_last_byte_of_its_name() {
        let of_one = checksum(Workload::StreamNarrow, 1);
        assert_eq!(of_one, 1 + 1 + 6 + u64::from(b'1'));
        let of_two = checksum(Workload::StreamNarrow, 2);
        assert_eq!(of_two - of_one, 2 + 2 + 6 + u64::from(b'2'));
    }

    #[test]
    fn a_wide_row_is_all_of_its_columns() {
        // md5('1') ends with 9b; 1 / 8 is 0.125.
        let texts = (7 + 0x31) + (25 + 0x31) + (2 + 0x31) + (16 + 0x9b);
        let numbers = 1_u64 + 7 + 1 + 0.125_f64.to_bits() - 1;
        assert_eq!(checksum(Workload::StreamWide, 1), numbers + texts);
    }

    #[test]
    fn keys_go_around() {
        let round = checksum(Workload::Row, WIDE_ROWS);
        let more = checksum(Workload::Row, WIDE_ROWS + 1);
        assert_eq!(round, checksum(Workload::StreamWide, WIDE_ROWS));
        let first = checksum(Workload::Row, 1);
        assert_eq!(more, round.wrapping_add(first));
    }

    #[test]
    fn what_is_copied_out_has_two_tabs_and_a_line_feed() {
        assert_eq!(
            checksum(Workload::CopyOut, 1),
            "1\t1\tname 1\n".len() as u64
        );
        assert_eq!(copied(1_000), "1000\t0\tname 1000\n".len() as u64);
    }

    #[test]
    fn what_was_computed_is_kept() {
        let mut expected = Expected::default();
        let pipeline = expected.checksum(Workload::Pipeline, 100);
        assert_eq!(pipeline, 99 * 100 / 2);
        assert_eq!(expected.checksum(Workload::Pipeline, 100), pipeline);
        assert_eq!(expected.checksum(Workload::Pipeline, 200), 199 * 200 / 2);
    }
}
