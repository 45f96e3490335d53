//! The columns of a result, as rows need them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use purepg_types::{Column, DecodeError, Format};

use crate::plans::Plans;
use crate::types::Types;

/// Up to so many columns are searched from front to back; beyond that an index pays.
pub(crate) const FEW: usize = 16;

/// Columns with their types, shared by all rows of a result.
#[derive(Debug)]
pub(crate) struct Columns {
    /// As the core knows them.
    core: Arc<purepg_proto::Columns>,
    list: Box<[Column]>,
    /// The formats that the rows are asked for in.
    formats: Box<[purepg_proto::Format]>,
    by_name: OnceLock<HashMap<Box<str>, usize>>,
    plans: Plans,
    /// The same in the binary format, for a query that asks for it.
    binary: OnceLock<Arc<Self>>,
}

impl Columns {
    pub(crate) fn new(core: Arc<purepg_proto::Columns>, types: &Types) -> Arc<Self> {
        let columns = core.iter().map(|column| {
            let format = match column.format() {
                purepg_proto::Format::Text => Format::Text,
                purepg_proto::Format::Binary => Format::Binary,
            };
            Column::new(column.name(), types.get(column.type_oid()), format)
        });
        Arc::new(Self {
            list: columns.collect(),
            formats: core.iter().map(purepg_proto::Column::format).collect(),
            core: Arc::clone(&core),
            by_name: OnceLock::new(),
            plans: Plans::default(),
            binary: OnceLock::new(),
        })
    }

    /// The same columns, all in the binary format.
    pub(crate) fn in_binary(&self, types: &Types) -> Arc<Self> {
        let made = self.binary.get_or_init(|| {
            let formats = vec![purepg_proto::Format::Binary; self.list.len()];
            Self::new(Arc::new(self.core.with_formats(&formats)), types)
        });
        Arc::clone(made)
    }

    pub(crate) fn core(&self) -> &Arc<purepg_proto::Columns> {
        &self.core
    }

    pub(crate) fn formats(&self) -> &[purepg_proto::Format] {
        &self.formats
    }

    pub(crate) fn as_slice(&self) -> &[Column] {
        &self.list
    }

    pub(crate) fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The place of a column. Of several with one name it is the last, as in a map of the row.
    pub(crate) fn find(&self, name: &str) -> Result<usize, DecodeError> {
        let found = if self.list.len() <= FEW {
            self.list.iter().rposition(|column| column.name() == name)
        } else {
            self.index().get(name).copied()
        };
        found.ok_or_else(|| {
            let names: Vec<String> = self
                .list
                .iter()
                .take(FEW)
                .map(|column| format!("{:?}", column.name()))
                .collect();
            let more = if self.list.len() > FEW { ", …" } else { "" };
            DecodeError::no_such_column(format!(
                "there is no column {name:?}; there are {}{more}",
                names.join(", ")
            ))
        })
    }

    fn index(&self) -> &HashMap<Box<str>, usize> {
        self.by_name.get_or_init(|| {
            let names = self.list.iter().enumerate();
            names
                .map(|(i, column)| (Box::from(column.name()), i))
                .collect()
        })
    }
}
