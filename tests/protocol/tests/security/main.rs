//! What a hostile server can try, by the numbers of the table in `docs/security.md`.

mod binding;
mod methods;
mod scram;
mod transport;
mod versions;

use std::fmt::Debug;

use purepg_proto::{
    AuthMethod, AuthMethods, Bind, Event, Limits, ProtocolVersion, Reply, RowShape, Startup,
    Target, Transport,
};
use purepg_testkit::backend::{
    authentication, authentication_cleartext, authentication_md5, authentication_ok,
    authentication_sasl, authentication_sasl_continue, authentication_sasl_final, backend_key_data,
    command_complete, copy_data, data_row, declared, error, error_response, let_in, message,
    negotiate_protocol_version, notice, notice_response, notification, parameter_status,
    parse_complete, ready, row_description,
};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::ScramServer;
use purepg_tests_protocol::driver::{Driver, startup};

const SALT: &[u8] = b"salt";

/// A client that has sent its first message.
fn begun(startup: Startup) -> Driver {
    let mut driver = Driver::new(startup, Limits::default());
    driver.send();
    driver
}

/// One with a password.
fn with_password() -> Driver {
    begun(startup().password("secret"))
}

/// A client that has begun SCRAM, and a server that has heard it.
fn scram() -> (Driver, ScramServer, String) {
    let mut driver = with_password();
    driver.feed(&authentication_sasl(&["SCRAM-SHA-256"]));
    let [Frontend::Password(body)] = &driver.send()[..] else {
        panic!("one answer");
    };
    let (_, initial) = Frontend::sasl_initial(body).unwrap();
    let mut server = ScramServer::new("secret", SALT, 1, "of-the-server");
    let first = server.first("SCRAM-SHA-256", &initial.unwrap()).unwrap();
    (driver, server, first)
}

/// The same, up to the client's proof; gives the server's.
fn proved() -> (Driver, String) {
    let (mut driver, server, first) = scram();
    driver.feed(&authentication_sasl_continue(first));
    let [Frontend::Password(proof)] = &driver.send()[..] else {
        panic!("one answer");
    };
    (driver, server.last(proof).unwrap())
}

/// The connection ends with this error of the protocol, tells so once, and sends nothing more.
fn assert_ends(driver: &mut Driver, bytes: &[u8], expected: &str) {
    let lines = driver.feed(bytes);
    let closed: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("Closed"))
        .collect();
    assert_eq!(closed.len(), 1, "{lines:?}");
    assert!(
        closed[0].starts_with(&format!("Closed Protocol {expected}")),
        "{closed:?} instead of {expected:?}"
    );
    assert!(lines.last().unwrap().starts_with("Err "));
    assert!(driver.core.is_dead() && !driver.core.wants_write() && !driver.core.wants_read());
}

const UNEXPECTED: &str = "a message that must not come now";
const INCOMPLETE: &str = "the server let us in before it had proved that it knows the password";

#[test]
fn security_24_no_secret_in_any_text() {
    let any = || {
        AuthMethods::only([
            AuthMethod::Password,
            AuthMethod::Md5,
            AuthMethod::ScramSha256,
        ])
    };
    let secret = "hush-hush";
    let startup = Startup::new("me", Transport::Tcp)
        .password(secret)
        .parameter("application_name", secret);
    // Neither as text nor as the numbers of its bytes.
    let numbers = format!("{:?}", secret.as_bytes());
    let numbers = numbers.trim_matches(['[', ']']);
    let shows = |thing: &dyn Debug| {
        let shown = format!("{thing:?}");
        shown.contains(secret) || shown.contains(numbers)
    };
    assert!(!shows(&startup));
    for request in [
        authentication_cleartext(),
        authentication_md5([0; 4]),
        authentication_sasl(&["SCRAM-SHA-256"]),
        authentication(7, b""),
    ] {
        let mut driver = begun(startup.clone().require_auth(any()));
        let lines = driver.feed(&request);
        assert!(!shows(&driver.core) && !shows(&lines), "{request:?}");
        let end = driver.eof();
        assert!(!shows(&driver.core) && !shows(&end));
    }
    // Values in flight, either way.
    let mut driver = Driver::open();
    driver.query(secret);
    driver.send();
    driver
        .core
        .recv_bytes(&[row_description(&[("a", 25, 0)]), data_row(&[Some(secret)])].concat())
        .unwrap();
    assert!(!shows(&driver.core));
    driver.core.next_event().unwrap();
    let Some(event) = driver.core.next_event().unwrap() else {
        panic!("rows");
    };
    assert!(!shows(&event) && !shows(&driver.core));
    let mut driver = begun(startup);
    driver.feed(
        &[
            authentication_ok(),
            backend_key_data(1, b"hush"),
            ready(b'I'),
        ]
        .concat(),
    );
    assert!(!format!("{:?}", driver.core.cancel_key()).contains("hush"));
}

