//! How much a connection puts up with: each limit of a configuration, far below its default, with a server that keeps to none of them.

use std::time::Duration;

use futures_util::future::{Either, select};
use purepg_conn::{Config, ConfigError, Error, Limits, ProtocolErrorKind, Runtime};
use purepg_testkit::server::{PASSWORD, USER_SCRAM};
use purepg_tests_live::{Context, live};

use crate::servers::servers;

live!(
    security_49_every_limit_is_kept,
    security_12_iterations_and_nonces_have_limits_of_the_callers_own,
    limits_of_what_is_sent_hold_nobody_up,
    what_is_queued_waits_for_room_and_not_for_answers,
);

fn limited<R: Runtime>(cx: &Context<R>, set: impl FnOnce(&mut Limits)) -> Config {
    let mut limits = Limits::default();
    set(&mut limits);
    cx.config_of(&servers()[0], USER_SCRAM)
        .password(PASSWORD)
        .limits(limits)
}

/// The limit that was met on the way in, or else by a query.
async fn met<R: Runtime>(cx: &Context<R>, config: &Config, sql: &str) -> String {
    let error = match cx.try_connect(config).await {
        Err(error) => error,
        Ok(mut conn) => {
            let error = conn.fetch(sql, ()).await.unwrap_err();
            assert!(conn.is_dead() && !error.is_recoverable());
            error
        }
    };
    let Error::Protocol(error) = &error else {
        panic!("{error:?}")
    };
    match error.kind() {
        ProtocolErrorKind::LimitExceeded { limit, .. } => (*limit).to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn security_49_every_limit_is_kept<R: Runtime>(cx: Context<R>) {
    let sql = "select 1, 2, repeat('x', 10000)";
    let wrong = |set: fn(&mut Limits)| limited(&cx, set).password("wrong");
    for (config, limit) in [
        (limited(&cx, |it| it.max_message = 9_000), "max_message"),
        (
            limited(&cx, |it| it.max_short_message = 10),
            "max_short_message",
        ),
        (
            limited(&cx, |it| it.max_startup_message = 50),
            "max_startup_message",
        ),
        (wrong(|it| it.max_startup_error = 50), "max_startup_error"),
        (limited(&cx, |it| it.max_columns = 2), "max_columns"),
        (limited(&cx, |it| it.max_result = 9_000), "max_result"),
        (
            limited(&cx, |it| it.max_server_parameters = 5),
            "max_server_parameters",
        ),
        (
            limited(&cx, |it| it.max_server_parameter = 10),
            "max_server_parameter",
        ),
    ] {
        assert_eq!(met(&cx, &config, sql).await, limit);
    }
    // And none of them is met by chance.
    let config = limited(&cx, |_| {});
    assert_eq!(config, config.clone().limits(Limits::default()));
    let mut conn = cx.try_connect(&config).await.unwrap();
    assert_eq!(conn.fetch(sql, ()).await.unwrap().len(), 1);
}

async fn security_12_iterations_and_nonces_have_limits_of_the_callers_own<R: Runtime>(
    cx: Context<R>,
) {
    for (config, expected) in [
        (limited(&cx, |it| it.max_scram_iterations = 4_095), "4096"),
        (limited(&cx, |it| it.max_scram_nonce = 30), "nonce"),
    ] {
        let Error::Protocol(error) = cx.try_connect(&config).await.unwrap_err() else {
            panic!("{expected}")
        };
        assert!(
            matches!(error.kind(), ProtocolErrorKind::Scram(_)),
            "{error}"
        );
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(config.key_derivations(), 0);
    }
}

/// What is queued waits until there is room, however little there is; without any nothing could ever be sent.
async fn limits_of_what_is_sent_hold_nobody_up<R: Runtime>(cx: Context<R>) {
    for config in [
        limited(&cx, |it| it.max_in_flight = 1_000),
        limited(&cx, |it| it.output_high_water = 1),
    ] {
        let mut conn = cx.try_connect(&config).await.unwrap();
        let mut pipeline = conn.pipeline();
        for n in 0..3_000 {
            pipeline.push("select $1::int4", (n,));
        }
        let mut results = pipeline.run().await.unwrap();
        let mut sum = 0;
        while let Some(result) = results.next().await {
            sum += result.unwrap().rows[0].get::<i32>(0).unwrap();
        }
        assert_eq!(sum, 2_999 * 3_000 / 2);
        let sql = "select $1::int4";
        let rows = conn
            .execute_many(sql, (0..3_000).map(|n| (n,)))
            .await
            .unwrap();
        assert_eq!(rows, 3_000);
    }
    for config in [
        limited(&cx, |it| it.max_in_flight = 999),
        limited(&cx, |it| it.output_high_water = 0),
    ] {
        let keyword = "limits";
        let error = config.validate().unwrap_err();
        assert!(matches!(error, ConfigError::InvalidValue { keyword: k, .. } if k == keyword));
    }
}

/// Each of these is more than may wait to be sent, and its answer less than a server sends before it is asked to.
async fn what_is_queued_waits_for_room_and_not_for_answers<R: Runtime>(cx: Context<R>) {
    let config = limited(&cx, |_| {});
    let mut conn = cx.try_connect(&config).await.unwrap();
    let large = "x".repeat(2 << 20);
    let work = async {
        let mut pipeline = conn.pipeline();
        for _ in 0..3 {
            pipeline.push("select length($1)", (large.as_str(),));
        }
        let mut results = pipeline.run().await.unwrap();
        for _ in 0..3 {
            let result = results.next().await.unwrap().unwrap();
            assert_eq!(result.rows[0].get::<i32>(0).unwrap(), 2 << 20);
        }
    };
    let hangs = cx.runtime.sleep(Duration::from_secs(10));
    match select(std::pin::pin!(work), hangs).await {
        Either::Left(((), _)) => {}
        Either::Right(((), _)) => panic!("it waits for ever"),
    }
}
