//! SCRAM's keys: in the password's place, derived where it blocks nobody, and kept for the next connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::FutureExt as _;
use purepg_conn::{AuthMethod, Config, Error, ProtocolErrorKind, Runtime};
use purepg_testkit::drop_at::poll_times;
use purepg_testkit::scripted::{Auth, ModelServer, scram_keys};
use purepg_testkit::server::{PASSWORD, Server, USER_SCRAM};
use purepg_tests_live::{Context, live};

use crate::models::{Models, over_unix};
use crate::servers::{create_role, servers, superuser};

live!(
    acceptance_18_keys_log_in_without_the_password,
    connecting_again_derives_nothing,
    another_password_is_derived_anew,
    keys_that_a_server_refuses_are_forgotten,
    up_to_so_many_iterations_no_thread_is_asked_for,
    a_derivation_ends_with_the_time_and_with_the_future,
    security_24_keys_are_shown_nowhere,
);

/// What a server keeps of the password of a role says how to make the keys.
async fn keys_of<R: Runtime>(cx: &Context<R>, server: &Server, user: &str) -> [[u8; 32]; 2] {
    let sql = "select rolpassword from pg_authid where rolname = $1";
    let mut conn = superuser(cx, server).await;
    let verifier: String = conn.fetch_scalar(sql, (user,)).await.unwrap();
    let parts: Vec<&str> = verifier.split(['$', ':']).collect();
    let ["SCRAM-SHA-256", iterations, salt, ..] = parts[..] else {
        panic!("{verifier}")
    };
    let salt = BASE64_STANDARD.decode(salt).unwrap();
    let (client, server) = scram_keys(PASSWORD, &salt, iterations.parse().unwrap());
    [client, server]
}

async fn acceptance_18_keys_log_in_without_the_password<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        let [client_key, server_key] = keys_of(&cx, server, USER_SCRAM).await;
        let config = cx.config_of(server, USER_SCRAM);
        let by_setter = config.clone().scram_keys(client_key, server_key);
        let keywords = format!(
            "host={} port={} user={USER_SCRAM} dbname={} scram_client_key={} scram_server_key={}",
            config.settings().host(),
            server.port(),
            config.settings().database().unwrap(),
            BASE64_STANDARD.encode(client_key),
            BASE64_STANDARD.encode(server_key),
        );
        let by_keywords: Config = keywords.parse().unwrap();
        assert_eq!(by_setter, by_keywords);
        for config in [by_setter, by_keywords] {
            let asked = config.password_with(|_| Err("nobody is asked".into()));
            let mut conn = cx.try_connect(&asked).await.unwrap();
            assert_eq!(conn.auth_method(), Some(AuthMethod::ScramSha256));
            assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
            assert_eq!(asked.key_derivations(), 0);
        }
        let wrong = config.clone().scram_keys([7; 32], server_key);
        let error = cx.try_connect(&wrong).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPassword(_)), "{error:?}");
        // The server cannot prove itself to somebody who expects another one.
        let error = cx
            .try_connect(&config.scram_keys(client_key, [7; 32]))
            .await;
        let Err(Error::Protocol(error)) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(error.kind(), ProtocolErrorKind::Scram(_)));
    }
}

async fn connecting_again_derives_nothing<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        let config = cx.config_of(server, USER_SCRAM).password(PASSWORD);
        let clone = config.clone().application_name("a clone");
        for _ in 0..3 {
            for config in [&config, &clone] {
                let mut conn = cx.try_connect(config).await.unwrap();
                assert_eq!(conn.auth_method(), Some(AuthMethod::ScramSha256));
                assert_eq!(conn.fetch_scalar::<i32>("select 1", ()).await.unwrap(), 1);
            }
            assert_eq!((config.key_derivations(), clone.key_derivations()), (1, 1));
        }
        // Nor does it where somebody is asked for the password.
        let asking = cx
            .config_of(server, USER_SCRAM)
            .password_with(|_| Ok(PASSWORD.into()));
        for _ in 0..3 {
            cx.try_connect(&asking).await.unwrap();
        }
        assert_eq!(asking.key_derivations(), 1);
        assert_eq!(config.key_derivations(), 1, "which is no clone");
    }
}

