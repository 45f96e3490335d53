//! Whoever says nothing is given up, and the next one is tried.

use std::time::{Duration, Instant};

use purepg_conn::{Config, Error, Runtime, SslMode};
use purepg_testkit::backend;
use purepg_tests_live::{Context, Transport, live};

use crate::network::{Network, ONE, Place, TWO, addresses, both, open, server};

live!(
    acceptance_08_silence_at_every_step_leads_on,
    acceptance_08_a_name_that_is_looked_up_for_ever,
    acceptance_08_all_attempts_together,
);

const SHORT: Duration = Duration::from_millis(40);

/// Who says nothing more after these answers.
fn silent() -> [Place; 6] {
    // A `ServerHello` that never comes to its end.
    let begun = b"\x16\x03\x03\x00\x7a".to_vec();
    [
        Place::BlackHole,
        server([]),
        server([b"S".to_vec()]),
        server([b"S".to_vec(), begun]),
        server([b"N".to_vec()]),
        server([b"N".to_vec(), backend::authentication_md5([1; 4])]),
    ]
}

async fn acceptance_08_silence_at_every_step_leads_on<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let config = both()
        .password("secret")
        .ssl_mode(SslMode::Prefer)
        .connect_timeout(SHORT);
    let entered = || server([b"N".to_vec(), backend::let_in()]);
    for place in silent() {
        let network = Network::new(&cx, [(ONE, place.clone()), (TWO, entered())]);
        let (result, visits) = network.connect(&config).await;
        assert_eq!(addresses(&visits), [ONE, TWO], "{place:?}");
        assert_eq!(result.unwrap().endpoint().to_string(), TWO);

        let (result, _) = Network::new(&cx, [(ONE, place.clone()), (TWO, place)])
            .connect(&config)
            .await;
        let error = result.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no connection in 2 attempts\n\
             192.0.2.1:1: timed out while connecting to 192.0.2.1:1\n\
             192.0.2.2:2: timed out while connecting to 192.0.2.2:2"
        );
        assert!(error.is_retryable());
    }
}

async fn acceptance_08_a_name_that_is_looked_up_for_ever<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let config = Config::new("db.example", "me")
        .add_host("192.0.2.2", 2)
        .ssl_mode(SslMode::Disable)
        .connect_timeout(SHORT);
    let mut network = Network::new(&cx, [(TWO, open())]);
    network.no_names = true;
    let (result, visits) = network.connect(&config).await;
    assert_eq!(addresses(&visits), [TWO]);
    assert_eq!(result.unwrap().endpoint().to_string(), TWO);

    let mut network = Network::new(&cx, [(TWO, open())]);
    network.no_names = true;
    let alone = Config::new("db.example", "me").connect_timeout(SHORT);
    let (result, visits) = network.connect(&alone).await;
    assert!(visits.is_empty());
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "timed out while connecting to db.example:5432"
    );
}

async fn acceptance_08_all_attempts_together<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let config = both()
        .add_host("192.0.2.3", 3)
        .connect_timeout(3 * SHORT)
        .total_connect_timeout(5 * SHORT);
    let holes = [ONE, TWO, "192.0.2.3:3"].map(|address| (address, Place::BlackHole));
    let start = Instant::now();
    let (result, visits) = Network::new(&cx, holes).connect(&config).await;
    let took = start.elapsed();
    assert!(took >= 5 * SHORT && took < 50 * SHORT, "{took:?}");
    assert_eq!(addresses(&visits), [ONE, TWO], "there was no time for more");
    assert_eq!(
        result.unwrap_err().to_string(),
        "no connection in 2 attempts\n\
         192.0.2.1:1: timed out while connecting to 192.0.2.1:1\n\
         192.0.2.2:2: timed out while connecting to 192.0.2.2:2"
    );
    // Alone it is a timeout like any other.
    let alone = Config::new("192.0.2.1", "me")
        .port(1)
        .total_connect_timeout(SHORT);
    let network = Network::new(&cx, [(ONE, Place::BlackHole)]);
    let (result, _) = network.connect(&alone).await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.is_retryable());
}
