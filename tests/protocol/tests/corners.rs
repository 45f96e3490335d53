//! Corner cases of the core, each of which something once got wrong.

use purepg_proto::{
    Bind, BindValues, Connection, Event, Limits, Nonce, OpId, Outcome, Reply, RowShape, Startup,
    Target, Transport, UsageError,
};
use purepg_testkit::backend;

const SYNC: &[u8] = b"S\0\0\0\x04";

fn begin(limits: Limits) -> Connection {
    let startup = Startup::new("me", Transport::UnixSocket).password("swordfish");
    let mut core = Connection::new(startup, Nonce::from_entropy([7; 18]), limits);
    send(&mut core);
    core
}

fn open() -> Connection {
    let mut core = begin(Limits::default());
    core.recv_bytes(&backend::let_in()).unwrap();
    events(&mut core);
    assert!(core.is_idle());
    core
}

/// Sends all that waits.
fn send(core: &mut Connection) -> Vec<u8> {
    let output = core.output().to_vec();
    core.output_sent(output.len());
    output
}

fn query(core: &mut Connection, sql: &str) -> OpId {
    let mut batch = core.batch();
    batch.query(sql);
    batch.commit().unwrap()
}

fn sync(core: &mut Connection) -> OpId {
    let mut batch = core.batch();
    batch.sync();
    batch.commit().unwrap()
}

/// All that is known, as text; an error is the last line.
fn events(core: &mut Connection) -> Vec<String> {
    let mut events = Vec::new();
    loop {
        match core.next_event() {
            Ok(Some(event)) => events.push(format!("{event:?}")),
            Ok(None) => return events,
            Err(error) => {
                events.push(format!("{error:?}"));
                return events;
            }
        }
    }
}

fn one_column() -> Vec<u8> {
    backend::row_description(&[("a", 25, 0)])
}

#[test]
fn debug_shows_no_secret() {
    let mut core = begin(Limits::default());
    core.recv_bytes(&backend::message(b'R', &[0, 0, 0, 3]))
        .unwrap();
    assert!(core.next_event().unwrap().is_none());
    assert!(!core.output().is_empty());
    assert!(!format!("{core:?}").contains("swordfish"));

    let mut core = open();
    let mut batch = core.batch();
    let values = |values: &mut BindValues<'_>| {
        values.bytes(Some(b"swordfish"));
        assert!(!format!("{values:?}").contains("swordfish"));
        Ok::<(), UsageError>(())
    };
    batch
        .parse("", "select $1", &[])
        .bind(Bind::default(), values)
        .unwrap();
    assert!(!format!("{batch:?}").contains("swordfish"));
    drop(batch);

    query(&mut core, "select");
    send(&mut core);
    core.recv_bytes(&[one_column(), backend::data_row(&[Some("swordfish")])].concat())
        .unwrap();
    core.next_event().unwrap();
    let Some(Event::Reply(_, Reply::Rows(rows))) = core.next_event().unwrap() else {
        panic!()
    };
    let fields = rows.iter().next().unwrap().fields();
    let shown = format!("{core:?} {rows:?} {:?} {fields:?}", rows.iter());
    let bytes = format!("{:?}", b"sword");
    assert!(
        !shown.contains("sword") && !shown.contains(bytes.trim_matches(['[', ']'])),
        "{shown}"
    );
}

/// What a server says of a COPY that was refused.
fn refused(core: &mut Connection) -> Vec<u8> {
    let sent = send(core);
    assert!(sent.starts_with(b"f"), "{}", sent.escape_ascii());
    let reason = String::from_utf8_lossy(&sent[5..sent.len() - 1]).into_owned();
    let text = format!("COPY from stdin failed: {reason}");
    backend::error_response("ERROR", "57014", &text)
}

#[test]
fn a_sync_that_a_refused_copy_swallowed_is_sent_again() {
    let copy_in = backend::message(b'G', b"\0\0\0");
    let mut core = open();
    query(&mut core, "copy t from stdin");
    sync(&mut core);
    send(&mut core);
    let next = query(&mut core, "select 1");
    core.recv_bytes(&copy_in).unwrap();
    events(&mut core);
    let error = refused(&mut core);
    assert!(!core.wants_write(), "until it is known what failed it");
    core.recv_bytes(&error).unwrap();
    events(&mut core);
    assert_eq!(send(&mut core), SYNC);
    core.recv_bytes(&backend::ready(b'I')).unwrap();
    events(&mut core);
    assert!(core.output().starts_with(b"Q") && core.is_under_way(next));

    let mut core = open();
    let mut batch = core.batch();
    batch.parse("", "copy t from stdin", &[]);
    batch
        .bind(Bind::default(), |_| Ok::<(), UsageError>(()))
        .unwrap();
    batch
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described)
        .sync();
    batch.commit().unwrap();
    sync(&mut core);
    send(&mut core);
    let answers = [
        backend::parse_complete(),
        backend::bind_complete(),
        backend::no_data(),
        copy_in,
    ];
    core.recv_bytes(&answers.concat()).unwrap();
    events(&mut core);
    let error = refused(&mut core);
    core.recv_bytes(&error).unwrap();
    events(&mut core);
    assert_eq!(send(&mut core), [SYNC, SYNC].concat());
}

