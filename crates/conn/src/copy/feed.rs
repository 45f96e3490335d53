//! How data is taken, gathered, and handed over, as far as there is room.

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use purepg_proto::CopyEnd;

use crate::copy::CopyIn;
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;

/// Small pieces are gathered until they are so many bytes: a message costs both sides more than its bytes do. The core's output keeps
/// its space for a message of this size.
pub(super) const GATHERED: usize = 32 * 1024;
/// Larger pieces go out in messages of this size: they gain nothing beyond it, and the server holds each whole.
const MESSAGE: usize = 64 * 1024;
/// With so many bytes that the socket has not taken, nothing more is asked for.
const AHEAD: usize = 64 * 1024;
/// What is taken as a whole, or not at all.
pub(super) const WHOLE: usize = 512 * 1024;

impl<S: ByteStream> CopyIn<'_, S> {
    /// An error unless data may be sent. What the server may have said meanwhile is still to be heard.
    pub(super) fn usable(&self) -> Result<(), Error> {
        if self.failure.is_some() || self.copy.is_failing() {
            Ok(())
        } else if !self.copy.takes_data() {
            Err(UsageError::CopyOver.into())
        } else if self.torn {
            Err(UsageError::CopyTorn.into())
        } else {
            Ok(())
        }
    }

    /// Takes a small piece if nothing but this is to be done, as it is for most: then there is nothing to poll.
    #[inline]
    pub(super) fn gather(&mut self, data: &[u8]) -> bool {
        let room = GATHERED.saturating_sub(self.gathered.len());
        let gathers = !self.due && !self.torn && self.copy.takes_data() && data.len() < room;
        if gathers {
            self.gathered.extend_from_slice(data);
        }
        gathers
    }

    /// Takes a piece whole as soon as there is room.
    pub(super) fn poll_send(
        &mut self,
        data: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        ready!(self.poll_room(cx))?;
        self.take(data)?;
        self.push(cx)
    }

    /// Ready when something may be taken.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.due {
            self.poll_moved(cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Sends what can be sent now of what was taken.
    pub(super) fn push(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.due |= self.gathered.len() >= GATHERED;
        match self.poll_room(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Takes a piece. It is copied once if it is a large one.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<(), Error> {
        let mut rest = data;
        if rest.len() >= GATHERED {
            self.due = true;
            let mut room = self.hand_over(1)?;
            while room && rest.len() >= GATHERED {
                let message = rest.get(..MESSAGE).unwrap_or(rest);
                let taken = self.connection.send_copy_data(&mut self.copy, message)?;
                room = taken == message.len();
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
        self.gathered.extend_from_slice(rest);
        Ok(())
    }

    /// Takes a piece whole, without copying it if it is a large one.
    pub(super) fn take_bytes(&mut self, data: Bytes) {
        self.due = true;
        if !self.large.is_empty() {
            // Nobody waited until there is room.
            let mut all = BytesMut::from(std::mem::take(&mut self.large));
            all.extend_from_slice(&data);
            self.large = all.freeze();
        } else if data.len() < GATHERED {
            self.gathered.extend_from_slice(&data);
        } else {
            self.large = data;
        }
    }

    /// Gives the core what was gathered, if it is so much at least, and what goes behind it. False when not all of it was taken.
    pub(super) fn hand_over(&mut self, least: usize) -> Result<bool, Error> {
        let least = if self.large.is_empty() { least } else { 1 };
        while self.gathered.len() >= least && !self.gathered.is_empty() {
            let message = self.gathered.get(..MESSAGE).unwrap_or(&self.gathered);
            let taken = self.connection.send_copy_data(&mut self.copy, message)?;
            match taken {
                0 => return Ok(false),
                n if n == self.gathered.len() => self.gathered.clear(),
                n => self.gathered.advance(n),
            }
        }
        while !self.large.is_empty() {
            let message = self.large.get(..MESSAGE).unwrap_or(&self.large);
            let taken = self.connection.send_copy_data(&mut self.copy, message)?;
            if taken == 0 {
                return Ok(false);
            }
            self.large.advance(taken);
        }
        Ok(true)
    }

    /// Sends what waits, and hears the server. Ready when something more may be taken.
    pub(super) fn poll_moved(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_failure(cx))?;
        loop {
            let all = self.hand_over(GATHERED)?;
            ready!(self.poll_news(cx))?;
            // While something waits, the socket wakes us.
            match self.connection.waiting_output() {
                0..AHEAD if all => {
                    self.due = false;
                    return Poll::Ready(Ok(()));
                }
                0 => {}
                _ => return Poll::Pending,
            }
        }
    }

    /// Sends and hears what can be now. Ready at once, unless the COPY is known to fail: then when it has.
    pub(super) fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.connection.poll_copy_news(&mut self.copy, cx) {
            Poll::Ready(error) => self.failure = Some(error),
            Poll::Pending if self.copy.is_failing() => return Poll::Pending,
            Poll::Pending => {}
        }
        self.poll_failure(cx)
    }

    /// Ready at once, unless the COPY has failed: then with the reason, once what the server does not want any more is sent. That it was
    /// told must not be lost with a future.
    pub(super) fn poll_failure(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(error) = self.failure.take() else {
            return Poll::Ready(Ok(()));
        };
        self.due = true;
        match self.connection.poll_settled(cx) {
            Poll::Pending => {
                self.failure = Some(error);
                Poll::Pending
            }
            Poll::Ready(Ok(())) => Poll::Ready(Err(error)),
            Poll::Ready(Err(end)) => Poll::Ready(Err(error.with_end(end))),
        }
    }

    /// Ready when the COPY is over.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Err(error) = ready!(self.connection.poll_copy_over(&mut self.copy, cx)) {
            self.failure = Some(error);
        }
        self.poll_failure(cx)
    }

    /// Ready when the socket has taken everything.
    pub(super) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_failure(cx))?;
        // Afterwards the server may answer at any time.
        self.due = true;
        loop {
            let all = self.hand_over(1)?;
            ready!(self.poll_news(cx))?;
            match self.connection.is_flushed() {
                true if all => return Poll::Ready(Ok(())),
                true => {}
                false => return Poll::Pending,
            }
        }
    }

    /// Ready when the COPY is complete.
    pub(super) fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.torn || self.copy.has_failed() {
            self.usable()?;
        }
        ready!(self.poll_failure(cx))?;
        while self.copy.takes_data() {
            if self.hand_over(1)? {
                self.connection.end_copy(&mut self.copy, CopyEnd::Done)?;
                break;
            }
            ready!(self.poll_news(cx))?;
            if self.connection.waiting_output() > 0 {
                return Poll::Pending;
            }
        }
        self.poll_over(cx)
    }

    /// True once the COPY is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.copy.is_over() && !self.copy.has_failed()
    }
}
