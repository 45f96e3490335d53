//! The version of the protocol.

use purepg_proto::{ProtocolVersion, Startup};
use purepg_testkit::backend;
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::startup;

use crate::{asked, begin, scram};

use ProtocolVersion::{V3_0, V3_2};

const NEWER: i32 = (3 << 16) + 2;

#[test]
fn acceptance_10_the_greatest_version_that_both_know_is_spoken() {
    let password = || "secret".to_owned();
    for auth in [Auth::Trust, Auth::Md5(password()), scram(&password())] {
        for (newest, asked_for, spoken, key) in [
            (3 << 16, V3_0, V3_0, 4),
            (3 << 16, V3_2, V3_0, 4),
            (NEWER, V3_0, V3_0, 4),
            (NEWER, V3_2, V3_2, 32),
            (NEWER + 1, V3_2, V3_2, 32),
        ] {
            let mut server = ModelServer::new(auth.clone()).speaks(newest);
            let mut driver = begin(startup().password("secret").max_protocol_version(asked_for));
            assert_eq!(driver.core.protocol_version(), asked_for);
            assert_eq!(driver.converse(&mut server), ["Ready"]);
            assert_eq!(driver.core.protocol_version(), spoken);
            assert_eq!(driver.core.cancel_key().unwrap().secret().len(), key);
        }
    }
}

#[test]
fn acceptance_10_an_older_version_than_the_least_is_refused() {
    let at_least = |version| {
        let startup = startup().max_protocol_version(V3_2);
        startup.min_protocol_version(version)
    };
    let mut server = ModelServer::new(Auth::Trust);
    let lines = begin(at_least(V3_2)).converse(&mut server);
    let expected = "Closed Protocol negotiation of the protocol version: \
        the server offers 3.0, and 3.2 is the least that is acceptable";
    assert!(lines[0].starts_with(expected), "{lines:?}");
    let mut server = ModelServer::new(Auth::Trust);
    assert_eq!(begin(at_least(V3_0)).converse(&mut server), ["Ready"]);
    let mut server = ModelServer::new(Auth::Trust).speaks(NEWER);
    assert_eq!(begin(at_least(V3_2)).converse(&mut server), ["Ready"]);
    // A contradiction is the caller's fault.
    let lines = begin(startup().min_protocol_version(V3_2)).take();
    let expected = "Closed Protocol misuse: the least protocol version, 3.2, is above";
    assert!(lines[0].starts_with(expected), "{lines:?}");
}

#[test]
fn the_version_stands_in_the_first_message() {
    let version = |startup: Startup| match begin(startup).send()[..] {
        [Frontend::Startup { version, .. }] => version,
        _ => panic!("one message"),
    };
    assert_eq!(version(startup()), 3 << 16, "3.0 unless told otherwise");
    assert_eq!(version(startup().max_protocol_version(V3_2)), NEWER);
}

/// As they may do before or behind a negotiation.
#[test]
fn a_server_that_refuses_may_negotiate_first() {
    let startup = startup().max_protocol_version(V3_2);
    let refusal = backend::error_response("FATAL", "3D000", "no such database");
    let negotiation = backend::negotiate_protocol_version(3 << 16, &[]);
    let (driver, lines) = asked(startup, &[negotiation, refusal].concat());
    assert_eq!(lines[0], "Closed Fatal 3D000 no such database");
    assert_eq!(driver.core.protocol_version(), V3_0);
}