#[test]
fn security_38_field_lengths_that_lie() {
    for (length, what) in [
        (-2, "its length is negative"),
        (i32::MIN, "its length is negative"),
        (5, "it is longer than its row"),
        (i32::MAX, "it is longer than its row"),
    ] {
        let mut driver = Driver::open();
        driver.query("select 1");
        driver.send();
        let row = [&[0, 1][..], &length.to_be_bytes(), b"four"].concat();
        let answer = [
            row_description(&[("a", 25, 0)]),
            message(b'D', &row),
            command_complete("SELECT 1"),
            ready(b'I'),
        ];
        driver.core.recv_bytes(&answer.concat()).unwrap();
        driver.core.next_event().unwrap();
        let Some(Event::Reply(_, Reply::Rows(rows))) = driver.core.next_event().unwrap() else {
            panic!("rows");
        };
        let row = rows.iter().next().unwrap();
        let error = row.fields().next().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("field 0 of the row is malformed: {what}")
        );
        assert!(row.to_row().is_err());
        let owned: Vec<_> = rows.rows().collect();
        assert!(matches!(owned[..], [Err(_)]));
        // An error of this access alone.
        let rest = driver.take();
        assert_eq!(
            rest,
            ["op0 StatementComplete SELECT 1", "op0 Finished Complete"]
        );
        assert!(driver.core.is_idle());
    }
}

#[test]
fn security_40_rows_have_the_columns_that_were_described() {
    for values in [&[][..], &[Some("1")], &[Some("1"), None, None]] {
        let mut driver = Driver::open();
        driver.query("select 1, 2");
        driver.send();
        driver.feed(&row_description(&[("a", 23, 0), ("b", 23, 0)]));
        let found = format!("a row of {} columns where 2 were described", values.len());
        assert_ends(&mut driver, &data_row(values), &found);
    }
    // A row before any description.
    let row = || data_row(&[Some("1")]);
    assert_ends(&mut Driver::open(), &row(), UNEXPECTED);
    let mut driver = Driver::open();
    driver.query("select 1");
    assert_ends(&mut driver, &row(), UNEXPECTED);
    let mut driver = Driver::open();
    driver.begin(|batch| {
        batch
            .describe(Target::Portal(""))
            .execute("", None, RowShape::Described)
            .sync();
    });
    driver.feed(&message(b'n', b""));
    assert_ends(
        &mut driver,
        &row(),
        "a row before any description of its columns",
    );
    // One that is too short to say how many columns it has.
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.feed(&row_description(&[("a", 23, 0)]));
    assert_ends(
        &mut driver,
        &message(b'D', b"\0"),
        "a malformed message: expected a count of columns",
    );
}

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

fn authenticated() -> Driver {
    let mut driver = with_password();
    driver.feed(&authentication_ok());
    driver
}

fn queried() -> Driver {
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.send();
    driver
}

fn prepared() -> Driver {
    let mut driver = Driver::open();
    driver.begin(|batch| {
        batch
            .parse("", "select 1", &[])
            .describe(Target::Statement(""))
            .sync();
    });
    driver.send();
    driver
}

