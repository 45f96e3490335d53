//! The driver over a stream that does what no real socket does when it is asked to.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use purepg_conn::{
    BoxFuture, Config, Connection, Endpoint, Error, Runtime, SocketOptions, SslMode,
};
use purepg_testkit::backend;

/// What the stream does.
#[derive(Default)]
struct Script {
    input: VecDeque<u8>,
    /// Given again and again once `input` is empty.
    forever: Vec<u8>,
    ends: bool,
    written: Vec<u8>,
    reads: usize,
    write_fails: bool,
    takes_nothing: bool,
    flush_fails: bool,
    interrupted_flushes: usize,
    /// Timers are over at once.
    time_flies: bool,
}

/// A stream, and the runtime that opens it.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

impl Scripted {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    fn say(&self, messages: &[Vec<u8>]) {
        self.script().input.extend(messages.concat());
    }
}

impl AsyncRead for Scripted {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut script = self.script();
        script.reads += 1;
        if script.input.is_empty() {
            if script.ends {
                return Poll::Ready(Ok(0));
            }
            if script.forever.is_empty() || script.reads > 1_000_000 {
                return Poll::Pending;
            }
            let again = script.forever.clone();
            script.input.extend(again);
        }
        let n = buf.len().min(script.input.len());
        for (to, from) in buf.iter_mut().zip(script.input.drain(..n)) {
            *to = from;
        }
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut script = self.script();
        if script.write_fails {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if script.takes_nothing {
            return Poll::Ready(Ok(0));
        }
        script.written.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut script = self.script();
        if script.flush_fails {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let interrupted = script.interrupted_flushes > 0;
        script.interrupted_flushes = script.interrupted_flushes.saturating_sub(1);
        let error = io::Error::from(io::ErrorKind::Interrupted);
        Poll::Ready(if interrupted { Err(error) } else { Ok(()) })
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Runtime for Scripted {
    type Stream = Self;

    fn connect(&self, _: &Endpoint, _: &SocketOptions) -> BoxFuture<'static, io::Result<Self>> {
        let stream = self.clone();
        Box::pin(async { Ok(stream) })
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        if self.script().time_flies {
            Box::pin(std::future::ready(()))
        } else {
            Box::pin(std::future::pending())
        }
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        job();
        Box::pin(async {})
    }
}

fn open() -> (Connection<Scripted>, Scripted) {
    let scripted = Scripted::default();
    scripted.say(&[backend::let_in()]);
    let config = Config::new("127.0.0.1", "u").ssl_mode(SslMode::Disable);
    let conn = once(purepg_conn::connect(Arc::new(scripted.clone()), &config));
    scripted.script().reads = 0;
    scripted.script().written.clear();
    (conn.unwrap().unwrap(), scripted)
}

/// Polls once.
fn once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn columns() -> Vec<u8> {
    backend::row_description(&[("a", 25, 0)])
}

fn fatal() -> Vec<u8> {
    backend::error_response("FATAL", "57P01", "terminating")
}

#[test]
fn rows_that_nobody_wants_starve_nobody() {
    let (mut conn, server) = open();
    server.say(&[columns()]);
    drop(once(conn.query("select 1", ())).unwrap().unwrap());
    server.script().forever = backend::data_row(&[Some("x".repeat(100))]).repeat(50);
    assert!(once(conn.ping()).is_none());
    let reads = server.script().reads;
    assert!(reads < 1_000, "{reads} reads in one poll");
}

#[test]
fn one_large_row_starves_nobody() {
    let (mut conn, server) = open();
    server.say(&[
        columns(),
        backend::data_row(&[Some(vec![b'x'; 90_000_000])]),
    ]);
    assert!(once(conn.fetch("select 1", ())).is_none());
    let reads = server.script().reads;
    assert!(reads < 1_000, "{reads} reads in one poll");
}

#[test]
fn an_error_behind_which_the_connection_ends_is_not_recoverable() {
    for last_words in [Vec::new(), fatal()] {
        let (mut conn, server) = open();
        let error = backend::error_response("ERROR", "22012", "division by zero");
        server.say(&[error, last_words]);
        server.script().ends = true;
        let error = once(conn.fetch("select 1/0", ())).unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), Some("22012"));
        assert!(conn.is_dead() && !error.is_recoverable(), "{error:?}");
    }
}

