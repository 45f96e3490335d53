//! `CopyInResponse` (`G`), `CopyOutResponse` (`H`), `CopyBothResponse` (`W`): one body for all three.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::Format;
use crate::wire::reader::{Malformed, Reader};

/// How the data of a COPY is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyResponse {
    format: Format,
    columns: Box<[Format]>,
}

impl CopyResponse {
    /// Of the whole: text is lines (`text` and `csv`), binary is PostgreSQL's own file format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Of each column: text throughout if the whole is. A replication stream has none.
    pub fn columns(&self) -> &[Format] {
        &self.columns
    }

    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let format = format(reader.u8("the overall format")?.into())?;
        let count = usize::from(reader.u16("the number of columns")?);
        if reader.remaining() != count * 2 {
            return Err(Malformed("as many formats as were announced"));
        }
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            columns.push(self::format(reader.u16("the format of a column")?)?);
        }
        let columns = columns.into_boxed_slice();
        Ok(Self { format, columns })
    }
}

fn format(code: u16) -> Result<Format, Malformed> {
    match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        _ => Err(Malformed("a format of 0 or 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_and_each_column_have_a_format() {
        let response = CopyResponse::decode(b"\x01\0\x02\0\x01\0\x01").unwrap();
        assert_eq!(response.format(), Format::Binary);
        assert_eq!(response.columns(), [Format::Binary, Format::Binary]);
        let stream = CopyResponse::decode(b"\0\0\0").unwrap();
        assert_eq!((stream.format(), stream.columns()), (Format::Text, &[][..]));
    }

    #[test]
    fn a_count_or_a_format_that_is_wrong_is_malformed() {
        let wrong: [&[u8]; 6] = [
            b"",
            b"\0",
            b"\x02\0\0",
            b"\0\0\x01",
            b"\0\0\0\0",
            b"\0\0\x01\0\x02",
        ];
        for body in wrong {
            assert!(CopyResponse::decode(body).is_err(), "{body:?}");
        }
    }
}
