//! A whole conversation without a socket: a core, a server of a few lines, and bytes that are carried by hand. A first program for those who
//! embed the core in a runtime of their own: `main` and `carry` are theirs, with a stream in the place of the server.
//!
//! `cargo run --example in_memory`

use std::collections::VecDeque;
use std::error::Error;

use purepg_proto::{
    Closed, Column, Connection, Event, FieldError, Limits, Nonce, Outcome, Reply, Startup,
    StartupEvent, Transport,
};

fn main() -> Result<(), Box<dyn Error>> {
    let startup = Startup::new("me", Transport::UnixSocket);
    // A real one is random: what it protects is the password, and this server asks for none.
    let nonce = Nonce::from_entropy([0; Nonce::ENTROPY_LEN]);
    let mut core = Connection::new(startup, nonce, Limits::default());
    let mut server = Server::default();
    loop {
        // First what is known already …
        while let Some(event) = core.next_event()? {
            match event {
                Event::Startup(StartupEvent::Ready) => {
                    let mut batch = core.batch();
                    batch.query("select name, born from people");
                    batch.commit()?;
                }
                Event::Reply(_, Reply::Columns(columns)) => {
                    let names: Vec<&str> = columns.iter().map(Column::name).collect();
                    println!("{}", names.join(" | "));
                }
                Event::Reply(_, Reply::Rows(batch)) => {
                    for row in &batch {
                        let fields: Result<Vec<_>, _> = row.fields().map(show).collect();
                        println!("{}", fields?.join(" | "));
                    }
                }
                Event::Reply(_, Reply::StatementComplete(tag)) => println!("{tag}"),
                Event::Reply(_, Reply::Finished(Outcome::Complete)) => core.terminate(),
                Event::Closed(Closed::Terminated) => return Ok(()),
                other => return Err(format!("{other:?}").into()),
            }
        }
        // … then what waits to be sent, and what comes.
        carry(&mut core, &mut server);
    }
}

fn show(field: Result<Option<&[u8]>, FieldError>) -> Result<String, FieldError> {
    Ok(field?.map_or("NULL".into(), |text| String::from_utf8_lossy(text).into()))
}

/// So many bytes go at once. Any number does: the core sees no difference.
const PIECE: usize = 7;

/// What a stream does: some bytes one way, some the other. Each is confirmed once it is there, so nothing is lost in between.
fn carry(core: &mut Connection, server: &mut Server) {
    if core.wants_write() {
        let n = core.output().len().min(PIECE);
        server.receive(&core.output()[..n]);
        core.output_sent(n);
    }
    if server.gone && server.outbox.is_empty() {
        core.recv_eof();
    } else if core.wants_read() {
        let space = core.recv_space();
        let n = server.outbox.len().min(space.len()).min(PIECE);
        for (slot, byte) in space.iter_mut().zip(server.outbox.drain(..n)) {
            *slot = byte;
        }
        core.recv_filled(n);
    }
}

/// A server that lets everybody in, answers every query alike, and goes when it is told good-bye.
#[derive(Default)]
struct Server {
    inbox: Vec<u8>,
    outbox: VecDeque<u8>,
    started: bool,
    gone: bool,
}

impl Server {
    fn receive(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        while let Some(message) = self.next_message() {
            if !self.started {
                self.started = true;
                self.send(b'R', &[b"\0\0\0\0"]); // AuthenticationOk
                self.send(b'Z', &[b"I"]); // ReadyForQuery
            } else if message[0] == b'Q' {
                let text = b"\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"; // a column's type, and more
                self.send(b'T', &[b"\0\x02name\0", text, b"born\0", text]);
                self.send(b'D', &[b"\0\x02\0\0\0\x03Ada\0\0\0\x041815"]);
                self.send(b'D', &[b"\0\x02\0\0\0\x05Alice\xff\xff\xff\xff"]);
                self.send(b'C', &[b"SELECT 2\0"]);
                self.send(b'Z', &[b"I"]);
            } else {
                self.gone = true; // Terminate: the client says nothing else
            }
        }
    }

    /// The first message has no type byte, all others begin with one; then comes a length that counts itself.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let tag = usize::from(self.started);
        let length = self.inbox.get(tag..tag + 4)?.try_into().ok()?;
        let len = tag + usize::try_from(u32::from_be_bytes(length)).ok()?;
        (self.inbox.len() >= len).then(|| self.inbox.drain(..len).collect())
    }

    fn send(&mut self, tag: u8, body: &[&[u8]]) {
        let body = body.concat();
        let length = u32::try_from(body.len() + 4).expect("these are short");
        self.outbox.push_back(tag);
        self.outbox.extend(length.to_be_bytes());
        self.outbox.extend(body);
    }
}
