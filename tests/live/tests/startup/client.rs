//! The core over a blocking socket, with TLS by rustls.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use purepg_proto::{Closed, Event, Limits, Outcome, Reply, Startup, StartupEvent, TlsFacts};
use purepg_testkit::blocking::{self, Blocking};
use purepg_testkit::server::Server;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use sha2::{Digest as _, Sha256};

/// How TLS is done, should the core ask for it.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    /// What the core is told of it, which a test may falsify.
    pub(crate) facts: fn(&ClientConnection) -> TlsFacts,
}

/// A connection, and what carries its bytes.
pub(crate) struct Client {
    pub(crate) inner: Blocking<Stream>,
    tls: Option<Tls>,
}

/// A socket that does not block, or TLS over one.
pub(crate) enum Stream {
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
        let stream = Stream::Tcp(blocking::tcp(server));
        let inner = Blocking::new(stream, startup, Limits::default());
        Self { inner, tls }
    }

    pub(crate) fn unix(server: &Server, startup: Startup) -> Self {
        let stream = Stream::Unix(blocking::unix(server));
        let inner = Blocking::new(stream, startup, Limits::default());
        Self { inner, tls: None }
    }

    /// Until it is open, or has ended.
    pub(crate) fn enter(&mut self) -> Result<(), Closed> {
        loop {
            match self.next_event() {
                Event::Startup(StartupEvent::UpgradeToTls) => self.upgrade(),
                Event::Startup(StartupEvent::Ready) => return Ok(()),
                Event::Closed(closed) => return Err(closed),
                _ => {}
            }
        }
    }

    /// Runs a statement; gives the first column of every row, or the SQLSTATE of the error.
    pub(crate) fn query(&mut self, sql: &str) -> Result<Vec<String>, String> {
        self.inner.query(sql);
        self.finish()
    }

    /// Takes the reply to a statement that was begun.
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

    fn next_event(&mut self) -> Event {
        self.inner.next_event().expect("the end is told once")
    }

    fn upgrade(&mut self) {
        let tls = self.tls.clone().expect("TLS was asked for");
        let Stream::Tcp(mut socket) = std::mem::replace(&mut self.inner.stream, Stream::Gone)
        else {
            panic!("TLS is asked for once, over TCP");
        };
        let name = ServerName::IpAddress(socket.peer_addr().unwrap().ip().into());
        let mut session = ClientConnection::new(tls.config, name).unwrap();
        socket.set_nonblocking(false).unwrap();
        if session.complete_io(&mut socket).is_err() {
            // As a driver would that gives up.
            return self.inner.core.recv_eof();
        }
        socket.set_nonblocking(true).unwrap();
        let facts = (tls.facts)(&session);
        self.inner.stream = Stream::Tls(Box::new(StreamOwned::new(session, socket)));
        self.inner.core.tls_established(facts).unwrap();
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
            Self::Tls(stream) => match stream.read(buf) {
                // Nobody says good-bye in TLS to a cancel request.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
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
