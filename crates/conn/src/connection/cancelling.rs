//! What a cancel means for the connection that it is about: who carries it on, and what waits for it.
//!
//! A request names a server process, not a statement. So none is under way, or can come late, when something new is sent: a call
//! waits until the server has closed the stream of the request, and everything that it may have hit is over.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::cancel::{CancelToken, Canceller, Request, Target};
use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;
use crate::timer::Timer;

/// How long it takes until a request is repeated that had no effect: it came before the statement that it was meant for. Twice as long each
/// time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Requests until everything that is under way is over.
#[derive(Default)]
pub(super) struct Cancelling {
    pursued: bool,
    request: Option<Request>,
    pause: Option<Timer>,
    requests: u32,
}

impl<S: ByteStream> Connection<S> {
    /// What cancels the queries of this connection, from any task.
    pub fn cancel_token(&self) -> CancelToken {
        let canceller = self.canceller();
        canceller.set_running(self.core.in_flight() > 0);
        CancelToken::new(canceller)
    }

    fn canceller(&self) -> &Arc<Canceller> {
        self.canceller.get_or_init(|| {
            let key = self.core.cancel_key().cloned();
            let target = Target {
                runtime: Arc::clone(&self.runtime),
                route: self.route.clone(),
                #[cfg(feature = "tls")]
                tls: self.tls.clone(),
            };
            Arc::new(Canceller::new(target, key))
        })
    }

    /// Cancels everything that is under way, as long as it takes.
    pub(super) fn pursue(&mut self) {
        if self.core.in_flight() > 0 {
            self.canceller();
            self.cancelling.pursued = true;
        }
    }

    /// Before something new is sent.
    pub(super) async fn outlast_cancels(&mut self) -> Result<(), Error> {
        if self.canceller.get().is_none() {
            return Ok(());
        }
        poll_fn(|cx| {
            // A token may have asked since anything was polled here.
            self.poll_cancelling(cx);
            self.poll_until(cx, |this| !this.is_cancelling())
        })
        .await
    }

    pub(super) fn is_cancelling(&self) -> bool {
        self.cancelling.pursued
    }

    /// Carries the cancels on; true when that may have changed something.
    pub(super) fn poll_cancelling(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(canceller) = self.canceller.get().cloned() else {
            return false;
        };
        let in_flight = self.core.in_flight() > 0;
        let Cancelling {
            pursued,
            request,
            pause,
            requests,
        } = &mut self.cancelling;
        loop {
            if request.is_none() {
                *request = canceller.request(cx);
            }
            *pursued |= request.is_some();
            if !*pursued {
                return false;
            }
            if let Some(sent) = request.as_mut() {
                let given_up = !in_flight && sent.give_up();
                // Whether it could be delivered is told to whoever asked; here it is tried again.
                if !given_up && sent.poll_unpin(cx).is_pending() {
                    return false;
                }
                canceller.forget(sent);
                *request = None;
                let longer = FIRST_PAUSE.saturating_mul(1 << (*requests).min(10));
                *pause = Some(Timer::new(&*self.runtime, longer.min(LONGEST_PAUSE)));
                *requests += 1;
                // Another one may have been asked for meanwhile.
                continue;
            }
            if !in_flight || self.core.is_dead() {
                (*pursued, *pause, *requests) = (false, None, 0);
                return true;
            }
            if let Some(timer) = pause
                && !timer.has_run_out(cx)
            {
                return false;
            }
            *pause = None;
            *request = canceller.ask_anyway();
            if request.is_none() {
                // There is no key: it has to be waited for.
                *pursued = false;
                return true;
            }
        }
    }
}

impl<S> Connection<S> {
    /// Lets the tokens know whether there is anything to cancel.
    #[inline]
    pub(super) fn publish_running(&self) {
        if let Some(canceller) = self.canceller.get()
            && Arc::weak_count(canceller) > 0
        {
            canceller.set_running(self.core.in_flight() > 0);
        }
    }
}
