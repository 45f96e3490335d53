//! Passwords that somebody has to be asked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use purepg_conn::{
    AuthMethod, AuthMethods, Config, CredentialsError, Error, Password, PasswordRequest,
    ProtocolErrorKind, Runtime,
};
use purepg_testkit::drop_at::drop_after;
use purepg_testkit::io::OneByte;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_testkit::server::{DATABASE, PASSWORD, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, Wrapped, live, live_by_turns};

use crate::models::{Models, over_unix};
use crate::servers::{any, servers};

live!(
    a_password_is_asked_for_once_a_server_wants_one,
    security_18_nobody_is_asked_for_what_is_refused,
    an_answer_may_be_none,
    whoever_is_asked_may_block,
    whoever_takes_too_long_is_given_up,
);

mod dropped {
    use super::*;
    live_by_turns!(dropped_wherever_it_waits);
}

/// What was asked for so far.
type Asked = Arc<Mutex<Vec<PasswordRequest>>>;

fn blocking(config: Config, password: &'static str) -> (Config, Asked) {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    let config = config.password_with(move |request| {
        noted.lock().unwrap().push(request.clone());
        Ok(password.into())
    });
    (config, asked)
}

fn asynchronous(config: Config, password: &'static str) -> (Config, Asked) {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    let config = config.password_with_async(move |request| {
        let noted = Arc::clone(&noted);
        async move {
            noted.lock().unwrap().push(request);
            Ok(password.into())
        }
    });
    (config, asked)
}

async fn a_password_is_asked_for_once_a_server_wants_one<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        for (user, method) in [
            (USER_PASSWORD, AuthMethod::Password),
            (USER_MD5, AuthMethod::Md5),
            (USER_SCRAM, AuthMethod::ScramSha256),
        ] {
            let config = cx.config_of(server, user).require_auth(any());
            for ask in [blocking, asynchronous] {
                let (asking, asked) = ask(config.clone(), PASSWORD);
                let conn = cx.try_connect(&asking).await.unwrap();
                assert_eq!(conn.auth_method(), Some(method));
                let requests = std::mem::take(&mut *asked.lock().unwrap());
                let [request] = &requests[..] else {
                    panic!("{requests:?}")
                };
                assert_eq!((request.user(), request.method()), (user, method));
                assert_eq!(request.database(), Some(DATABASE));
                assert_eq!(*request.address(), asking.settings().address());

                // One that is configured goes first.
                let known = asking.clone().password(PASSWORD);
                drop(cx.try_connect(&known).await.unwrap());
                let error = cx.try_connect(&asking.password("wrong")).await.unwrap_err();
                assert!(matches!(error, Error::InvalidPassword(_)), "{error:?}");
                assert!(asked.lock().unwrap().is_empty());

                let (wrong, asked) = ask(config.clone(), "n0t-that");
                let error = cx.try_connect(&wrong).await.unwrap_err();
                assert!(matches!(error, Error::InvalidPassword(_)), "{error:?}");
                assert!(!format!("{error} {error:?} {wrong:?}").contains("n0t-that"));
                assert_eq!(asked.lock().unwrap().len(), 1, "nor is it asked for twice");
            }
        }
        let (config, asked) = blocking(cx.config_of(server, USER_TRUST), PASSWORD);
        cx.try_connect(&config).await.unwrap();
        assert!(asked.lock().unwrap().is_empty(), "the server wanted none");
    }
}

async fn security_18_nobody_is_asked_for_what_is_refused<R: Runtime>(cx: Context<R>) {
    for server in servers() {
        for (user, method) in [
            (USER_PASSWORD, AuthMethod::Password),
            (USER_MD5, AuthMethod::Md5),
            (USER_SCRAM, AuthMethod::ScramSha256),
        ] {
            let other = match method {
                AuthMethod::Md5 => AuthMethod::ScramSha256,
                _ => AuthMethod::Md5,
            };
            let mut lists = vec![AuthMethods::except([method]), AuthMethods::only([other])];
            if user == USER_PASSWORD && cx.transport == Transport::Tcp {
                lists.push(AuthMethods::default());
            }
            for methods in lists {
                for ask in [blocking, asynchronous] {
                    let config = cx.config_of(server, user).require_auth(methods);
                    let (config, asked) = ask(config, PASSWORD);
                    let Error::Protocol(error) = cx.try_connect(&config).await.unwrap_err() else {
                        panic!("{methods:?}")
                    };
                    let method = method.name();
                    assert_eq!(
                        *error.kind(),
                        ProtocolErrorKind::MethodNotAllowed { method }
                    );
                    assert!(asked.lock().unwrap().is_empty());
                }
            }
        }
    }
}

