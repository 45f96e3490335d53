//! Small queries and authentication, by the core.

use crate::core::Core;
use crate::peer::Peer;
use crate::races::{Contestant, Race, repeat};
use crate::raw::RawWalk;
use crate::scram;
use crate::stream::Replies;

/// A contestant with a state of its own, who does this with that reply.
macro_rules! contestant {
    ($name:literal, $state:expr, $call:ident, $reply:ident, $together:expr) => {
        Contestant::new($name, |queries| {
            let (reply, mut state) = (Replies::default().$reply, $state);
            repeat(queries / $together, move || state.$call(&reply))
        })
    };
    ($call:ident, $reply:ident, $together:expr) => {
        &[
            contestant!("raw walk", RawWalk::default(), $call, $reply, $together),
            contestant!("purepg-proto", Core::open(), $call, $reply, $together),
            contestant!(
                "postgres-protocol",
                Peer::default(),
                $call,
                $reply,
                $together
            ),
        ]
    };
}

/// `select 1` as text.
pub const SIMPLE: Race = Race {
    title: "`select 1`, simple",
    unit: "query",
    together: 1,
    units: 20_000,
    contestants: contestant!(simple_query, simple, 1),
};

/// The same, prepared and with a parameter.
pub const PREPARED: Race = Race {
    title: "`select 1`, prepared",
    contestants: contestant!(prepared, prepared, 1),
    ..SIMPLE
};

/// The same, a hundred at a time.
pub const PIPELINED: Race = Race {
    title: "`select 1`, pipelined",
    together: Replies::PIPELINE,
    contestants: contestant!(pipeline, pipeline, Replies::PIPELINE),
    ..SIMPLE
};

/// SCRAM-SHA-256 up to the client's proof, with as many iterations as PostgreSQL asks for unless told otherwise.
pub const SCRAM: Race = Race {
    title: "SCRAM-SHA-256",
    unit: "exchange",
    together: 1,
    units: 5,
    contestants: &[
        Contestant::new("purepg-proto", |times| {
            repeat(times, || u64::from(scram::core(None).is_some()))
        }),
        Contestant::new("purepg-proto, keys known", |times| {
            let keys = scram::core(None);
            repeat(times, move || {
                u64::from(scram::core(keys.as_ref()).is_some())
            })
        }),
        Contestant::new("postgres-protocol", |times| {
            repeat(times, || {
                scram::peer();
                0
            })
        }),
        #[cfg(feature = "openssl")]
        Contestant::new("OpenSSL, the iterations alone", |times| {
            repeat(times, || u64::from(scram::openssl()[0]))
        }),
    ],
};
