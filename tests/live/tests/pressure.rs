//! Ten thousand statements in one pipeline, with large parameters and large results, through small socket buffers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::os::unix::net::UnixStream;

use purepg_proto::{
    Bind, Connection, Event, Format, Limits, OpId, Outcome, Reply, RowShape, Target, UsageError,
};
use purepg_testkit::blocking::{Blocking, narrow, trust};
use purepg_testkit::server::Server;

const STATEMENTS: usize = 10_000;

/// A text of some KiB, which comes back twice.
fn parameter(number: usize) -> String {
    let text = format!("{number} ");
    text.repeat(if number.is_multiple_of(500) {
        20_000
    } else {
        300
    })
}

fn begin(core: &mut Connection, number: usize) -> Result<OpId, UsageError> {
    let value = parameter(number);
    let mut batch = core.batch();
    if number == 0 {
        batch.parse("doubled", "select $1 || $1", &[25]);
    }
    let bind = Bind {
        statement: "doubled",
        parameter_formats: &[Format::Text],
        ..Bind::default()
    };
    let Ok(bound) = batch.bind(bind, |values| {
        values.bytes(Some(value.as_bytes()));
        Ok::<_, Infallible>(())
    });
    bound
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
    if number + 1 == STATEMENTS {
        batch.sync();
    }
    batch.commit()
}

#[test]
fn acceptance_60_ten_thousand_statements_through_four_kibibytes() {
    let stream = narrow(Server::shared(), 4096);
    let mut client: Blocking<UnixStream> = Blocking::begin(stream, trust(), Limits::default());
    client.read_at_once = 4096;
    let mut ops: VecDeque<(OpId, usize)> = VecDeque::new();
    let (mut begun, mut ended, mut most_waiting) = (0, 0, 0);
    while ended < STATEMENTS {
        while begun < STATEMENTS
            && let Ok(op) = begin(&mut client.core, begun)
        {
            ops.push_back((op, begun));
            begun += 1;
        }
        most_waiting = most_waiting.max(client.core.output().len());
        let Event::Reply(op, reply) = client.next_event().unwrap() else {
            continue;
        };
        assert_eq!(ops[0].0, op);
        match reply {
            Reply::Rows(batch) => {
                let expected = parameter(ops[0].1).repeat(2);
                for row in &batch {
                    assert!(row.field(0).unwrap().unwrap() == Some(expected.as_bytes()));
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
    assert!(client.core.is_idle());
    let mark = Limits::default().output_high_water;
    assert!(
        most_waiting < mark + 200_000,
        "{most_waiting} bytes waited to be sent"
    );
}