#[test]
fn what_was_not_sent_comes_behind_the_refusal_of_a_copy() {
    let mut core = open();
    query(&mut core, "copy t from stdin");
    send(&mut core);
    let next = query(&mut core, "select 1");
    core.recv_bytes(&backend::message(b'G', b"\0\0\0")).unwrap();
    events(&mut core);
    let output = core.output().to_vec();
    assert!(output.starts_with(b"f") && output.ends_with(b"select 1\0"));
    core.abandon(next);
    assert!(core.output().starts_with(b"f") && !core.output().ends_with(b"select 1\0"));
}

#[test]
fn an_abandoned_query_that_may_be_a_copy_is_followed_by_copy_fail() {
    let mut core = open();
    let op = query(&mut core, "Copy t from stdin");
    send(&mut core);
    core.abandon(op);
    core.abandon(op);
    let sent = send(&mut core);
    assert!(sent.starts_with(b"f\0\0\0"), "{}", sent.escape_ascii());
    assert_eq!(
        sent.windows(4).filter(|bytes| *bytes == b"f\0\0\0").count(),
        1,
        "once"
    );
    let other = query(&mut core, "select 1");
    send(&mut core);
    core.abandon(other);
    assert!(core.output().is_empty());

    let mut core = open();
    let op = query(&mut core, "copy t from stdin");
    core.output_sent(5);
    query(&mut core, "select 1");
    core.abandon(op);
    let sent = send(&mut core);
    let place = |wanted: &[u8]| sent.windows(wanted.len()).position(|bytes| bytes == wanted);
    assert!(
        place(b"stdin\0f\0\0\0").is_some() && sent.ends_with(b"select 1\0"),
        "between them"
    );
}

#[test]
fn bytes_that_wait_make_it_unfit_for_others() {
    let mut core = open();
    let stale = [backend::command_complete("SELECT 1"), backend::ready(b'I')].concat();
    core.recv_bytes(&stale).unwrap();
    assert!(!core.is_idle());
    assert!(
        events(&mut core)
            .iter()
            .any(|event| event.contains("UnexpectedMessage"))
    );
}

#[test]
fn abandoning_an_older_operation_leaves_the_segment_of_a_newer_one_alone() {
    let mut core = open();
    let mut batch = core.batch();
    batch.parse("a", "x", &[]).flush();
    let older = batch.commit().unwrap();
    let mut batch = core.batch();
    batch.parse("b", "y", &[]).flush();
    let newer = batch.commit().unwrap();
    core.abandon(older);
    assert!(
        !core.output().ends_with(SYNC),
        "the newer one would lose its portal"
    );
    core.abandon(newer);
    assert!(core.output().is_empty(), "neither was ever sent");
    assert!(core.is_idle());
}

#[test]
fn what_was_never_sent_leaves_no_trace() {
    let mut core = open();
    for _ in 0..3 {
        let mut batch = core.batch();
        batch.parse("", "x", &[]).flush();
        batch.commit().unwrap();
        query(&mut core, "select");
    }
    core.abandon_all();
    assert!(core.output().is_empty() && core.is_idle());

    let mut batch = core.batch();
    batch.parse("", "x", &[]).flush();
    batch.commit().unwrap();
    send(&mut core);
    query(&mut core, "never");
    core.abandon_all();
    assert_eq!(core.output(), SYNC, "the segment that was sent is closed");
}

#[test]
fn a_sync_behind_a_skipped_query_stays() {
    let mut core = open();
    let mut batch = core.batch();
    batch.parse("", "bad", &[]);
    batch.commit().unwrap();
    query(&mut core, "skipped by the server");
    send(&mut core);
    let end = sync(&mut core);
    core.recv_bytes(&backend::error_response("ERROR", "42601", "bad"))
        .unwrap();
    let told = events(&mut core);
    assert!(
        told[0].contains("Failed") && told[1].contains("Skipped"),
        "{told:?}"
    );
    core.abandon(end);
    assert!(
        !core.is_idle() && core.output() == SYNC,
        "the server would skip for ever"
    );
}

#[test]
fn a_good_bye_before_the_start_is_over_is_said_then() {
    let mut core = begin(Limits::default());
    core.terminate();
    core.recv_bytes(&backend::let_in()).unwrap();
    events(&mut core);
    assert_eq!(core.output(), b"X\0\0\0\x04");
}

