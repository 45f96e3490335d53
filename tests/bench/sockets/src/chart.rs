//! A chart, in SVG: small groups of bars.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::contestants::Result;
use crate::figures::{Figures, Role, role};

/// As wide as a page shows it.
const WIDTH: u32 = 900;
const COLUMNS: u32 = 3;
const CAPTION: u32 = 40;
const TITLE: i32 = 30;
const BAR: i32 = 18;
const LABEL: i32 = 116;
const VALUE: i32 = 46;

/// Bars that are compared with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they are.
    pub title: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What stands before it.
    pub label: String,
    /// How long it is. A line stands at 1.
    pub value: f64,
    /// What colour it has.
    pub role: Role,
}

/// The processor time of all contestants, beside the floor's, or, where there is no floor, the best peer's.
pub fn groups(races: &[Figures]) -> Vec<Group> {
    let groups = races.iter().filter_map(|figures| {
        let floor = figures.lines.iter().all(|line| line.of_floor.is_some());
        let bars = figures.lines.iter().map(|line| {
            let value = if floor { line.of_floor } else { line.of_peer };
            Some(Bar {
                label: line.contestant.name.to_owned(),
                value: value?,
                role: role(line.contestant.name),
            })
        });
        let title = figures.workload.title().replace('`', "");
        let beside = if floor { "" } else { " (best peer = 1)" };
        Some(Group {
            title: format!("{title}{beside}"),
            bars: bars.collect::<Option<_>>()?,
        })
    });
    groups.collect()
}

/// Draws the groups in columns, each to a scale of its own.
///
/// # Errors
/// It cannot be drawn, or not be written.
pub fn draw(path: &Path, caption: &str, groups: &[Group]) -> Result<()> {
    let most = groups.iter().map(|group| group.bars.len()).max();
    let bars = i32::try_from(most.unwrap_or(0))?;
    let height = u32::try_from(TITLE + bars * BAR + BAR)?;
    let rows = u32::try_from(groups.len())?.div_ceil(COLUMNS);
    let size = (WIDTH, CAPTION + rows * height);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let (top, rest) = area.split_vertically(CAPTION);
    text(&top, caption, (10, 20), (17, HPos::Left))?;
    let cells = rest.split_evenly((usize::try_from(rows)?, usize::try_from(COLUMNS)?));
    for (group, cell) in groups.iter().zip(&cells) {
        draw_group(group, cell)?;
    }
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw_group(group: &Group, area: &Area<'_>) -> Result<()> {
    let width = i32::try_from(area.dim_in_pixel().0)? - LABEL - VALUE;
    let longest = group.bars.iter().map(|bar| bar.value).fold(1.0, f64::max);
    let at = |value: f64| LABEL + pixels(value / longest * f64::from(width));
    text(area, &group.title, (10, TITLE / 2), (15, HPos::Left))?;
    let mut y = TITLE;
    for bar in &group.bars {
        let middle = y + BAR / 2;
        let corners = [(LABEL, y + 2), (at(bar.value).max(LABEL + 1), y + BAR - 2)];
        area.draw(&Rectangle::new(corners, colour(bar.role).filled()))?;
        text(area, &bar.label, (LABEL - 5, middle), (13, HPos::Right))?;
        let value = format!("{:.2}", bar.value);
        text(area, &value, (at(bar.value) + 4, middle), (13, HPos::Left))?;
        y += BAR;
    }
    let one = [(at(1.0), TITLE - 3), (at(1.0), y + 3)];
    area.draw(&PathElement::new(one, BLACK.mix(0.5).stroke_width(1)))?;
    Ok(())
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), (size, side): (u32, HPos)) -> Result<()> {
    let style = TextStyle::from(("sans-serif", size).into_font());
    let style = style.pos(Pos::new(side, VPos::Center));
    area.draw_text(text, &style, at)?;
    Ok(())
}

fn colour(role: Role) -> RGBColor {
    match role {
        Role::Floor => RGBColor(150, 150, 150),
        Role::Own => RGBColor(200, 80, 0),
        Role::Peer => RGBColor(110, 160, 205),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "at most the width of the page"
)]
fn pixels(length: f64) -> i32 {
    length.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_is_drawn_with_its_label_and_its_value() {
        let bar = |label: &str, value| Bar {
            label: label.into(),
            value,
            role: role(label),
        };
        let group = |title: &str| Group {
            title: title.into(),
            bars: vec![
                bar("floor", 1.0),
                bar("purepg-tokio", 1.25),
                bar("<slow>", 8.5),
            ],
        };
        let groups = ["one", "two", "three", "four"].map(group);
        let file = tempfile::NamedTempFile::with_suffix(".svg").unwrap();
        draw(file.path(), "a caption", &groups).unwrap();
        let svg = std::fs::read_to_string(file.path()).unwrap();
        for (text, times) in [
            ("a caption", 1),
            ("four", 1),
            ("1.25", 4),
            ("8.50", 4),
            ("&lt;slow&gt;", 4),
        ] {
            assert_eq!(
                svg.matches(&format!("\n{text}\n")).count(),
                times,
                "{text}: {svg}"
            );
        }
        // Two rows of groups, each with its bars and the background.
        assert_eq!(svg.matches("<rect").count(), 1 + 4 * 3);
    }
}
