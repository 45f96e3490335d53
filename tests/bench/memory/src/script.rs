//! A runtime in memory, whose streams tell what was written down before.

use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::io::{AsyncRead, AsyncWrite};
use purepg_conn::{BoxFuture, Config, Connection, Endpoint, Runtime, SocketOptions};

use crate::PIECE;
use crate::server::Server;

/// Nothing has to be waited for: it is all in memory. The driver lets others have their turn now and then.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    for _ in 0..1_000_000 {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
    panic!("the answer is not whole");
}

/// What the server says: first one part, and the next one when all of that was read and something is asked again.
#[derive(Clone, Debug)]
pub struct Answers(Arc<[Vec<u8>]>);

impl From<Vec<u8>> for Answers {
    fn from(whole: Vec<u8>) -> Self {
        Self([whole].into())
    }
}

/// What a connection reads.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>);

struct State {
    source: Source,
    /// Parts that were begun.
    begun: usize,
    /// Of the last of these.
    told: usize,
}

enum Source {
    Known(Answers),
    Asked(Server, Vec<Vec<u8>>),
}

impl State {
    fn new(source: Source) -> Self {
        Self {
            source,
            begun: 0,
            told: 0,
        }
    }

    fn part(&self) -> &[u8] {
        let parts = match &self.source {
            Source::Known(answers) => &answers.0,
            Source::Asked(_, parts) => parts.as_slice(),
        };
        let part = self.begun.checked_sub(1).and_then(|i| parts.get(i));
        part.map_or(&[], Vec::as_slice)
    }

    fn ask(&mut self, asked: &[u8]) {
        if self.told == self.part().len() {
            self.begun += 1;
            self.told = 0;
        }
        if let Source::Asked(server, parts) = &mut self.source {
            parts.resize_with(self.begun, Vec::new);
            let part = parts.last_mut().expect("one was begun");
            part.extend(server.answer(asked));
        }
    }

    fn tell(&mut self, space: &mut [u8]) -> usize {
        let rest = &self.part()[self.told..];
        let n = rest.len().min(space.len()).min(PIECE);
        space[..n].copy_from_slice(&rest[..n]);
        self.told += n;
        n
    }
}

impl Script {
    /// A connection, whose start-up is answered so.
    pub(crate) fn connect(greeting: &Answers) -> (Self, Connection<Memory>) {
        let state = State::new(Source::Known(greeting.clone()));
        let script = Self(Arc::new(Mutex::new(state)));
        let config = Config::new("/nowhere", "bench");
        let connection = purepg_conn::connect(Arc::new(script.clone()), &config);
        let connection = now(connection).expect("the greeting is one");
        (script, connection)
    }

    /// What is told from now on.
    pub(crate) fn answer(&self, answers: &Answers) {
        *self.lock() = State::new(Source::Known(answers.clone()));
    }

    /// From now on a server is asked, which begins with what this one knows.
    pub(crate) fn ask(&self, server: Server) {
        *self.lock() = State::new(Source::Asked(server, Vec::new()));
    }

    /// The server that is asked, and what it said.
    pub(crate) fn asked(&self) -> (Server, Answers) {
        let state = State::new(Source::Known(Vec::new().into()));
        match std::mem::replace(&mut *self.lock(), state).source {
            Source::Known(answers) => (Server::default(), answers),
            Source::Asked(server, parts) => (server, Answers(parts.into())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much was said, not what.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_tuple("Script").field(&state.told).finish()
    }
}

impl Runtime for Script {
    type Stream = Memory;

    fn connect(&self, _: &Endpoint, _: &SocketOptions) -> BoxFuture<'static, io::Result<Memory>> {
        let memory = Memory(self.clone());
        Box::pin(std::future::ready(Ok(memory)))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        job();
        Box::pin(std::future::ready(()))
    }
}

/// A stream that reads from the script, a piece at a time, and writes nowhere.
#[derive(Debug)]
pub(crate) struct Memory(Script);

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.0.lock().tell(space) {
            0 => Poll::Pending,
            n => Poll::Ready(Ok(n)),
        }
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().ask(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
