//! What one host says counts for nothing with the next.

use purepg_conn::{Config, Error, ProtocolVersion, Runtime, SslMode, TargetSessionAttrs};
use purepg_testkit::backend;
use purepg_testkit::recorded::Record;
use purepg_tests_live::{Canned, Context, Transport, live};

use crate::network::{Network, ONE, Place, TWO, addresses, both, open, server};

live!(
    security_05_the_version_that_one_host_speaks_is_not_the_next_ones,
    security_05_the_parameters_of_one_host_are_not_the_next_ones,
    security_05_scram_begins_anew_with_each_host,
    security_05_each_host_is_told_the_same,
    security_05_tls_begins_anew_with_each_host,
    security_05_each_host_is_called_by_its_own_name,
);

fn written(record: &Record) -> Vec<u8> {
    record.take().bytes
}

fn not_ready() -> Vec<u8> {
    backend::error_response("FATAL", "57P03", "not now")
}

async fn security_05_the_version_that_one_host_speaks_is_not_the_next_ones<R: Runtime>(
    cx: Context<R>,
) {
    if cx.transport == Transport::Unix {
        return;
    }
    let old = [
        backend::negotiate_protocol_version(3 << 16, &[]),
        not_ready(),
    ];
    let newer = [
        backend::authentication_ok(),
        backend::backend_key_data(1, &[7; 32]),
        backend::ready(b'I'),
    ];
    let network = Network::new(
        &cx,
        [
            (ONE, server([old.concat()])),
            (TWO, server([newer.concat()])),
        ],
    );
    let config = both().max_protocol_version(ProtocolVersion::V3_2);
    let (result, visits) = network.connect(&config).await;
    // A key of 32 bytes is one of 3.2, and breaks 3.0.
    assert!(result.unwrap().is_ready());
    for visit in visits {
        assert_eq!(written(&visit.record)[4..8], [0, 3, 0, 2], "{visit:?}");
    }
}

async fn security_05_the_parameters_of_one_host_are_not_the_next_ones<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let primary = [
        backend::authentication_ok(),
        backend::parameter_status("in_hot_standby", "off"),
        backend::parameter_status("of_one", "leaks"),
        backend::backend_key_data(4711, &[1; 4]),
        backend::ready(b'I'),
    ];
    // It says nothing of the kind, and has no key.
    let enters = [backend::authentication_ok(), backend::ready(b'I')];
    let is_standby = [
        backend::row_description(&[("pg_is_in_recovery", 16, 0)]),
        backend::data_row(&[Some("t")]),
        backend::command_complete("SELECT 1"),
        backend::ready(b'I'),
    ];
    let network = Network::new(
        &cx,
        [
            (ONE, server([primary.concat()])),
            (TWO, server([enters.concat(), is_standby.concat()])),
        ],
    );
    let config = both().target_session_attrs(TargetSessionAttrs::Standby);
    let (result, visits) = network.connect(&config).await;
    assert_eq!(addresses(&visits), [ONE, TWO]);
    let conn = result.unwrap();
    assert_eq!(conn.parameter("in_hot_standby"), None);
    assert_eq!(conn.parameter("of_one"), None);
    assert_eq!(conn.parameters().iter().count(), 0);
    assert_eq!(conn.process_id(), None);
    assert!(conn.cancel_token().cancel().await.is_err(), "no key");
}

async fn security_05_scram_begins_anew_with_each_host<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let offers = || backend::authentication_sasl(&["SCRAM-SHA-256"]);
    // The second goes on where the first one stopped.
    let goes_on = backend::authentication_sasl_continue("r=x,s=c2FsdA==,i=1");
    let ok = backend::authentication_ok();
    for two in [
        server([offers(), goes_on.clone()]),
        server([[goes_on, ok].concat()]),
    ] {
        let network = Network::new(&cx, [(ONE, server([offers(), not_ready()])), (TWO, two)]);
        let (result, visits) = network.connect(&both().password("secret")).await;
        assert_eq!(addresses(&visits), [ONE, TWO]);
        let error = result.unwrap_err();
        let Error::Connect(error) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(error.last(), Some(Error::Protocol(_))), "{error}");
        let [one, two] = [0, 1].map(|at: usize| written(&visits[at].record));
        let nonce = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.split_once("n=,r=").map(|(_, nonce)| nonce.to_owned())
        };
        assert!(nonce(&one).is_some_and(|nonce| nonce.len() > 10));
        assert_ne!(nonce(&one), nonce(&two));
        for bytes in [one, two] {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!text.contains("secret") && !text.contains("p="), "{text}");
        }
    }
}

async fn security_05_each_host_is_told_the_same<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let config = both()
        .password("secret")
        .database("db")
        .application_name("a test")
        .parameter("search_path", "s");
    let network = Network::new(&cx, [(ONE, server([not_ready()])), (TWO, open())]);
    let (result, visits) = network.connect(&config).await;
    result.unwrap();
    let [one, two] = [0, 1].map(|at: usize| written(&visits[at].record));
    assert_eq!(one, two);
}

async fn security_05_tls_begins_anew_with_each_host<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let asks = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
    // One that has none, one that says nothing.
    for one in [
        Canned::new([b"N".to_vec(), not_ready()]),
        Canned::new([]).that_ends(),
    ] {
        let two = server([b"N".to_vec(), backend::let_in()]);
        let network = Network::new(&cx, [(ONE, Place::Server(one)), (TWO, two)]);
        let config = both().ssl_mode(SslMode::Prefer);
        let (result, visits) = network.connect(&config).await;
        assert!(!result.unwrap().is_encrypted());
        let last = visits.last().unwrap();
        assert_eq!(last.address, TWO);
        assert_eq!(written(&last.record)[..8], asks);
    }
    // And where it is required no host may be without it, whatever became of it at another.
    let one = Canned::new([b"S".to_vec(), Vec::new()]).that_ends();
    let two = server([b"N".to_vec(), backend::let_in()]);
    let network = Network::new(&cx, [(ONE, Place::Server(one)), (TWO, two)]);
    let (result, visits) = network.connect(&both().ssl_mode(SslMode::Require)).await;
    let error = result.unwrap_err();
    assert_eq!(addresses(&visits), [ONE, TWO], "{error}");
    assert_eq!(written(&visits[1].record), asks, "and nothing else");
}

async fn security_05_each_host_is_called_by_its_own_name<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let names = ["one.example", "two.example"];
    let config = Config::new(names[0], "me")
        .host_addr("192.0.2.1")
        .port(1)
        .add_host(names[1], 2)
        .host_addr("192.0.2.2")
        .ssl_mode(SslMode::Require);
    let ends = || Place::Server(Canned::new([b"S".to_vec(), Vec::new()]).that_ends());
    let network = Network::new(&cx, [(ONE, ends()), (TWO, ends())]);
    let (result, visits) = network.connect(&config).await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("\none.example:1 (192.0.2.1:1): "), "{error}");
    assert!(error.contains("\ntwo.example:2 (192.0.2.2:2): "), "{error}");
    assert_eq!(addresses(&visits), [ONE, TWO]);
    for (visit, own) in visits.iter().zip(names) {
        let hello = written(&visit.record);
        let said = |name: &str| {
            hello
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        };
        for name in names {
            assert_eq!(said(name), name == own, "{name}");
        }
    }
}
