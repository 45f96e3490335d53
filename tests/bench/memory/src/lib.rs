//! The core beside its peers, in memory: no socket, no runtime, no server.
//!
//! Every contestant is given the same bytes in the same pieces and visits every field of every row. They stand in [`races`]: the benchmark
//! `times` times each by itself, the program `ratios` runs them in turn ([`rounds`]), so that what a busy machine does to one it does to all, and
//! the program `counts` counts the instructions of ours. What is measured, and what came out, stands in `docs/performance.md`.

pub mod calls;
pub mod copies;
pub mod core;
pub mod driver;
pub mod heap;
pub mod peer;
pub mod races;
pub mod raw;
pub mod rounds;
pub mod scram;
pub mod script;
mod server;
pub mod stream;
pub mod values;

/// What a server's answer is cut into: PostgreSQL sends 8 KiB at a time.
///
/// It is 8 bytes less, so that the pieces begin at every place of a page in turn. Were they whole, all of them would begin at the same
/// place, and where each contestant's buffer happens to lie would make copying into it faster or slower, by up to a tenth.
pub const PIECE: usize = 8 * 1024 - 8;

/// What every contestant does with a value: its length and its first byte, so that it has to be found and touched.
#[inline]
pub fn visit(value: Option<&[u8]>) -> u64 {
    match value {
        None => 7,
        Some(value) => value.len() as u64 + u64::from(value.first().copied().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use purepg_conn::Type;

    use crate::calls::{Call, Calls, Client, TOGETHER};
    use crate::copies::Copies;
    use crate::core::Core;
    use crate::driver::Driver;
    use crate::peer::{self, JsonText, Peer, ten_types};
    use crate::races::{self, own};
    use crate::raw::{RawWalk, bytes_of, formats_of};
    use crate::script::Answers;
    use crate::stream::{Replies, Stream, TEN_TYPES, ten_columns, ten_values, three_columns};
    use crate::values::{params, ten};

    #[test]
    fn all_see_the_same_fields() {
        for stream in [three_columns(5_000), ten_columns(5_000)] {
            let Stream { bytes, .. } = &stream;
            let expected = RawWalk::default().rows(bytes);
            assert_ne!(expected, 0);
            assert_eq!(Core::open().rows_lent(bytes), expected);
            assert_eq!(Core::open().rows_kept(bytes), expected);
            assert_eq!(Core::open().rows_collected(bytes), expected);
            assert_eq!(Peer::default().rows(bytes), expected);
            assert_eq!(Peer::default().rows_with_ranges(bytes), expected);
            assert_eq!(Peer::default().rows_collected(bytes), expected);
        }
    }

    #[test]
    fn all_see_the_same_replies() {
        let replies = Replies::default();
        let (mut core, mut peer, mut raw) = (Core::open(), Peer::default(), RawWalk::default());
        for _ in 0..3 {
            let expected = raw.simple_query(&replies.simple);
            assert_ne!(expected, 0);
            assert_eq!(core.simple_query(&replies.simple), expected);
            assert_eq!(peer.simple_query(&replies.simple), expected);
            let expected = raw.prepared(&replies.prepared);
            assert_eq!(core.prepared(&replies.prepared), expected);
            assert_eq!(peer.prepared(&replies.prepared), expected);
            let expected = raw.pipeline(&replies.pipeline);
            assert_eq!(core.pipeline(&replies.pipeline), expected);
            assert_eq!(peer.pipeline(&replies.pipeline), expected);
        }
    }

    #[test]
    fn all_decode_the_same_values() {
        let bytes = ten_values(2_000).bytes;
        let answers = Answers::from(bytes.clone());
        let shown = Driver::open().shown(&answers);
        assert_eq!(shown.len(), 2_000);
        assert_ne!(shown[0], shown[1]);
        assert_eq!(shown, Peer::default().shown(&bytes));
        let mut driver = Driver::open();
        let sum = driver.tuples(&answers);
        assert_eq!(driver.structs(&answers), sum);
        assert_eq!(driver.shuffled(&answers), sum);
        assert_eq!(driver.gets(&answers), sum);
        assert_eq!(
            driver.others_tuples(&answers),
            Peer::default().values(&bytes)
        );
    }

    #[test]
    fn every_call_returns_what_the_server_said() {
        let all: [(Call, u64); 6] = [
            (Client::fetch_prepared, 7),
            (Client::fetch_text, 7),
            (Client::execute, 1),
            (Client::transaction, 1),
            (Client::pipeline, (0..TOGETHER as u64).sum()),
            (Client::execute_many, TOGETHER as u64),
        ];
        for (call, expected) in all {
            let mut calls = Calls::of(call);
            for _ in 0..3 {
                assert_eq!(calls.once(), expected);
            }
        }
    }

    #[test]
    fn every_row_is_copied() {
        for rows in [1, 5_000] {
            let mut copies = Copies::of(rows);
            for _ in 0..3 {
                assert_eq!(copies.lines_in(), rows as u64);
                assert_eq!(copies.rows_in(), rows as u64);
                assert_eq!(copies.lines_out(), copies.lines_sum());
                assert_eq!(copies.rows_out(), copies.rows_sum());
            }
        }
    }

    #[test]
    fn all_encode_the_same_bytes() {
        let (values, types) = (ten(), TEN_TYPES.map(|oid| Type::from_oid(oid).unwrap()));
        let bound = Core::open().bound(&params(&values), &types);
        assert!(bound.len() > 250);
        let json = JsonText(values.8);
        let mut peer = Peer::default();
        peer.bind(&peer::params(&values, &json), &ten_types());
        assert_eq!(bound, peer.written());
        assert_eq!(bound, Core::open().bound(&params(&own()), &types));
        let mut raw = RawWalk::default();
        raw.bind(&bytes_of(&bound), &formats_of(&bound));
        assert_eq!(bound, raw.written());
    }

    #[test]
    fn every_contestant_of_every_race_can_be_run_again_and_again() {
        for race in races::ALL {
            for contestant in race.contestants {
                let mut turn = (contestant.prepare)(race.together.min(TOGETHER));
                let sum = turn();
                assert_eq!(turn(), sum, "{}: {contestant}", race.title);
            }
        }
    }

    #[test]
    fn the_streams_are_as_wide_as_they_say() {
        for (stream, width) in [(three_columns(100_000), 40), (ten_columns(100_000), 299)] {
            let found = stream.bytes.len() as f64 / stream.rows as f64;
            assert!((found - f64::from(width)).abs() < 0.5, "{found}");
        }
    }
}
