//! What leads to the next host, and what does not.

use std::collections::HashMap;
use std::io;

use purepg_conn::{
    AuthMethod, AuthMethods, Config, Error, LoadBalanceHosts, ProtocolErrorKind, Runtime, SslMode,
    TargetSessionAttrs, UsageError,
};
use purepg_testkit::backend;
use purepg_tests_live::{Canned, Context, Transport, live};

use crate::network::{Network, ONE, Place, TWO, addresses, both, open, refusing, server};

live!(
    acceptance_02_a_dead_host_and_a_good_one,
    acceptance_02_the_error_has_every_attempt,
    acceptance_03_a_server_that_refuses_is_the_end,
    acceptance_03_what_is_wrong_with_a_server_is_told,
    acceptance_04_a_server_that_is_not_ready_leads_to_the_next_host,
    acceptance_07_random_hosts_are_all_of_them,
    acceptance_09_four_ends_of_a_start,
    acceptance_11_a_server_without_a_key,
);

async fn acceptance_02_a_dead_host_and_a_good_one<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for (one, two, visited) in [
        (Place::Nobody, open(), vec![ONE, TWO]),
        (open(), open(), vec![ONE]),
        (open(), Place::Nobody, vec![ONE]),
        (
            Place::Server(Canned::new([]).that_ends()),
            open(),
            vec![ONE, TWO],
        ),
    ] {
        let network = Network::new(&cx, [(ONE, one), (TWO, two)]);
        let (result, visits) = network.connect(&both()).await;
        let conn = result.unwrap();
        assert_eq!(addresses(&visits), visited);
        assert_eq!(&conn.endpoint().to_string(), visited.last().unwrap());
        assert!(conn.is_ready());
    }
}

async fn acceptance_02_the_error_has_every_attempt<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let standby = server([[
        backend::authentication_ok(),
        backend::parameter_status("in_hot_standby", "on"),
        backend::ready(b'I'),
    ]
    .concat()]);
    let network = Network::new(
        &cx,
        [
            (ONE, refusing("57P03")),
            ("192.0.2.3:3", standby),
            ("192.0.2.4:4", Place::Server(Canned::new([]).that_ends())),
        ],
    );
    let config = both()
        .add_host("192.0.2.3", 3)
        .add_host("db.example", 4)
        .host_addr("192.0.2.4")
        .target_session_attrs(TargetSessionAttrs::Primary);
    let (result, visits) = network.connect(&config).await;
    assert_eq!(addresses(&visits), [ONE, TWO, "192.0.2.3:3", "192.0.2.4:4"]);
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no connection in 4 attempts\n\
         192.0.2.1:1: FATAL: go away (SQLSTATE 57P03)\n\
         192.0.2.2:2: connecting to 192.0.2.2:2: connection refused\n\
         192.0.2.3:3: primary is wanted of the server, and it is a standby\n\
         db.example:4 (192.0.2.4:4): reading from the server: \
         the server closed the connection unexpectedly (state Requested)"
    );
    // The last that a server has said.
    assert_eq!(error.sqlstate(), Some("57P03"));
    assert!(error.is_retryable() && !error.is_recoverable());
    let Error::Connect(error) = error else {
        panic!("{error:?}")
    };
    let last = error.attempts().last().unwrap().host();
    assert_eq!((last.name(), last.port()), ("db.example", 4));
    assert_eq!(last.addr(), Some("192.0.2.4"));
}

async fn acceptance_03_a_server_that_refuses_is_the_end<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for sqlstate in ["28P01", "28000", "3D000", "53300", "42501", "57P01"] {
        let network = Network::new(&cx, [(ONE, refusing(sqlstate)), (TWO, open())]);
        let (result, visits) = network.connect(&both()).await;
        let error = result.unwrap_err();
        assert_eq!(addresses(&visits), [ONE], "{sqlstate}");
        assert_eq!(error.sqlstate(), Some(sqlstate));
        assert_eq!(
            matches!(error, Error::InvalidPassword(_)),
            sqlstate == "28P01"
        );
        assert!(!matches!(error, Error::Connect(_)), "{error:?}");

        // The reason is the last one also where something was in vain before.
        let places = [(TWO, refusing(sqlstate)), ("192.0.2.3:3", open())];
        let config = both().add_host("192.0.2.3", 3);
        let (result, visits) = Network::new(&cx, places).connect(&config).await;
        let error = result.unwrap_err();
        assert_eq!(addresses(&visits), [ONE, TWO], "{sqlstate}");
        assert_eq!(error.sqlstate(), Some(sqlstate));
        assert_eq!(error.is_retryable(), sqlstate == "53300");
        let Error::Connect(error) = error else {
            panic!("{error:?}")
        };
        let last = error.last().unwrap();
        assert_eq!(
            matches!(last, Error::InvalidPassword(_)),
            sqlstate == "28P01"
        );
    }
}

