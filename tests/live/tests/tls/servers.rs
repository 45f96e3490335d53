//! Servers with TLS of one kind and another, and what went over the streams to them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use purepg_conn::{Config, Connection, Error, Runtime};
use purepg_testkit::recorded::{Record, Recorded};
use purepg_testkit::server::{
    DATABASE, Options, Server, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST,
};
use purepg_tests_live::{Context, Wrapped};

use crate::pki::{Authority, Folder, Identity};

/// The first that has everything.
const NEWEST: u32 = 18;

/// Who gets in only so.
pub(crate) const ONLY_TLS: &str = USER_PASSWORD;
pub(crate) const ONLY_PLAIN: &str = USER_MD5;

/// What all tests trust.
pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new("the tests"))
}

/// For the names by which the servers can be reached here.
pub(crate) fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| authority().server(&["127.0.0.1", "localhost"]))
}

/// The same in a file.
pub(crate) fn roots() -> &'static Path {
    static ROOTS: OnceLock<PathBuf> = OnceLock::new();
    ROOTS.get_or_init(|| folder().public("root.crt", &authority().pem))
}

pub(crate) fn folder() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(Folder::new)
}

/// One with TLS of the version that the kit chooses, and one of the newest, if that is another.
pub(crate) fn with_tls() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| versions(tls))
}

/// The same without TLS.
pub(crate) fn without_tls() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| versions(|options| options))
}

/// With TLS, and with every method for the user who is named after it.
pub(crate) fn asking() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| started(tls))
}

fn versions(with: impl Fn(Options) -> Options) -> Vec<Server> {
    started(|options| with(choosy(options)))
}

fn started(with: impl Fn(Options) -> Options) -> Vec<Server> {
    let start = |options| Server::start(with(options)).unwrap();
    let chosen = start(Options::new());
    let newest = (chosen.version() != NEWEST).then(|| start(Options::new().version(NEWEST)));
    [chosen].into_iter().chain(newest).collect()
}

fn tls(options: Options) -> Options {
    options.tls(&identity().certificate, &identity().key)
}

/// Lets some in with TLS only, some without only.
fn choosy(options: Options) -> Options {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let lines = [
        "local all all trust".to_owned(),
        format!("host all {USER_TRUST} 127.0.0.1/32 trust"),
        format!("host all {USER_SCRAM} 127.0.0.1/32 scram-sha-256"),
        format!("hostssl all {ONLY_TLS} 127.0.0.1/32 trust"),
        format!("hostnossl all {ONLY_PLAIN} 127.0.0.1/32 trust\n"),
    ];
    let file = FILE.get_or_init(|| folder().public("pg_hba.conf", &lines.join("\n")));
    options.setting("hba_file", file.display().to_string())
}

/// A server that shows this of itself.
pub(crate) fn showing(identity: &Identity) -> Server {
    let options = choosy(Options::new()).tls(&identity.certificate, &identity.key);
    Server::start(options).unwrap()
}

pub(crate) fn config(server: &Server, user: &str) -> Config {
    Config::new(server.host(), user)
        .port(server.port())
        .database(DATABASE)
}

/// A connection, or why there is none, and what went over each stream that was opened for it.
pub(crate) async fn connect<R: Runtime>(
    cx: &Context<R>,
    config: &Config,
) -> (Result<Connection<Recorded<R::Stream>>, Error>, Streams) {
    let streams = Streams::default();
    let noted = streams.clone();
    let runtime = Wrapped::new(&cx.runtime, move |stream| {
        let record = Record::default();
        noted.0.lock().unwrap().push(record.clone());
        Recorded::new(stream, record)
    });
    let connected = purepg_conn::connect(runtime, config).await;
    (connected, streams)
}

/// What went over streams, in the order in which they were opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<Vec<Record>>>);

impl Streams {
    /// For each stream since the last time: `R` for `SSLRequest`, then the server's answer; `T` for a `ClientHello`; `P` for a `StartupMessage` and `C`
    /// for a `CancelRequest` in the clear.
    pub(crate) fn told(&self) -> Vec<String> {
        let records = std::mem::take(&mut *self.0.lock().unwrap());
        records.iter().map(told).collect()
    }

    /// What was written to each, byte for byte.
    pub(crate) fn written(&self) -> Vec<Vec<u8>> {
        let records = std::mem::take(&mut *self.0.lock().unwrap());
        records.iter().map(|record| record.take().bytes).collect()
    }
}

fn told(record: &Record) -> String {
    let written = record.take();
    let mut told = String::new();
    let mut rest = &written.bytes[..];
    if let Some(behind) = rest.strip_prefix(b"\0\0\0\x08\x04\xd2\x16\x2f") {
        told.push('R');
        told.extend(written.read.first().map(|answer| char::from(*answer)));
        rest = behind;
    }
    match rest {
        [] => {}
        [0x16, 3, ..] => told.push('T'),
        [_, _, _, _, 0, 3, ..] => told.push('P'),
        [_, _, _, _, 0x04, 0xd2, 0x16, 0x2e, ..] => told.push('C'),
        other => panic!("{other:?}"),
    }
    told
}
