//! Naming a column.

use purepg_types::DecodeError;

/// What names a column: its place, from 0, or its name.
pub trait RowIndex: sealed::Sealed {
    /// The place; `find` knows the names.
    #[doc(hidden)]
    fn place(&self, find: Find<'_>) -> Result<usize, DecodeError>;
}

/// Looks a name up.
type Find<'a> = &'a dyn Fn(&str) -> Result<usize, DecodeError>;

mod sealed {
    #[expect(
        unnameable_types,
        reason = "a sealed trait is one that nobody can name"
    )]
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

impl RowIndex for usize {
    #[inline]
    fn place(&self, _: Find<'_>) -> Result<usize, DecodeError> {
        Ok(*self)
    }
}

impl RowIndex for str {
    fn place(&self, find: Find<'_>) -> Result<usize, DecodeError> {
        find(self)
    }
}

impl RowIndex for String {
    fn place(&self, find: Find<'_>) -> Result<usize, DecodeError> {
        find(self)
    }
}

impl<T: RowIndex + ?Sized> RowIndex for &T {
    #[inline]
    fn place(&self, find: Find<'_>) -> Result<usize, DecodeError> {
        (**self).place(find)
    }
}