async fn another_password_is_derived_anew<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        let (role, config) = create_role(&cx, server, "'one'").await;
        let one = config.password("one");
        let other = one.clone().password("other");
        let counted = |expected: u64, what: &str| {
            assert_eq!(one.key_derivations(), expected, "{what}");
        };
        cx.try_connect(&one).await.unwrap();
        counted(1, "the first time");
        let error = cx.try_connect(&other).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPassword(_)), "{error:?}");
        counted(2, "a wrong password");
        cx.try_connect(&other).await.unwrap_err();
        counted(3, "whose keys were not kept");
        cx.try_connect(&one).await.unwrap();
        counted(3, "the right one's were");

        let mut admin = superuser(&cx, server).await;
        let alter = format!("alter role {role} password 'other'");
        admin.execute(&alter, ()).await.unwrap();
        let error = cx.try_connect(&one).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPassword(_)), "{error:?}");
        counted(4, "it is the right one no more");
        cx.try_connect(&other).await.unwrap();
        cx.try_connect(&other).await.unwrap();
        counted(5, "but the other one is");
        // The same password, set once more, has another salt.
        admin.execute(&alter, ()).await.unwrap();
        cx.try_connect(&other).await.unwrap();
        counted(6, "another salt");
    }
}

fn scram(password: &str, iterations: u32) -> ModelServer {
    ModelServer::new(Auth::Scram {
        password: password.to_owned(),
        iterations,
    })
}

/// The servers have one salt and two passwords.
async fn keys_that_a_server_refuses_are_forgotten<R: Runtime>(cx: Context<R>) {
    let passwords = ["secret", "secret", "changed", "secret", "secret"];
    let models = Models::new(&cx, move |n| scram(passwords[n], 16));
    let config = over_unix().password("secret");
    let mut derived = Vec::new();
    for password in passwords {
        let connected = models.connect(&config).await;
        match connected {
            Ok(_) => assert_eq!(password, "secret"),
            Err(error) => assert!(matches!(error, Error::InvalidPassword(_)), "{error:?}"),
        }
        derived.push(config.key_derivations());
    }
    assert_eq!(derived, [1, 1, 1, 2, 2]);
    // Another user is somebody else, and so is another count.
    let models = Models::new(&cx, |n| scram("secret", 16 + u32::try_from(n / 2).unwrap()));
    for (config, expected) in [
        (config.clone().user("you"), 3),
        (config.clone(), 3),
        (config.clone(), 4),
        (config.clone().user("you"), 5),
    ] {
        models.connect(&config).await.unwrap();
        assert_eq!(config.key_derivations(), expected);
    }
}

async fn up_to_so_many_iterations_no_thread_is_asked_for<R: Runtime>(cx: Context<R>) {
    for (iterations, jobs) in [(1, 0), (4_096, 0), (4_097, 1)] {
        let models = Models::new(&cx, move |_| scram("secret", iterations));
        let config = over_unix().password("secret");
        models.connect(&config).await.unwrap();
        assert_eq!(models.runtime.jobs(), jobs, "{iterations}");
        assert_eq!(config.key_derivations(), 1);
    }
    // Others get their turn meanwhile: in memory nothing else has to be waited for.
    let models = Models::new(&cx, |_| scram("secret", 4_096));
    let config = over_unix().password("secret");
    let polls = |n| poll_times(models.connect(&config), n).is_some();
    assert!(!polls(3), "four slices of 1,024 take three waits");
    assert!(polls(4));
}

/// As many iterations as are allowed: seconds of work, or more.
async fn a_derivation_ends_with_the_time_and_with_the_future<R: Runtime>(cx: Context<R>) {
    let models = Models::new(&cx, |_| scram("secret", 1_000_000));
    let ended = async |models: &Models<R>| {
        for _ in 0..500 {
            if models.runtime.jobs_done() == models.runtime.jobs() {
                return;
            }
            cx.runtime.sleep(Duration::from_millis(1)).await;
        }
        panic!("the job goes on");
    };
    let begun = Instant::now();
    let config = over_unix().password("secret");
    let timeout = Duration::from_millis(20);
    let hurried = config.clone().connect_timeout(timeout);
    let error = models.connect(&hurried).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(models.runtime.jobs(), 1);
    ended(&models).await;

    let mut connecting = Box::pin(models.connect(&config));
    while models.runtime.jobs() < 2 {
        assert!(connecting.as_mut().now_or_never().is_none());
        cx.runtime.sleep(Duration::from_millis(1)).await;
    }
    drop(connecting);
    ended(&models).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(config.key_derivations(), 2, "begun, and not kept");
}

async fn security_24_keys_are_shown_nowhere<R: Runtime>(cx: Context<R>) {
    let models = Models::new(&cx, |_| scram("s3cret", 16));
    let config = over_unix().password("s3cret");
    models.connect(&config).await.unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("KeyCache(..)") && !shown.contains("s3cret"));
    let keys = over_unix().scram_keys([0x5a; 32], [0xa5; 32]);
    let shown = format!("{keys:?} {:#?}", Arc::new(keys.clone()));
    assert!(!shown.contains("90") && !shown.contains("165") && !shown.contains("5a5a"));
}
