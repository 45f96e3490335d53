//! `LISTEN` and `NOTIFY`.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::{Either, select};
use purepg_proto::Notification;

use crate::connection::Connection;
use crate::error::{Error, UsageError};
use crate::notifications::Notifications;
use crate::runtime::ByteStream;

/// `NAMEDATALEN`, less the zero byte at its end.
const MAX_CHANNEL: usize = 63;

impl<S: ByteStream> Connection<S> {
    /// Listens to a channel, from the end of the transaction on that it is called in; to one that is listened to already it changes
    /// nothing.
    ///
    /// The name may hold anything but a zero byte, and is taken as it is: `listen("News")` hears `NOTIFY "News"` and
    /// `pg_notify('News', …)`, but not `NOTIFY News`, in which the server reads `news`. It has 63 bytes at most: the server would cut a
    /// longer one off, and one would hear what is meant for others.
    ///
    /// # Errors
    /// [`UsageError::ChannelName`] for a name that is empty, longer than 63 bytes, or has a zero byte; otherwise as
    /// [`execute`](Self::execute).
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing; it may listen all the same.
    pub async fn listen(&mut self, channel: &str) -> Result<(), Error> {
        let sql = on_channel("LISTEN", channel)?;
        self.execute(sql, ()).await.map(drop)
    }

    /// Stops listening to a channel. Its notifications that have arrived already are still there to be taken.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    ///
    /// # Cancel safety
    /// Dropping the future costs the connection nothing; it may have stopped all the same.
    pub async fn unlisten(&mut self, channel: &str) -> Result<(), Error> {
        let sql = on_channel("UNLISTEN", channel)?;
        self.execute(sql, ()).await.map(drop)
    }

    /// Stops listening to every channel.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    ///
    /// # Cancel safety
    /// As [`unlisten`](Self::unlisten).
    pub async fn unlisten_all(&mut self) -> Result<(), Error> {
        self.execute("UNLISTEN *", ()).await.map(drop)
    }

    /// The next notification of a channel that the session [listens](Self::listen) to: one that arrived earlier, be it amid another
    /// query, or one to come. None comes while the session is in a transaction.
    ///
    /// At most 1,000 wait; older ones are [dropped](Self::dropped_notifications).
    ///
    /// # Errors
    /// What ended the connection, if it ends. Notifications that came before that are given out first.
    ///
    /// # Cancel safety
    /// Dropping the future loses no notification.
    pub async fn notification(&mut self) -> Result<Notification, Error> {
        if !self.inbox.has_notification() {
            self.prepare_to_wait().await?;
        }
        poll_fn(|cx| self.poll_notification(cx)).await
    }

    /// The same, but `None` when none has come in so long a time. With a time of zero it takes what has arrived, and does not wait.
    ///
    /// # Errors
    /// As [`notification`](Self::notification).
    ///
    /// # Cancel safety
    /// Dropping the future, or letting the time run out, loses no notification.
    pub async fn notification_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Notification>, Error> {
        let sleep = self.runtime.sleep(timeout);
        match select(pin!(self.notification()), sleep).await {
            Either::Left((notification, _)) => notification.map(Some),
            Either::Right(((), _)) => Ok(None),
        }
    }

    /// The notifications from now on, and those that wait, as a stream without an end.
    pub fn notifications(&mut self) -> Notifications<'_, S> {
        Notifications::new(self)
    }

    /// What a dropped guard left is rolled back now: none comes to a session that is in a transaction.
    async fn prepare_to_wait(&mut self) -> Result<(), Error> {
        self.make_way_within(None).await?;
        self.say_due()
    }

    /// The same for a stream. It may be begun anew at each poll: nothing is lost with the future.
    pub(crate) fn poll_prepared(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        pin!(self.prepare_to_wait()).poll(cx)
    }

    /// The next notification, be it one that waits or one to come.
    pub(crate) fn poll_notification(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Notification, Error>> {
        loop {
            if let Some(notification) = self.inbox.take_notification() {
                return Poll::Ready(Ok(notification));
            }
            let event = ready!(self.poll_event_unless(cx, |this| this.inbox.has_notification()));
            // Those that came before the end are told before it.
            if let Err(error) = event
                && !self.inbox.has_notification()
            {
                return Poll::Ready(Err(error));
            }
        }
    }
}

/// Facts.
impl<S> Connection<S> {
    /// The oldest notification that has been read and that nobody has taken.
    pub fn try_notification(&mut self) -> Option<Notification> {
        self.inbox.take_notification()
    }

    /// How many notifications were dropped: 1,000 waited already, or its text was not UTF-8 since `client_encoding` had been changed.
    pub fn dropped_notifications(&self) -> u64 {
        self.inbox.dropped_notifications()
    }

    pub(crate) fn has_notification(&self) -> bool {
        self.inbox.has_notification()
    }
}

/// A command, and the name quoted: all that a quoted identifier cannot hold is a zero byte.
fn on_channel(command: &str, channel: &str) -> Result<String, UsageError> {
    let reason = match channel.len() {
        0 => Some("it is empty"),
        len if len > MAX_CHANNEL => Some("it is longer than 63 bytes"),
        _ if channel.contains('\0') => Some("it holds a zero byte"),
        _ => None,
    };
    match reason {
        Some(reason) => Err(UsageError::ChannelName { reason }),
        None => Ok(format!("{command} \"{}\"", channel.replace('"', "\"\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_31_a_channel_is_quoted_whatever_it_holds() {
        for (channel, quoted) in [
            ("plain", r#"LISTEN "plain""#),
            ("Upper.Case", r#"LISTEN "Upper.Case""#),
            (
                r#"a"; drop table t; --"#,
                r#"LISTEN "a""; drop table t; --""#,
            ),
            (r#"""#, r#"LISTEN """""#),
            (
                "back\\slash 'n' $1 :x\n",
                "LISTEN \"back\\slash 'n' $1 :x\n\"",
            ),
            ("Grüße", r#"LISTEN "Grüße""#),
        ] {
            assert_eq!(on_channel("LISTEN", channel).unwrap(), quoted);
        }
        assert!(on_channel("LISTEN", &"x".repeat(63)).is_ok());
        for bad in ["", "a\0b", &"x".repeat(64), &"ü".repeat(32)] {
            let error = on_channel("LISTEN", bad).unwrap_err();
            assert!(matches!(error, UsageError::ChannelName { .. }), "{bad:?}");
        }
    }
}
