//! Tables and sentences, in Markdown.

use std::fmt::Write;

use crate::contestants::Entry;
use crate::counts::Calls;
use crate::figures::{Figures, Role, role};
use crate::goals::{CONTESTANT, Goal};
use crate::numbers::{count, ratio, significant, thousands};

/// The least processor time of all contestants in all workloads, and the goals.
pub fn overview(races: &[Figures], contestants: &[&'static Entry]) -> String {
    let mut text = String::from("| µs of the processor |");
    for contestant in contestants {
        let _ = write!(text, " {} |", name(contestant));
    }
    let _ = write!(text, " {CONTESTANT} reaches | goal | |\n|---|");
    text.push_str(&"---:|".repeat(contestants.len() + 2));
    text.push_str("---|\n");
    for figures in races {
        let _ = write!(text, "| {} |", figures.workload.title());
        for contestant in contestants {
            let line = figures.line(contestant.name);
            let least = line.map_or_else(|| "–".to_owned(), |line| significant(line.least));
            let _ = write!(text, " {least} |");
        }
        text.push_str(&goal_cells(figures));
    }
    text
}

fn goal_cells(figures: &Figures) -> String {
    let Some((reached, goal)) = figures.reached() else {
        return " – | – | |\n".into();
    };
    let (wanted, of) = match goal {
        Goal::OfFloor(wanted) => (wanted, "floor"),
        Goal::OfPeer(wanted) => (wanted, "best peer"),
    };
    let verdict = if reached <= wanted {
        "met"
    } else {
        "**missed**"
    };
    format!(
        " {} × {of} | {} | {verdict} |\n",
        ratio(reached),
        ratio(wanted)
    )
}

/// All contestants in one workload.
pub fn details(figures: &Figures) -> String {
    let unit = figures.workload.unit();
    let mut text = format!(
        "| | µs of the processor, least | median | × floor | × best peer | {} a second | allocations | system calls |\n",
        plural(unit)
    );
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---|\n");
    for line in &figures.lines {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            name(line.contestant),
            significant(line.least),
            significant(line.median),
            line.of_floor.map_or_else(String::new, ratio),
            line.of_peer.map_or_else(String::new, ratio),
            thousands(line.rate),
            line.counts.allocations.map_or_else(String::new, count),
            line.counts.calls.as_ref().map_or_else(String::new, calls),
        );
    }
    text
}

/// All of them, and the most frequent by name.
fn calls(calls: &Calls) -> String {
    let by_name = calls.by_name.iter();
    let by_name: Vec<String> = by_name
        .map(|(name, often)| format!("{name} {}", count(*often)))
        .collect();
    format!("{}: {}", count(calls.total), by_name.join(", "))
}

/// Who they are.
pub fn notes(contestants: &[&'static Entry]) -> String {
    let mut text = String::new();
    for contestant in contestants {
        let _ = writeln!(text, "* {}: {}", name(contestant), contestant.note);
    }
    text
}

fn name(contestant: &Entry) -> String {
    match role(contestant.name) {
        Role::Own => format!("**{}**", contestant.name),
        Role::Floor | Role::Peer => contestant.name.to_owned(),
    }
}

fn plural(unit: &str) -> String {
    match unit.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{unit}s"),
    }
}
