//! Operations: begun, answered, skipped, abandoned, lost.

use std::sync::Arc;

use purepg_proto::{
    Batch, Bind, Column, Columns, Connection, Format, Limits, RowShape, Target, TransactionStatus,
    UsageError,
};
use purepg_testkit::backend::{
    bind_complete, command_complete, copy_data, copy_done, copy_in_response, copy_out_response,
    data_row, empty_query, error_response, message, no_data, notice_response, notification,
    parameter_status, parse_complete, portal_suspended, ready, row_description,
};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::{Driver, startup};

const NO_LINES: [&str; 0] = [];

/// Parse, Bind, Describe, Execute, without a Sync.
fn statement(batch: &mut Batch<'_>, sql: &str) {
    batch.parse("", sql, &[]);
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .unwrap()
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

fn synced(batch: &mut Batch<'_>, sql: &str) {
    statement(batch, sql);
    batch.sync();
}

/// A core and a server that are connected.
fn connected() -> (Driver, ModelServer) {
    let mut server = ModelServer::new(Auth::Trust);
    let mut driver = Driver::new(startup(), Limits::default());
    assert_eq!(driver.converse(&mut server), ["Ready"]);
    (driver, server)
}

fn one_row() -> Vec<u8> {
    [
        row_description(&[("a", 23, 0)]),
        data_row(&[Some("1")]),
        command_complete("SELECT 1"),
    ]
    .concat()
}

fn failure() -> Vec<u8> {
    error_response("ERROR", "22012", "division by zero")
}

/// Only these lines, of the operation `op`, and how it ended.
fn ends(lines: &[String]) -> Vec<&str> {
    let finished = lines.iter().filter(|line| line.contains(" Finished "));
    finished.map(String::as_str).collect()
}

#[test]
fn a_query_is_answered_statement_by_statement() {
    let mut driver = Driver::open();
    driver.query("three statements");
    assert_eq!((driver.core.in_flight(), driver.core.is_idle()), (1, false));
    assert_eq!(driver.send(), [Frontend::Query("three statements".into())]);
    let answer = [
        one_row(),
        empty_query(),
        command_complete("SET"),
        ready(b'I'),
    ]
    .concat();
    assert_eq!(
        driver.feed(&answer),
        [
            "op0 Columns a:23:Text",
            "op0 row \"1\"",
            "op0 StatementComplete SELECT 1",
            "op0 EmptyQuery",
            "op0 StatementComplete SET",
            "op0 Finished Complete",
        ]
    );
    assert!(driver.core.is_idle());
}

#[test]
fn an_operation_is_over_with_its_last_message() {
    let mut driver = Driver::open();
    driver.begin(|batch| statement(batch, "select 1"));
    driver.begin(|batch| synced(batch, "select 2"));
    driver.send();
    let first = [parse_complete(), bind_complete(), one_row()].concat();
    assert_eq!(ends(&driver.feed(&first)), ["op0 Finished Complete"]);
    assert_eq!((driver.core.in_flight(), driver.core.is_idle()), (1, false));
    assert_eq!(
        ends(&driver.feed(&first)),
        NO_LINES,
        "the Sync belongs to it"
    );
    assert_eq!(driver.feed(&ready(b'I')), ["op1 Finished Complete"]);
    assert!(driver.core.is_idle());
}

#[test]
fn acceptance_53_behind_an_error_everything_is_skipped_up_to_the_sync() {
    let mut driver = Driver::open();
    driver.begin(|batch| statement(batch, "fail"));
    driver.begin(|batch| statement(batch, "select 1"));
    driver.query("select 2");
    driver.begin(|batch| synced(batch, "select 3"));
    driver.query("select 4");
    driver.send();
    let answer = [parse_complete(), failure()].concat();
    assert_eq!(
        driver.feed(&answer),
        [
            "op0 Prepared",
            "op0 Finished Failed 22012 division by zero",
            "op1 Finished Skipped",
            "op2 Finished Skipped",
        ]
    );
    assert_eq!(driver.feed(&ready(b'I')), ["op3 Finished Skipped"]);
    let answer = [one_row(), ready(b'I')].concat();
    assert_eq!(ends(&driver.feed(&answer)), ["op4 Finished Complete"]);
    assert!(driver.core.is_idle());
}

#[test]
fn an_error_at_the_sync_fails_its_owner_alone() {
    let mut driver = Driver::open();
    driver.begin(|batch| synced(batch, "insert 1 deferred"));
    driver.begin(|batch| statement(batch, "select 1"));
    driver.sync();
    driver.send();
    let first = [
        parse_complete(),
        bind_complete(),
        no_data(),
        command_complete("INSERT 0 1"),
        error_response("ERROR", "23503", "deferred"),
        ready(b'I'),
    ];
    assert_eq!(
        driver.feed(&first.concat())[3..],
        [
            "op0 StatementComplete INSERT 0 1",
            "op0 Finished Failed 23503 deferred"
        ]
    );
    let second = [parse_complete(), bind_complete(), one_row(), ready(b'I')].concat();
    assert_eq!(
        ends(&driver.feed(&second)),
        ["op1 Finished Complete", "op2 Finished Complete"]
    );
}

#[test]
fn an_error_in_an_open_segment_gets_a_sync() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| {
        batch.parse("", "nonsense", &[]).flush();
    });
    let lines = driver.converse(&mut server);
    assert!(
        lines[0].starts_with("op0 Finished Failed 42601"),
        "{lines:?}"
    );
    assert_eq!(server.received().last(), Some(&Frontend::Sync));
    assert!(driver.core.is_idle() && server.is_idle());
    // A query that was sent before the error was known is skipped, and the Sync stands behind it.
    driver.begin(|batch| {
        batch.parse("", "nonsense", &[]).flush();
    });
    driver.query("insert 1");
    let lines = driver.converse(&mut server);
    assert_eq!(ends(&lines)[1..], ["op2 Finished Skipped"]);
    assert!(server.effects().is_empty() && driver.core.is_idle() && server.is_idle());
}

#[test]
fn a_segment_that_is_open_is_not_idle() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| {
        batch
            .parse("s", "select 1", &[])
            .describe(Target::Statement("s"))
            .flush();
    });
    let lines = driver.converse(&mut server);
    assert_eq!(ends(&lines), ["op0 Finished Complete"]);
    assert_eq!((driver.core.in_flight(), driver.core.is_idle()), (0, false));
    driver.sync();
    assert_eq!(driver.converse(&mut server), ["op1 Finished Complete"]);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn acceptance_65_the_end_of_the_stream_loses_each_operation_once() {
    let mut driver = Driver::open();
    for sql in ["one", "two", "three"] {
        driver.query(sql);
    }
    driver.begin(|batch| statement(batch, "four"));
    driver.send();
    driver.abandon(1);
    driver.feed(&[one_row(), ready(b'I'), one_row()].concat());
    let lines = driver.eof();
    assert_eq!(
        lines[..3],
        [
            "op2 Finished Lost",
            "op3 Finished Lost",
            "Closed Protocol the server closed the connection unexpectedly (state Query)",
        ]
    );
    assert_eq!(
        lines[3],
        "Err the server closed the connection unexpectedly (state Query)"
    );
    assert_eq!(lines.len(), 4);
    assert_eq!(driver.take(), lines[3..], "and so for ever");
    assert_eq!((driver.core.in_flight(), driver.core.is_dead()), (0, true));
}

