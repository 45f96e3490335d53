//! [`Plan`]: what the columns of a result decide, once for all of its rows.

use crate::column::{Column, Field, Fields, Format};
use crate::error::{BoxError, DecodeError, ValueError};
use crate::from_sql::FromSql;

/// How rows of some columns become a Rust type: which column is which field, with the types checked. A driver makes it once for a result
/// and type, and keeps it beside the columns: [`FromRow::plan`](crate::FromRow::plan).
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// For each column the place of the field that it is; a place that there is not for none. Empty when columns go by their order.
    targets: Vec<usize>,
    /// The columns have the order of the fields, and nothing else is among them.
    is_in_order: bool,
    /// All fields come in the binary format, and their types are accepted as they are.
    is_plain: bool,
    /// A type is a domain that is read as what it constrains: which one it is each row finds out anew.
    has_domains: bool,
    parts: Vec<Self>,
}

/// What a field of a struct needs to be: its name, whether it may be missing, and whether a column will do.
pub(crate) type Wanted<'a> = (&'a str, bool, Fit);

/// Whether a column is one for a type: `true` as it is, `false` as what its domain constrains.
pub(crate) type Fit = fn(&Column) -> Result<bool, DecodeError>;

/// How a type makes its plan.
pub(crate) type MakePlan = fn(&[Column]) -> Result<Plan, DecodeError>;

/// The function for a type.
///
/// # Errors
/// When the column is not one for the type.
#[inline]
pub fn fit<'r, T: FromSql<'r>>(column: &Column) -> Result<bool, DecodeError> {
    if T::accepts(column.ty()) {
        return Ok(true);
    }
    if T::accepts(column.ty().underlying()) {
        return Ok(false);
    }
    let reason = Box::new(ValueError::refusal(column.ty()));
    Err(DecodeError::new(column, std::any::type_name::<T>(), reason))
}

impl Plan {
    /// Each column is the field at its place.
    ///
    /// # Errors
    /// When the columns are not as many, or one is not for its field.
    #[doc(hidden)]
    pub fn in_order<T>(columns: &[Column], fits: &[Fit]) -> Result<Self, DecodeError> {
        if columns.len() != fits.len() {
            return Err(DecodeError::column_count::<T>(columns.len(), fits.len()));
        }
        let mut has_domains = false;
        for (column, fit) in columns.iter().zip(fits) {
            has_domains |= !fit(column)?;
        }
        Ok(Self {
            is_plain: is_plain(columns, has_domains),
            has_domains,
            ..Self::default()
        })
    }

    /// Columns go by their names; of several with one name it is the last. `parts` have fields of their own in the same row.
    ///
    /// # Errors
    /// When a column is missing, or not for its field.
    #[doc(hidden)]
    pub fn by_name(
        columns: &[Column],
        wanted: &[Wanted<'_>],
        parts: &[MakePlan],
    ) -> Result<Self, DecodeError> {
        let mut targets = vec![usize::MAX; columns.len()];
        let mut has_domains = false;
        for (place, (name, may_lack, fit)) in wanted.iter().enumerate() {
            let mut from_behind = columns.iter().zip(&mut targets).rev();
            match from_behind.find(|(column, _)| column.name() == *name) {
                Some((column, target)) => {
                    has_domains |= !fit(column)?;
                    *target = place;
                }
                None if *may_lack => {}
                None => return Err(no_column(name)),
            }
        }
        let parts = parts.iter().map(|make| make(columns));
        Ok(Self {
            is_in_order: targets.len() == wanted.len()
                && targets.iter().copied().eq(0..wanted.len()),
            targets,
            is_plain: is_plain(columns, has_domains),
            has_domains,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    /// Whether every field is one for [`read_plain`].
    #[doc(hidden)]
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether the columns, which go by their names, have the order of the fields, and nothing else is among them.
    #[doc(hidden)]
    #[inline]
    pub fn is_in_order(&self) -> bool {
        self.is_in_order
    }

    /// Reads a row that goes by names: each field to its place, where it has one.
    ///
    /// # Errors
    /// When the row turns out to be malformed.
    #[doc(hidden)]
    #[inline]
    pub fn sort<'r, F: Fields<'r>>(
        &self,
        fields: &mut F,
        sorted: &mut [Option<Field<'r>>],
    ) -> Result<(), DecodeError> {
        for target in &self.targets {
            let field = fields.next_field()?;
            if let Some(place) = sorted.get_mut(*target) {
                *place = Some(field);
            }
        }
        Ok(())
    }

    /// Reads a field of which the plan knows that its type is one for `T`, whatever else it is.
    ///
    /// # Errors
    /// As [`Field::decode`].
    #[doc(hidden)]
    pub fn decode<'r, T: FromSql<'r>>(&self, field: &Field<'r>) -> Result<T, DecodeError> {
        if self.has_domains {
            field.decode()
        } else {
            field.decode_as(field.column().ty())
        }
    }

    /// The plan of a part.
    #[doc(hidden)]
    pub fn part(&self, place: usize) -> &Self {
        static NONE: Plan = Plan {
            targets: Vec::new(),
            is_in_order: false,
            is_plain: false,
            has_domains: false,
            parts: Vec::new(),
        };
        self.parts.get(place).unwrap_or(&NONE)
    }
}

fn is_plain(columns: &[Column], has_domains: bool) -> bool {
    let is_binary = |column: &Column| column.format() == Format::Binary;
    !has_domains && columns.iter().all(is_binary)
}

/// Reads a field in the binary format, whose type is one for `T` as it is: nearly every field is of this sort, and this is all that such
/// a field takes, so that it is inlined.
///
/// # Errors
/// Those of `T`.
#[inline]
pub fn read_plain<'r, T: FromSql<'r>>(field: &Field<'r>) -> Result<T, BoxError> {
    let ty = field.column().ty();
    match field.value() {
        Some(raw) => T::from_binary(ty, raw),
        None => T::from_null(ty),
    }
}

/// A field cannot be read, for the reason that [`read_plain`] gave.
#[cold]
pub fn refused<T>(field: &Field<'_>, reason: BoxError) -> DecodeError {
    DecodeError::new(field.column(), std::any::type_name::<T>(), reason)
}

/// A field has no column.
#[cold]
pub fn no_column(name: &str) -> DecodeError {
    DecodeError::no_such_column(format!("there is no column {name:?}"))
}
