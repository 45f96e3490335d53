//! What is done to a core whose connection has ended, however it ended: nothing goes on, nothing is sent, and the answer is always the same.

use purepg_proto::{CopyEnd, UsageError};
use purepg_testkit::backend::{copy_in_response, error_response, ready};
use purepg_testkit::frontend::Frontend;
use purepg_tests_protocol::driver::Driver;

/// A core amid a COPY, with a query behind it, that then ends in some way, and what it tells of that.
fn ended(end: impl FnOnce(&mut Driver)) -> (Driver, Vec<String>) {
    let mut driver = Driver::open();
    driver.copy_in("copy t from stdin");
    driver.query("select 1");
    driver.send();
    assert_eq!(driver.feed(&copy_in_response(1)).len(), 1);
    end(&mut driver);
    let lines = driver.take();
    for op in ["op0", "op1"] {
        let finished = format!("{op} Finished ");
        let ends = lines.iter().filter(|line| line.starts_with(&finished));
        assert_eq!(ends.count(), 1, "each operation ends once: {lines:?}");
    }
    let closed = lines.iter().filter(|line| line.starts_with("Closed "));
    assert_eq!(closed.count(), 1, "{lines:?}");
    assert!(lines.last().unwrap().starts_with("Err "), "{lines:?}");
    (driver, lines)
}

/// Everything that can be done to it, one after the other.
fn stays_ended(driver: &mut Driver, lines: &[String]) {
    let last = lines.last().unwrap();
    for _ in 0..2 {
        // Input.
        assert!(!driver.core.wants_read() && driver.core.recv_space().is_empty());
        let refused = driver.core.recv_bytes(&ready(b'I'));
        assert_eq!(refused, Err(UsageError::InputNotWanted));
        driver.core.recv_eof();
        driver.core.recv_eof();
        // Output.
        let mut batch = driver.core.batch();
        batch.query("select 2");
        assert_eq!(batch.commit(), Err(UsageError::Ended));
        let (copy, core) = (driver.ops[0], &mut driver.core);
        let not_copying = Err(UsageError::NotCopying);
        assert_eq!(
            core.copy_data(copy, b"1\n"),
            not_copying.clone().map(|()| 0)
        );
        assert_eq!(core.copy_finish(copy, CopyEnd::Done), not_copying);
        driver.core.abandon(driver.ops[0]);
        driver.core.abandon_all();
        // The end, once more.
        driver.core.terminate();
        assert!(!driver.core.wants_write() && driver.core.output().is_empty());
        assert_eq!(
            driver.take(),
            std::slice::from_ref(last),
            "the error stays what it was"
        );
        assert!(driver.core.is_dead() && !driver.core.is_open() && !driver.core.is_idle());
        assert_eq!(driver.core.in_flight(), 0);
    }
}

#[test]
fn acceptance_124_behind_the_end_of_the_stream() {
    let (mut driver, lines) = ended(|driver| driver.core.recv_eof());
    stays_ended(&mut driver, &lines);
}

#[test]
fn acceptance_124_behind_a_fatal_error() {
    let (mut driver, lines) = ended(|driver| {
        let fatal = error_response("FATAL", "57P01", "bye");
        driver.core.recv_bytes(&fatal).unwrap();
    });
    stays_ended(&mut driver, &lines);
}

#[test]
fn acceptance_124_behind_a_breach_of_the_protocol() {
    let (mut driver, lines) = ended(|driver| {
        // What comes behind it is not looked at, be it the end that was awaited.
        let bytes = [b"?\0\0\0\x04".to_vec(), ready(b'I')].concat();
        driver.core.recv_bytes(&bytes).unwrap();
    });
    stays_ended(&mut driver, &lines);
}

#[test]
fn acceptance_124_behind_a_misuse() {
    let (mut driver, lines) = ended(|driver| driver.core.output_sent(1));
    stays_ended(&mut driver, &lines);
}

#[test]
fn acceptance_124_behind_a_good_bye() {
    // Said twice, it is sent once, behind what was asked for.
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.core.terminate();
    driver.core.terminate();
    let mut batch = driver.core.batch();
    batch.query("select 2");
    assert_eq!(batch.commit(), Err(UsageError::Terminating));
    let sent = driver.send();
    assert_eq!(sent.last(), Some(&Frontend::Terminate));
    assert_eq!(sent.len(), 2);
    driver.core.terminate();
    assert_eq!(driver.send(), []);
    let lines = driver.eof();
    assert_eq!(lines[..2], ["op0 Finished Lost", "Closed Terminated"]);
    stays_ended(&mut driver, &lines);
    // Before it is open there is nobody to say it to.
    let mut driver = Driver::new(
        purepg_tests_protocol::driver::startup(),
        purepg_proto::Limits::default(),
    );
    driver.send();
    driver.core.terminate();
    assert_eq!(driver.send(), []);
    let lines = driver.eof();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(driver.take(), lines[1..]);
}

#[test]
fn acceptance_124_what_had_arrived_is_told_before_the_end() {
    let (mut driver, lines) = ended(|driver| {
        let error = error_response("ERROR", "22P02", "bad data");
        driver.core.recv_bytes(&error).unwrap();
        driver.core.recv_eof();
    });
    assert_eq!(
        lines[..2],
        ["op0 Finished Failed 22P02 bad data", "op1 Finished Lost"]
    );
    stays_ended(&mut driver, &lines);
}