#[test]
fn what_has_failed_already_is_not_lost() {
    let mut driver = Driver::open();
    driver.begin(|batch| synced(batch, "fail"));
    driver.query("insert 1");
    driver.send();
    assert_eq!(driver.feed(&failure()), NO_LINES);
    let lines = driver.eof();
    assert_eq!(
        lines[..2],
        [
            "op0 Finished Failed 22012 division by zero",
            "op1 Finished Lost"
        ]
    );
}

#[test]
fn last_words_win_over_the_end_of_the_stream() {
    let (mut driver, mut server) = connected();
    driver.query("select 1; fatal");
    driver.query("select 2");
    let lines = driver.converse(&mut server);
    assert_eq!(
        lines[3..6],
        [
            "op0 Finished Lost",
            "op1 Finished Lost",
            "Closed Fatal 57P01 terminating connection due to administrator command",
        ]
    );
    // Also when nobody has asked for anything.
    let mut driver = Driver::open();
    driver
        .core
        .recv_bytes(&error_response("FATAL", "57P01", "bye"))
        .unwrap();
    driver.core.recv_eof();
    assert_eq!(driver.take()[0], "Closed Fatal 57P01 bye");
    // Half a word is none.
    let mut driver = Driver::open();
    driver
        .core
        .recv_bytes(&error_response("FATAL", "57P01", "bye")[..20])
        .unwrap();
    assert!(driver.eof()[0].starts_with("Closed Protocol the server closed"));
}

#[test]
fn what_nobody_asked_for_comes_at_any_moment() {
    let aside = [
        notice_response("NOTICE", "00000", "n"),
        notification(7, "c", "p"),
        parameter_status("TimeZone", "UTC"),
    ]
    .concat();
    let told = [
        "Notice 00000 n",
        "Notification c p",
        "Parameter TimeZone=UTC",
    ];
    let mut driver = Driver::open();
    assert_eq!(driver.feed(&aside), told);
    driver.begin(|batch| synced(batch, "select 1"));
    driver.query("copy out");
    driver.begin(|batch| synced(batch, "fail"));
    driver.send();
    let answers = [
        vec![parse_complete(), bind_complete()],
        vec![row_description(&[("a", 23, 0)]), data_row(&[Some("1")])],
        vec![command_complete("SELECT 1"), ready(b'I')],
        vec![copy_out_response(1), copy_data(b"x"), copy_done()],
        vec![command_complete("COPY 1"), ready(b'I')],
        vec![failure(), ready(b'I')],
    ];
    for answer in answers.concat() {
        let without = driver.feed(&answer);
        assert!(!without.iter().any(|line| told.contains(&line.as_str())));
        assert_eq!(
            driver.feed(&aside),
            told,
            "behind {}",
            answer.escape_ascii()
        );
    }
    assert_eq!(driver.core.parameter("TimeZone"), Some("UTC"));
    assert!(driver.core.is_idle());
}

#[test]
fn what_is_abandoned_before_it_was_sent_never_happened() {
    let (mut driver, mut server) = connected();
    driver.query("insert 1");
    driver.begin(|batch| synced(batch, "insert 2"));
    driver.query("insert 3");
    driver.abandon(1);
    assert_eq!(driver.core.in_flight(), 2);
    driver.abandon(2);
    driver.query("insert 4");
    driver.abandon(0);
    assert_eq!(driver.converse(&mut server).len(), 2);
    assert_eq!(server.effects(), ["insert 4"]);
    assert!(driver.core.is_idle() && server.is_idle());
    // All of it: nothing is left to send.
    driver.query("insert 5");
    driver.abandon(4);
    assert!(!driver.core.wants_write() && driver.core.is_idle());
}

#[test]
fn what_was_sent_in_part_is_sent_to_its_end() {
    let length = |driver: &Driver| driver.core.output().len();
    let begin = || {
        let (mut driver, server) = connected();
        driver.query("select 1");
        let first = length(&driver);
        driver.begin(|batch| synced(batch, "rows 3"));
        driver.query("insert 2");
        (driver, server, first)
    };
    for sent in 1..=length(&begin().0) {
        let (mut driver, mut server, first) = begin();
        server.receive(&driver.core.output()[..sent]);
        driver.core.output_sent(sent);
        driver.abandon(1);
        let lines = driver.converse(&mut server);
        assert_eq!(
            ends(&lines),
            ["op0 Finished Complete", "op2 Finished Complete"]
        );
        assert!(!lines.iter().any(|line| line.starts_with("op1")));
        assert_eq!(server.effects(), ["insert 2"]);
        assert!(driver.core.is_idle() && server.is_idle());
        let came = |message: &Frontend| matches!(message, Frontend::Parse { .. });
        assert_eq!(
            server.received().iter().any(came),
            sent > first,
            "it is taken back as long as that is possible"
        );
    }
}

#[test]
fn what_was_sent_is_muted() {
    let (mut driver, mut server) = connected();
    driver.query("rows 3; fail");
    driver.query("notice hello; insert 1");
    driver.query("select 1");
    server.receive(driver.core.output());
    driver.send();
    driver.abandon(0);
    driver.abandon(1);
    driver.abandon(1);
    let lines = driver.converse(&mut server);
    assert_eq!(lines[0], "Notice 00000 hello", "a notice surfaces");
    assert!(
        lines[1..].iter().all(|line| line.starts_with("op2")),
        "{lines:?}"
    );
    assert_eq!(server.effects(), ["insert 1"], "it had been sent");
    assert_eq!(driver.core.muted_errors(), 1);
    assert!(driver.core.is_idle());
}

