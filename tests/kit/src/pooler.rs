//! A pooler in front of a real server, as far as a client can tell: each of its transactions may be carried out by another server process.
//!
//! It does what `PgBouncer` does to make clients stumble, and nothing of what it is for: every client has some server connections of its own
//! and is moved on to the next one whenever its session is idle. It takes turns with small pieces of data, so what it relays should be small.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backend;
use crate::frontend::{Frontend, FrontendReader, Object};
use crate::server::Server;

/// Server connections of each client.
const CONNECTIONS: usize = 3;

/// What `PgBouncer` takes in a start-up message unless it is told otherwise; anything else it refuses.
const PARAMETERS: [&str; 7] = [
    "user",
    "database",
    "application_name",
    "client_encoding",
    "datestyle",
    "timezone",
    "standard_conforming_strings",
];

/// How a pooler is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pooling {
    /// Transactions of several statements are refused (statement mode).
    pub single_statements: bool,
    /// Statements with a name are prepared on whichever connection they are used on, as by `PgBouncer` since 1.21.
    pub tracks_statements: bool,
}

/// A pooler that listens as long as the process lives.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
}

impl Pooler {
    /// Begins to listen on 127.0.0.1.
    ///
    /// # Panics
    /// When there is no port to listen on.
    pub fn start(server: &Server, pooling: Pooling) -> Self {
        let listener = TcpListener::bind((server.host(), 0)).expect("there are ports");
        let port = listener.local_addr().expect("it listens").port();
        let file = format!(".s.PGSQL.{}", server.port());
        let server = server.socket_dir().join(file);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = server.clone();
                // An error is the end of one of the two, and so of both.
                std::thread::spawn(move || Session::begin(client, &server, pooling)?.relay());
            }
        });
        Self { port }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A client and its server connections.
struct Session {
    pooling: Pooling,
    client: TcpStream,
    reader: FrontendReader,
    connections: Vec<Connection>,
    /// The one whose turn it is.
    current: usize,
    /// What was sent of a segment that is not ended.
    is_open: bool,
    /// What is owed by the current connection, as far as it matters here.
    owed: VecDeque<Owed>,
    /// Statements of the client, by name, and the Parse of each.
    statements: HashMap<String, Vec<u8>>,
}

struct Connection {
    stream: UnixStream,
    arrived: Vec<u8>,
    /// The statements that it has.
    statements: HashSet<String>,
}

enum Owed {
    /// `ParseComplete`, which the client is told of if it asked.
    Parse { name: String, is_clients: bool },
    /// `ReadyForQuery`.
    Ready,
}

