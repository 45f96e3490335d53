//! A client whose socket is looked at.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use purepg_proto::{
    Batch, Bind, CancelKey, Limits, Oid, RowShape, Target, TraceOptions, Tracer, UsageError,
};
use purepg_testkit::blocking::{Blocking, trust, unix, until_it_sleeps};
use purepg_testkit::server::Server;

/// The type of every parameter.
pub(crate) const INT4: Oid = 23;

/// What travels, and what becomes of it.
struct Recording {
    /// Of the connection, once it is open.
    tracer: Option<Tracer>,
    trace: String,
}

/// A socket that is looked at.
struct Traced {
    stream: UnixStream,
    recording: Rc<RefCell<Recording>>,
}

impl Read for Traced {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(space)?;
        let recording = &mut *self.recording.borrow_mut();
        if let Some(tracer) = &mut recording.tracer {
            tracer.backend(&space[..n], &mut recording.trace).unwrap();
        }
        Ok(n)
    }
}

impl Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.stream.write(bytes)?;
        let recording = &mut *self.recording.borrow_mut();
        if let Some(tracer) = &mut recording.tracer {
            tracer.frontend(&bytes[..n], &mut recording.trace).unwrap();
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn options() -> TraceOptions {
    TraceOptions::default().values(true).regress(true)
}

/// A connection, step by step.
pub(crate) struct Client {
    inner: Blocking<Traced>,
    recording: Rc<RefCell<Recording>>,
}

impl Client {
    /// An open connection, looked at from now on.
    pub(crate) fn open() -> Self {
        let recording = Rc::new(RefCell::new(Recording {
            tracer: None,
            trace: String::new(),
        }));
        let stream = Traced {
            stream: unix(Server::shared()),
            recording: Rc::clone(&recording),
        };
        let inner = Blocking::begin(stream, trust(), Limits::default());
        recording.borrow_mut().tracer = Some(Tracer::started(options()));
        Self { inner, recording }
    }

    /// Begins an operation, which stays unsent for now.
    pub(crate) fn batch(&mut self, write: impl FnOnce(&mut Batch<'_>)) {
        self.inner.batch(write);
    }

    /// An operation that runs this text through the unnamed statement and portal.
    pub(crate) fn statement(&mut self, sql: &str, values: &[&str], end: fn(&mut Batch<'_>)) {
        self.batch(|batch| {
            batch.parse("", sql, &vec![INT4; values.len()]);
            execute(batch, "", values);
            end(batch);
        });
    }

    /// An operation that runs a prepared statement through the unnamed portal.
    pub(crate) fn prepared(&mut self, statement: &str, values: &[&str], end: fn(&mut Batch<'_>)) {
        self.batch(|batch| {
            execute(batch, statement, values);
            end(batch);
        });
    }

    /// A step: writes everything, then reads until nothing is owed.
    pub(crate) fn step(&mut self) {
        while self.inner.core.in_flight() > 0 {
            self.inner.next_event().expect("the connection lives");
        }
        assert!(!self.inner.core.wants_write());
    }

    /// Half a step: writes everything, waits until the server sleeps over it, and requests that it be cancelled.
    pub(crate) fn cancel(&mut self) {
        self.inner.write();
        assert!(!self.inner.core.wants_write());
        let key = self.inner.core.cancel_key().expect("servers give one");
        until_it_sleeps(Server::shared(), key.process_id());
        send_cancel_request(key, &mut self.recording.borrow_mut().trace);
    }

    /// A step of one simple query.
    pub(crate) fn query(&mut self, sql: &str) {
        self.inner.query(sql);
        self.step();
    }

    /// Says good-bye; gives the trace.
    pub(crate) fn end(mut self) -> String {
        self.inner.core.terminate();
        self.inner.until_the_end();
        let mut recording = self.recording.borrow_mut();
        let Recording { tracer, trace } = &mut *recording;
        let tracer = tracer.take().expect("it is looked at since it is open");
        tracer.end(trace).unwrap();
        std::mem::take(trace)
    }
}

/// Bind, Describe and Execute of the unnamed portal; values in text.
fn execute(batch: &mut Batch<'_>, statement: &str, values: &[&str]) {
    let what = Bind {
        statement,
        ..Bind::default()
    };
    let bound: Result<_, UsageError> = batch.bind(what, |out| {
        for value in values {
            out.bytes(Some(value.as_bytes()));
        }
        Ok(())
    });
    bound
        .unwrap()
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

/// The end of a segment.
pub(crate) fn sync(batch: &mut Batch<'_>) {
    batch.sync();
}

/// What makes the server answer without an end of the segment.
pub(crate) fn flush(batch: &mut Batch<'_>) {
    batch.flush();
}

/// More of the segment follows.
pub(crate) fn more(_: &mut Batch<'_>) {}

/// A connection of its own, whose end says that the request was looked at.
fn send_cancel_request(key: &CancelKey, trace: &mut String) {
    let mut stream = unix(Server::shared());
    stream.set_nonblocking(false).unwrap();
    let request = key.to_request();
    let mut tracer = Tracer::new(options());
    tracer.frontend(&request, trace).unwrap();
    stream.write_all(&request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty());
}
