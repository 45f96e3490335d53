//! The demo as a program: what it prints where there is no terminal, and how it fails.

#![cfg(unix)]

use std::process::{Command, Output};

fn demo(rows: &str, environment: &[(&str, &str)]) -> (Output, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_purepg-demo"))
        .arg(rows)
        .env_remove("CLICOLOR_FORCE")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    (output, stdout, stderr)
}

#[test]
fn plain_lines_without_a_terminal() {
    let (output, stdout, stderr) = demo("20000", &[]);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    assert!(
        !stdout.contains('\x1b') && !stdout.contains('\r'),
        "{stdout:?}"
    );
    for wanted in [
        "20,000 rows lent in",
        "    │ LINE 3: where diametre > 100000\n    │               ^\n",
        "6 × 7 = 42",
        "✓ tokio           Unix socket, 9 steps",
        "✓ async-std       TCP, 9 steps",
        "✓ async-std       Unix socket, 9 steps",
    ] {
        assert!(stdout.contains(wanted), "{wanted:?} in\n{stdout}");
    }
    let table = stdout.split("milliseconds").nth(1).unwrap();
    for step in ["connect", "insert", "stream", "close", "together"] {
        let row = table
            .lines()
            .find(|line| line.trim().starts_with(step))
            .unwrap();
        let times = row
            .split_whitespace()
            .filter(|word| word.parse::<f64>().is_ok());
        assert_eq!(times.count(), 4, "{row}");
    }
    let fits = stdout.lines().all(|line| line.chars().count() <= 80);
    assert!(fits, "{stdout}");
}

#[test]
fn failures_are_told_in_words() {
    let (output, stdout, stderr) = demo("many", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        (&*stdout, &*stderr),
        ("", "the demo failed: `many` is not a number of rows\n")
    );

    let no_server = [("PUREPG_TEST_PG_VERSION", "eighteen")];
    let (output, stdout, stderr) = demo("1", &no_server);
    assert_eq!((output.status.code(), &*stdout), (Some(1), ""));
    assert!(
        stderr.starts_with("the demo failed: PUREPG_TEST_PG_VERSION: "),
        "{stderr}"
    );
}
