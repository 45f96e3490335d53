//! Measures what the client costs as things grow, and looks whether it stays within its bounds.

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use purepg_bench_growth::command::Command;
use purepg_bench_growth::lines::{LINES, Line, Result, Server};
use purepg_bench_growth::run::{self, Series};
use purepg_bench_growth::{chart, document, phases};
use purepg_testkit::server::{self, Options};

/// So many sessions at the most.
const MAX_CONNECTIONS: &str = "1100";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let is_child = arguments
        .first()
        .is_some_and(|first| first == run::POINT || first == run::PHASES);
    let done = if is_child {
        run::child(&arguments).map(|()| Vec::new())
    } else {
        Command::parse(arguments).and_then(|command| measure(&command))
    };
    match done {
        Ok(wrong) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(wrong) => {
            for one in wrong {
                eprintln!("beyond its bound: {one}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives what is beyond its bound.
fn measure(command: &Command) -> Result<Vec<String>> {
    let options = Options::new().setting("max_connections", MAX_CONNECTIONS);
    let started = server::Server::start(options)?;
    let server = Server {
        folder: started.socket_dir().into(),
        port: started.port(),
    };
    let mut wrong = Vec::new();
    for line in LINES.iter().filter(|line| command.wants(line.name)) {
        let mut series = run::line(&server, line, command.scale)?;
        series.retain(|one| !one.points.is_empty());
        if series.is_empty() {
            continue;
        }
        let table = document::table(line, &series);
        println!("{}\n\n{table}", line.title);
        if command.write {
            write(line, &series, &table)?;
        }
        wrong.extend(beyond(line, &series));
    }
    if command.wants("memory") {
        let found = run::phases(&server)?;
        let table = document::phases(&found);
        println!("What one connection holds\n\n{table}");
        if command.write {
            purepg_bench_page::write(&document::mark("memory"), &table)?;
        }
        wrong.extend(phases::check(&found));
    }
    Ok(wrong)
}

fn write(line: &Line, series: &[Series], table: &str) -> Result<()> {
    let folder = purepg_bench_page::folder();
    let file = format!("performance/growth-{}.svg", line.name);
    fs::create_dir_all(folder.join("performance"))?;
    chart::draw(line, series, &folder.join(&file))?;
    let text = format!("![{}]({file})\n\n{table}", line.title);
    Ok(purepg_bench_page::write(&document::mark(line.name), &text)?)
}

fn beyond(line: &Line, series: &[Series]) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in series {
        for point in &one.points {
            let bounds = one.way.bounds.iter();
            for found in bounds.filter_map(|bound| bound.check(point)) {
                let (name, size) = (one.way.name, point.size);
                wrong.push(format!("{}, {name}, {size}: {found}", line.name));
            }
        }
    }
    wrong
}
