//! One `CancelRequest`, on a stream of its own.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, Shared, select};
#[cfg(feature = "tls")]
use purepg_proto::{CancelKey, Event, Limits, Nonce, Startup, StartupEvent};
#[cfg(not(feature = "tls"))]
use purepg_proto::{CancelKey, Limits, Nonce, Startup};

use crate::connection::Connection;
use crate::enter::transport;
use crate::error::Error;
use crate::route::Route;
use crate::runtime::{BoxFuture, ByteStream, Runtime};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Longer nobody waits for a server to take a request: a pooler may have it wait for a server of its own.
const TIMEOUT: Duration = Duration::from_secs(30);

const DOING: &str = "asking the server to cancel";

/// A request that is under way. Whoever polls one of its clones carries it on.
#[derive(Clone)]
pub(crate) struct Request {
    work: Shared<BoxFuture<'static, Result<(), Failure>>>,
    stage: Arc<Stage>,
}

/// Where requests go to, and how.
pub(crate) struct Target<S> {
    pub(crate) runtime: Arc<dyn Runtime<Stream = S>>,
    pub(crate) route: Route,
    /// As for the connection that it is about.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl<S> Clone for Target<S> {
    fn clone(&self) -> Self {
        Self {
            runtime: Arc::clone(&self.runtime),
            route: self.route.clone(),
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        }
    }
}

/// An error that everybody who waits can have.
#[derive(Clone)]
enum Failure {
    Io(Box<str>, Arc<io::Error>),
    Timeout,
}

impl Request {
    pub(super) fn new<S: ByteStream>(target: Target<S>, key: CancelKey) -> Self {
        let stage = Arc::new(Stage::default());
        let work = deliver(target, key, Arc::clone(&stage));
        // Whoever comes from elsewhere may find that the runtime panics there, and others wait for the same request.
        let work = AssertUnwindSafe(work).catch_unwind().map(|done| {
            done.unwrap_or_else(|_| {
                let panicked = io::Error::other("the runtime panicked");
                Err(Failure::Io(DOING.into(), Arc::new(panicked)))
            })
        });
        let work: BoxFuture<'static, _> = Box::pin(work);
        Self {
            work: work.shared(),
            stage,
        }
    }

    /// True when nobody has to carry it on.
    pub(super) fn is_over(&self) -> bool {
        self.work.peek().is_some()
    }

    /// True when `other` is the same request.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stage, &other.stage)
    }

    /// Gives it up, if nothing of it was sent yet.
    pub(crate) fn give_up(&self) -> bool {
        self.stage.give_up()
    }
}

/// Ready once the server has closed the stream: it has told whoever it concerns by then.
impl Future for Request {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.work.poll_unpin(cx).map_err(Error::from)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Io(context, source) => Self::broken(context, source),
            Failure::Timeout => Self::Timeout {
                doing: DOING.into(),
                unsent: false,
                connected: true,
            },
        }
    }
}

async fn deliver<S: ByteStream>(
    target: Target<S>,
    key: CancelKey,
    stage: Arc<Stage>,
) -> Result<(), Failure> {
    let timeout = target.runtime.sleep(TIMEOUT);
    let work = pin!(deliver_in_time(target, key, &stage));
    match select(work, timeout).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err(Failure::Timeout),
    }
}

async fn deliver_in_time<S: ByteStream>(
    target: Target<S>,
    key: CancelKey,
    stage: &Stage,
) -> Result<(), Failure> {
    let Target { runtime, route, .. } = target;
    let stream = route.open(&*runtime).await.map_err(|error| match error {
        Error::Io {
            context, source, ..
        } => Failure::Io(format!("{context} to cancel").into(), source),
        error => Failure::of(error),
    })?;
    if !stage.begin() {
        return Ok(());
    }
    let startup = Startup::cancel(key, transport(route.endpoint()));
    #[cfg(feature = "tls")]
    let startup = match &target.tls {
        Some(tls) => startup.tls(tls.required()),
        None => startup,
    };
    let nonce = Nonce::from_entropy([0; Nonce::ENTROPY_LEN]);
    let core = purepg_proto::Connection::new(startup, nonce, Limits::default());
    let mut connection = Connection::new(core, stream, runtime, route);
    loop {
        match poll_fn(|cx| connection.poll_event(cx)).await {
            #[cfg(feature = "tls")]
            Ok(Event::Startup(StartupEvent::UpgradeToTls)) => {
                if let Some(tls) = &target.tls {
                    connection.upgrade(tls).await.map_err(Failure::of)?;
                }
            }
            Ok(_) => {}
            Err(Error::Closed) => return Ok(()),
            Err(error) => return Err(Failure::of(error)),
        }
    }
}

impl Failure {
    fn of(error: Error) -> Self {
        let source = match error {
            Error::Io { source, .. } => source,
            error => Arc::new(io::Error::other(error)),
        };
        Self::Io(DOING.into(), source)
    }
}

/// How far a request is. Once it was sent nothing stops it: until then it can be given up.
#[derive(Default)]
struct Stage(AtomicU8);

impl Stage {
    const CONNECTING: u8 = 0;
    const SENDING: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn begin(&self) -> bool {
        self.leave_connecting(Self::SENDING)
    }

    fn give_up(&self) -> bool {
        self.leave_connecting(Self::GIVEN_UP)
    }

    /// True when it stands where this leads.
    fn leave_connecting(&self, to: u8) -> bool {
        let left =
            self.0
                .compare_exchange(Self::CONNECTING, to, Ordering::SeqCst, Ordering::SeqCst);
        left.is_ok() || left == Err(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_cannot_be_given_up_and_the_other_way_round() {
        let stage = Stage::default();
        assert!(stage.begin() && stage.begin());
        assert!(!stage.give_up());
        let stage = Stage::default();
        assert!(stage.give_up() && stage.give_up());
        assert!(!stage.begin());
    }
}
