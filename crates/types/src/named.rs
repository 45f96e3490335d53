//! Parameters by name: [`NamedParams`], and [`params!`](crate::params!) that makes them.

use std::fmt;

use crate::params::Params;
use crate::to_sql::ToSql;

/// Parameters by name, borrowed. [`params!`](crate::params!) makes them; [`new`](Self::new) is for names that are known no sooner than
/// the program runs.
// Its fields are for the macro: a literal of it makes temporary values live as long as a variable that it is stored in.
#[derive(Clone, Copy)]
pub struct NamedParams<'a> {
    #[doc(hidden)]
    pub list: &'a [(&'a str, &'a dyn ToSql)],
    #[doc(hidden)]
    pub distinct: DistinctNames,
}

impl<'a> NamedParams<'a> {
    /// Names, without their colons, and values, in any order.
    ///
    /// ```
    /// use purepg_types::{NamedParams, Params, ToSql};
    ///
    /// let columns = [String::from("a"), String::from("b")];
    /// let list: Vec<(&str, &dyn ToSql)> = columns.iter().map(|name| (name.as_str(), name as _)).collect();
    /// assert_eq!(NamedParams::new(&list).name(1), Some("b"));
    /// ```
    pub fn new(list: &'a [(&'a str, &'a dyn ToSql)]) -> Self {
        Self {
            list,
            distinct: DistinctNames(()),
        }
    }
}

impl Params for NamedParams<'_> {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn get(&self, index: usize) -> Option<&dyn ToSql> {
        self.list.get(index).map(|(_, value)| *value)
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.list.get(index).map(|(name, _)| *name)
    }

    /// Even if there are none: the statement may have names all the same.
    fn is_named(&self) -> bool {
        true
    }
}

/// Names and types. Values may be secrets.
impl fmt::Debug for NamedParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.list.iter();
        f.debug_map()
            .entries(names.map(|(name, value)| (name, value.rust_type())))
            .finish()
    }
}

/// Parameters by name, for the `:name`s of a statement:
///
/// ```
/// use purepg_types::{Params, params};
///
/// let name = String::from("x");
/// let params = params! { a: 1, b: &name, c: None::<bool>, type: name.len().to_string() };
/// assert_eq!((params.len(), params.is_named()), (4, true));
/// assert_eq!((params.name(0), params.name(3)), (Some("a"), Some("type")));
/// ```
///
/// A name is an identifier, keywords included; it is the one in the statement letter for letter. Values are borrowed, not moved; any
/// [`ToSql`] will do. Order does not matter.
///
/// # Names in a statement
///
/// `:name` becomes `$n`, one number for each name, in the order of their first mention, before the statement is sent. A statement has
/// names or numbers, not both; each name needs a value, and each value a name. A prepared statement takes numbers only.
///
/// A name is a colon with a letter or an underscore directly behind it, and everything behind that of which the server makes names:
/// letters, digits, underscores, dollars, and whatever is not ASCII. It is none
///
/// * inside a string (`'…'`, `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `N'…'`, `$tag$…$tag$`), a quoted identifier (`"…"`, `U&"…"`) or a comment
///   (`--`, `/*…*/`, which nest);
/// * where the colon is one of `::` or `:=`;
/// * directly behind what is a value or may end one: an identifier, a number, a string, `)`, `]`, another name, another colon. So the
///   slice `a[1:n]` and the pair `'key':value` of a JSON constructor stay what they are. Behind white space, a comment, an operator, a
///   comma or an opening bracket it is one: `a[:n]` is the element at `:n`, and a slice up to a column `n` is written `a[: n]`.
///
/// What a string is depends on the server's setting `standard_conforming_strings`, as it was last reported: while it is off, a backslash
/// in `'…'` takes the next character with it.
///
/// # What does not compile
///
/// A name that is given twice does not compile:
///
/// ```compile_fail,E0080
/// purepg_types::params! { a: 1, b: 2, a: 3 };
/// ```
///
/// Nor does a value that cannot be sent:
///
/// ```compile_fail,E0277
/// purepg_types::params! { a: std::time::Instant::now() };
/// ```
///
/// Nor one without a name:
///
/// ```compile_fail
/// purepg_types::params! { a: 1, 2 };
/// ```
#[macro_export]
macro_rules! params {
    ($($name:ident: $value:expr),* $(,)?) => {
        $crate::NamedParams {
            list: &[$((const { $crate::parameter_name(stringify!($name)) }, &$value)),*],
            distinct: const { $crate::DistinctNames::check(&[$(stringify!($name)),*]) },
        }
    };
}

