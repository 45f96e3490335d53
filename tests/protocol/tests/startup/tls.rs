//! TLS, as far as the core is concerned, and cancel requests.

use purepg_proto::{
    AuthMethod, CancelKey, ChannelBinding, Connection, Event, Limits, Startup, StartupEvent,
    TlsFacts, TlsRequest, Transport, UsageError,
};
use purepg_testkit::backend;
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer, Tls};
use purepg_tests_protocol::driver::Driver;

use crate::begin;

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

fn facts() -> TlsFacts {
    TlsFacts::new().alpn(*TlsFacts::ALPN)
}

fn tcp(tls: TlsRequest) -> Startup {
    Startup::new("me", Transport::Tcp).tls(tls)
}

/// A client that leaves TLS to the test.
fn client(startup: Startup) -> Driver {
    let mut driver = begin(startup);
    driver.tls = None;
    driver
}

/// Nothing goes either way, and nothing is known, until TLS is there.
fn assert_stands_still(core: &mut Connection) {
    assert!(!core.wants_read() && core.recv_space().is_empty());
    assert!(!core.wants_write() && core.output().is_empty());
    assert!(core.next_event().unwrap().is_none());
    assert_eq!(core.recv_bytes(b"x"), Err(UsageError::InputNotWanted));
    assert!(core.tls().is_none() && !core.is_dead() && !core.is_open());
}

fn is_upgrade(event: Option<&Event>) -> bool {
    matches!(event, Some(Event::Startup(StartupEvent::UpgradeToTls)))
}

#[test]
fn negotiated_tls_is_asked_for_first() {
    for tls in [TlsRequest::Prefer, TlsRequest::Require] {
        let mut driver = client(tcp(tls));
        let core = &mut driver.core;
        assert_eq!(core.output(), SSL_REQUEST, "and nothing behind it");
        assert!(core.next_event().unwrap().is_none());
        core.output_sent(8);
        assert!(!core.wants_write() && core.wants_read());
        assert_eq!(core.recv_space().len(), 1);
        assert_eq!(core.recv_bytes(b""), Ok(()));
        core.recv_space()[0] = b'S';
        core.recv_filled(1);
        assert!(!core.wants_read(), "the answer waits to be taken");
        assert!(is_upgrade(core.next_event().unwrap().as_ref()));
        assert_stands_still(core);
        core.tls_established(facts()).unwrap();
        assert_eq!(core.tls(), Some(&facts()));
        assert!(core.wants_read() && core.recv_space().len() > 1);
        assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
        assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
        assert!(driver.core.is_idle() && driver.core.tls().is_some());
    }
}

#[test]
fn acceptance_21_a_server_without_tls_is_talked_to_in_the_clear_or_not_at_all() {
    let mut driver = client(tcp(TlsRequest::Prefer));
    driver.send();
    assert!(driver.feed(b"N").is_empty());
    assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
    assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
    assert!(driver.core.tls().is_none());

    let mut driver = client(tcp(TlsRequest::Require));
    driver.send();
    assert_eq!(
        driver.feed(b"N")[0],
        "Closed Protocol the server does not do TLS, which is required \
         (message type 'N', state SslRequested)"
    );
    assert!(!driver.core.wants_write());
}

#[test]
fn acceptance_23_direct_tls_comes_before_any_byte() {
    let mut driver = client(tcp(TlsRequest::Direct));
    let core = &mut driver.core;
    assert!(!core.wants_write() && !core.wants_read() && core.recv_space().is_empty());
    assert_eq!(core.tls_established(facts()), Err(UsageError::NoUpgrade));
    assert!(is_upgrade(core.next_event().unwrap().as_ref()));
    assert_stands_still(core);
    core.tls_established(facts()).unwrap();
    assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
    assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
}

#[test]
fn acceptance_20_tls_is_not_asked_for_where_it_is_not_wanted() {
    for tls in [
        TlsRequest::None,
        TlsRequest::Prefer,
        TlsRequest::Require,
        TlsRequest::Direct,
    ] {
        // As for libpq, over a Unix socket whatever was asked for.
        let startup = Startup::new("me", Transport::UnixSocket).tls(tls);
        assert!(matches!(
            client(startup).send()[..],
            [Frontend::Startup { .. }]
        ));
    }
    let mut driver = client(Startup::new("me", Transport::Tcp));
    assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
}

#[test]
fn tls_that_nobody_asked_for_is_the_callers_fault() {
    let established = |driver: &mut Driver| driver.core.tls_established(facts());
    let refused = Err(UsageError::NoUpgrade);
    let mut driver = client(tcp(TlsRequest::Require));
    assert_eq!(established(&mut driver), refused);
    driver.send();
    driver.core.recv_bytes(b"S").unwrap();
    assert_eq!(
        established(&mut driver),
        refused,
        "not before it is asked for"
    );
    assert_eq!(driver.take(), ["UpgradeToTls"]);
    assert_eq!(established(&mut driver), Ok(()));
    assert_eq!(established(&mut driver), refused, "nor twice");
    driver.send();
    assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
    assert_eq!(established(&mut driver), refused);
    driver.eof();
    assert_eq!(established(&mut driver), refused);
    assert_eq!(established(&mut Driver::open()), refused);
}

