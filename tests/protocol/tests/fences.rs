//! Fences: what goes before them, what waits behind them, and what may not stand there.

use purepg_proto::{Batch, Bind, Limits, Replication, RowShape, Target, UsageError};
use purepg_testkit::backend::{command_complete, ready};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::{Driver, startup};

fn connected_with(limits: Limits) -> (Driver, ModelServer) {
    let mut server = ModelServer::new(Auth::Trust);
    let mut driver = Driver::new(startup(), limits);
    assert_eq!(driver.converse(&mut server), ["Ready"]);
    (driver, server)
}

fn statement(batch: &mut Batch<'_>, sql: &str) {
    batch.parse("", sql, &[]);
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .unwrap()
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

/// Through either protocol, without a Sync.
fn begin(driver: &mut Driver, simple: bool, sql: &str) {
    driver.begin(|batch| {
        if simple {
            batch.query(sql);
        } else {
            statement(batch, sql);
        }
    });
}

/// The same, declared to be a COPY.
fn begin_copy(driver: &mut Driver, simple: bool, sql: &str) {
    driver.begin(|batch| {
        if simple {
            batch.query(sql);
        } else {
            statement(batch, sql);
        }
        batch.copy_in();
    });
}

fn ends(lines: &[String]) -> Vec<&str> {
    let finished = lines.iter().filter(|line| line.contains(" Finished "));
    finished.map(String::as_str).collect()
}

#[test]
fn what_waits_behind_a_fence_is_no_backpressure_for_the_data() {
    for simple in [true, false] {
        let mut limits = Limits::default();
        limits.output_high_water = 1_000;
        let (mut driver, mut server) = connected_with(limits);
        begin_copy(&mut driver, simple, "copy in");
        driver.query(&format!("insert {}", "x".repeat(2_000)));
        driver.converse(&mut server);
        assert!(!driver.core.wants_write());
        let data = [b'x'; 3_000];
        let taken = driver.core.copy_data(driver.ops[0], &data);
        assert_eq!(taken, Ok(1_000), "nothing that could be sent waits");
        assert_eq!(driver.core.copy_data(driver.ops[0], &data), Ok(0));
        driver.converse(&mut server);
        driver.data(0, b"x");
        driver.done(0);
        assert_eq!(
            ends(&driver.converse(&mut server)),
            ["op0 Finished Complete", "op1 Finished Complete"]
        );
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

/// Sends the first `n` bytes of what waits.
fn pass(driver: &mut Driver, server: &mut ModelServer, n: usize) {
    server.receive(&driver.core.output()[..n]);
    driver.core.output_sent(n);
}

fn pass_all(driver: &mut Driver, server: &mut ModelServer) {
    let all = driver.core.output().len();
    pass(driver, server, all);
}

#[test]
fn a_sync_that_was_not_sent_was_not_swallowed() {
    for simple in [true, false] {
        for sent in 0..=10 {
            let (mut driver, mut server) = connected_with(Limits::default());
            begin(&mut driver, simple, "copy in");
            let before = driver.core.output().len();
            // Of the two messages that make it, the first may be sent alone.
            driver.begin(|batch| {
                batch.flush().sync();
            });
            pass(&mut driver, &mut server, before + sent);
            let mut lines = driver.feed(&server.take_output());
            lines.extend(driver.converse(&mut server));
            assert_eq!(ends(&lines).len(), 2, "{simple} {sent}: {lines:?}");
            assert_eq!(ends(&lines)[1], "op1 Finished Complete");
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn a_copy_that_is_abandoned_before_a_good_bye_ends() {
    for simple in [true, false] {
        for all in [true, false] {
            for begun in [true, false] {
                let (mut driver, mut server) = connected_with(Limits::default());
                begin_copy(&mut driver, simple, "copy in");
                driver.query("insert 1");
                begin_copy(&mut driver, simple, "copy in");
                if begun {
                    driver.converse(&mut server);
                } else {
                    pass(&mut driver, &mut server, 7);
                }
                driver.core.terminate();
                if all {
                    driver.core.abandon_all();
                } else {
                    (0..3).for_each(|op| driver.abandon(op));
                }
                let lines = driver.converse(&mut server);
                assert_eq!(lines[0], "Closed Terminated", "{simple} {all} {begun}");
                assert!(server.is_closed() && server.effects().is_empty());
                assert_eq!(server.received().last(), Some(&Frontend::Terminate));
            }
        }
    }
}

#[test]
fn nothing_stands_behind_a_good_bye() {
    // A segment that is left open, and one that fails.
    for sql in ["select 1", "nonsense"] {
        let (mut driver, mut server) = connected_with(Limits::default());
        driver.begin(|batch| {
            batch.parse("", sql, &[]).flush();
        });
        let before = driver.core.output().len();
        driver.core.terminate();
        pass(&mut driver, &mut server, before);
        driver.feed(&server.take_output());
        driver.abandon(0);
        driver.core.abandon_all();
        assert_eq!(driver.core.output(), b"X\0\0\0\x04");
        assert_eq!(driver.converse(&mut server)[0], "Closed Terminated");
    }
}

#[test]
fn what_holds_back_the_rest_does_not_cut_a_good_bye_in_two() {
    for sent in 0..=5 {
        let (mut driver, mut server) = connected_with(Limits::default());
        begin(&mut driver, false, "insert 'copy'");
        driver.core.terminate();
        let n = driver.core.output().len() - 5 + sent;
        pass(&mut driver, &mut server, n);
        driver.abandon(0);
        let lines = driver.converse(&mut server);
        assert_eq!(lines[0], "Closed Terminated", "{sent}: {lines:?}");
        assert_eq!(server.received().last(), Some(&Frontend::Terminate));
    }
}

#[test]
fn behind_an_abandoned_copy_and_its_syncs_the_rest_waits() {
    for simple in [true, false] {
        for sql in ["copy in", "insert 'copy'", "fail copy", "copy out 3"] {
            for all in [true, false] {
                for syncs in 0..3 {
                    // A Flush and a Sync, of which both are sent, the Flush alone, or neither.
                    for unsent in [0, 5, 10] {
                        let (mut driver, mut server) = connected_with(Limits::default());
                        begin(&mut driver, simple, sql);
                        (0..syncs).for_each(|_| driver.sync());
                        driver.begin(|batch| {
                            batch.flush().sync();
                        });
                        let n = driver.core.output().len() - unsent;
                        pass(&mut driver, &mut server, n);
                        if all {
                            driver.core.abandon_all();
                            driver.core.abandon_all();
                        } else {
                            driver.abandon(0);
                            driver.abandon(0);
                        }
                        driver.query("insert 1");
                        let lines = driver.converse(&mut server);
                        let told = ends(&lines).len();
                        let name = format!("{simple} {sql} {all} {syncs} {unsent}: {lines:?}");
                        assert_eq!(told, if all { 1 } else { 2 + syncs }, "{name}");
                        assert_eq!(server.effects().last().unwrap(), "insert 1", "{name}");
                        assert!(driver.core.is_idle() && server.is_idle(), "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_copy_of_a_replication_connection_that_is_abandoned_amid_its_data_ends() {
    for data in [true, false] {
        for all in [true, false] {
            let mut server = ModelServer::new(Auth::Trust);
            let startup = startup().replication(Replication::Logical);
            let mut driver = Driver::new(startup, Limits::default());
            driver.converse(&mut server);
            begin_copy(&mut driver, true, "copy in");
            assert_eq!(driver.converse(&mut server), ["op0 CopyIn Text 1"]);
            if data {
                driver.data(0, b"a");
            }
            if all {
                driver.core.abandon_all();
            } else {
                driver.abandon(0);
            }
            driver.query("insert 1");
            let lines = driver.converse(&mut server);
            assert_eq!(ends(&lines), ["op1 Finished Complete"]);
            assert!(server.copied().is_empty() && driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn the_answer_to_a_prelude_lowers_no_fence() {
    for simple in [true, false] {
        let (mut driver, mut server) = connected_with(Limits::default());
        driver.begin(|batch| {
            batch.prelude("begin");
            if simple {
                batch.query("copy in");
            } else {
                statement(batch, "copy in");
            }
            batch.copy_in();
        });
        driver.query("commit");
        pass_all(&mut driver, &mut server);
        driver.core.recv_bytes(&server.take_output()).unwrap();
        // Whatever may be sent is sent behind each event.
        while driver.core.next_event().unwrap().is_some() {
            pass_all(&mut driver, &mut server);
        }
        driver.data(0, b"a");
        driver.done(0);
        let lines = driver.converse(&mut server);
        assert_eq!(ends(&lines).len(), 2, "{simple}: {lines:?}");
        assert_eq!(server.copied(), [b"a"]);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

/// The first one fails by itself, between its request for data and the data; the second one waits. Nobody had declared them.
#[test]
fn a_refusal_does_not_hit_the_next_copy() {
    for simple in [true, false] {
        let (mut driver, mut server) = connected_with(Limits::default());
        begin(&mut driver, simple, "copy in refused");
        driver.sync();
        begin(&mut driver, false, "copy in");
        driver.sync();
        pass_all(&mut driver, &mut server);
        driver.core.recv_bytes(&server.take_output()).unwrap();
        while driver.core.in_flight() > 2 {
            driver.core.next_event().unwrap();
        }
        assert!(
            !driver.core.wants_write(),
            "there is nothing left to refuse"
        );
        let lines = driver.converse(&mut server);
        assert!(ends(&lines)[0].starts_with("op2 Finished Failed 57014"));
        assert_eq!(ends(&lines)[1..], ["op3 Finished Complete"]);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn a_hundred_thousand_fences_are_lowered_in_no_time() {
    let mut server = ModelServer::new(Auth::Trust);
    let startup = startup().replication(Replication::Physical);
    let mut driver = Driver::new(startup, Limits::default());
    driver.converse(&mut server);
    (0..99_000).for_each(|_| driver.query("x"));
    let answer = [command_complete("X"), ready(b'I')].concat();
    // Were it quadratic, this would take minutes.
    while driver.core.in_flight() > 0 {
        driver.core.output_sent(driver.core.output().len());
        driver.core.recv_bytes(&answer).unwrap();
        while driver.core.next_event().unwrap().is_some() {}
    }
    assert!(driver.core.is_idle());
}
