//! Who is told of notices and warnings.

use std::fmt;
use std::sync::Arc;

/// A function that is told of everything of one kind. A handler equals its clones, and nothing else: functions cannot be compared.
pub(crate) struct Handler<T>(Arc<dyn Fn(&T) + Send + Sync>);

impl<T> Handler<T> {
    pub(super) fn new(handler: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handler))
    }

    pub(crate) fn call(&self, news: &T) {
        (self.0)(news);
    }
}

impl<T> Clone for Handler<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Handler<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for Handler<T> {}

impl<T> fmt::Debug for Handler<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fn")
    }
}
