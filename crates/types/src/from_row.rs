//! [`FromRow`]: whole rows to Rust values.

use crate::column::Fields;
use crate::error::DecodeError;

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
}

macro_rules! tuple {
    ($count:literal: $($element:ident)+) => {
        impl<'r, $($element: crate::FromSql<'r>),+> FromRow<'r> for ($($element,)+) {
            #[inline]
            fn from_row<F: Fields<'r>>(fields: &mut F) -> Result<Self, DecodeError> {
                let columns = fields.columns().len();
                if columns != $count {
                    return Err(DecodeError::column_count::<Self>(columns, $count));
                }
                Ok(($(fields.next_field()?.decode::<$element>()?,)+))
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
