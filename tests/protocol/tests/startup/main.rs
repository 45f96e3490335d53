//! The way in.

mod asking;
mod cuts;
mod oauth;
mod tls;
mod versions;

use purepg_proto::{
    AuthMethod, AuthMethods, Event, Limits, ScramKeys, Startup, StartupEvent, Transport, UsageError,
};
use purepg_testkit::backend;
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer, PROCESS_ID};
use purepg_tests_protocol::driver::{Driver, startup};

fn scram(password: &str) -> Auth {
    Auth::Scram {
        password: password.to_owned(),
        iterations: 16,
    }
}

fn begin(startup: Startup) -> Driver {
    Driver::new(startup, Limits::default())
}

/// Begins, and lets the server answer the first message.
fn asked(startup: Startup, answer: &[u8]) -> (Driver, Vec<String>) {
    let mut driver = begin(startup);
    driver.send();
    let lines = driver.feed(answer);
    (driver, lines)
}

#[test]
fn every_method_lets_the_right_password_in() {
    let password = || "päss word".to_owned();
    for (auth, method) in [
        (Auth::Trust, AuthMethod::None),
        (Auth::Cleartext(password()), AuthMethod::Password),
        (Auth::Md5(password()), AuthMethod::Md5),
        (scram(&password()), AuthMethod::ScramSha256),
    ] {
        let mut server = ModelServer::new(auth.clone());
        let mut driver = begin(startup().password(password()));
        assert_eq!(driver.core.auth_method(), None);
        assert_eq!(driver.converse(&mut server), ["Ready"], "{auth:?}");
        assert_eq!(driver.core.auth_method(), Some(method));
        assert!(!driver.core.is_channel_bound() && driver.core.tls().is_none());
        assert!(driver.core.is_idle() && server.is_idle());
        assert_eq!(driver.core.parameter("server_version"), Some("15.0"));
        assert_eq!(driver.core.parameter("no such"), None);
        assert_eq!(driver.core.parameters().len(), 3);
        let key = driver.core.cancel_key().unwrap();
        assert_eq!(key.process_id(), PROCESS_ID);
        assert_eq!(key.secret(), [1, 2, 3, 4]);
    }
}

#[test]
fn a_wrong_password_is_told_by_the_server() {
    for auth in [
        Auth::Cleartext("right".into()),
        Auth::Md5("right".into()),
        scram("right"),
    ] {
        let mut server = ModelServer::new(auth.clone());
        let mut driver = begin(startup().password("wrong"));
        let lines = driver.converse(&mut server);
        assert_eq!(
            lines[0], "Closed Fatal 28P01 password authentication failed",
            "{auth:?}"
        );
        assert!(driver.core.is_dead() && !driver.core.wants_write());
    }
}

#[test]
fn a_missing_password_is_told_before_anything_is_sent() {
    for (auth, method) in [
        (Auth::Cleartext("x".into()), "password"),
        (Auth::Md5("x".into()), "md5"),
        (scram("x"), "scram-sha-256"),
    ] {
        for startup in [startup(), startup().password("")] {
            let mut server = ModelServer::new(auth.clone());
            let mut driver = begin(startup);
            let lines = driver.converse(&mut server);
            let expected = format!("the server asks for a password ({method}), and none was given");
            assert!(lines[0].contains(&expected), "{lines:?}");
            assert_eq!(server.received().len(), 1, "the first message, no other");
        }
    }
}

