//! COPY: declared, fed, ended, given up, refused; replication streams.

use purepg_proto::{
    Batch, Bind, CopyEnd, Limits, Replication, RowShape, Target, TransactionStatus, UsageError,
};
use purepg_testkit::backend::{
    command_complete, copy_both_response, copy_data, copy_done, copy_in_response,
    copy_out_response, data_row, declared, error_response, message, ready, row_description,
};
use purepg_testkit::frontend::Frontend;
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::{Driver, startup};

const NO_LINES: [&str; 0] = [];

fn connected() -> (Driver, ModelServer) {
    let mut server = ModelServer::new(Auth::Trust);
    let mut driver = Driver::new(startup(), Limits::default());
    assert_eq!(driver.converse(&mut server), ["Ready"]);
    (driver, server)
}

/// A walsender's client.
fn replicating() -> (Driver, ModelServer) {
    let mut server = ModelServer::new(Auth::Trust);
    let startup = startup().replication(Replication::Logical);
    let mut driver = Driver::new(startup, Limits::default());
    assert_eq!(driver.converse(&mut server), ["Ready"]);
    (driver, server)
}

fn extended(batch: &mut Batch<'_>, sql: &str) {
    batch.parse("", sql, &[]);
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .unwrap()
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

/// A declared COPY, through either protocol.
fn begin_copy(driver: &mut Driver, simple: bool, sql: &str) {
    if simple {
        driver.copy_in(sql);
    } else {
        driver.begin(|batch| {
            extended(batch, sql);
            batch.copy_in();
        });
    }
}

fn ends(lines: &[String]) -> Vec<&str> {
    let finished = lines.iter().filter(|line| line.contains(" Finished "));
    finished.map(String::as_str).collect()
}

fn failure() -> Vec<u8> {
    error_response("ERROR", "22P02", "no number")
}

#[test]
fn a_declared_copy_takes_data() {
    for simple in [true, false] {
        let (mut driver, mut server) = connected();
        begin_copy(&mut driver, simple, "copy in");
        // It waits for the end of the COPY.
        driver.query("insert 1");
        let lines = driver.converse(&mut server);
        assert_eq!(lines.last().unwrap(), "op0 CopyIn Text 1");
        driver.data(0, b"one\n");
        assert_eq!(driver.converse(&mut server), NO_LINES);
        driver.data(0, b"two\n");
        driver.data(0, b"");
        driver.done(0);
        let lines = driver.converse(&mut server);
        assert_eq!(
            lines,
            [
                "op0 StatementComplete COPY 2",
                "op0 Finished Complete",
                "op1 StatementComplete INSERT 0 1",
                "op1 Finished Complete",
            ]
        );
        assert_eq!(server.copied(), [b"one\n", b"two\n"]);
        assert_eq!(server.effects(), ["insert 1"]);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

/// What begins a transaction rides with the COPY, and is none itself.
#[test]
fn a_declared_copy_behind_a_prelude_takes_data() {
    for simple in [true, false] {
        for fails in [false, true] {
            let (mut driver, mut server) = connected();
            driver.begin(|batch| {
                batch
                    .prelude(if fails { "fail" } else { "begin" })
                    .prelude("savepoint s");
                if simple {
                    batch.query("copy in").copy_in();
                } else {
                    extended(batch, "copy in");
                    batch.copy_in();
                }
            });
            driver.query("insert 1");
            let lines = driver.converse(&mut server);
            if fails {
                let ends = ends(&lines);
                assert!(ends[0].starts_with("op0 Finished Failed"), "{lines:?}");
                // The query of the first has no Sync of its own: what stands behind it was skipped as well.
                let behind = if simple { "Skipped" } else { "Complete" };
                assert_eq!(ends[1], format!("op1 Finished {behind}"));
            } else {
                assert_eq!(lines.last().unwrap(), "op0 CopyIn Text 1");
                driver.data(0, b"one\n");
                driver.done(0);
                let lines = driver.converse(&mut server);
                let both = ["op0 Finished Complete", "op1 Finished Complete"];
                assert_eq!(ends(&lines), both);
                assert_eq!(server.copied(), [b"one\n"]);
                driver.query("commit");
                driver.converse(&mut server);
            }
            let happened: &[&str] = if fails && simple { &[] } else { &["insert 1"] };
            assert_eq!(server.effects(), happened);
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn nothing_behind_a_copy_is_shown_until_its_answer_has_come() {
    let mut driver = Driver::open();
    driver.begin(|batch| {
        extended(batch, "copy t from stdin");
        batch.copy_in();
    });
    driver.query("select 1");
    driver.sync();
    let messages = driver.send();
    assert!(matches!(
        messages[..],
        [
            Frontend::Parse { .. },
            Frontend::Bind { .. },
            Frontend::Describe(_),
            Frontend::Execute { .. },
            Frontend::Flush
        ]
    ));
    assert!(!driver.core.wants_write() && driver.core.output().is_empty());
    // The COPY fails before it has begun.
    driver.feed(&failure());
    assert_eq!(
        driver.send(),
        [
            Frontend::Sync,
            Frontend::Query("select 1".into()),
            Frontend::Sync
        ]
    );
}

#[test]
fn what_is_confirmed_beyond_a_fence_was_never_lent() {
    let mut driver = Driver::open();
    driver.copy_in("copy t from stdin");
    driver.query("select 1");
    let lent = driver.core.output().len();
    driver.core.output_sent(lent + 1);
    assert!(driver.core.is_dead());
}

#[test]
fn security_37_a_copy_that_fails_at_the_start_sends_no_data() {
    for simple in [true, false] {
        let (mut driver, mut server) = connected();
        begin_copy(&mut driver, simple, "fail 42P01");
        assert_eq!(
            driver.core.copy_data(driver.ops[0], b"1\n"),
            Err(UsageError::NotCopying),
            "not before the server asks for it"
        );
        let lines = driver.converse(&mut server);
        assert!(ends(&lines)[0].starts_with("op0 Finished Failed 42P01"));
        assert_eq!(
            driver.core.copy_data(driver.ops[0], b"1\n"),
            Err(UsageError::NotCopying)
        );
        let is_data = |message: &Frontend| matches!(message, Frontend::CopyData(_));
        assert!(!server.received().iter().any(is_data));
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn an_error_amid_the_data_ends_the_copy() {
    for simple in [true, false] {
        let mut driver = Driver::open();
        begin_copy(&mut driver, simple, "copy t from stdin");
        driver.query("select 1");
        driver.send();
        let begun = if simple {
            copy_in_response(1)
        } else {
            [
                message(b'1', b""),
                message(b'2', b""),
                message(b'n', b""),
                copy_in_response(1),
            ]
            .concat()
        };
        driver.feed(&begun);
        driver.data(0, b"x\n");
        // Half of it was sent when the server complains.
        driver.send_bytes(3);
        if simple {
            let answer = [failure(), ready(b'I')].concat();
            assert_eq!(
                ends(&driver.feed(&answer)),
                ["op0 Finished Failed 22P02 no number"]
            );
            assert_eq!(
                driver.send(),
                [
                    Frontend::CopyData(b"x\n".to_vec()),
                    Frontend::Query("select 1".into())
                ]
            );
        } else {
            assert_eq!(driver.feed(&failure()), NO_LINES, "its Sync is owed");
            assert_eq!(
                driver.send(),
                [
                    Frontend::CopyData(b"x\n".to_vec()),
                    Frontend::Sync,
                    Frontend::Query("select 1".into())
                ]
            );
            assert_eq!(
                ends(&driver.feed(&ready(b'I'))),
                ["op0 Finished Failed 22P02 no number"]
            );
        }
        let op = driver.ops[0];
        assert_eq!(driver.core.copy_data(op, b"y"), Err(UsageError::NotCopying));
        assert_eq!(
            driver.core.copy_finish(op, CopyEnd::Done),
            Err(UsageError::NotCopying)
        );
    }
}

#[test]
fn a_statement_that_is_no_copy_is_answered_like_any_other() {
    for simple in [true, false] {
        for (sql, last) in [
            ("insert 1", "op0 StatementComplete INSERT 0 1"),
            ("select 7", "op0 StatementComplete SELECT 1"),
            ("copy out 2", "op0 StatementComplete COPY 2"),
            ("", "op0 EmptyQuery"),
        ] {
            let (mut driver, mut server) = connected();
            begin_copy(&mut driver, simple, sql);
            driver.query("insert 2");
            let lines = driver.converse(&mut server);
            let over = lines.iter().position(|line| line == last);
            assert_eq!(lines[over.unwrap() + 1], "op0 Finished Complete", "{sql}");
            assert_eq!(server.effects().last().unwrap(), "insert 2");
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn a_query_may_hold_several_copies() {
    let (mut driver, mut server) = connected();
    driver.copy_in("insert 1; copy in; rows 2; copy in");
    driver.query("insert 2");
    assert!(
        driver
            .converse(&mut server)
            .contains(&"op0 CopyIn Text 1".to_owned())
    );
    driver.data(0, b"a");
    driver.done(0);
    let lines = driver.converse(&mut server);
    assert_eq!(lines[0], "op0 StatementComplete COPY 1");
    assert_eq!(lines.last().unwrap(), "op0 CopyIn Text 1", "{lines:?}");
    driver.data(0, b"b");
    driver.data(0, b"c");
    driver.done(0);
    let lines = driver.converse(&mut server);
    assert_eq!(
        ends(&lines),
        ["op0 Finished Complete", "op1 Finished Complete"]
    );
    assert_eq!(server.copied(), [b"a", b"b", b"c"]);
    assert_eq!(server.effects(), ["insert 1", "insert 2"]);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn a_copy_that_the_client_fails_says_why() {
    for simple in [true, false] {
        let (mut driver, mut server) = connected();
        begin_copy(&mut driver, simple, "copy in");
        driver.converse(&mut server);
        driver.data(0, b"a");
        let op = driver.ops[0];
        let long = "x".repeat(9_996);
        assert_eq!(
            driver.core.copy_finish(op, CopyEnd::Fail(&long)),
            Err(UsageError::ReasonTooLong { length: 10_001 })
        );
        assert_eq!(
            driver.core.copy_finish(op, CopyEnd::Fail("a\0b")),
            Err(UsageError::NulByte { what: "reason" })
        );
        driver.data(0, b"it goes on");
        assert_eq!(
            driver.core.copy_finish(op, CopyEnd::Fail("no more")),
            Ok(())
        );
        assert_eq!(driver.core.copy_data(op, b"b"), Err(UsageError::NotCopying));
        let lines = driver.converse(&mut server);
        assert_eq!(
            ends(&lines),
            ["op0 Finished Failed 57014 COPY from stdin failed: no more"]
        );
        assert!(server.copied().is_empty() && driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn data_is_taken_as_far_as_the_output_has_room() {
    let mut limits = Limits::default();
    limits.output_high_water = 1_000;
    for simple in [true, false] {
        let mut server = ModelServer::new(Auth::Trust);
        let mut driver = Driver::new(startup(), limits.clone());
        driver.converse(&mut server);
        begin_copy(&mut driver, simple, "copy in");
        driver.converse(&mut server);
        let data: Vec<u8> = (0..10_000_u16).flat_map(u16::to_le_bytes).collect();
        let (mut rest, mut turns) = (&data[..], 0);
        while !rest.is_empty() {
            let n = driver.core.copy_data(driver.ops[0], rest).unwrap();
            assert!(driver.core.output().len() <= 1_000 + 5);
            if n == 0 {
                assert_eq!(driver.converse(&mut server), NO_LINES);
                turns += 1;
            }
            rest = &rest[n..];
        }
        assert!((19..25).contains(&turns), "{turns}");
        driver.done(0);
        assert_eq!(
            ends(&driver.converse(&mut server)),
            ["op0 Finished Complete"]
        );
        assert!(server.copied().concat() == data);
    }
}

/// Abandoned anywhere, with something behind it: nothing of it stays unless all was sent, and what is behind is answered.
#[test]
fn an_abandoned_copy_costs_nothing() {
    for simple in [true, false] {
        for at in 0..7 {
            for all in [false, true] {
                let (mut driver, mut server) = connected();
                begin_copy(&mut driver, simple, "copy in");
                match at {
                    0 => {}
                    1 => {
                        let part = driver.core.output()[..7].to_vec();
                        server.receive(&part);
                        driver.send_bytes(7);
                    }
                    2 => {
                        server.receive(driver.core.output());
                        driver.send();
                    }
                    _ => {
                        driver.converse(&mut server);
                    }
                }
                if at > 3 {
                    driver.data(0, b"a");
                }
                if at > 4 {
                    driver.converse(&mut server);
                }
                if at > 5 {
                    driver.done(0);
                }
                if all {
                    driver.core.abandon_all();
                } else {
                    driver.abandon(0);
                }
                driver.query("insert 1");
                begin_copy(&mut driver, !simple, "copy in");
                let lines = driver.converse(&mut server);
                assert!(
                    lines.iter().all(|line| !line.starts_with("op0")),
                    "{lines:?}"
                );
                assert_eq!(
                    lines.last().unwrap(),
                    "op2 CopyIn Text 1",
                    "{simple} {at} {all}"
                );
                driver.data(2, b"z");
                driver.done(2);
                assert_eq!(
                    ends(&driver.converse(&mut server)),
                    ["op2 Finished Complete"]
                );
                let copied = if at == 6 {
                    vec![b"a", b"z"]
                } else {
                    vec![b"z"]
                };
                assert_eq!(server.copied(), copied);
                assert_eq!(server.effects(), ["insert 1"]);
                assert!(
                    driver.core.is_idle() && server.is_idle(),
                    "{simple} {at} {all}"
                );
            }
        }
    }
}

#[test]
fn an_abandoned_statement_that_was_no_copy_hits_nobody() {
    for simple in [true, false] {
        for sql in ["insert 1", "fail", "select 1", "copy out 3"] {
            let (mut driver, mut server) = connected();
            begin_copy(&mut driver, simple, sql);
            server.receive(driver.core.output());
            driver.send();
            driver.abandon(0);
            driver.query("insert 2");
            assert_eq!(
                ends(&driver.converse(&mut server)),
                ["op1 Finished Complete"]
            );
            assert_eq!(server.effects().last().unwrap(), "insert 2");
            assert!(driver.core.is_idle() && server.is_idle());
        }
    }
}

#[test]
fn a_copy_behind_a_failed_operation_is_skipped() {
    let (mut driver, mut server) = connected();
    driver.begin(|batch| {
        extended(batch, "fail");
        batch.flush();
    });
    driver.begin(|batch| {
        extended(batch, "copy in");
        batch.copy_in();
    });
    driver.query("insert 1");
    let lines = driver.converse(&mut server);
    assert_eq!(
        ends(&lines),
        [
            "op0 Finished Failed 22012 as it was told to",
            "op1 Finished Skipped",
            "op2 Finished Complete"
        ]
    );
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn copies_one_behind_the_other() {
    let (mut driver, mut server) = connected();
    for i in 0..6 {
        begin_copy(&mut driver, i % 2 == 0, "copy in");
    }
    // The fourth never happens.
    driver.abandon(3);
    for i in [0, 1, 2, 4, 5] {
        let lines = driver.converse(&mut server);
        assert_eq!(lines.last().unwrap(), &format!("op{i} CopyIn Text 1"));
        driver.data(i, &[b'0' + u8::try_from(i).unwrap()]);
        driver.done(i);
    }
    driver.converse(&mut server);
    assert_eq!(server.copied(), [b"0", b"1", b"2", b"4", b"5"]);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn a_good_bye_waits_for_the_end_of_a_copy() {
    let (mut driver, mut server) = connected();
    driver.copy_in("copy in");
    driver.core.terminate();
    driver.converse(&mut server);
    driver.data(0, b"a");
    driver.done(0);
    let lines = driver.converse(&mut server);
    assert_eq!(
        lines[..3],
        [
            "op0 StatementComplete COPY 1",
            "op0 Finished Complete",
            "Closed Terminated"
        ]
    );
}

#[test]
fn a_batch_that_cannot_be_a_copy_is_refused() {
    let mut driver = Driver::open();
    let refused = |driver: &mut Driver, write: fn(&mut Batch<'_>)| {
        let mut batch = driver.core.batch();
        write(&mut batch);
        batch.commit().unwrap_err()
    };
    let nothing = refused(&mut driver, |batch| {
        batch.parse("", "copy t from stdin", &[]).copy_in();
    });
    assert_eq!(nothing, UsageError::NothingToCopy);
    let twice = refused(&mut driver, |batch| {
        batch.query("copy t from stdin").copy_in().copy_in();
    });
    assert_eq!(twice, UsageError::SecondOperation { message: "copy_in" });
    let behind = refused(&mut driver, |batch| {
        extended(batch, "copy t from stdin");
        batch.sync().copy_in();
    });
    assert_eq!(behind, UsageError::BehindTheEnd { message: "copy_in" });
    let more = refused(&mut driver, |batch| {
        extended(batch, "copy t from stdin");
        batch.copy_in().sync();
    });
    assert_eq!(more, UsageError::SecondOperation { message: "sync" });
    // A server that waits for data would end the session.
    let close = refused(&mut driver, |batch| {
        extended(batch, "copy t from stdin");
        batch.close(Target::Statement("s")).copy_in();
    });
    assert_eq!(close, UsageError::BehindTheCopy);
    let describe = refused(&mut driver, |batch| {
        extended(batch, "copy t from stdin");
        batch.describe(Target::Portal("")).copy_in();
    });
    assert_eq!(describe, UsageError::BehindTheCopy);
    assert!(driver.core.is_idle() && !driver.core.wants_write());
    driver.query("select 1");
    let sent = driver.send();
    assert_eq!(
        sent,
        [Frontend::Query("select 1".into())],
        "no fence is left"
    );
}

#[test]
fn what_one_operation_hands_out_can_be_limited() {
    let mut limits = Limits::default();
    limits.max_result = 100;
    for sql in ["rows 100", "copy out 100"] {
        let mut server = ModelServer::new(Auth::Trust);
        let mut driver = Driver::new(startup(), limits.clone());
        driver.converse(&mut server);
        driver.query("rows 3");
        driver.query("rows 3");
        assert_eq!(
            ends(&driver.converse(&mut server)).len(),
            2,
            "each by itself is small"
        );
        driver.query(sql);
        driver.abandon(2);
        driver.query(sql);
        assert!(driver.core.in_flight() < 2);
        let lines = driver.converse(&mut server);
        let last = lines.last().unwrap();
        assert!(last.contains("`max_result` of 100"), "{last}");
    }
}

#[test]
fn what_one_operation_may_not_hand_out_is_refused_by_its_header() {
    let mut limits = Limits::default();
    limits.max_result = 100;
    let columns = row_description(&[("a", 25, 0)]);
    let rows = [columns, data_row(&[Some("x".repeat(50))])].concat();
    let data = [copy_out_response(1), copy_data(&[b'x'; 50])].concat();
    for (begun, tag) in [(rows, b'D'), (data, b'd')] {
        let mut driver = Driver::open_with(limits.clone());
        driver.query("select 1");
        driver.query("select 1");
        driver.send();
        driver.feed(&begun);
        let large = declared(tag, 1 << 20, b"");
        let lines = driver.feed(&large[..5]);
        assert!(lines[2].contains("`max_result` of 100"), "{lines:?}");
        // Nobody is handed what nobody wants.
        let mut driver = Driver::open_with(limits.clone());
        driver.query("select 1");
        driver.send();
        driver.feed(&begun);
        driver.abandon(0);
        assert_eq!(driver.feed(&large[..5]), NO_LINES);
    }
}

#[test]
fn a_replication_connection_says_so_and_takes_simple_queries_only() {
    for (replication, value) in [
        (Replication::Physical, "true"),
        (Replication::Logical, "database"),
    ] {
        let mut server = ModelServer::new(Auth::Trust);
        let mut driver = Driver::new(startup().replication(replication), Limits::default());
        driver.converse(&mut server);
        assert_eq!(server.parameters()["replication"], value);
        assert!(driver.core.is_replication());
        let refused = |driver: &mut Driver, write: fn(&mut Batch<'_>)| {
            let mut batch = driver.core.batch();
            write(&mut batch);
            batch.commit().unwrap_err()
        };
        let parse = refused(&mut driver, |batch| {
            batch.parse("", "select 1", &[]);
        });
        assert_eq!(parse, UsageError::Replication { message: "parse" });
        let bind = refused(&mut driver, |batch| {
            let _: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
        });
        assert_eq!(bind, UsageError::Replication { message: "bind" });
        let close = refused(&mut driver, |batch| {
            batch.close(Target::Statement("s"));
        });
        assert_eq!(close, UsageError::Replication { message: "close" });
        driver.query("select 1");
        driver.query("insert 1");
        assert_eq!(ends(&driver.converse(&mut server)).len(), 2);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn acceptance_86_a_stream_goes_both_ways_until_both_have_ended_it() {
    for server_first in [false, true] {
        let (mut driver, mut server) = replicating();
        driver.query(if server_first {
            "start_replication 2 end"
        } else {
            "start_replication 2"
        });
        driver.query("select 1");
        let lines = driver.converse(&mut server);
        let begun = [
            "op0 CopyBoth Text 0",
            "op0 CopyData \"w1\"",
            "op0 CopyData \"w2\"",
            "op0 CopyDone",
        ];
        assert_eq!(lines, begun[..3 + usize::from(server_first)]);
        driver.data(0, b"status");
        assert_eq!(driver.converse(&mut server), NO_LINES);
        let op = driver.ops[0];
        assert_eq!(
            driver.core.copy_finish(op, CopyEnd::Fail("no")),
            Err(UsageError::StreamCannotFail)
        );
        driver.done(0);
        assert_eq!(
            driver.core.copy_data(op, b"more"),
            Err(UsageError::NotCopying)
        );
        let mut lines = driver.converse(&mut server);
        if !server_first {
            assert_eq!(lines.remove(0), "op0 CopyDone");
        }
        assert_eq!(
            lines[..3],
            [
                "op0 StatementComplete COPY 0",
                "op0 StatementComplete START_REPLICATION",
                "op0 Finished Complete"
            ]
        );
        assert_eq!(
            ends(&lines),
            ["op0 Finished Complete", "op1 Finished Complete"]
        );
        assert_eq!(server.copied(), [b"status"]);
        assert!(driver.core.is_idle() && server.is_idle());
    }
}

#[test]
fn a_message_of_a_stream_is_never_cut_in_two() {
    let mut limits = Limits::default();
    limits.output_high_water = 100;
    let mut server = ModelServer::new(Auth::Trust);
    let startup = startup().replication(Replication::Logical);
    let mut driver = Driver::new(startup, limits);
    driver.converse(&mut server);
    driver.query("start_replication 2");
    driver.converse(&mut server);
    let mut sent = Vec::new();
    for i in 0..20 {
        let status = [i; 34];
        while driver.core.copy_data(driver.ops[0], &status) == Ok(0) {
            assert!(driver.core.wants_write());
            driver.converse(&mut server);
        }
        assert!(driver.core.output().len() <= 100 + 39);
        sent.push(status.to_vec());
    }
    // One that is longer than all that may wait goes alone.
    driver.converse(&mut server);
    driver.data(0, &[7; 2_000]);
    sent.push(vec![7; 2_000]);
    driver.done(0);
    driver.converse(&mut server);
    assert_eq!(server.copied(), sent);
    assert!(driver.core.is_idle() && server.is_idle());
}

/// Amid a transaction, a walsender answers the client's `CopyDone` at once, and then sends the rest.
#[test]
fn a_transaction_that_is_being_sent_is_sent_to_its_end() {
    let (mut driver, _) = replicating();
    driver.query("start_replication slot s logical 0/0");
    driver.send();
    driver.feed(&[copy_both_response(0), copy_data(b"w1")].concat());
    driver.done(0);
    driver.send();
    let rest = [
        copy_done(),
        copy_data(b"w2"),
        copy_data(b"w3"),
        command_complete("COPY 0"),
        command_complete("START_REPLICATION"),
        ready(b'I'),
    ];
    assert_eq!(
        driver.feed(&rest.concat()),
        [
            "op0 CopyDone",
            "op0 CopyData \"w2\"",
            "op0 CopyData \"w3\"",
            "op0 StatementComplete COPY 0",
            "op0 StatementComplete START_REPLICATION",
            "op0 Finished Complete"
        ]
    );
    assert!(driver.core.is_idle());
}

#[test]
fn acceptance_86_a_stream_that_fails_is_ready_at_once() {
    let (mut driver, _) = replicating();
    driver.query("start_replication slot s logical 0/0");
    driver.send();
    let begun = [copy_both_response(0), copy_data(b"w")].concat();
    assert_eq!(driver.feed(&begun).len(), 2);
    driver.data(0, b"status");
    let answer = [failure(), ready(b'I')].concat();
    assert_eq!(
        driver.feed(&answer),
        ["op0 Finished Failed 22P02 no number"]
    );
    assert_eq!(driver.core.transaction_status(), TransactionStatus::Idle);
    driver.send();
    assert!(driver.core.is_idle());
}

#[test]
fn an_abandoned_stream_ends_the_connection() {
    // Before it is answered, amid it, and after one side has ended it.
    for at in 0..4 {
        for all in [false, true] {
            let (mut driver, mut server) = replicating();
            driver.query(if at == 3 {
                "start_replication 3 end"
            } else {
                "start_replication 3"
            });
            driver.query("insert 1");
            if at > 0 {
                driver.converse(&mut server);
            } else {
                server.receive(driver.core.output());
                driver.send();
            }
            if at == 2 {
                driver.done(0);
            }
            if all {
                driver.core.abandon_all();
            } else {
                driver.abandon(0);
            }
            let lines = driver.converse(&mut server);
            let lost = ["op1 Finished Lost", "Closed Terminated"];
            assert_eq!(
                lines[..lines.len() - 1],
                lost[usize::from(all)..],
                "{at} {all}"
            );
            assert!(server.effects().is_empty());
        }
    }
}

#[test]
fn an_abandoned_query_of_a_replication_connection_costs_nothing() {
    let (mut driver, mut server) = replicating();
    for sql in ["select 1", "fail", "copy in", "insert 1"] {
        let op = driver.ops.len();
        driver.query(sql);
        driver.query("select 2");
        server.receive(driver.core.output());
        driver.send();
        driver.abandon(op);
        let lines = driver.converse(&mut server);
        assert_eq!(ends(&lines), [format!("op{} Finished Complete", op + 1)]);
        assert!(driver.core.is_idle() && server.is_idle());
    }
    let op = driver.ops.len();
    driver.copy_in("copy in");
    server.receive(driver.core.output());
    driver.send();
    driver.abandon(op);
    driver.copy_in("copy in");
    assert_eq!(driver.converse(&mut server).len(), 1);
    driver.data(op + 1, b"a");
    driver.done(op + 1);
    driver.converse(&mut server);
    assert_eq!(server.copied(), [b"a"]);
    assert!(driver.core.is_idle() && server.is_idle());
}

#[test]
fn a_stream_on_an_ordinary_connection_breaks_the_protocol() {
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.send();
    let lines = driver.feed(&copy_both_response(0));
    assert!(
        lines.last().unwrap().contains("must not come now"),
        "{lines:?}"
    );
}

#[test]
fn data_that_nobody_awaits_is_refused() {
    let (mut driver, mut server) = connected();
    driver.query("rows 3");
    driver.copy_in("copy in");
    driver.core.recv_bytes(b"").unwrap();
    let (rows, copy) = (driver.ops[0], driver.ops[1]);
    for op in [rows, copy] {
        assert_eq!(driver.core.copy_data(op, b"x"), Err(UsageError::NotCopying));
    }
    driver.converse(&mut server);
    assert_eq!(
        driver.core.copy_data(rows, b"x"),
        Err(UsageError::NotCopying)
    );
    driver.data(1, b"y");
    driver.eof();
    assert_eq!(
        driver.core.copy_data(copy, b"x"),
        Err(UsageError::NotCopying)
    );
}

#[test]
fn a_server_that_completes_a_copy_by_itself_breaks_the_protocol() {
    let mut driver = Driver::open();
    driver.copy_in("copy t from stdin");
    driver.send();
    let early = [copy_in_response(1), command_complete("COPY 0"), copy_done()].concat();
    let lines = driver.feed(&early);
    assert_eq!(lines[0], "op0 CopyIn Text 1");
    assert_eq!(lines[1], "op0 Finished Lost");
    assert!(lines[2].contains("must not come now"), "{lines:?}");
}
