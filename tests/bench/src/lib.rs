//! The core beside its peers, in memory: no socket, no runtime, no server.
//!
//! Every contestant is given the same bytes in the same pieces and visits every field of every row; [`rounds`] runs them in turn, so that
//! what a busy machine does to one it does to all. What is measured, and what came out, stands in `docs/performance.md`.

pub mod core;
pub mod peer;
pub mod raw;
pub mod rounds;
pub mod scram;
pub mod stream;

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
    use crate::core::Core;
    use crate::peer::Peer;
    use crate::raw::RawWalk;
    use crate::stream::{Replies, Stream, ten_columns, three_columns};

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
    fn the_streams_are_as_wide_as_they_say() {
        for (stream, width) in [(three_columns(100_000), 40), (ten_columns(100_000), 299)] {
            let found = stream.bytes.len() as f64 / stream.rows as f64;
            assert!((found - f64::from(width)).abs() < 0.5, "{found}");
        }
    }
}
