//! The decoders of values: what any bytes are read as, in either format, as every Rust type that there is for them.
//!
//! Of each input the first byte is a place in the target's [`Table`] of types, the second the format, and the rest is the value. So a type that is
//! added to a table goes to its end, or what was found once means something else.

mod arrays;
mod compat;
mod composites;
mod datetime;
mod geometry;
mod hstore;
mod network;
mod numbers;
mod ranges;
mod strings;
mod types;
mod values;

use std::fmt::Debug;
use std::sync::LazyLock;

use bytes::BytesMut;
use purepg_types::{
    Column, EncodeErrorKind, Field, Format, FromSqlOwned, IsNull, ToSql, Type, Value, encode,
};

use crate::allocated;

pub use arrays::arrays;
pub use compat::compat;
pub use composites::composites;
pub use datetime::datetime;
pub use geometry::geometry;
pub use hstore::hstore;
pub use network::network;
pub use numbers::numbers;
pub use ranges::ranges;
pub use strings::strings;
pub use values::values;

/// The types of a target, each with some values, as PostgreSQL prints them.
pub type Table = Vec<(Type, Vec<&'static str>)>;

/// The tables of all targets, by name.
pub static TABLES: &[(&str, &LazyLock<Table>)] = &[
    ("numbers", &numbers::TABLE),
    ("strings", &strings::TABLE),
    ("datetime", &datetime::TABLE),
    ("network", &network::TABLE),
    ("geometry", &geometry::TABLE),
    ("hstore", &hstore::TABLE),
    ("arrays", &arrays::TABLE),
    ("ranges", &ranges::TABLE),
    ("composites", &composites::TABLE),
    ("values", &values::TABLE),
    ("compat", &compat::TABLE),
];

/// What reading may allocate, beside so much for each byte that has come.
const FIXED: usize = 4 * 1024;
/// The same for each byte: a comma in a record is a NULL, the list of values has room for twice as many, and a value takes 128 bytes.
const EACH: usize = 2 * size_of::<Value>() + 64;
/// What printing may allocate, and what of it for each byte: eight bytes may be a `numeric` of 131,072 digits.
const PRINTED: usize = 4 * 1024 * 1024;
const PRINTED_EACH: usize = 128 * 1024;
/// What an error may say, beside some times what has come.
const ERROR: usize = 1024;

/// One value of one type, as it came.
pub(crate) struct Given<'a> {
    column: Column,
    raw: &'a [u8],
}

impl<'a> Given<'a> {
    pub(crate) fn read(data: &'a [u8], table: &Table) -> Option<Self> {
        let [place, format, raw @ ..] = data else {
            return None;
        };
        let (ty, _) = &table[usize::from(*place) % table.len()];
        Some(Self {
            column: column(ty, format_of(*format)),
            raw,
        })
    }

    pub(crate) fn ty(&self) -> &Type {
        self.column.ty()
    }

