//! What PostgreSQL does where its manual says otherwise or nothing, and what the core makes of it: the core alone, over a Unix socket.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use purepg_proto::{
    Batch, Bind, CopyEnd, Limits, OpId, Replication, RowShape, Startup, Target, TransactionStatus,
    Transport, UsageError,
};
use purepg_testkit::blocking::{Blocking, unix};
use purepg_testkit::server::{DATABASE, Server};

fn open() -> Blocking<UnixStream> {
    Blocking::open(Server::shared())
}

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

/// The connection answers the next query rightly, and nothing is left of what was before.
fn goes_on(client: &mut Blocking<UnixStream>) {
    let lines = client.run("select 'on'");
    assert!(
        lines.contains(&format!("op{} row \"on\"", client.ops.len() - 1)),
        "{lines:?}"
    );
    assert_eq!(
        lines.last().unwrap(),
        &format!("op{} Finished Complete", client.ops.len() - 1)
    );
    assert!(client.core.is_idle(), "{:?}", client.core);
}

/// Everything that a server says to these bytes, type bytes only, until it has said nothing for a while or gone.
fn answers(stream: &mut UnixStream, request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let mut space = [0; 4096];
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_millis(300) {
        match stream.read(&mut space) {
            Ok(0) => break,
            Ok(n) => {
                answer.extend_from_slice(&space[..n]);
                last = Instant::now();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(_) => break,
        }
    }
    let mut tags = String::new();
    let mut rest = &answer[..];
    while let [tag, a, b, c, d, ..] = *rest {
        tags.push(tag.into());
        let length = u32::from_be_bytes([a, b, c, d]);
        rest = &rest[1 + usize::try_from(length).unwrap()..];
    }
    tags
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// Parse, Bind, Execute.
fn raw_statement(sql: &str, limit: i32) -> Vec<u8> {
    [
        frame(b'P', format!("\0{sql}\0\0\0").as_bytes()),
        frame(b'B', &[0; 8]),
        frame(b'E', &[&[0][..], &limit.to_be_bytes()].concat()),
    ]
    .concat()
}

fn sync() -> Vec<u8> {
    frame(b'S', b"")
}

/// A socket behind a start-up, for bytes that the core would not send.
fn raw() -> UnixStream {
    let mut client = open();
    client.run("create temporary table t (a int4)");
    client.stream
}

// Operations.

#[test]
fn a_deferred_constraint_fails_at_the_sync_behind_its_completion() {
    let mut client = open();
    client.run(
        "create temporary table t (a int4 primary key, b int4 references t deferrable initially deferred)",
    );
    client.batch(|batch| synced(batch, "insert into t values (1, 2)"));
    client.query("select 1");
    let lines = client.until("op1 Finished");
    assert!(
        lines.contains(&"op1 StatementComplete INSERT 0 1".to_owned()),
        "provisional"
    );
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("op1 Finished Failed 23503")
    );
    // It fails the Sync alone: nothing is skipped.
    assert_eq!(
        client.until("op2 Finished").last().unwrap(),
        "op2 Finished Complete"
    );
    goes_on(&mut client);
}

// ReadyForQuery.

#[test]
fn acceptance_61_a_query_in_a_skip_region_is_not_answered() {
    let mut client = open();
    client.batch(|batch| {
        statement(batch, "select 1/0");
        batch.flush();
    });
    client.query("select 1");
    client.until("op0 Finished Failed 22012");
    assert_eq!(client.until("op1 Finished"), ["op1 Finished Skipped"]);
    goes_on(&mut client);

    let [failure, query] = [raw_statement("select 1/0", 0), frame(b'Q', b"select 1\0")];
    let skipped = answers(&mut raw(), &[failure, query, sync()].concat());
    assert_eq!(
        skipped, "1EZ",
        "one ReadyForQuery for the Sync, none for the Query"
    );
}

#[test]
fn a_sync_that_a_copy_swallows_is_not_answered() {
    let mut stream = raw();
    let copy = raw_statement("copy t from stdin", 0);
    assert_eq!(answers(&mut stream, &[copy, sync()].concat()), "12G");
    let data = [frame(b'd', b"1\n"), frame(b'c', b"")].concat();
    assert_eq!(answers(&mut stream, &data), "", "its Sync is gone");
    assert_eq!(answers(&mut stream, &sync()), "CZ");
}

// COPY IN.

#[test]
fn a_copy_that_fails_before_its_answer_answers_both_syncs() {
    let copy = raw_statement("copy nowhere from stdin", 0);
    assert_eq!(
        answers(&mut raw(), &[copy, sync(), sync()].concat()),
        "12EZZ"
    );
}

#[test]
fn anything_but_data_behind_an_unanswered_copy_ends_the_session() {
    for copy in [
        raw_statement("copy t from stdin", 0),
        frame(b'Q', b"copy t from stdin\0"),
    ] {
        let begun = if copy[0] == b'Q' { "G" } else { "12G" };
        // Up to version 13 a session goes on where the protocol can still be followed.
        let ended = match (Server::shared().version(), copy[0]) {
            (..14, b'Q') => "EZ",
            (..14, _) => "E",
            _ => "EE",
        };
        let more = frame(b'Q', b"select 1\0");
        assert_eq!(
            answers(&mut raw(), &[copy, more].concat()),
            format!("{begun}{ended}")
        );
    }
}

#[test]
fn acceptance_61_what_stands_behind_a_declared_copy_waits() {
    for simple in [true, false] {
        let mut client = open();
        client.run("create temporary table t (a int4)");
        client.batch(|batch| {
            if simple {
                batch.query("copy t from stdin").copy_in();
            } else {
                statement(batch, "copy t from stdin");
                batch.copy_in();
            }
        });
        client.query("select sum(a) from t");
        client.batch(|batch| synced(batch, "select count(*) from t"));
        client.until("op1 CopyIn Text 1");
        for a in 0..1_000 {
            client.data(1, format!("{a}\n").as_bytes());
        }
        client.done(1);
        let lines = client.until("op3 Finished");
        for line in [
            "op1 StatementComplete COPY 1000",
            "op2 row \"499500\"",
            "op3 row \"1000\"",
        ] {
            assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
        }
        goes_on(&mut client);
    }
}

#[test]
fn a_declared_copy_that_the_server_refuses_is_followed_by_its_sync() {
    for simple in [true, false] {
        for (sql, data, sqlstate) in [
            ("copy nowhere from stdin", "", "42P01"),
            ("copy t from stdin", "none\n", "22P02"),
        ] {
            let mut client = open();
            client.run("create temporary table t (a int4)");
            client.batch(|batch| {
                if simple {
                    batch.query(sql).copy_in();
                } else {
                    statement(batch, sql);
                    batch.copy_in();
                }
            });
            client.query("select 1");
            if !data.is_empty() {
                client.until("op1 CopyIn");
                client.data(1, data.as_bytes());
                client.done(1);
            }
            let lines = client.until("op2 Finished Complete");
            let failed = format!("op1 Finished Failed {sqlstate}");
            assert!(
                lines.iter().any(|line| line.starts_with(&failed)),
                "{lines:?}"
            );
            goes_on(&mut client);
        }
    }
}

#[test]
fn acceptance_75_a_copy_fails_with_the_reason_that_the_client_gives() {
    let mut client = open();
    client.run("create temporary table t (a int4)");
    client.batch(|batch| {
        batch.query("copy t from stdin").copy_in();
    });
    client.until("op1 CopyIn");
    client.data(1, b"1\n");
    let end = CopyEnd::Fail("out of apples");
    client.core.copy_finish(client.ops[1], end).unwrap();
    let lines = client.until("op1 Finished Failed 57014");
    assert!(lines.last().unwrap().contains("out of apples"));
    goes_on(&mut client);
    let longest = "x".repeat(9_995);
    client.batch(|batch| {
        batch.query("copy t from stdin").copy_in();
    });
    client.until("op3 CopyIn");
    client
        .core
        .copy_finish(client.ops[3], CopyEnd::Fail(&longest))
        .unwrap();
    client.until("op3 Finished Failed 57014");
    goes_on(&mut client);
}

#[test]
fn a_copy_met_undeclared_is_refused() {
    for sql in ["copy t from stdin", "select 1; copy t from stdin; select 2"] {
        let mut client = open();
        client.run("create temporary table t (a int4)");
        let lines = client.run(sql);
        let last = lines.last().unwrap();
        assert!(
            last.starts_with("op1 Finished Failed 57014") && last.contains("declared"),
            "{last}"
        );
        client.batch(|batch| synced(batch, "copy t from stdin"));
        client.until("op2 Finished Failed 57014");
        goes_on(&mut client);
    }
}

#[test]
fn a_copy_may_fail_between_its_request_for_data_and_the_data() {
    let mut client = open();
    client.run("create temporary view v as select 1 as a");
    let copy = raw_statement("copy v from stdin", 0);
    assert_eq!(
        answers(&mut client.stream, &[copy, sync()].concat()),
        "12GEZ",
        "its Sync is not swallowed"
    );
    // Nobody has declared it, and one or two Syncs were sent behind it.
    for simple in [true, false] {
        for syncs in 0..2 {
            let mut client = open();
            client.run("create temporary view v as select 1 as a");
            client.batch(|batch| {
                if simple {
                    batch.query("copy v from stdin");
                } else {
                    synced(batch, "copy v from stdin");
                }
            });
            for _ in 0..syncs {
                client.batch(|batch| {
                    batch.sync();
                });
            }
            assert!(client.write());
            client.until("op1 Finished Failed 42809");
            goes_on(&mut client);
            goes_on(&mut client);
        }
    }
}

#[test]
fn what_is_sent_behind_an_abandoned_copy_and_its_syncs_waits() {
    for simple in [true, false] {
        for sql in ["copy t from stdin", "copy v from stdin", "select 'copy'"] {
            let mut client = open();
            client.run("create temporary table t (a int4); create temporary view v as select 1");
            client.batch(|batch| {
                if simple {
                    batch.query(sql);
                } else {
                    statement(batch, sql);
                }
            });
            client.batch(|batch| {
                batch.sync();
            });
            assert!(client.write());
            client.core.abandon_all();
            goes_on(&mut client);
            goes_on(&mut client);
        }
    }
}

/// Sent, and abandoned before the first answer has come: what it was makes no difference.
#[test]
fn what_is_abandoned_before_its_first_answer_may_have_been_a_copy() {
    for simple in [true, false] {
        for sql in [
            "copy t from stdin",
            "copy nowhere from stdin",
            "select generate_series(1, 10000)",
            "insert into t values (1)",
            "copy (select generate_series(1, 10000)) to stdout",
        ] {
            for declared in [true, false] {
                let mut client = open();
                client.run("create temporary table t (a int4)");
                client.batch(|batch| {
                    if simple {
                        batch.query(sql);
                    } else if declared {
                        statement(batch, sql);
                    } else {
                        synced(batch, sql);
                    }
                    if declared {
                        batch.copy_in();
                    }
                });
                assert!(client.write());
                client.core.abandon(client.ops[1]);
                goes_on(&mut client);
                let count = client.run("select count(*) from t");
                let kept = usize::from(sql.starts_with("insert"));
                assert!(
                    count.contains(&format!("op3 row \"{kept}\"")),
                    "{sql}: {count:?}"
                );
            }
        }
    }
}

/// The same amid its data.
#[test]
fn a_copy_that_is_abandoned_amid_its_data_leaves_nothing() {
    for simple in [true, false] {
        for done in [false, true] {
            let mut client = open();
            client.run("create temporary table t (a int4)");
            client.batch(|batch| {
                if simple {
                    batch.query("copy t from stdin").copy_in();
                } else {
                    statement(batch, "copy t from stdin");
                    batch.copy_in();
                }
            });
            client.until("op1 CopyIn");
            client.data(1, b"1\n2\n");
            if done {
                client.done(1);
            }
            client.core.abandon(client.ops[1]);
            goes_on(&mut client);
            let kept = if done { 2 } else { 0 };
            let count = client.run("select count(*) from t");
            assert!(count.contains(&format!("op3 row \"{kept}\"")), "{count:?}");
        }
    }
}

// CopyBoth.

fn superuser(replication: Option<Replication>) -> Blocking<UnixStream> {
    let server = Server::shared();
    let startup = Startup::new(server.superuser(), Transport::UnixSocket).database(DATABASE);
    let startup = match replication {
        Some(replication) => startup.replication(replication),
        None => startup,
    };
    Blocking::begin(unix(server), startup, Limits::default())
}

/// The text that stands in a result's first row, at a column from 0.
fn value(lines: &[String], column: usize) -> String {
    let row = lines
        .iter()
        .find_map(|line| line.split_once(" row "))
        .expect("a row");
    row.1
        .split(' ')
        .nth(column)
        .unwrap()
        .trim_matches('"')
        .to_owned()
}

#[test]
fn a_replication_connection_answers_commands() {
    let mut physical = superuser(Some(Replication::Physical));
    let lines = physical.run("IDENTIFY_SYSTEM");
    assert_eq!(lines.last().unwrap(), "op0 Finished Complete");
    assert!(
        value(&lines, 2).contains('/'),
        "a place in the log: {lines:?}"
    );
    let mut logical = superuser(Some(Replication::Logical));
    assert_eq!(value(&logical.run("select 7"), 0), "7");
    let mut batch = logical.core.batch();
    batch.parse("", "select 1", &[]);
    assert_eq!(
        batch.commit(),
        Err(UsageError::Replication { message: "parse" })
    );
}

#[test]
fn acceptance_86_a_logical_stream_is_read_answered_and_ended() {
    let mut sql = superuser(None);
    let mut walsender = superuser(Some(Replication::Logical));
    walsender.run("CREATE_REPLICATION_SLOT stream TEMPORARY LOGICAL test_decoding");
    sql.run("create table if not exists streamed (a int4)");
    sql.run("insert into streamed select generate_series(1, 3)");

    walsender.query("START_REPLICATION SLOT stream LOGICAL 0/0 (\"skip-empty-xacts\" '1')");
    // Behind the stream: it waits.
    walsender.query("select 'behind'");
    walsender.until("op1 CopyBoth Text 0");
    let mut told = Vec::new();
    while told
        .iter()
        .filter(|line: &&String| line.contains("INSERT"))
        .count()
        < 3
    {
        told.extend(walsender.until("op1 CopyData"));
    }
    let data = told.iter().filter(|line| line.contains("CopyData"));
    for line in data {
        // `w` is data of the log, `k` a sign of life.
        assert!(
            line.contains("CopyData \"w") || line.contains("CopyData \"k"),
            "{line}"
        );
    }
    // A standby's status: written, flushed and applied up to nothing; the time; a reply is asked for, or none.
    let status = |reply: u8| [&b"r"[..], &[0; 32], &[reply]].concat();
    walsender.data(1, &status(1));
    let is_keepalive = |line: &String| line.contains("CopyData \"k");
    while !walsender.until("op1 CopyData").iter().any(is_keepalive) {}
    walsender.data(1, &status(0));
    walsender.done(1);
    let rest = walsender.until("op2 Finished");
    let rest: Vec<&str> = rest
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("CopyData"))
        .collect();
    assert_eq!(
        rest,
        [
            "op1 CopyDone",
            "op1 StatementComplete COPY 0",
            "op1 StatementComplete START_REPLICATION",
            "op1 Finished Complete",
            "op2 Columns ?column?:25:Text",
            "op2 row \"behind\"",
            "op2 StatementComplete SELECT 1",
            "op2 Finished Complete",
        ]
    );
    assert!(walsender.core.is_idle());
    sql.run("drop table streamed");
}

