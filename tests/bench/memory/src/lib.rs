//! The core beside its peers, in memory: no socket, no runtime, no server.
//!
//! Every contestant is given the same bytes in the same pieces and visits every field of every row; [`rounds`] runs them in turn, so that
//! what a busy machine does to one it does to all. What is measured, and what came out, stands in `docs/performance.md`.

pub mod core;
pub mod driver;
pub mod peer;
pub mod raw;
pub mod rounds;
pub mod scram;
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
    use std::sync::Arc;

    use purepg_conn::{TimestampTz, Type};

    use crate::core::Core;
    use crate::driver::Driver;
    use crate::peer::{self, JsonText, Peer, ten_types};
    use crate::raw::{RawWalk, bytes_of, formats_of};
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
        let bytes: Arc<[u8]> = ten_values(2_000).bytes.into();
        let shown = Driver::open().shown(&bytes);
        assert_eq!(shown.len(), 2_000);
        assert_ne!(shown[0], shown[1]);
        assert_eq!(shown, Peer::default().shown(&bytes));
        let mut driver = Driver::open();
        let sum = driver.tuples(&bytes);
        assert_eq!(driver.structs(&bytes), sum);
        assert_eq!(driver.shuffled(&bytes), sum);
        assert_eq!(driver.gets(&bytes), sum);
        assert_eq!(driver.others_tuples(&bytes), Peer::default().values(&bytes));
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
        let created = TimestampTz::from_unix_micros(values.6.timestamp_micros().into());
        let (id, visits, name, remark, active, score, _, token, data, picture) = values;
        let own = (
            id,
            visits,
            name,
            remark,
            active,
            score,
            created.unwrap(),
            *token.as_bytes(),
            data,
            picture,
        );
        assert_eq!(bound, Core::open().bound(&params(&own), &types));
        let mut raw = RawWalk::default();
        raw.bind(&bytes_of(&bound), &formats_of(&bound));
        assert_eq!(bound, raw.written());
    }

    #[test]
    fn the_streams_are_as_wide_as_they_say() {
        for (stream, width) in [(three_columns(100_000), 40), (ten_columns(100_000), 299)] {
            let found = stream.bytes.len() as f64 / stream.rows as f64;
            assert!((found - f64::from(width)).abs() < 0.5, "{found}");
        }
    }
}
