//! [`Snapshot`]: PostgreSQL's `pg_snapshot`.

use std::fmt;
use std::str::FromStr;

use crate::error::ValueError;

/// A value of PostgreSQL's `pg_snapshot`: which transactions were running at a moment.
///
/// ```
/// use purepg_types::Snapshot;
///
/// let snapshot: Snapshot = "10:20:10,14,15".parse()?;
/// assert_eq!((snapshot.xmin, snapshot.xmax), (10, 20));
/// assert_eq!(snapshot.xip, [10, 14, 15]);
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
// Exhaustive: these three are the whole of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Snapshot {
    /// The lowest transaction that was running: all below it had ended.
    pub xmin: u64,
    /// One past the highest that had ended: this one and all above had not begun.
    pub xmax: u64,
    /// Those between the two that were running, in ascending order.
    pub xip: Vec<u64>,
}

impl FromStr for Snapshot {
    type Err = ValueError;

    /// # Errors
    /// When it is not `xmin:xmax:` with the transactions between them, separated by commas.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = |digits: &str| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let mut parts = text.splitn(3, ':');
        let snapshot = (|| {
            let (xmin, xmax) = (number(parts.next()?)?, number(parts.next()?)?);
            let xip = match parts.next()? {
                "" => Some(Vec::new()),
                list => list.split(',').map(number).collect(),
            };
            Some(Self {
                xmin,
                xmax,
                xip: xip?,
            })
        })();
        snapshot.ok_or_else(|| ValueError::Invalid("not a snapshot".into()))
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.xmin, self.xmax)?;
        let mut separator = "";
        for xid in &self.xip {
            write!(f, "{separator}{xid}")?;
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots() {
        for text in ["724:724:", "10:20:10,14,15", "1:18446744073709551615:7"] {
            assert_eq!(text.parse::<Snapshot>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "1",
            "1:2",
            "1:2:,",
            "1:2:3,",
            "1:2:3:4",
            "1:-2:",
            ":2:",
            "1::",
            "1:18446744073709551616:",
        ] {
            assert!(text.parse::<Snapshot>().is_err(), "{text}");
        }
    }
}
