//! Messages whose bodies are not what their types promise.

use purepg_proto::ProtocolVersion;
use purepg_testkit::backend::{
    authentication_md5, authentication_ok, authentication_sasl, backend_key_data, command_complete,
    error, error_response, message, negotiate_protocol_version, notice_response, notification,
    parameter_status, parse_complete, ready, row_description,
};
use purepg_tests_protocol::driver::{Driver, startup};

use crate::{assert_ends, authenticated, begun, described, prepared, queried, with_password};

/// Messages that are legal at some moment: a name, how to get there, and the body.
type Moment = (&'static str, fn() -> Driver, u8, Vec<u8>);

fn moments() -> Vec<Moment> {
    type Whole = (&'static str, fn() -> Driver, Vec<u8>);
    let moments: Vec<Whole> = vec![
        ("AuthenticationOk", with_password, authentication_ok()),
        (
            "AuthenticationMD5Password",
            with_password,
            authentication_md5([1, 2, 3, 4]),
        ),
        (
            "AuthenticationSASL",
            with_password,
            authentication_sasl(&["SCRAM-SHA-256"]),
        ),
        (
            "NegotiateProtocolVersion",
            || begun(startup().max_protocol_version(ProtocolVersion::V3_2)),
            negotiate_protocol_version(3 << 16, &[]),
        ),
        (
            "ErrorResponse at start-up",
            with_password,
            error_response("FATAL", "28000", "no"),
        ),
        (
            "ParameterStatus at start-up",
            authenticated,
            parameter_status("a", "b"),
        ),
        (
            "BackendKeyData",
            authenticated,
            backend_key_data(1, b"abcd"),
        ),
        ("ReadyForQuery at start-up", authenticated, ready(b'I')),
        (
            "NoticeResponse at start-up",
            authenticated,
            notice_response("NOTICE", "00000", "x"),
        ),
        (
            "NoticeResponse",
            Driver::open,
            notice_response("NOTICE", "00000", "x"),
        ),
        (
            "NotificationResponse",
            Driver::open,
            notification(1, "channel", "payload"),
        ),
        ("ParameterStatus", Driver::open, parameter_status("a", "b")),
        (
            "FATAL",
            Driver::open,
            error_response("FATAL", "57P01", "bye"),
        ),
        (
            "RowDescription",
            queried,
            row_description(&[("a", 23, 0), ("b", 25, 1)]),
        ),
        ("CommandComplete", queried, command_complete("SELECT 1")),
        (
            "ErrorResponse",
            queried,
            error_response("ERROR", "42601", "no"),
        ),
        ("ReadyForQuery", queried, ready(b'T')),
        ("ParseComplete", prepared, parse_complete()),
        (
            "ParameterDescription",
            described,
            purepg_testkit::backend::parameter_description(&[23, 25]),
        ),
    ];
    let split = moments
        .into_iter()
        .map(|(name, driver, message)| (name, driver, message[0], message[5..].to_vec()));
    split.collect()
}

#[test]
fn security_39_45_bodies_that_end_early_or_late() {
    for (name, driver, tag, body) in moments() {
        let whole = driver().feed(&message(tag, &body));
        assert!(
            !whole.iter().any(|line| line.starts_with("Closed Protocol")),
            "{name}"
        );
        for length in 0..body.len() {
            // A shorter SASL list is one of fewer mechanisms only if it is ended.
            assert_ends(
                &mut driver(),
                &message(tag, &body[..length]),
                "a malformed message: expected",
            );
        }
        let longer = [&body[..], b"x"].concat();
        let mut driver = driver();
        assert_ends(
            &mut driver,
            &message(tag, &longer),
            "a malformed message: expected",
        );
    }
}

#[test]
fn security_45_strings_without_an_end() {
    for (name, driver, tag, body) in moments() {
        if let Some(nul) = body.iter().rposition(|&byte| byte == 0) {
            let mut unterminated = body.clone();
            unterminated.truncate(nul);
            unterminated.extend([b'x'; 20]);
            let lines = driver().feed(&message(tag, &unterminated));
            assert!(
                lines.iter().any(|line| line.starts_with("Closed Protocol")),
                "{name}: {lines:?}"
            );
        }
    }
}

#[test]
fn security_46_errors_of_any_shape() {
    // No field at all, only a message, twice the same, unknown ones, and bytes that are no text.
    for (fields, expected) in [
        (error(&[]), "op0 Finished Failed ----- "),
        (
            error(&[(b'M', "only a message")]),
            "op0 Finished Failed ----- only a message",
        ),
        (
            error(&[(b'C', "00001"), (b'C', "00002"), (b'M', "x")]),
            "op0 Finished Failed 00002 x",
        ),
        (
            error(&[(b'?', "y"), (b'\x80', "z"), (b'C', "42601")]),
            "op0 Finished Failed 42601 ",
        ),
        (
            message(b'E', b"C42\xff\xfe1\0M\xc3\0\0"),
            "op0 Finished Failed 42\u{fffd}\u{fffd}1 \u{fffd}",
        ),
        (
            error(&[(b'S', "FEHLER"), (b'C', "42601")]),
            "op0 Finished Failed 42601 ",
        ),
    ] {
        let mut driver = queried();
        let lines = driver.feed(&[fields, ready(b'I')].concat());
        assert_eq!(lines, [expected]);
        assert!(driver.core.is_idle());
    }
    assert_ends(&mut queried(), &message(b'E', b""), "a malformed message");
    assert_ends(&mut queried(), &message(b'E', b"C"), "a malformed message");
    assert_ends(
        &mut queried(),
        &message(b'E', b"\0\0"),
        "a malformed message",
    );
    // The severity that is not translated decides.
    let fields = |v| error(&[(b'S', "x"), (b'V', v), (b'M', "bye")]);
    for severity in ["FATAL", "PANIC"] {
        let lines = queried().feed(&fields(severity));
        assert_eq!(lines[..2], ["op0 Finished Lost", "Closed Fatal ----- bye"]);
    }
    // An error that answers nothing is the end, whatever it calls itself.
    for last in [fields("FATAL"), fields("ERROR"), fields("FEHLER")] {
        assert_eq!(Driver::open().feed(&last)[0], "Closed Fatal ----- bye");
    }
}
