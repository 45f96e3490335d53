//! A runtime without IO and time, for what is to be seen wake by wake.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{pending, ready};
use purepg_conn::{
    BoxFuture, ByteStream, Config, Connection, Endpoint, Runtime, SocketOptions, SslMode,
};
use purepg_testkit::drop_at::run;

/// Has one stream, which is there already. Nothing ever takes time: who sleeps sleeps for ever.
#[derive(Debug)]
pub struct InMemory<S>(Mutex<Option<S>>);

impl<S: ByteStream> InMemory<S> {
    /// A connection over this stream, whose server has to answer at once.
    ///
    /// # Panics
    /// When it does not let everybody in.
    pub fn connect(stream: S) -> Connection<S> {
        let runtime = Arc::new(Self(Mutex::new(Some(stream))));
        let config = Config::new("127.0.0.1", "anybody").ssl_mode(SslMode::Disable);
        let connected = run(purepg_conn::connect(runtime, &config));
        connected
            .expect("the server answers at once")
            .expect("it lets everybody in")
    }
}

impl<S: ByteStream> Runtime for InMemory<S> {
    type Stream = S;

    fn connect(&self, _: &Endpoint, _: &SocketOptions) -> BoxFuture<'static, io::Result<S>> {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(ready(
            stream.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into()),
        ))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        job();
        Box::pin(ready(()))
    }
}
