//! A driver over `std::net`: what it takes to embed the core, and the shape that a runtime of one's own would copy.
//!
//! `cargo run --example blocking -- 127.0.0.1:5432 USER PASSWORD DATABASE 'select 1'`

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use purepg_proto::{
    Closed, Connection, Event, FieldError, Limits, Nonce, Outcome, Reply, RowRef, Startup,
    StartupEvent, Transport,
};

/// A core and what carries its bytes.
struct Driver {
    core: Connection,
    stream: TcpStream,
}

/// How long one direction may be blocked before the other is looked at: two peers that only write would wait for each other.
const PATIENCE: Option<Duration> = Some(Duration::from_millis(20));

impl Driver {
    /// The next fact: first what is known already, then what waits to be sent, then what comes.
    fn next_event(&mut self) -> Result<Event, Box<dyn Error>> {
        loop {
            if let Some(event) = self.core.next_event()? {
                return Ok(event);
            }
            while self.core.wants_write() {
                match self.stream.write(self.core.output()) {
                    Ok(sent) => self.core.output_sent(sent),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
            let patience = if self.core.wants_write() {
                PATIENCE
            } else {
                None
            };
            self.stream.set_read_timeout(patience)?;
            match self.stream.read(self.core.recv_space()) {
                Ok(0) => self.core.recv_eof(),
                Ok(n) => self.core.recv_filled(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, password, database, sql] = &arguments[..] else {
        return Err("usage: blocking ADDRESS USER PASSWORD DATABASE SQL".into());
    };
    let mut entropy = [0; Nonce::ENTROPY_LEN];
    getrandom::fill(&mut entropy)?;
    let startup = Startup::new(user, Transport::Tcp)
        .password(password.as_str())
        .database(database);
    let core = Connection::new(startup, Nonce::from_entropy(entropy), Limits::default());
    let stream = TcpStream::connect(address)?;
    stream.set_write_timeout(PATIENCE)?;
    let mut driver = Driver { core, stream };
    loop {
        match driver.next_event()? {
            Event::Startup(StartupEvent::DeriveKey(job)) => driver.core.key_derived(job.run())?,
            Event::Startup(StartupEvent::Ready) => {
                let mut batch = driver.core.batch();
                batch.query(sql);
                batch.commit()?;
            }
            Event::Reply(_, Reply::Rows(batch)) => batch.iter().try_for_each(print)?,
            Event::Reply(_, Reply::StatementComplete(tag)) => println!("{tag}"),
            Event::Reply(_, Reply::Finished(Outcome::Complete)) => driver.core.terminate(),
            Event::Reply(_, Reply::Finished(Outcome::Failed(error))) => return Err(error.into()),
            Event::Closed(Closed::Terminated) => return Ok(()),
            Event::Closed(reason) => return Err(format!("{reason:?}").into()),
            _ => {}
        }
    }
}

fn print(row: RowRef<'_>) -> Result<(), FieldError> {
    let text = |field: Option<&[u8]>| match field {
        Some(value) => String::from_utf8_lossy(value).into_owned(),
        None => "NULL".into(),
    };
    let fields: Result<Vec<String>, _> = row.fields().map(|field| field.map(text)).collect();
    println!("{}", fields?.join(" | "));
    Ok(())
}
