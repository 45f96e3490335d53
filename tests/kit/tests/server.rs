//! Real servers: they start, let in whom they should, die when told to, and never outlive the
//! process that started them.
#![cfg(unix)]

use purepg_testkit::server::{
    DATABASE, Options, PASSWORD, Server, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST,
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

// A session by hand: the kit must not lean on what it tests.

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Session(Box<dyn Stream>);

impl Session {
    fn tcp(server: &Server) -> Self {
        assert_eq!(server.host(), "127.0.0.1");
        Self::loopback(server.port())
    }

    fn loopback(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(Box::new(stream))
    }

    fn unix(server: &Server) -> Self {
        let path = server
            .socket_dir()
            .join(format!(".s.PGSQL.{}", server.port()));
        assert!(path.as_os_str().len() < 100, "{}", path.display());
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(Box::new(stream))
    }

    /// As the superuser, with the process number of the session.
    fn superuser(server: &Server) -> (Self, i32) {
        let mut session = Self::unix(server);
        assert_eq!(session.start(server.superuser()), 0);
        let pid = session
            .until(b'Z')
            .into_iter()
            .find_map(|(tag, body)| (tag == b'K').then(|| *body.first_chunk().unwrap()))
            .unwrap();
        (session, i32::from_be_bytes(pid))
    }

    fn send(&mut self, tag: &[u8], body: &[u8]) {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        self.0.write_all(&[tag, &length, body].concat()).unwrap();
    }

    /// None at the end of the stream.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes(*head.last_chunk().unwrap()) - 4;
        let mut body = vec![0; length.try_into().unwrap()];
        self.0.read_exact(&mut body).ok()?;
        Some((head[0], body))
    }

    fn until(&mut self, tag: u8) -> Vec<(u8, Vec<u8>)> {
        let mut messages = Vec::new();
        while messages.last().is_none_or(|(last, _)| *last != tag) {
            messages.push(self.message().expect("the session goes on"));
        }
        messages
    }

    /// Sends an `SSLRequest`; gives the answer.
    fn tls_offered(&mut self) -> u8 {
        self.send(&[], &80_877_103_u32.to_be_bytes());
        let mut answer = [0];
        self.0.read_exact(&mut answer).unwrap();
        answer[0]
    }

    /// Sends a StartupMessage; gives the kind of authentication that the server asks for.
    fn start(&mut self, user: &str) -> u32 {
        let body = format!("\0\u{3}\0\0user\0{user}\0database\0{DATABASE}\0\0");
        self.send(&[], body.as_bytes());
        let (tag, body) = self.message().unwrap();
        assert_eq!(tag, b'R', "{}", String::from_utf8_lossy(&body));
        u32::from_be_bytes(*body.first_chunk().unwrap())
    }

    /// A simple query: the first column of its last row, or its last error.
    fn query(&mut self, sql: &str) -> String {
        self.send(b"Q", format!("{sql}\0").as_bytes());
        let mut answer = String::new();
        for (tag, body) in self.until(b'Z') {
            match tag {
                b'D' => answer = String::from_utf8_lossy(&body[6..]).into(),
                b'E' => answer = String::from_utf8_lossy(&body).into(),
                _ => {}
            }
        }
        answer
    }

    /// Reads until the server has closed; gives the SQLSTATE it went with, if it said one.
    fn last_words(&mut self) -> Option<String> {
        let mut sqlstate = None;
        while let Some((tag, body)) = self.message() {
            if tag == b'E' {
                let text = String::from_utf8_lossy(&body);
                sqlstate = text
                    .split('\0')
                    .find_map(|field| Some(field.strip_prefix('C')?.into()));
            }
        }
        sqlstate
    }
}

