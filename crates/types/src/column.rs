//! What decoding needs of a result: its columns, and one value of one row.

use std::fmt;

use crate::error::{DecodeError, ValueError};
use crate::from_sql::FromSql;
use crate::ty::Type;

/// One of the two ways in which a value travels.
// Exhaustive: the protocol has had these two since 2003, and a third would be another protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Format {
    /// What the type's output function writes, and its input function reads.
    #[default]
    Text,
    /// What the type's send function writes, and its receive function reads.
    Binary,
}

/// A column of a result, as decoding needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    name: Box<str>,
    ty: Type,
    format: Format,
}

impl Column {
    /// A column with this name, whose values have this type and come in this format.
    pub fn new(name: impl Into<Box<str>>, ty: Type, format: Format) -> Self {
        Self {
            name: name.into(),
            ty,
            format,
        }
    }

    /// The name, which need not be unique in its row: PostgreSQL calls every unnamed one `?column?`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the values.
    #[inline]
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The format in which the values come.
    #[inline]
    pub fn format(&self) -> Format {
        self.format
    }
}

/// One value of one row, still encoded, with the column that it belongs to.
#[derive(Clone, Copy)]
pub struct Field<'r> {
    column: &'r Column,
    value: Option<&'r [u8]>,
}

impl<'r> Field<'r> {
    /// A value of this column; `None` is NULL.
    #[inline]
    pub fn new(column: &'r Column, value: Option<&'r [u8]>) -> Self {
        Self { column, value }
    }

    /// The column.
    #[inline]
    pub fn column(&self) -> &'r Column {
        self.column
    }

    /// The bytes as they came; `None` is NULL.
    #[inline]
    pub fn value(&self) -> Option<&'r [u8]> {
        self.value
    }

    /// Reads the value. What a `T` can borrow, such as a `&str`, it borrows from the row.
    ///
    /// # Errors
    ///
    /// When `T` is not a type for such a column (which is found out before the bytes are looked at),
    /// when the value is NULL and `T` has no place for it, when it does not fit into `T`, or when
    /// the bytes are not a value of the column's type.
    #[inline]
    pub fn decode<T: FromSql<'r>>(&self) -> Result<T, DecodeError> {
        let ty = self.column.ty();
        if !T::accepts(ty) {
            return self.decode_domain();
        }
        self.decode_as(ty)
    }

    #[inline]
    pub(crate) fn decode_as<T: FromSql<'r>>(&self, ty: &Type) -> Result<T, DecodeError> {
        let result = match (self.value, self.column.format) {
            (Some(raw), Format::Binary) => T::from_binary(ty, raw),
            (Some(raw), Format::Text) => T::from_text(ty, raw),
            (None, _) => T::from_null(ty),
        };
        match result {
            Ok(value) => Ok(value),
            Err(reason) => Err(DecodeError::new(
                self.column,
                std::any::type_name::<T>(),
                reason,
            )),
        }
    }

    /// Of a type that `T` does not accept, which it may do of what that constrains.
    #[cold]
    fn decode_domain<T: FromSql<'r>>(&self) -> Result<T, DecodeError> {
        let base = self.column.ty().underlying();
        if base != self.column.ty() && T::accepts(base) {
            return self.decode_as(base);
        }
        let reason = Box::new(ValueError::refusal(self.column.ty()));
        let rust_type = std::any::type_name::<T>();
        Err(DecodeError::new(self.column, rust_type, reason))
    }
}

/// Shows how long the value is, not what it is: rows may hold what no log should.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("column", &self.column)
            .field("length", &self.value.map(<[u8]>::len))
            .finish()
    }
}

/// The fields of one row, from left to right. A clone goes on where the original is.
pub trait Fields<'r>: Clone {
    /// The columns of the row.
    fn columns(&self) -> &'r [Column];

    /// The next field.
    ///
    /// # Errors
    ///
    /// When there is none left, or when the row turns out to be malformed.
    fn next_field(&mut self) -> Result<Field<'r>, DecodeError>;
}
