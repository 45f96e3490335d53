//! A shared connection, wake by wake: whoever waits for a notification is woken when there is one, whoever polled the socket last and
//! whatever became of it.
//!
//! The server lives in memory, and nobody is polled who was not woken.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::future::FutureExt as _;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use purepg_conn::{Error, Notification, SharedConnection};
use purepg_testkit::backend;
use purepg_testkit::drop_at::{Wakes, run};
use purepg_testkit::io::OneByte;
use purepg_testkit::scripted::{Auth, ModelServer, PROCESS_ID, ScriptedStream, ServerHandle};
use purepg_tests_live::InMemory;

type Shared = SharedConnection<OneByte<ScriptedStream>>;

/// A connection that moves a byte at a time, or all at once, and its server.
fn connect(one_byte: bool) -> (Shared, ServerHandle) {
    let (stream, server) = ScriptedStream::new(ModelServer::new(Auth::Trust));
    let stream = OneByte::new(stream);
    stream.control().set(one_byte);
    (InMemory::connect(stream).into_shared(), server)
}

fn notify(server: &ServerHandle, payload: impl ToString) {
    let notification = backend::notification(PROCESS_ID, "channel", &payload.to_string());
    server.with(|server| server.inject(&notification));
}

/// A future, and whether it was woken since it was polled last.
struct Task<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    wakes: Wakes,
    seen: Option<usize>,
}

impl<T> Task<T> {
    fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self {
            future: Box::pin(future),
            wakes: Wakes::new(),
            seen: None,
        }
    }

    fn is_woken(&self) -> bool {
        self.seen != Some(self.wakes.count())
    }

    /// Polls it if it was woken, or never polled.
    fn poll(&mut self) -> Option<T> {
        if !self.is_woken() {
            return None;
        }
        self.seen = Some(self.wakes.count());
        match self.future.as_mut().poll(&mut self.wakes.context()) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// Polls it for as long as it is woken.
    fn run(&mut self) -> Option<T> {
        while self.is_woken() {
            if let Some(output) = self.poll() {
                return Some(output);
            }
        }
        None
    }
}

fn waiter(shared: &Shared) -> Task<String> {
    let shared = shared.clone();
    Task::new(async move { payload(shared.notification().await) })
}

fn query(shared: &Shared, sql: &'static str) -> Task<Result<u64, Error>> {
    let shared = shared.clone();
    Task::new(async move { shared.execute(sql, ()).await })
}

fn payload(notification: Result<Notification, Error>) -> String {
    notification.unwrap().payload().to_owned()
}

#[test]
fn a_waiter_is_woken_behind_a_query() {
    for one_byte in [false, true] {
        let (shared, server) = connect(one_byte);
        let mut waiter = waiter(&shared);
        assert!(waiter.run().is_none());
        assert_eq!(run(shared.execute("rows 3", ())).unwrap().unwrap(), 3);
        assert!(waiter.is_woken(), "the socket knows the query's waker");
        assert!(waiter.run().is_none());
        notify(&server, "heard");
        assert_eq!(waiter.run().unwrap(), "heard");
    }
}

#[test]
fn a_waiter_keeps_nobody_out() {
    let (shared, server) = connect(false);
    let mut waiters = [waiter(&shared), waiter(&shared)];
    assert!(waiters.iter_mut().all(|waiter| waiter.run().is_none()));
    // Nobody else is polled meanwhile.
    for _ in 0..10 {
        assert_eq!(run(shared.execute("rows 3", ())).unwrap().unwrap(), 3);
    }
    assert!(shared.lock().now_or_never().is_some());
    notify(&server, "heard");
    assert!(waiters.iter_mut().any(|waiter| waiter.run().is_some()));
}

#[test]
fn a_waiter_is_woken_behind_a_query_that_was_dropped() {
    let (shared, server) = connect(true);
    let mut waiter = waiter(&shared);
    assert!(waiter.run().is_none());
    let mut hangs = query(&shared, "hang");
    assert!(hangs.run().is_none());
    drop(hangs);
    assert!(waiter.is_woken());
    assert!(waiter.run().is_none());
    server.with(ModelServer::resume);
    assert!(waiter.run().is_none(), "it reads past what is left");
    notify(&server, "heard");
    assert_eq!(waiter.run().unwrap(), "heard");
}