async fn acceptance_03_what_is_wrong_with_a_server_is_told<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let asks = || server([backend::authentication_md5([1, 2, 3, 4])]);
    let only_scram = both()
        .password("secret")
        .require_auth(AuthMethods::only([AuthMethod::ScramSha256]));
    let encrypted = both().ssl_mode(SslMode::Require);
    let nonsense = server([b"HTTP/1.1 400 Bad Request\r\n".to_vec()]);
    for (place, config) in [
        (asks(), both()),
        (asks(), only_scram),
        (server([b"N".to_vec()]), encrypted),
        (nonsense, both()),
    ] {
        let network = Network::new(&cx, [(ONE, place), (TWO, open())]);
        let (result, visits) = network.connect(&config).await;
        assert_eq!(addresses(&visits), [ONE]);
        match result.unwrap_err() {
            Error::MissingPassword { method, .. } => assert_eq!(method, "md5"),
            Error::Protocol(error) => assert!(
                !matches!(error.kind(), ProtocolErrorKind::UnexpectedEof { .. }),
                "{error:?}"
            ),
            other => panic!("{other:?}"),
        }
    }
}

async fn acceptance_04_a_server_that_is_not_ready_leads_to_the_next_host<R: Runtime>(
    cx: Context<R>,
) {
    if cx.transport == Transport::Unix {
        return;
    }
    // Behind the authentication as well.
    let late = server([[
        backend::authentication_ok(),
        backend::error_response("FATAL", "57P03", "the database system is shutting down"),
    ]
    .concat()]);
    for (mode, one, visited) in [
        (SslMode::Disable, refusing("57P03"), vec![ONE, TWO]),
        (SslMode::Disable, late, vec![ONE, TWO]),
        // With a server that answers so in place of an `S` it is tried without TLS first.
        (SslMode::Prefer, refusing("57P03"), vec![ONE, ONE, TWO]),
    ] {
        let two = match mode {
            SslMode::Prefer => server([b"N".to_vec(), backend::let_in()]),
            _ => open(),
        };
        let network = Network::new(&cx, [(ONE, one), (TWO, two)]);
        let (result, visits) = network.connect(&both().ssl_mode(mode)).await;
        assert_eq!(addresses(&visits), visited, "{mode}");
        assert_eq!(result.unwrap().endpoint().to_string(), TWO);
    }
    let network = Network::new(&cx, [(ONE, refusing("57P03"))]);
    let alone = Config::new("192.0.2.1", "me").port(1);
    let (result, _) = network.connect(&alone.ssl_mode(SslMode::Disable)).await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Database(_)) && error.is_retryable());
}

async fn acceptance_07_random_hosts_are_all_of_them<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let random = both()
        .add_host("192.0.2.3", 3)
        .add_host("192.0.2.4", 4)
        .load_balance_hosts(LoadBalanceHosts::Random);
    let mut taken = HashMap::new();
    // That one of three is never the first of them in so many runs happens once in 10^17.
    for _ in 0..100 {
        let alive = [ONE, TWO, "192.0.2.4:4"].map(|address| (address, open()));
        let (result, visits) = Network::new(&cx, alive).connect(&random).await;
        let endpoint = result.unwrap().endpoint().to_string();
        assert!(visits.len() <= 2, "{visits:?}");
        *taken.entry(endpoint).or_insert(0) += 1;
    }
    assert_eq!(taken.len(), 3, "{taken:?}");
    assert!(!taken.contains_key("192.0.2.3:3"), "nobody is there");
}

async fn acceptance_09_four_ends_of_a_start<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let config = Config::new("192.0.2.1", "me")
        .port(1)
        .ssl_mode(SslMode::Disable);
    let ends = |answer: &[u8]| Place::Server(Canned::new([answer.to_vec()]).that_ends());
    let mut told = Vec::new();
    for (place, kind) in [
        (Place::Nobody, io::ErrorKind::ConnectionRefused),
        (
            Place::Server(Canned::new([]).that_is_reset()),
            io::ErrorKind::ConnectionReset,
        ),
        (ends(b""), io::ErrorKind::UnexpectedEof),
        (ends(b"R\0\0\0\x08\0"), io::ErrorKind::UnexpectedEof),
    ] {
        let (result, _) = Network::new(&cx, [(ONE, place)]).connect(&config).await;
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(error.is_retryable() && !error.is_recoverable(), "{text}");
        match error {
            Error::Io { source, .. } => assert_eq!(source.kind(), kind, "{text}"),
            other => panic!("{other:?}"),
        }
        told.push(text);
    }
    let different: std::collections::HashSet<_> = told.iter().collect();
    assert_eq!(different.len(), 4, "{told:#?}");
}

async fn acceptance_11_a_server_without_a_key<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let enters = [backend::authentication_ok(), backend::ready(b'I')].concat();
    let network = Network::new(&cx, [(ONE, server([enters]))]);
    let (result, visits) = network.connect(&both()).await;
    let conn = result.unwrap();
    assert!(conn.is_ready() && conn.process_id().is_none());
    let error = conn.cancel_token().cancel().await.unwrap_err();
    assert!(
        matches!(&error, Error::Usage(error) if **error == UsageError::CannotCancel),
        "{error:?}"
    );
    assert_eq!(visits.len(), 1);
}
