//! Charts, in SVG: cost and memory against size.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::figure::Figure;
use crate::lines::{Line, Result};
use crate::run::Series;

const HEIGHT: u32 = 420;
const WIDTH: u32 = 560;

const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 90, 160),
    RGBColor(200, 80, 0),
    RGBColor(0, 130, 80),
    RGBColor(140, 40, 140),
];

/// A line as it is drawn: its name, and its points.
type Drawn<'a> = (&'a str, Vec<(f64, f64)>);

/// Draws a line: what it costs, and beside that what it takes of the heap, if that is said of it.
///
/// # Errors
/// When it cannot be drawn, or not be written.
pub fn draw(line: &Line, series: &[Series], path: &Path) -> Result<()> {
    let costs = drawn(series, |one| Some(one.way.cost));
    let memory = drawn(series, |one| one.way.memory);
    let panels = if memory.is_empty() { 1 } else { 2 };
    let area = SVGBackend::new(path, (panels * WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let parts = area.split_evenly((1, usize::try_from(panels)?));
    let mut parts = parts.iter();
    let first = series.first().ok_or("there is nothing to draw")?;
    if let Some(part) = parts.next() {
        let of = if matches!(first.way.cost, Figure::CpuEach) {
            format!("for each of the {}", line.size)
        } else {
            format!("of a {}", first.way.unit)
        };
        let title = format!("{}: processor time {of}", line.title);
        panel(part, &title, line.size, &costs, ["ns", "µs", "ms", "s"])?;
    }
    if let Some(part) = parts.next() {
        let each = matches!(first.way.memory, Some(Figure::HeldEach));
        let each = if each { "heap for each" } else { "heap" };
        panel(
            part,
            &format!("{}: {each}", line.title),
            line.size,
            &memory,
            ["B", "kB", "MB", "GB"],
        )?;
    }
    area.present()?;
    Ok(())
}

fn drawn(series: &[Series], figure: impl Fn(&Series) -> Option<Figure>) -> Vec<Drawn<'_>> {
    let lines = series.iter().filter_map(|one| {
        let figure = figure(one)?;
        // An axis that is logarithmic has no zero.
        let points = one.points.iter();
        let points = points.map(|point| (point.size as f64, figure.of(point).max(1.0)));
        Some((one.way.name, points.collect()))
    });
    lines.collect()
}

fn panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    title: &str,
    sizes: &str,
    lines: &[Drawn<'_>],
    units: [&str; 4],
) -> Result<()>
where
    SVGBackend<'a>: DrawingBackend<ErrorType: 'static>,
{
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(1.0, f64::max);
    let widest = most(&mut points().map(|point| point.0)).max(10.0);
    let highest = most(&mut points().map(|point| point.1));
    let lowest = points().map(|point| point.1).fold(highest, f64::min);
    // Whole powers of ten, or a line that is flat looks like a mountain range.
    let low = 10_f64.powf(lowest.log10().floor());
    let legend = lines.len() > 1;
    let above = if legend { 2.0 } else { 1.0 };
    let high = 10_f64.powf(highest.log10().floor() + above);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 14))
        .margin(12)
        .margin_right(36)
        .x_label_area_size(42)
        .y_label_area_size(76)
        .build_cartesian_2d((1.0..widest).log_scale(), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(sizes)
        .x_labels(10)
        .x_label_formatter(&|size| power(*size, ["", "k", "M", "G"]))
        .y_labels(8)
        .y_label_formatter(&|value| power(*value, units))
        .light_line_style(WHITE)
        .draw()?;
    for ((name, points), colour) in lines.iter().zip(COLOURS) {
        let marks = points
            .iter()
            .map(|&point| Circle::new(point, 3, colour.filled()));
        chart.draw_series(marks)?;
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        chart
            .draw_series(line)?
            .label(name.replace('`', ""))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    if legend {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
    }
    Ok(())
}

/// A power of ten, with a unit for each power of a thousand.
fn power(mut value: f64, units: [&str; 4]) -> String {
    let mut unit = "";
    for (place, next) in units.into_iter().enumerate() {
        if place > 0 && value < 999.5 {
            break;
        }
        value /= if place > 0 { 1000.0 } else { 1.0 };
        unit = next;
    }
    format!("{value:.0} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LINES;
    use crate::measure::Point;

    #[test]
    fn powers_have_units() {
        let units = ["B", "kB", "MB", "GB"];
        let texts = [1.0, 100.0, 1e3, 1e5, 1e6, 1e9, 1e12].map(|value| power(value, units));
        let expected = ["1 B", "100 B", "1 kB", "100 kB", "1 MB", "1 GB", "1000 GB"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn every_line_can_be_drawn() {
        let path = std::env::temp_dir().join(format!("growth-{}.svg", std::process::id()));
        for line in &LINES {
            let series: Vec<Series> = line
                .ways
                .iter()
                .map(|way| Series {
                    way,
                    points: way
                        .full
                        .iter()
                        .map(|&size| Point {
                            size,
                            units: 1,
                            cpu: size,
                            ..Point::default()
                        })
                        .collect(),
                })
                .collect();
            draw(line, &series, &path).unwrap();
            let drawn = std::fs::read_to_string(&path).unwrap();
            assert!(drawn.contains(line.title) && drawn.contains("<circle"));
        }
        std::fs::remove_file(path).unwrap();
    }
}