#[test]
fn the_end_amid_a_message_is_no_good_bye() {
    let mut core = open();
    query(&mut core, "commit");
    core.terminate();
    send(&mut core);
    core.recv_bytes(b"C\0\0\0\x10COM").unwrap();
    core.recv_eof();
    let told = events(&mut core);
    assert!(
        told[0].contains("Lost") && told[1].contains("UnexpectedEof"),
        "{told:?}"
    );
}

#[test]
fn an_error_while_idle_is_the_servers_last_word() {
    let mut core = open();
    let last = backend::message(b'E', b"SFATALE\0Mthe server shuts down\0\0");
    core.recv_bytes(&last).unwrap();
    let told = events(&mut core);
    assert!(
        told[0].contains("Closed(Fatal") && told[0].contains("shuts down"),
        "{told:?}"
    );
}

#[test]
fn a_writer_of_values_is_lent_nothing_of_the_others() {
    let mut core = open();
    query(&mut core, "select 'mine'");
    let before = core.output().to_vec();
    let mut batch = core.batch();
    batch.parse("", "x", &[]);
    let replaced = batch.bind(Bind::default(), |values| {
        values.value(|out| {
            let length = out.len();
            out.clear();
            out.resize(length + 4, b'!');
            Ok::<bool, UsageError>(true)
        })
    });
    drop(replaced.map(drop));
    drop(batch);
    assert_eq!(core.output(), before);
}

#[test]
fn a_forgotten_batch_is_not_committed() {
    let mut core = open();
    let mut batch = core.batch();
    batch.query("delete from t");
    std::mem::forget(batch);
    assert!(core.output().is_empty() && !core.wants_write());
    let op = query(&mut core, "select 1");
    assert_eq!(send(&mut core), b"Q\0\0\0\x0dselect 1\0");
    assert!(core.is_under_way(op) && core.in_flight() == 1);
}

#[test]
fn too_many_columns_are_a_limit() {
    let mut core = open();
    query(&mut core, "select");
    send(&mut core);
    let columns: Vec<_> = (0..1_665).map(|_| ("a", 25, 0)).collect();
    core.recv_bytes(&backend::row_description(&columns))
        .unwrap();
    let told = events(&mut core);
    assert!(
        told.iter().any(|line| line.contains("max_columns")),
        "{told:?}"
    );
}

#[test]
fn text_may_be_long_as_soon_as_we_are_in() {
    let mut core = begin(Limits::default());
    let long = "x".repeat(40_000);
    let notice = backend::notice_response("NOTICE", "00000", &long);
    let start = [backend::authentication_ok(), notice, backend::ready(b'I')].concat();
    core.recv_bytes(&start).unwrap();
    assert_eq!(events(&mut core).len(), 2);
    assert!(core.is_idle());
}

#[test]
fn security_27_start_up_parameters_override_nothing() {
    let startup = Startup::new("me", Transport::UnixSocket).parameter("user", "postgres");
    let mut core = Connection::new(startup, Nonce::from_entropy([7; 18]), Limits::default());
    assert!(!core.wants_write() && core.is_dead());
    let told = events(&mut core);
    assert!(told[0].contains("ReservedParameter"), "{told:?}");
}

#[test]
fn a_hundred_thousand_operations_are_abandoned_in_no_time() {
    let mut core = open();
    let mut batch = core.batch();
    batch.parse("", "bad", &[]);
    batch.commit().unwrap();
    send(&mut core);
    let mut count = 0;
    while count < 99_000 {
        let mut batch = core.batch();
        batch.close(Target::Portal("")).sync();
        if batch.commit().is_err() {
            break;
        }
        count += 1;
    }
    assert!(count > 50_000);
    core.recv_bytes(&backend::error_response("ERROR", "42601", "bad"))
        .unwrap();
    let event = core.next_event().unwrap();
    assert!(matches!(
        event,
        Some(Event::Reply(_, Reply::Finished(Outcome::Failed(_))))
    ));
    // Were it quadratic, this would take minutes.
    core.abandon_all();
    assert_eq!(
        (core.output(), core.in_flight()),
        (SYNC, 1),
        "one Sync ends the skipping"
    );
}

#[test]
fn a_large_row_a_byte_at_a_time() {
    let mut core = open();
    query(&mut core, "select");
    send(&mut core);
    let row = backend::data_row(&[Some("x".repeat(1 << 20))]);
    let mut count = 0;
    for byte in [one_column(), row].concat() {
        assert!(core.wants_read());
        core.recv_space()[0] = byte;
        core.recv_filled(1);
        while core.next_event().unwrap().is_some() {
            count += 1;
        }
    }
    assert_eq!(count, 2);
}