/// Runs a statement with three sets of no parameters, that many rows each; says the last words once all was sent.
fn many(rows: u64, last_words: &[u8]) -> (Result<u64, Error>, bool) {
    let (mut conn, server) = open();
    let done = backend::command_complete(&format!("INSERT 0 {rows}"));
    server.say(&[
        backend::parse_complete(),
        backend::parameter_description(&[]),
        backend::no_data(),
        [backend::bind_complete(), done].concat().repeat(3),
    ]);
    let result = {
        let mut many = pin!(conn.execute_many("insert into t default values", [(); 3]));
        assert!(once(many.as_mut()).is_none());
        let sync = b"S\0\0\0\x04";
        assert!(server.script().written.ends_with(sync));
        server.say(&[last_words.to_vec()]);
        server.script().ends = true;
        once(many).unwrap()
    };
    (result, conn.is_dead())
}

#[test]
fn sets_whose_commit_nobody_confirmed_are_not_told_to_be_done() {
    let garbage = backend::message(b'?', &[]);
    for last_words in [Vec::new(), fatal(), garbage] {
        let (result, is_dead) = many(1, &last_words);
        let error = result.unwrap_err();
        assert!(is_dead && !error.is_retryable(), "{error:?}");
    }
}

#[test]
fn rows_that_no_server_can_have_counted_are_no_panic() {
    let confirmed = backend::ready(b'I');
    assert_eq!(many(1, &confirmed).0.unwrap(), 3);
    assert_eq!(many(u64::MAX, &confirmed).0.unwrap(), u64::MAX);
}

#[test]
fn a_malformed_row_ends_the_stream() {
    let (mut conn, server) = open();
    let mut malformed = backend::data_row(&[Some("x")]);
    let length = malformed.len() - 5;
    malformed[length..length + 4].copy_from_slice(&100_i32.to_be_bytes());
    let done = [backend::command_complete("SELECT 2"), backend::ready(b'I')].concat();
    server.say(&[columns(), malformed, backend::data_row(&[Some("y")]), done]);
    let mut rows = once(conn.query("select 1", ())).unwrap().unwrap();
    assert!(matches!(
        once(rows.next()).unwrap(),
        Some(Err(Error::Decode(_)))
    ));
    assert!(
        once(rows.next()).unwrap().is_none(),
        "after an error there are no more"
    );
    drop(rows);
    assert!(!conn.is_dead(), "a field is an error of its own");
}

#[test]
fn the_reason_of_the_end_is_known_wherever_a_future_was_dropped() {
    for notices in 1_000..1_040 {
        let (mut conn, server) = open();
        server.say(&[
            backend::notice_response("NOTICE", "00000", "n").repeat(notices),
            fatal(),
        ]);
        drop(once(conn.ping()));
        let error = once(conn.ping()).unwrap().unwrap_err();
        assert_eq!(error.sqlstate(), Some("57P01"), "{notices}: {error:?}");
    }
}

#[test]
fn an_interrupted_flush_is_tried_again() {
    let (mut conn, server) = open();
    server.script().interrupted_flushes = 2;
    assert!(once(conn.ping()).is_none());
    assert_eq!(
        server.script().interrupted_flushes,
        0,
        "nobody would wake it to flush again"
    );
}

#[test]
fn what_cannot_be_written_is_told_in_time() {
    let (mut conn, server) = open();
    server.script().write_fails = true;
    assert!(once(conn.ping()).is_none(), "the server may still say why");
    let (mut conn, server) = open();
    server.script().write_fails = true;
    server.script().time_flies = true;
    let error = once(conn.ping()).unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    );
    let (mut conn, server) = open();
    server.script().write_fails = true;
    server.say(&[fatal()]);
    let error = once(conn.ping()).unwrap().unwrap_err();
    assert_eq!(error.sqlstate(), Some("57P01"), "its last words come first");
    // A good-bye is not worth the wait, however the stream refuses it.
    let (conn, server) = open();
    server.script().write_fails = true;
    assert!(matches!(once(conn.close()).unwrap(), Err(Error::Io { .. })));
    let (conn, server) = open();
    server.script().takes_nothing = true;
    assert!(matches!(once(conn.close()).unwrap(), Err(Error::Io { .. })));
    let (conn, server) = open();
    server.script().flush_fails = true;
    assert!(matches!(once(conn.close()).unwrap(), Err(Error::Io { .. })));
}

