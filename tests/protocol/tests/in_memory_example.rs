//! The core's first example, as its readers run it.

use std::process::Command;

#[test]
fn it_prints_what_its_server_said() {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "purepg-proto"])
        .args(["--example", "in_memory"])
        .output()
        .expect("cargo runs the example");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "name | born\nAda | 1815\nAlice | NULL\nSELECT 2\n");
}
