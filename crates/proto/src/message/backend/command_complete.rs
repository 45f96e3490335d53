//! `CommandComplete` (`C`).

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::wire::reader::Malformed;

/// A tag of so many bytes at most stands in the value itself; longer ones are few: `ALTER DEFAULT PRIVILEGES`, `CREATE TEXT SEARCH
/// DICTIONARY` and the like.
const SHORT: usize = WORDS * WORD;
const WORDS: usize = 3;
const WORD: usize = size_of::<u64>();

/// What a statement did, as the server puts it: `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`.
//
// Whole words and no enum: it is made and moved with every statement, and words that were written are read again at once only as words.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandTag {
    /// ASCII without NULs, if the tag is not a long one; zeros behind it.
    short: [[u8; WORD]; WORDS],
    long: Option<Box<str>>,
}

impl CommandTag {
    #[inline]
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let Some((0, tag)) = body.split_last() else {
            return Err(Self::malformed());
        };
        match short(tag) {
            Some(short) => Ok(Self { short, long: None }),
            None => Self::decode_long(tag),
        }
    }

    /// One that is long, or not ASCII; or malformed.
    #[cold]
    fn decode_long(tag: &[u8]) -> Result<Self, Malformed> {
        if tag.contains(&0) {
            return Err(Self::malformed());
        }
        Ok(Self {
            short: Default::default(),
            long: Some(String::from_utf8_lossy(tag).into()),
        })
    }

    fn malformed() -> Malformed {
        Malformed("a command tag and its NUL")
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
        if !tag.first()?.is_ascii_alphabetic() {
            return None;
        }
        // "CREATE TABLE" has no number; "INSERT 0 5" has two, and the first is a relic.
        let space = tag.iter().rposition(|&byte| byte == b' ')?;
        let (&first, others) = tag.get(space + 1..)?.split_first()?;
        others.iter().try_fold(digit(first)?, |count, &next| {
            count.checked_mul(10)?.checked_add(digit(next)?)
        })
    }

    /// The tag as it came.
    pub fn as_bytes(&self) -> &[u8] {
        if let Some(long) = &self.long {
            return long.as_bytes();
        }
        let mut len = SHORT;
        for word in self
            .short
            .iter()
            .rev()
            .map(|word| u64::from_le_bytes(*word))
        {
            if word != 0 {
                // The highest bytes are the last ones.
                len -= usize::try_from(word.leading_zeros() / 8).unwrap_or(0);
                break;
            }
            len -= WORD;
        }
        let short = self.short.as_flattened();
        short.get(..len).unwrap_or_default()
    }
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// The words of a tag that is short, ASCII, and has no NULs.
#[inline]
fn short(tag: &[u8]) -> Option<[[u8; WORD]; WORDS]> {
    /// A one in each byte, and the highest bit of each.
    const ONES: u64 = u64::MAX / 255;
    const HIGHEST: u64 = ONES << 7;
    let (whole, rest) = tag.as_chunks::<WORD>();
    let mut words = [0; WORDS];
    let (mut slots, mut odd) = (words.iter_mut(), 0);
    for word in whole {
        let word = u64::from_le_bytes(*word);
        // A byte above 127, or a zero that borrows from its highest bit.
        odd |= word | word.wrapping_sub(ONES);
        *slots.next()? = word;
    }
    if !rest.is_empty() {
        let bytes = rest.iter().rev();
        let word = bytes.fold(0, |word, &byte| (word << 8) | u64::from(byte));
        let beyond = u64::MAX << (8 * rest.len());
        odd |= word | (word | (beyond & ONES)).wrapping_sub(ONES);
        *slots.next()? = word;
    }
    (odd & HIGHEST == 0).then_some(words.map(u64::to_le_bytes))
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
        assert_eq!(rows(b"SELECT \0"), None);
        assert_eq!(rows(b"SELECT 00000000000000000000000000042\0"), Some(42));
        assert_eq!(rows(b"SELECT 100000000000000000000\0"), None);
        assert_eq!(rows(b"SELECT 1234567890\0"), Some(1_234_567_890));
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
