//! The core over a blocking socket, with TLS by rustls.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use purepg_proto::{
    Closed, Connection, Event, Limits, Nonce, Outcome, Reply, Startup, StartupEvent, TlsFacts,
};
use purepg_testkit::server::Server;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use sha2::{Digest as _, Sha256};

/// Longer than any answer takes: a test that waits longer hangs.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

/// How TLS is done, should the core ask for it.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    /// What the core is told of it, which a test may falsify.
    pub(crate) facts: fn(&ClientConnection) -> TlsFacts,
}

/// A connection, and what carries its bytes.
pub(crate) struct Client {
    pub(crate) core: Connection,
    stream: Stream,
    tls: Option<Tls>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// While it becomes one of TLS.
    Gone,
}

/// What rustls has verified, whose signature names SHA-256.
pub(crate) fn honest(tls: &ClientConnection) -> TlsFacts {
    let certificates = tls.peer_certificates().unwrap_or_default();
    let hash = Sha256::digest(certificates.first().expect("a server has a certificate"));
    unbound(tls).server_end_point(hash.to_vec())
}

/// The same of a certificate that gives nothing to bind to.
pub(crate) fn unbound(tls: &ClientConnection) -> TlsFacts {
    let facts = TlsFacts::new().verified(true);
    match tls.alpn_protocol() {
        Some(protocol) => facts.alpn(protocol),
        None => facts,
    }
}

impl Client {
    pub(crate) fn tcp(server: &Server, startup: Startup, tls: Option<Tls>) -> Self {
        let stream = TcpStream::connect((server.host(), server.port())).unwrap();
        stream.set_read_timeout(PATIENCE).unwrap();
        Self::over(Stream::Tcp(stream), startup, tls)
    }

    pub(crate) fn unix(server: &Server, startup: Startup) -> Self {
        let name = format!(".s.PGSQL.{}", server.port());
        let stream = UnixStream::connect(server.socket_dir().join(name)).unwrap();
        stream.set_read_timeout(PATIENCE).unwrap();
        Self::over(Stream::Unix(stream), startup, None)
    }

    fn over(stream: Stream, startup: Startup, tls: Option<Tls>) -> Self {
        let mut entropy = [0; Nonce::ENTROPY_LEN];
        getrandom::fill(&mut entropy).unwrap();
        let nonce = Nonce::from_entropy(entropy);
        let core = Connection::new(startup, nonce, Limits::default());
        Self { core, stream, tls }
    }

    /// Until it is open, or has ended.
    pub(crate) fn enter(&mut self) -> Result<(), Closed> {
        loop {
            match self.next_event() {
                Event::Startup(StartupEvent::Ready) => return Ok(()),
                Event::Closed(closed) => return Err(closed),
                _ => {}
            }
        }
    }

    /// Sends a statement; its reply is taken by [`finish`](Self::finish).
    pub(crate) fn begin(&mut self, sql: &str) {
        let mut batch = self.core.batch();
        batch.query(sql);
        batch.commit().unwrap();
        self.send();
    }

    /// The first column of every row, or the SQLSTATE of the error.
    pub(crate) fn finish(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.next_event() {
                Event::Reply(_, Reply::Rows(rows)) => values.extend(rows.iter().map(|row| {
                    let value = row.fields().next().unwrap().unwrap().unwrap_or_default();
                    String::from_utf8(value.to_vec()).unwrap()
                })),
                Event::Reply(_, Reply::Finished(Outcome::Complete)) => return Ok(values),
                Event::Reply(_, Reply::Finished(Outcome::Failed(error))) => {
                    return Err(error.sqlstate().unwrap_or_default().to_owned());
                }
                Event::Closed(closed) => panic!("{closed:?}"),
                _ => {}
            }
        }
    }

    pub(crate) fn query(&mut self, sql: &str) -> Result<Vec<String>, String> {
        self.begin(sql);
        self.finish()
    }

    fn next_event(&mut self) -> Event {
        loop {
            match self.core.next_event().expect("the end is told once") {
                Some(Event::Startup(StartupEvent::UpgradeToTls)) => self.upgrade(),
                Some(Event::Startup(StartupEvent::DeriveKey(job))) => {
                    self.core.key_derived(job.run()).unwrap();
                }
                Some(event) => return event,
                None => {
                    self.send();
                    self.receive();
                }
            }
        }
    }

    fn send(&mut self) {
        while self.core.wants_write() {
            let sent = self.stream.write(self.core.output()).unwrap();
            self.core.output_sent(sent);
        }
        self.stream.flush().unwrap();
    }

    fn receive(&mut self) {
        match self.stream.read(self.core.recv_space()) {
            Ok(0) => self.core.recv_eof(),
            Ok(n) => self.core.recv_filled(n),
            // Nobody says good-bye in TLS to a cancel request.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                self.core.recv_eof();
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn upgrade(&mut self) {
        let tls = self.tls.clone().expect("TLS was asked for");
        let Stream::Tcp(mut socket) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            panic!("TLS is asked for once, over TCP");
        };
        let name = ServerName::IpAddress(socket.peer_addr().unwrap().ip().into());
        let mut session = ClientConnection::new(tls.config, name).unwrap();
        while session.is_handshaking() {
            if session.complete_io(&mut socket).is_err() {
                // As a driver would that gives up.
                self.core.recv_eof();
                return;
            }
        }
        let facts = (tls.facts)(&session);
        self.stream = Stream::Tls(Box::new(StreamOwned::new(session, socket)));
        self.core.tls_established(facts).unwrap();
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
            Self::Tls(stream) => stream.read(buf),
            Self::Gone => Ok(0),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buf),
            Self::Unix(stream) => stream.write(buf),
            Self::Tls(stream) => stream.write(buf),
            Self::Gone => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
            Self::Gone => Ok(()),
        }
    }
}
