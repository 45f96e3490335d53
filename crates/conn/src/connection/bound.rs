//! A statement that is run: what is bound to it, and what is asked of it.

use std::borrow::Cow;
use std::sync::Arc;

use purepg_proto::{Batch, Bind, BindValues, RowShape, Target};
use purepg_types::{EncodeError, Format, IsNull, Params, ToSql, Type};

use crate::columns::Columns;
use crate::connection::repeated::Repeated;
use crate::error::UsageError;
use crate::query::Query;
use crate::statement::{Description, Statement};
use crate::types::Types;

/// Up to so many parameters a call makes no list of their formats.
const FEW: usize = 16;

/// What is to be bound and executed.
pub(crate) struct Bound<'a> {
    statement: &'a str,
    types: &'a [Type],
    /// Of its rows, if they are known to be these.
    pub(crate) columns: Option<Cow<'a, Arc<Columns>>>,
    /// It is known to return no rows.
    is_mute: bool,
    max_rows: Option<u32>,
    /// All columns are asked for in the binary format.
    is_binary: bool,
    /// It ends its segment.
    pub(crate) sync: bool,
    /// Nobody has to hear that the values were accepted.
    pub(crate) silent: bool,
}

/// The formats that the values of a set are sent in.
pub(super) struct Formats {
    few: [purepg_proto::Format; FEW],
    many: Vec<purepg_proto::Format>,
    count: usize,
}

impl Formats {
    pub(super) fn as_slice(&self) -> &[purepg_proto::Format] {
        self.few.get(..self.count).unwrap_or(&self.many)
    }
}

impl<'a> Bound<'a> {
    pub(crate) fn new(
        query: &Query<'_>,
        statement: &'a Statement,
        description: &'a Description,
        types: &Types,
    ) -> Self {
        let columns = description.columns.as_ref();
        let is_mute = columns.is_none() && statement.has_plan();
        let columns = columns.filter(|_| statement.has_plan()).map(|columns| {
            if query.is_binary {
                Cow::Owned(columns.in_binary(types))
            } else {
                Cow::Borrowed(columns)
            }
        });
        Self {
            statement: statement.name(),
            types: &description.params,
            columns,
            is_mute,
            max_rows: query.max_rows,
            is_binary: query.is_binary,
            sync: true,
            silent: false,
        }
    }

    /// True when it has parameters of types that are not built in.
    pub(super) fn has_other_types(&self) -> bool {
        let mut types = self.types.iter();
        types.any(|ty| Type::from_oid(ty.oid()).is_none())
    }

    /// How many parameters the statement has.
    pub(super) fn parameters(&self) -> usize {
        self.types.len()
    }

    /// How many these are, which is how many the statement has.
    #[inline]
    fn count(&self, params: &dyn Params) -> Result<usize, UsageError> {
        let (expected, given) = (self.types.len(), params.len());
        if expected != given {
            return Err(UsageError::ParameterCount { expected, given });
        }
        Ok(given)
    }

    /// The formats for these values.
    ///
    /// # Errors
    /// There are more or fewer than the statement has parameters.
    #[inline]
    pub(super) fn formats(&self, params: &dyn Params) -> Result<Formats, UsageError> {
        let given = self.count(params)?;
        let mut formats = Formats {
            few: [purepg_proto::Format::Text; FEW],
            many: Vec::new(),
            count: given,
        };
        let slots = match formats.few.get_mut(..given) {
            Some(few) => few,
            None => {
                formats.many.resize(given, purepg_proto::Format::Text);
                &mut formats.many
            }
        };
        for (i, (format, ty)) in slots.iter_mut().zip(self.types).enumerate() {
            if let Some(value) = params.get(i) {
                *format = to_core(format_of(value, ty));
            }
        }
        Ok(formats)
    }

    /// True when these are the formats for these values too.
    ///
    /// # Errors
    /// As for [`formats`](Self::formats).
    #[inline]
    pub(super) fn has_formats(
        &self,
        formats: &Formats,
        params: &dyn Params,
    ) -> Result<bool, UsageError> {
        self.count(params)?;
        let mut values = formats.as_slice().iter().zip(self.types).enumerate();
        Ok(values.all(|(i, (format, ty))| {
            let value = params.get(i);
            value.is_none_or(|value| to_core(format_of(value, ty)) == *format)
        }))
    }

    /// Binds a set of values.
    #[inline]
    pub(super) fn bind(
        &self,
        batch: &mut Batch<'_>,
        formats: &Formats,
        params: &dyn Params,
    ) -> Result<(), EncodeError> {
        let bind = Bind {
            portal: "",
            statement: self.statement,
            parameter_formats: formats.as_slice(),
            result_formats: match &self.columns {
                Some(columns) => columns.formats(),
                // One for all of them, however many they are.
                None if self.is_binary => &[purepg_proto::Format::Binary],
                None => &[],
            },
        };
        let batch = batch.bind(bind, |out| self.write(out, formats, params))?;
        if self.silent {
            batch.silent_bind();
        }
        Ok(())
    }

    /// Writes the values, in these formats.
    #[inline]
    pub(super) fn write(
        &self,
        out: &mut BindValues<'_>,
        formats: &Formats,
        params: &dyn Params,
    ) -> Result<(), EncodeError> {
        for (i, (format, ty)) in formats.as_slice().iter().zip(self.types).enumerate() {
            let Some(value) = params.get(i) else {
                continue;
            };
            out.value(|out| {
                let written = purepg_types::encode(i, value, ty, of_core(*format), out);
                let written = written.map_err(|error| match params.name(i) {
                    Some(name) => error.with_name(name),
                    None => error,
                });
                written.map(|is_null| is_null == IsNull::No)
            })?;
        }
        Ok(())
    }

    /// Executes what was bound.
    #[inline]
    pub(super) fn execute(&self, batch: &mut Batch<'_>, repeated: &Repeated) {
        let shape = match &self.columns {
            Some(columns) => RowShape::Known(Arc::clone(columns.core())),
            None if self.is_mute => RowShape::Known(Arc::clone(repeated.no_columns())),
            None => {
                batch.describe(Target::Portal(""));
                RowShape::Described
            }
        };
        batch.execute("", self.max_rows, shape);
    }
}

fn format_of(value: &dyn ToSql, ty: &Type) -> Format {
    if value.supports_binary(ty) {
        Format::Binary
    } else {
        Format::Text
    }
}

fn of_core(format: purepg_proto::Format) -> Format {
    match format {
        purepg_proto::Format::Text => Format::Text,
        purepg_proto::Format::Binary => Format::Binary,
    }
}

pub(super) fn to_core(format: Format) -> purepg_proto::Format {
    match format {
        Format::Text => purepg_proto::Format::Text,
        Format::Binary => purepg_proto::Format::Binary,
    }
}
