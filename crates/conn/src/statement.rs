//! Prepared statements.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use purepg_types::{Column, Type};

use crate::columns::{Columns, type_of};

/// A statement that the server has parsed, and that can be run again and again. Clones are the same statement.
///
/// It belongs to the connection that prepared it. When the last clone is dropped it is closed on the server, with the next thing that
/// its connection writes.
#[derive(Clone)]
pub struct Statement(Arc<Prepared>);

struct Prepared {
    name: Name,
    sql: Arc<str>,
    params: Box<[Type]>,
    columns: Option<Arc<Columns>>,
}

/// A name on the server, from before it is sent to after nobody needs it any more.
pub(crate) struct Name {
    name: String,
    home: Arc<Closing>,
}

/// The statements of one connection that nobody needs any more.
#[derive(Debug, Default)]
pub(crate) struct Closing(Mutex<VecDeque<String>>);

impl Statement {
    pub(crate) fn new(
        name: Name,
        sql: Arc<str>,
        params: &[purepg_proto::Oid],
        columns: Option<Arc<Columns>>,
    ) -> Self {
        let params = params.iter().copied().map(type_of).collect();
        Self(Arc::new(Prepared {
            name,
            sql,
            params,
            columns,
        }))
    }

    /// The types of its parameters, in order.
    pub fn params(&self) -> &[Type] {
        &self.0.params
    }

    /// The columns of its rows; none for a statement that returns no rows.
    pub fn columns(&self) -> &[Column] {
        self.0
            .columns
            .as_ref()
            .map_or(&[], |columns| columns.as_slice())
    }

    /// The text it was prepared from.
    pub fn sql(&self) -> &str {
        &self.0.sql
    }

    pub(crate) fn shared_sql(&self) -> &Arc<str> {
        &self.0.sql
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name.name
    }

    /// The columns of its rows, where they cannot change unnoticed. The server checks a plan against what was described; `FETCH`,
    /// `EXECUTE` and the like have none, and give whatever their cursor gives by now.
    pub(crate) fn fixed_columns(&self) -> Option<&Arc<Columns>> {
        self.0.columns.as_ref().filter(|_| has_plan(&self.0.sql))
    }

    pub(crate) fn belongs_to(&self, home: &Arc<Closing>) -> bool {
        Arc::ptr_eq(&self.0.name.home, home)
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("sql", &self.0.sql)
            .field("params", &self.0.params)
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

impl Name {
    /// A name that no other statement of this process has.
    pub(crate) fn unique(home: &Arc<Closing>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("purepg_{number}"),
            home: Arc::clone(home),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.home.push(std::mem::take(&mut self.name));
    }
}

impl Closing {
    fn push(&self, name: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(name);
    }

    /// Moves the names into `known`.
    pub(crate) fn drain_into(&self, known: &mut VecDeque<String>) {
        known.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
