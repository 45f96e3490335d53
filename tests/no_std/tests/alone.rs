//! The core is driven without `std`, and is built without it.

use std::process::Command;

#[test]
fn a_conversation_needs_no_std() {
    let heard = purepg_tests_no_std::conversation().unwrap();
    assert_eq!(heard, ["hello", "SELECT 1", "Terminated"]);
}

/// Builds the crate with its own panic handler, and by itself: in a build of the whole workspace others switch the core's `std` on.
fn builds_with(features: &str) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline", "--locked", "--lib"])
        .args(["--package", env!("CARGO_PKG_NAME"), "--features", features])
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(errors)
}

#[test]
fn acceptance_123_nothing_below_the_core_has_std() {
    assert_eq!(builds_with("panic_handler"), Ok(()));
}

/// Or else the test above would show nothing.
#[test]
fn std_is_noticed() {
    let errors = builds_with("panic_handler,purepg-proto/std").unwrap_err();
    assert!(
        errors.contains("duplicate lang item `panic_impl`"),
        "{errors}"
    );
}
