//! A client, a server, and what is on its way between them; and what must be true in the end.

use purepg_proto::{Closed, CopyEnd, Event, Limits, Outcome, Replication, Reply, UsageError};
use purepg_testkit::scripted::{Auth, ModelServer, Statement};
use purepg_tests_protocol::driver::{Driver, startup};

use crate::kinds::Kind;

/// What somebody may do next, or what may happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Begin(Kind),
    /// One of those that were begun, counted from the newest.
    Abandon(usize),
    AbandonAll,
    AbortAll,
    /// So many bytes reach the server.
    SendBytes(usize),
    /// What is left of a message reaches the server, or the next one does.
    SendMessage,
    /// All but so many bytes of what is shown reach the server.
    SendAllBut(usize),
    /// So many bytes reach the client, and every event is taken.
    HearBytes(usize),
    Hear,
    /// Everything reaches the client, and one event is taken.
    HearOne,
    Data,
    Done,
    Fail,
    Terminate,
    /// A batch that is neither committed nor dropped.
    Forget,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    UnderWay,
    Ended(Outcome),
    Abandoned { unsent: bool },
}

pub(crate) struct Op {
    kind: Kind,
    fate: Fate,
    /// A byte of it was sent.
    begun: bool,
    /// A byte of its Query or its Execute was sent.
    run: bool,
    /// It was told to send its data.
    copying: bool,
    /// All of its data was sent.
    done: bool,
}

/// A client, a server, and what is on its way between them.
pub(crate) struct World {
    pub(crate) driver: Driver,
    server: ModelServer,
    on_its_way: Vec<u8>,
    pub(crate) ops: Vec<Op>,
    /// How much is left of the message that was begun.
    rest: usize,
    /// The operation whose messages are being sent.
    sending: Option<usize>,
    /// Something was asked for behind a COPY that nobody declared and nobody had abandoned: that ends the session.
    excused: bool,
    terminated: bool,
    /// An abandoned stream ends the session.
    streams: bool,
    closed: Option<Closed>,
    most: usize,
}

impl World {
    pub(crate) fn new(replication: bool, most: usize) -> Self {
        let mut server = ModelServer::new(Auth::Trust);
        for n in 0..most {
            let stream = |ends| Statement::CopyBoth(vec![b"w1".to_vec(), b"w2".to_vec()], ends);
            server = server
                .on(&format!("copy in #{n}"), Statement::CopyIn)
                .on(&format!("copy in refused #{n}"), Statement::CopyInRefused)
                .on(&format!("rows #{n}"), Statement::rows(2, false))
                .on(&format!("stream #{n}"), stream(false))
                .on(&format!("stream end #{n}"), stream(true));
        }
        let mut startup = startup();
        if replication {
            startup = startup.replication(Replication::Logical);
        }
        let mut driver = Driver::new(startup, Limits::default());
        driver.converse(&mut server);
        Self {
            driver,
            server,
            on_its_way: Vec::new(),
            ops: Vec::new(),
            rest: 0,
            sending: None,
            excused: false,
            terminated: false,
            streams: false,
            closed: None,
            most,
        }
    }

