//! Values of Rust to a [`Value`], and what it holds.

use super::Value;
use crate::{
    Array, BitString, Cidr, Composite, Date, Inet, Interval, MacAddr, MacAddr8, Multirange,
    Numeric, PgLsn, Range, Snapshot, Tid, Time, TimeTz, Timestamp, TimestampTz,
};

impl Value {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The truth value that it is.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer that it is, of whatever width.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Int2(value) => Some(value.into()),
            Self::Int4(value) => Some(value.into()),
            Self::Int8(value) => Some(value),
            Self::Oid(value) => Some(value.into()),
            _ => None,
        }
    }

    /// The floating point number that it is.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Float4(value) => Some(value.into()),
            Self::Float8(value) => Some(value),
            _ => None,
        }
    }

    /// The string that it is.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes of a `bytea`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The array that it is.
    pub fn as_array(&self) -> Option<&Array<Self>> {
        match self {
            Self::Array(value) => Some(value),
            _ => None,
        }
    }

    /// The composite value that it is.
    pub fn as_composite(&self) -> Option<&Composite> {
        match self {
            Self::Composite(value) => Some(value),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($rust:ty: $value:ident => $made:expr;)*) => { $(
        impl From<$rust> for Value {
            fn from($value: $rust) -> Self {
                $made
            }
        }
    )* };
}

from! {
    bool: value => Self::Bool(value);
    i16: value => Self::Int2(value);
    i32: value => Self::Int4(value);
    i64: value => Self::Int8(value);
    u32: value => Self::Oid(value);
    f32: value => Self::Float4(value);
    f64: value => Self::Float8(value);
    &str: value => Self::Text(value.into());
    String: value => Self::Text(value);
    Vec<u8>: value => Self::Bytes(value);
    &[u8]: value => Self::Bytes(value.into());
    Numeric: value => Self::Numeric(value);
    Date: value => Self::Date(value);
    Time: value => Self::Time(value);
    TimeTz: value => Self::TimeTz(value);
    Timestamp: value => Self::Timestamp(value);
    TimestampTz: value => Self::TimestampTz(value);
    Interval: value => Self::Interval(value);
    Inet: value => Self::Inet(value);
    Cidr: value => Self::Cidr(value);
    MacAddr: value => Self::MacAddr(value);
    MacAddr8: value => Self::MacAddr8(value);
    BitString: value => Self::Bits(value);
    PgLsn: value => Self::Lsn(value);
    Tid: value => Self::Tid(value);
    Snapshot: value => Self::Snapshot(value);
    Array<Self>: value => Self::Array(value);
    Vec<Self>: value => Self::Array(value.into());
    Range<Self>: value => Self::Range(Box::new(value));
    Multirange<Self>: value => Self::Multirange(value);
    Composite: value => Self::Composite(value);
}

/// `None` is NULL.
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
