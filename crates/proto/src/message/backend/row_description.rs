//! `RowDescription` (`T`).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::wire::reader::{Malformed, Reader};
use crate::{Format, Oid};

/// The columns of a result, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    columns: Box<[Column]>,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    name: Box<str>,
    table: Oid,
    attribute: i16,
    type_oid: Oid,
    type_size: i16,
    type_modifier: i32,
    format: Format,
}

/// An empty name is at least its NUL; the numbers behind it are 18 bytes.
const MIN_COLUMN: usize = 19;

impl Columns {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let count = usize::from(reader.u16("the number of columns")?);
        // Checked before it sizes anything: what arrived justifies what is reserved.
        if reader.remaining() / MIN_COLUMN < count {
            return Err(Malformed("as many columns as were announced"));
        }
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            columns.push(Column::decode(&mut reader)?);
        }
        reader.end()?;
        Ok(Self {
            columns: columns.into_boxed_slice(),
        })
    }

    /// The same columns in other formats: the description of a statement says text for all of them, `Bind` then chooses. One
    /// format is for all columns, none means text for all, else there is one for each.
    #[must_use]
    pub fn with_formats(&self, formats: &[Format]) -> Self {
        let format_of = |i: usize| match formats {
            [] => Format::Text,
            [all] => *all,
            each => each.get(i).copied().unwrap_or_default(),
        };
        let columns = self.columns.iter().enumerate();
        Self {
            columns: columns
                .map(|(i, c)| Column {
                    format: format_of(i),
                    ..c.clone()
                })
                .collect(),
        }
    }
}

impl FromIterator<Column> for Columns {
    fn from_iter<I: IntoIterator<Item = Column>>(columns: I) -> Self {
        Self {
            columns: columns.into_iter().collect(),
        }
    }
}

impl Deref for Columns {
    type Target = [Column];

    fn deref(&self) -> &[Column] {
        &self.columns
    }
}

impl Column {
    /// A column that belongs to no table.
    pub fn new(name: impl Into<Box<str>>, type_oid: Oid, format: Format) -> Self {
        Self {
            name: name.into(),
            table: 0,
            attribute: 0,
            type_oid,
            type_size: -1,
            type_modifier: -1,
            format,
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            name: String::from_utf8_lossy(reader.c_bytes("the name of a column")?).into(),
            table: reader.u32("the table of a column")?,
            attribute: reader.i16("the number of a column in its table")?,
            type_oid: reader.u32("the type of a column")?,
            type_size: reader.i16("the size of a type")?,
            type_modifier: reader.i32("the modifier of a type")?,
            format: match reader.i16("the format of a column")? {
                0 => Format::Text,
                1 => Format::Binary,
                _ => return Err(Malformed("the format text or binary")),
            },
        })
    }

    /// The name, or the alias that the query gave.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table whose column this is, if it is one; else 0.
    pub fn table(&self) -> Oid {
        self.table
    }

    /// The number of the column in that table, from 1; else 0.
    pub fn attribute(&self) -> i16 {
        self.attribute
    }

    /// The type.
    pub fn type_oid(&self) -> Oid {
        self.type_oid
    }

    /// `pg_type.typlen`: bytes, negative for types of variable width.
    pub fn type_size(&self) -> i16 {
        self.type_size
    }

    /// `pg_attribute.atttypmod`: what it means is the type's own business.
    pub fn type_modifier(&self) -> i32 {
        self.type_modifier
    }

    /// How its values are written.
    pub fn format(&self) -> Format {
        self.format
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"\0\x02\
        a\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01\
        \0\0\0\0\0\0\0\0\0\0\x19\xff\xff\0\0\0\x07\0\0";

    #[test]
    fn columns_and_their_facts() {
        let columns = Columns::decode(TWO).unwrap();
        let [a, b] = &columns[..] else {
            panic!("{columns:?}")
        };
        assert_eq!((a.name(), a.table(), a.attribute()), ("a", 0x4000, 1));
        assert_eq!(
            (a.type_oid(), a.type_size(), a.type_modifier()),
            (23, 4, -1)
        );
        assert_eq!((a.format(), b.format()), (Format::Binary, Format::Text));
        assert_eq!((b.name(), b.type_oid(), b.type_modifier()), ("", 25, 7));
    }

    #[test]
    fn every_cut_is_malformed() {
        for n in 0..TWO.len() {
            assert!(Columns::decode(&TWO[..n]).is_err(), "{n}");
        }
        assert!(Columns::decode(b"\xff\xff").is_err());
    }

    #[test]
    fn formats_are_for_all_or_for_each() {
        use Format::{Binary, Text};
        let columns = Columns::decode(TWO).unwrap();
        let formats = |formats: &[Format]| -> Vec<Format> {
            columns
                .with_formats(formats)
                .iter()
                .map(Column::format)
                .collect()
        };
        assert_eq!(formats(&[]), [Text, Text]);
        assert_eq!(formats(&[Binary]), [Binary, Binary]);
        assert_eq!(formats(&[Text, Binary]), [Text, Binary]);
    }
}
