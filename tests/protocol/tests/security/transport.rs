//! TLS: what comes before it, and who it is with.

use purepg_proto::{
    Event, Limits, Startup, StartupEvent, TlsFacts, TlsRequest, Transport, UsageError,
};
use purepg_testkit::backend::{authentication_ok, error_response, let_in};
use purepg_testkit::frontend::Frontend;
use purepg_tests_protocol::driver::Driver;

use crate::{assert_ends, begun};

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

fn tcp(tls: TlsRequest) -> Startup {
    Startup::new("me", Transport::Tcp).tls(tls)
}

/// A client that has asked for TLS, and leaves it to the test.
fn asked(tls: TlsRequest) -> Driver {
    let mut driver = begun(tcp(tls));
    driver.tls = None;
    driver
}

/// What a man in the middle can put behind the server's `S`.
fn forged() -> Vec<Vec<u8>> {
    vec![
        error_response("FATAL", "28000", "forged"),
        let_in(),
        authentication_ok(),
        b"S".to_vec(),
        vec![0x16, 3, 3, 0, 1],
    ]
}

/// The socket is read a byte at a time, so that everything behind the answer is still in it when TLS begins.
#[test]
fn security_01_what_was_sent_behind_the_answer_is_left_to_tls() {
    for (tls, forged) in [TlsRequest::Prefer, TlsRequest::Require]
        .iter()
        .flat_map(|tls| forged().into_iter().map(|forged| (*tls, forged)))
    {
        let mut driver = asked(tls);
        let socket = [b"S", &forged[..]].concat();
        let mut read = 0;
        let mut upgraded = false;
        while driver.core.wants_read() {
            let space = driver.core.recv_space();
            let n = space.len().min(socket.len() - read);
            space[..n].copy_from_slice(&socket[read..read + n]);
            driver.core.recv_filled(n);
            read += n;
            let event = driver.core.next_event().unwrap();
            upgraded = matches!(event, Some(Event::Startup(StartupEvent::UpgradeToTls)));
        }
        assert!(upgraded && read == 1, "{read} bytes were read");
        assert!(driver.core.recv_space().is_empty() && !driver.core.wants_write());
        // What the handshake sees first is what was forged.
        assert_eq!(socket[read..], forged);
    }
}

#[test]
fn security_01_more_than_the_answer_is_not_taken() {
    for forged in forged() {
        let mut driver = asked(TlsRequest::Require);
        let both = [b"S", &forged[..]].concat();
        let given = both.len();
        assert_eq!(
            driver.core.recv_bytes(&both),
            Err(UsageError::BehindTlsAnswer { given })
        );
        assert!(driver.take().is_empty(), "nothing was taken");
        assert_eq!(driver.feed(b"S"), ["UpgradeToTls"]);
        // Nor is anything taken behind it.
        assert_eq!(
            driver.core.recv_bytes(&forged),
            Err(UsageError::InputNotWanted)
        );
        assert!(driver.take().is_empty());
        // A driver that claims to have read more than it was lent is told so.
        driver.core.recv_filled(1);
        let lines = driver.take();
        let expected = "Closed Protocol misuse: 1 bytes were confirmed, but only 0 were lent";
        assert!(lines[0].starts_with(expected), "{lines:?}");
    }
}

#[test]
fn security_01_an_answer_before_the_question_is_none() {
    for sent in 0..SSL_REQUEST.len() {
        for answer in [b"S", b"N"] {
            let mut driver = Driver::new(tcp(TlsRequest::Prefer), Limits::default());
            driver.send_bytes(sent);
            assert_ends(&mut driver, answer, NO_ANSWER);
        }
    }
}

const NO_ANSWER: &str = "the server answered the request for TLS with something that is no answer";

#[test]
fn security_02_an_error_before_tls_is_not_shown() {
    let text = "visit https://example.invalid to renew your password";
    for tls in [TlsRequest::Prefer, TlsRequest::Require] {
        let mut driver = asked(tls);
        let error = error_response("FATAL", "28P01", text);
        let lines = driver.feed(&error[..1]);
        let expected = "Closed Protocol the server answered the request for TLS with an error ";
        assert!(lines[0].starts_with(expected), "{lines:?}");
        assert!(driver.core.is_dead() && !driver.core.wants_write() && !driver.core.wants_read());
        assert_eq!(
            driver.core.recv_bytes(&error[1..]),
            Err(UsageError::InputNotWanted)
        );
        let shown = format!("{:?} {:?}", driver.take(), driver.core);
        assert!(
            !shown.contains("example") && !shown.contains("28P01"),
            "{shown}"
        );
    }
}

#[test]
fn security_02_every_other_answer_is_the_end() {
    for answer in 0..=u8::MAX {
        for tls in [TlsRequest::Prefer, TlsRequest::Require] {
            let mut driver = asked(tls);
            match (answer, tls) {
                (b'S', _) => assert_eq!(driver.feed(b"S"), ["UpgradeToTls"]),
                (b'N', TlsRequest::Prefer) => assert!(driver.feed(b"N").is_empty()),
                (b'N', _) => {
                    let refused = "the server does not do TLS, which is required";
                    assert_ends(&mut driver, b"N", refused);
                }
                (b'E', _) => {
                    let error = "the server answered the request for TLS with an error";
                    assert_ends(&mut driver, b"E", error);
                }
                _ => assert_ends(&mut driver, &[answer], NO_ANSWER),
            }
        }
    }
}