    pub(crate) fn field(&self) -> Field<'_> {
        Field::new(&self.column, Some(self.raw))
    }

    /// The value as a `T`, if it is one: reading it takes no more memory than the bytes are worth, and a refusal says why.
    pub(crate) fn read_as<T: FromSqlOwned>(&self) -> Option<T> {
        let field = self.field();
        let before = allocated();
        let result = field.decode::<T>();
        let grown = allocated() - before;
        self.check_growth(grown, std::any::type_name::<T>());
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let text = error.to_string();
                assert!(!text.is_empty());
                assert!(text.len() <= ERROR + 8 * self.raw.len(), "{text}");
                None
            }
        }
    }

    pub(crate) fn check_growth(&self, grown: usize, what: &str) {
        let came = self.raw.len();
        let allowed = if self.has_digits()
            && ["BigDecimal", "String"]
                .iter()
                .any(|rust| what.contains(rust))
        {
            PRINTED + PRINTED_EACH * came
        } else {
            FIXED + EACH * came
        };
        assert!(
            grown <= allowed,
            "{what} of {:?}: {grown} bytes for {came}",
            self.column
        );
    }

    /// Whether it is a `numeric`, or consists of such: the text of one, and what holds each of its digits, may be long.
    fn has_digits(&self) -> bool {
        let ty = self.ty().underlying();
        let element = ty.element();
        *ty == Type::NUMERIC
            || element.is_some_and(|element| *element.underlying() == Type::NUMERIC)
    }

    /// What printing may take: every part may be quoted some times over, and numbers are longer in text than in binary.
    pub(crate) fn check_printed(&self, grown: usize) {
        let came = self.raw.len();
        let allowed = PRINTED + PRINTED_EACH * came;
        assert!(
            grown <= allowed,
            "{:?}: {grown} bytes for {came}",
            self.column
        );
    }

    /// The value as a `T`, which is written again in both formats and read again each time.
    pub(crate) fn both<T: FromSqlOwned + ToSql + Debug>(&self) {
        if let Some(value) = self.read_as::<T>() {
            self.write(&value);
        }
    }

    pub(crate) fn write<T: FromSqlOwned + ToSql + Debug>(&self, value: &T) {
        let ty = self.ty().underlying();
        if !value.accepts(ty) {
            return;
        }
        // The server takes escapes for letters that it prints as they are.
        let escaped = self.column.format() == Format::Text && self.raw.len() > 1;
        if *ty == Type::CHAR && escaped && self.raw < b"\\200".as_slice() {
            return;
        }
        let shown = format!("{value:?}");
        let mut written = false;
        // Each value within another has twice as many quotes in text, and nobody asks for text where there is binary.
        let deep = *ty == *types::DEEP && self.column.format() == Format::Binary;
        for format in [Format::Text, Format::Binary] {
            if deep && format == Format::Text {
                continue;
            }
            let mut out = BytesMut::new();
            match encode(0, value, ty, format, &mut out) {
                Ok(is_null) => {
                    assert_eq!(is_null, IsNull::No, "{value:?}");
                    written = true;
                }
                Err(error) => match error.kind() {
                    EncodeErrorKind::Unsupported => continue,
                    // No text of a server holds one.
                    _ if error.to_string().contains("zero byte") => return,
                    // A text may say a number that its type does not have.
                    EncodeErrorKind::OutOfRange if self.column.format() == Format::Text => return,
                    // Nor is a text of `"char"` longer than one byte.
                    _ if *ty == Type::CHAR => return,
                    _ => panic!("{error}: {value:?}"),
                },
            }
            let column = column(self.ty(), format);
            let again = Field::new(&column, Some(&out)).decode::<T>();
            let again = again.unwrap_or_else(|error| panic!("{error}: {value:?}, {out:?}"));
            assert_eq!(shown, format!("{again:?}"), "{ty} as {out:?}");
        }
        assert!(written, "what is read is written in one format at least");
    }
}

fn format_of(byte: u8) -> Format {
    if byte & 1 == 0 {
        Format::Text
    } else {
        Format::Binary
    }
}

fn column(ty: &Type, format: Format) -> Column {
    Column::new("a", ty.clone(), format)
}

/// Reads and writes as each of these types.
macro_rules! both {
    ($given:expr; $($rust:ty),* $(,)?) => { $( $given.both::<$rust>(); )* };
}
pub(crate) use both;

/// A table, written as one.
macro_rules! table {
    ($($ty:expr => [$($text:expr),* $(,)?];)*) => {
        std::sync::LazyLock::new(|| vec![$(($ty, vec![$($text),*])),*])
    };
}
pub(crate) use table;

/// The first inputs of a target: the values of its table, in both formats where there are both.
///
/// # Panics
/// When a value is none of its type.
pub fn seeds(table: &Table) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (place, (ty, texts)) in table.iter().enumerate() {
        let place = u8::try_from(place).expect("a table has at most 256 types");
        seeds.push(vec![place, 0]);
        seeds.push(vec![place, 1]);
        for text in texts {
            seeds.push([&[place, 0], text.as_bytes()].concat());
            let column = column(ty, Format::Text);
            let value = Field::new(&column, Some(text.as_bytes())).decode::<Value>();
            let value = value.unwrap_or_else(|error| panic!("{error}: {text:?}"));
            let mut out = BytesMut::from(&[place, 1][..]);
            if encode(0, &value, ty, Format::Binary, &mut out).is_ok() {
                seeds.push(out.to_vec());
            }
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_values_in_both_formats() {
        for (name, table) in TABLES {
            let seeds = seeds(table);
            for format in [0, 1] {
                let values = seeds
                    .iter()
                    .filter(|seed| seed[1] == format && seed.len() > 2);
                assert!(values.count() >= 3, "{name}, {format}");
            }
        }
    }
}
