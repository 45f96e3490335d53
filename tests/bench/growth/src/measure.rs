//! Processor time, the heap, and what the system holds for this process.

use std::alloc::System;
use std::fs;
use std::str::FromStr;
use std::time::Duration;

use cap::Cap;
use cpu_time::ProcessTime;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::lines::Result;

/// The one counts what is live, and the most that ever was; the other how often it is asked.
#[global_allocator]
static HEAP: Cap<&StatsAlloc<System>> = Cap::new(&INSTRUMENTED_SYSTEM, usize::MAX);

/// What one process measured of one size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Point {
    /// How large.
    pub size: u64,
    /// How many units of work were timed.
    pub units: u64,
    /// Nanoseconds of the processor that they took, in user and in system mode.
    pub cpu: u64,
    /// How often they asked the heap for memory.
    pub allocations: u64,
    /// Bytes of the heap that were live before, the connection included if the line says so.
    pub before: u64,
    /// Bytes that were live at the moment that the line is about.
    pub held: u64,
    /// The most bytes that ever were.
    pub peak: u64,
    /// Bytes that were live in the end.
    pub after: u64,
    /// Bytes that the system held for this process before.
    pub resident_before: u64,
    /// The most that it ever held.
    pub resident_peak: u64,
}

impl Point {
    const FIELDS: usize = 10;

    /// All fields on one line.
    pub fn to_line(self) -> String {
        let fields: [u64; Self::FIELDS] = [
            self.size,
            self.units,
            self.cpu,
            self.allocations,
            self.before,
            self.held,
            self.peak,
            self.after,
            self.resident_before,
            self.resident_peak,
        ];
        fields.map(|field| field.to_string()).join(" ")
    }
}

impl FromStr for Point {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(line: &str) -> Result<Self> {
        let fields = line.split_whitespace().map(str::parse);
        let fields: Vec<u64> = fields.collect::<std::result::Result<_, _>>()?;
        let &[
            size,
            units,
            cpu,
            allocations,
            before,
            held,
            peak,
            after,
            resident_before,
            resident_peak,
        ] = &fields[..]
        else {
            return Err(format!("these are not {} numbers: {line}", Self::FIELDS).into());
        };
        Ok(Self {
            size,
            units,
            cpu,
            allocations,
            before,
            held,
            peak,
            after,
            resident_before,
            resident_peak,
        })
    }
}

/// Makes a point, while a line does its work.
#[derive(Debug)]
pub struct Meter {
    point: Point,
    started: Option<(ProcessTime, usize)>,
}

impl Meter {
    /// Of this size.
    pub fn new(size: u64) -> Self {
        let point = Point {
            size,
            ..Point::default()
        };
        Self {
            point,
            started: None,
        }
    }

    /// What is live now is not the line's.
    ///
    /// # Errors
    /// When the system does not say what it holds.
    pub fn begin(&mut self) -> Result<()> {
        self.point.resident_before = resident()?;
        self.point.before = live();
        Ok(())
    }

    /// What comes now is timed.
    pub fn start(&mut self) {
        self.started = Some((ProcessTime::now(), allocations()));
    }

    /// So many units were done since.
    pub fn stop(&mut self, units: u64) {
        if let Some((cpu, before)) = self.started.take() {
            self.point.cpu += nanoseconds(cpu.elapsed());
            self.point.allocations += (allocations() - before) as u64;
            self.point.units += units;
        }
    }

    /// This is the moment that the line is about.
    pub fn hold(&mut self) {
        self.point.held = live();
    }

    /// All is over, and what is not needed any more was dropped.
    pub fn over(&mut self) {
        self.point.after = live();
    }

    /// The point that was made.
    ///
    /// # Errors
    /// When the system does not say what it holds.
    pub fn end(mut self) -> Result<Point> {
        self.point.peak = HEAP.max_allocated() as u64;
        self.point.resident_peak = status("VmHWM:")?;
        Ok(self.point)
    }
}

/// Bytes of the heap that are live.
pub fn live() -> u64 {
    HEAP.allocated() as u64
}

/// Bytes that the system holds for this process.
///
/// # Errors
/// When it does not say so.
pub fn resident() -> Result<u64> {
    status("VmRSS:")
}

fn allocations() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A line of what Linux says of this process, in bytes.
fn status(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = kib
        .ok_or("the system does not say what it holds")?
        .parse()?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_as_it_was_written() {
        let point: Point = "1 2 3 4 5 6 7 8 9 10".parse().unwrap();
        assert_eq!((point.size, point.resident_peak), (1, 10));
        assert_eq!(point.to_line().parse::<Point>().unwrap(), point);
        assert!("1 2".parse::<Point>().is_err());
    }

    #[test]
    fn what_is_held_for_a_while_is_the_peak_and_not_the_end() {
        let mut meter = Meter::new(1);
        meter.begin().unwrap();
        meter.start();
        let large = vec![1_u8; 10_000_000];
        meter.hold();
        assert!(large.iter().all(|byte| *byte == 1));
        drop(large);
        meter.stop(1);
        meter.over();
        let point = meter.end().unwrap();
        assert!(point.held >= point.before + 10_000_000 - 1_000_000);
        assert!(point.peak >= point.held && point.allocations > 0 && point.cpu > 0);
        assert!(point.after < point.before + 1_000_000, "{point:?}");
    }
}
