//! [`PgLsn`]: PostgreSQL's `pg_lsn`.

use std::fmt;
use std::str::FromStr;

use crate::error::ValueError;

/// A value of PostgreSQL's `pg_lsn`: a position in the write-ahead log, in bytes.
///
/// ```
/// use purepg_types::PgLsn;
///
/// let lsn: PgLsn = "16/B374D848".parse()?;
/// assert_eq!(lsn, PgLsn(0x16_b374_d848));
/// assert_eq!(lsn.to_string(), "16/B374D848");
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PgLsn(pub u64);

impl FromStr for PgLsn {
    type Err = ValueError;

    /// # Errors
    /// When it is not two hexadecimal numbers of up to eight digits, with a slash between them.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let half = |digits: &str| {
            let fits = (1..=8).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            fits.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
        };
        let halves = text.split_once('/');
        let lsn = halves.and_then(|(high, low)| Some(half(high)? << 32 | half(low)?));
        lsn.map(Self)
            .ok_or_else(|| ValueError::Invalid("not a position in the log".into()))
    }
}

impl fmt::Display for PgLsn {
    /// As PostgreSQL prints it before version 19.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        for (text, lsn) in [
            ("0/0", 0),
            ("0/FFFFFFFF", 0xffff_ffff),
            ("1/0", 1 << 32),
            ("FFFFFFFF/FFFFFFFF", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(PgLsn(lsn)));
            assert_eq!(PgLsn(lsn).to_string(), text);
        }
        // Newer servers print the lower half with all of its digits.
        assert_eq!("1/0000000a".parse(), Ok(PgLsn(0x1_0000_000a)));
        for text in [
            "",
            "/",
            "0",
            "0/",
            "/0",
            "0/0/0",
            "0/100000000",
            "0/ 1",
            "0/+1",
            "g/0",
            "-1/0",
        ] {
            assert!(text.parse::<PgLsn>().is_err(), "{text}");
        }
    }
}
