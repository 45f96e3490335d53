//! libpq itself, behind a small program in C: no `unsafe` is needed for it, and no header.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use purepg_testkit::server;

/// The version whose rules are this project's.
const MAJOR: u32 = 18;

/// A process that asks libpq.
pub(crate) struct Libpq {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
}

/// What is said of each keyword. The bytes need not be UTF-8.
pub(crate) type Said = BTreeMap<String, Vec<u8>>;

/// What came of an attempt to connect.
pub(crate) struct Attempt {
    pub(crate) said: Said,
    pub(crate) password: String,
    pub(crate) error: String,
}

impl Libpq {
    /// Compiles the program and starts it, with nothing in its environment.
    ///
    /// # Panics
    ///
    /// Without a C compiler or libpq, unless `PUREPG_TEST_LIBPQ` is `off`: what is not compared must not look as if it had been.
    pub(crate) fn start() -> Option<Self> {
        if std::env::var_os("PUREPG_TEST_LIBPQ").is_some_and(|value| value == "off") {
            let _ = writeln!(
                std::io::stderr(),
                "NOT COMPARED WITH LIBPQ: PUREPG_TEST_LIBPQ is off"
            );
            return None;
        }
        let library = server::libpq(MAJOR).unwrap_or_else(|error| panic!("{error}. {ADVICE}"));
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ask-libpq");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/libpq/program.c");
        let mut rpath = std::ffi::OsString::from("-Wl,-rpath,");
        rpath.push(library.parent().unwrap());
        let compiled = Command::new("cc")
            .args(["-D_GNU_SOURCE", "-o"])
            .args([
                program.as_os_str(),
                source.as_ref(),
                library.as_os_str(),
                &rpath,
            ])
            .output()
            .unwrap_or_else(|error| panic!("no C compiler: cc: {error}. {ADVICE}"));
        let complaints = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "cc: {complaints}. {ADVICE}");
        let mut child = Command::new(&program)
            .env_clear()
            .env("HOME", folder.path().join("home"))
            .env("PGSYSCONFDIR", folder.path().join("etc"))
            .env("LD_LIBRARY_PATH", library.parent().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut libpq = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            _folder: folder,
        };
        let version = libpq.line();
        assert!(version.starts_with(&MAJOR.to_string()), "libpq {version}");
        Some(libpq)
    }

    /// What `PQconninfoParse` says, or why it does not.
    pub(crate) fn parse(&mut self, text: &str) -> Result<Said, String> {
        self.send(&["P", &hex(text)]);
        self.answer()
    }

    /// What `PQconndefaults` says.
    pub(crate) fn defaults(&mut self) -> Said {
        self.send(&["D"]);
        self.answer().unwrap()
    }

    /// What `PQconnectStart` makes of it.
    pub(crate) fn connect(&mut self, text: &str) -> Attempt {
        self.send(&["C", &hex(text)]);
        let mut said = self.answer().unwrap();
        let mut take = |name: &str| String::from_utf8(said.remove(name).unwrap()).unwrap();
        let (password, error) = (take("pass"), take("error"));
        Attempt {
            said,
            password,
            error,
        }
    }

    /// Makes this its whole environment, but for what it was started with.
    pub(crate) fn environment<'a>(
        &mut self,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        self.send(&["W"]);
        for (name, value) in variables {
            self.send(&["V", &hex(name), &hex(value)]);
        }
    }

    fn send(&mut self, words: &[&str]) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{}", words.join(" ")).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let length = self.stdout.read_line(&mut line).unwrap();
        assert!(length > 0, "the program has ended");
        line.truncate(line.trim_end().len());
        line
    }

    fn answer(&mut self) -> Result<Said, String> {
        let first = self.line();
        let mut said = Said::new();
        loop {
            let line = self.line();
            if line == "." {
                break;
            }
            let (keyword, value) = line.split_once(' ').unwrap_or((&line, ""));
            said.insert(keyword.to_owned(), from_hex(value));
        }
        match first.strip_prefix('0') {
            Some(error) => Err(String::from_utf8_lossy(&from_hex(error.trim())).into_owned()),
            None => Ok(said),
        }
    }
}

const ADVICE: &str =
    "Install what is missing, or set PUREPG_TEST_LIBPQ=off not to compare anything with libpq";

impl Drop for Libpq {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
