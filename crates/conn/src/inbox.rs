//! What the server says unasked, until somebody looks.

use std::collections::VecDeque;

use purepg_proto::{Notice, Notification, Severity};

use crate::config::Handler;

/// So many of a kind wait at the most: a server can send them without end.
const CAPACITY: usize = 1_000;

/// Notices and notifications, each with a bound; what does not fit is counted.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Who is told of notices as they come, instead of the queues.
    handler: Option<Handler<Notice>>,
    /// Apart, or a flood of remarks would drive the warnings out. Each has the number that it came with.
    warnings: VecDeque<(u64, Notice)>,
    remarks: VecDeque<(u64, Notice)>,
    notices: u64,
    notifications: VecDeque<Notification>,
    dropped_notices: u64,
    dropped_notifications: u64,
}

impl Inbox {
    /// From now on notices are given to `handler`.
    pub(crate) fn set_handler(&mut self, handler: Option<Handler<Notice>>) {
        self.handler = handler;
    }

    pub(crate) fn push_notice(&mut self, notice: Notice) {
        if let Some(handler) = &self.handler {
            return handler.call(&notice);
        }
        let queue = match notice.severity() {
            Severity::Warning => &mut self.warnings,
            _ => &mut self.remarks,
        };
        self.notices += 1;
        self.dropped_notices += push(queue, (self.notices, notice));
    }

    pub(crate) fn push_notification(&mut self, notification: Notification) {
        self.dropped_notifications += push(&mut self.notifications, notification);
    }

    /// For one that nobody could read.
    pub(crate) fn drop_notification(&mut self) {
        self.dropped_notifications += 1;
    }

    /// In the order in which they came, whatever they are.
    pub(crate) fn take_notice(&mut self) -> Option<Notice> {
        let number = |queue: &VecDeque<(u64, Notice)>| queue.front().map(|(number, _)| *number);
        let (warning, remark) = (number(&self.warnings), number(&self.remarks));
        let warning_first = warning.is_some_and(|one| remark.is_none_or(|other| one < other));
        let queue = if warning_first {
            &mut self.warnings
        } else {
            &mut self.remarks
        };
        queue.pop_front().map(|(_, notice)| notice)
    }

    pub(crate) fn take_notification(&mut self) -> Option<Notification> {
        self.notifications.pop_front()
    }

    pub(crate) fn has_notification(&self) -> bool {
        !self.notifications.is_empty()
    }

    pub(crate) fn dropped_notices(&self) -> u64 {
        self.dropped_notices
    }

    pub(crate) fn dropped_notifications(&self) -> u64 {
        self.dropped_notifications
    }
}

/// Keeps the newest. Returns how many had to go.
fn push<T>(queue: &mut VecDeque<T>, item: T) -> u64 {
    let full = queue.len() >= CAPACITY;
    if full {
        queue.pop_front();
    }
    queue.push_back(item);
    u64::from(full)
}