/// Where [`params!`](crate::params!) has it checked, while the program is compiled, that no name is there twice.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct DistinctNames(());

impl DistinctNames {
    /// Fails to compile when one is.
    #[doc(hidden)]
    pub const fn check(mut names: &[&str]) -> Self {
        while let [first, others @ ..] = names {
            let first = parameter_name(first).as_bytes();
            let mut rest = others;
            while let [other, more @ ..] = rest {
                let other = parameter_name(other).as_bytes();
                assert!(!equal(first, other), "a parameter is given twice");
                rest = more;
            }
            names = others;
        }
        Self(())
    }
}

/// The name that an identifier stands for.
#[doc(hidden)]
pub const fn parameter_name(identifier: &str) -> &str {
    match identifier.split_at_checked(2) {
        Some((raw, name)) if equal(raw.as_bytes(), b"r#") => name,
        _ => identifier,
    }
}

const fn equal(mut a: &[u8], mut b: &[u8]) -> bool {
    while let ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) = (a, b) {
        if *first_a != *first_b {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty() && b.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(params: impl Params) -> Vec<(String, &'static str)> {
        assert!(params.is_named());
        assert!(params.name(params.len()).is_none() && params.get(params.len()).is_none());
        assert_eq!(params.is_empty(), params.len() == 0);
        (0..params.len())
            .map(|i| {
                let value = params.get(i).unwrap();
                (params.name(i).unwrap().to_owned(), value.rust_type())
            })
            .collect()
    }

    fn list(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        let expected = expected.iter();
        expected
            .map(|(name, ty)| ((*name).to_owned(), *ty))
            .collect()
    }

    #[test]
    fn names_and_values_in_the_order_given() {
        let text = String::from("x");
        let string = "alloc::string::String";
        let params = params! { b: 1_i16, a: &text, größe: text, _1: Some(true) };
        let expected = list(&[
            ("b", "i16"),
            ("a", string),
            ("größe", string),
            ("_1", "core::option::Option<bool>"),
        ]);
        assert_eq!(described(params), expected);
        let borrowed: &NamedParams<'_> = &params;
        assert_eq!(described(borrowed), expected);
        assert_eq!(described(Box::new(params)), expected);
        assert_eq!(described(&params as &dyn Params), expected);
        assert_eq!(text, "x", "it was borrowed");
    }

    #[test]
    fn keywords_are_names() {
        let params = params! { type: 1, r#where: 2, self: 3, crate: 4, r#async: 5, };
        let names: Vec<_> = params.list.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["type", "where", "self", "crate", "async"]);
    }

    #[test]
    fn none_are_named_all_the_same() {
        assert_eq!(described(params! {}), []);
        assert_eq!(described(NamedParams::new(&[])), []);
    }

    #[test]
    fn temporary_values_live_as_long_as_the_variable() {
        let params = params! { a: String::from("x"), b: [1_u8, 2].to_vec() };
        assert_eq!(params.get(0).unwrap().rust_type(), "alloc::string::String");
        assert_eq!(
            described(params! { a: String::from("x").as_str() }),
            list(&[("a", "str")])
        );
    }

    #[test]
    fn names_made_at_run_time() {
        let name = String::from("a");
        let values: Vec<(&str, &dyn ToSql)> = vec![(&name, &1_i32), ("b", &"x")];
        assert_eq!(
            described(NamedParams::new(&values)),
            list(&[("a", "i32"), ("b", "str")])
        );
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", params! { a: "secret", b: 1_i32 });
        assert_eq!(shown, r#"{"a": "str", "b": "i32"}"#);
    }

    #[test]
    fn equal_names_are_found_whatever_they_look_like() {
        let _ = DistinctNames::check(&["a", "aa", "b", "r#type", "r#typ", ""]);
        for names in [&["a", "b", "a"][..], &["r#type", "type"], &["x", "x"]] {
            assert!(std::panic::catch_unwind(|| DistinctNames::check(names)).is_err());
        }
    }

    #[test]
    fn a_future_that_holds_them_is_send() {
        fn assert_send<T: Send>(_: T) {}
        assert_send(params! { a: 1, b: String::new() });
    }
}
