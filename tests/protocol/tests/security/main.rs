//! What a hostile server can try, by the numbers of the table in `docs/security.md`.

mod binding;
mod bodies;
mod limits;
mod methods;
mod rows;
mod scram;
mod transport;
mod versions;

use std::fmt::Debug;

use purepg_proto::{AuthMethod, AuthMethods, Bind, Limits, Startup, Target, Transport};
use purepg_testkit::backend::{
    authentication, authentication_cleartext, authentication_md5, authentication_ok,
    authentication_sasl, authentication_sasl_continue, authentication_sasl_final, backend_key_data,
    command_complete, copy_data, data_row, declared, error_response, let_in, message, notice,
    notice_response, notification, parameter_status, parse_complete, ready, row_description,
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
