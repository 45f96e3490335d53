//! [`Params`]: the parameters of a statement, by position or by name.

use crate::to_sql::ToSql;

/// The values for `$1`, `$2`, … of a statement, or for its `:name`s.
///
/// By position these are: `()` for none, tuples of up to sixteen values, arrays, slices and `Vec`s of values of
/// one type (which may be `&dyn ToSql`), and references to and boxes of all of these. By name they are what
/// [`params!`](crate::params!) makes.
///
/// ```
/// use purepg_types::{Params, ToSql};
///
/// fn count(params: impl Params) -> usize { params.len() }
///
/// assert_eq!(count(()), 0);
/// assert_eq!(count((1, "x")), 2);
/// assert_eq!(count([1, 2, 3]), 3);
/// assert_eq!(count(&vec!["a", "b"]), 2);
/// assert_eq!(count([&1 as &dyn ToSql, &"x"].as_slice()), 2);
/// ```
pub trait Params: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one for `$index + 1`; of parameters by name the one that was given at this place.
    fn get(&self, index: usize) -> Option<&dyn ToSql>;

    /// The name of the one at this place, without the colon; `None` for parameters by position. Either all have one or none has.
    fn name(&self, index: usize) -> Option<&str> {
        let _ = index;
        None
    }

    /// Whether these are parameters by name.
    fn is_named(&self) -> bool {
        self.name(0).is_some()
    }
}

impl Params for () {
    fn len(&self) -> usize {
        0
    }

    fn get(&self, _: usize) -> Option<&dyn ToSql> {
        None
    }
}

impl<T: ToSql> Params for [T] {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Option<&dyn ToSql> {
        self.get(index).map(|value| value as &dyn ToSql)
    }
}

impl<T: ToSql, const N: usize> Params for [T; N] {
    fn len(&self) -> usize {
        N
    }

    fn get(&self, index: usize) -> Option<&dyn ToSql> {
        Params::get(self.as_slice(), index)
    }
}

impl<T: ToSql> Params for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Option<&dyn ToSql> {
        Params::get(self.as_slice(), index)
    }
}

macro_rules! as_the_list {
    () => {
        fn len(&self) -> usize {
            (**self).len()
        }

        fn get(&self, index: usize) -> Option<&dyn ToSql> {
            (**self).get(index)
        }

        fn name(&self, index: usize) -> Option<&str> {
            (**self).name(index)
        }

        fn is_named(&self) -> bool {
            (**self).is_named()
        }
    };
}

impl<P: Params + ?Sized> Params for &P {
    as_the_list!();
}

impl<P: Params + ?Sized> Params for Box<P> {
    as_the_list!();
}

macro_rules! tuple {
    ($count:literal: $($index:tt $element:ident)+) => {
        impl<$($element: ToSql),+> Params for ($($element,)+) {
            fn len(&self) -> usize {
                $count
            }

            fn get(&self, index: usize) -> Option<&dyn ToSql> {
                match index {
                    $($index => Some(&self.$index),)+
                    _ => None,
                }
            }
        }
    };
}