#[test]
fn acceptance_86_an_error_amid_a_stream_is_ready_at_once() {
    let mut walsender = superuser(Some(Replication::Logical));
    walsender.run("CREATE_REPLICATION_SLOT failing TEMPORARY LOGICAL test_decoding");
    let lines =
        walsender.run("START_REPLICATION SLOT failing LOGICAL 0/0 (\"no-such-option\" '1')");
    let last = lines.last().unwrap();
    assert!(last.starts_with("op1 Finished Failed"), "{lines:?}");
    assert_eq!(walsender.core.transaction_status(), TransactionStatus::Idle);
    let lines = walsender.run("IDENTIFY_SYSTEM");
    assert_eq!(lines.last().unwrap(), "op2 Finished Complete");
}

#[test]
fn an_abandoned_stream_ends_the_connection() {
    let mut walsender = superuser(Some(Replication::Logical));
    walsender.run("CREATE_REPLICATION_SLOT abandoned TEMPORARY LOGICAL test_decoding");
    walsender.query("START_REPLICATION SLOT abandoned LOGICAL 0/0");
    walsender.until("op1 CopyBoth");
    walsender.core.abandon(walsender.ops[1]);
    assert_eq!(walsender.until_the_end(), ["Closed Terminated"]);
}

#[test]
fn acceptance_86_a_physical_stream_is_read_and_ended() {
    let mut walsender = superuser(Some(Replication::Physical));
    let place = value(&walsender.run("IDENTIFY_SYSTEM"), 2);
    walsender.query(&format!("START_REPLICATION PHYSICAL {place}"));
    walsender.until("op1 CopyBoth Text 0");
    walsender.until("op1 CopyData");
    walsender.done(1);
    let rest = walsender.until("op1 Finished");
    assert_eq!(rest.last().unwrap(), "op1 Finished Complete");
    assert!(walsender.core.is_idle());
}

