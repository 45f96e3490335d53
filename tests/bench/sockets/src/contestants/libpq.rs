//! libpq, by a program in C that is compiled when it is first needed: a process of its own, which measures itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use purepg_testkit::server::{self, DATABASE, PASSWORD, USER_SCRAM, USER_TRUST};

use super::loops::copied;
use super::{Job, Result};
use crate::stopwatch::{Measured, Stopwatch};
use crate::workload::{
    CONNECTIONS, COPY_IN, INSERT, NAME, PIPELINE, SELECT_1, SELECT_NARROW, SELECT_PARAMETER,
    SELECT_WIDE, SELECT_WIDE_ROW, WIDE_ROWS, Workload, copy_out, copy_piece,
};

const SOURCE: &str = concat!(include_str!("libpq/base.c"), include_str!("libpq/jobs.c"));
/// The newest version, which hands out rows in chunks.
const MAJOR: u32 = 18;
/// Set to `off` it does without libpq, and says nothing.
const SWITCH: &str = "PUREPG_BENCH_LIBPQ";

/// In a process of its own, if there are a compiler and libpq.
///
/// # Errors
/// Whatever goes wrong, once it has been compiled.
pub fn run(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        if std::env::var_os(SWITCH).is_some_and(|value| value == "off") {
            return None;
        }
        let compiled = compile();
        if let Err(problem) = &compiled {
            eprintln!("libpq is not measured ({SWITCH}=off says nothing of it): {problem}");
        }
        compiled.ok()
    });
    let Some(program) = program else {
        return Ok(None);
    };
    let (piece, rows) = copy_piece();
    let (piece, times) = match job.workload {
        Workload::CopyIn => (&piece[..], job.count / rows),
        _ => (&[][..], job.count),
    };
    let (sum, measured) = measure(program, job, times, piece)?;
    watch.report(measured);
    match job.workload {
        Workload::CopyIn => copied(sum, times * rows).map(Some),
        _ => Ok(Some(sum)),
    }
}

/// The checksum, and what the program has measured.
fn measure(program: &Path, job: &Job, times: u64, input: &[u8]) -> Result<(u64, Measured)> {
    let user = match job.workload {
        Workload::Connect | Workload::Reconnect => USER_SCRAM,
        _ => USER_TRUST,
    };
    // The variables that libpq reads are none of this: `PGOPTIONS` and the like would make it another client.
    let mut child = Command::new(program)
        .env_clear()
        .arg(&job.server.folder)
        .args([&job.server.port.to_string(), user, PASSWORD, DATABASE])
        .args([job.workload.name(), &times.to_string(), &sql(job)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input)?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("the program with libpq: {}", output.status).into());
    }
    let line = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = line
        .split_whitespace()
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let [sum, cpu, wall] = numbers[..] else {
        return Err(format!("the program with libpq says {line:?}").into());
    };
    let (cpu, wall) = (Duration::from_nanos(cpu), Duration::from_nanos(wall));
    Ok((sum, Measured { wall, cpu }))
}

fn sql(job: &Job) -> String {
    match job.workload {
        Workload::Connect | Workload::Reconnect => String::new(),
        Workload::Select | Workload::SelectText | Workload::Sixteen => SELECT_1.into(),
        Workload::Row => SELECT_WIDE_ROW.into(),
        Workload::Pipeline => SELECT_PARAMETER.into(),
        Workload::StreamNarrow => SELECT_NARROW.into(),
        Workload::StreamWide => SELECT_WIDE.into(),
        Workload::Insert | Workload::InsertPipelined => INSERT.into(),
        Workload::CopyIn => COPY_IN.into(),
        Workload::CopyOut => copy_out(job.count),
    }
}

/// Beside this program, where it goes when the build does, and where the next process finds it.
fn compile() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let place = own.with_file_name("libpq-contestant");
    let age = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified());
    if age(&place).is_ok_and(|place| age(&own).is_ok_and(|own| own < place)) {
        return Ok(place);
    }
    // The header of the system serves any version.
    let include = pg_config("--includedir")?;
    let library = server::libpq(MAJOR).or_else(|_| {
        let folder = PathBuf::from(pg_config("--libdir")?);
        Ok::<_, String>(folder.join("libpq.so"))
    })?;
    let folder = library.parent().unwrap_or(&library);
    let program = own.with_file_name(format!("libpq-contestant-{}", std::process::id()));
    let mut compiler = Command::new("cc")
        .args(["-O2", "-std=c11", "-D_GNU_SOURCE"])
        .arg(format!("-DPIPELINE={PIPELINE}"))
        .arg(format!("-DCONNECTIONS={CONNECTIONS}"))
        .arg(format!("-DWIDE_ROWS={WIDE_ROWS}"))
        .arg(format!("-DNAME={NAME:?}"))
        .arg(format!("-I{include}"))
        .args(["-x", "c", "-", "-x", "none", "-o"])
        .args([&program, &library])
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("no C compiler: {error}"))?;
    if let Some(mut stdin) = compiler.stdin.take() {
        stdin.write_all(SOURCE.as_bytes())?;
    }
    let output = compiler.wait_with_output()?;
    if !output.status.success() {
        let complaints = String::from_utf8_lossy(&output.stderr);
        return Err(format!("it was not compiled: {complaints}").into());
    }
    // Whoever compiles at the same time makes the same: the last one stays, and none is ever half there.
    std::fs::rename(program, &place)?;
    Ok(place)
}

fn pg_config(option: &str) -> std::result::Result<String, String> {
    let output = Command::new("pg_config").arg(option).output();
    let output = output.map_err(|error| format!("no pg_config: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
