//! Rows whose values are visited, not decoded.

use crate::core::Core;
use crate::peer::Peer;
use crate::races::{Contestant, Race};
use crate::raw::{Memcpy, RawWalk};
use crate::stream::{ten_columns, three_columns};

/// All who read such a stream, each of whom keeps it and its own state.
macro_rules! contestants {
    ($stream:ident) => {
        [
            contestants!($stream, "raw walk", RawWalk::default(), rows),
            contestants!($stream, "memcpy", Memcpy::default(), rows),
            contestants!($stream, "purepg-proto, lent", Core::open(), rows_lent),
            contestants!($stream, "purepg-proto, kept", Core::open(), rows_kept),
            contestants!(
                $stream,
                "purepg-proto, collected",
                Core::open(),
                rows_collected
            ),
            contestants!($stream, "postgres-protocol", Peer::default(), rows),
            contestants!(
                $stream,
                "postgres-protocol, a vector of ranges",
                Peer::default(),
                rows_with_ranges
            ),
            contestants!(
                $stream,
                "postgres-protocol, collected",
                Peer::default(),
                rows_collected
            ),
        ]
    };
    ($stream:ident, $name:literal, $state:expr, $read:ident) => {
        Contestant::new($name, |rows| {
            let (stream, mut state) = ($stream(rows).bytes, $state);
            Box::new(move || state.$read(&stream))
        })
    };
}

/// Narrow ones.
pub const THREE_COLUMNS: Race = Race {
    title: "rows of three columns",
    unit: "row",
    together: 100_000,
    units: 100_000,
    contestants: &contestants!(three_columns),
};

/// Wide ones.
pub const TEN_COLUMNS: Race = Race {
    title: "rows of ten columns",
    contestants: &contestants!(ten_columns),
    ..THREE_COLUMNS
};
