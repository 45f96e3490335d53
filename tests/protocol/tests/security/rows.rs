//! Rows that are not what was described, or not what they say.

use purepg_proto::{Event, Reply, RowShape, Target};
use purepg_testkit::backend::{command_complete, data_row, message, ready, row_description};
use purepg_tests_protocol::driver::Driver;

use crate::{UNEXPECTED, assert_ends};

#[test]
fn security_38_field_lengths_that_lie() {
    for (length, what) in [
        (-2, "its length is negative"),
        (i32::MIN, "its length is negative"),
        (5, "it is longer than its row"),
        (i32::MAX, "it is longer than its row"),
    ] {
        let mut driver = Driver::open();
        driver.query("select 1");
        driver.send();
        let row = [&[0, 1][..], &length.to_be_bytes(), b"four"].concat();
        let answer = [
            row_description(&[("a", 25, 0)]),
            message(b'D', &row),
            command_complete("SELECT 1"),
            ready(b'I'),
        ];
        driver.core.recv_bytes(&answer.concat()).unwrap();
        driver.core.next_event().unwrap();
        let Some(Event::Reply(_, Reply::Rows(rows))) = driver.core.next_event().unwrap() else {
            panic!("rows");
        };
        let row = rows.iter().next().unwrap();
        let error = row.fields().next().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("field 0 of the row is malformed: {what}")
        );
        assert!(row.to_row().is_err());
        let owned: Vec<_> = rows.rows().collect();
        assert!(matches!(owned[..], [Err(_)]));
        // An error of this access alone.
        let rest = driver.take();
        assert_eq!(
            rest,
            ["op0 StatementComplete SELECT 1", "op0 Finished Complete"]
        );
        assert!(driver.core.is_idle());
    }
}

#[test]
fn security_40_rows_have_the_columns_that_were_described() {
    for values in [&[][..], &[Some("1")], &[Some("1"), None, None]] {
        let mut driver = Driver::open();
        driver.query("select 1, 2");
        driver.send();
        driver.feed(&row_description(&[("a", 23, 0), ("b", 23, 0)]));
        let found = format!("a row of {} columns where 2 were described", values.len());
        assert_ends(&mut driver, &data_row(values), &found);
    }
    // A row before any description.
    let row = || data_row(&[Some("1")]);
    assert_ends(&mut Driver::open(), &row(), UNEXPECTED);
    let mut driver = Driver::open();
    driver.query("select 1");
    assert_ends(&mut driver, &row(), UNEXPECTED);
    let mut driver = Driver::open();
    driver.begin(|batch| {
        batch
            .describe(Target::Portal(""))
            .execute("", None, RowShape::Described)
            .sync();
    });
    driver.feed(&message(b'n', b""));
    assert_ends(
        &mut driver,
        &row(),
        "a row before any description of its columns",
    );
    // One that is too short to say how many columns it has.
    let mut driver = Driver::open();
    driver.query("select 1");
    driver.feed(&row_description(&[("a", 23, 0)]));
    assert_ends(
        &mut driver,
        &message(b'D', b"\0"),
        "a malformed message: expected a count of columns",
    );
}
