//! The version of the protocol, and what depends on it.

use purepg_proto::{Event, NegotiationError, ProtocolErrorKind, ProtocolVersion, Startup};
use purepg_testkit::backend::{
    authentication_md5, authentication_ok, authentication_sasl, backend_key_data, declared,
    message, negotiate_protocol_version, ready,
};
use purepg_tests_protocol::driver::{Driver, startup};

use crate::{UNEXPECTED, assert_ends, begun};

const V3_0: i32 = 3 << 16;
const V3_2: i32 = (3 << 16) + 2;

fn newest(version: ProtocolVersion) -> Startup {
    startup().max_protocol_version(version).password("secret")
}

/// What a client makes of this that asked for 3.2 (and puts up with 3.0), or for 3.0.
fn error_of(startup: Startup, answer: &[u8]) -> NegotiationError {
    let mut driver = begun(startup);
    driver.core.recv_bytes(answer).unwrap();
    let closed = driver.core.next_event().unwrap();
    assert!(matches!(closed, Some(Event::Closed(_))), "{closed:?}");
    let error = driver.core.next_event().unwrap_err();
    assert!(!driver.core.wants_write() && !driver.core.wants_read());
    match error.kind() {
        ProtocolErrorKind::Negotiation(error) => *error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn security_21_every_lie_about_the_version_has_its_error() {
    use NegotiationError::{
        BeforeThree, BelowMinimum, NegativeCount, NoChange, NoOption, OptionNotSent, Reserved,
        Upgrade,
    };
    let at_most = |version| move || newest(version);
    let at_most_3_2 = at_most(ProtocolVersion::V3_2);
    let at_most_3_0 = at_most(ProtocolVersion::V3_0);
    let negotiate = negotiate_protocol_version;
    let counts = |count: i32| {
        let body = [V3_0.to_be_bytes(), count.to_be_bytes()].concat();
        message(b'v', &body)
    };
    for (answer, error) in [
        (negotiate(V3_2 + 1, &[]), Upgrade { version: 196_611 }),
        (negotiate(4 << 16, &[]), Upgrade { version: 4 << 16 }),
        (negotiate(-1, &[]), Upgrade { version: u32::MAX }),
        (negotiate(V3_2, &[]), NoChange),
        (negotiate(V3_0 + 1, &[]), Reserved),
        (negotiate(V3_0 - 1, &[]), BeforeThree { version: 196_607 }),
        (negotiate(2 << 16, &[]), BeforeThree { version: 2 << 16 }),
        (negotiate(2, &[]), BeforeThree { version: 2 }),
        (negotiate(0, &[]), BeforeThree { version: 0 }),
        (counts(-1), NegativeCount { count: -1 }),
        (counts(i32::MIN), NegativeCount { count: i32::MIN }),
        (negotiate(V3_0, &["_pq_.x"]), OptionNotSent),
        (negotiate(V3_2, &["_pq_.x"]), OptionNotSent),
        (negotiate(V3_0, &["user"]), NoOption),
        (negotiate(V3_0, &[""]), NoOption),
    ] {
        assert_eq!(error_of(at_most_3_2(), &answer), error, "{answer:?}");
    }
    for (answer, error) in [
        (negotiate(V3_0, &[]), NoChange),
        (negotiate(V3_2, &[]), Upgrade { version: 196_610 }),
        (negotiate(V3_0, &["_pq_.x"]), OptionNotSent),
    ] {
        assert_eq!(error_of(at_most_3_0(), &answer), error, "{answer:?}");
    }
    let exactly = at_most_3_2().min_protocol_version(ProtocolVersion::V3_2);
    let below = BelowMinimum {
        offered: ProtocolVersion::V3_0,
        minimum: ProtocolVersion::V3_2,
    };
    assert_eq!(error_of(exactly, &negotiate(V3_0, &[])), below);
}

/// As PgBouncer up to 1.25.2 does to a client that has to wait for a server. libpq refuses it too.
#[test]
fn security_21_nothing_is_negotiated_twice() {
    let twice = negotiate_protocol_version(V3_0, &[]).repeat(2);
    let error = error_of(newest(ProtocolVersion::V3_2), &twice);
    assert_eq!(error, NegotiationError::Repeated);
    // And asked for 3.0 that one has nothing to say.
    let mut driver = begun(newest(ProtocolVersion::V3_0));
    assert_eq!(driver.feed(&purepg_testkit::backend::let_in()), ["Ready"]);
}

#[test]
fn security_21_a_version_is_negotiated_before_anything_else() {
    let negotiation = negotiate_protocol_version(V3_0, &[]);
    for first in [
        authentication_md5([0; 4]),
        authentication_sasl(&["SCRAM-SHA-256"]),
        authentication_ok(),
        [authentication_ok(), ready(b'I')].concat(),
    ] {
        let mut driver = begun(newest(ProtocolVersion::V3_2));
        driver.feed(&first);
        assert_ends(&mut driver, &negotiation, UNEXPECTED);
    }
    assert_ends(&mut Driver::open(), &negotiation, UNEXPECTED);
    // From who has not let us in, by its header, before any of it is stored.
    let mut driver = begun(newest(ProtocolVersion::V3_2));
    driver.feed(&authentication_md5([0; 4]));
    assert_ends(&mut driver, &negotiation[..5], UNEXPECTED);
}

#[test]
fn security_21_a_negotiation_of_any_length() {
    let asking = || begun(newest(ProtocolVersion::V3_2));
    // By its header.
    let limit = "2002, more than the limit `max_startup_message` of 2001";
    assert_ends(&mut asking(), &declared(b'v', 2_001, b"")[..5], limit);
    let longest = "x".repeat(2_001 - 5 - 8 - 1);
    let longest = negotiate_protocol_version(V3_0, &[&longest]);
    assert_eq!(longest.len(), 2_001);
    let no_option = "negotiation of the protocol version: the server does not know an option";
    assert_ends(&mut asking(), &longest, no_option);
    for (body, expected) in [
        (&b""[..], "a version of the protocol"),
        (b"\0\x03\0", "a version of the protocol"),
        (b"\0\x03\0\0", "a number of options"),
        (b"\0\x03\0\0\0\0\0", "a number of options"),
        (b"\0\x03\0\0\0\0\0\x01", "the name of an option"),
        (b"\0\x03\0\0\0\0\0\x01_pq_.x", "the name of an option"),
        (b"\0\x03\0\0\0\0\0\x02_pq_.x\0", "the name of an option"),
        (b"\0\x03\0\0\x7f\xff\xff\xff", "the name of an option"),
        (b"\0\x03\0\0\0\0\0\0x", "the end of the message"),
        (b"\0\x03\0\0\0\0\0\x01a\0b\0", "the end of the message"),
    ] {
        let expected = format!("a malformed message: expected {expected}");
        assert_ends(&mut asking(), &message(b'v', body), &expected);
    }
    for word in [-1, 0, 3] {
        let expected = format!("a message that declares a length of {word}");
        assert_ends(&mut asking(), &declared(b'v', word, b""), &expected);
    }
}

#[test]
fn acceptance_12_a_cancel_key_is_as_long_as_the_version_has_it() {
    let authenticated = |version| {
        let mut driver = begun(newest(version));
        driver.feed(&authentication_ok());
        driver
    };
    let key = |length: usize| backend_key_data(1, &vec![7; length]);
    let four = "a malformed message: expected a cancel key of four bytes";
    for length in [0, 3, 5, 32, 256, 257] {
        assert_ends(
            &mut authenticated(ProtocolVersion::V3_0),
            &key(length),
            four,
        );
    }
    let range = "a malformed message: expected a cancel key of 4 to 256 bytes";
    for length in [0, 3, 257, 1_000] {
        assert_ends(
            &mut authenticated(ProtocolVersion::V3_2),
            &key(length),
            range,
        );
    }
    for length in [4, 5, 32, 256] {
        let mut driver = authenticated(ProtocolVersion::V3_2);
        assert!(driver.feed(&key(length)).is_empty());
        let key = driver.core.cancel_key().unwrap();
        assert_eq!(key.secret().len(), length);
        assert_eq!(key.to_request().len(), 12 + length);
    }
    // Negotiated down, it is that of the older version.
    let mut driver = begun(newest(ProtocolVersion::V3_2));
    driver.feed(&[negotiate_protocol_version(V3_0, &[]), authentication_ok()].concat());
    assert_ends(&mut driver, &key(32), four);
}
