//! [`Tid`]: PostgreSQL's `tid`.

use std::fmt;
use std::str::FromStr;

use crate::error::ValueError;

/// A value of PostgreSQL's `tid`: where in its table a version of a row lies. The column `ctid` has it.
///
/// ```
/// use purepg_types::Tid;
///
/// assert_eq!("(42,7)".parse(), Ok(Tid { block: 42, offset: 7 }));
/// ```
// Exhaustive: these two are the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Tid {
    /// The number of the page.
    pub block: u32,
    /// The place in the page, counted from 1.
    pub offset: u16,
}

impl FromStr for Tid {
    type Err = ValueError;

    /// # Errors
    /// When it is not two numbers in parentheses, or when one is too large.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        fn number<T: FromStr>(digits: &str) -> Option<T> {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().ok()).flatten()
        }
        let inner = text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'));
        let parts = inner.and_then(|inner| inner.split_once(','));
        let tid = parts.and_then(|(block, offset)| {
            Some(Self {
                block: number(block)?,
                offset: number(offset)?,
            })
        });
        tid.ok_or_else(|| ValueError::Invalid("not the place of a row".into()))
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{})", self.block, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for text in ["(0,0)", "(42,7)", "(4294967295,65535)"] {
            assert_eq!(text.parse::<Tid>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "()",
            "(1)",
            "(1,2",
            "1,2",
            "(1,2,3)",
            "(1, 2)",
            "(-1,2)",
            "(+1,2)",
            "(4294967296,0)",
            "(0,65536)",
        ] {
            assert!(text.parse::<Tid>().is_err(), "{text}");
        }
    }
}
