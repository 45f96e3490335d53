//! Fences: what goes before them, what waits behind them, and what may not stand there.

use purepg_proto::{Batch, Bind, Limits, RowShape, Target, UsageError};
use purepg_testkit::scripted::{Auth, ModelServer};
use purepg_tests_protocol::driver::{Driver, startup};

fn connected_with(limits: Limits) -> (Driver, ModelServer) {
    let mut server = ModelServer::new(Auth::Trust);
    let mut driver = Driver::new(startup(), limits);
    assert_eq!(driver.converse(&mut server), ["Ready"]);
    (driver, server)
}

fn statement(batch: &mut Batch<'_>, sql: &str) {
    batch.parse("", sql, &[]);
    let bound: Result<_, UsageError> = batch.bind(Bind::default(), |_| Ok(()));
    bound
        .unwrap()
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

/// The same, declared to be a COPY.
fn begin_copy(driver: &mut Driver, simple: bool, sql: &str) {
    driver.begin(|batch| {
        if simple {
            batch.query(sql);
        } else {
            statement(batch, sql);
        }
        batch.copy_in();
    });
}

fn ends(lines: &[String]) -> Vec<&str> {
    let finished = lines.iter().filter(|line| line.contains(" Finished "));
    finished.map(String::as_str).collect()
}

#[test]
fn what_waits_behind_a_fence_is_no_backpressure_for_the_data() {
    for simple in [true, false] {
        let mut limits = Limits::default();
        limits.output_high_water = 1_000;
        let (mut driver, mut server) = connected_with(limits);
        begin_copy(&mut driver, simple, "copy in");
        driver.query(&format!("insert {}", "x".repeat(2_000)));
        driver.converse(&mut server);
        assert!(!driver.core.wants_write());
        let data = [b'x'; 3_000];
        let taken = driver.core.copy_data(driver.ops[0], &data);
        assert_eq!(taken, Ok(1_000), "nothing that could be sent waits");
        assert_eq!(driver.core.copy_data(driver.ops[0], &data), Ok(0));
        driver.converse(&mut server);
        driver.data(0, b"x");
        driver.done(0);
        assert_eq!(
            ends(&driver.converse(&mut server)),
            ["op0 Finished Complete", "op1 Finished Complete"]
        );
        assert!(driver.core.is_idle() && server.is_idle());
    }
}
