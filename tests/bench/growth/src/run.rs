//! Each point in a process of its own: what one leaves to its heap is not the next one's.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::Scale;
use crate::lines::{LINES, Line, Result, Server, Way};
use crate::measure::{Meter, Point};
use crate::phases::{self, Phase};

/// The first argument of a process that measures one point.
pub const POINT: &str = "point";
/// The same for the phases of a connection.
pub const PHASES: &str = "phases";

/// Has glibc give large pieces back as soon as they are freed, where memory is measured: otherwise what the system holds depends on what was
/// freed before.
const HEAP: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// What takes longer is measured once.
const LONG: Duration = Duration::from_secs(2);

/// The points of one way, from the smallest size on.
#[derive(Debug)]
pub struct Series {
    /// Which way.
    pub way: &'static Way,
    /// A point for each size.
    pub points: Vec<Point>,
}

/// Measures all sizes of all ways.
///
/// # Errors
/// What went wrong in one of the processes.
pub fn line(server: &Server, line: &'static Line, scale: Scale) -> Result<Vec<Series>> {
    let ways = line.ways.iter().enumerate();
    let series = ways.map(|(number, way)| {
        let sizes = scale.sizes(way).iter();
        let points = sizes.map(|size| least(server, line, number, *size, scale.rounds()));
        let points = points.collect::<Result<_>>()?;
        Ok(Series { way, points })
    });
    series.collect()
}

/// The memory of a first round, and the least time of the others, if there are any.
fn least(server: &Server, line: &Line, way: usize, size: u64, rounds: usize) -> Result<Point> {
    let arguments = [
        POINT.into(),
        line.name.into(),
        way.to_string().into(),
        size.to_string().into(),
    ];
    let mut least: Point = in_a_process(server, &arguments, &[HEAP])?.parse()?;
    for round in 0..rounds {
        let started = Instant::now();
        let point: Point = in_a_process(server, &arguments, &[])?.parse()?;
        // What the heap of the first round gives back at once costs time.
        let cpu = if round == 0 {
            point.cpu
        } else {
            point.cpu.min(least.cpu)
        };
        least = Point { cpu, ..least };
        if started.elapsed() > LONG {
            break;
        }
    }
    Ok(least)
}

/// The phases of a connection.
///
/// # Errors
/// What went wrong in that process.
pub fn phases(server: &Server) -> Result<Vec<Phase>> {
    let lines = in_a_process(server, &[PHASES.into()], &[HEAP])?;
    let phases: Option<_> = lines.lines().map(Phase::from_line).collect();
    phases.ok_or_else(|| "these are no phases".into())
}

/// What this program prints, started once more.
fn in_a_process(
    server: &Server,
    arguments: &[OsString],
    settings: &[(&str, &str)],
) -> Result<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .arg(&server.folder)
        .arg(server.port.to_string())
        .envs(settings.iter().copied())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{arguments:?} has failed").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What such a process does: prints a point, or the phases.
///
/// # Errors
/// Whatever goes wrong.
pub fn child(arguments: &[OsString]) -> Result<()> {
    let [what @ .., folder, port] = arguments else {
        return Err("where is the server?".into());
    };
    let server = Server {
        folder: Path::new(folder).into(),
        port: text(port)?.parse()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match what {
        [_, line, way, size] => {
            let line = LINES.iter().find(|one| line == one.name);
            let way: usize = text(way)?.parse()?;
            let way = line
                .and_then(|line| line.ways.get(way))
                .ok_or("no such way")?;
            let size = text(size)?.parse()?;
            let mut meter = Meter::new(size);
            runtime.block_on((way.run)(&server, size, &mut meter))?;
            println!("{}", meter.end()?.to_line());
        }
        _ => {
            for phase in runtime.block_on(phases::run(&server))? {
                println!("{}", phase.to_line());
            }
        }
    }
    Ok(())
}

fn text(argument: &OsString) -> Result<&str> {
    Ok(argument.to_str().ok_or("it is no text")?)
}
