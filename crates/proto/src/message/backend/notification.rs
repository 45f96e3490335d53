//! `NotificationResponse` (`A`).

use alloc::string::String;

use crate::wire::reader::{Malformed, Reader};

/// What another session, or this one, said with `NOTIFY` on a channel that this connection listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    process_id: i32,
    channel: String,
    payload: String,
}

impl Notification {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let notification = Self {
            process_id: reader.i32("the notifying process")?,
            channel: reader.string("the channel")?,
            payload: reader.string("the payload")?,
        };
        reader.end()?;
        Ok(notification)
    }

    /// The server process of the session that notified.
    pub fn process_id(&self) -> i32 {
        self.process_id
    }

    /// The channel's name.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// What was said; empty where nothing was.
    pub fn payload(&self) -> &str {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_fields() {
        let notification = Notification::decode(b"\0\0\0\x07channel\0payload\0").unwrap();
        assert_eq!(notification.process_id(), 7);
        assert_eq!(notification.channel(), "channel");
        assert_eq!(notification.payload(), "payload");
        assert!(Notification::decode(b"\0\0\0\x07channel\0payload").is_err());
        assert!(Notification::decode(b"\0\0\0\x07channel\0payload\0\0").is_err());
    }
}
