//! `inet`, `cidr`, `macaddr` and `macaddr8`, and the standard library's addresses.

use std::net::IpAddr;

use bytes::BytesMut;

use super::fixed;
use super::wire::{Wire, wire};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{Cidr, FromSql, Inet, IsNull, MacAddr, MacAddr8, ToSql, Type, network};

wire!(Inet, Cidr, MacAddr, MacAddr8);

impl Wire for Inet {
    /// A network is an address with a network, too; but not the other way round.
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::INET || ty.oid() == oids::CIDR
    }

    fn writes(ty: &Type) -> bool {
        ty.oid() == oids::INET
    }

    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let (address, prefix) = network::read_binary(raw)?;
        Self::new(address, prefix).ok_or_else(|| super::invalid("no such prefix"))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        network::write_binary(self.address(), self.prefix(), false, out);
        Ok(())
    }
}

impl Wire for Cidr {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::CIDR
    }

    fn writes(ty: &Type) -> bool {
        ty.oid() == oids::CIDR || ty.oid() == oids::INET
    }

    fn read(ty: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Inet::read(ty, raw)?.try_into()?)
    }

    fn write(&self, ty: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        let is_cidr = ty.oid() == oids::CIDR;
        network::write_binary(self.address(), self.prefix(), is_cidr, out);
        Ok(())
    }
}

macro_rules! mac {
    ($($rust:ident: $oid:ident),*) => { $(
        impl Wire for $rust {
            fn reads(ty: &Type) -> bool {
                ty.oid() == oids::$oid
            }

            fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
                Ok(Self(fixed(raw)?))
            }

            fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
                out.extend_from_slice(&self.0);
                Ok(())
            }
        }
    )* };
}

mac!(MacAddr: MACADDR, MacAddr8: MACADDR8);

impl<'a> FromSql<'a> for IpAddr {
    fn accepts(ty: &Type) -> bool {
        Inet::reads(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Inet::from_binary(ty, raw)?.try_into()?)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Inet::from_text(ty, raw)?.try_into()?)
    }
}

impl ToSql for IpAddr {
    /// As a network it is one of a single address.
    fn accepts(&self, ty: &Type) -> bool {
        Cidr::writes(ty)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let prefix = Inet::from(*self).prefix();
        network::write_binary(*self, prefix, ty.oid() == oids::CIDR, out);
        Ok(IsNull::No)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        Inet::from(*self).to_text(ty, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format};

    #[test]
    fn the_bytes_are_those_of_network_send() {
        let inet: Inet = "1.2.3.4/24".parse().unwrap();
        let raw = write(&inet, &Type::INET, Format::Binary).unwrap().unwrap();
        assert_eq!(raw, [2, 24, 0, 4, 1, 2, 3, 4]);
        let network: Cidr = "::/0".parse().unwrap();
        let raw = write(&network, &Type::CIDR, Format::Binary)
            .unwrap()
            .unwrap();
        let mut expected = vec![3, 0, 1, 16];
        expected.extend([0; 16]);
        assert_eq!(raw, expected);
        let raw = write(&network, &Type::INET, Format::Binary)
            .unwrap()
            .unwrap();
        assert_eq!(raw[2], 0);
    }

    proptest! {
        #[test]
        fn any_address(v4: [u8; 4], v6: [u8; 16], short in 0_u8..=32, long in 0_u8..=128, mac: [u8; 6], mac8: [u8; 8]) {
            for (address, prefix) in [(IpAddr::from(v4), short), (IpAddr::from(v6), long)] {
                round_trip(&Inet::new(address, prefix).unwrap(), &Type::INET);
                round_trip(&address, &Type::INET);
                round_trip(&address, &Type::CIDR);
                if let Some(network) = Cidr::new(address, prefix) {
                    round_trip(&network, &Type::CIDR);
                    let raw = write(&network, &Type::CIDR, Format::Binary).unwrap().unwrap();
                    let inet: Inet = read(&binary(Type::CIDR), &raw).unwrap();
                    prop_assert_eq!(inet, Inet::from(network));
                }
            }
            round_trip(&MacAddr(mac), &Type::MACADDR);
            round_trip(&MacAddr8(mac8), &Type::MACADDR8);
        }
    }

    #[test]
    fn an_address_alone_has_no_room_for_a_network() {
        for (column, raw) in [
            (text(Type::INET), &b"10.0.0.1/8"[..]),
            (binary(Type::INET), &[2, 8, 0, 4, 10, 0, 0, 1]),
        ] {
            assert_eq!(
                failure::<IpAddr>(&column, raw),
                (
                    DecodeErrorKind::OutOfRange,
                    r#"column "a" (inet) cannot be read as IpAddr: 10.0.0.1/8, which is an address with a network, does not fit"#.into()
                )
            );
        }
    }

    #[test]
    fn security_41_malformed_bytes_are_an_error() {
        for raw in [
            &[][..],
            &[2],
            &[2, 32, 0, 4, 1, 2, 3],
            &[2, 32, 0, 4, 1, 2, 3, 4, 5],
            &[2, 33, 0, 4, 1, 2, 3, 4],
            &[3, 32, 0, 4, 1, 2, 3, 4],
            &[2, 32, 0, 16, 1, 2, 3, 4],
            &[4, 32, 0, 4, 1, 2, 3, 4],
            &[
                3, 129, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
            &[3, 128, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(
                failure::<Inet>(&binary(Type::INET), raw).1,
                r#"column "a" (inet) cannot be read as Inet: not the bytes of a network address"#,
                "{raw:?}"
            );
        }
        assert_eq!(
            failure::<Cidr>(&binary(Type::CIDR), &[2, 8, 1, 4, 10, 0, 0, 1]).1,
            r#"column "a" (cidr) cannot be read as Cidr: not a network: it has bits behind its prefix"#
        );
    }

    #[test]
    fn an_address_is_no_network() {
        for format in FORMATS {
            let inet: Inet = "10.0.0.1/8".parse().unwrap();
            assert_eq!(
                write_failure(&inet, &Type::CIDR, format).0,
                EncodeErrorKind::WrongType
            );
        }
        assert_eq!(
            failure::<Cidr>(&text(Type::INET), b"10.0.0.0/8").0,
            DecodeErrorKind::WrongType
        );
    }
}