    /// False when it changes nothing.
    pub(crate) fn step(&mut self, step: Step) -> bool {
        let waits = self.driver.core.wants_write();
        let done = match step {
            Step::Begin(kind) => return self.begin(kind),
            Step::Abandon(back) => {
                let op = self.ops.len().checked_sub(back + 1);
                op.inspect(|&op| {
                    self.note_abandoned(op);
                    self.driver.abandon(op);
                })
                .is_some()
            }
            Step::AbandonAll => {
                (0..self.ops.len()).for_each(|op| self.note_abandoned(op));
                self.driver.core.abandon_all();
                !self.ops.is_empty()
            }
            Step::AbortAll => {
                (0..self.ops.len()).for_each(|op| self.note_abandoned(op));
                self.driver.core.abort_all();
                !self.ops.is_empty()
            }
            Step::SendBytes(n) => {
                self.send(n);
                waits
            }
            Step::SendMessage => {
                if self.rest == 0 && waits {
                    self.send(1);
                }
                self.send(self.rest);
                waits
            }
            Step::SendAllBut(n) => {
                let n = self.driver.core.output().len().saturating_sub(n);
                self.send(n);
                n > 0
            }
            Step::Hear => self.hear(usize::MAX, usize::MAX),
            Step::HearBytes(n) => self.hear(n, usize::MAX),
            Step::HearOne => self.hear(usize::MAX, 1),
            Step::Data => self.copy(|driver, op| {
                driver.data(op, format!("#{op}").as_bytes());
                false
            }),
            Step::Done => self.copy(|driver, op| {
                driver.done(op);
                true
            }),
            Step::Fail => self.copy(|driver, op| {
                let failed = driver
                    .core
                    .copy_finish(driver.ops[op], CopyEnd::Fail("enough"));
                failed.is_ok()
            }),
            Step::Terminate => {
                let first = !self.terminated;
                self.terminated = true;
                self.driver.core.terminate();
                first
            }
            Step::Forget => {
                let mut batch = self.driver.core.batch();
                batch.query("forgotten");
                std::mem::forget(batch);
                true
            }
        };
        let core = &self.driver.core;
        assert_eq!(core.output().is_empty(), !core.wants_write());
        done
    }

    pub(crate) fn begin(&mut self, kind: Kind) -> bool {
        let open = self.driver.core.is_open() && self.ops.len() < self.most;
        if open {
            let number = self.ops.len();
            self.driver.begin(|batch| kind.write(batch, number));
            self.ops.push(Op {
                kind,
                fate: Fate::UnderWay,
                begun: false,
                run: false,
                copying: false,
                done: false,
            });
        }
        open
    }

    fn note_abandoned(&mut self, op: usize) {
        let op = &mut self.ops[op];
        if op.fate == Fate::UnderWay {
            self.streams |= op.begun && op.kind.sql().starts_with("stream");
            op.fate = Fate::Abandoned { unsent: !op.begun };
        }
    }

    fn send(&mut self, n: usize) {
        let output = self.driver.core.output().to_vec();
        let n = n.min(output.len());
        let mut at = 0;
        while at < n {
            if self.rest == 0 {
                let length = u32::from_be_bytes(output[at + 1..at + 5].try_into().unwrap());
                let length = usize::try_from(length).unwrap() + 1;
                assert!(output.len() - at >= length, "no fence stands in a message");
                self.note_begun(&output[at..at + length]);
                self.rest = length;
            }
            let now = self.rest.min(n - at);
            self.rest -= now;
            at += now;
        }
        self.server.receive(&output[..n]);
        self.driver.core.output_sent(n);
        self.on_its_way.extend(self.server.take_output());
    }

    fn note_begun(&mut self, message: &[u8]) {
        let tag = message[0];
        if matches!(tag, b'Q' | b'P') {
            let text = String::from_utf8_lossy(message).into_owned();
            let number = text.rsplit('#').next().unwrap();
            let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap();
            let number: usize = number[..digits].parse().unwrap();
            self.sending = Some(number);
            self.ops[number].begun = true;
        }
        let sending = self.sending;
        if !matches!(tag, b'd' | b'c' | b'f' | b'H' | b'S') {
            for (number, op) in self.ops.iter().enumerate() {
                let other =
                    sending != Some(number) || !matches!(tag, b'Q' | b'P' | b'B' | b'D' | b'E');
                let alive = op.fate == Fate::UnderWay;
                self.excused |= other && alive && op.run && op.kind.is_undeclared_copy();
            }
        }
        if let Some(number) = sending
            && matches!(tag, b'Q' | b'E')
        {
            self.ops[number].run = true;
        }
    }

    /// So many bytes come, and so many events are taken; tells whether anything came of it.
    fn hear(&mut self, bytes: usize, events: usize) -> bool {
        let core = &mut self.driver.core;
        let mut came = false;
        if core.wants_read() {
            if self.on_its_way.is_empty() {
                if self.server.is_closed() {
                    core.recv_eof();
                    came = true;
                }
            } else {
                let space = core.recv_space();
                let n = bytes.min(self.on_its_way.len()).min(space.len());
                for (slot, byte) in space.iter_mut().zip(self.on_its_way.drain(..n)) {
                    *slot = byte;
                }
                core.recv_filled(n);
                came = true;
            }
        }
        came | (self.take(events) > 0)
    }

