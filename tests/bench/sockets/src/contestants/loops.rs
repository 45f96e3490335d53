//! What is done in the same way by all: some units to warm up, then as many as are wanted between start and stop.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Result;
use crate::stopwatch::Stopwatch;
use crate::workload::{Checksum, PIPELINE};

/// One after the other, by a client that blocks.
pub(super) fn one_by_one(
    count: u64,
    watch: &mut Stopwatch,
    mut once: impl FnMut(u64, &mut Checksum) -> Result<()>,
) -> Result<u64> {
    for number in 0..10 {
        once(number, &mut Checksum::default())?;
    }
    let mut sum = Checksum::default();
    watch.start();
    for number in 0..count {
        once(number, &mut sum)?;
    }
    watch.stop();
    Ok(sum.0)
}

/// [`PIPELINE`] at a time, by a client that blocks: from the one, until before the other.
pub(super) fn by_batches(
    count: u64,
    watch: &mut Stopwatch,
    mut batch: impl FnMut(u64, u64, &mut Checksum) -> Result<()>,
) -> Result<u64> {
    batch(0, PIPELINE.min(count), &mut Checksum::default())?;
    let mut sum = Checksum::default();
    watch.start();
    let mut from = 0;
    while from < count {
        let until = (from + PIPELINE).min(count);
        batch(from, until, &mut sum)?;
        from = until;
    }
    watch.stop();
    Ok(sum.0)
}

/// One after the other, by a client that waits.
pub(super) async fn one_by_one_async(
    count: u64,
    watch: &mut Stopwatch,
    mut once: impl AsyncFnMut(u64, &mut Checksum) -> Result<()>,
) -> Result<u64> {
    for number in 0..10 {
        once(number, &mut Checksum::default()).await?;
    }
    let mut sum = Checksum::default();
    watch.start();
    for number in 0..count {
        once(number, &mut sum).await?;
    }
    watch.stop();
    Ok(sum.0)
}

/// [`PIPELINE`] at a time, by a client that waits.
pub(super) async fn by_batches_async(
    count: u64,
    watch: &mut Stopwatch,
    mut batch: impl AsyncFnMut(u64, u64, &mut Checksum) -> Result<()>,
) -> Result<u64> {
    batch(0, PIPELINE.min(count), &mut Checksum::default()).await?;
    let mut sum = Checksum::default();
    watch.start();
    let mut from = 0;
    while from < count {
        let until = (from + PIPELINE).min(count);
        batch(from, until, &mut sum).await?;
        from = until;
    }
    watch.stop();
    Ok(sum.0)
}

/// Several tasks at the same time, on one thread; of the sums that they come to, the sum.
pub(super) async fn all_at_once<T, E>(tasks: impl Iterator<Item = T>) -> Result<i64>
where
    T: Future<Output = std::result::Result<i64, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Only those are looked at that have something to do; `join_all` looks at all of so few.
    let mut tasks: FuturesUnordered<T> = tasks.collect();
    let mut sum = 0;
    while let Some(result) = tasks.next().await {
        sum += result.map_err(Into::into)?;
    }
    Ok(sum)
}

/// Waits until there is something to read. A read that blocks is woken whenever the server has read something, too, since there is room
/// again, and sleeps once more.
pub(super) fn wait_for_answer(stream: &UnixStream) -> Result<()> {
    let wanted = PollFd::new(stream.as_fd(), PollFlags::POLLIN);
    match poll(&mut [wanted], PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// That as many rows were copied as were sent: there is nothing that was decoded.
pub(super) fn copied(rows: u64, sent: u64) -> Result<u64> {
    if rows == sent {
        Ok(0)
    } else {
        Err(format!("{rows} rows were copied of {sent}").into())
    }
}