#[test]
fn every_user_is_asked_in_their_own_way_over_both_sockets() {
    let server = Server::shared();
    let methods = [
        (USER_TRUST, 0),
        (USER_PASSWORD, 3),
        (USER_MD5, 5),
        (USER_SCRAM, 10),
        (server.superuser(), 0),
    ];
    for (user, method) in methods {
        assert_eq!(Session::tcp(server).start(user), method, "{user} over TCP");
        assert_eq!(
            Session::unix(server).start(user),
            method,
            "{user} over a Unix socket"
        );
    }
    assert_eq!(Session::tcp(server).tls_offered(), b'N');
}

#[test]
fn nobody_else_gets_in() {
    let server = Server::shared();
    let mut session = Session::tcp(server);
    session.send(&[], b"\0\x03\0\0user\0purepg_owners\0database\0purepg\0\0");
    assert_eq!(session.last_words().as_deref(), Some("28000"));
}

#[test]
fn the_password_is_the_password() {
    let server = Server::shared();
    for (password, answer) in [(PASSWORD, b'R'), ("wrong", b'E')] {
        let mut session = Session::tcp(server);
        assert_eq!(session.start(USER_PASSWORD), 3);
        session.send(b"p", format!("{password}\0").as_bytes());
        assert_eq!(session.message().unwrap().0, answer);
    }
    // As it is stored, which is all that the others compare with.
    let (mut session, _) = Session::superuser(server);
    let stored = |user| format!("select rolpassword from pg_authid where rolname = '{user}'");
    assert!(session.query(&stored(USER_MD5)).starts_with("md5"));
    assert!(
        session
            .query(&stored(USER_SCRAM))
            .starts_with("SCRAM-SHA-256$4096:")
    );
    let md5 = format!("select 'md5' || md5('{PASSWORD}{USER_MD5}')");
    assert_eq!(session.query(&md5), session.query(&stored(USER_MD5)));
}

#[test]
fn every_user_creates_tables_and_types() {
    let server = Server::shared();
    let (mut session, _) = Session::superuser(server);
    for user in [USER_TRUST, USER_PASSWORD, USER_MD5, USER_SCRAM] {
        let answer = session.query(&format!(
            "begin; set local role {user}; create table mine (a int); create type kind as enum ('a'); \
             insert into mine values (7) returning a"
        ));
        assert_eq!(answer, "7", "{user}");
        session.query("rollback");
    }
}

#[test]
fn settings_and_the_version_are_the_servers() {
    let options = Options::new()
        .setting("work_mem", "1234kB")
        .setting("fsync", "on");
    let server = Server::start(options).unwrap();
    let (mut session, _) = Session::superuser(&server);
    assert_eq!(session.query("show work_mem"), "1234kB");
    assert_eq!(session.query("show fsync"), "on");
    assert_eq!(session.query("show wal_level"), "logical");
    let version: u32 = session.query("show server_version_num").parse().unwrap();
    assert_eq!(version / 10_000, server.version());
}

#[test]
fn two_at_once_come_from_one_template() {
    let first = Server::start(Options::new()).unwrap();
    let second = Server::start(Options::new()).unwrap();
    assert_ne!(first.port(), second.port());
    assert_ne!(first.socket_dir(), second.socket_dir());
    // `initdb` makes a new one each time.
    let identity = "select system_identifier from pg_control_system()";
    let (mut one, _) = Session::superuser(&first);
    let (mut two, _) = Session::superuser(&second);
    assert_eq!(one.query(identity), two.query(identity));

    let (port, folder) = (first.port(), first.socket_dir().to_owned());
    drop(first);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
    assert_eq!(two.query("select 1"), "1");
}

#[test]
fn a_crash_cuts_everybody_off_and_a_restart_keeps_the_data() {
    let server = Server::start(Options::new()).unwrap();
    let (mut session, _) = Session::superuser(&server);
    session.query("create table kept (a int); insert into kept values (42)");
    session.query("checkpoint");
    assert!(server.is_running());
    server.crash();
    assert!(!server.is_running());
    session.last_words();
    assert!(TcpStream::connect((server.host(), server.port())).is_err());
    server.crash(); // once more does no harm

    server.restart().unwrap();
    let (mut session, _) = Session::superuser(&server);
    assert_eq!(session.query("select a from kept"), "42");
    server.restart().unwrap();
    session.last_words();
    assert_eq!(Session::tcp(&server).start(USER_TRUST), 0);
}

