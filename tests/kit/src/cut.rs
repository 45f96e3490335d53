//! A server's bytes, fed to a fresh core whole, byte by byte, and cut in two at every place: what the core tells must not depend on it.
//!
//! A [`Script`] says what the client does and after which event, so that the same bytes can be replayed any number of times. What is told
//! is written down line by line; rows stand one to a line, so that it does not matter in which batches they came.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::OnceLock;

use purepg_proto::{
    Batch, Closed, Connection, CopyResponse, DeriveKey, Diagnostics, Event, Limits, Nonce, OpId,
    Outcome, Reply, RowBatch, RowRef, ScramKeys, Startup, StartupEvent, TlsFacts, Unsolicited,
};

/// The randomness of every replay.
pub const ENTROPY: [u8; Nonce::ENTROPY_LEN] = [7; Nonce::ENTROPY_LEN];

/// Something that the client does. Operations that it begins go behind the others, so that the log can number them.
pub type Act = fn(&mut Connection, &mut Vec<OpId>);

/// What a client does, and when.
#[derive(Debug)]
pub struct Script {
    startup: Startup,
    tls: TlsFacts,
    steps: Vec<(&'static str, Act)>,
    /// Derived once for all replays.
    keys: OnceLock<ScramKeys>,
}

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Value by value.
    Full,
    /// As one number for each run of them: fast enough for thousands of replays.
    Digest,
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Every event, a line each, up to the error that ends it.
    pub log: Vec<String>,
    /// Everything that the client sent.
    pub sent: Vec<u8>,
    /// How many operations it began.
    pub begun: usize,
}

/// A core that does what a script says.
#[derive(Debug)]
pub struct Client<'s> {
    core: Connection,
    script: &'s Script,
    step: usize,
    ops: Vec<OpId>,
    detail: Detail,
    digest: Option<(usize, u64, DefaultHasher)>,
    told: Told,
    over: bool,
}

impl Script {
    /// A client that begins like this and does nothing more.
    pub fn new(startup: Startup) -> Self {
        Self {
            startup,
            tls: TlsFacts::new(),
            steps: Vec::new(),
            keys: OnceLock::new(),
        }
    }

    /// What TLS gives, should it be asked for. Nothing is encrypted: the stream goes on as it is.
    #[must_use]
    pub fn tls(mut self, facts: TlsFacts) -> Self {
        self.tls = facts;
        self
    }

    /// Then waits for a line of the log that begins like this, and does that. Steps come one after the other, at most one for each line;
    /// a line about rows starts none, and none starts behind the end.
    #[must_use]
    pub fn when(mut self, line: &'static str, act: Act) -> Self {
        self.steps.push((line, act));
        self
    }
}