// A segment left open.

#[test]
fn an_open_segment_is_ended_by_the_core_when_its_owner_is_gone() {
    for fails in [false, true] {
        let mut client = open();
        client.batch(|batch| {
            batch
                .parse("", if fails { "select nonsense" } else { "select 1" }, &[])
                .flush();
        });
        client.until(if fails {
            "op0 Finished"
        } else {
            "op0 Prepared"
        });
        client.core.abandon(client.ops[0]);
        goes_on(&mut client);
    }
}

// Not yet sent.

#[test]
fn what_was_not_sent_never_happens() {
    let mut client = open();
    client.run("create temporary table t (a int4)");
    client.query("insert into t values (1)");
    client.batch(|batch| synced(batch, "insert into t values (2)"));
    client.query("select count(*) from t");
    client.core.abandon(client.ops[1]);
    client.core.abandon(client.ops[2]);
    let lines = client.until("op3 Finished");
    assert!(lines.contains(&"op3 row \"0\"".to_owned()), "{lines:?}");
    goes_on(&mut client);
}

// Muted operations.

#[test]
fn what_an_abandoned_operation_raises_is_heard() {
    let mut client = open();
    client.query(
        "do $$ begin raise notice 'heard'; perform set_config('application_name', 'heard', false); end $$; select 1/0",
    );
    assert!(client.write());
    client.core.abandon(client.ops[0]);
    let lines = client.run("select 1");
    assert!(
        lines.contains(&"Notice 00000 heard".to_owned()),
        "{lines:?}"
    );
    // The error rolled the change back, so there is none to hear of.
    assert_eq!(client.core.muted_errors(), 1);
    goes_on(&mut client);
    client.query("set application_name = 'heard'; select pg_terminate_backend(pg_backend_pid())");
    assert!(client.write());
    client.core.abandon(client.ops[3 - 1]);
    let op = client.ops.len() - 1;
    client.core.abandon(client.ops[op]);
    client.query("select 1");
    let lines = client.until_the_end();
    let last: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert!(
        last[last.len() - 1].starts_with("Closed Fatal 57P01"),
        "{lines:?}"
    );
    assert!(
        last.iter().any(|line| line.ends_with("Finished Lost")),
        "{lines:?}"
    );
}

