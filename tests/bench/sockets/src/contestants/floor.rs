//! The least that a client could do: prepared messages into a socket, one buffer of 64 KiB for what comes back.
//!
//! It knows no state, believes most of what it is told, and blocks. Whatever a client does besides is its distance from here.

mod wire;

use std::borrow::Cow;

use wire::Wire;

use super::loops::{by_batches, copied, one_by_one};
use super::{Job, Result, Server};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    CONNECTIONS, COPY_IN, Checksum, INSERT, NAME, PIPELINE, SELECT_1, SELECT_NARROW,
    SELECT_PARAMETER, SELECT_WIDE, SELECT_WIDE_ROW, Workload, copy_out, copy_piece, inserted, key,
    parameter,
};

const SYNC: [u8; 5] = [b'S', 0, 0, 0, 4];

/// Does what is asked, as long as it needs no password.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    if matches!(job.workload, Workload::Connect | Workload::Reconnect) {
        return Ok(None);
    }
    let count = job.count;
    let mut wire = Wire::connect(&job.server)?;
    match job.workload {
        Workload::Connect | Workload::Reconnect => unreachable!("they were refused above"),
        Workload::Select => {
            wire.prepare(SELECT_1)?;
            let request = Request::new(&[], 1);
            one_by_one(count, watch, |_, sum| {
                wire.write(&request.bytes)?;
                wire.rows(|mut row| row.int4().map(|value| sum.number(value)))
            })
        }
        Workload::SelectText => {
            let query = query(SELECT_1);
            one_by_one(count, watch, |_, sum| {
                wire.write(&query)?;
                wire.rows(|mut row| {
                    let value: i32 = row.text()?.parse().ok()?;
                    sum.number(value);
                    Some(())
                })
            })
        }
        Workload::Row => {
            wire.prepare(SELECT_WIDE_ROW)?;
            let mut request = Request::new(&[&[0; 8]], 1);
            one_by_one(count, watch, |number, sum| {
                request.patch(0, 0, &key(number).to_be_bytes());
                wire.write(&request.bytes)?;
                wire.rows(|mut row| row.wide().map(|row| sum.wide(row)))
            })
        }
        Workload::Pipeline => {
            wire.prepare(SELECT_PARAMETER)?;
            let mut request = Request::new(&[&[0; 4]], PIPELINE);
            by_batches(count, watch, |from, until, sum| {
                for (place, number) in (from..until).enumerate() {
                    request.patch(place, 0, &parameter(number).to_be_bytes());
                }
                wire.write(&request.first(until - from))?;
                wire.rows(|mut row| row.int4().map(|value| sum.number(value)))
            })
        }
        Workload::StreamNarrow => stream(&mut wire, SELECT_NARROW, job, watch, |wire, sum| {
            wire.rows(|mut row| row.narrow().map(|row| sum.narrow(row)))
        }),
        Workload::StreamWide => stream(&mut wire, SELECT_WIDE, job, watch, |wire, sum| {
            wire.rows(|mut row| row.wide().map(|row| sum.wide(row)))
        }),
        Workload::Insert => {
            wire.prepare(INSERT)?;
            wire.simple("begin")?;
            let mut request = Request::new(&[&[0; 8], &[0; 4], NAME.as_bytes()], 1);
            let sum = one_by_one(count, watch, |number, sum| {
                request.insert(0, number);
                wire.write(&request.bytes)?;
                wire.completed(sum)
            })?;
            wire.simple("rollback")?;
            Ok(sum)
        }
        Workload::InsertPipelined => {
            wire.prepare(INSERT)?;
            wire.simple("begin")?;
            let mut request = Request::new(&[&[0; 8], &[0; 4], NAME.as_bytes()], PIPELINE);
            let sum = by_batches(count, watch, |from, until, sum| {
                for (place, number) in (from..until).enumerate() {
                    request.insert(place, number);
                }
                wire.write(&request.first(until - from))?;
                wire.completed(sum)
            })?;
            wire.simple("rollback")?;
            Ok(sum)
        }
        Workload::CopyIn => copy_in(&mut wire, count, watch),
        Workload::CopyOut => {
            let query = query(&copy_out(count));
            let mut length = 0;
            watch.start();
            wire.write(&query)?;
            wire.replies(|tag, body| {
                if tag == b'd' {
                    length += body.len() as u64;
                }
                Ok(())
            })?;
            watch.stop();
            Ok(length)
        }
        Workload::Sixteen => sixteen(wire, job, watch),
    }
    .map(Some)
}