#[test]
fn the_end_of_the_stream_on_the_way_to_tls() {
    let unexpected = "Closed Protocol the server closed the connection unexpectedly";
    let mut driver = client(tcp(TlsRequest::Prefer));
    assert!(
        driver.eof()[0].starts_with(unexpected),
        "before it was asked for"
    );
    let mut driver = client(tcp(TlsRequest::Prefer));
    driver.send();
    assert!(
        driver.eof()[0].starts_with(unexpected),
        "in place of an answer"
    );
    for (tls, answer) in [(TlsRequest::Require, &b"S"[..]), (TlsRequest::Direct, b"")] {
        let mut driver = client(tcp(tls));
        driver.send();
        if !answer.is_empty() {
            driver.core.recv_bytes(answer).unwrap();
        }
        driver.take();
        assert!(driver.eof()[0].starts_with(unexpected), "in the handshake");
        assert_eq!(
            driver.core.tls_established(facts()),
            Err(UsageError::NoUpgrade)
        );
    }
    // Of one's own will it is in order.
    let mut driver = client(tcp(TlsRequest::Require));
    driver.send();
    driver.core.terminate();
    assert_eq!(driver.eof()[0], "Closed Terminated");
}

#[test]
fn no_batch_before_there_is_tls() {
    for (tls, answer) in [(TlsRequest::Require, &b"S"[..]), (TlsRequest::Direct, b"")] {
        let mut driver = client(tcp(tls));
        let refused = |driver: &mut Driver| {
            let mut batch = driver.core.batch();
            batch.query("select 1");
            assert_eq!(batch.commit(), Err(UsageError::NotOpen));
            driver.core.abandon_all();
        };
        refused(&mut driver);
        driver.send();
        if !answer.is_empty() {
            driver.core.recv_bytes(answer).unwrap();
        }
        refused(&mut driver);
        assert_eq!(driver.take(), ["UpgradeToTls"]);
        refused(&mut driver);
        assert_stands_still(&mut driver.core);
    }
}

#[test]
fn a_batch_that_is_forgotten_too_early_takes_no_first_message_along() {
    let mut driver = client(tcp(TlsRequest::Direct));
    assert_eq!(driver.take(), ["UpgradeToTls"]);
    std::mem::forget(driver.core.batch());
    driver.core.tls_established(facts()).unwrap();
    assert!(matches!(driver.send()[..], [Frontend::Startup { .. }]));
    assert_eq!(driver.feed(&backend::let_in()), ["Ready"]);
}

#[test]
fn tls_is_private_enough_for_a_password() {
    let auth = || Auth::Cleartext("secret".to_owned());
    for (tls, let_in) in [
        (TlsRequest::None, false),
        (TlsRequest::Prefer, true),
        (TlsRequest::Require, true),
        (TlsRequest::Direct, true),
    ] {
        let mut server = ModelServer::new(auth()).tls(Tls::Accepted);
        let mut driver = begin(tcp(tls).password("secret"));
        driver.tls = Some(facts());
        let lines = driver.converse(&mut server);
        assert_eq!(
            lines.last().is_some_and(|line| line == "Ready"),
            let_in,
            "{lines:?}"
        );
        assert_eq!(driver.core.auth_method().is_some(), let_in);
        assert_eq!(server.is_encrypted(), tls != TlsRequest::None);
    }
    // Refused TLS is none.
    let mut server = ModelServer::new(auth());
    let lines = begin(tcp(TlsRequest::Prefer).password("secret")).converse(&mut server);
    assert!(
        lines[0].contains("`password`, which is not allowed here"),
        "{lines:?}"
    );
}

#[test]
fn every_method_lets_in_through_tls() {
    let password = || "secret".to_owned();
    for (auth, method) in [
        (Auth::Trust, AuthMethod::None),
        (Auth::Md5(password()), AuthMethod::Md5),
        (crate::scram(&password()), AuthMethod::ScramSha256),
    ] {
        for tls in [TlsRequest::Prefer, TlsRequest::Require, TlsRequest::Direct] {
            let mut server = ModelServer::new(auth.clone()).tls(Tls::Accepted);
            let mut driver = begin(tcp(tls).password("secret"));
            driver.tls = Some(facts());
            assert_eq!(driver.converse(&mut server), ["UpgradeToTls", "Ready"]);
            assert_eq!(driver.core.auth_method(), Some(method));
            assert!(
                !driver.core.is_channel_bound(),
                "there is nothing to bind to"
            );
        }
    }
}

