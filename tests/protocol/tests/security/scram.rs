//! SCRAM, and servers that get it wrong.

use purepg_proto::{Event, StartupEvent};
use purepg_testkit::backend::{
    authentication_cleartext, authentication_md5, authentication_ok, authentication_sasl,
    authentication_sasl_continue, authentication_sasl_final, ready,
};

use crate::{INCOMPLETE, UNEXPECTED, assert_ends, proved, scram, with_password};

#[test]
fn security_12_iterations_are_refused_before_they_are_computed() {
    for (iterations, expected) in [
        (
            "1000001",
            "SCRAM: the server asks for 1000001 SCRAM iterations, the limit is 1000000",
        ),
        ("2147483647", "SCRAM: the server asks for 2147483647"),
        (
            "9223372036854775808",
            "SCRAM: the server asks for 9223372036854775808",
        ),
        (
            "99999999999999999999999",
            "SCRAM: the server asks for 18446744073709551615",
        ),
        ("0", "SCRAM: SCRAM iteration count is 0"),
        (
            "-1",
            "SCRAM: SCRAM iteration count is not a positive number",
        ),
        (
            "4096x",
            "SCRAM: SCRAM iteration count is not a positive number",
        ),
        ("", "SCRAM: SCRAM iteration count is not a positive number"),
    ] {
        let (mut driver, _, first) = scram();
        let first = first.replace("i=1", &format!("i={iterations}"));
        assert_ends(&mut driver, &authentication_sasl_continue(first), expected);
    }
    // There is no minimum above one.
    proved();
}

#[test]
fn security_13_messages_of_scram_of_any_size_and_shape() {
    let many = [b'r'; 1_900];
    for data in [
        &b""[..],
        b"r",
        b"r=",
        b"=",
        b",",
        b"m=x,r=y",
        b"\xff\xfe",
        b"\0",
        &many,
    ] {
        let (mut driver, _, _) = scram();
        assert_ends(&mut driver, &authentication_sasl_continue(data), "");
        let (mut driver, _) = proved();
        assert_ends(&mut driver, &authentication_sasl_final(data), "");
    }
    let (mut driver, _, first) = scram();
    let extended = first + ",m=must";
    assert_ends(
        &mut driver,
        &authentication_sasl_continue(extended),
        "SCRAM: the server demands a mandatory SCRAM extension",
    );
}

#[test]
fn security_14_a_long_nonce_is_refused() {
    for length in [1_020, 1_900] {
        let (mut driver, _, first) = scram();
        let long = first.replace("of-the-server", &"x".repeat(length));
        assert_ends(
            &mut driver,
            &authentication_sasl_continue(long),
            "SCRAM: SCRAM nonce of",
        );
    }
    // Beyond any message that a server may send before it has let us in: its header is enough.
    let (mut driver, _, first) = scram();
    let long = first.replace("of-the-server", &"x".repeat(64 * 1024));
    let long = authentication_sasl_continue(long);
    assert_ends(
        &mut driver,
        &long[..5],
        "65586, more than the limit `max_startup_message` of 2001",
    );
}

#[test]
fn security_15_the_server_has_to_prove_itself() {
    // At every step of the exchange.
    let mut driver = with_password();
    driver.feed(&authentication_sasl(&["SCRAM-SHA-256"]));
    assert_ends(&mut driver, &authentication_ok(), INCOMPLETE);
    let (mut driver, _, first) = scram();
    let both = [authentication_sasl_continue(first), authentication_ok()].concat();
    assert_ends(&mut driver, &both, INCOMPLETE);
    let (mut driver, _) = proved();
    assert_ends(&mut driver, &authentication_ok(), INCOMPLETE);
    // While the key is derived.
    let (mut driver, _, first) = scram();
    driver
        .core
        .recv_bytes(&authentication_sasl_continue(first))
        .unwrap();
    let event = driver.core.next_event().unwrap();
    assert!(matches!(
        event,
        Some(Event::Startup(StartupEvent::DeriveKey(_)))
    ));
    assert_ends(&mut driver, &authentication_ok(), INCOMPLETE);
    // With a wrong proof, with none, and with an error in its place.
    let other = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (last, expected) in [
        (other, "SCRAM: wrong SCRAM server signature"),
        ("v=", "SCRAM: malformed SCRAM server signature"),
        ("v=AAAA", "SCRAM: malformed SCRAM server signature"),
        ("x=y", "SCRAM: malformed SCRAM message"),
        (
            "e=other-error",
            "SCRAM: the server reports a SCRAM error: other-error",
        ),
    ] {
        let (mut driver, _) = proved();
        assert_ends(&mut driver, &authentication_sasl_final(last), expected);
    }
    // And so it goes when it does.
    let (mut driver, last) = proved();
    let end = [
        authentication_sasl_final(last),
        authentication_ok(),
        ready(b'I'),
    ]
    .concat();
    assert_eq!(driver.feed(&end), ["Ready"]);
}

#[test]
fn security_15_every_message_of_the_exchange_has_its_place() {
    let last = authentication_sasl_final("v=AAAA");
    let next = || authentication_sasl_continue("r=x");
    let sasl = || authentication_sasl(&["SCRAM-SHA-256"]);
    let others = || {
        [
            sasl(),
            authentication_cleartext(),
            authentication_md5([0; 4]),
        ]
    };
    // Before anything was asked for.
    for early in [next(), last.clone()] {
        assert_ends(&mut with_password(), &early, UNEXPECTED);
    }
    for early in [&[last.clone()][..], &others()].concat() {
        let (mut driver, _, _) = scram();
        assert_ends(&mut driver, &early, UNEXPECTED);
    }
    for early in [&[next()][..], &others()].concat() {
        let (mut driver, _) = proved();
        assert_ends(&mut driver, &early, UNEXPECTED);
    }
    // Behind the proof, and behind a password: nothing but AuthenticationOk.
    for late in [&[next(), last.clone()][..], &others()].concat() {
        let (mut driver, last) = proved();
        driver.feed(&authentication_sasl_final(last));
        assert_ends(&mut driver, &late, UNEXPECTED);
        let mut driver = with_password();
        driver.feed(&authentication_md5([0; 4]));
        assert_ends(&mut driver, &late, UNEXPECTED);
    }
}

#[test]
fn security_16_the_servers_nonce_extends_ours() {
    for (from, to) in [
        ("of-the-server", ""),
        ("r=BwcH", "r=AwcH"),
        ("of-the-server", "of the server"),
        ("r=BwcHBwcHBwcHBwcHBwcHBwcHof-the-server", "r=of-the-server"),
    ] {
        let (mut driver, _, first) = scram();
        let other = first.replace(from, to);
        assert_ne!(other, first);
        assert_ends(&mut driver, &authentication_sasl_continue(other), "SCRAM: ");
        assert!(!driver.core.wants_write());
    }
}