#[test]
fn acceptance_107_what_the_server_says_decides_what_may_be_tried_again() {
    for (severity, sqlstate, retryable) in [
        ("ERROR", "40001", true),
        ("ERROR", "40P01", true),
        ("FATAL", "40001", true), // a conflict with recovery
        ("FATAL", "57P05", true),
        ("FATAL", "57P03", true),
        ("FATAL", "53300", true),
        ("ERROR", "57P05", false),
        ("ERROR", "40000", false),
        ("ERROR", "40002", false),
        ("ERROR", "40003", false),
        ("FATAL", "57P01", false),
        ("FATAL", "57P02", false),
        ("FATAL", "57P04", false),
        ("FATAL", "25P03", false),
        ("FATAL", "08P01", false),
        ("FATAL", "08006", false),
        ("ERROR", "08001", false),
        ("ERROR", "23505", false),
        ("ERROR", "", false),
    ] {
        let (mut conn, server) = open();
        server.say(&[backend::error_response(severity, sqlstate, "x")]);
        if severity == "ERROR" {
            server.say(&[backend::ready(b'I')]);
        }
        let error = once(conn.execute("select 1", ())).unwrap().unwrap_err();
        assert_eq!(error.is_retryable(), retryable, "{severity} {sqlstate}");
        let again = once(conn.execute("select 1", ()));
        if severity == "FATAL" {
            let error = again.unwrap().unwrap_err();
            assert!(error.is_retryable(), "nothing is sent any more: {error:?}");
        }
    }
}

#[test]
fn acceptance_107_what_no_socket_has_taken_may_be_tried_again() {
    let (mut conn, server) = open();
    server.script().write_fails = true;
    server.say(&[fatal()]);
    let error = once(conn.ping()).unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let (mut conn, server) = open();
    server.script().takes_nothing = true;
    server.script().ends = true;
    let error = once(conn.fetch("select 1", ())).unwrap().unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.is_retryable());
    // What an earlier call has sent is not this call's.
    let (mut conn, server) = open();
    assert!(once(conn.ping()).is_none());
    server.script().write_fails = true;
    server.script().ends = true;
    let error = once(conn.fetch("select 1", ())).unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    // It was taken.
    let (mut conn, server) = open();
    server.script().ends = true;
    let error = once(conn.fetch("select 1", ())).unwrap().unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    let (conn, server) = open();
    server.script().write_fails = true;
    let error = once(conn.close()).unwrap().unwrap_err();
    assert!(!error.is_retryable(), "there is nothing to try again");
}

#[test]
fn a_refused_call_leaves_facts() {
    let (mut conn, server) = open();
    server.say(&[columns()]);
    drop(once(conn.query("select 1", ())).unwrap().unwrap());
    server.say(&[backend::command_complete("SELECT 0"), backend::ready(b'T')]);
    assert!(matches!(
        once(conn.prepare("a\0")).unwrap(),
        Err(Error::Usage(_))
    ));
    assert!(conn.is_ready() && conn.in_transaction());
}

#[test]
fn a_notification_before_the_end_is_heard() {
    let (mut conn, server) = open();
    server.say(&[backend::notification(1, "c", "p"), fatal()]);
    assert_eq!(once(conn.notification()).unwrap().unwrap().payload(), "p");
    assert!(once(conn.notification()).unwrap().is_err());
}

#[test]
fn a_statement_is_closed_once() {
    let (mut conn, server) = open();
    let described = [
        backend::parse_complete(),
        backend::parameter_description(&[]),
    ]
    .concat();
    server.say(&[described, backend::no_data(), backend::ready(b'I')]);
    drop(once(conn.prepare("select")).unwrap().unwrap());
    server.script().written.clear();
    for _ in 0..5 {
        assert!(once(conn.ping()).is_none());
    }
    let written = server.script().written.clone();
    let closes = written.windows(3).filter(|bytes| *bytes == b"Spu").count();
    assert_eq!(closes, 1, "{}", written.escape_ascii());
}