#[test]
fn what_came_amid_a_query_is_given_out_behind_it() {
    let (shared, server) = connect(true);
    let mut waiter = waiter(&shared);
    assert!(waiter.run().is_none());
    let mut hangs = query(&shared, "hang");
    assert!(hangs.run().is_none());
    notify(&server, "amid");
    assert!(hangs.run().is_none());
    assert!(waiter.run().is_none(), "another has the connection");
    server.with(ModelServer::resume);
    hangs.run().unwrap().unwrap();
    assert_eq!(waiter.run().unwrap(), "amid");
}

#[test]
fn each_notification_goes_to_one_waiter() {
    let (shared, server) = connect(false);
    let mut waiters: Vec<_> = (0..10).map(|_| waiter(&shared)).collect();
    assert!(waiters.iter_mut().all(|waiter| waiter.run().is_none()));
    for number in 0..10 {
        notify(&server, number);
        let mut heard = Vec::new();
        waiters.retain_mut(|waiter| match waiter.run() {
            Some(payload) => {
                heard.push(payload);
                false
            }
            None => true,
        });
        assert_eq!(heard, [number.to_string()]);
    }
    assert!(waiters.is_empty());
}

/// A stream whose bytes are there before anybody is woken for them: a socket may be read before its runtime has heard of it.
#[derive(Clone)]
struct Silent(Arc<Mutex<VecDeque<u8>>>);

impl AsyncRead for Silent {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match io::Read::read(&mut *self.0.lock().unwrap(), buf) {
            Ok(0) => Poll::Pending,
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Silent {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn whoever_reads_what_is_for_others_wakes_them() {
    let bytes = Silent(Arc::new(Mutex::new(backend::let_in().into())));
    let shared = InMemory::connect(bytes.clone()).into_shared();
    let wait = || {
        let shared = shared.clone();
        Task::new(async move { shared.notification().await })
    };
    let mut waiters = [wait(), wait()];
    assert!(waiters.iter_mut().all(|waiter| waiter.run().is_none()));
    let two = ["1", "2"].map(|payload| backend::notification(PROCESS_ID, "channel", payload));
    bytes.0.lock().unwrap().extend(two.concat());
    assert_eq!(payload(wait().run().unwrap()), "1");
    let heard: Vec<String> = waiters
        .iter_mut()
        .filter_map(Task::run)
        .map(payload)
        .collect();
    assert_eq!(heard, ["2"]);

    let mut waiter = wait();
    assert!(waiter.run().is_none());
    let fatal = backend::error_response("FATAL", "57P01", "shutting down");
    bytes.0.lock().unwrap().extend(fatal);
    for waiter in [&mut wait(), &mut waiter] {
        let error = waiter.run().unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), Some("57P01"));
    }
}

#[test]
fn the_last_that_polled_may_go_away() {
    let (shared, server) = connect(false);
    let mut first = waiter(&shared);
    let mut last = waiter(&shared);
    assert!(first.run().is_none() && last.run().is_none());
    drop(last);
    notify(&server, "heard");
    assert_eq!(first.run().unwrap(), "heard");
}

#[test]
fn one_in_the_queue_may_go_away() {
    let (shared, server) = connect(false);
    let guard = run(shared.lock()).unwrap();
    let mut queued = query(&shared, "rows 1");
    let mut waiter = waiter(&shared);
    let mut behind = query(&shared, "rows 2");
    assert!(queued.run().is_none() && waiter.run().is_none() && behind.run().is_none());
    drop(guard);
    // It is its turn, and it does not take it.
    drop(queued);
    assert!(waiter.run().is_none());
    notify(&server, "heard");
    assert_eq!(waiter.run().unwrap(), "heard");
    assert_eq!(behind.run().unwrap().unwrap(), 2);
}

#[test]
fn a_flood_lets_others_have_their_turn() {
    let (shared, server) = connect(false);
    let mut waiter = waiter(&shared);
    assert!(waiter.run().is_none());
    // Far more than is handed out in one turn, and nothing that ends the wait.
    let status = backend::parameter_status("application_name", "x");
    server.with(|server| server.inject(&status.repeat(10_000)));
    let mut polls = 0;
    while waiter.is_woken() {
        assert!(waiter.poll().is_none());
        polls += 1;
    }
    assert!(polls > 5, "{polls} polls");
    assert!(shared.lock().now_or_never().is_some());
}

#[test]
fn a_connection_that_ends_tells_every_waiter() {
    let (shared, server) = connect(true);
    let mut waiters: Vec<_> = (0..5)
        .map(|_| {
            let shared = shared.clone();
            Task::new(async move { shared.notification().await.unwrap_err() })
        })
        .collect();
    assert!(waiters.iter_mut().all(|waiter| waiter.run().is_none()));
    let mut hangs = query(&shared, "hang");
    assert!(hangs.run().is_none());
    server.with(|server| {
        server.inject(&backend::error_response("FATAL", "57P01", "shutting down"));
        server.close();
    });
    let error = hangs.run().unwrap().unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"));
    for waiter in &mut waiters {
        assert_eq!(waiter.run().unwrap().sqlstate(), Some("57P01"));
    }
    assert!(shared.is_dead());
}

#[derive(Clone, Debug)]
enum Step {
    Wait,
    Query(&'static str),
    /// Holds the lock for so many polls.
    Hold(u8),
    Poll(usize),
    Drop(usize),
    Notify,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Wait),
        2 => prop::sample::select(vec!["rows 3", "select 7", "hang", "fail"]).prop_map(Step::Query),
        1 => (0..4_u8).prop_map(Step::Hold),
        12 => (0..8_usize).prop_map(Step::Poll),
        2 => (0..8_usize).prop_map(Step::Drop),
        3 => Just(Step::Notify),
        1 => Just(Step::Resume),
    ]
}

