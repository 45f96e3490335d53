//! [`MacAddr`] and [`MacAddr8`]: PostgreSQL's `macaddr` and `macaddr8`.

use std::fmt;
use std::str::FromStr;

use crate::error::ValueError;

macro_rules! mac {
    ($(#[$doc:meta])* $name:ident: $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub [u8; $length]);

        impl FromStr for $name {
            type Err = ValueError;

            /// Reads the form that PostgreSQL prints: pairs of hexadecimal digits, with colons between them.
            ///
            /// # Errors
            /// When it is not an address in that form.
            fn from_str(text: &str) -> Result<Self, ValueError> {
                let mut bytes = [0; $length];
                let mut pairs = text.split(':');
                let filled = bytes.iter_mut().try_for_each(|byte| {
                    *byte = pairs.next().and_then(pair)?;
                    Some(())
                });
                match (filled, pairs.next()) {
                    (Some(()), None) => Ok(Self(bytes)),
                    _ => Err(ValueError::Invalid("not a MAC address".into())),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut separator = "";
                for byte in self.0 {
                    write!(f, "{separator}{byte:02x}")?;
                    separator = ":";
                }
                Ok(())
            }
        }
    };
}

mac! {
    /// A value of PostgreSQL's `macaddr`: an address of six bytes. The feature `eui48` reads and writes that of the crate.
    ///
    /// ```
    /// use purepg_types::MacAddr;
    ///
    /// assert_eq!("08:00:2b:01:02:03".parse(), Ok(MacAddr([8, 0, 0x2b, 1, 2, 3])));
    /// ```
    MacAddr: 6
}

mac! {
    /// A value of PostgreSQL's `macaddr8`: an address of eight bytes.
    ///
    /// ```
    /// use purepg_types::MacAddr8;
    ///
    /// assert_eq!(MacAddr8([8, 0, 0x2b, 1, 2, 3, 4, 5]).to_string(), "08:00:2b:01:02:03:04:05");
    /// ```
    MacAddr8: 8
}

fn pair(digits: &str) -> Option<u8> {
    let is_pair = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_pair
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_pairs_or_eight() {
        let six = "08:00:2B:01:02:03";
        assert_eq!(
            six.parse::<MacAddr>().unwrap().to_string(),
            "08:00:2b:01:02:03"
        );
        assert!(six.parse::<MacAddr8>().is_err());
        for text in [
            "",
            "08:00:2b:01:02",
            "08:00:2b:01:02:03:04",
            "08-00-2b-01-02-03",
            "08002b010203",
            "8:0:2b:1:2:3",
            "08:00:2b:01:02:+3",
            "08:00:2b:01:02:0g",
            "08:00:2b:01:02:03:",
        ] {
            let error = text.parse::<MacAddr>().unwrap_err();
            assert_eq!(error.to_string(), "not a MAC address", "{text}");
        }
    }
}
