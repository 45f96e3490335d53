//! `CommandComplete` (`C`).

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::wire::reader::Malformed;

/// Longer tags are few: `ALTER DEFAULT PRIVILEGES`, `CREATE TEXT SEARCH DICTIONARY` and the like.
const SHORT: usize = 23;

/// What a statement did, as the server puts it: `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`.
//
// Fields side by side and no enum: it is moved with every statement, and whole words move faster than a byte and the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandTag {
    /// ASCII, if the tag is not a long one; zeros behind it.
    short: [u8; SHORT],
    len: u8,
    long: Option<Box<str>>,
}

impl CommandTag {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let tag = match body.split_last() {
            Some((0, tag)) if !tag.contains(&0) => tag,
            _ => return Err(Malformed("a command tag and its NUL")),
        };
        let mut short = [0; SHORT];
        Ok(
            match (short.get_mut(..tag.len()), u8::try_from(tag.len())) {
                (Some(start), Ok(len)) if tag.is_ascii() => {
                    start.copy_from_slice(tag);
                    Self {
                        short,
                        len,
                        long: None,
                    }
                }
                _ => Self {
                    short,
                    len: 0,
                    long: Some(String::from_utf8_lossy(tag).into()),
                },
            },
        )
    }

    /// The whole tag.
    pub fn as_str(&self) -> &str {
        match &self.long {
            Some(long) => long,
            None => core::str::from_utf8(self.as_bytes()).unwrap_or_default(),
        }
    }

    /// The number of rows selected, inserted, updated, deleted, merged, moved, fetched or copied; `None` for a command that
    /// counts none.
    pub fn rows(&self) -> Option<u64> {
        let tag = self.as_bytes();
        let space = tag.iter().rposition(|&byte| byte == b' ')?;
        // "CREATE TABLE" has no number; "INSERT 0 5" has two, and the first is a relic.
        let (command, last) = (tag.first()?, tag.get(space + 1..)?);
        if !command.is_ascii_alphabetic() {
            return None;
        }
        core::str::from_utf8(last).ok()?.parse().ok()
    }

    /// The tag as it came.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.long {
            Some(long) => long.as_bytes(),
            None => self.short.get(..usize::from(self.len)).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for CommandTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandTag").field(&self.as_str()).finish()
    }
}

impl fmt::Display for CommandTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
        assert!(CommandTag::decode(b"").is_err());
        assert_eq!(CommandTag::decode(b"\xff\0").unwrap().as_str(), "\u{fffd}");
    }

    #[test]
    fn tags_of_any_length() {
        for length in 0..100 {
            let body = [&b"A"[..].repeat(length), &b" 7\0"[..]].concat();
            let tag = CommandTag::decode(&body).unwrap();
            assert_eq!(tag.as_str().as_bytes(), &body[..length + 2]);
            assert_eq!(tag.rows(), (length > 0).then_some(7));
            assert_eq!(tag, tag.clone());
        }
        let tag = CommandTag::decode(b"SELECT 5\0").unwrap();
        assert_eq!(
            alloc::format!("{tag} {tag:?}"),
            "SELECT 5 CommandTag(\"SELECT 5\")"
        );
    }
}
