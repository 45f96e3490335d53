//! Futures that are dropped half-way, at every place where that can happen.
//!
//! A future can be dropped wherever it has returned `Pending`. [`drop_after`] polls one a given number of times, by the executor and the
//! reactor that the test runs on, then drops it; [`drop_at`] does so for every number of polls, one after the other, until the future
//! completes. Over [`OneByte`](crate::io::OneByte) that is a drop between any two bytes.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// More places than any operation of a test has: beyond it the operation never completes.
const TOO_MANY: usize = 1_000_000;

/// It takes so many in a row that completed. With a real peer the number of polls differs from one run to the next: after a run that happened to
/// need few, those that need more are dropped at places that it did not show.
const COMPLETED: usize = 8;

/// Polls `future` at most `polls` times, each time when it was woken, then drops it.
///
/// The result is `Some` of its output when it completed in time, else `None`; it is dropped in either case before that is known. With
/// 0 it is dropped without a poll. The polls are those of whoever polls the result, so any executor and any reactor will do.
///
/// ```
/// # use purepg_testkit::drop_at::{drop_after, poll_times};
/// let ready = std::future::ready(7);
/// assert_eq!(poll_times(drop_after(ready, 1), 1), Some(Some(7)));
/// let never = std::future::pending::<()>();
/// assert_eq!(poll_times(drop_after(never, 3), 3), Some(None));
/// ```
pub fn drop_after<F: Future>(future: F, polls: usize) -> DropAfter<F> {
    DropAfter {
        future: Some(Box::pin(future)),
        polls_left: polls,
    }
}

/// What [`drop_after`] gives.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct DropAfter<F> {
    future: Option<Pin<Box<F>>>,
    polls_left: usize,
}

impl<F: Future> Future for DropAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { future, polls_left } = &mut *self;
        let mut output = None;
        if let (Some(future), 1..) = (future.as_mut(), *polls_left) {
            match numbered(|| future.as_mut().poll(cx)) {
                Poll::Ready(ready) => output = Some(ready),
                Poll::Pending => {
                    *polls_left -= 1;
                    if *polls_left > 0 {
                        return Poll::Pending;
                    }
                }
            }
        }
        *future = None;
        Poll::Ready(output)
    }
}

thread_local! {
    /// Which poll of a [`DropAfter`] is going on in this thread.
    static CURRENT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Calls `poll` as one that no other had the number of.
fn numbered<T>(poll: impl FnOnce() -> T) -> T {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let outer = CURRENT.replace(Some(NEXT.fetch_add(1, Ordering::Relaxed)));
    let result = poll();
    CURRENT.set(outer);
    result
}

/// The number of the poll of a [`drop_after`] that the caller runs in.
pub(crate) fn current_poll() -> Option<u64> {
    CURRENT.get()
}

/// Drops `operation` after 0, 1, 2, … polls, each time a fresh one, until eight in a row complete, and calls `check` after each.
///
/// `context` is what both borrow, a connection for example; `check` learns whether the operation completed. Returns how often it was
/// dropped, which a test may want to print or to bound from below.
///
/// ```no_run
/// # use purepg_testkit::drop_at::drop_at;
/// # struct Connection;
/// # impl Connection { async fn fetch(&mut self, _: &str) -> u32 { 1 } }
/// # async fn test(mut connection: Connection) {
/// let places = drop_at(
///     &mut connection,
///     async |connection| connection.fetch("select 1").await,
///     async |connection, _| assert_eq!(connection.fetch("select 2").await, 2),
/// )
/// .await;
/// assert!(places > 10);
/// # }
/// ```
///
/// # Panics
/// When the operation does not complete within a million polls.
pub async fn drop_at<C, T>(
    context: &mut C,
    mut operation: impl AsyncFnMut(&mut C) -> T,
    mut check: impl AsyncFnMut(&mut C, Option<T>),
) -> usize {
    let mut dropped = 0;
    let mut completed = 0;
    for polls in 0..TOO_MANY {
        let output = drop_after(operation(context), polls).await;
        if output.is_some() {
            completed += 1;
        } else {
            dropped += 1;
            completed = 0;
        }
        check(context, output).await;
        if completed == COMPLETED {
            return dropped;
        }
    }
    panic!("the operation does not complete within {TOO_MANY} polls");
}

/// Polls `future` at most `polls` times in a row, woken or not, then drops it: for streams in memory, where nobody else has to run.
pub fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let wakes = Wakes::new();
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut wakes.context()) {
            return Some(output);
        }
    }
    None
}

/// Polls `future` for as long as it is woken; `None` when it waits for something that will not come.
///
/// With streams in memory this is a whole executor, and one that finds lost wake-ups.
pub fn run<F: Future>(future: F) -> Option<F::Output> {
    let wakes = Wakes::new();
    let mut future = pin!(future);
    loop {
        let before = wakes.count();
        if let Poll::Ready(output) = future.as_mut().poll(&mut wakes.context()) {
            return Some(output);
        }
        if wakes.count() == before {
            return None;
        }
    }
}

/// A waker that counts.
#[derive(Debug)]
pub struct Wakes {
    count: Arc<Count>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    /// One that nobody has woken yet.
    pub fn new() -> Self {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        Self { count, waker }
    }

    /// What a future is polled with.
    pub fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// How often it was woken.
    pub fn count(&self) -> usize {
        self.count.0.load(Ordering::SeqCst)
    }
}

impl Default for Wakes {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pending `0` times, waking itself; tells when it is dropped.
    struct Countdown<'a>(usize, &'a AtomicUsize);

    impl Future for Countdown<'_> {
        type Output = &'static str;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            if self.0 == 0 {
                return Poll::Ready("done");
            }
            self.0 -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }

    impl Drop for Countdown<'_> {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_future_is_dropped_after_so_many_polls() {
        for polls in 0..6 {
            let dropped = AtomicUsize::new(0);
            let mut future = drop_after(Countdown(3, &dropped), polls);
            let output = run(&mut future).unwrap();
            assert_eq!(output, (polls >= 4).then_some("done"), "{polls}");
            assert_eq!(dropped.load(Ordering::SeqCst), 1, "before the result is");
        }
    }

    #[test]
    fn every_place_is_covered_once() {
        let dropped = AtomicUsize::new(0);
        let mut seen = Vec::new();
        let places = run(drop_at(
            &mut seen,
            async |_| Countdown(5, &dropped).await,
            async |seen: &mut Vec<bool>, output| seen.push(output.is_some()),
        ));
        assert_eq!(places, Some(6));
        assert_eq!(seen, [[false; 6].as_slice(), &[true; COMPLETED]].concat());
        assert_eq!(
            dropped.load(Ordering::SeqCst),
            5 + COMPLETED,
            "the unpolled one never began"
        );
    }

    #[test]
    fn what_nobody_wakes_is_told() {
        assert_eq!(run(std::future::pending::<()>()), None);
        assert_eq!(poll_times(std::future::ready(1), 0), None);
        assert_eq!(poll_times(std::future::ready(1), 1), Some(1));
    }
}
