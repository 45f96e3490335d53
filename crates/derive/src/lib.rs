//! Derives for types of one's own: values with `FromSql` and `ToSql`, rows with `FromRow`.
//!
//! The adapters and `purepg-conn` export them under the names of the traits. The crate is found through whichever of these the user
//! depends on; `#[purepg(crate = some::path)]` names another.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod attributes;
mod generics;
mod rename;
mod row;
mod value;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// A row as a struct.
///
/// The fields of a struct are found by the names of the columns; other columns do not matter. A field that is no column is an error, and so
/// is a NULL without an `Option`. A tuple struct, and one with `#[purepg(by_position)]`, takes all columns in their order. Fields
/// may borrow from the row.
///
/// ```
/// use purepg_conn::FromRow;
///
/// #[derive(FromRow)]
/// struct User<'r> {
///     id: i64,
///     name: &'r str,
///     #[purepg(rename = "e_mail")]
///     mail: Option<String>,
///     /// Not in every query.
///     #[purepg(default)]
///     visits: i32,
///     #[purepg(flatten)]
///     address: Address,
/// }
///
/// #[derive(FromRow)]
/// struct Address {
///     street: String,
///     city: String,
/// }
///
/// #[derive(FromRow)]
/// struct Pair(i32, Option<String>);
/// ```
///
/// | attribute of the struct | meaning |
/// | --- | --- |
/// | `by_position` | columns go by their order |
/// | `rename_all = "…"` | how names of fields become names of columns: `lowercase`, `UPPERCASE`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case`, `SCREAMING-KEBAB-CASE`, `camelCase`, `PascalCase` |
/// | `crate = path` | where purepg is |
///
/// | attribute of a field | meaning |
/// | --- | --- |
/// | `rename = "…"` | the name of its column |
/// | `default` | `Default::default()` when there is no such column |
/// | `flatten` | a struct that finds its fields in the same row |
///
/// What it cannot do does not compile:
///
/// ```compile_fail
/// #[derive(purepg_conn::FromRow)]
/// enum NoRow { A, B }
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromRow)]
/// struct Wrong { #[purepg(renamed = "b")] a: i32 }
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromRow)]
/// struct Wrong { a: std::cell::RefCell<i32> }
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromRow)]
/// #[purepg(by_position)]
/// struct Wrong { #[purepg(flatten)] a: (i32,) }
/// ```
#[proc_macro_derive(FromRow, attributes(purepg))]
pub fn derive_from_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    row::from_row(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Values of a type that is not built in, or of a domain, as a type of Rust.
///
/// * An enum without data is an enum of PostgreSQL's; its variants are the labels.
/// * A struct is a composite type: fields are found by their names, whatever their order. Fields that the type has besides do not matter.
///   Its fields own what they hold.
/// * A tuple struct of several fields is a composite type with these fields in this order.
/// * A tuple struct of one field, a newtype, is what that field is: good for domains. `#[purepg(composite)]` makes a composite type of it.
///
/// ```
/// use purepg_conn::{FromSql, ToSql};
///
/// #[derive(Clone, Copy, PartialEq, Debug, FromSql, ToSql)]
/// #[purepg(rename_all = "snake_case")]
/// enum Mood {
///     Sad,
///     SoSo,
///     #[purepg(rename = "Happy!")]
///     Glad,
/// }
///
/// #[derive(FromSql, ToSql)]
/// struct Item {
///     name: String,
///     price: Option<f64>,
///     moods: Vec<Mood>,
/// }
///
/// #[derive(FromSql, ToSql)]
/// struct UserId(i64);
///
/// #[derive(FromSql, ToSql)]
/// struct Name<'a>(&'a str);
/// ```
///
/// | attribute of the type | meaning |
/// | --- | --- |
/// | `rename_all = "…"` | how names of variants or fields become those of PostgreSQL, as for `FromRow` |
/// | `composite` | a tuple struct of one field is a composite type |
/// | `crate = path` | where purepg is |
///
/// | attribute of a variant or a field | meaning |
/// | --- | --- |
/// | `rename = "…"` | its label, or its name in the type |
/// | `default` | of a field: `Default::default()` when the type has no such field |
///
/// What it cannot do does not compile:
///
/// ```compile_fail
/// #[derive(purepg_conn::FromSql)]
/// enum Wrong { A(i32), B }
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromSql)]
/// struct Wrong;
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromSql)]
/// union Wrong { a: i32 }
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromSql)]
/// #[purepg(rename_all = "Sentence case")]
/// enum Wrong { A }
/// ```
///
/// ```compile_fail
/// #[derive(purepg_conn::FromSql)]
/// struct Borrows<'a> { a: i32, b: &'a str }
/// ```
#[proc_macro_derive(FromSql, attributes(purepg))]
pub fn derive_from_sql(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    value::from_sql(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// A type of Rust as values of a type that is not built in, or of a domain: the other direction of `FromSql`, with the same attributes.
///
/// A composite type needs to have the same fields and no others.
///
/// ```compile_fail
/// #[derive(purepg_conn::ToSql)]
/// struct Wrong(std::cell::RefCell<i32>);
/// ```
#[proc_macro_derive(ToSql, attributes(purepg))]
pub fn derive_to_sql(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    value::to_sql(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
