//! What is the same for one query after the other, and so is made once: a text that is run again costs no memory of its own each time.

use std::sync::Arc;

use purepg_types::Type;

use crate::columns::Columns;
use crate::types::Types;

/// Longer texts, and wider results, are not kept for that.
const MAX_TEXT: usize = 4096;
const MAX_COLUMNS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Repeated {
    text: Option<Arc<str>>,
    /// Columns, and what was known of types when they were made.
    columns: Option<(Arc<Columns>, u64)>,
    none: Arc<purepg_proto::Columns>,
}

impl Repeated {
    /// A text, shared with the last one if that was the same.
    pub(super) fn text(&mut self, sql: &str) -> Arc<str> {
        match &self.text {
            Some(last) if **last == *sql => Arc::clone(last),
            _ => {
                let text = Arc::from(sql);
                self.text = (sql.len() <= MAX_TEXT).then(|| Arc::clone(&text));
                text
            }
        }
    }

    /// Those of a statement that returns no rows.
    pub(super) fn no_columns(&self) -> &Arc<purepg_proto::Columns> {
        &self.none
    }

    /// The columns that the server has described: the last ones, with the plans that were made for them, if the core says that they are the
    /// same.
    pub(super) fn columns(
        &mut self,
        described: Arc<purepg_proto::Columns>,
        types: &Types,
    ) -> Arc<Columns> {
        if let Some((last, generation)) = &self.columns
            && Arc::ptr_eq(last.core(), &described)
            && *generation == types.generation()
        {
            return Arc::clone(last);
        }
        let columns = Columns::new(described, types);
        // Of others something may be learned by the next time.
        let all_known = |columns: &Columns| {
            let mut oids = columns.core().iter().map(purepg_proto::Column::type_oid);
            oids.all(|oid| {
                Type::from_oid(oid).is_some_and(|ty| ty != Type::RECORD && ty != Type::RECORD_ARRAY)
            })
        };
        let keeps = columns.core().len() <= MAX_COLUMNS && all_known(&columns);
        self.columns = keeps.then(|| (Arc::clone(&columns), types.generation()));
        columns
    }
}
