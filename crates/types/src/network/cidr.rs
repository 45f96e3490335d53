//! [`Cidr`]: PostgreSQL's `cidr`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Inet, Printed, is_network, parse, width};
use crate::error::ValueError;

/// A value of PostgreSQL's `cidr`: a network, all of whose bits behind the prefix are zero.
///
/// ```
/// use purepg_types::{Cidr, Inet};
///
/// let network: Cidr = "192.0.2.0/24".parse()?;
/// assert_eq!((network.address(), network.prefix()), ([192, 0, 2, 0].into(), 24));
/// assert!("192.0.2.7/24".parse::<Cidr>().is_err());
/// assert!(Cidr::try_from("192.0.2.7/24".parse::<Inet>()?).is_err());
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// A network; `None` when the address has bits behind the prefix, or fewer than the prefix.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let fits = prefix <= width(address) && is_network(address, prefix);
        fits.then_some(Self { address, prefix })
    }

    /// The first address of the network.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits of the address name the network.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

impl TryFrom<Inet> for Cidr {
    type Error = ValueError;

    /// # Errors
    /// When the address has bits behind the prefix.
    fn try_from(inet: Inet) -> Result<Self, ValueError> {
        Self::new(inet.address(), inet.prefix()).ok_or_else(not_a_network)
    }
}

#[cold]
fn not_a_network() -> ValueError {
    ValueError::Invalid("not a network: it has bits behind its prefix".into())
}

impl FromStr for Cidr {
    type Err = ValueError;

    /// # Errors
    /// When it is not a network.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (address, prefix) = parse(text)?;
        Self::new(address, prefix).ok_or_else(not_a_network)
    }
}

impl fmt::Display for Cidr {
    /// As PostgreSQL prints it: always with the prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Printed(self.address), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_no_others() {
        for text in [
            "10.0.0.0/8",
            "0.0.0.0/0",
            "1.2.3.4/32",
            "::/0",
            "2001:db8::/32",
            "::1/128",
            "1.2.3.128/25",
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        for text in [
            "10.0.0.1/8",
            "128.0.0.0/0",
            "1.2.3.128/24",
            "::1/127",
            "8000::/0",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(not_a_network()), "{text}");
        }
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
        assert_eq!(Cidr::new([10, 0, 0, 0].into(), 200), None);
    }
}
