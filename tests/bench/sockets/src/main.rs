//! Does one job and prints what was measured.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use purepg_bench_sockets::contestants::{ALL, Job, Server};
use purepg_bench_sockets::stopwatch::Stopwatch;
use purepg_bench_sockets::workload::{SETUP, Workload};
use purepg_testkit::server::{self, DATABASE, Options, USER_TRUST};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        let server = server::Server::start(Options::new())?;
        for sql in SETUP {
            let status = Command::new("psql")
                .args(["-qX", "-U", USER_TRUST, "-d", DATABASE, "-h"])
                .arg(server.socket_dir())
                .args(["-p", &server.port().to_string(), "-c", sql])
                .status()?;
            assert!(status.success());
        }
        println!("{} {}", server.socket_dir().display(), server.port());
        std::thread::sleep(std::time::Duration::from_secs(7200));
        return Ok(());
    }
    let [folder, port, contestant, workload, count] = &arguments[..] else {
        return Err("usage: serve | FOLDER PORT CONTESTANT WORKLOAD COUNT".into());
    };
    let workload = Workload::ALL.into_iter().find(|one| one.name() == workload);
    let job = Job {
        server: Server {
            folder: Path::new(folder).into(),
            port: port.parse()?,
        },
        workload: workload.ok_or("no such workload")?,
        count: count.parse()?,
    };
    let entry = ALL.iter().find(|entry| entry.name == contestant);
    let run = entry.ok_or("no such contestant")?.run;
    let mut watch = Stopwatch::default();
    let sum = run(&job, &mut watch)?.ok_or("it cannot")?;
    let measured = watch.measured().ok_or("it was not stopped")?;
    println!(
        "{sum} {} {:.3} {:.3}",
        job.count,
        measured.cpu.as_secs_f64() * 1e6 / job.count as f64,
        measured.wall.as_secs_f64() * 1e6 / job.count as f64,
    );
    Ok(())
}
