//! Writing: a value is written wherever what it holds can be.

use bytes::BytesMut;

use super::Value;
use crate::error::BoxError;
use crate::{IsNull, ToSql, Type};

/// Runs the same on whatever the value holds.
macro_rules! each {
    ($value:expr, $held:ident => $result:expr, null => $null:expr, binary($ty:ident, $raw:ident) => $binary:expr) => {
        match $value {
            Value::Null => $null,
            Value::Bool($held) => $result,
            Value::Int2($held) => $result,
            Value::Int4($held) => $result,
            Value::Int8($held) => $result,
            Value::Oid($held) => $result,
            Value::Float4($held) => $result,
            Value::Float8($held) => $result,
            Value::Text($held) => $result,
            Value::Bytes($held) => $result,
            Value::Numeric($held) => $result,
            Value::Date($held) => $result,
            Value::Time($held) => $result,
            Value::TimeTz($held) => $result,
            Value::Timestamp($held) => $result,
            Value::TimestampTz($held) => $result,
            Value::Interval($held) => $result,
            Value::Inet($held) => $result,
            Value::Cidr($held) => $result,
            Value::MacAddr($held) => $result,
            Value::MacAddr8($held) => $result,
            Value::Bits($held) => $result,
            Value::Xid8($held) => $result,
            Value::Lsn($held) => $result,
            Value::Tid($held) => $result,
            Value::Snapshot($held) => $result,
            Value::Point($held) => $result,
            Value::Line($held) => $result,
            Value::Lseg($held) => $result,
            Value::Box($held) => $result,
            Value::Path($held) => $result,
            Value::Polygon($held) => $result,
            Value::Circle($held) => $result,
            Value::Uuid($held) => $result,
            Value::Array($held) => $result,
            Value::Range($held) => $result,
            Value::Multirange($held) => $result,
            Value::Composite($held) => $result,
            Value::Hstore($held) => $result,
            Value::Binary($ty, $raw) => $binary,
        }
    };
}

impl ToSql for Value {
    fn accepts(&self, ty: &Type) -> bool {
        each!(self, held => held.accepts(ty), null => true, binary(own, _raw) => own == ty)
    }

    fn supports_binary(&self, ty: &Type) -> bool {
        each!(self, held => held.supports_binary(ty), null => true, binary(_own, _raw) => true)
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        each!(self, held => held.to_binary(ty, out), null => Ok(IsNull::Yes), binary(_own, raw) => {
            out.extend_from_slice(raw);
            Ok(IsNull::No)
        })
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        each!(self, held => held.to_text(ty, out), null => Ok(IsNull::Yes), binary(_own, _raw) => {
            Err(crate::impls::unsupported("nothing but its binary form is known"))
        })
    }
}