// Portals.

#[test]
fn a_suspended_portal_goes_on_as_another_operation() {
    let mut client = open();
    let portal = |batch: &mut Batch<'_>| {
        let bind = Bind {
            portal: "p",
            ..Bind::default()
        };
        batch.parse("", "select generate_series(1, 5) as n", &[]);
        let bound: Result<_, UsageError> = batch.bind(bind, |_| Ok(()));
        bound
            .unwrap()
            .describe(Target::Portal("p"))
            .execute("p", Some(2), RowShape::Described)
            .flush();
    };
    let mut columns = None;
    client.batch(portal);
    while columns.is_none() {
        if let purepg_proto::Event::Reply(_, purepg_proto::Reply::Columns(told)) =
            client.next_event().unwrap()
        {
            columns = Some(told);
        }
    }
    assert_eq!(
        client.until("op0 Finished")[2..],
        ["op0 Suspended", "op0 Finished Complete"]
    );
    let columns = columns.unwrap();
    let go_on = |client: &mut Blocking<UnixStream>, last: bool| {
        client.batch(|batch| {
            batch.execute("p", Some(2), RowShape::Known(columns.clone()));
            if last {
                batch.sync();
            } else {
                batch.flush();
            }
        });
    };
    // Something else in between, in the same segment.
    client.batch(|batch| statement(batch, "select 'between'"));
    go_on(&mut client, false);
    go_on(&mut client, true);
    let lines = client.until("op3 Finished");
    for line in [
        "op1 row \"between\"",
        "op2 row \"3\"",
        "op2 row \"4\"",
        "op2 Suspended",
        "op3 row \"5\"",
        "op3 StatementComplete SELECT 1",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
    }
    goes_on(&mut client);
}

