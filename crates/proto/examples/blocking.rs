//! A driver over `std::net`: what it takes to embed the core, and the shape that a runtime of one's own would copy.
//!
//! `cargo run --example blocking -- 127.0.0.1:5432 USER PASSWORD DATABASE 'select 1'`

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;

use purepg_proto::{
    Closed, Connection, Event, FieldError, Limits, Nonce, Outcome, Reply, RowRef, Startup,
    StartupEvent, Transport,
};

/// A core and what carries its bytes.
struct Driver {
    core: Connection,
    stream: TcpStream,
}

impl Driver {
    /// The next fact: first what is known already, then what waits to be sent, then what comes.
    fn next_event(&mut self) -> Result<Event, Box<dyn Error>> {
        loop {
            if let Some(event) = self.core.next_event()? {
                return Ok(event);
            }
            while self.core.wants_write() {
                let sent = self.stream.write(self.core.output())?;
                self.core.output_sent(sent);
            }
            if self.core.wants_read() {
                match self.stream.read(self.core.recv_space())? {
                    0 => self.core.recv_eof(),
                    n => self.core.recv_filled(n),
                }
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
    let mut driver = Driver {
        core,
        stream: TcpStream::connect(address)?,
    };
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
    let fields = row.fields().collect::<Result<Vec<_>, _>>()?;
    let text = |field: Option<&[u8]>| {
        field.map_or("NULL".into(), |value| {
            String::from_utf8_lossy(value).into_owned()
        })
    };
    println!(
        "{}",
        fields.into_iter().map(text).collect::<Vec<_>>().join(" | ")
    );
    Ok(())
}
