//! `pg_lsn`, `tid`, `pg_snapshot` and its older twin `txid_snapshot`; `void`.

use bytes::{BufMut as _, BytesMut};

use super::wire::{Wire, wire};
use super::{fixed, invalid, out_of_range};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, PgLsn, Snapshot, Tid, Type};

wire!(PgLsn, Tid, Snapshot);

impl Wire for PgLsn {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::PG_LSN
    }

    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(u64::from_be_bytes(fixed(raw)?)))
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_u64(self.0);
        Ok(())
    }
}

impl Wire for Tid {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::TID
    }

    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let [b3, b2, b1, b0, o1, o0] = fixed(raw)?;
        Ok(Self {
            block: u32::from_be_bytes([b3, b2, b1, b0]),
            offset: u16::from_be_bytes([o1, o0]),
        })
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_u32(self.block);
        out.put_u16(self.offset);
        Ok(())
    }
}

impl Wire for Snapshot {
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::PG_SNAPSHOT || ty.oid() == oids::TXID_SNAPSHOT
    }

    /// The number of transactions, 32 bits wide; `xmin`; `xmax`; the transactions.
    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let parts = raw
            .split_first_chunk()
            .map(|(count, rest)| (u32::from_be_bytes(*count), rest.as_chunks::<8>()));
        match parts {
            Some((count, ([xmin, xmax, xip @ ..], [])))
                if usize::try_from(count) == Ok(xip.len()) =>
            {
                Ok(Self {
                    xmin: u64::from_be_bytes(*xmin),
                    xmax: u64::from_be_bytes(*xmax),
                    xip: xip.iter().copied().map(u64::from_be_bytes).collect(),
                })
            }
            _ => Err(invalid("not as many transactions as it says")),
        }
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        let count =
            i32::try_from(self.xip.len()).map_err(|_| out_of_range("a snapshot of so many"))?;
        out.put_i32(count);
        out.put_u64(self.xmin);
        out.put_u64(self.xmax);
        for xid in &self.xip {
            out.put_u64(*xid);
        }
        Ok(())
    }
}

/// The value of a function that returns none.
impl<'a> FromSql<'a> for () {
    fn accepts(ty: &Type) -> bool {
        ty.oid() == oids::VOID
    }

    fn from_binary(_: &Type, _: &'a [u8]) -> Result<Self, BoxError> {
        Ok(())
    }

    fn from_text(_: &Type, _: &'a [u8]) -> Result<Self, BoxError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, Format};

    #[test]
    fn the_bytes_are_those_of_the_send_functions() {
        let snapshot: Snapshot = "10:20:10,14".parse().unwrap();
        let raw = write(&snapshot, &Type::PG_SNAPSHOT, Format::Binary)
            .unwrap()
            .unwrap();
        let mut expected = vec![0, 0, 0, 2];
        for number in [10_u64, 20, 10, 14] {
            expected.extend(number.to_be_bytes());
        }
        assert_eq!(raw, expected);
        let tid = Tid {
            block: u32::MAX,
            offset: 1,
        };
        assert_eq!(
            write(&tid, &Type::TID, Format::Binary).unwrap().unwrap(),
            [0xff, 0xff, 0xff, 0xff, 0, 1]
        );
        for format in FORMATS {
            let column = crate::Column::new("a", Type::VOID, format);
            assert!(read::<()>(&column, b"").is_ok());
        }
        assert_eq!(
            failure::<()>(&text(Type::TEXT), b"").0,
            DecodeErrorKind::WrongType
        );
    }

    proptest! {
        #[test]
        fn any_value(lsn: u64, block: u32, offset: u16, xmin: u64, xmax: u64, xip: Vec<u64>) {
            round_trip(&PgLsn(lsn), &Type::PG_LSN);
            round_trip(&Tid { block, offset }, &Type::TID);
            let snapshot = Snapshot { xmin, xmax, xip };
            round_trip(&snapshot, &Type::PG_SNAPSHOT);
            round_trip(&snapshot, &Type::TXID_SNAPSHOT);
        }
    }

    #[test]
    fn security_41_a_number_of_transactions_that_is_not_there_is_an_error() {
        let mut many = vec![0xff, 0xff, 0xff, 0xff];
        many.extend([0; 24]);
        for raw in [
            &[][..],
            &[0; 3],
            &[0; 4],
            &[0; 12],
            &[0; 21],
            &[0; 28],
            &many,
        ] {
            assert_eq!(
                failure::<Snapshot>(&binary(Type::PG_SNAPSHOT), raw).1,
                r#"column "a" (pg_snapshot) cannot be read as Snapshot: not as many transactions as it says"#
            );
        }
        assert_eq!(
            failure::<Tid>(&binary(Type::TID), &[0; 8]).0,
            DecodeErrorKind::Invalid
        );
    }
}
