//! What an input says: `show TARGET FILE`, then the target is run on it.

use std::error::Error;

use purepg_fuzz::TARGETS;
use purepg_fuzz::input::{Command, Input};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, file] = &arguments[..] else {
        return Err("usage: show TARGET FILE".into());
    };
    let run = TARGETS.iter().find(|(name, _)| name == target);
    let (_, run) = run.ok_or("no such target")?;
    let data = std::fs::read(file)?;
    if ["operations", "startup"].contains(&target.as_str()) {
        let mut input = Input::new(&data);
        println!("flags {:#x}", input.byte());
        while let Some(command) = Command::read(&mut input) {
            println!("{command:?}");
        }
    } else {
        println!("{}", data.escape_ascii());
    }
    run(&data);
    println!("in order");
    Ok(())
}