fn described() -> Driver {
    let mut driver = prepared();
    driver.feed(&parse_complete());
    driver
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

#[test]
fn security_49_a_length_is_refused_by_its_header() {
    let limits = Limits::default();
    let startup_limit = i32::try_from(limits.max_startup_message).unwrap();
    let exceeded = |found: i32, limit: &str, allowed: usize| {
        format!(
            "{}, more than the limit `{limit}` of {allowed}",
            i64::from(found) + 1
        )
    };
    // Before it has let us in.
    for (tag, length, limit, allowed) in [
        (
            b'R',
            startup_limit,
            "max_startup_message",
            limits.max_startup_message,
        ),
        (
            b'R',
            i32::MAX,
            "max_startup_message",
            limits.max_startup_message,
        ),
        (b'E', 30_001, "max_startup_error", limits.max_startup_error),
        (
            b'E',
            i32::MAX,
            "max_startup_error",
            limits.max_startup_error,
        ),
    ] {
        let header = &declared(tag, length, b"")[..5];
        assert_ends(
            &mut with_password(),
            header,
            &exceeded(length, limit, allowed),
        );
    }
    // Behind AuthenticationOk, and when it is open, for messages that carry neither data nor text.
    let short = limits.max_short_message;
    for tag in [b'S', b'K', b'Z'] {
        let header = &declared(tag, 30_000, b"")[..5];
        assert_ends(
            &mut authenticated(),
            header,
            &exceeded(30_000, "max_short_message", short),
        );
    }
    for tag in [b'Z', b'C', b'I', b'S'] {
        let header = &declared(tag, 30_000, b"")[..5];
        assert_ends(
            &mut queried(),
            header,
            &exceeded(30_000, "max_short_message", short),
        );
    }
    // Data.
    for (tag, length) in [(b'T', i32::MAX), (b'N', i32::MAX), (b'E', (1 << 30) + 4)] {
        let header = &declared(tag, length, b"")[..5];
        assert_ends(
            &mut queried(),
            header,
            &exceeded(length, "max_message", limits.max_message),
        );
    }
    // A length that counts itself is 4 at least.
    for length in [3, 0, -1, i32::MIN] {
        for driver in [with_password(), authenticated(), queried()].as_mut_slice() {
            let header = &declared(b'E', length, b"")[..5];
            let expected = format!("a message that declares a length of {length}");
            assert_ends(driver, header, &expected);
        }
    }
}

#[test]
fn security_49_a_declared_length_reserves_nothing() {
    let mut driver = queried();
    driver.feed(&row_description(&[("a", 25, 0)]));
    driver.feed(&declared(b'D', (1 << 30) - 3, b"\0\x01"));
    for _ in 0..10 {
        let space = driver.core.recv_space().len();
        assert!(space <= 64 * 1024, "{space}");
        driver.core.recv_filled(1);
        assert!(driver.take().is_empty());
    }
    let mut limits = Limits::default();
    limits.max_message = 100;
    let mut driver = Driver::open_with(limits);
    driver.query("select 1");
    driver.feed(&row_description(&[("a", 25, 0)]));
    let fits = data_row(&[Some("x".repeat(100 - 11))]);
    assert_eq!(fits.len(), 100);
    assert_eq!(driver.feed(&fits).len(), 1);
    let header = &data_row(&[Some("x".repeat(100 - 10))])[..5];
    assert_ends(
        &mut driver,
        header,
        "101, more than the limit `max_message` of 100",
    );
}

#[test]
fn security_49_a_flood_of_parameters() {
    let limits = Limits::default();
    for mut driver in [authenticated(), Driver::open()] {
        let known = driver.core.parameters().len();
        let names = (known..limits.max_server_parameters).map(|i| format!("p{i}"));
        let allowed: Vec<u8> = names
            .flat_map(|name| parameter_status(&name, "x"))
            .collect();
        driver.feed(&allowed);
        assert_eq!(driver.core.parameters().len(), limits.max_server_parameters);
        // Those that are known may change as often as they like.
        driver.feed(&parameter_status("p100", "y"));
        assert_eq!(driver.core.parameter("p100"), Some("y"));
        let one_more = parameter_status("one more", "x");
        let expected = "257, more than the limit `max_server_parameters` of 256";
        assert_ends(&mut driver, &one_more, expected);
    }
    for mut driver in [authenticated(), Driver::open()] {
        let value = "x".repeat(limits.max_server_parameter - 1);
        driver.feed(&parameter_status("a", &value));
        assert_eq!(driver.core.parameter("a"), Some(&*value));
        let expected = "8193, more than the limit `max_server_parameter` of 8192";
        assert_ends(&mut driver, &parameter_status("aa", &value), expected);
    }
}

#[test]
fn security_49_more_columns_than_a_server_can_make() {
    let columns = |count: usize| row_description(&vec![("c", 23, 0); count]);
    let limit = Limits::default().max_columns;
    assert_eq!(queried().feed(&columns(limit)).len(), 1);
    assert_ends(
        &mut queried(),
        &columns(limit + 1),
        "1665, more than the limit `max_columns` of 1664",
    );
}

#[test]
fn security_50_text_of_the_server_is_text() {
    let hostile = "%n%s{}\\{0}\u{1b}[2J\r\n";
    let mut driver = queried();
    let lines = driver.feed(&notice_response("NOTICE", "00000", hostile));
    assert_eq!(lines, [format!("Notice 00000 {hostile}")]);
    let lines = driver.feed(&notice(&[]));
    assert_eq!(lines, ["Notice ----- "]);
    let columns = row_description(&[("\"; drop table t; --", 23, 0), ("%n", 23, 0), ("", 23, 0)]);
    assert_eq!(
        driver.feed(&columns),
        ["op0 Columns \"; drop table t; --:23:Text %n:23:Text :23:Text"]
    );
}

#[test]
fn nothing_but_authentication_comes_first() {
    for early in [
        ready(b'I'),
        parameter_status("a", "b"),
        backend_key_data(1, b"abcd"),
        notice_response("NOTICE", "00000", "x"),
        notification(1, "c", "p"),
        row_description(&[]),
        data_row(&[Some("1")]),
        command_complete("SELECT 1"),
        copy_data(b"x"),
        parse_complete(),
    ] {
        assert_ends(&mut with_password(), &early, UNEXPECTED);
        let (mut driver, _, _) = scram();
        assert_ends(&mut driver, &early, UNEXPECTED);
        let (mut driver, _) = proved();
        assert_ends(&mut driver, &early, UNEXPECTED);
        let mut driver = with_password();
        driver.feed(&authentication_md5([0; 4]));
        assert_ends(&mut driver, &early, UNEXPECTED);
    }
}

#[test]
fn nothing_but_the_session_comes_second() {
    for wrong in [
        authentication_ok(),
        authentication_cleartext(),
        authentication_sasl(&["SCRAM-SHA-256"]),
        authentication_sasl_final("v=x"),
        row_description(&[]),
        command_complete("SELECT 1"),
        copy_data(b"x"),
    ] {
        assert_ends(&mut authenticated(), &wrong, UNEXPECTED);
        assert_ends(&mut Driver::open(), &wrong, UNEXPECTED);
        // Whatever else has been asked for.
        let mut driver = Driver::open();
        driver.begin(|batch| {
            batch.parse("", "select 1", &[]);
            let bound: Result<_, purepg_proto::UsageError> =
                batch.bind(Bind::default(), |_| Ok(()));
            bound.unwrap().sync();
        });
        driver.send();
        assert_ends(&mut driver, &wrong, UNEXPECTED);
    }
    // Kinds of authentication that nobody knows.
    for code in [1, 4, 13, 99, -1] {
        assert_ends(
            &mut with_password(),
            &authentication(code, b""),
            "a malformed message: expected a known kind of authentication",
        );
    }
}

#[test]
fn unknown_messages_are_refused_by_their_type_byte() {
    for tag in 0..=u8::MAX {
        if b"123ACDEGHIKNRSTVWZcdnstv".contains(&tag) {
            continue;
        }
        for driver in [with_password(), authenticated(), queried()].as_mut_slice() {
            let header = &declared(tag, 100, b"")[..5];
            assert_ends(driver, header, "a message of an unknown type");
        }
    }
}

#[test]
fn a_status_that_nobody_knows() {
    for status in [b'i', b'X', 0] {
        let expected = "a malformed message: expected the transaction status I, T or E";
        assert_ends(&mut authenticated(), &ready(status), expected);
        assert_ends(&mut queried(), &ready(status), expected);
    }
}

#[test]
fn what_a_server_says_behind_its_last_words_is_not_heard() {
    let mut driver = queried();
    let words = [
        error_response("FATAL", "57P01", "bye"),
        let_in(),
        message(b'?', b""),
        ready(b'I'),
    ];
    assert_eq!(
        driver.feed(&words.concat()),
        [
            "op0 Finished Lost",
            "Closed Fatal 57P01 bye",
            "Err the connection has ended (state Query)",
        ]
    );
}