tuple!(1: 0 A);
tuple!(2: 0 A 1 B);
tuple!(3: 0 A 1 B 2 C);
tuple!(4: 0 A 1 B 2 C 3 D);
tuple!(5: 0 A 1 B 2 C 3 D 4 E);
tuple!(6: 0 A 1 B 2 C 3 D 4 E 5 F);
tuple!(7: 0 A 1 B 2 C 3 D 4 E 5 F 6 G);
tuple!(8: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H);
tuple!(9: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I);
tuple!(10: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J);
tuple!(11: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K);
tuple!(12: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L);
tuple!(13: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L 12 M);
tuple!(14: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L 12 M 13 N);
tuple!(15: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L 12 M 13 N 14 O);
tuple!(16: 0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L 12 M 13 N 14 O 15 P);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the driver does with parameters: it knows no more than the trait.
    fn rust_types(params: &dyn Params) -> Vec<&'static str> {
        assert!(params.get(params.len()).is_none());
        assert!(params.get(usize::MAX).is_none());
        let types: Vec<_> = (0..params.len())
            .map(|index| params.get(index).unwrap().rust_type())
            .collect();
        assert_eq!(params.is_empty(), types.is_empty());
        assert!(!params.is_named() && params.name(0).is_none());
        types
    }

    #[test]
    fn every_form() {
        let owned = String::from("x");
        let dynamic: Vec<&dyn ToSql> = vec![&1_i32, &"x", &owned];
        let boxed: Vec<Box<dyn ToSql>> = vec![Box::new(1_i16), Box::new(owned.clone())];
        let string = "alloc::string::String";

        assert_eq!(rust_types(&()), [""; 0]);
        assert_eq!(rust_types(&&()), [""; 0]);
        assert_eq!(rust_types(&(1_i32,)), ["i32"]);
        assert_eq!(
            rust_types(&(1_i64, "x", owned.clone(), &owned)),
            ["i64", "str", string, string]
        );
        assert_eq!(rust_types(&&(true, 1.5_f32)), ["bool", "f32"]);
        assert_eq!(rust_types(&[1_i16, 2]), ["i16", "i16"]);
        assert_eq!(rust_types(&&["a", "b"]), ["str", "str"]);
        assert_eq!(rust_types(&[""; 0]), [""; 0]);
        assert_eq!(rust_types(&[7_i64, 8].as_slice()), ["i64", "i64"]);
        assert_eq!(rust_types(&vec![1_u32]), ["u32"]);
        assert_eq!(rust_types(&&vec![1_u32]), ["u32"]);
        assert_eq!(rust_types(&Vec::<i32>::new()), [""; 0]);
        assert_eq!(rust_types(&dynamic), ["i32", "str", string]);
        assert_eq!(rust_types(&dynamic.as_slice()), ["i32", "str", string]);
        assert_eq!(rust_types(&[&1_i32 as &dyn ToSql, &"x"]), ["i32", "str"]);
        assert_eq!(rust_types(&boxed), ["i16", string]);
        assert_eq!(rust_types(&[&1_i32 as &(dyn ToSql + Sync)]), ["i32"]);
        assert_eq!(
            rust_types(&dynamic.into_boxed_slice()),
            ["i32", "str", string]
        );
        assert_eq!(rust_types(&Box::new((1_i32, "x"))), ["i32", "str"]);
        let anything: Box<dyn Params> = Box::new([1_i64, 2]);
        assert_eq!(rust_types(&anything), ["i64", "i64"]);
        assert_eq!(
            rust_types(&(Some(1_i32), None::<&str>)),
            ["core::option::Option<i32>", "core::option::Option<&str>"]
        );
    }

    #[test]
    fn tuples_of_every_length_are_in_order() {
        let names = ["i8", "i16", "i32", "i64", "u32", "f32", "f64", "bool"];
        let names = [names, names].concat();
        macro_rules! check {
            ($($value:expr,)*; ) => {
                assert_eq!([$($value.rust_type()),*].len(), 16);
            };
            ($($value:expr,)*; $next:expr, $($rest:expr,)*) => {
                let params = ($($value,)* $next,);
                assert_eq!(rust_types(&params), names[..params.len()]);
                check!($($value,)* $next,; $($rest,)*);
            };
        }
        check!(;
            1_i8, 2_i16, 3_i32, 4_i64, 5_u32, 6_f32, 7_f64, true,
            1_i8, 2_i16, 3_i32, 4_i64, 5_u32, 6_f32, 7_f64, true,
        );
    }

    #[test]
    fn a_future_that_holds_parameters_is_send() {
        fn assert_send<T: Send>(_: T) {}
        let text = String::from("x");
        let list: [&dyn ToSql; 2] = [&1_i32, &text];
        assert_send(list.as_slice());
        let params: &dyn Params = &list;
        assert_send(params);
        assert_send(params.get(0));
    }
}
