//! Network addresses, as PostgreSQL has them.

mod cidr;
mod inet;
mod mac;

pub use cidr::Cidr;
pub use inet::Inet;
pub use mac::{MacAddr, MacAddr8};

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut as _, BytesMut};

use crate::error::ValueError;

/// How many bits an address has.
const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether all bits behind the prefix are zero.
fn is_network(address: IpAddr, prefix: u8) -> bool {
    let beyond = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    beyond.checked_shl(prefix.into()).unwrap_or(0) == 0
}

/// `address/prefix`; the prefix can be left out when it is the whole address.
fn parse(text: &str) -> Result<(IpAddr, u8), ValueError> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let parsed = address.parse::<IpAddr>().ok().and_then(|address| {
        let prefix = match prefix {
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok()?
            }
            Some(_) => return None,
            None => width(address),
        };
        (prefix <= width(address)).then_some((address, prefix))
    });
    parsed.ok_or_else(|| ValueError::Invalid("not a network address".into()))
}

/// An address as PostgreSQL prints it, which is as Rust does, except for the old form of IPv4 in IPv6.
struct Printed(IpAddr);

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let IpAddr::V6(address) = self.0
            && let Ok(low @ 0x1_0000..) = u32::try_from(address.to_bits())
        {
            return write!(f, "::{}", Ipv4Addr::from_bits(low));
        }
        self.0.fmt(f)
    }
}

// `network_send` in the server's `network.c`: the family, the prefix, whether it is a cidr, the length of the address, the address.
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

pub(crate) fn read_binary(raw: &[u8]) -> Result<(IpAddr, u8), ValueError> {
    let (address, prefix) = match *raw {
        [FAMILY_V4, prefix, _, 4, a, b, c, d] => (IpAddr::from([a, b, c, d]), prefix),
        [FAMILY_V6, prefix, _, 16, ref address @ ..] => match <[u8; 16]>::try_from(address) {
            Ok(address) => (Ipv6Addr::from(address).into(), prefix),
            Err(_) => return Err(malformed()),
        },
        _ => return Err(malformed()),
    };
    if prefix > width(address) {
        return Err(malformed());
    }
    Ok((address, prefix))
}

#[cold]
fn malformed() -> ValueError {
    ValueError::Invalid("not the bytes of a network address".into())
}

pub(crate) fn write_binary(address: IpAddr, prefix: u8, is_cidr: bool, out: &mut BytesMut) {
    let is_cidr = u8::from(is_cidr);
    match address {
        IpAddr::V4(address) => {
            out.put_slice(&[FAMILY_V4, prefix, is_cidr, 4]);
            out.put_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.put_slice(&[FAMILY_V6, prefix, is_cidr, 16]);
            out.put_slice(&address.octets());
        }
    }
}
