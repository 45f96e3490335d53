//! A core over a real socket that does not block: for tests of the core against real servers.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use purepg_proto::{
    Batch, Connection, CopyEnd, Event, Limits, Nonce, OpId, Startup, StartupEvent, Transport,
};
use rustix::net::sockopt;

use crate::cut::{ENTROPY, begin, show};
use crate::server::{DATABASE, Server, USER_TRUST};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A core, the socket that it is driven over, and the operations that were begun on it: `op0`, `op1`, …
#[derive(Debug)]
pub struct Blocking<S> {
    /// The core.
    pub core: Connection,
    /// The operations, oldest first.
    pub ops: Vec<OpId>,
    /// The socket.
    pub stream: S,
    /// At most so many bytes are read at once.
    pub read_at_once: usize,
}

/// What a user without a password begins with.
pub fn trust() -> Startup {
    Startup::new(USER_TRUST, Transport::UnixSocket).database(DATABASE)
}

/// The server's Unix socket.
///
/// # Panics
/// When it cannot be reached.
pub fn unix(server: &Server) -> UnixStream {
    let file = format!(".s.PGSQL.{}", server.port());
    let stream = UnixStream::connect(server.socket_dir().join(file)).expect("it listens");
    stream.set_nonblocking(true).expect("sockets can do that");
    stream
}

/// The server's TCP port.
///
/// # Panics
/// When it cannot be reached.
pub fn tcp(server: &Server) -> TcpStream {
    let stream = TcpStream::connect((server.host(), server.port())).expect("it listens");
    stream.set_nodelay(true).expect("sockets can do that");
    stream.set_nonblocking(true).expect("sockets can do that");
    stream
}

/// The server's Unix socket behind another one that holds no more than so many bytes in either direction (Linux makes it some more).
///
/// # Panics
/// When it cannot be reached.
pub fn narrow(server: &Server, bytes: usize) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().expect("there are sockets");
    let server = unix(server);
    server.set_nonblocking(false).expect("sockets can do that");
    for end in [&ours, &theirs] {
        sockopt::set_socket_send_buffer_size(end, bytes).expect("sockets can do that");
    }
    relay(&theirs, &server, bytes);
    relay(&server, &theirs, bytes);
    ours.set_nonblocking(true).expect("sockets can do that");
    ours
}