/// Begins an operation, for an [`Act`].
///
/// # Panics
/// When the batch cannot be committed.
pub fn begin(core: &mut Connection, ops: &mut Vec<OpId>, write: impl FnOnce(&mut Batch<'_>)) {
    let mut batch = core.batch();
    write(&mut batch);
    ops.push(batch.commit().expect("a batch that can be committed"));
}

/// The stream at once.
pub fn whole(script: &Script, stream: &[u8], detail: Detail) -> Told {
    cut_at(script, stream, &[], detail)
}

/// The stream a byte at a time, through the space that the core lends.
pub fn bytewise(script: &Script, stream: &[u8], detail: Detail) -> Told {
    let mut client = Client::new(script, detail);
    for &byte in stream {
        client.lend(byte);
    }
    client.finish()
}

/// The stream cut at these places, which grow.
pub fn cut_at(script: &Script, stream: &[u8], places: &[usize], detail: Detail) -> Told {
    let mut client = Client::new(script, detail);
    let mut start = 0;
    for &place in places.iter().chain([&stream.len()]) {
        client.feed(&stream[start..place]);
        start = place;
    }
    client.finish()
}

/// Replays the stream whole, byte by byte, and cut at every place. Returns how many places that were.
///
/// # Panics
/// When the core tells something else somewhere.
pub fn everywhere(script: &Script, stream: &[u8]) -> usize {
    let expected = whole(script, stream, Detail::Full);
    assert_same(
        &bytewise(script, stream, Detail::Full),
        &expected,
        "byte by byte",
    );
    let expected = whole(script, stream, Detail::Digest);
    for place in 0..=stream.len() {
        let told = cut_at(script, stream, &[place], Detail::Digest);
        assert_same(&told, &expected, &format!("cut at {place}"));
    }
    stream.len() + 1
}

fn assert_same(told: &Told, expected: &Told, how: &str) {
    assert_eq!(told.log, expected.log, "{how}");
    assert!(told.sent == expected.sent, "{how}: something else is sent");
}

impl<'s> Client<'s> {
    /// A client that has begun.
    pub fn new(script: &'s Script, detail: Detail) -> Self {
        let nonce = Nonce::from_entropy(ENTROPY);
        let core = Connection::new(script.startup.clone(), nonce, Limits::default());
        let mut client = Self {
            core,
            script,
            step: 0,
            ops: Vec::new(),
            detail,
            digest: None,
            told: Told::default(),
            over: false,
        };
        client.pump();
        client
    }

    /// Takes bytes of the server, by copying them; those that come after the end are lost.
    ///
    /// # Panics
    /// When the core takes no input though it has told everything, or breaks a promise about its buffers.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !self.over && !bytes.is_empty() {
            // More than a byte only where more may be read.
            let (now, later) = match self.core.recv_space().len() {
                1 => bytes.split_at(1),
                _ => (bytes, &[][..]),
            };
            self.core.recv_bytes(now).expect("input is wanted");
            self.pump();
            bytes = later;
        }
    }

    /// Takes one byte, through the space that the core lends.
    fn lend(&mut self, byte: u8) {
        if !self.over {
            self.core.recv_space()[0] = byte;
            self.core.recv_filled(1);
            self.pump();
        }
    }

    /// What it has sent so far.
    pub fn sent(&self) -> &[u8] {
        &self.told.sent
    }

    /// What was told so far.
    pub fn log(&self) -> &[String] {
        &self.told.log
    }

    /// The end of the stream.
    ///
    /// # Panics
    /// When it is not the end of the connection.
    pub fn finish(mut self) -> Told {
        if !self.over {
            self.core.recv_eof();
            self.pump();
        }
        assert!(self.over, "the end of the stream is the end");
        self.told.begun = self.ops.len();
        self.told
    }

    /// Takes every event that there is.
    fn pump(&mut self) {
        loop {
            let output = self.core.output();
            assert_eq!(output.is_empty(), !self.core.wants_write());
            let n = output.len();
            self.told.sent.extend_from_slice(output);
            self.core.output_sent(n);
            match self.core.next_event() {
                Ok(Some(Event::Startup(StartupEvent::DeriveKey(job)))) => {
                    self.line(format!("DeriveKey {}", job.iterations()));
                    self.derive(*job);
                }
                Ok(Some(Event::Startup(StartupEvent::UpgradeToTls))) => {
                    self.line("UpgradeToTls".to_owned());
                    assert!(!self.core.wants_read() && !self.core.wants_write());
                    let established = self.core.tls_established(self.script.tls.clone());
                    established.expect("TLS is awaited");
                }
                Ok(Some(event)) => self.take(event),
                // What was read past may have been answered.
                Ok(None) if self.core.wants_write() => {}
                Ok(None) => {
                    assert!(self.core.wants_read(), "it needs bytes, but wants none");
                    assert!(!self.core.recv_space().is_empty());
                    return;
                }
                Err(error) => {
                    self.line(format!("Err {error}"));
                    assert_eq!(self.core.next_event().unwrap_err(), error, "it is sticky");
                    assert!(!self.core.wants_read() && self.core.recv_space().is_empty());
                    assert!(self.core.is_dead() && self.core.in_flight() == 0);
                    self.over = true;
                    return;
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Reply(op, Reply::Rows(rows)) if self.detail == Detail::Digest => {
                self.digest(op, &rows);
            }
            Event::Reply(_, Reply::Rows(_)) => {
                let lines = show(&event, &self.ops);
                self.told.log.extend(lines);
            }
            _ => {
                for line in show(&event, &self.ops) {
                    self.line(line);
                }
            }
        }
    }

    fn derive(&mut self, job: DeriveKey) {
        let known = self.script.keys.get().cloned();
        let fitting = known.is_some_and(|keys| self.core.key_derived(keys).is_ok());
        if !fitting {
            let keys = job.run();
            // Others than the first ones are those of a damaged stream: they are not kept.
            let _ = self.script.keys.set(keys.clone());
            self.core.key_derived(keys).expect("keys are awaited");
        }
    }

    fn digest(&mut self, op: OpId, rows: &RowBatch) {
        let index = self.ops.iter().position(|known| *known == op);
        let run = self
            .digest
            .get_or_insert_with(|| (index.unwrap_or(usize::MAX), 0, DefaultHasher::new()));
        for row in rows {
            run.1 += 1;
            row.as_bytes().hash(&mut run.2);
        }
    }

    fn line(&mut self, line: String) {
        if let Some((op, rows, hasher)) = self.digest.take() {
            let run = format!("op{op} {rows} rows {:x}", hasher.finish());
            self.told.log.push(run);
        }
        let step = self.script.steps.get(self.step);
        let due = step.filter(|(when, _)| line.starts_with(when));
        self.told.log.push(line);
        if let Some((_, act)) = due {
            self.step += 1;
            if self.core.is_dead() {
                return;
            }
            act(&mut self.core, &mut self.ops);
        }
    }
}

/// An event as the log has it: a line, or one for each row. `ops` gives operations their numbers.
///
/// # Panics
/// When a batch has not the rows that it says.
pub fn show(event: &Event, ops: &[OpId]) -> Vec<String> {
    let name = |op: &OpId| match ops.iter().position(|known| known == op) {
        Some(index) => format!("op{index}"),
        None => "op?".to_owned(),
    };
    match event {
        Event::Startup(StartupEvent::DeriveKey(job)) => {
            vec![format!("DeriveKey {}", job.iterations())]
        }
        Event::Startup(StartupEvent::OauthChallenge(challenge)) => {
            vec![format!("OauthChallenge {}", challenge.as_str())]
        }
        Event::Startup(event) => vec![format!("{event:?}")],
        Event::Reply(op, Reply::Rows(rows)) => {
            let op = name(op);
            let lines = rows.iter().map(|row| format!("{op} row{}", show_row(row)));
            let lines: Vec<String> = lines.collect();
            assert!(!lines.is_empty() && lines.len() == rows.len());
            lines
        }
        Event::Reply(op, Reply::CopyData(data)) => {
            let op = name(op);
            let lines = data
                .iter()
                .map(|message| format!("{op} CopyData \"{}\"", message.escape_ascii()));
            lines.collect()
        }
        Event::Reply(op, reply) => vec![format!("{} {}", name(op), show_reply(reply))],
        Event::Unsolicited(fact) => vec![show_unsolicited(fact)],
        Event::Closed(closed) => vec![format!("Closed {}", show_closed(closed))],
        other => vec![format!("{other:?}")],
    }
}

fn show_row(row: RowRef<'_>) -> String {
    let values = row.fields().map(|value| match value {
        Ok(None) => " NULL".to_owned(),
        Ok(Some(value)) => format!(" \"{}\"", value.escape_ascii()),
        Err(error) => format!(" <{error}>"),
    });
    values.collect()
}

fn show_reply(reply: &Reply) -> String {
    match reply {
        Reply::Columns(columns) => {
            let columns = columns.iter().map(|column| {
                let (name, oid, format) = (column.name(), column.type_oid(), column.format());
                format!(" {name}:{oid}:{format:?}")
            });
            format!("Columns{}", columns.collect::<String>())
        }
        Reply::CopyIn(response) => format!("CopyIn{}", show_copy(response)),
        Reply::CopyOut(response) => format!("CopyOut{}", show_copy(response)),
        Reply::CopyBoth(response) => format!("CopyBoth{}", show_copy(response)),
        Reply::StatementComplete(tag) => format!("StatementComplete {tag}"),
        Reply::Finished(Outcome::Failed(error)) => format!("Finished Failed {}", show_error(error)),
        Reply::Finished(outcome) => format!("Finished {outcome:?}"),
        other => format!("{other:?}"),
    }
}

fn show_copy(response: &CopyResponse) -> String {
    format!(" {:?} {}", response.format(), response.columns().len())
}

fn show_unsolicited(fact: &Unsolicited) -> String {
    match fact {
        Unsolicited::Notice(notice) => format!("Notice {}", show_error(notice)),
        Unsolicited::Notification(said) => {
            format!("Notification {} {}", said.channel(), said.payload())
        }
        Unsolicited::ParameterChanged(change) => {
            format!("Parameter {}={}", change.name(), change.value())
        }
        other => format!("{other:?}"),
    }
}

fn show_closed(closed: &Closed) -> String {
    match closed {
        Closed::Fatal(error) => format!("Fatal {}", show_error(error)),
        Closed::Protocol(error) => format!("Protocol {error}"),
        other => format!("{other:?}"),
    }
}

fn show_error(error: &Diagnostics) -> String {
    let sqlstate = error.sqlstate().unwrap_or("-----");
    format!("{sqlstate} {}", error.message())
}

#[cfg(test)]
mod tests {
    use purepg_proto::Transport;

    use super::*;
    use crate::backend;

    fn script() -> Script {
        Script::new(Startup::new("me", Transport::UnixSocket))
            .when("Ready", |core, ops| {
                begin(core, ops, |batch| {
                    batch.query("q");
                });
            })
            .when("op0 Finished", |core, _| core.terminate())
    }

    fn stream() -> Vec<u8> {
        [
            backend::let_in(),
            backend::row_description(&[("a", 23, 0)]),
            backend::data_row(&[Some("1")]),
            backend::data_row::<&str>(&[None]),
            backend::command_complete("SELECT 2"),
            backend::ready(b'I'),
        ]
        .concat()
    }

    #[test]
    fn what_is_told_is_written_down() {
        let told = whole(&script(), &stream(), Detail::Full);
        assert_eq!(
            told.log,
            [
                "Ready",
                "op0 Columns a:23:Text",
                "op0 row \"1\"",
                "op0 row NULL",
                "op0 StatementComplete SELECT 2",
                "op0 Finished Complete",
                "Closed Terminated",
                "Err the connection has ended (state Idle)",
            ]
        );
        assert!(told.sent.ends_with(b"Q\0\0\0\x06q\0X\0\0\0\x04"));
        assert_eq!(everywhere(&script(), &stream()), stream().len() + 1);
    }

    #[test]
    fn a_digest_sees_every_value() {
        let digest = |stream: &[u8]| whole(&script(), stream, Detail::Digest);
        assert_eq!(digest(&stream()).log.len(), 7);
        assert_eq!(digest(&stream()), digest(&stream()));
        let mut changed = stream();
        let at = changed.iter().rposition(|&byte| byte == b'1').unwrap();
        changed[at] = b'2';
        assert_ne!(digest(&stream()).log, digest(&changed).log);
    }
}