/// The key of a connection that has TLS goes through TLS, or not at all.
#[test]
fn security_06_a_cancel_request_is_as_private_as_its_connection() {
    let mut victim = Driver::open();
    victim.query("select pg_sleep(1000)");
    let key = victim.core.cancel_key().unwrap().clone();
    let cancel = |tls| {
        let startup = Startup::cancel(key.clone(), Transport::Tcp).tls(tls);
        let mut driver = Driver::new(startup, Limits::default());
        driver.tls = None;
        driver
    };
    let request = key.to_request();
    let secret = |bytes: &[u8]| bytes.windows(4).any(|part| part == key.secret());

    for refusal in [b"N", b"E", b"?"] {
        let mut driver = cancel(TlsRequest::Require);
        assert_eq!(driver.core.output(), SSL_REQUEST);
        driver.send();
        driver.feed(refusal);
        assert!(driver.core.is_dead() && !driver.core.wants_write());
    }
    for tls in [TlsRequest::Require, TlsRequest::Direct] {
        // A handshake that never comes to its end.
        let mut driver = cancel(tls);
        let n = driver.core.output().len();
        assert!(!secret(driver.core.output()));
        driver.core.output_sent(n);
        if tls == TlsRequest::Require {
            driver.core.recv_bytes(b"S").unwrap();
        }
        assert_eq!(driver.take(), ["UpgradeToTls"]);
        assert!(!driver.core.wants_write());
        // One with somebody else.
        let other = TlsFacts::new().alpn(*b"http/1.1");
        driver.core.tls_established(other).unwrap();
        assert!(driver.core.is_dead() && !driver.core.wants_write());

        // And one that does.
        let mut driver = cancel(tls);
        driver.tls = Some(TlsFacts::new().alpn(*TlsFacts::ALPN));
        driver.send();
        if tls == TlsRequest::Require {
            driver.feed(b"S");
        } else {
            driver.take();
        }
        assert_eq!(driver.core.output(), request);
        driver.send();
        assert_eq!(driver.eof()[0], "Closed Terminated");
    }
}

#[test]
fn security_22_alpn_says_that_it_is_postgresql() {
    let missing = "TLS without an ALPN protocol, which a server of direct TLS has to choose";
    let other = "TLS for another ALPN protocol than `postgresql`";
    let chosen = |protocol: &[u8]| TlsFacts::new().alpn(protocol);
    for (tls, facts, expected) in [
        (TlsRequest::Direct, TlsFacts::new(), Some(missing)),
        (TlsRequest::Direct, chosen(b"postgresql"), None),
        (TlsRequest::Require, TlsFacts::new(), None),
        (TlsRequest::Require, chosen(b"postgresql"), None),
    ]
    .into_iter()
    .chain(
        [TlsRequest::Direct, TlsRequest::Require, TlsRequest::Prefer]
            .into_iter()
            .flat_map(|tls| {
                [
                    "",
                    "http/1.1",
                    "h2",
                    "PostgreSQL",
                    "postgres",
                    "postgresql\0",
                ]
                .map(|protocol| (tls, chosen(protocol.as_bytes()), Some(other)))
            }),
    ) {
        let what = format!("{tls:?} {facts:?}");
        let mut driver = asked(tls);
        let line = match tls {
            TlsRequest::Direct => driver.take(),
            _ => driver.feed(b"S"),
        };
        assert_eq!(line, ["UpgradeToTls"]);
        driver.core.tls_established(facts).unwrap();
        match expected {
            None => assert!(
                matches!(driver.send()[..], [Frontend::Startup { .. }]),
                "{what}"
            ),
            Some(expected) => {
                assert!(!driver.core.wants_write() && driver.core.tls().is_none());
                let lines = driver.take();
                assert!(
                    lines[0].starts_with(&format!("Closed Protocol {expected} (state Upgrading)")),
                    "{what}: {lines:?}"
                );
            }
        }
    }
}

/// TLS is asked for once at the most, and never inside of it; GSSAPI encryption is never asked for.
#[test]
fn security_23_encryption_is_not_asked_for_twice() {
    let answers: [&[u8]; 3] = [b"S", b"N", b""];
    for transport in [Transport::Tcp, Transport::UnixSocket] {
        for tls in [
            TlsRequest::None,
            TlsRequest::Prefer,
            TlsRequest::Require,
            TlsRequest::Direct,
        ] {
            for answer in answers {
                let startup = Startup::new("me", transport).tls(tls);
                let mut driver = Driver::new(startup, Limits::default());
                driver.tls = Some(TlsFacts::new().alpn(*TlsFacts::ALPN));
                driver.take();
                let mut encrypted = driver.core.tls().is_some();
                let mut in_the_clear = Vec::new();
                let mut inside = Vec::new();
                for bytes in [answer, &let_in(), b"", b""] {
                    let sent = driver.send();
                    if encrypted {
                        &mut inside
                    } else {
                        &mut in_the_clear
                    }
                    .extend(sent);
                    if !bytes.is_empty() && driver.core.recv_space().len() >= bytes.len() {
                        driver.feed(bytes);
                    }
                    encrypted = driver.core.tls().is_some();
                }
                let count = |messages: &[Frontend], wanted: &Frontend| {
                    messages.iter().filter(|message| *message == wanted).count()
                };
                let (ssl, gss) = (Frontend::SslRequest, Frontend::GssEncRequest);
                let negotiated = matches!(tls, TlsRequest::Prefer | TlsRequest::Require);
                let asks = usize::from(negotiated && transport == Transport::Tcp);
                let what = format!("{transport:?} {tls:?} {answer:?}");
                assert_eq!(count(&in_the_clear, &ssl), asks, "{what}");
                assert_eq!(count(&inside, &ssl), 0, "{what}");
                assert_eq!(
                    count(&in_the_clear, &gss) + count(&inside, &gss),
                    0,
                    "{what}"
                );
            }
        }
    }
}