fn stream(
    wire: &mut Wire,
    sql: &str,
    job: &Job,
    watch: &mut Stopwatch,
    read: impl FnOnce(&mut Wire, &mut Checksum) -> Result<()>,
) -> Result<u64> {
    wire.prepare(sql)?;
    let request = Request::new(&[&job.count.to_be_bytes()], 1);
    let mut sum = Checksum::default();
    watch.start();
    wire.write(&request.bytes)?;
    read(wire, &mut sum)?;
    watch.stop();
    Ok(sum.0)
}

fn copy_in(wire: &mut Wire, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let (piece, rows) = copy_piece();
    let data = frame(b'd', &piece);
    wire.simple("begin")?;
    watch.start();
    wire.write(&query(COPY_IN))?;
    wire.replies_until(b'G', |_, _| Ok(()))?;
    for _ in 0..count / rows {
        wire.write(&data)?;
    }
    wire.write(&frame(b'c', b""))?;
    let mut done = Checksum::default();
    wire.completed(&mut done)?;
    watch.stop();
    wire.simple("rollback")?;
    copied(done.0, count / rows * rows)
}

/// Each is asked before the first answer is read: nobody has to wait for what is ready.
fn sixteen(wire: Wire, job: &Job, watch: &mut Stopwatch) -> Result<u64> {
    let mut wires = vec![wire];
    for _ in 1..CONNECTIONS {
        wires.push(Wire::connect(&job.server)?);
    }
    for wire in &mut wires {
        wire.prepare(SELECT_1)?;
    }
    let request = Request::new(&[], 1);
    one_by_one(job.count / CONNECTIONS, watch, |_, sum| {
        for wire in &mut wires {
            wire.write(&request.bytes)?;
        }
        for wire in &mut wires {
            wire.rows(|mut row| row.int4().map(|value| sum.number(value)))?;
        }
        Ok(())
    })
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("messages are short here");
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn query(sql: &str) -> Vec<u8> {
    frame(b'Q', &[sql.as_bytes(), b"\0"].concat())
}

/// Some executions of the statement `s`, and one Sync, whose parameters are written over before each use.
struct Request {
    bytes: Vec<u8>,
    each: usize,
    places: Vec<usize>,
}

impl Request {
    fn new(parameters: &[&[u8]], times: u64) -> Self {
        let count = u16::try_from(parameters.len()).expect("they are few");
        // Everything is binary, the parameters and the columns.
        let mut bind = [b"\0s\0", &[0, 1, 0, 1][..], &count.to_be_bytes()].concat();
        let mut places = Vec::new();
        for parameter in parameters {
            let length = u32::try_from(parameter.len()).expect("they are short");
            bind.extend_from_slice(&length.to_be_bytes());
            places.push(bind.len() + 5);
            bind.extend_from_slice(parameter);
        }
        bind.extend_from_slice(&[0, 1, 0, 1]);
        let one = [frame(b'B', &bind), frame(b'E', &[0; 5])].concat();
        let mut bytes = one.repeat(usize::try_from(times).expect("a batch"));
        bytes.extend_from_slice(&SYNC);
        let each = one.len();
        Self {
            bytes,
            each,
            places,
        }
    }

    fn patch(&mut self, execution: usize, parameter: usize, value: &[u8]) {
        let place = execution * self.each + self.places[parameter];
        self.bytes[place..place + value.len()].copy_from_slice(value);
    }

    fn insert(&mut self, execution: usize, number: u64) {
        let (id, small, _) = inserted(number);
        self.patch(execution, 0, &id.to_be_bytes());
        self.patch(execution, 1, &small.to_be_bytes());
    }

    /// So many of the executions: all of them, but for the last batch.
    fn first(&self, times: u64) -> Cow<'_, [u8]> {
        let executions = usize::try_from(times).expect("a batch") * self.each;
        if executions + SYNC.len() == self.bytes.len() {
            self.bytes.as_slice().into()
        } else {
            [&self.bytes[..executions], &SYNC].concat().into()
        }
    }
}