#[test]
fn a_terminated_session_is_told_and_others_go_on() {
    let server = Server::start(Options::new()).unwrap();
    let (mut victim, pid) = Session::superuser(&server);
    let (mut other, _) = Session::superuser(&server);
    server.terminate_backend(pid).unwrap();
    assert_eq!(victim.last_words().as_deref(), Some("57P01"));
    assert_eq!(other.query("select 1"), "1");
}

#[test]
fn a_server_that_is_shut_down_tells_every_session() {
    let server = Server::start(Options::new()).unwrap();
    let mut sessions = [(); 2].map(|()| Session::superuser(&server).0);
    server.shut_down();
    assert!(!server.is_running());
    for session in &mut sessions {
        assert_eq!(session.last_words().as_deref(), Some("57P01"));
    }
    server.restart().unwrap();
    assert_eq!(Session::tcp(&server).start(USER_TRUST), 0);
}

#[test]
fn a_killed_session_is_told_nothing_and_takes_all_with_it() {
    let server = Server::start(Options::new()).unwrap();
    let (mut victim, pid) = Session::superuser(&server);
    let (mut other, _) = Session::superuser(&server);
    server.kill_backend(pid).unwrap();
    assert_eq!(victim.last_words(), None);
    other.last_words();
    assert!(server.is_running());
    // It recovers by itself.
    eventually("it serves again", || {
        let mut session = Session::tcp(&server);
        session.send(&[], b"\0\x03\0\0user\0postgres\0database\0purepg\0\0");
        session.message().is_some_and(|(tag, _)| tag == b'R')
    });
}

#[test]
fn processes_of_others_are_spared() {
    let server = Server::shared();
    for pid in [1, i32::try_from(std::process::id()).unwrap()] {
        assert!(server.terminate_backend(pid).is_err());
        assert!(server.kill_backend(pid).is_err());
    }
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let options = Options::new().setting("shared_buffers", "plenty");
    let error = Server::start(options).unwrap_err().to_string();
    assert!(
        error.contains("invalid value for parameter \"shared_buffers\""),
        "{error}"
    );
}

#[test]
fn a_version_that_nobody_has_is_one_sentence() {
    let error = Server::start(Options::new().version(99))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("found no PostgreSQL 99"), "{error}");
    assert_eq!(error.lines().count(), 1);
}

// What needs a process of its own: the kit's `serve`.

struct Serve {
    child: Child,
    port: u16,
    folder: PathBuf,
}

fn serve() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serve"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Serve {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("127.0.0.1"), "{line}");
        let port = words.next().unwrap().parse().unwrap();
        let folder = PathBuf::from(words.next().unwrap());
        Self {
            child,
            port,
            folder,
        }
    }

    fn is_gone(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_err() && !self.folder.exists()
    }
}

fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happens() {
        assert!(
            start.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_server_ends_with_the_process_that_was_killed() {
    let mut serve = Serve::start(&mut serve());
    // A session holds the server open; it must not hold it back.
    let mut session = Session::loopback(serve.port);
    assert_eq!(session.start(USER_TRUST), 0);
    session.until(b'Z');
    assert!(serve.folder.join("data/postmaster.pid").exists());
    serve.child.kill().unwrap(); // SIGKILL
    serve.child.wait().unwrap();
    session.last_words();
    eventually("the watchdog ends the server", || serve.is_gone());
}

#[test]
fn a_server_ends_with_an_orderly_process() {
    let mut serve = Serve::start(&mut serve());
    serve.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(serve.child.wait().unwrap().success());
    assert!(serve.is_gone());
}

/// A folder that the server's account can reach.
fn reachable_folder(parent: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(parent).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn processes_that_start_at_once_make_one_template() {
    // Where servers are put anyway, there is room.
    let temporary = reachable_folder(Server::shared().socket_dir().parent().unwrap());
    let starting = [serve(), serve()].map(|mut command| {
        command.env("TMPDIR", temporary.path());
        thread::spawn(move || Serve::start(&mut command))
    });
    let servers = starting.map(|thread| thread.join().unwrap());
    let kit = names(temporary.path())
        .into_iter()
        .find(|name| name.starts_with("purepg-testkit-"));
    let kit = temporary.path().join(kit.unwrap());
    let templates = names(&kit);
    assert_eq!(templates.len(), 2, "a template and its lock: {templates:?}");
    for mut serve in servers {
        assert!(serve.folder.starts_with(temporary.path()));
        drop(serve.child.stdin.take());
        assert!(serve.child.wait().unwrap().success());
        assert!(serve.is_gone());
    }
    assert_eq!(names(temporary.path()).len(), 1, "only the templates stay");
}

#[test]
fn nonsense_in_the_environment_is_told() {
    let empty = reachable_folder(Path::new("/tmp"));
    let complaint = |name, value: &str| {
        let output = serve()
            .env(name, value)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let version = complaint("PUREPG_TEST_PG_VERSION", "new");
    assert_eq!(
        version,
        "serve: PUREPG_TEST_PG_VERSION: `new` is not a major version such as 18\n"
    );
    let folder = complaint("PUREPG_TEST_PG_BIN", empty.path().to_str().unwrap());
    assert!(
        folder.starts_with("serve: PUREPG_TEST_PG_BIN: "),
        "{folder}"
    );
    assert!(folder.contains("postgres: No such file"), "{folder}");
}

#[test]
fn what_fails_leaves_nothing() {
    let parent = Path::new("/tmp");
    let (temporary, bin) = (reachable_folder(parent), reachable_folder(parent));
    for (program, script) in [
        ("postgres", "echo 'postgres (PostgreSQL) 18.0'"),
        ("initdb", "touch \"$2/half\"; echo no space left; exit 1"),
    ] {
        // Written by another process: no child of another thread then holds it open for writing.
        let text = format!("#!/bin/sh\n{script}\n");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", r#"printf %s "$2" >"$1" && chmod 755 "$1""#, "sh"]);
        shell.arg(bin.path().join(program)).arg(text);
        assert!(shell.status().unwrap().success());
    }
    let mut command = serve();
    command
        .arg("18")
        .env("PUREPG_TEST_PG_BIN", bin.path())
        .env("TMPDIR", temporary.path());
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "serve: initdb failed: no space left\n");
    let left = names(temporary.path());
    assert_eq!(left.len(), 1, "{left:?}");
    let left = names(&temporary.path().join(&left[0]));
    assert!(
        left.iter()
            .all(|name| !name.starts_with('.') && name.contains(".lock")),
        "{left:?}"
    );
}

#[test]
fn a_standby_follows_and_can_be_promoted() {
    let primary = Server::start(Options::new()).unwrap();
    let standby = primary.start_standby(Options::new()).unwrap();
    assert_eq!(standby.version(), primary.version());
    let mut first = Session::superuser(&primary).0;
    let mut second = Session::superuser(&standby).0;
    let recovering = "select pg_is_in_recovery()";
    assert_eq!(first.query(recovering), "f");
    assert_eq!(second.query(recovering), "t");
    first.query("create table t as select 7 as a");
    eventually("the standby has the table", || {
        second.query("select count(*) from pg_class where relname = 't'") == "1"
    });
    assert_eq!(second.query("select a from t"), "7");
    primary.crash();
    assert_eq!(second.query("select pg_promote()"), "t");
    assert_eq!(second.query(recovering), "f");
}