#[test]
fn a_negative_row_limit_is_none_to_a_server() {
    let rows = raw_statement("select generate_series(1, 4)", -1);
    assert_eq!(answers(&mut raw(), &[rows, sync()].concat()), "12DDDDCZ");
    let mut client = open();
    let mut batch = client.core.batch();
    batch
        .describe(Target::Portal(""))
        .execute("", Some(u32::MAX), RowShape::Described);
    assert_eq!(
        batch.commit(),
        Err(UsageError::RowLimit { limit: u32::MAX })
    );
}

// Death.

#[test]
fn last_words_are_heard_before_the_end_of_the_stream() {
    let mut client = open();
    client.query("select pg_terminate_backend(pg_backend_pid())");
    client.query("select 1");
    let lines = client.until_the_end();
    let told: Vec<&str> = lines
        .iter()
        .rev()
        .take(3)
        .rev()
        .map(String::as_str)
        .collect();
    assert_eq!(
        told[..2],
        ["op0 Finished Lost", "op1 Finished Lost"],
        "{lines:?}"
    );
    assert!(told[2].starts_with("Closed Fatal 57P01"));
    let ops: Vec<OpId> = client.ops.clone();
    assert!(ops.iter().all(|&op| !client.core.is_under_way(op)));
}

// Plans.

#[test]
fn a_plan_that_cannot_change_says_where_it_failed() {
    let mut client = open();
    client.run("create temporary table t (a int4)");
    client.batch(|batch| {
        batch.parse("s", "select * from t", &[]).sync();
    });
    client.until("op1 Finished");
    client.run("alter table t add b int4");
    client.batch(|batch| {
        let bind = Bind {
            statement: "s",
            ..Bind::default()
        };
        let bound: Result<_, UsageError> = batch.bind(bind, |_| Ok(()));
        bound
            .unwrap()
            .describe(Target::Portal(""))
            .execute("", None, RowShape::Described)
            .sync();
    });
    loop {
        if let purepg_proto::Event::Reply(_, purepg_proto::Reply::Finished(outcome)) =
            client.next_event().unwrap()
        {
            let purepg_proto::Outcome::Failed(error) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(error.sqlstate(), Some("0A000"));
            assert_eq!(error.routine(), Some("RevalidateCachedQuery"));
            break;
        }
    }
    goes_on(&mut client);
}
