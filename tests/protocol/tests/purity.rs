//! The core does no IO, has no clock, no randomness and no runtime: what it is built from is written down here, and nothing else is.

use std::process::Command;

/// With all features.
const ALLOWED: &[&str] = &[
    "base64",
    "bytes",
    "hmac",
    "md-5",
    "memchr",
    "sha2",
    "stringprep",
    "subtle",
    "thiserror",
    "unicode-normalization",
    "zeroize",
    // Of the hashes.
    "block-buffer",
    "cfg-if",
    "cmov",
    "cpufeatures",
    "crypto-common",
    "ctutils",
    "digest",
    "hybrid-array",
    "typenum",
    // Of SASLprep.
    "tinyvec",
    "unicode-bidi",
    "unicode-properties",
];

/// What only the feature `std` brings.
const ONLY_STD: &[&str] = &[
    "stringprep",
    "tinyvec",
    "unicode-bidi",
    "unicode-normalization",
    "unicode-properties",
];

/// The packages that the core is built from, itself aside. What runs while it is compiled (derive macros) is not among them.
fn tree(features: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "--locked", "--package", "purepg-proto"])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "none"])
        .args([
            "--target",
            "x86_64-unknown-linux-gnu",
            "--format",
            "{p}",
            features,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "purepg-proto")
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn acceptance_123_the_dependency_tree_of_the_core_is_the_one_that_is_written_down() {
    let mut allowed = ALLOWED.to_vec();
    allowed.sort_unstable();
    assert_eq!(tree("--all-features"), allowed);
    allowed.retain(|name| !ONLY_STD.contains(name));
    assert_eq!(tree("--no-default-features"), allowed);
}