    /// Takes up to `n` events; tells how many there were.
    fn take(&mut self, n: usize) -> usize {
        for taken in 0..n {
            match self.driver.core.next_event() {
                Ok(None) | Err(_) => return taken,
                Ok(Some(event)) => self.note(event),
            }
        }
        n
    }

    fn note(&mut self, event: Event) {
        assert!(self.closed.is_none(), "the end is the last event");
        match event {
            Event::Closed(closed) => self.closed = Some(closed),
            Event::Reply(id, reply) => {
                let number = self.driver.ops.iter().position(|known| *known == id);
                let op = &mut self.ops[number.expect("an operation that was begun")];
                assert_eq!(op.fate, Fate::UnderWay, "{reply:?}");
                match reply {
                    Reply::Finished(outcome) => {
                        op.fate = Fate::Ended(outcome);
                        op.copying = false;
                    }
                    Reply::CopyIn(_) | Reply::CopyBoth(_) => op.copying = true,
                    Reply::StatementComplete(_) => op.copying = false,
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Does something to the operation that copies; false when there is none.
    fn copy(&mut self, act: impl FnOnce(&mut Driver, usize) -> bool) -> bool {
        let copying = |op: &Op| op.copying && op.fate == Fate::UnderWay;
        let Some(op) = self.ops.iter().position(copying) else {
            return false;
        };
        // The server may have failed it meanwhile.
        if self.driver.core.copy_data(self.driver.ops[op], b"") == Err(UsageError::NotCopying) {
            return false;
        }
        if act(&mut self.driver, op) {
            self.ops[op].copying = false;
            self.ops[op].done = true;
        }
        true
    }

    /// Until nobody has anything to say. Whoever is asked for data sends some.
    fn settle(&mut self) {
        loop {
            let mut moved = self.driver.core.wants_write();
            self.send(usize::MAX);
            moved |= self.hear(usize::MAX, usize::MAX);
            if !moved {
                moved = self.step(Step::Data);
                self.step(Step::Done);
            }
            if !moved || self.closed.is_some() {
                return;
            }
        }
    }

    /// Whatever has happened: every operation ends once, or was abandoned, and the two agree about where they stand.
    pub(crate) fn finish(&mut self) {
        self.settle();
        self.begin(Kind::Sync);
        self.settle();
        for (number, op) in self.ops.iter().enumerate() {
            assert_ne!(op.fate, Fate::UnderWay, "op{number}, {:?}", op.kind);
        }
        let core = &self.driver.core;
        match &self.closed {
            Some(Closed::Terminated) => assert!(self.terminated || self.streams),
            Some(closed) => assert!(self.excused, "{closed:?}"),
            None => {
                assert!(!self.terminated, "the good-bye was not said");
                assert!(self.server.is_idle(), "{:?}", self.server.received());
                assert!(core.is_idle(), "{core:?}");
            }
        }
        if !self.excused {
            self.check_effects();
        }
    }

    /// What happened is what was told.
    fn check_effects(&self) {
        for (number, op) in self.ops.iter().enumerate() {
            let text = op.kind.text(number);
            let effects = self.server.effects().iter();
            let count = effects.filter(|effect| **effect == text).count();
            let row = format!("#{number}").into_bytes();
            let copied = self.server.copied().contains(&row);
            match &op.fate {
                Fate::Ended(Outcome::Complete) if op.kind.settles() => {
                    assert_eq!(count, op.kind.executions(), "{text}");
                }
                Fate::Ended(Outcome::Failed(_) | Outcome::Skipped) if op.kind.settles() => {
                    assert_eq!(count, 0, "{text}");
                }
                Fate::Abandoned { unsent: true } => assert_eq!(count, 0, "{text}"),
                _ => assert!(count <= op.kind.executions(), "{text}"),
            }
            // What goes into a stream is taken at once.
            let copied = copied && !op.kind.sql().starts_with("stream");
            assert!(
                !copied || op.done,
                "{text}: abandoned or failed amid its data"
            );
        }
    }
}
