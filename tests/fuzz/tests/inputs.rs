//! What was found once, and the seeds, through every target: without libFuzzer.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use purepg_fuzz::TARGETS;

/// One at a time: what is allocated is counted for all threads together.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything in a folder of inputs, by target.
fn play(folder: &str) -> usize {
    let _alone = alone();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut played = 0;
    for (name, target) in TARGETS {
        let Ok(inputs) = std::fs::read_dir(folder.join(name)) else {
            continue;
        };
        for input in inputs {
            let path = input.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(path).unwrap());
            played += 1;
        }
    }
    played
}

#[test]
fn what_was_found_is_found_no_more() {
    assert!(play("found") > 0);
}

#[test]
fn the_seeds_are_in_order() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_seeds"))
        .arg(&folder)
        .status();
    assert!(made.unwrap().success());
    let played = play(folder.to_str().unwrap());
    assert!(played > 500, "{played}");
}

#[test]
fn nothing_is_an_input() {
    let _alone = alone();
    for (_, target) in TARGETS {
        target(&[]);
        for byte in 0..=u8::MAX {
            target(&[byte]);
            target(&[byte; 40]);
        }
    }
}
