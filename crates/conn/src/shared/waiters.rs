//! Those who wait for something that may come to a connection which others use meanwhile.
//!
//! They poll the connection one after the other and let go of it in between. A socket keeps one waker only, that of whoever polled it
//! last. So they poll with one waker for all of them; and whoever polls with another, since it has a query to make, wakes them when it is
//! through, so that they poll once more: what came meanwhile waits for them, and the socket knows their waker again.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use event_listener::{Event, EventListener};

#[derive(Debug, Default)]
pub(super) struct Waiters(Event);

/// Wakes them all.
#[derive(Debug)]
pub(super) struct WakeOnDrop<'w>(&'w Waiters);

impl Waiters {
    /// Whoever is about to look whether something is there waits like this first, and looks then: nothing can come in between.
    pub(super) fn wait(&self) -> EventListener {
        self.0.listen()
    }

    /// What they all poll with.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    pub(super) fn wake_on_drop(&self) -> WakeOnDrop<'_> {
        WakeOnDrop(self)
    }

    fn wake_all(&self) {
        self.0.notify(usize::MAX);
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.wake_all();
    }
}

/// Ready when woken, though never at the first poll: a connection that has much to tell wakes its waiters while they look, and everybody
/// else has to have a turn before they look again.
pub(super) async fn woken(mut wait: EventListener) {
    let mut is_woken = false;
    let mut is_first = true;
    poll_fn(|cx| {
        is_woken = is_woken || Pin::new(&mut wait).poll(cx).is_ready();
        let is_first = std::mem::replace(&mut is_first, false);
        if is_woken && is_first {
            cx.waker().wake_by_ref();
        }
        if is_woken && !is_first {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
