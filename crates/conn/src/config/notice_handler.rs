//! Who is told of notices.

use std::fmt;
use std::sync::Arc;

use purepg_proto::Notice;

/// A function that is told of every notice. A handler equals its clones, and nothing else: functions cannot be compared.
#[derive(Clone)]
pub(crate) struct NoticeHandler(Arc<dyn Fn(&Notice) + Send + Sync>);

impl NoticeHandler {
    pub(super) fn new(handler: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handler))
    }

    pub(crate) fn call(&self, notice: &Notice) {
        (self.0)(notice);
    }
}

impl PartialEq for NoticeHandler {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for NoticeHandler {}

impl fmt::Debug for NoticeHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fn(&Notice)")
    }
}
