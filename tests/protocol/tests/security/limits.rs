//! More than is put up with.

use purepg_proto::Limits;
use purepg_testkit::backend::{data_row, declared, parameter_status, row_description};
use purepg_tests_protocol::driver::Driver;

use crate::{assert_ends, authenticated, queried, with_password};

#[test]
fn security_49_a_length_is_refused_by_its_header() {
    let limits = Limits::default();
    let startup_limit = i32::try_from(limits.max_startup_message).unwrap();
    let exceeded = |found: i32, limit: &str, allowed: usize| {
        format!(
            "{}, more than the limit `{limit}` of {allowed}",
            i64::from(found) + 1
        )
    };
    // Before it has let us in.
    for (tag, length, limit, allowed) in [
        (
            b'R',
            startup_limit,
            "max_startup_message",
            limits.max_startup_message,
        ),
        (
            b'R',
            i32::MAX,
            "max_startup_message",
            limits.max_startup_message,
        ),
        (b'E', 30_001, "max_startup_error", limits.max_startup_error),
        (
            b'E',
            i32::MAX,
            "max_startup_error",
            limits.max_startup_error,
        ),
    ] {
        let header = &declared(tag, length, b"")[..5];
        assert_ends(
            &mut with_password(),
            header,
            &exceeded(length, limit, allowed),
        );
    }
    // Behind AuthenticationOk, and when it is open, for messages that carry neither data nor text.
    let short = limits.max_short_message;
    for tag in [b'S', b'K', b'Z'] {
        let header = &declared(tag, 30_000, b"")[..5];
        assert_ends(
            &mut authenticated(),
            header,
            &exceeded(30_000, "max_short_message", short),
        );
    }
    for tag in [b'Z', b'C', b'I', b'S'] {
        let header = &declared(tag, 30_000, b"")[..5];
        assert_ends(
            &mut queried(),
            header,
            &exceeded(30_000, "max_short_message", short),
        );
    }
    // Data.
    for (tag, length) in [(b'T', i32::MAX), (b'N', i32::MAX), (b'E', (1 << 30) + 4)] {
        let header = &declared(tag, length, b"")[..5];
        assert_ends(
            &mut queried(),
            header,
            &exceeded(length, "max_message", limits.max_message),
        );
    }
    // A length that counts itself is 4 at least.
    for length in [3, 0, -1, i32::MIN] {
        for driver in [with_password(), authenticated(), queried()].as_mut_slice() {
            let header = &declared(b'E', length, b"")[..5];
            let expected = format!("a message that declares a length of {length}");
            assert_ends(driver, header, &expected);
        }
    }
}

#[test]
fn security_49_a_declared_length_reserves_nothing() {
    let mut driver = queried();
    driver.feed(&row_description(&[("a", 25, 0)]));
    driver.feed(&declared(b'D', (1 << 30) - 3, b"\0\x01"));
    for _ in 0..10 {
        let space = driver.core.recv_space().len();
        assert!(space <= 64 * 1024, "{space}");
        driver.core.recv_filled(1);
        assert!(driver.take().is_empty());
    }
    let mut limits = Limits::default();
    limits.max_message = 100;
    let mut driver = Driver::open_with(limits);
    driver.query("select 1");
    driver.feed(&row_description(&[("a", 25, 0)]));
    let fits = data_row(&[Some("x".repeat(100 - 11))]);
    assert_eq!(fits.len(), 100);
    assert_eq!(driver.feed(&fits).len(), 1);
    let header = &data_row(&[Some("x".repeat(100 - 10))])[..5];
    assert_ends(
        &mut driver,
        header,
        "101, more than the limit `max_message` of 100",
    );
}

#[test]
fn security_49_a_flood_of_parameters() {
    let limits = Limits::default();
    for mut driver in [authenticated(), Driver::open()] {
        let known = driver.core.parameters().len();
        let names = (known..limits.max_server_parameters).map(|i| format!("p{i}"));
        let allowed: Vec<u8> = names
            .flat_map(|name| parameter_status(&name, "x"))
            .collect();
        driver.feed(&allowed);
        assert_eq!(driver.core.parameters().len(), limits.max_server_parameters);
        // Those that are known may change as often as they like.
        driver.feed(&parameter_status("p100", "y"));
        assert_eq!(driver.core.parameter("p100"), Some("y"));
        let one_more = parameter_status("one more", "x");
        let expected = "257, more than the limit `max_server_parameters` of 256";
        assert_ends(&mut driver, &one_more, expected);
    }
    for mut driver in [authenticated(), Driver::open()] {
        let value = "x".repeat(limits.max_server_parameter - 1);
        driver.feed(&parameter_status("a", &value));
        assert_eq!(driver.core.parameter("a"), Some(&*value));
        let expected = "8193, more than the limit `max_server_parameter` of 8192";
        assert_ends(&mut driver, &parameter_status("aa", &value), expected);
    }
}

#[test]
fn security_49_more_columns_than_a_server_can_make() {
    let columns = |count: usize| row_description(&vec![("c", 23, 0); count]);
    let limit = Limits::default().max_columns;
    assert_eq!(queried().feed(&columns(limit)).len(), 1);
    assert_ends(
        &mut queried(),
        &columns(limit + 1),
        "1665, more than the limit `max_columns` of 1664",
    );
}
