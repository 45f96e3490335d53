//! Records the transcripts anew: plays every scenario to a throw-away PostgreSQL 15 and writes down what goes either way.
//!
//! `cargo run --package purepg-tests-protocol --bin record`, or `just record`. Names of scenarios as arguments record only those.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use purepg_testkit::cut::{Client, Detail, Script};
use purepg_testkit::frontend::FrontendReader;
use purepg_testkit::server::{Options, Server};
use purepg_testkit::trace::{Line, Trace};
use purepg_tests_protocol::scenarios::ALL;

/// Messages differ in details from one major version to the next.
const VERSION: u32 = 15;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let server = Server::start(Options::new().version(VERSION))?;
    let socket = format!(".s.PGSQL.{}", server.port());
    let socket = server.socket_dir().join(socket);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    for scenario in ALL {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == scenario.name) {
            continue;
        }
        let stream = UnixStream::connect(&socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut trace = record(stream, &(scenario.script)())?;
        let remarks = [
            scenario.about.to_owned(),
            format!(
                "PostgreSQL {VERSION}; recorded by `just record`, described in trace.rs of the test kit"
            ),
            String::new(),
        ];
        trace.lines.splice(0..0, remarks.map(Line::Remark));
        std::fs::write(
            folder.join(scenario.name).with_extension("trace"),
            trace.to_string(),
        )?;
        println!("{}: {} lines", scenario.name, trace.lines.len());
    }
    Ok(())
}

/// Plays a script over a stream.
fn record(mut stream: UnixStream, script: &Script) -> Result<Trace, Box<dyn Error>> {
    let mut recorder = Recorder {
        client: Client::new(script, Detail::Full),
        reader: FrontendReader::new(),
        sent: 0,
        told: 0,
        trace: Trace::default(),
    };
    let mut waiting = Vec::new();
    let mut space = [0; 8192];
    loop {
        stream.write_all(recorder.take_sent()?)?;
        let n = match stream.read(&mut space) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => {
                eprintln!("{}", recorder.trace);
                return Err(error.into());
            }
        };
        waiting.extend_from_slice(&space[..n]);
        // A message at a time, so that what it leads to stands behind it.
        while let Some(length) = frame_length(&waiting) {
            let message: Vec<u8> = waiting.drain(..length).collect();
            recorder.client.feed(&message);
            recorder.trace.lines.push(Line::Backend(message));
            recorder.take_told();
            stream.write_all(recorder.take_sent()?)?;
        }
    }
    // The server may have gone first.
    let _ = stream.shutdown(Shutdown::Both);
    recorder.finish()
}

fn frame_length(bytes: &[u8]) -> Option<usize> {
    let word = bytes.get(1..)?.first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*word)).ok()? + 1;
    (bytes.len() >= length).then_some(length)
}

/// Writes down what a client tells and sends.
struct Recorder<'s> {
    client: Client<'s>,
    reader: FrontendReader,
    sent: usize,
    told: usize,
    trace: Trace,
}

impl Recorder<'_> {
    fn take_told(&mut self) {
        let told = self.client.log()[self.told..].iter().cloned();
        self.trace.lines.extend(told.map(Line::Told));
        self.told = self.client.log().len();
    }

    fn take_sent(&mut self) -> Result<&[u8], Box<dyn Error>> {
        let sent = &self.client.sent()[self.sent..];
        self.sent += sent.len();
        self.reader.push(sent);
        while let Some((message, _)) = self.reader.next_frame()? {
            self.trace.lines.push(Line::Frontend(message));
        }
        Ok(sent)
    }

    fn finish(mut self) -> Result<Trace, Box<dyn Error>> {
        self.take_sent()?;
        let told = self.client.finish().log.split_off(self.told);
        self.trace.lines.extend(told.into_iter().map(Line::Told));
        Ok(self.trace)
    }
}
