//! [`Inet`]: PostgreSQL's `inet`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Cidr, Printed, parse, width};
use crate::error::ValueError;

/// A value of PostgreSQL's `inet`: an address, and how many of its bits name the network that it is in.
///
/// An address alone is read and written as an [`IpAddr`]. The feature `ipnet` reads and writes the types of that crate.
///
/// ```
/// use purepg_types::Inet;
///
/// let inet: Inet = "192.0.2.7/24".parse()?;
/// assert_eq!((inet.address(), inet.prefix()), ([192, 0, 2, 7].into(), 24));
/// assert_eq!(Inet::from(inet.address()).to_string(), "192.0.2.7");
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Inet {
    address: IpAddr,
    prefix: u8,
}

impl Inet {
    /// An address in a network of so many bits; `None` when the address has fewer.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        (prefix <= width(address)).then_some(Self { address, prefix })
    }

    /// The address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits of the address name the network: all of them, 32 or 128, when it is only an address.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether it is an address without a network.
    pub const fn is_host(self) -> bool {
        self.prefix == width(self.address)
    }
}

impl From<IpAddr> for Inet {
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            prefix: width(address),
        }
    }
}

impl From<Cidr> for Inet {
    fn from(network: Cidr) -> Self {
        Self {
            address: network.address(),
            prefix: network.prefix(),
        }
    }
}

impl TryFrom<Inet> for IpAddr {
    type Error = ValueError;

    /// # Errors
    /// When it is more than an address.
    fn try_from(inet: Inet) -> Result<Self, ValueError> {
        if inet.is_host() {
            Ok(inet.address)
        } else {
            Err(ValueError::OutOfRange(
                format!("{inet}, which is an address with a network,").into(),
            ))
        }
    }
}

impl FromStr for Inet {
    type Err = ValueError;

    /// # Errors
    /// When it is not an address with, perhaps, the length of a prefix.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (address, prefix) = parse(text)?;
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Inet {
    /// As PostgreSQL prints it: without the prefix when that is the whole address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printed(self.address).fmt(f)?;
        if self.is_host() {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgresql_prints_is_printed_again() {
        for text in [
            "1.2.3.4/24",
            "1.2.3.4",
            "0.0.0.0/0",
            "255.255.255.255",
            "::1",
            "::",
            "::/0",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "::1.2.3.4/127",
            "1::2:0:0/64",
            "0:0:1::",
            "2001:db8::1/48",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert_eq!(text.parse::<Inet>().unwrap().to_string(), text);
        }
        assert_eq!("1.2.3.4/32".parse::<Inet>().unwrap().to_string(), "1.2.3.4");
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "::/129",
            "1.2.3.4/",
            "1.2.3.4/-1",
            "1.2.3.4/+1",
            "1.2.3.4/24/24",
            " 1.2.3.4",
            "1.2.3.4/256",
            "::1%eth0",
            "01.2.3.4",
        ] {
            let error = text.parse::<Inet>().unwrap_err();
            assert_eq!(error.to_string(), "not a network address", "{text}");
        }
        assert_eq!(Inet::new([1, 2, 3, 4].into(), 33), None);
    }
}
