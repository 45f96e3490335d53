//! Ten thousand statements through buffers of 4 KiB, and a peer that reads nothing until its replies are taken: neither side may wait for
//! the other, and what waits stays small.

use std::collections::VecDeque;

use purepg_proto::{Bind, Event, Format, Limits, OpId, Outcome, Reply, RowShape, Target};
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::{Driver, startup};

const STATEMENTS: usize = 10_000;
/// What a socket holds, in each direction.
const SOCKET: usize = 4096;

/// The parameter of a statement, which comes back as its result: mostly 1 KiB, some 64 KiB, some nothing.
fn parameter(number: usize) -> Vec<u8> {
    let length = match number % 100 {
        0 => 64 * 1024,
        1 => 0,
        _ => 1024,
    };
    let mut text = format!("{number:05} ").into_bytes();
    text.resize(length.max(6), b'x');
    text
}

#[derive(Default)]
struct Peer {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
}

fn pipeline(sync_every: usize, limits: Limits) {
    let mut server = ModelServer::new(Auth::Trust);
    let high_water = limits.output_high_water;
    let mut driver = Driver::new(startup(), limits);
    driver.converse(&mut server);
    let mut wire = Peer::default();
    let mut ops: VecDeque<(OpId, usize)> = VecDeque::new();
    let (mut begun, mut ended, mut echoed, mut rows) = (0, 0, 0, 0);
    let mut most_waiting = 0;
    while ended < STATEMENTS {
        let mut progress = false;
        // As much as is accepted.
        while begun < STATEMENTS {
            let mut batch = driver.core.batch();
            let value = parameter(begun);
            batch.parse("", "select $1", &[25]);
            let bound = batch.bind(
                Bind {
                    parameter_formats: &[Format::Text],
                    ..Bind::default()
                },
                |values| {
                    values.bytes(Some(&value));
                    Ok::<_, std::convert::Infallible>(())
                },
            );
            let Ok(bound) = bound;
            bound.describe(Target::Portal(""));
            batch.execute("", None, RowShape::Described);
            if (begun + 1).is_multiple_of(sync_every) || begun + 1 == STATEMENTS {
                batch.sync();
            }
            let Ok(op) = batch.commit() else {
                break;
            };
            ops.push_back((op, begun));
            begun += 1;
            progress = true;
        }
        most_waiting = most_waiting.max(driver.core.output().len());
        // The client writes as long as the socket takes it.
        let n = driver
            .core
            .output()
            .len()
            .min(SOCKET - wire.to_server.len());
        wire.to_server.extend(&driver.core.output()[..n]);
        driver.core.output_sent(n);
        // The server reads nothing while what it has said before is not gone.
        if server.output().is_empty() {
            let bytes: Vec<u8> = wire.to_server.drain(..).collect();
            server.receive(&bytes);
            progress |= !bytes.is_empty();
        }
        let said = server.output().len().min(SOCKET - wire.to_client.len());
        wire.to_client.extend(&server.output()[..said]);
        server.output_taken(said);
        // The client reads if it wants to.
        let space = driver.core.recv_space();
        let arrived = space.len().min(wire.to_client.len());
        for (slot, byte) in space.iter_mut().zip(wire.to_client.drain(..arrived)) {
            *slot = byte;
        }
        driver.core.recv_filled(arrived);
        while let Some(event) = driver.core.next_event().unwrap() {
            let Event::Reply(op, reply) = event else {
                continue;
            };
            assert_eq!(ops[0].0, op, "in the order in which they were asked for");
            match reply {
                Reply::Rows(batch) => {
                    for row in &batch {
                        let value = row.field(0).unwrap().unwrap().unwrap();
                        assert!(value == parameter(ops[0].1));
                        echoed += value.len();
                        rows += 1;
                    }
                }
                Reply::Finished(outcome) => {
                    assert_eq!(outcome, Outcome::Complete);
                    ops.pop_front();
                    ended += 1;
                }
                _ => {}
            }
        }
        progress |= n > 0 || said > 0 || arrived > 0;
        assert!(progress, "each waits for the other: {:?}", driver.core);
    }
    assert_eq!(rows, STATEMENTS);
    assert_eq!(
        echoed,
        (0..STATEMENTS).map(|i| parameter(i).len()).sum::<usize>()
    );
    assert!(driver.core.is_idle() && server.is_idle());
    let longest = 65 * 1024;
    assert!(most_waiting < high_water + longest, "{most_waiting}");
}

#[test]
fn acceptance_60_one_sync_for_all() {
    pipeline(STATEMENTS, Limits::default());
}

#[test]
fn acceptance_60_a_sync_for_each() {
    pipeline(1, Limits::default());
}

#[test]
fn acceptance_60_a_low_mark() {
    let mut limits = Limits::default();
    limits.output_high_water = 1;
    limits.max_in_flight = 7;
    pipeline(3, limits);
}