#[test]
fn it_can_be_abandoned_at_every_message() {
    for cut in 0..12 {
        let (mut driver, mut server) = connected();
        driver.begin(|batch| statement(batch, "rows 2"));
        driver.begin(|batch| synced(batch, "select 7"));
        server.receive(driver.core.output());
        driver.send();
        driver.core.recv_bytes(&server.take_output()).unwrap();
        for _ in 0..cut {
            driver.core.next_event().unwrap();
        }
        driver.abandon(0);
        let lines = driver.converse(&mut server);
        assert!(
            !lines.iter().any(|line| line.starts_with("op0")),
            "{cut}: {lines:?}"
        );
        // Six events belong to it: two of the statement, columns, rows, completion, the end.
        let expected = if cut <= 6 { 6 } else { 12 - cut };
        assert_eq!(lines.len(), expected, "{cut}: {lines:?}");
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

/// Executes the statement `s` once for each of these values, in one operation.
fn several<'b, 'c>(batch: &'b mut Batch<'c>, values: &[&[u8]]) -> &'b mut Batch<'c> {
    let what = Bind {
        statement: "s",
        parameter_formats: &[Format::Binary, Format::Text],
        ..Bind::default()
    };
    for (i, value) in values.iter().enumerate() {
        let bound: Result<_, UsageError> = if i == 0 {
            let bound = batch.bind(what, |values| {
                values.bytes(Some(value));
                values.bytes(None);
                Ok(())
            });
            bound.map(|batch| {
                let columns = Columns::from_iter([Column::new("a", 23, Format::Text)]);
                batch.execute("", None, RowShape::Known(Arc::new(columns)))
            })
        } else {
            batch.again(|values| {
                values.bytes(Some(value));
                values.bytes(None);
                Ok(())
            })
        };
        bound.unwrap();
    }
    batch
}

#[test]
fn what_is_executed_again_is_sent_like_the_first() {
    let large = vec![7; 200_000];
    let values: [&[u8]; 5] = [b"one", b"", b"three", &large, b"five"];
    let (mut driver, _) = connected();
    driver.begin(|batch| {
        several(batch, &values).sync();
    });
    let together = driver.core.output().to_vec();
    let (mut driver, _) = connected();
    for value in &values {
        driver.begin(|batch| {
            several(batch, &[value]);
        });
    }
    driver.begin(|batch| {
        batch.sync();
    });
    assert!(together == driver.core.output());
}

#[test]
fn each_execution_is_answered_and_the_operation_ends_once() {
    let (mut driver, _) = connected();
    driver.begin(|batch| {
        several(batch, &[b"1", b"2", b"3"]).sync();
    });
    driver.send();
    let round = [
        bind_complete(),
        data_row(&[Some("1")]),
        command_complete("SELECT 1"),
    ]
    .concat();
    let answers = [round.repeat(3), ready(b'I')].concat();
    for cut in 0..=answers.len() {
        let (mut driver, _) = connected();
        driver.begin(|batch| {
            several(batch, &[b"1", b"2", b"3"]).sync();
        });
        driver.send();
        let mut lines = driver.feed(&answers[..cut]);
        lines.extend(driver.feed(&answers[cut..]));
        let expected = [
            "op0 Bound",
            "op0 row \"1\"",
            "op0 StatementComplete SELECT 1",
            "op0 row \"1\"",
            "op0 StatementComplete SELECT 1",
            "op0 row \"1\"",
            "op0 StatementComplete SELECT 1",
            "op0 Finished Complete",
        ];
        assert_eq!(lines, expected, "{cut}");
        assert!(driver.core.is_idle());
    }
}

#[test]
fn the_first_error_ends_all_executions() {
    let answers = [
        bind_complete(),
        command_complete("INSERT 0 1"),
        bind_complete(),
        failure(),
        ready(b'I'),
    ];
    let (mut driver, _) = connected();
    driver.begin(|batch| {
        several(batch, &[b"1", b"2", b"3", b"4"]).sync();
    });
    driver.send();
    let lines = driver.feed(&answers.concat());
    let expected = ["op0 Bound", "op0 StatementComplete INSERT 0 1"];
    assert_eq!(lines[..2], expected);
    assert!(lines[2].starts_with("op0 Finished Failed"), "{lines:?}");
    assert_eq!(lines.len(), 3);
    assert!(driver.core.is_idle());
}

/// The newest operation.
fn sync_behind(driver: &mut Driver) -> Result<(), UsageError> {
    let op = *driver.ops.last().unwrap();
    driver.core.sync_behind(op)
}

#[test]
fn a_sync_put_behind_an_operation_is_as_one_in_its_batch() {
    let begin = |late: bool| {
        let (mut driver, server) = connected();
        driver.begin(|batch| statement(batch, "rows 2"));
        if late {
            driver.begin(|batch| statement(batch, "insert 1 deferred"));
            assert_eq!(sync_behind(&mut driver), Ok(()));
        } else {
            driver.begin(|batch| synced(batch, "insert 1 deferred"));
        }
        (driver, server)
    };
    let (early, late) = (begin(false).0, begin(true).0);
    assert_eq!(early.core.output(), late.core.output());
    let lines = |late| {
        let (mut driver, mut server) = begin(late);
        let lines = driver.converse(&mut server);
        assert!(driver.core.is_idle() && server.is_idle());
        lines
    };
    let lines = [lines(false), lines(true)];
    assert_eq!(lines[0], lines[1]);
    let ends = ends(&lines[1]);
    assert!(
        ends[0].contains("Complete") && ends[1].contains("Failed"),
        "the commit's error is its own: {ends:?}"
    );
    let left = |late: bool, op: usize| {
        let (mut driver, _) = begin(late);
        driver.abandon(op);
        driver.core.output().to_vec()
    };
    for op in [0, 1] {
        assert_eq!(left(false, op), left(true, op), "taken back");
    }
    let (mut driver, _) = begin(true);
    driver.core.abandon_all();
    assert!(driver.core.is_idle() && driver.core.output().is_empty());
}

#[test]
fn a_sync_is_put_behind_nothing_but_the_last_operation_before_it_is_sent() {
    let refused = Err(UsageError::NothingToSync);
    let (mut driver, mut server) = connected();
    driver.begin(|batch| statement(batch, "select 1"));
    driver.begin(|batch| statement(batch, "select 2"));
    let first = driver.ops[0];
    assert_eq!(driver.core.sync_behind(first), refused, "not the last one");
    assert_eq!(sync_behind(&mut driver), Ok(()));
    assert_eq!(sync_behind(&mut driver), refused, "it has one");
    driver.converse(&mut server);
    assert_eq!(sync_behind(&mut driver), refused, "it is over");
    driver.begin(|batch| synced(batch, "select 1"));
    assert_eq!(sync_behind(&mut driver), refused, "its batch had one");
    driver.begin(|batch| {
        batch.query("select 1");
    });
    assert_eq!(sync_behind(&mut driver), refused, "a query ends its own");
    driver.converse(&mut server);

    driver.begin(|batch| statement(batch, "select 1"));
    driver.core.output_sent(1);
    assert_eq!(sync_behind(&mut driver), refused, "a byte of it was sent");
    driver.begin(|batch| statement(batch, "select 1"));
    let abandoned = driver.ops.len() - 1;
    driver.abandon(abandoned);
    assert_eq!(sync_behind(&mut driver), refused, "it was taken back");

    let (mut driver, _) = connected();
    driver.begin(|batch| {
        statement(batch, "copy in");
        batch.copy_in();
    });
    assert_eq!(sync_behind(&mut driver), refused, "a COPY");

    let (mut driver, _) = connected();
    driver.begin(|batch| statement(batch, "select 1"));
    driver.core.terminate();
    let before = driver.core.output().to_vec();
    assert_eq!(sync_behind(&mut driver), Err(UsageError::Terminating));
    assert_eq!(driver.core.output(), before);
}

#[test]
fn executions_can_be_abandoned_at_every_message_and_byte() {
    let begin = || {
        let (mut driver, server) = connected();
        driver.begin(|batch| {
            statement(batch, "insert 1");
            for _ in 0..2 {
                let again: Result<_, UsageError> = batch.again(|_| Ok(()));
                again.unwrap();
            }
            batch.sync();
        });
        driver.query("insert 2");
        (driver, server)
    };
    let length = begin().0.core.output().len();
    for sent in 0..=length {
        for heard in [0, 1, 2, 5, usize::MAX] {
            let (mut driver, mut server) = begin();
            server.receive(&driver.core.output()[..sent]);
            driver.core.output_sent(sent);
            driver.core.recv_bytes(&server.take_output()).unwrap();
            for _ in 0..heard.min(9) {
                driver.core.next_event().unwrap();
            }
            driver.abandon(0);
            driver.converse(&mut server);
            let effects = server.effects();
            assert!(effects.last().is_some_and(|last| *last == "insert 2"));
            let times = if sent == 0 { 0 } else { 3 };
            assert_eq!(effects.len(), times + 1, "{sent}, {heard}");
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn nothing_is_repeated_that_is_not_there() {
    let (mut driver, _) = connected();
    let repeat = |batch: &mut Batch<'_>| {
        let again: Result<_, UsageError> = batch.again(|_| panic!("no value is asked for"));
        again.unwrap();
    };
    let mut refused = |messages: &dyn Fn(&mut Batch<'_>)| {
        let mut batch = driver.core.batch();
        messages(&mut batch);
        batch.commit().unwrap_err()
    };
    assert_eq!(refused(&|batch| repeat(batch)), UsageError::NothingToRepeat);
    let error = refused(&|batch| {
        let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
        repeat(bound.unwrap());
    });
    assert_eq!(error, UsageError::NothingToRepeat);
    let error = refused(&|batch| {
        batch.query("select 1");
        repeat(batch);
    });
    assert_eq!(error, UsageError::NothingToRepeat);
    let error = refused(&|batch| repeat(several(batch, &[b"1"]).sync()));
    let message = "again";
    assert_eq!(error, UsageError::BehindTheEnd { message });
    let error = refused(&|batch| {
        let one: Result<_, UsageError> = several(batch, &[b"1"]).again(|values| {
            values.bytes(None);
            Ok(())
        });
        one.unwrap();
    });
    let (formats, values) = (2, 1);
    assert_eq!(error, UsageError::FormatCount { formats, values });
    let error = refused(&|batch| {
        let failed = several(batch, &[b"1", b"2"]).again(|values| {
            values.bytes(Some(b"lost"));
            Err("mine")
        });
        assert_eq!(failed.err(), Some("mine"));
    });
    assert_eq!(error, UsageError::RolledBack);
    assert!(!driver.core.wants_write() && driver.core.is_idle());
}

#[test]
fn what_is_repeated_is_no_copy_from_stdin() {
    let (mut driver, _) = connected();
    let mut batch = driver.core.batch();
    several(&mut batch, &[b"1", b"2"]).copy_in();
    assert_eq!(batch.commit(), Err(UsageError::BehindTheCopy));
}

#[test]
fn values_that_were_left_behind_by_a_panic_are_nobodys() {
    let (mut driver, _) = connected();
    let left = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        driver.begin(|batch| {
            let _: Result<_, UsageError> = batch.bind(Bind::default(), |values| {
                values.bytes(Some(b"secret"));
                panic!("amid the values")
            });
        });
    }));
    assert!(left.is_err());
    driver.begin(|batch| {
        several(batch, &[b"1"]).sync();
    });
    let (mut other, _) = connected();
    other.begin(|batch| {
        several(batch, &[b"1"]).sync();
    });
    assert_eq!(driver.core.output(), other.core.output());
}

#[test]
fn only_a_bind_of_the_same_batch_is_silent() {
    let (mut driver, _) = connected();
    driver.begin(|batch| {
        let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
        bound.unwrap();
    });
    driver.core.batch().silent_bind();
    driver.begin(|batch| {
        batch.silent_bind().sync();
    });
    driver.send();
    let lines = driver.feed(&[bind_complete(), ready(b'I')].concat());
    assert_eq!(lines[0], "op0 Bound");
    // It does not matter what stands behind it.
    driver.begin(|batch| {
        several(batch, &[b"1", b"2"]).silent_bind().sync();
    });
    driver.send();
    let round = [bind_complete(), command_complete("INSERT 0 1")].concat();
    let lines = driver.feed(&[round.repeat(2), ready(b'I')].concat());
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn a_bind_can_be_silent_but_its_error_cannot() {
    let (mut driver, _) = connected();
    for answer in [command_complete("SELECT 0"), failure()] {
        driver.begin(|batch| {
            let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
            let columns = Arc::new(Columns::from_iter([]));
            let batch = bound.unwrap().silent_bind();
            batch.execute("", None, RowShape::Known(columns)).sync();
        });
        driver.send();
        let answers = [bind_complete(), answer, ready(b'I')].concat();
        let lines = driver.feed(&answers);
        assert!(
            !lines.iter().any(|line| line.ends_with("Bound")),
            "{lines:?}"
        );
    }
    driver.begin(|batch| {
        let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
        let batch = bound.unwrap().silent_bind().describe(Target::Portal(""));
        batch.execute("", None, RowShape::Described).sync();
    });
    driver.send();
    let lines = driver.feed(&[failure(), ready(b'I')].concat());
    assert!(lines[0].starts_with("op2 Finished Failed"), "{lines:?}");
}

#[test]
fn a_sync_that_others_count_on_stays() {
    for sent in [false, true] {
        let (mut driver, mut server) = connected();
        driver.begin(|batch| statement(batch, "insert 1"));
        if sent {
            server.receive(driver.core.output());
            driver.send();
        }
        driver.begin(|batch| synced(batch, "insert 2"));
        driver.abandon(1);
        let lines = driver.converse(&mut server);
        assert_eq!(ends(&lines), ["op0 Finished Complete"]);
        assert_eq!(server.effects(), ["insert 1"]);
        assert!(driver.core.is_idle() && server.is_idle(), "{sent}");
    }
    // It goes when all go.
    let mut driver = Driver::open();
    driver.begin(|batch| statement(batch, "insert 1"));
    driver.begin(|batch| synced(batch, "insert 2"));
    driver.abandon(1);
    assert_eq!(driver.core.in_flight(), 2, "an operation and its sync");
    driver.core.abandon_all();
    assert!(!driver.core.wants_write() && driver.core.is_idle());
}

#[test]
fn a_sync_that_stays_without_its_flush_stands_where_it_stands() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| statement(batch, "insert 1"));
    driver.begin(|batch| {
        batch.flush().sync();
    });
    // The Sync stays for what stands before it; the Flush goes.
    driver.abandon(1);
    server.receive(&driver.core.output()[..7]);
    driver.core.output_sent(7);
    driver.query("insert 2");
    driver.core.abandon_all();
    driver.query("insert 3");
    assert_eq!(
        ends(&driver.converse(&mut server)),
        ["op3 Finished Complete"]
    );
    assert_eq!(server.effects(), ["insert 1", "insert 3"]);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn what_stands_behind_the_sync_that_ends_the_skipping_needs_one_of_its_own() {
    for all in [true, false] {
        let (mut driver, mut server) = connected();
        driver.begin(|batch| statement(batch, "fail"));
        driver.begin(|batch| statement(batch, "insert 1"));
        server.receive(driver.core.output());
        driver.send();
        driver.core.recv_bytes(&server.take_output()).unwrap();
        // The core writes a Sync as it takes the error. What is skipped before that Sync is not taken yet.
        while driver.core.in_flight() == 2 {
            driver.core.next_event().unwrap();
        }
        driver.begin(|batch| statement(batch, "insert 2"));
        let n = driver.core.output().len() - 1;
        server.receive(&driver.core.output()[..n]);
        driver.send_bytes(n);
        if all {
            driver.core.abandon_all();
        } else {
            driver.sync();
            driver.abandon(3);
        }
        let lines = driver.converse(&mut server);
        assert_eq!(lines.contains(&"op2 Finished Complete".to_owned()), !all);
        assert_eq!(server.effects(), ["insert 2"]);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn a_sync_that_ends_the_skipping_stays() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| statement(batch, "fail"));
    driver.begin(|batch| statement(batch, "insert 1"));
    server.receive(driver.core.output());
    driver.send();
    driver.begin(|batch| synced(batch, "insert 2"));
    let prefix = [parse_complete(), bind_complete(), no_data()].concat();
    server.take_output();
    let lines = driver.feed(&[prefix, failure()].concat());
    assert_eq!(
        ends(&lines),
        [
            "op0 Finished Failed 22012 division by zero",
            "op1 Finished Skipped"
        ]
    );
    driver.abandon(2);
    assert_eq!(driver.converse(&mut server), NO_LINES);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn a_sync_that_ends_the_skipping_of_a_query_stays() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| {
        batch.parse("", "nonsense", &[]).flush();
    });
    driver.query("insert 1");
    server.receive(driver.core.output());
    driver.send();
    // It is not sent before the error is known.
    driver.sync();
    let lines = driver.feed(&server.take_output());
    assert_eq!(ends(&lines)[1..], ["op1 Finished Skipped"]);
    driver.abandon(2);
    driver.query("insert 2");
    assert_eq!(
        ends(&driver.converse(&mut server)),
        ["op3 Finished Complete"]
    );
    assert_eq!(server.effects(), ["insert 2"]);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn abandoning_leaves_no_segment_open() {
    for sent in [false, true] {
        for answered in [false, true] {
            let (mut driver, mut server) = connected();
            driver.begin(|batch| {
                batch
                    .parse("", "select 1", &[])
                    .describe(Target::Statement(""))
                    .flush();
            });
            if sent {
                server.receive(driver.core.output());
                driver.send();
            }
            if answered {
                driver.converse(&mut server);
            }
            driver.abandon(0);
            assert_eq!(driver.converse(&mut server), NO_LINES);
            assert!(
                driver.core.is_idle() && server.is_idle(),
                "{sent} {answered}"
            );
        }
    }
}

#[test]
fn an_abandoned_copy_is_read_past() {
    let (mut driver, mut server) = connected();
    for (i, sql) in ["copy out 5", "copy in", "select 1; copy in; insert 1"]
        .into_iter()
        .enumerate()
    {
        driver.query(sql);
        server.receive(driver.core.output());
        driver.send();
        driver.abandon(2 * i);
        driver.begin(|batch| synced(batch, sql.split(';').nth(1).unwrap_or("copy in").trim()));
        driver.abandon(2 * i + 1);
        assert_eq!(driver.converse(&mut server), NO_LINES, "{sql}");
        assert!(driver.core.is_idle() && server.is_idle());
    }
    driver.begin(|batch| synced(batch, "copy in"));
    server.receive(driver.core.output());
    driver.send();
    driver.abandon(6);
    assert_eq!(driver.converse(&mut server), NO_LINES);
    assert!(driver.core.is_idle() && server.is_idle() && server.effects().is_empty());
    assert_eq!(driver.core.muted_errors(), 3);
}

#[test]
fn a_copy_that_was_not_declared_fails() {
    let mut driver = Driver::open();
    driver.query("copy t from stdin; select 1");
    driver.send();
    assert_eq!(driver.feed(&copy_in_response(1)), NO_LINES);
    let sent = driver.send();
    assert!(matches!(&sent[..], [Frontend::CopyFail(reason)] if reason.contains("not declared")));
    let answer = [error_response("ERROR", "57014", "failed"), ready(b'I')].concat();
    assert_eq!(driver.feed(&answer), ["op0 Finished Failed 57014 failed"]);
    assert!(driver.core.is_idle());
}

#[test]
fn every_sync_that_a_copy_swallows_is_sent_again() {
    for simple in [false, true] {
        for syncs in 0..3 {
            let (mut driver, mut server) = connected();
            if simple {
                driver.query("copy in");
            } else {
                driver.begin(|batch| synced(batch, "copy in"));
            }
            for _ in 0..syncs {
                driver.sync();
            }
            let lines = driver.converse(&mut server);
            let ends = ends(&lines);
            assert!(ends[0].starts_with("op0 Finished Failed 57014"), "{ends:?}");
            assert_eq!(ends.len(), 1 + syncs, "simple: {simple}, {syncs} behind it");
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

/// Into a view, for one: the server asks for data, and fails before it has read any.
#[test]
fn a_sync_that_no_copy_swallowed_is_not_sent_again() {
    for simple in [false, true] {
        for syncs in 0..3 {
            for abandoned in [false, true] {
                let (mut driver, mut server) = connected();
                if simple {
                    driver.query("copy in refused");
                } else {
                    driver.begin(|batch| synced(batch, "copy in refused"));
                }
                for _ in 0..syncs {
                    driver.sync();
                }
                server.receive(driver.core.output());
                driver.send();
                if abandoned {
                    driver.abandon(0);
                }
                driver.query("select 7");
                let last = 1 + syncs;
                let lines = driver.converse(&mut server);
                assert!(lines.contains(&format!("op{last} row \"7\"")), "{lines:?}");
                let ends = ends(&lines);
                assert_eq!(ends.len(), last + usize::from(!abandoned), "{ends:?}");
                assert_eq!(ends.last().unwrap(), &format!("op{last} Finished Complete"));
                assert!(driver.core.is_idle() && server.is_idle());
            }
        }
    }
}

#[test]
fn a_copy_is_refused_before_anything_else_is_sent() {
    for simple in [false, true] {
        for abandoned in [false, true] {
            let (mut driver, mut server) = connected();
            if simple {
                driver.query("copy in");
            } else {
                driver.begin(|batch| {
                    statement(batch, "copy in");
                    batch.flush();
                });
            }
            server.receive(driver.core.output());
            driver.send();
            // It waits to be sent while the answer comes.
            driver.begin(|batch| synced(batch, "insert 1"));
            let mut lines = driver.feed(&server.take_output());
            if abandoned {
                driver.abandon(1);
            }
            driver.query("insert 2");
            lines.extend(driver.converse(&mut server));
            assert!(
                ends(&lines)[0].starts_with("op0 Finished Failed 57014"),
                "{lines:?}"
            );
            // Behind the failed Execute it is skipped, behind the failed Query it is not.
            let expected = if simple && !abandoned {
                vec!["insert 1", "insert 2"]
            } else {
                vec!["insert 2"]
            };
            assert_eq!(server.effects(), expected);
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn what_refuses_one_copy_hits_no_other() {
    // An abandoned query that may be a COPY, something between them, and a COPY: all sent before anything is answered.
    for first in ["select 'copy'", "select 1; copy out 1", "copy in"] {
        for between in ["", "insert 1"] {
            for second in ["copy in", "select 1; copy in", "select 1"] {
                for simple in [false, true] {
                    if first == "copy in" && !between.is_empty() {
                        // This would end the session, and nobody could help it.
                        continue;
                    }
                    let name = format!("{first}, {between}, {second}, simple: {simple}");
                    let (mut driver, mut server) = connected();
                    driver.query(first);
                    if !between.is_empty() {
                        driver.query(between);
                    }
                    server.receive(driver.core.output());
                    driver.send();
                    driver.core.abandon_all();
                    let op = driver.ops.len();
                    if simple {
                        driver.query(second);
                    } else {
                        driver
                            .begin(|batch| synced(batch, second.trim_start_matches("select 1; ")));
                    }
                    driver.query("insert 2");
                    // What was asked for behind a COPY that nobody declared would end the session: it waits.
                    let lines = if second.contains("copy in") {
                        driver.abandon(op + 1);
                        let lines = driver.converse(&mut server);
                        assert!(driver.core.is_open(), "{name}: {lines:?}");
                        driver.query("insert 2");
                        [lines, driver.converse(&mut server)].concat()
                    } else {
                        driver.converse(&mut server)
                    };
                    assert!(!driver.core.is_dead(), "{name}: {lines:?}");
                    let [this, last] = ends(&lines)[..] else {
                        panic!("{name}: {lines:?}");
                    };
                    assert_eq!(
                        this.contains("Failed 57014"),
                        second.contains("copy in"),
                        "{name}"
                    );
                    assert!(last.ends_with("Finished Complete"), "{name}");
                    assert_eq!(server.effects().last().unwrap(), "insert 2");
                    assert!(driver.core.is_idle() && server.is_idle(), "{name}");
                }
            }
        }
    }
}

#[test]
fn a_copy_behind_rows_that_nobody_reads_any_more() {
    for taken in 0..8 {
        let (mut driver, mut server) = connected();
        driver.query("rows 3; copy in; insert 1");
        server.receive(driver.core.output());
        driver.send();
        let answer = server.take_output();
        let (before, copy_in) = answer.split_at(answer.len() - 12);
        driver.core.recv_bytes(before).unwrap();
        for _ in 0..taken {
            driver.core.next_event().unwrap();
        }
        driver.abandon(0);
        driver.begin(|batch| synced(batch, "insert 2"));
        server.receive(driver.core.output());
        driver.send();
        driver.core.next_event().unwrap();
        driver.take();
        driver.feed(copy_in);
        let lines = driver.converse(&mut server);
        assert_eq!(
            ends(&lines),
            ["op1 Finished Complete"],
            "{taken}: {lines:?}"
        );
        assert_eq!(server.effects(), ["insert 2"]);
        assert!(driver.core.is_idle() && server.is_idle(), "{taken}");
    }
}

#[test]
fn a_refusal_of_one_that_was_no_copy_hits_nobody() {
    // A COPY is half sent when everything is abandoned, the query before it too, which may be one, but is none.
    let begin = || {
        let (mut driver, server) = connected();
        driver.query("select 1; copy out 1");
        driver.query("insert 1");
        let before = driver.core.output().len();
        driver.begin(|batch| synced(batch, "copy in"));
        (driver, server, before)
    };
    let (driver, _, before) = begin();
    for sent in before..=driver.core.output().len() {
        let (mut driver, mut server, _) = begin();
        server.receive(&driver.core.output()[..sent]);
        driver.core.output_sent(sent);
        driver.core.abandon_all();
        driver.query("insert 2");
        let lines = driver.converse(&mut server);
        assert_eq!(ends(&lines), ["op3 Finished Complete"], "{sent}");
        assert!(driver.core.is_idle() && server.is_idle(), "{sent}");
    }
}

#[test]
fn an_abandoned_execute_that_may_be_a_copy_holds_back_what_follows() {
    for sql in ["copy in", "insert 'copy'", "fail copy", "copy out 3"] {
        // With a Sync of its own, with a Flush alone, and with neither.
        for ending in 0..3 {
            for named in [false, true] {
                for all in [false, true] {
                    let (mut driver, mut server) = connected();
                    if named {
                        driver.begin(|batch| {
                            batch.parse("s", sql, &[]).sync();
                        });
                        driver.converse(&mut server);
                    }
                    let op = driver.ops.len();
                    driver.begin(|batch| {
                        let statement = if named { "s" } else { "" };
                        if !named {
                            batch.parse("", sql, &[]);
                        }
                        let bind = Bind {
                            statement,
                            ..Bind::default()
                        };
                        let bound: Result<_, UsageError> = batch.bind(bind, |_| Ok(()));
                        let bound = bound.unwrap().describe(Target::Portal(""));
                        bound.execute("", None, RowShape::Described);
                        match ending {
                            0 => {
                                batch.sync();
                            }
                            1 => {
                                batch.flush();
                            }
                            _ => {}
                        }
                    });
                    server.receive(driver.core.output());
                    driver.send();
                    if all {
                        driver.core.abandon_all();
                    } else {
                        driver.abandon(op);
                        driver.abandon(op);
                    }
                    driver.begin(|batch| synced(batch, "insert 1"));
                    driver.query("insert 2");
                    let lines = driver.converse(&mut server);
                    let ended = [op + 1, op + 2].map(|op| format!("op{op} Finished Complete"));
                    assert_eq!(ends(&lines), ended, "{sql} {ending} {named} {all}");
                    assert!(driver.core.is_idle() && server.is_idle());
                    let effects = server.effects();
                    assert_eq!(effects[effects.len() - 2..], ["insert 1", "insert 2"]);
                }
            }
        }
    }
}

#[test]
fn nothing_is_put_into_a_good_bye() {
    for sent_of_terminate in 0..=5 {
        let (mut driver, mut server) = connected();
        driver.begin(|batch| statement(batch, "copy in"));
        driver.core.terminate();
        let sent = driver.core.output().len() - 5 + sent_of_terminate;
        server.receive(&driver.core.output()[..sent]);
        driver.core.output_sent(sent);
        driver.core.abandon_all();
        let lines = driver.converse(&mut server);
        assert!(
            driver.core.is_dead() && server.is_closed(),
            "{sent_of_terminate}: {lines:?}"
        );
    }
}

#[test]
fn a_refusal_does_not_cut_a_message_in_two() {
    // Flush and Terminate are answered by nothing, and still have five bytes each.
    for sent_of_flush in 0..=5 {
        let (mut driver, mut server) = connected();
        driver.begin(|batch| {
            statement(batch, "copy in");
            batch.flush().sync();
        });
        let sent = driver.core.output().len() - 10 + sent_of_flush;
        server.receive(&driver.core.output()[..sent]);
        driver.core.output_sent(sent);
        let mut lines = driver.feed(&server.take_output());
        lines.extend(driver.converse(&mut server));
        assert!(
            ends(&lines)[0].starts_with("op0 Finished Failed 57014"),
            "{lines:?}"
        );
        assert!(
            driver.core.is_idle() && server.is_idle(),
            "{sent_of_flush} bytes"
        );
    }
    for sent_of_terminate in 0..=5 {
        let (mut driver, mut server) = connected();
        driver.begin(|batch| synced(batch, "copy in"));
        driver.core.terminate();
        let sent = driver.core.output().len() - 5 + sent_of_terminate;
        server.receive(&driver.core.output()[..sent]);
        driver.core.output_sent(sent);
        let mut lines = driver.feed(&server.take_output());
        lines.extend(driver.converse(&mut server));
        assert_eq!(
            ends(&lines).len(),
            1,
            "{sent_of_terminate} bytes: {lines:?}"
        );
        assert!(driver.core.is_dead() && server.is_closed());
        assert!(lines.last().unwrap().starts_with("Err "));
    }
}

#[test]
fn a_portal_that_is_suspended_goes_on() {
    let (mut driver, mut server) = connected();
    let columns: Columns = [
        Column::new("n", 23, Format::Binary),
        Column::new("t", 25, Format::Binary),
    ]
    .into_iter()
    .collect();
    let columns = Arc::new(columns);
    let known = || RowShape::Known(Arc::clone(&columns));
    driver.begin(|batch| {
        batch.parse("", "rows 3", &[]);
        let binary = Bind {
            portal: "p",
            result_formats: &[Format::Binary],
            ..Bind::default()
        };
        let bound: Result<_, UsageError> = batch.bind(binary, |_| Ok(()));
        bound.unwrap().execute("p", Some(2), known()).flush();
    });
    assert_eq!(
        driver.converse(&mut server),
        [
            "op0 Prepared",
            "op0 Bound",
            "op0 row \"\\x00\\x00\\x00\\x01\" \"row 1\"",
            "op0 row \"\\x00\\x00\\x00\\x02\" \"row 2\"",
            "op0 Suspended",
            "op0 Finished Complete",
        ]
    );
    driver.begin(|batch| {
        batch.execute("p", Some(2), known()).sync();
    });
    assert_eq!(
        driver.converse(&mut server),
        [
            "op1 row \"\\x00\\x00\\x00\\x03\" \"row 3\"",
            "op1 StatementComplete SELECT 1",
            "op1 Finished Complete",
        ]
    );
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn the_transaction_status_is_the_servers() {
    let (mut driver, mut server) = connected();
    for (sql, expected, idle) in [
        ("begin", TransactionStatus::InTransaction, false),
        ("fail", TransactionStatus::Failed, false),
        ("rollback", TransactionStatus::Idle, true),
    ] {
        driver.query(sql);
        driver.converse(&mut server);
        assert_eq!(driver.core.transaction_status(), expected);
        assert_eq!(driver.core.is_idle(), idle, "{sql}");
        assert_eq!(server.is_idle(), idle, "{sql}");
    }
}

#[test]
fn a_prelude_is_not_heard_and_its_failure_is_the_operations() {
    for simple in [true, false] {
        for fails in [true, false] {
            let (mut driver, mut server) = connected();
            driver.begin(|batch| {
                batch
                    .prelude(if fails { "fail" } else { "begin" })
                    .prelude("savepoint s");
                if simple {
                    batch.query("insert 1");
                } else {
                    synced(batch, "insert 1");
                }
            });
            let lines = driver.converse(&mut server);
            let status = driver.core.transaction_status();
            if fails {
                assert_eq!(lines, ["op0 Finished Failed 22012 as it was told to"]);
                assert_eq!(status, TransactionStatus::Idle);
            } else {
                assert_eq!(
                    lines.first().unwrap(),
                    if simple {
                        "op0 StatementComplete INSERT 0 1"
                    } else {
                        "op0 Prepared"
                    }
                );
                assert_eq!(lines.last().unwrap(), "op0 Finished Complete");
                assert_eq!(status, TransactionStatus::InTransaction);
                driver.query("commit");
                driver.converse(&mut server);
            }
            assert_eq!(server.effects().len(), usize::from(!fails));
            driver.sync();
            driver.converse(&mut server);
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
    let mut driver = Driver::open();
    let mut batch = driver.core.batch();
    batch.query("select 1").prelude("begin");
    assert_eq!(
        batch.commit(),
        Err(UsageError::BehindTheEnd { message: "prelude" })
    );
    let mut batch = driver.core.batch();
    batch.prelude("begin").sync();
    assert!(batch.commit().is_ok(), "a prelude of nothing but a sync");
}

#[test]
fn what_was_to_be_one_transaction_is_undone() {
    for sent in [false, true] {
        for failed in [false, true] {
            let (mut driver, mut server) = connected();
            driver.begin(|batch| statement(batch, "insert 1"));
            driver.begin(|batch| {
                statement(batch, if failed { "fail" } else { "insert 2" });
                batch.flush();
            });
            driver.begin(|batch| synced(batch, "insert 3"));
            // Two of them, or a part of the first.
            let all = driver.core.output().len();
            let third = all - 60;
            let n = if sent { third } else { 3 };
            server.receive(&driver.core.output()[..n]);
            driver.core.output_sent(n);
            driver.feed(&server.take_output());
            driver.core.abort_all();
            driver.core.abort_all();
            assert_eq!(driver.converse(&mut server), NO_LINES);
            assert!(driver.core.is_idle() && server.is_idle(), "{sent} {failed}");
            assert!(server.effects().is_empty(), "{sent} {failed}");
            driver.query("insert 4");
            driver.converse(&mut server);
            assert_eq!(server.effects(), ["insert 4"]);
        }
    }
}

#[test]
fn a_sync_that_ends_the_skipping_can_be_taken_back() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| {
        statement(batch, "fail");
        batch.flush();
    });
    server.receive(driver.core.output());
    driver.send();
    driver.feed(&server.take_output());
    // The core's own Sync waits, and is taken back; the server skips still.
    driver.core.abort_all();
    assert_eq!(driver.converse(&mut server), NO_LINES);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn a_batch_that_is_dropped_leaves_no_trace() {
    let mut driver = Driver::open();
    driver.query("select 1");
    let before = driver.core.output().to_vec();
    {
        let mut batch = driver.core.batch();
        synced(&mut batch, "insert 1");
    }
    let mut batch = driver.core.batch();
    batch.parse("", "insert $1", &[]);
    let failed = batch.bind(Bind::default(), |values| {
        values.bytes(Some(b"x"));
        Err("the value")
    });
    assert_eq!(failed.map(drop), Err("the value"));
    batch.sync();
    assert_eq!(batch.commit(), Err(UsageError::RolledBack));
    assert_eq!(driver.core.output(), before);
    assert_eq!(driver.core.in_flight(), 1);
    driver.query("select 2");
    driver.send();
    let answer = [one_row(), ready(b'I'), one_row(), ready(b'I')].concat();
    assert_eq!(
        ends(&driver.feed(&answer)),
        ["op0 Finished Complete", "op1 Finished Complete"]
    );
}

/// Calls on a batch, one after the other.
macro_rules! with {
    ($($calls:tt)*) => {
        |batch: &mut Batch<'_>| {
            batch.$($calls)*;
        }
    };
}

/// What [`Batch::commit`] says to a batch like this; nothing may change then.
fn refused(core: &mut Connection, write: impl FnOnce(&mut Batch<'_>)) -> UsageError {
    let before = (core.output().to_vec(), core.in_flight(), core.is_idle());
    let mut batch = core.batch();
    write(&mut batch);
    let error = batch.commit().expect_err("a usage error");
    let after = (core.output().to_vec(), core.in_flight(), core.is_idle());
    assert_eq!(before, after, "{error}");
    error
}

fn values(batch: &mut Batch<'_>, what: Bind<'_>, count: usize) {
    let bound: Result<_, UsageError> = batch.bind(what, |out| {
        (0..count).for_each(|_| out.bytes(None));
        Ok(())
    });
    // Faults of the message itself wait for the commit.
    assert!(bound.is_ok());
}

#[test]
fn usage_errors_harm_nothing() {
    type Write = fn(&mut Batch<'_>);
    let second = |message| UsageError::SecondOperation { message };
    let behind = |message| UsageError::BehindTheEnd { message };
    let nul = |what| UsageError::NulByte { what };
    let cases: Vec<(Write, UsageError)> = vec![
        (|_| {}, UsageError::EmptyBatch),
        (with!(flush()), UsageError::EmptyBatch),
        (with!(query("a").query("b")), second("query")),
        (with!(parse("", "a", &[]).query("b")), second("query")),
        (
            with!(parse("", "a", &[]).parse("", "b", &[])),
            second("parse"),
        ),
        (with!(sync().sync()), second("sync")),
        (
            |batch| {
                statement(batch, "a");
                batch.execute("", None, RowShape::Described);
            },
            second("execute"),
        ),
        (with!(query("a").sync()), behind("sync")),
        (with!(sync().query("a")), behind("query")),
        (with!(sync().flush()), behind("flush")),
        (
            with!(execute("", None, RowShape::Described)),
            UsageError::UnknownColumns,
        ),
        (
            |batch| {
                batch
                    .describe(Target::Portal(""))
                    .execute("", Some(0), RowShape::Described);
            },
            UsageError::RowLimit { limit: 0 },
        ),
        (
            |batch| {
                batch
                    .describe(Target::Portal(""))
                    .execute("", Some(1 << 31), RowShape::Described);
            },
            UsageError::RowLimit { limit: 1 << 31 },
        ),
        (with!(query("a\0b")), nul("query")),
        (with!(parse("\0", "a", &[])), nul("statement name")),
        (with!(close(Target::Portal("\0"))), nul("portal name")),
        (
            with!(parse("", "a", &[0; 65_536])),
            UsageError::TooMany {
                what: "parameter types",
                count: 65_536,
            },
        ),
        (
            |batch| values(batch, Bind::default(), 65_536),
            UsageError::TooMany {
                what: "parameters",
                count: 65_536,
            },
        ),
        (
            |batch| {
                let two = [Format::Text; 2];
                let bind = Bind {
                    parameter_formats: &two,
                    ..Bind::default()
                };
                values(batch, bind, 3);
            },
            UsageError::FormatCount {
                formats: 2,
                values: 3,
            },
        ),
    ];
    let (mut driver, mut server) = connected();
    for (i, (write, expected)) in cases.into_iter().enumerate() {
        assert_eq!(refused(&mut driver.core, write), expected);
        driver.query("insert");
        driver.converse(&mut server);
        assert_eq!(server.effects().len(), i + 1);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn as_much_as_the_limits_allow() {
    let mut limits = Limits::default();
    limits.output_high_water = 100;
    limits.max_in_flight = 3;
    let mut driver = Driver::open_with(limits);
    // Below the mark a batch of any size is accepted, above it none is.
    driver.query(&"x".repeat(1_000));
    let waiting = driver.core.output().len();
    let full = UsageError::OutputFull { waiting };
    assert_eq!(refused(&mut driver.core, with!(query("y"))), full);
    driver.send_bytes(waiting - 100);
    let full = UsageError::OutputFull { waiting: 100 };
    assert_eq!(refused(&mut driver.core, with!(query("y"))), full);
    driver.send_bytes(1);
    driver.query("y");
    driver.send();
    driver.query("z");
    let too_many = UsageError::TooManyInFlight { in_flight: 3 };
    assert_eq!(refused(&mut driver.core, with!(sync())), too_many);
    driver.send();
    driver.feed(&[one_row(), ready(b'I')].concat());
    driver.query("z");
    // What is abandoned still counts until it is answered.
    driver.core.abandon_all();
    assert_eq!(driver.core.in_flight(), 2);
}

#[test]
fn to_terminate_is_the_last_that_is_sent() {
    let (mut driver, mut server) = connected();
    driver.query("insert 1");
    driver.begin(|batch| synced(batch, "insert 2"));
    driver.core.terminate();
    driver.core.terminate();
    assert!(!driver.core.is_open() && !driver.core.is_idle());
    assert_eq!(
        refused(&mut driver.core, with!(sync())),
        UsageError::Terminating
    );
    let lines = driver.converse(&mut server);
    assert_eq!(
        ends(&lines),
        ["op0 Finished Complete", "op1 Finished Complete"]
    );
    assert_eq!(
        lines[lines.len() - 2..],
        [
            "Closed Terminated",
            "Err the connection has ended (state Idle)"
        ]
    );
    assert_eq!(server.effects(), ["insert 1", "insert 2"]);
    let terminates = server
        .received()
        .iter()
        .filter(|m| matches!(m, Frontend::Terminate));
    assert_eq!(terminates.count(), 1);
    assert_eq!(refused(&mut driver.core, with!(sync())), UsageError::Ended);
    // The stream may end before all was answered: that was lost.
    let mut driver = Driver::open();
    driver.query("insert 1");
    driver.core.terminate();
    driver.send();
    assert_eq!(
        driver.eof()[..2],
        ["op0 Finished Lost", "Closed Terminated"]
    );
}

#[test]
fn confirming_more_than_was_lent_is_the_end() {
    let mut driver = Driver::open();
    driver.query("select 1");
    let lent = driver.core.output().len();
    driver.core.output_sent(lent + 1);
    let lines = driver.take();
    assert_eq!(lines[0], "op0 Finished Lost");
    let expected = format!(
        "misuse: {} bytes were confirmed, but only {lent} were lent",
        lent + 1
    );
    assert!(lines[1].contains(&expected), "{lines:?}");
    assert!(!driver.core.wants_write() && !driver.core.wants_read());

    let mut driver = Driver::open();
    let lent = driver.core.recv_space().len();
    driver.core.recv_filled(lent + 1);
    assert!(driver.take()[0].starts_with("Closed Protocol misuse"));
    assert!(driver.core.recv_space().is_empty());

    let mut driver = Driver::open();
    driver.core.recv_filled(1);
    assert!(
        driver.take()[0].starts_with("Closed Protocol misuse"),
        "nothing was lent"
    );

    let mut driver = Driver::open();
    assert!(!driver.core.recv_space().is_empty());
    driver.core.recv_eof();
    assert!(driver.core.recv_space().is_empty());
    driver.core.recv_filled(1);
    assert!(
        driver.take()[0].starts_with("Closed Protocol misuse"),
        "nothing was lent at last"
    );
}

#[test]
fn input_is_wanted_when_nothing_goes_on_without_it() {
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.send();
    let answer = [one_row(), ready(b'I')].concat();
    assert!(driver.core.wants_read());
    driver.core.recv_bytes(&answer[..7]).unwrap();
    assert!(driver.core.wants_read(), "part of a message");
    driver.core.recv_bytes(&answer[7..]).unwrap();
    assert!(!driver.core.wants_read(), "whole ones");
    assert_eq!(
        driver.core.recv_bytes(b"x"),
        Err(UsageError::InputNotWanted)
    );
    assert!(driver.core.recv_space().is_empty());
    assert_eq!(driver.take().len(), 4);
    assert!(driver.core.wants_read());
    driver.core.recv_eof();
    assert!(!driver.core.wants_read());
}

#[test]
fn data_that_nobody_wants_is_not_stored() {
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.query("select 2");
    driver.send();
    driver.abandon(0);
    driver.feed(&row_description(&[("a", 25, 0)]));
    let large = "x".repeat(1 << 20);
    let row = data_row(&[Some(&large)]);
    for piece in row.chunks(4_000) {
        assert_eq!(driver.feed(piece), NO_LINES);
        assert!(driver.core.recv_space().len() <= 64 * 1024);
    }
    let rest = [
        command_complete("SELECT 1"),
        ready(b'I'),
        one_row(),
        ready(b'I'),
    ]
    .concat();
    assert_eq!(ends(&driver.feed(&rest)), ["op1 Finished Complete"]);
}

#[test]
fn rows_in_front_of_a_malformed_one_are_handed_out() {
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.query("select 2");
    driver.send();
    let answer = [
        row_description(&[("a", 23, 0)]),
        data_row(&[Some("1")]),
        data_row(&[Some("2")]),
        data_row(&[Some("3"), Some("4")]),
        data_row(&[Some("5")]),
    ];
    let lines = driver.feed(&answer.concat());
    assert_eq!(
        lines[..6],
        [
            "op0 Columns a:23:Text",
            "op0 row \"1\"",
            "op0 row \"2\"",
            "op0 Finished Lost",
            "op1 Finished Lost",
            "Closed Protocol a row of 2 columns where 1 were described (message type 'D', state QueryRows)",
        ]
    );
}

#[test]
fn known_columns_are_checked() {
    let columns: Arc<Columns> =
        Arc::new([Column::new("a", 23, Format::Text)].into_iter().collect());
    for (row, expected) in [
        (data_row(&[Some("1")]), "op0 row \"1\""),
        (data_row::<&str>(&[]), "op0 Finished Lost"),
    ] {
        let mut driver = Driver::open();
        driver.begin(|batch| {
            batch
                .execute("", None, RowShape::Known(Arc::clone(&columns)))
                .sync();
        });
        driver.send();
        assert_eq!(driver.feed(&row)[0], expected);
    }
}

#[test]
fn every_answer_has_its_place() {
    // What answers one message never answers another.
    let answers = [
        (parse_complete(), "1"),
        (bind_complete(), "2"),
        (message(b'3', b""), "3"),
        (no_data(), "n"),
        (portal_suspended(), "s"),
        (command_complete("X"), "C"),
        (ready(b'I'), "Z"),
        (copy_done(), "c"),
        (copy_data(b""), "d"),
        (empty_query(), "I"),
    ];
    for (answer, name) in answers {
        let mut driver = Driver::open();
        let lines = driver.feed(&answer);
        let expected = format!(
            "Closed Protocol a message that must not come now (message type '{name}', state Idle)"
        );
        assert_eq!(lines[0], expected);
    }
}
