//! A heap that is not given back to the system.

use std::process::Command;

/// Of glibc; others pay no attention.
pub const KEPT: [(&str, &str); 2] = [
    ("MALLOC_TRIM_THRESHOLD_", "1000000000"),
    ("MALLOC_MMAP_THRESHOLD_", "1000000000"),
];

/// Runs this program once more, with a heap that is not given back to the system, and says whether this is that time.
///
/// Otherwise the C library gives back what a collected result took, now and then, and the page faults of taking it again are several
/// times all the rest.
pub fn is_kept() -> bool {
    if KEPT
        .iter()
        .all(|(name, _)| std::env::var_os(name).is_some())
    {
        return true;
    }
    let this = std::env::current_exe().expect("a program knows where it is");
    let status = Command::new(this)
        .args(std::env::args_os().skip(1))
        .envs(KEPT)
        .status();
    assert!(status.expect("it can be run again").success());
    false
}
