//! Charts, in SVG: cost and memory against size.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::figure::{Figure, bytes, thousands, time};
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
        let each = matches!(first.way.cost, Figure::CpuEach);
        let each = if each {
            format!(", for each of the {}", line.size)
        } else {
            String::new()
        };
        let title = format!(
            "{}: processor time of a {}{each}",
            line.title, first.way.unit
        );
        panel(part, &title, line.size, &costs, time)?;
    }
    if let Some(part) = parts.next() {
        let each = matches!(first.way.memory, Some(Figure::HeldEach));
        let each = if each { "heap for each" } else { "heap" };
        panel(
            part,
            &format!("{}: {each}", line.title),
            line.size,
            &memory,
            bytes,
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
    text: fn(f64) -> String,
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
    let high = 10_f64.powf(highest.log10().floor() + 1.0);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(76)
        .build_cartesian_2d((1.0..widest).log_scale(), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(sizes)
        .x_labels(10)
        .x_label_formatter(&|size| thousands(whole(*size)))
        .y_labels(8)
        .y_label_formatter(&|value| text(*value))
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
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes on an axis are positive, and far below 2^53"
)]
fn whole(size: f64) -> u64 {
    size.round() as u64
}