/// Waits until the server has begun to sleep (`pg_sleep`) for the session of this process: a cancel request that comes before is in vain.
///
/// # Panics
/// When it does not for a minute.
pub fn until_it_sleeps(server: &Server, process_id: i32) {
    let mut other = Blocking::open(server);
    let sql =
        format!("select from pg_stat_activity where pid = {process_id} and wait_event = 'PgSleep'");
    let deadline = Instant::now() + PATIENCE;
    while !other.run(&sql).iter().any(|line| line.ends_with(" row")) {
        assert!(Instant::now() < deadline, "it does not sleep");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Until either end has gone.
fn relay(from: &UnixStream, to: &UnixStream, bytes: usize) {
    let open = |end: &UnixStream| end.try_clone().expect("sockets can do that");
    let (mut from, mut to) = (open(from), open(to));
    std::thread::spawn(move || {
        let mut piece = vec![0; bytes];
        while let Ok(n @ 1..) = from.read(&mut piece) {
            if to.write_all(&piece[..n]).is_err() {
                break;
            }
        }
        // The other direction may still have last words.
        let _ = to.shutdown(Shutdown::Write);
    });
}

impl Blocking<UnixStream> {
    /// An open connection of a user without a password.
    pub fn open(server: &Server) -> Self {
        Self::begin(unix(server), trust(), Limits::default())
    }
}

impl<S: Read + Write> Blocking<S> {
    /// An open connection over this socket, which does not block.
    ///
    /// # Panics
    /// When it is not let in.
    pub fn begin(stream: S, startup: Startup, limits: Limits) -> Self {
        let mut this = Self::new(stream, startup, limits);
        this.until("Ready");
        this
    }

    /// A connection over this socket that is about to begin. TLS is the test's to do, should it be asked for.
    pub fn new(stream: S, startup: Startup, limits: Limits) -> Self {
        Self {
            core: Connection::new(startup, Nonce::from_entropy(ENTROPY), limits),
            ops: Vec::new(),
            stream,
            read_at_once: usize::MAX,
        }
    }

    /// Begins an operation.
    pub fn batch(&mut self, write: impl FnOnce(&mut Batch<'_>)) {
        begin(&mut self.core, &mut self.ops, write);
    }

    /// Begins a simple query.
    pub fn query(&mut self, sql: &str) {
        self.batch(|batch| {
            batch.query(sql);
        });
    }

    /// Begins a simple query and waits for its end; gives the lines of it.
    pub fn run(&mut self, sql: &str) -> Vec<String> {
        self.query(sql);
        let end = format!("op{} Finished", self.ops.len() - 1);
        self.until(&end)
    }

    /// Sends data of an operation, by its number, all of it.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn data(&mut self, op: usize, data: &[u8]) {
        let mut rest = data;
        while !rest.is_empty() {
            let n = self.core.copy_data(self.ops[op], rest).expect("it copies");
            rest = &rest[n..];
            if n == 0 {
                self.write();
            }
        }
    }

    /// Ends the data of an operation, by its number.
    ///
    /// # Panics
    /// When it is not copying.
    pub fn done(&mut self, op: usize) {
        let done = self.core.copy_finish(self.ops[op], CopyEnd::Done);
        done.expect("it copies");
    }

    /// Sends what waits as far as the socket takes it; true if it took anything.
    ///
    /// # Panics
    /// When the socket fails.
    pub fn write(&mut self) -> bool {
        let mut progress = false;
        while self.core.wants_write() {
            match self.stream.write(self.core.output()) {
                Ok(n) => self.core.output_sent(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The server has gone; its last words can still be read.
                Err(_) if self.core.wants_read() => break,
                Err(error) => panic!("{error}"),
            }
            progress = true;
        }
        progress
    }

    /// Reads what has arrived, if it is wanted; true if anything had.
    ///
    /// # Panics
    /// When the socket fails.
    pub fn read(&mut self) -> bool {
        let space = self.core.recv_space();
        let most = space.len().min(self.read_at_once);
        if most == 0 {
            return false;
        }
        match self.stream.read(&mut space[..most]) {
            Ok(0) => self.core.recv_eof(),
            Ok(n) => self.core.recv_filled(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.core.recv_eof(),
            Err(error) => panic!("{error}"),
        }
        true
    }

    /// Writes, reads and takes events until there is a line that begins like this; gives the lines up to it.
    ///
    /// # Panics
    /// When the connection ends without it, or nothing comes for a minute.
    pub fn until(&mut self, wanted: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.starts_with(wanted)) {
            match self.next_event() {
                Ok(event) => lines.extend(show(&event, &self.ops)),
                Err(error) => panic!("`{wanted}` did not come, but {lines:#?} and {error}"),
            }
        }
        lines
    }

    /// The same until the connection has ended; gives all lines.
    pub fn until_the_end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(event) = self.next_event() {
            lines.extend(show(&event, &self.ops));
        }
        lines
    }

    /// Writes and reads until there is an event. Keys are derived as they are asked for.
    ///
    /// # Errors
    /// That of the core.
    ///
    /// # Panics
    /// When nothing comes for a minute.
    pub fn next_event(&mut self) -> Result<Event, purepg_proto::ProtocolError> {
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            match self.core.next_event()? {
                Some(Event::Startup(StartupEvent::DeriveKey(job))) => {
                    self.core.key_derived(job.run()).expect("keys are awaited");
                }
                Some(event) => return Ok(event),
                None => {}
            }
            // One after the other, so that neither direction can hold up the other.
            let (wrote, read) = (self.write(), self.read());
            if wrote || read {
                deadline = Instant::now() + PATIENCE;
            } else {
                assert!(Instant::now() < deadline, "nothing comes: {:?}", self.core);
                std::thread::sleep(Duration::from_micros(50));
            }
        }
    }
}
