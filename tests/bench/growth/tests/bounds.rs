//! What must not grow does not.

use std::process::Command;

#[test]
fn memory_stays_within_its_bounds() {
    let output = Command::new(env!("CARGO_BIN_EXE_purepg-bench-growth"))
        .arg("--check")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let tables = String::from_utf8_lossy(&output.stdout);
    for line in [
        "Rows",
        "Parameters",
        "Bytes",
        "Queries",
        "Connections",
        "Statements",
        "What",
    ] {
        let is_there = tables.lines().any(|text| text.starts_with(line));
        assert!(is_there, "{line} is not in {tables}");
    }
}
