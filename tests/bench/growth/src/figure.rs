//! What is told of a point, and in which words.

use crate::measure::Point;

/// One number of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Processor time of a unit.
    Cpu,
    /// Processor time of a unit, divided by the size.
    CpuEach,
    /// Allocations of a unit.
    Allocations,
    /// The most bytes of the heap, beyond what was live before.
    Peak,
    /// Bytes of the heap at the moment that the line is about, beyond what was live before.
    Held,
    /// The same, divided by the size.
    HeldEach,
    /// The most bytes of the heap beyond that moment.
    BeyondHeld,
    /// Bytes of the heap in the end, beyond what was live before.
    After,
    /// The most bytes that the system held, beyond what it held before.
    Resident,
}

impl Figure {
    /// The number. Times are nanoseconds.
    pub fn of(self, point: &Point) -> f64 {
        let size = point.size.max(1) as f64;
        let unit = |total: u64| total as f64 / point.units.max(1) as f64;
        let beyond = |more: u64, less: u64| more.saturating_sub(less) as f64;
        match self {
            Self::Cpu => unit(point.cpu),
            Self::CpuEach => unit(point.cpu) / size,
            Self::Allocations => unit(point.allocations),
            Self::Peak => beyond(point.peak, point.before),
            Self::Held => beyond(point.held, point.before),
            Self::HeldEach => beyond(point.held, point.before) / size,
            Self::BeyondHeld => beyond(point.peak, point.held),
            Self::After => beyond(point.after, point.before),
            Self::Resident => beyond(point.resident_peak, point.resident_before),
        }
    }

    /// The number with its unit.
    pub fn text(self, point: &Point) -> String {
        let value = self.of(point);
        match self {
            Self::Cpu | Self::CpuEach => time(value),
            Self::Allocations => format!("{value:.2}"),
            _ => bytes(value),
        }
    }
}

/// Nanoseconds, as somebody would say it.
pub fn time(nanoseconds: f64) -> String {
    scaled(nanoseconds, 1000.0, &["ns", "µs", "ms", "s"])
}

/// Bytes, as somebody would say it.
pub fn bytes(bytes: f64) -> String {
    scaled(bytes, 1024.0, &["B", "KiB", "MiB", "GiB"])
}

/// Three digits, as far as there are units.
fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut units = units.iter().peekable();
    let mut unit = "";
    while let Some(next) = units.next() {
        unit = next;
        if value < 999.5 || units.peek().is_none() {
            break;
        }
        value /= step;
    }
    let digits = match value {
        0.0 => 0,
        value if value < 9.995 && unit != "B" => 2,
        value if value < 99.95 && unit != "B" => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        assert_eq!(time(3.456), "3.46 ns");
        assert_eq!(time(34_560.0), "34.6 µs");
        assert_eq!(time(5e12), "5000 s");
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(9.0), "9 B");
        assert_eq!(bytes(10_240.0), "10.0 KiB");
        assert_eq!(bytes(1_022_976.0), "999 KiB");
    }

    #[test]
    fn a_figure_is_of_a_unit_or_of_what_grew() {
        let point = Point {
            size: 10,
            units: 4,
            cpu: 400,
            before: 100,
            held: 600,
            peak: 700,
            ..Point::default()
        };
        assert_eq!(Figure::Cpu.text(&point), "100 ns");
        assert_eq!(Figure::CpuEach.text(&point), "10.0 ns");
        assert_eq!(Figure::HeldEach.text(&point), "50 B");
        assert_eq!(Figure::BeyondHeld.text(&point), "100 B");
        assert_eq!(Figure::After.text(&point), "0 B");
    }
}