impl Session {
    fn begin(mut client: TcpStream, server: &Path, pooling: Pooling) -> io::Result<Self> {
        client.set_nodelay(true)?;
        let mut reader = FrontendReader::new();
        let (startup, parameters) = loop {
            let mut space = [0; 1024];
            let n = client.read(&mut space)?;
            reader.push(&space[..n]);
            match reader.next_frame().map_err(io::Error::other)? {
                Some((frame, Frontend::Startup { parameters, .. })) => break (frame, parameters),
                Some((_, Frontend::SslRequest | Frontend::GssEncRequest)) => {
                    client.write_all(b"N")?;
                }
                None if n > 0 => {}
                _ => return Err(ErrorKind::Unsupported.into()),
            }
        };
        for (name, _) in parameters {
            if !PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) {
                let text = format!("unsupported startup parameter: {name}");
                client.write_all(&backend::error_response("FATAL", "08P01", &text))?;
                return Err(ErrorKind::Unsupported.into());
            }
        }
        let mut connections = Vec::new();
        let mut greeting = Vec::new();
        for _ in 0..CONNECTIONS {
            let (connection, answer) = Connection::open(server.to_owned(), &startup)?;
            connections.push(connection);
            greeting = answer;
        }
        client.write_all(&greeting)?;
        client.set_nonblocking(true)?;
        Ok(Self {
            pooling,
            client,
            reader,
            connections,
            current: 0,
            is_open: false,
            owed: VecDeque::new(),
            statements: HashMap::new(),
        })
    }

    /// Until either side is gone.
    fn relay(mut self) -> io::Result<()> {
        loop {
            let asked = self.relay_requests()?;
            let answered = self.relay_answers()?;
            if !asked && !answered {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }

    fn relay_requests(&mut self) -> io::Result<bool> {
        let mut space = [0; 16 * 1024];
        let n = read_some(&mut self.client, &mut space)?;
        self.reader.push(&space[..n]);
        while let Some((frame, message)) = self.reader.next_frame().map_err(io::Error::other)? {
            self.request(frame, message)?;
        }
        Ok(n > 0)
    }

    fn request(&mut self, frame: Vec<u8>, message: Frontend) -> io::Result<()> {
        let connection = &mut self.connections[self.current];
        self.is_open = true;
        match message {
            Frontend::Query(_) | Frontend::Sync => {
                self.is_open = false;
                self.owed.push_back(Owed::Ready);
            }
            Frontend::Parse { statement, .. } => {
                self.statements.insert(statement.clone(), frame.clone());
                self.owed.push_back(Owed::Parse {
                    name: statement,
                    is_clients: true,
                });
            }
            Frontend::Bind {
                statement: name, ..
            }
            | Frontend::Describe(Object::Statement(name))
                if self.pooling.tracks_statements && !name.is_empty() =>
            {
                let is_owed = self.owed.iter().any(
                    |owed| matches!(owed, Owed::Parse { name: parsed, .. } if *parsed == name),
                );
                let is_there = is_owed || connection.statements.contains(&name);
                if let (false, Some(parse)) = (is_there, self.statements.get(&name)) {
                    write_all(&mut connection.stream, parse)?;
                    self.owed.push_back(Owed::Parse {
                        name,
                        is_clients: false,
                    });
                }
            }
            Frontend::Close(Object::Statement(name)) => {
                self.statements.remove(&name);
                connection.statements.remove(&name);
            }
            _ => {}
        }
        write_all(&mut connection.stream, &frame)
    }

    fn relay_answers(&mut self) -> io::Result<bool> {
        let mut space = [0; 16 * 1024];
        let connection = &mut self.connections[self.current];
        let n = read_some(&mut connection.stream, &mut space)?;
        connection.arrived.extend_from_slice(&space[..n]);
        while let Some(frame) = self.connections[self.current].next_frame() {
            self.answer(&frame)?;
        }
        Ok(n > 0)
    }

    fn answer(&mut self, frame: &[u8]) -> io::Result<()> {
        let connection = &mut self.connections[self.current];
        match (frame[0], &frame[5..]) {
            (b'1', _) => {
                if let Some(Owed::Parse { name, is_clients }) = self.owed.pop_front() {
                    connection.statements.insert(name);
                    if !is_clients {
                        return Ok(());
                    }
                }
            }
            (b'C', b"DISCARD ALL\0" | b"DEALLOCATE ALL\0") => {
                connection.statements.clear();
                self.statements.clear();
            }
            (b'Z', status) => {
                // What was skipped before it is not answered any more.
                while let Some(Owed::Parse { .. }) = self.owed.pop_front() {}
                if self.pooling.single_statements && status == b"T" {
                    let text = "transaction blocks not allowed in statement pooling mode";
                    let refusal = backend::error_response("FATAL", "08P01", text);
                    write_all(&mut self.client, &refusal)?;
                    return Err(ErrorKind::Unsupported.into());
                }
                if status == b"I" && self.owed.is_empty() && !self.is_open {
                    self.current = (self.current + 1) % CONNECTIONS;
                }
            }
            _ => {}
        }
        write_all(&mut self.client, frame)
    }
}

impl Connection {
    /// Sends what the client begins with; gives everything up to the first `ReadyForQuery`.
    fn open(server: PathBuf, startup: &[u8]) -> io::Result<(Self, Vec<u8>)> {
        let mut this = Self {
            stream: UnixStream::connect(server)?,
            arrived: Vec::new(),
            statements: HashSet::new(),
        };
        this.stream.write_all(startup)?;
        this.stream.set_nonblocking(true)?;
        let mut answer = Vec::new();
        loop {
            let mut space = [0; 1024];
            let n = read_some(&mut this.stream, &mut space)?;
            this.arrived.extend_from_slice(&space[..n]);
            while let Some(frame) = this.next_frame() {
                answer.extend_from_slice(&frame);
                if frame[0] == b'Z' {
                    return Ok((this, answer));
                }
            }
        }
    }

    fn next_frame(&mut self) -> Option<Vec<u8>> {
        let length = self.arrived.get(1..)?.first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (frame, rest) = self.arrived.split_at_checked(length + 1)?;
        let (frame, rest) = (frame.to_vec(), rest.to_vec());
        self.arrived = rest;
        Some(frame)
    }
}

/// What has arrived, if anything has.
fn read_some(stream: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    match stream.read(space) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        read => read,
    }
}

fn write_all(stream: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_micros(200));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
