//! The plans by which rows of some columns are decoded, kept beside these.

use std::fmt;
use std::sync::OnceLock;

use purepg_types::{Column, DecodeError, Fields, FromRow, Plan};

/// Beyond so many types that are read from one result, a row of another makes its plan anew.
const MAX: usize = 8;

/// One plan for each type that somebody has read rows of a result as. It is made when the first row is read so.
#[derive(Default)]
pub(crate) struct Plans(OnceLock<Box<Planned>>);

struct Planned {
    /// Which type it is for. A type that borrows has no `TypeId`, but every type has a function that makes its plan. Should the compiler
    /// make one of the functions of two types, their plans are the same; should it make two of one, there is a plan for each.
    make: MakePlan,
    /// `None`: the columns are not those that the type needs.
    plan: Option<Plan>,
    next: Plans,
}

type MakePlan = fn(&[Column]) -> Result<Plan, DecodeError>;

impl Plans {
    /// Reads a row of these columns, which are the same every time.
    #[inline]
    pub(crate) fn decode<'r, T: FromRow<'r>, F: Fields<'r>>(
        &self,
        fields: &mut F,
    ) -> Result<T, DecodeError> {
        match self.plan(T::plan, fields.columns()) {
            Some(plan) => T::from_planned(plan, fields),
            None => T::from_row(fields),
        }
    }

    #[inline]
    fn plan(&self, make: MakePlan, columns: &[Column]) -> Option<&Plan> {
        let mut plans = self;
        for _ in 0..MAX {
            let planned = plans
                .0
                .get_or_init(|| Box::new(Planned::new(make, columns)));
            if std::ptr::fn_addr_eq(planned.make, make) {
                return planned.plan.as_ref();
            }
            plans = &planned.next;
        }
        None
    }
}

impl Planned {
    #[cold]
    fn new(make: MakePlan, columns: &[Column]) -> Self {
        Self {
            make,
            plan: make(columns).ok(),
            next: Plans::default(),
        }
    }
}

/// Nothing: they follow from the columns.
impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plans")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use purepg_types::{DecodeErrorKind, Field, Format, Type};

    use super::*;

    thread_local! {
        static MADE: Cell<usize> = const { Cell::new(0) };
    }

    /// A number. It notes when it is planned.
    #[derive(Debug, PartialEq)]
    struct Number<const N: usize>(i32);

    impl<'r, const N: usize> FromRow<'r> for Number<N> {
        fn from_row<F: Fields<'r>>(fields: &mut F) -> Result<Self, DecodeError> {
            Self::from_planned(&Self::plan(fields.columns())?, fields)
        }

        fn plan(columns: &[Column]) -> Result<Plan, DecodeError> {
            MADE.set(MADE.get() + 1);
            // Otherwise one function would do for all of them.
            std::hint::black_box(N);
            <(i32,)>::plan(columns)
        }

        fn from_planned<F: Fields<'r>>(plan: &Plan, fields: &mut F) -> Result<Self, DecodeError> {
            let (number,) = <(i32,)>::from_planned(plan, fields)?;
            Ok(Self(number))
        }
    }

    #[derive(Clone)]
    struct Row<'r>(&'r [Column], &'r [u8]);

    impl<'r> Fields<'r> for Row<'r> {
        fn columns(&self) -> &'r [Column] {
            self.0
        }

        fn next_field(&mut self) -> Result<Field<'r>, DecodeError> {
            let column = self.0.first();
            let field = column.map(|column| Field::new(column, Some(self.1)));
            field.ok_or_else(|| DecodeError::malformed("it has no further field"))
        }
    }

    fn columns(ty: Type) -> [Column; 1] {
        [Column::new("a", ty, Format::Binary)]
    }

    #[test]
    fn a_plan_is_made_once_for_all_rows() {
        let (plans, columns) = (Plans::default(), columns(Type::INT4));
        for n in 0..100_u8 {
            let raw = [0, 0, 0, n];
            let read: Number<0> = plans.decode(&mut Row(&columns, &raw)).unwrap();
            assert_eq!(read, Number(n.into()));
        }
        assert_eq!(MADE.get(), 1);
    }

    #[test]
    fn each_type_has_its_plan_and_more_than_are_kept_are_read_all_the_same() {
        let (plans, columns) = (Plans::default(), columns(Type::INT4));
        let raw = [0, 0, 0, 7];
        macro_rules! read {
            ($($n:literal)*) => { $(
                let read: Number<$n> = plans.decode(&mut Row(&columns, &raw)).unwrap();
                assert_eq!(read, Number(7));
            )* };
        }
        for _ in 0..3 {
            read!(0 1 2 3 4 5 6 7);
        }
        assert_eq!(MADE.get(), MAX);
        // Each row makes its own.
        read!(8 9);
        read!(8 9);
        assert_eq!(MADE.get(), MAX + 4);
        read!(0 7);
        assert_eq!(MADE.get(), MAX + 4);
    }

    #[test]
    fn columns_that_do_not_fit_are_an_error_of_every_row() {
        let (plans, columns) = (Plans::default(), columns(Type::TEXT));
        for _ in 0..3 {
            let result: Result<Number<0>, _> = plans.decode(&mut Row(&columns, b"x"));
            let error = result.unwrap_err();
            assert_eq!(error.kind(), DecodeErrorKind::WrongType);
            assert_eq!(
                error.to_string(),
                r#"column "a" (text) cannot be read as i32: the types do not match"#
            );
        }
    }
}
