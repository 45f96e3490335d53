//! [`FromRow`]: whole rows to Rust values.

use crate::column::{Column, Fields};
use crate::error::DecodeError;
use crate::plan::{Plan, fit, read_plain, refused};

/// A Rust type that a whole row can be read as.
///
/// Tuples of one to sixteen [`FromSql`](crate::FromSql) values are such types; their columns go by
/// position, and the row must have exactly as many.
///
/// ```
/// use purepg_types::{DecodeError, Fields, FromRow};
///
/// struct Point { x: i32, y: i32 }
///
/// impl<'r> FromRow<'r> for Point {
///     fn from_row<F: Fields<'r>>(fields: &mut F) -> Result<Self, DecodeError> {
///         let (x, y) = FromRow::from_row(fields)?;
///         Ok(Self { x, y })
///     }
/// }
/// ```
pub trait FromRow<'r>: Sized {
    /// Reads the row that the fields make up.
    ///
    /// # Errors
    ///
    /// When the columns are not those that the type needs, or when one of them cannot be read.
    fn from_row<F: Fields<'r>>(fields: &mut F) -> Result<Self, DecodeError>;

    /// What the columns decide, for [`from_planned`](Self::from_planned). A driver asks once for all rows of a result.
    ///
    /// Tuples and derived types have plans. A type with a `from_row` of its own needs none; one that reads another type, as above, may
    /// hand on that one's plan.
    ///
    /// # Errors
    ///
    /// When the columns are not those that the type needs.
    fn plan(columns: &[Column]) -> Result<Plan, DecodeError> {
        let _ = columns;
        Ok(Plan::default())
    }

    /// Reads a row whose columns are those that the plan was made for: what the plan has found out is not asked again. With a plan of
    /// other columns the values are wrong, if there are any.
    ///
    /// # Errors
    ///
    /// As [`from_row`](Self::from_row).
    fn from_planned<F: Fields<'r>>(plan: &Plan, fields: &mut F) -> Result<Self, DecodeError> {
        let _ = plan;
        Self::from_row(fields)
    }
}

macro_rules! tuple {
    ($count:literal: $($element:ident)+) => {
        impl<'r, $($element: crate::FromSql<'r>),+> FromRow<'r> for ($($element,)+) {
            fn from_row<F: Fields<'r>>(fields: &mut F) -> Result<Self, DecodeError> {
                Self::from_planned(&Self::plan(fields.columns())?, fields)
            }

            fn plan(columns: &[Column]) -> Result<Plan, DecodeError> {
                Plan::in_order::<Self>(columns, &[$(fit::<$element>),+])
            }

            #[inline]
            fn from_planned<F: Fields<'r>>(plan: &Plan, fields: &mut F) -> Result<Self, DecodeError> {
                if !plan.is_plain() {
                    return Ok(($(plan.decode::<$element>(&fields.next_field()?)?,)+));
                }
                Ok(($({
                    let field = fields.next_field()?;
                    match read_plain(&field) {
                        Ok(value) => value,
                        Err(reason) => return Err(refused::<$element>(&field, reason)),
                    }
                },)+))
            }
        }
    };
}

tuple!(1: A);
tuple!(2: A B);
tuple!(3: A B C);
tuple!(4: A B C D);
tuple!(5: A B C D E);
tuple!(6: A B C D E G);
tuple!(7: A B C D E G H);
tuple!(8: A B C D E G H I);
tuple!(9: A B C D E G H I J);
tuple!(10: A B C D E G H I J K);
tuple!(11: A B C D E G H I J K L);
tuple!(12: A B C D E G H I J K L M);
tuple!(13: A B C D E G H I J K L M N);
tuple!(14: A B C D E G H I J K L M N O);
tuple!(15: A B C D E G H I J K L M N O P);
tuple!(16: A B C D E G H I J K L M N O P Q);
