//! Instructions for each unit of what purepg does in memory, counted by callgrind and compared with what was recorded.
//!
//! ```text
//! counts [--update] [PART-OF-A-NAME …]
//! ```
//!
//! It runs itself under valgrind, once for each contestant. `docs/performance.md` says how to use it.

mod callgrind;
mod record;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use purepg_bench_memory::races::{self, Contestant, Race};

use callgrind::Callgrind;
use record::{Change, Record, Verdict};

/// Where the counts are kept.
const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
/// With this and a name this program runs itself.
const COUNTED: &str = "--counted";
/// Units that are counted, where a race that is timed has twenty times as many.
const PART: usize = 20;
const FEWEST: usize = 100;
/// Turns before the one that is counted, so that everything has settled.
const TURNS: usize = 3;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.as_slice() {
        [flag, name] if flag == COUNTED => be_counted(name),
        _ => compare(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// One of our contestants.
struct Counted {
    name: String,
    unit: &'static str,
    units: usize,
    contestant: Contestant,
}

fn all() -> impl Iterator<Item = Counted> {
    races::ALL.into_iter().flat_map(|race: &'static Race| {
        let ours = race.contestants.iter().filter(|one| one.is_ours());
        ours.map(|contestant| Counted {
            name: format!("{}: {contestant}", race.title),
            unit: race.unit,
            units: (race.units / PART).max(FEWEST).min(race.units),
            contestant: *contestant,
        })
    })
}

/// Under valgrind.
fn be_counted(name: &str) -> Result<ExitCode, Box<dyn Error>> {
    let counted = all().find(|counted| counted.name == name);
    let counted = counted.ok_or_else(|| format!("{name}: there is no such contestant"))?;
    let mut turn = (counted.contestant.prepare)(counted.units);
    for _ in 0..TURNS {
        turn();
    }
    callgrind::counted(&mut turn);
    Ok(ExitCode::SUCCESS)
}

/// Counts what is asked for, prints it beside what was recorded, and records it if that is wanted.
fn compare(args: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let (flags, parts): (Vec<&String>, Vec<_>) = args.iter().partition(|arg| arg.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| **flag != "--update") {
        return Err(format!("{unknown}: there is no such option").into());
    }
    let callgrind = Callgrind::find()?;
    let updates = !flags.is_empty() || std::env::var("UPDATE_COUNTS").is_ok_and(|to| to == "1");
    let recorded = Record::read(Path::new(RECORD))?;
    let toolchain = record::toolchain()?;
    let same = recorded.toolchain == toolchain;
    let known = recorded.counts.is_empty() || same;
    if updates && !known && !parts.is_empty() {
        return Err("the others were recorded elsewhere: all have to be recorded anew".into());
    }

    let mut counts = Vec::new();
    let (mut moved, mut has_grown) = (Vec::new(), false);
    println!("{:>12}  {:>12}  {:>8}", "recorded", "now", "change");
    for counted in all() {
        let name = counted.name;
        let old = recorded.get(&name);
        if !parts.is_empty() && !parts.iter().any(|part| name.contains(*part)) {
            counts.extend(old.map(|count| (name, count)));
            continue;
        }
        let new = callgrind.count(&name)? as f64 / counted.units as f64;
        let change = Change { old, new };
        let line = format!("{change}  {name}, for each {}", counted.unit);
        println!("{line}");
        let verdict = change.verdict();
        has_grown |= verdict == Verdict::Grown;
        if verdict != Verdict::Same {
            moved.push(line);
        }
        counts.push((name, new));
    }
    if !moved.is_empty() {
        println!("\nMoved by more than 1 %:\n{}", moved.join("\n"));
    }
    println!("\nWhere it goes: callgrind_annotate {}", callgrind.files());
    if updates {
        Record { toolchain, counts }.write(Path::new(RECORD))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !known {
        println!(
            "This is {toolchain}, what was recorded is of {}: growth is no failure then.",
            recorded.toolchain
        );
    } else if has_grown {
        println!("Something has grown by more than 3 %.");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
