//! Tables, and between which marks of the page they go.

use std::fmt::Write as _;

use purepg_bench_page::grouped;

use crate::figure::{Figure, bytes};
use crate::lines::{Line, Way};
use crate::phases::Phase;
use crate::run::Series;

/// All ways of a line, a row for each size.
pub fn table(line: &Line, series: &[Series]) -> String {
    let mut head = format!("| {} |", line.size);
    let mut rule = String::from("|---:|");
    for one in series {
        for figure in one.way.figures {
            let _ = write!(
                head,
                " {}: {} |",
                one.way.name,
                heading(*figure, line, one.way)
            );
            rule.push_str("---:|");
        }
    }
    let mut sizes: Vec<u64> = series
        .iter()
        .flat_map(|one| one.points.iter().map(|point| point.size))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut rows = String::new();
    for size in sizes {
        let _ = write!(rows, "| {} |", grouped(&size.to_string()));
        for one in series {
            let point = one.points.iter().find(|point| point.size == size);
            for figure in one.way.figures {
                let text = point.map_or_else(|| "–".to_owned(), |point| figure.text(point));
                let _ = write!(rows, " {text} |");
            }
        }
        rows.push('\n');
    }
    format!("{head}\n{rule}\n{rows}")
}

fn heading(figure: Figure, line: &Line, way: &Way) -> String {
    let each = line.size.strip_suffix('s').unwrap_or(line.size);
    match figure {
        Figure::Cpu => format!("time of a {}", way.unit),
        Figure::CpuEach => format!("time for each {each}"),
        Figure::Allocations => format!("allocations of a {}", way.unit),
        Figure::Peak => "most of the heap".to_owned(),
        Figure::Held => "held".to_owned(),
        Figure::HeldEach => format!("held for each {each}"),
        Figure::BeyondHeld => "most beyond that".to_owned(),
        Figure::After => "left in the end".to_owned(),
        Figure::Resident => "most of the process".to_owned(),
    }
}

/// The phases of a connection.
pub fn phases(phases: &[Phase]) -> String {
    let Some(first) = phases.first() else {
        return String::new();
    };
    let mut text = String::from("| | heap | process |\n|---|---:|---:|\n");
    for phase in phases {
        let more = |now: u64, before: u64| {
            let (sign, difference) = if now < before {
                ("−", before - now)
            } else {
                ("+", now - before)
            };
            format!("{sign}{}", bytes(difference as f64))
        };
        let (live, resident) = if phase == first {
            (bytes(first.live as f64), bytes(first.resident as f64))
        } else {
            let live = more(phase.live, first.live);
            (live, more(phase.resident, first.resident))
        };
        let _ = writeln!(text, "| {} | {live} | {resident} |", phase.name);
    }
    text
}

/// The marks between which something of this name stands in the page.
pub fn mark(name: &str) -> String {
    format!("growth: {name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LINES;
    use crate::measure::Point;

    #[test]
    fn the_page_has_a_place_for_each_line() {
        let page = purepg_bench_page::read().unwrap();
        for name in LINES.iter().map(|line| line.name).chain(["memory"]) {
            assert!(purepg_bench_page::replaced(&page, &mark(name), "text").is_some());
        }
        assert!(purepg_bench_page::replaced(&page, &mark("nothing"), "").is_none());
    }

    #[test]
    fn a_size_that_one_way_does_not_have_is_left_out_there() {
        let line = &LINES[4];
        let way = |number: usize, sizes: &[u64]| Series {
            way: &line.ways[number],
            points: sizes
                .iter()
                .map(|&size| Point {
                    size,
                    ..Point::default()
                })
                .collect(),
        };
        let table = table(line, &[way(0, &[1]), way(1, &[1, 1_000])]);
        let last = table.lines().last().unwrap();
        assert_eq!(last, "| 1,000 | – | – | – | – | 0 ns | 0.00 | 0 B |");
    }
}
