//! A server that keeps to nothing, and a caller that does not care.

use purepg_proto::{Connection, CopyEnd, Event, Limits, Replication, Reply};
use purepg_testkit::backend;
use purepg_tests_protocol::driver::{Driver, startup};

use crate::kinds::{KINDS, REPLICATION};
use crate::{Dice, env};

/// Messages of a server that keeps to nothing, most of them messages that could come.
fn nonsense(dice: &mut Dice) -> Vec<u8> {
    let all = [
        backend::parse_complete(),
        backend::bind_complete(),
        backend::no_data(),
        backend::command_complete("COPY 1"),
        backend::ready(b"ITE"[dice.roll(3)]),
        backend::copy_in_response(1),
        backend::copy_out_response(1),
        backend::copy_both_response(0),
        backend::copy_data(b"data"),
        backend::copy_data(b""),
        backend::copy_done(),
        backend::error_response("ERROR", "22P02", "no"),
        backend::row_description(&[("a", 23, 0)]),
        backend::data_row(&[Some("1")]),
        backend::empty_query(),
        backend::portal_suspended(),
        backend::message(b'3', b""),
        backend::notice_response("NOTICE", "00000", "n"),
        backend::parameter_status("a", "b"),
    ];
    if dice.roll(300) == 0 {
        return backend::error_response("FATAL", "57P01", "bye");
    }
    all[dice.roll(all.len())].clone()
}

/// The messages that are owed, by the state that an error names: so that a server that answers what it was never asked gets somewhere.
#[test]
fn a_server_that_keeps_to_nothing() {
    let mut dice = Dice::new();
    let (mut copies, mut streams) = (0, 0);
    for case in 0..env("CASES", 1_000) {
        let replication = case % 3 == 0;
        let kinds = if replication { REPLICATION } else { KINDS };
        let mut startup = startup();
        if replication {
            startup = startup.replication(Replication::Physical);
        }
        let mut driver = Driver::new(startup, Limits::default());
        driver.send();
        driver.feed(&backend::let_in());
        let mut open: Vec<bool> = Vec::new();
        let mut events = Vec::new();
        for _ in 0..60 {
            let core = &mut driver.core;
            match dice.roll(12) {
                0..2 => {
                    if core.is_open() {
                        let kind = kinds[dice.roll(kinds.len())];
                        driver.begin(|batch| kind.write(batch, 0));
                        open.push(true);
                    }
                }
                2 => {
                    if !open.is_empty() && dice.roll(3) == 0 {
                        let op = dice.roll(open.len());
                        core.abandon(driver.ops[op]);
                        open[op] = false;
                    }
                }
                3 if dice.roll(8) == 0 => {
                    core.abandon_all();
                    open.fill(false);
                }
                4 => {
                    let n = core.output().len();
                    core.output_sent(dice.roll(n + 1));
                }
                5 => {
                    if !open.is_empty() {
                        let op = driver.ops[dice.roll(open.len())];
                        let _ = core.copy_data(op, b"data");
                        if dice.roll(3) == 0 {
                            let _ = core.copy_finish(op, CopyEnd::Done);
                        }
                        if dice.roll(3) == 0 {
                            let _ = core.copy_finish(op, CopyEnd::Fail("no"));
                        }
                    }
                }
                6 if dice.roll(30) == 0 => core.terminate(),
                _ => {
                    // What would end it is not sent, most of the time.
                    for _ in 0..40 {
                        let message = nonsense(&mut dice);
                        let mut legal = true;
                        if let Some(state) = state(core).filter(|_| core.wants_read()) {
                            legal = fits(&state, message[0]);
                        }
                        if legal || dice.roll(2_000) == 0 {
                            let _ = core.recv_bytes(&message);
                            break;
                        }
                    }
                }
            }
            for _ in 0..[0, 1, 2, 99][dice.roll(4)] {
                match driver.core.next_event() {
                    Ok(Some(event)) => events.push(event),
                    _ => break,
                }
            }
            let core = &driver.core;
            assert_eq!(core.output().is_empty(), !core.wants_write());
            for event in events.drain(..) {
                if let Event::Reply(op, reply) = event {
                    copies += usize::from(matches!(reply, Reply::CopyIn(_)));
                    streams += usize::from(matches!(reply, Reply::CopyBoth(_)));
                    let op = driver.ops.iter().position(|known| *known == op).unwrap();
                    assert!(open[op]);
                    open[op] = !matches!(reply, Reply::Finished(_));
                }
            }
        }
        driver.core.recv_eof();
        while let Ok(Some(event)) = driver.core.next_event() {
            if let Event::Reply(op, reply) = event {
                let op = driver.ops.iter().position(|known| *known == op).unwrap();
                assert!(open[op]);
                open[op] = !matches!(reply, Reply::Finished(_));
            }
        }
        assert!(open.iter().all(|open| !open));
        assert!(driver.core.is_dead() && driver.core.in_flight() == 0);
    }
    assert!(copies > 10 && streams > 10, "{copies} {streams}");
}

/// What is owed, as the core's own picture of itself has it.
fn state(core: &Connection) -> Option<String> {
    let shown = format!("{core:?}");
    let queue = shown.split("owed: [").nth(1)?;
    let expect = queue.split("expect: ").nth(1)?;
    Some(expect.split(',').next()?.to_owned())
}

fn fits(state: &str, byte: u8) -> bool {
    let legal: &[u8] = match state {
        "Parse" => b"1E",
        "Bind" => b"2E",
        "Close" => b"3E",
        "Columns" => b"TnE",
        "Rows" => b"DCIsHGGGE",
        "CopyOut" => b"dcE",
        "CopyOutDone" | "CopyInDone" | "QueryCopyInDone" => b"CE",
        "CopyIn" | "CopyInFailed" | "QueryCopyIn" | "QueryCopyInFailed" => b"E",
        "Sync" => b"ZE",
        "SyncFailed" | "QueryFailed" => b"Z",
        "Query" => b"TCIHGWZE",
        "QueryRows" => b"DCE",
        "QueryCopyOut" => b"dcE",
        "QueryCopyOutDone" => b"CE",
        "QueryCopyBoth" | "QueryCopyBothReceiving" => b"dcE",
        "QueryCopyBothSending" => b"E",
        "QueryCopyBothDone" => b"dCTE",
        _ => b"",
    };
    legal.contains(&byte) || matches!(byte, b'N' | b'S')
}