async fn an_answer_may_be_none<R: Runtime>(cx: Context<R>) {
    let config = cx.config_of(&servers()[0], USER_SCRAM);
    let failing = [
        config
            .clone()
            .password_with(|_| Err("the safe is shut".into())),
        config
            .clone()
            .password_with_async(async |_| Err("the safe is shut".into())),
    ];
    for config in failing {
        let error = cx.try_connect(&config).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no password could be had: the safe is shut"
        );
        assert!(!error.is_recoverable() && !error.is_retryable());
        let Error::Credentials(error) = error else {
            panic!("{error:?}")
        };
        let source = std::error::Error::source(&*error).unwrap();
        assert_eq!(source.to_string(), "the safe is shut");
    }
    let panicking = [
        config.clone().password_with(|_| panics()),
        config.clone().password_with_async(async |_| panics()),
        config.clone().password_with_async(|_| {
            let ready = panics();
            async { ready }
        }),
    ];
    for config in panicking {
        let Error::Credentials(error) = cx.try_connect(&config).await.unwrap_err() else {
            panic!("another error")
        };
        let what = "password";
        assert!(matches!(*error, CredentialsError::Panicked { what: w } if w == what));
    }
    let (empty, _) = blocking(config, "");
    let error = cx.try_connect(&empty).await.unwrap_err();
    let method = "scram-sha-256";
    assert!(matches!(error, Error::MissingPassword { method: m, .. } if m == method));
}

fn panics() -> Result<Password, purepg_conn::BoxError> {
    panic!("a panic of the test's own")
}

/// It holds up nobody else, tokio's only thread included.
async fn whoever_is_asked_may_block<R: Runtime>(cx: Context<R>) {
    let (told, hears) = std::sync::mpsc::channel();
    let hears = Mutex::new(hears);
    let config = cx
        .config_of(&servers()[0], USER_SCRAM)
        .password_with(move |_| {
            hears.lock().unwrap().recv()?;
            Ok(PASSWORD.into())
        });
    let connecting = cx.try_connect(&config);
    let telling = async {
        cx.runtime.sleep(Duration::from_millis(20)).await;
        told.send(()).unwrap();
    };
    let (connected, ()) = futures_util::future::join(connecting, telling).await;
    connected.unwrap();
}

async fn whoever_takes_too_long_is_given_up<R: Runtime>(cx: Context<R>) {
    let config = cx
        .config_of(&servers()[0], USER_SCRAM)
        .connect_timeout(Duration::from_millis(100));
    let (_keeps_waiting, hears) = std::sync::mpsc::channel::<()>();
    let hears = Mutex::new(hears);
    for config in [
        config
            .clone()
            .password_with_async(|_| std::future::pending()),
        config.password_with(move |_| {
            let _ = hears.lock().unwrap().recv_timeout(Duration::from_secs(2));
            Ok(PASSWORD.into())
        }),
    ] {
        let begun = Instant::now();
        let error = cx.try_connect(&config).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}

/// Counts how many of these there are.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What whoever is asked holds is let go of, and the next attempt is none the worse.
async fn dropped_wherever_it_waits<R: Runtime>(cx: Context<R>) {
    let alive = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&alive);
    let asking = over_unix().password_with_async(move |_| {
        let alive = Alive::new(&counted);
        async move {
            for _ in 0..5 {
                pending_once().await;
            }
            drop(alive);
            Ok("secret".into())
        }
    });
    let (blocking, _) = blocking(over_unix(), "secret");
    let password = || "secret".to_owned();
    let scram = Auth::Scram {
        password: password(),
        iterations: 600,
    };
    for (config, auths) in [
        (asking, vec![Auth::Cleartext(password()), scram]),
        (blocking, vec![Auth::Md5(password())]),
    ] {
        for auth in auths {
            let models = Models::new(&cx, move |_| ModelServer::new(auth.clone()));
            let mut places = 0;
            for polls in 0.. {
                let runtime = Wrapped::new(&models.runtime, OneByte::new);
                let connected = drop_after(purepg_conn::connect(runtime, &config), polls).await;
                assert_eq!(alive.load(Ordering::SeqCst), 0);
                let Some(result) = connected else {
                    places += 1;
                    continue;
                };
                result.unwrap().ping().await.unwrap();
                break;
            }
            println!("asking: dropped at {places} places");
            assert!(places > 100);
        }
    }
}

/// Waits for the next poll.
pub(crate) async fn pending_once() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
