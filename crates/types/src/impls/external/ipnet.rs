//! The types of `ipnet`, which are addresses with the length of a prefix, as `inet` is.

use ::ipnet::{IpNet, Ipv4Net, Ipv6Net};
use bytes::BytesMut;

use super::{does_not_fit, invalid};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{Cidr, FromSql, Inet, IsNull, ToSql, Type};

impl<'a> FromSql<'a> for IpNet {
    fn accepts(ty: &Type) -> bool {
        <Inet as FromSql>::accepts(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if ty.oid() == oids::CIDR {
            return network(Cidr::from_binary(ty, raw)?.into());
        }
        network(Inet::from_binary(ty, raw)?)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if ty.oid() == oids::CIDR {
            return network(Cidr::from_text(ty, raw)?.into());
        }
        network(Inet::from_text(ty, raw)?)
    }
}

fn network(inet: Inet) -> Result<IpNet, BoxError> {
    IpNet::new(inet.address(), inet.prefix()).map_err(|_| does_not_fit(&inet))
}

impl ToSql for IpNet {
    fn accepts(&self, ty: &Type) -> bool {
        ty.oid() == oids::INET || ty.oid() == oids::CIDR
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let inet = inet(*self)?;
        if ty.oid() == oids::CIDR {
            return Cidr::try_from(inet)?.to_binary(ty, out);
        }
        inet.to_binary(ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let inet = inet(*self)?;
        if ty.oid() == oids::CIDR {
            return Cidr::try_from(inet)?.to_text(ty, out);
        }
        inet.to_text(ty, out)
    }
}

fn inet(network: IpNet) -> Result<Inet, BoxError> {
    Inet::new(network.addr(), network.prefix_len()).ok_or_else(|| invalid("no such prefix"))
}

macro_rules! family {
    ($($rust:ident: $variant:ident),*) => { $(
        impl<'a> FromSql<'a> for $rust {
            fn accepts(ty: &Type) -> bool {
                <Inet as FromSql>::accepts(ty)
            }

            fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                match IpNet::from_binary(ty, raw)? {
                    IpNet::$variant(network) => Ok(network),
                    other => Err(does_not_fit(&other)),
                }
            }

            fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                match IpNet::from_text(ty, raw)? {
                    IpNet::$variant(network) => Ok(network),
                    other => Err(does_not_fit(&other)),
                }
            }
        }

        impl ToSql for $rust {
            fn accepts(&self, ty: &Type) -> bool {
                IpNet::from(*self).accepts(ty)
            }

            fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                IpNet::from(*self).to_binary(ty, out)
            }

            fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                IpNet::from(*self).to_text(ty, out)
            }
        }
    )* };
}

family!(Ipv4Net: V4, Ipv6Net: V6);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{DecodeErrorKind, EncodeErrorKind};

    proptest! {
        #[test]
        fn any_network(v4: [u8; 4], v6: [u8; 16], short in 0_u8..=32, long in 0_u8..=128) {
            let v4 = Ipv4Net::new(v4.into(), short).unwrap();
            let v6 = Ipv6Net::new(v6.into(), long).unwrap();
            round_trip(&v4, &Type::INET);
            round_trip(&v6, &Type::INET);
            round_trip(&v4.trunc(), &Type::CIDR);
            round_trip(&v6.trunc(), &Type::CIDR);
            round_trip(&IpNet::from(v4), &Type::INET);
            round_trip(&IpNet::from(v6.trunc()), &Type::CIDR);
        }
    }

    #[test]
    fn the_other_family_and_no_network() {
        assert_eq!(
            failure::<Ipv6Net>(&text(Type::INET), b"10.0.0.1/8"),
            (
                DecodeErrorKind::OutOfRange,
                r#"column "a" (inet) cannot be read as Ipv6Net: 10.0.0.1/8 does not fit"#.into()
            )
        );
        let network: IpNet = "10.0.0.1/8".parse().unwrap();
        for format in FORMATS {
            assert_eq!(
                write_failure(&network, &Type::CIDR, format).0,
                EncodeErrorKind::Invalid
            );
        }
    }

    /// Neither an `IpNet` nor the server could write it.
    #[test]
    fn a_cidr_is_a_network() {
        let column = text(Type::CIDR);
        assert_eq!(
            failure::<IpNet>(&column, b"10.0.0.1/8").0,
            DecodeErrorKind::Invalid
        );
        assert!(read::<IpNet>(&column, b"10.0.0.0/8").is_ok());
        assert!(read::<IpNet>(&text(Type::INET), b"10.0.0.1/8").is_ok());
        let raw = [2, 8, 1, 4, 10, 0, 0, 1];
        assert_eq!(
            failure::<Ipv4Net>(&binary(Type::CIDR), &raw).0,
            DecodeErrorKind::Invalid
        );
        assert!(read::<Ipv4Net>(&binary(Type::INET), &raw).is_ok());
    }
}
