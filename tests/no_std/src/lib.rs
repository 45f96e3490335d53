//! The core where there is no `std`.
//!
//! Every program has exactly one answer to a panic, and `std` brings one. With the feature `panic_handler` this crate has one of its own, so
//! that the compiler refuses to build it if `std` is anywhere below it; `tests/alone.rs` has it built that way.

#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;

use purepg_proto::{
    Connection, Event, Limits, Nonce, Outcome, Reply, Startup, StartupEvent, Transport,
};

#[cfg(feature = "panic_handler")]
#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// What a PostgreSQL 15 said to this user, this password and this nonce: type and body of each message. A pause stands where it waited.
const SAID: [&[(u8, &[u8])]; 4] = [
    &[(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")],
    &[(
        b'R',
        b"\0\0\0\x0br=BwcHBwcHBwcHBwcHBwcHBwcHGguV4iRj+vbgK4my82VEad9F,s=oH8Ng1giSZu5e/gDtKXXGg==,i=4096",
    )],
    &[
        (
            b'R',
            b"\0\0\0\x0cv=rMm1o41UPzzGYWZh9r3A4vXNLEusw8JkuNK9dQds34w=",
        ),
        (b'R', b"\0\0\0\0"),
        (b'S', b"server_version\x0015.18\0"),
        (b'K', b"\0\0K\x80\xa9\xed\xf6B"),
        (b'Z', b"I"),
    ],
    &[
        (
            b'T',
            b"\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0",
        ),
        (b'D', b"\0\x01\0\0\0\x05hello"),
        (b'C', b"SELECT 1\0"),
        (b'Z', b"I"),
    ],
];

/// Opens a connection with SCRAM-SHA-256, asks `select 'hello'`, says good-bye; tells what it heard.
///
/// # Errors
/// Whatever should not have happened.
pub fn conversation() -> Result<Vec<String>, Box<dyn Error>> {
    let startup = Startup::new("purepg_scram", Transport::UnixSocket).password("secret-for-tests");
    let nonce = Nonce::from_entropy([7; Nonce::ENTROPY_LEN]);
    let mut core = Connection::new(startup, nonce, Limits::default());
    let mut heard = Vec::new();
    for messages in SAID {
        send(&mut core);
        for (tag, body) in messages {
            let length = u32::try_from(body.len() + 4)?;
            core.recv_bytes(&[&[*tag][..], &length.to_be_bytes(), body].concat())?;
            take(&mut core, &mut heard)?;
        }
    }
    send(&mut core);
    core.recv_eof();
    take(&mut core, &mut heard)?;
    Ok(heard)
}

fn send(core: &mut Connection) {
    let n = core.output().len();
    core.output_sent(n);
}

/// Takes every event that there is, up to the end of the connection.
fn take(core: &mut Connection, heard: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    while let Some(event) = core.next_event()? {
        match event {
            Event::Startup(StartupEvent::DeriveKey(job)) => core.key_derived(job.run())?,
            Event::Startup(StartupEvent::Ready) => {
                let mut batch = core.batch();
                batch.query("select 'hello'");
                batch.commit()?;
            }
            Event::Reply(_, Reply::Rows(rows)) => {
                for row in &rows {
                    for field in row.fields() {
                        heard.push(format!("{}", field?.unwrap_or_default().escape_ascii()));
                    }
                }
            }
            Event::Reply(_, Reply::StatementComplete(tag)) => heard.push(format!("{tag}")),
            Event::Reply(_, Reply::Finished(Outcome::Complete)) => core.terminate(),
            Event::Closed(closed) => {
                heard.push(format!("{closed:?}"));
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}
