//! Prepared statements.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use purepg_types::{Column, Type};

use crate::columns::Columns;
use crate::written::Written;

/// A statement that the server has parsed, and that can be run again and again. Clones are the same statement.
///
/// It belongs to the connection that prepared it. When the last clone is dropped it is closed on the server, with the next thing that
/// its connection writes.
#[derive(Clone)]
pub struct Statement(Arc<Prepared>);

/// A statement that whoever has it has to give back by the next call.
pub(crate) struct Lent(Weak<Prepared>);

struct Prepared {
    name: Name,
    sql: Arc<str>,
    has_plan: bool,
    deallocates_all: bool,
    description: Arc<Description>,
    /// What became of it since, and whether anything did, which is looked at before every call.
    now: Mutex<Now>,
    has_changed: AtomicBool,
}

/// What the server says of a statement.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) params: Box<[Type]>,
    pub(crate) columns: Option<Arc<Columns>>,
    /// What was known of types that are not built in, if it has any: it has to be looked up again when that was forgotten.
    pub(crate) types_generation: Option<u64>,
}

/// Where a statement stands on the server.
#[derive(Debug)]
enum Now {
    /// As it was described at first.
    AsDescribed,
    /// It has gone, or gives other columns: it has to be prepared again.
    Stale,
    /// It was prepared again.
    Again(Arc<Description>),
}

/// A name on the server, from before it is sent to after nobody needs it any more.
#[derive(Debug)]
pub(crate) struct Name {
    name: String,
    home: Arc<Closing>,
}

/// The statements of one connection that nobody needs any more.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    names: Mutex<VecDeque<String>>,
    /// There are some: looked at before every call, where a lock would cost more than all the rest of it.
    any: AtomicBool,
}

impl Statement {
    pub(crate) fn new(name: Name, sql: Arc<str>, description: Description) -> Self {
        Self(Arc::new(Prepared {
            name,
            has_plan: has_plan(&sql),
            deallocates_all: deallocates_all(&sql),
            sql,
            description: Arc::new(description),
            now: Mutex::new(Now::AsDescribed),
            has_changed: AtomicBool::new(false),
        }))
    }

    /// The types of its parameters, in order, as they were when it was prepared.
    pub fn params(&self) -> &[Type] {
        &self.0.description.params
    }

    /// The columns of its rows, as they were when it was prepared; none for a statement that returns no rows.
    pub fn columns(&self) -> &[Column] {
        let columns = self.0.description.columns.as_ref();
        columns.map_or(&[], |columns| columns.as_slice())
    }

    /// The text it was prepared from.
    pub fn sql(&self) -> &str {
        &self.0.sql
    }

    pub(crate) fn shared_sql(&self) -> &Arc<str> {
        &self.0.sql
    }

    /// Its text, for errors.
    pub(crate) fn written(&self) -> Written {
        Written::as_sent(Arc::clone(&self.0.sql))
    }

    /// True for a clone of this handle.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name.name
    }

    /// What the server said of it last; `None` when it has to be prepared again.
    #[inline]
    pub(crate) fn description(&self) -> Option<Cow<'_, Arc<Description>>> {
        if self.0.has_changed.load(Ordering::Acquire) {
            return self.last_description().map(Cow::Owned);
        }
        Some(Cow::Borrowed(&self.0.description))
    }

    #[cold]
    fn last_description(&self) -> Option<Arc<Description>> {
        match &*self.0.now.lock().unwrap_or_else(PoisonError::into_inner) {
            Now::AsDescribed => Some(Arc::clone(&self.0.description)),
            Now::Stale => None,
            Now::Again(description) => Some(Arc::clone(description)),
        }
    }

    /// The server does not have it any more, or not as it was described.
    pub(crate) fn went_stale(&self) {
        self.became(Now::Stale);
    }

    /// It was prepared again.
    pub(crate) fn described_again(&self, description: Arc<Description>) {
        self.became(Now::Again(description));
    }

    fn became(&self, now: Now) {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.0.has_changed.store(true, Ordering::Release);
    }

    /// True when its columns cannot change unnoticed: the server checks a plan against what was described. `FETCH`, `EXECUTE` and the
    /// like have none, and give whatever their cursor gives by now.
    pub(crate) fn has_plan(&self) -> bool {
        self.0.has_plan
    }

    /// True when the server has no statement any more once it was run.
    pub(crate) fn deallocates_all(&self) -> bool {
        self.0.deallocates_all
    }

    /// The same for whoever else has a handle by now.
    pub(crate) fn lent(&self) -> Lent {
        Lent(Arc::downgrade(&self.0))
    }

    pub(crate) fn belongs_to(&self, home: &Arc<Closing>) -> bool {
        Arc::ptr_eq(&self.0.name.home, home)
    }
}

impl Lent {
    /// The name of the statement, while there is a handle.
    pub(crate) fn name(&self) -> Option<String> {
        let statement = self.0.upgrade()?;
        Some(statement.name.name.clone()).filter(|name| !name.is_empty())
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("sql", &self.0.sql)
            .field("params", &self.0.description.params)
            .finish_non_exhaustive()
    }
}

/// True when the statement surely has a plan. One that begins with a comment may be anything.
fn has_plan(sql: &str) -> bool {
    let sql = sql.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '(');
    let end = sql.find(|c: char| !c.is_ascii_alphabetic());
    let word = sql.get(..end.unwrap_or(sql.len())).unwrap_or_default();
    let planned = [
        "select", "insert", "update", "delete", "merge", "values", "with", "table",
    ];
    planned.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn deallocates_all(sql: &str) -> bool {
    let sql = sql.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';');
    let known: [&[&str]; 3] = [
        &["deallocate", "all"],
        &["deallocate", "prepare", "all"],
        &["discard", "all"],
    ];
    known.iter().any(|known| {
        let words = sql.split_ascii_whitespace();
        words.map(str::to_ascii_lowercase).eq(known.iter().copied())
    })
}

impl Name {
    /// A name that no other statement has, be it of another process.
    pub(crate) fn unique(home: &Arc<Closing>) -> Self {
        // Behind a pooler two processes may share a session: they must not take each other's statements for their own.
        static PROCESS: LazyLock<u64> =
            LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (process, number) = (*PROCESS, NEXT.fetch_add(1, Ordering::Relaxed));
        Self {
            name: format!("purepg_{process:x}_{number}"),
            home: Arc::clone(home),
        }
    }

    /// The unnamed statement, which the next Parse replaces.
    pub(crate) fn unnamed(home: &Arc<Closing>) -> Self {
        Self {
            name: String::new(),
            home: Arc::clone(home),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            self.home.push(std::mem::take(&mut self.name));
        }
    }
}

impl Closing {
    fn push(&self, name: String) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.push_back(name);
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Moves the names into `known`.
    pub(crate) fn drain_into(&self, known: &mut VecDeque<String>) {
        if !self.is_empty() {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            self.any.store(false, Ordering::Release);
            known.append(&mut names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing of a user's stands in them, and a server cuts none of them off.
    #[test]
    fn security_30_statements_have_names_of_the_drivers_own() {
        let home = Arc::default();
        let names = [Name::unique(&home), Name::unique(&home)];
        assert_ne!(names[0].as_str(), names[1].as_str());
        for name in &names {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(name.as_str().chars().all(is_plain), "{}", name.as_str());
            assert!(name.as_str().len() <= 63);
        }
    }
}