/// What a server gives that lets in whoever comes.
pub(crate) fn key() -> CancelKey {
    let driver = Driver::open();
    driver
        .core
        .cancel_key()
        .expect("the server gave one")
        .clone()
}

fn cancel(tls: TlsRequest) -> Driver {
    let startup = Startup::cancel(key(), Transport::Tcp).tls(tls);
    let mut driver = begin(startup);
    driver.tls = Some(facts());
    driver
}

#[test]
fn a_cancel_request_is_all_that_is_sent() {
    for (tls, answer, encrypted) in [
        (TlsRequest::None, &b""[..], false),
        (TlsRequest::Prefer, b"N", false),
        (TlsRequest::Prefer, b"S", true),
        (TlsRequest::Require, b"S", true),
        (TlsRequest::Direct, b"", true),
    ] {
        let mut driver = cancel(tls);
        let mut sent = Vec::new();
        if !answer.is_empty() {
            sent.extend(driver.send());
            driver.feed(answer);
        }
        driver.take();
        assert_eq!(driver.core.output(), key().to_request());
        sent.extend(driver.send());
        let asked = (!answer.is_empty()).then_some(Frontend::SslRequest);
        let request = Frontend::CancelRequest {
            process_id: key().process_id(),
            secret: key().secret().to_vec(),
        };
        let expected: Vec<Frontend> = asked.into_iter().chain([request]).collect();
        assert_eq!(sent, expected, "{tls:?}");
        assert_eq!(driver.core.tls().is_some(), encrypted);
        assert!(driver.core.wants_read() && !driver.core.is_open());
        assert!(driver.take().is_empty());
        let ended = "Err the connection has ended (state Cancelling)";
        assert_eq!(driver.eof(), ["Closed Terminated", ended]);
    }
}

#[test]
fn a_cancel_request_needs_nothing_that_a_session_needs() {
    let startup = Startup::cancel(key(), Transport::UnixSocket)
        .parameter("user", "x")
        .channel_binding(ChannelBinding::Require);
    let mut driver = begin(startup);
    assert!(matches!(
        driver.send()[..],
        [Frontend::CancelRequest { .. }]
    ));
    assert_eq!(driver.eof()[0], "Closed Terminated");
    // Nothing is bound where nobody authenticates.
    for answer in [b"N", b"S"] {
        let startup = Startup::cancel(key(), Transport::Tcp).tls(TlsRequest::Prefer);
        let mut driver = begin(startup.channel_binding(ChannelBinding::Require));
        driver.send();
        driver.feed(answer);
        assert_eq!(driver.core.output(), key().to_request());
    }
}

#[test]
fn a_cancel_request_that_was_not_sent_whole_was_not_sent() {
    let whole = key().to_request().len();
    for sent in 0..whole {
        let mut driver = cancel(TlsRequest::None);
        driver.send_bytes(sent);
        let lines = driver.eof();
        let expected = "Closed Protocol the server closed the connection unexpectedly";
        assert!(lines[0].starts_with(expected), "{sent}: {lines:?}");
    }
    let mut driver = cancel(TlsRequest::None);
    driver.send_bytes(whole);
    assert_eq!(driver.eof()[0], "Closed Terminated");
}

/// It has none, so whoever sends one is not the server that was meant, or did not understand.
#[test]
fn an_answer_to_a_cancel_request_is_not_shown() {
    let error = backend::error_response("FATAL", "53300", "sorry, too many clients already");
    for answer in [
        &error[..],
        b"E",
        b"N",
        b"\0",
        b"R\0\0\0\x08\0\0\0\0",
        b"Z\0\0\0\x03",
    ] {
        for pieces in [answer.len(), 1] {
            let mut driver = cancel(TlsRequest::None);
            driver.send();
            let lines = driver.feed(&answer[..pieces.min(answer.len())]);
            assert!(lines[0].starts_with("Closed Protocol "), "{lines:?}");
            assert!(!lines.concat().contains("sorry"), "{lines:?}");
            assert!(driver.core.is_dead());
        }
    }
    let mut driver = cancel(TlsRequest::None);
    driver.send();
    assert_eq!(
        driver.feed(&error)[0],
        "Closed Protocol the server answered a cancel request, which has no answer \
         (message type 'E', state Cancelling)"
    );
}

#[test]
fn what_is_lent_and_confirmed_is_counted_while_tls_is_asked_for() {
    let startup = tcp(TlsRequest::Require);
    let mut driver = Driver::new(startup, Limits::default());
    driver.send();
    assert_eq!(driver.core.recv_space().len(), 1);
    driver.core.recv_filled(2);
    let lines = driver.take();
    let expected = "Closed Protocol misuse: 2 bytes were confirmed, but only 1 were lent";
    assert!(lines[0].starts_with(expected), "{lines:?}");
}