#[test]
fn the_first_message_says_who_and_where() {
    let startup = Startup::new("me", Transport::Tcp)
        .database("db")
        .parameter("DateStyle", "ISO");
    let mut server = ModelServer::new(Auth::Trust);
    begin(startup).converse(&mut server);
    let expected = [
        ("user", "me"),
        ("database", "db"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO"),
    ];
    assert_eq!(server.parameters(), expected.into_iter().collect());
}

#[test]
fn what_no_server_accepts_is_the_callers_fault() {
    for (startup, expected) in [
        (
            startup().database("a\0b"),
            "misuse: the start-up parameter holds a NUL byte",
        ),
        (
            startup().parameter("", "x"),
            "misuse: the name of a start-up parameter is empty",
        ),
        (
            startup().parameter("a", "x".repeat(10_000)),
            "misuse: the start-up parameters take 10037 bytes",
        ),
    ] {
        let mut driver = begin(startup);
        assert!(!driver.core.wants_write() && !driver.core.wants_read());
        let lines = driver.take();
        assert!(
            lines[0].starts_with(&format!("Closed Protocol {expected}")),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 2);
    }
}

#[test]
fn keys_that_fit_need_no_derivation_and_no_password() {
    let mut server = ModelServer::new(scram("secret"));
    let mut driver = begin(startup().password("secret"));
    server.receive(driver.core.output());
    driver.send();
    let keys = loop {
        driver.core.recv_bytes(&server.take_output()).unwrap();
        match driver.core.next_event().unwrap() {
            Some(Event::Startup(StartupEvent::DeriveKey(job))) => break job.run(),
            Some(event) => panic!("{event:?}"),
            None => server.receive(driver.core.output()),
        }
        driver.send();
    };
    assert_eq!(keys.iterations(), Some(16));

    let derives = |startup: Startup, auth: Auth| {
        let mut server = ModelServer::new(auth);
        let mut driver = begin(startup);
        let mut derived = false;
        while driver.core.wants_write() {
            server.receive(driver.core.output());
            driver.send();
            driver.core.recv_bytes(&server.take_output()).unwrap();
            while let Ok(Some(event)) = driver.core.next_event() {
                if let Event::Startup(StartupEvent::DeriveKey(job)) = event {
                    derived = true;
                    driver.core.key_derived(job.run()).unwrap();
                }
            }
        }
        (derived, driver.core.is_idle())
    };
    let with_keys = || startup().scram_keys(keys.clone());
    assert_eq!(derives(with_keys(), scram("secret")), (false, true));
    // Another count: the keys are for nothing, and there is no password to derive others from.
    let other = Auth::Scram {
        password: "secret".into(),
        iterations: 17,
    };
    assert_eq!(derives(with_keys(), other.clone()), (false, false));
    assert_eq!(derives(with_keys().password("secret"), other), (true, true));
    // Keys of unknown origin are used, whatever they are for.
    let unknown = startup().scram_keys(ScramKeys::new([1; 32], [2; 32]));
    assert_eq!(
        derives(unknown.password("secret"), scram("secret")),
        (false, false)
    );
}

/// Up to the job.
fn deriving() -> (Driver, ModelServer, Box<purepg_proto::DeriveKey>) {
    let mut server = ModelServer::new(scram("secret"));
    let mut driver = begin(startup().password("secret"));
    for _ in 0..2 {
        server.receive(driver.core.output());
        driver.send();
        driver.core.recv_bytes(&server.take_output()).unwrap();
        match driver.core.next_event().unwrap() {
            None => {}
            Some(Event::Startup(StartupEvent::DeriveKey(job))) => return (driver, server, job),
            Some(event) => panic!("{event:?}"),
        }
    }
    panic!("no job")
}

#[test]
fn nothing_goes_on_while_a_key_is_derived() {
    let (mut driver, mut server, mut job) = deriving();
    assert!(driver.core.next_event().unwrap().is_none());
    assert!(!driver.core.wants_write());
    assert_eq!((job.iterations(), job.remaining()), (16, 16));
    assert!(job.advance(15).is_none());
    let keys = job.advance(100).expect("sixteen are enough");
    driver.core.key_derived(keys.clone()).unwrap();
    assert_eq!(driver.core.key_derived(keys), Err(UsageError::NoDerivation));
    assert_eq!(driver.converse(&mut server), ["Ready"]);
}

#[test]
fn a_batch_that_is_forgotten_too_early_takes_no_proof_along() {
    let (mut driver, mut server, job) = deriving();
    std::mem::forget(driver.core.batch());
    driver.core.key_derived(job.run()).unwrap();
    assert_eq!(driver.converse(&mut server), ["Ready"]);
}

#[test]
fn keys_for_something_else_are_refused() {
    let (mut driver, mut server, job) = deriving();
    let other = Auth::Scram {
        password: "secret".into(),
        iterations: 15,
    };
    let mut another = ModelServer::new(other);
    let mut client = begin(startup().password("secret"));
    let other = loop {
        another.receive(client.core.output());
        client.send();
        client.core.recv_bytes(&another.take_output()).unwrap();
        if let Some(Event::Startup(StartupEvent::DeriveKey(job))) =
            client.core.next_event().unwrap()
        {
            break job.run();
        }
    };
    assert_eq!(driver.core.key_derived(other), Err(UsageError::WrongKeys));
    assert!(!driver.core.wants_write());
    driver.core.key_derived(job.run()).unwrap();
    assert_eq!(driver.converse(&mut server), ["Ready"]);
}

#[test]
fn a_server_that_speaks_while_a_key_is_derived_is_wrong() {
    for (message, expected) in [
        (
            backend::authentication_ok(),
            "the server let us in before it had proved",
        ),
        (
            backend::authentication_sasl_final("v=x"),
            "a message that must not come now",
        ),
        (backend::ready(b'I'), "a message that must not come now"),
    ] {
        let (mut driver, _, job) = deriving();
        let lines = driver.feed(&message);
        assert!(
            lines[0].starts_with(&format!("Closed Protocol {expected}")),
            "{lines:?}"
        );
        assert_eq!(
            driver.core.key_derived(job.run()),
            Err(UsageError::NoDerivation)
        );
    }
    let (mut driver, _, _) = deriving();
    assert_eq!(
        driver.feed(&backend::error_response("FATAL", "57P01", "bye"))[0],
        "Closed Fatal 57P01 bye"
    );
    let (mut driver, _, _) = deriving();
    let lines = driver.eof();
    assert!(
        lines[0].starts_with("Closed Protocol the server closed the connection"),
        "{lines:?}"
    );
}

#[test]
fn other_methods_are_named() {
    for (message, method) in [
        (backend::authentication(2, b""), "KerberosV5"),
        (backend::authentication(7, b""), "GSSAPI"),
        (backend::authentication(9, b""), "SSPI"),
        (backend::authentication_sasl(&["GS2-KRB5"]), "GS2-KRB5"),
        (
            backend::authentication_sasl(&["SCRAM-SHA-256-PLUS", "X"]),
            "SCRAM-SHA-256-PLUS, X",
        ),
    ] {
        let (driver, lines) = asked(startup().password("x"), &message);
        let expected = format!(
            "the server asks for an authentication method that is not supported: {method} "
        );
        assert!(lines[0].contains(&expected), "{lines:?}");
        assert!(!driver.core.wants_write());
    }
}

#[test]
fn a_refusal_is_data_whatever_its_severity() {
    for (severity, sqlstate) in [("FATAL", "53300"), ("ERROR", "3D000"), ("FEHLER", "28000")] {
        let refusal = backend::error_response(severity, sqlstate, "no");
        let behind_ok = [backend::authentication_ok(), refusal.clone()].concat();
        for answer in [refusal, behind_ok] {
            let (mut driver, lines) = asked(startup(), &answer);
            assert_eq!(lines[0], format!("Closed Fatal {sqlstate} no"));
            assert_eq!(lines.len(), 2);
            assert_eq!(driver.take(), lines[1..], "it is sticky");
        }
    }
}

#[test]
fn notices_on_the_way_are_delivered_and_what_is_missing_is_missing() {
    let answer = [
        backend::authentication_ok(),
        backend::notice_response("WARNING", "01000", "the password expires soon"),
        backend::parameter_status("a", "1"),
        backend::parameter_status("a", "2"),
        backend::ready(b'I'),
    ];
    let (driver, lines) = asked(startup(), &answer.concat());
    assert_eq!(lines, ["Notice 01000 the password expires soon", "Ready"]);
    assert_eq!(driver.core.parameter("a"), Some("2"));
    assert!(
        driver.core.cancel_key().is_none(),
        "third-party servers have none"
    );
}

#[test]
fn no_batch_before_it_is_open() {
    let mut driver = begin(startup());
    let mut batch = driver.core.batch();
    batch.query("select 1");
    assert_eq!(batch.commit(), Err(UsageError::NotOpen));
    assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
    assert!(!driver.core.is_open() && !driver.core.is_idle());
    assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
    assert!(driver.core.is_open());
}

#[test]
fn the_secret_is_forgotten_once_it_is_of_no_use() {
    let mut server = ModelServer::new(scram("the secret"));
    let mut driver = begin(startup().password("the secret"));
    driver.converse(&mut server);
    let shown = format!("{:?}", driver.core);
    assert!(
        shown.contains("Connection") && !shown.contains("the secret"),
        "{shown}"
    );
}

#[test]
fn to_terminate_on_the_way_in_is_in_order() {
    let mut driver = begin(startup());
    driver.send();
    driver.core.terminate();
    assert_eq!(driver.eof()[0], "Closed Terminated");
}

#[test]
fn a_method_that_is_not_required_is_refused() {
    let only_md5 = || {
        let methods = AuthMethods::only([AuthMethod::Md5]);
        startup().password("x").require_auth(methods)
    };
    for auth in [Auth::Trust, Auth::Cleartext("x".into()), scram("x")] {
        let mut server = ModelServer::new(auth.clone());
        let lines = begin(only_md5()).converse(&mut server);
        assert!(
            lines[0].contains("which is not allowed here"),
            "{auth:?}: {lines:?}"
        );
        assert_eq!(server.received().len(), 1, "no credential was sent");
    }
    let mut server = ModelServer::new(Auth::Md5("x".into()));
    assert_eq!(begin(only_md5()).converse(&mut server), ["Ready"]);
}
