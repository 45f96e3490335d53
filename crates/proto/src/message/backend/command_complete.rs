//! `CommandComplete` (`C`).

use alloc::string::String;
use core::fmt;

use smol_str::SmolStr;

use crate::wire::reader::{Malformed, Reader};

/// What a statement did, as the server puts it: `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandTag(SmolStr);

impl CommandTag {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let tag = reader.c_bytes("a command tag")?;
        reader.end()?;
        Ok(match core::str::from_utf8(tag) {
            Ok(tag) => Self(SmolStr::new(tag)),
            Err(_) => Self(SmolStr::new(String::from_utf8_lossy(tag))),
        })
    }

    /// The whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number of rows selected, inserted, updated, deleted, merged, moved, fetched or copied; `None` for a command that
    /// counts none.
    pub fn rows(&self) -> Option<u64> {
        let (command, last) = self.0.rsplit_once(' ')?;
        // "CREATE TABLE" has no number; "INSERT 0 5" has two, and the first is a relic.
        command
            .bytes()
            .next()?
            .is_ascii_alphabetic()
            .then(|| last.parse().ok())?
    }
}

impl fmt::Display for CommandTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(tag: &[u8]) -> Option<u64> {
        CommandTag::decode(tag).unwrap().rows()
    }

    #[test]
    fn row_counts() {
        assert_eq!(rows(b"SELECT 5\0"), Some(5));
        assert_eq!(rows(b"INSERT 0 7\0"), Some(7));
        assert_eq!(rows(b"COPY 18446744073709551615\0"), Some(u64::MAX));
        assert_eq!(rows(b"COPY 18446744073709551616\0"), None);
        assert_eq!(rows(b"CREATE TABLE\0"), None);
        assert_eq!(rows(b"BEGIN\0"), None);
        assert_eq!(rows(b"\0"), None);
        assert_eq!(rows(b" 5\0"), None);
    }

    #[test]
    fn a_tag_ends_with_its_nul() {
        assert!(CommandTag::decode(b"BEGIN").is_err());
        assert!(CommandTag::decode(b"BEGIN\0x").is_err());
        assert_eq!(CommandTag::decode(b"\xff\0").unwrap().as_str(), "\u{fffd}");
    }
}