/// Everybody who uses the connection; what was heard, in order.
struct Crowd {
    shared: Shared,
    server: ServerHandle,
    tasks: Vec<(bool, Task<()>)>,
    heard: Rc<RefCell<Vec<usize>>>,
    sent: usize,
}

impl Crowd {
    fn take(&mut self, step: &Step) {
        let shared = self.shared.clone();
        match step {
            Step::Wait => {
                let heard = Rc::clone(&self.heard);
                let wait = async move {
                    let number = payload(shared.notification().await).parse().unwrap();
                    heard.borrow_mut().push(number);
                };
                self.tasks.push((true, Task::new(wait)));
            }
            Step::Query(sql) => {
                let sql = *sql;
                let query = async move { drop(shared.execute(sql, ()).await) };
                self.tasks.push((false, Task::new(query)));
            }
            Step::Hold(polls) => {
                let mut polls = *polls;
                let hold = async move {
                    let _guard = shared.lock().await;
                    poll_fn(|cx| {
                        if polls == 0 {
                            return Poll::Ready(());
                        }
                        polls -= 1;
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    })
                    .await;
                };
                self.tasks.push((false, Task::new(hold)));
            }
            Step::Poll(index) if *index < self.tasks.len() => {
                if self.tasks[*index].1.poll().is_some() {
                    self.tasks.remove(*index);
                }
            }
            Step::Drop(index) if *index < self.tasks.len() => drop(self.tasks.remove(*index)),
            Step::Poll(_) | Step::Drop(_) => {}
            Step::Notify => {
                notify(&self.server, self.sent);
                self.sent += 1;
            }
            Step::Resume => self.server.with(ModelServer::resume),
        }
    }

    /// Until nobody is woken any more, with a server that lets nothing hang.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 100_000, "they wake each other for ever");
            let woken = self.tasks.iter().position(|(_, task)| task.is_woken());
            match woken {
                Some(woken) => self.take(&Step::Poll(woken)),
                None if self.server.is_idle() => break,
                None => self.server.with(ModelServer::resume),
            }
        }
    }
}

/// So many cases, or `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: wanted
            .and_then(|wanted| wanted.parse().ok())
            .unwrap_or(1_000),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nobody_is_forgotten_and_nothing_is_lost(
        one_byte in any::<bool>(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (shared, server) = connect(one_byte);
        let mut crowd = Crowd { shared, server, tasks: Vec::new(), heard: Rc::default(), sent: 0 };
        for step in &steps {
            crowd.take(step);
        }
        crowd.settle();
        prop_assert!(crowd.tasks.iter().all(|(waits, _)| *waits), "a query was forgotten");
        let waiting = crowd.tasks.len();
        let heard = crowd.heard.borrow().len();
        prop_assert!(waiting == 0 || heard == crowd.sent, "a waiter was forgotten");
        crowd.tasks.clear();
        for _ in heard..crowd.sent {
            crowd.take(&Step::Wait);
            crowd.settle();
        }
        let heard = crowd.heard.borrow();
        prop_assert!(heard.iter().copied().eq(0..crowd.sent), "{heard:?}");
        prop_assert_eq!(run(crowd.shared.execute("rows 5", ())).unwrap().unwrap(), 5);
        prop_assert!(crowd.shared.is_idle() && crowd.server.is_idle());
    }
}
