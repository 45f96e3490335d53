//! What the server says unasked, until somebody looks.

use std::collections::VecDeque;

use purepg_proto::{Notice, Notification, Unsolicited};

/// So many notices wait at the most, and so many notifications: a server can send them without end.
const CAPACITY: usize = 1_000;

/// Two queues with a bound; what does not fit is counted.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    notices: VecDeque<Notice>,
    notifications: VecDeque<Notification>,
    dropped: u64,
}

impl Inbox {
    /// Keeps the newest.
    pub(crate) fn push(&mut self, fact: Unsolicited) {
        let full = match fact {
            Unsolicited::Notice(notice) => push(&mut self.notices, notice),
            Unsolicited::Notification(notification) => push(&mut self.notifications, notification),
            // The core has it already.
            _ => false,
        };
        self.dropped += u64::from(full);
    }

    pub(crate) fn take_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    pub(crate) fn take_notification(&mut self) -> Option<Notification> {
        self.notifications.pop_front()
    }

    pub(crate) fn has_notification(&self) -> bool {
        !self.notifications.is_empty()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Returns true when the oldest had to go.
fn push<T>(queue: &mut VecDeque<T>, item: T) -> bool {
    let full = queue.len() >= CAPACITY;
    if full {
        queue.pop_front();
    }
    queue.push_back(item);
    full
}
