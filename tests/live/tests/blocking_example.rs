//! The core's example, a driver over `std::net`, against a real server.

use std::process::{Command, Output};

use purepg_testkit::server::{DATABASE, PASSWORD, Server, USER_SCRAM, USER_TRUST};

fn blocking(user: &str, password: &str, sql: &str) -> Output {
    let server = Server::shared();
    let address = format!("{}:{}", server.host(), server.port());
    Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "purepg-proto",
            "--example",
            "blocking",
            "--",
        ])
        .args([&address, user, password, DATABASE, sql])
        .output()
        .expect("cargo runs the example")
}

#[track_caller]
fn prints(output: &Output, expected: &str) {
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(printed, expected);
}

#[test]
fn it_queries_a_real_server() {
    let sql = "select 1, null, 'x'; select generate_series(1, 2)";
    for (user, password) in [(USER_TRUST, ""), (USER_SCRAM, PASSWORD)] {
        prints(
            &blocking(user, password, sql),
            "1 | NULL | x\nSELECT 1\n1\n2\nSELECT 2\n",
        );
    }
    let many = "select count(*) from (select generate_series(1, 100000)) x";
    prints(&blocking(USER_TRUST, "", many), "100000\nSELECT 1\n");
}

#[test]
fn it_says_what_went_wrong() {
    for (user, password, sql, told) in [
        (USER_SCRAM, "wrong", "select 1", "28P01"),
        (USER_SCRAM, "", "select 1", "PasswordMissing"),
        (USER_TRUST, "", "select nope", "42703"),
    ] {
        let output = blocking(user, password, sql);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(told), "{error}");
    }
}
