//! Reading: what a type is decides what its values become.

use std::cell::Cell;

use super::Value;
use crate::column::Format;
use crate::composite::can_be_composite;
use crate::error::BoxError;
use crate::impls::{invalid, parts};
use crate::ty::oids;
use crate::{FromSql, Kind, Type};

/// Records within records have no other end: a type that is not `record` says how deep it is.
const MAX_DEPTH: u32 = 64;

impl<'a> FromSql<'a> for Value {
    /// Every type.
    fn accepts(_: &Type) -> bool {
        true
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        read(ty.underlying(), raw, Format::Binary)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        read(ty.underlying(), raw, Format::Text)
    }

    fn from_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self::Null)
    }
}

fn read(ty: &Type, raw: &[u8], format: Format) -> Result<Value, BoxError> {
    fn part<'a, T: FromSql<'a>>(ty: &Type, raw: &'a [u8], format: Format) -> Result<T, BoxError> {
        parts::read(ty, Some(raw), format)
    }
    if let Some(converter) = ty.converter() {
        return converter.read(ty, raw, format);
    }
    match ty.oid() {
        oids::BOOL => return part(ty, raw, format).map(Value::Bool),
        oids::INT2 => return part(ty, raw, format).map(Value::Int2),
        oids::INT4 => return part(ty, raw, format).map(Value::Int4),
        oids::INT8 => return part(ty, raw, format).map(Value::Int8),
        oids::OID | oids::XID | oids::CID => return part(ty, raw, format).map(Value::Oid),
        oids::FLOAT4 => return part(ty, raw, format).map(Value::Float4),
        oids::FLOAT8 => return part(ty, raw, format).map(Value::Float8),
        oids::BYTEA => return part(ty, raw, format).map(Value::Bytes),
        oids::NUMERIC => return part(ty, raw, format).map(Value::Numeric),
        oids::DATE => return part(ty, raw, format).map(Value::Date),
        oids::TIME => return part(ty, raw, format).map(Value::Time),
        oids::TIMETZ => return part(ty, raw, format).map(Value::TimeTz),
        oids::TIMESTAMP => return part(ty, raw, format).map(Value::Timestamp),
        oids::TIMESTAMPTZ => return part(ty, raw, format).map(Value::TimestampTz),
        oids::INTERVAL => return part(ty, raw, format).map(Value::Interval),
        oids::INET => return part(ty, raw, format).map(Value::Inet),
        oids::CIDR => return part(ty, raw, format).map(Value::Cidr),
        oids::MACADDR => return part(ty, raw, format).map(Value::MacAddr),
        oids::MACADDR8 => return part(ty, raw, format).map(Value::MacAddr8),
        oids::BIT | oids::VARBIT => return part(ty, raw, format).map(Value::Bits),
        oids::XID8 => return part(ty, raw, format).map(Value::Xid8),
        oids::PG_LSN => return part(ty, raw, format).map(Value::Lsn),
        oids::TID => return part(ty, raw, format).map(Value::Tid),
        oids::PG_SNAPSHOT | oids::TXID_SNAPSHOT => {
            return part(ty, raw, format).map(Value::Snapshot);
        }
        oids::POINT => return part(ty, raw, format).map(Value::Point),
        oids::LINE => return part(ty, raw, format).map(Value::Line),
        oids::LSEG => return part(ty, raw, format).map(Value::Lseg),
        oids::BOX => return part(ty, raw, format).map(Value::Box),
        oids::PATH => return part(ty, raw, format).map(Value::Path),
        oids::POLYGON => return part(ty, raw, format).map(Value::Polygon),
        oids::CIRCLE => return part(ty, raw, format).map(Value::Circle),
        oids::UUID => return part(ty, raw, format).map(Value::Uuid),
        oids::JSONB | oids::JSONPATH | oids::XML | oids::VOID => {
            return part(ty, raw, format).map(Value::Text);
        }
        oids::INT2VECTOR | oids::OIDVECTOR => {
            // As an array of one's own it would not be printed as the server prints it.
            let numbers: Vec<i64> = part(ty, raw, format)?;
            let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
            return Ok(Value::Text(numbers.join(" ")));
        }
        oids::CHAR => return part::<i8>(ty, raw, format).map(char_text),
        _ => {}
    }
    // What consists of others can only be read if those are known.
    match ty.kind() {
        Kind::Array if ty.part().is_some() => {
            let _depth = Depth::enter()?;
            return part(ty, raw, format).map(Value::Array);
        }
        Kind::Range if ty.part().is_some() => {
            return part(ty, raw, format).map(|range| Value::Range(Box::new(range)));
        }
        Kind::Multirange if ty.part().and_then(Type::part).is_some() => {
            return part(ty, raw, format).map(Value::Multirange);
        }
        _ => {}
    }
    if can_be_composite(ty) && !ty.is_unknown() {
        let _depth = Depth::enter()?;
        return part(ty, raw, format).map(Value::Composite);
    }
    if ty.is_hstore() {
        return part(ty, raw, format).map(Value::Hstore);
    }
    if format == Format::Text || ty.is_text_like() {
        ty.note_label(raw);
        return part(&Type::TEXT, raw, Format::Text).map(Value::Text);
    }
    Ok(Value::Binary(ty.clone(), raw.to_vec()))
}

/// What `charout` writes of it since PostgreSQL 16.
fn char_text(value: i8) -> Value {
    let [byte] = value.to_be_bytes();
    Value::Text(match byte {
        0 => String::new(),
        1..=0x7f => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    })
}

/// How deep the reading of this thread is in values.
struct Depth;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

impl Depth {
    fn enter() -> Result<Self, BoxError> {
        DEPTH.with(|depth| {
            if depth.get() == MAX_DEPTH {
                return Err(invalid("values within values are nested too deeply"));
            }
            depth.set(depth.get().saturating_add(1));
            Ok(Self)
        })
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}
