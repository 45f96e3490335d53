//! The text that PostgreSQL would print.

use std::fmt::{self, Write as _};

use bytes::BytesMut;

use super::Value;
use crate::composite::write_field;
use crate::error::BoxError;
use crate::float::{Float4, Float8};
use crate::impls::{array_text, print_hstore};
use crate::{Composite, IsNull, Multirange, Range, ToSql, Type};

/// What cannot be printed so, since it is nested too deeply, is shown as [`Debug`](fmt::Debug) does.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.printed() {
            Ok(text) => f.write_str(&text),
            Err(_) => fmt::Debug::fmt(self, f),
        }
    }
}

/// As that of a [`Value`].
impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = BytesMut::new();
        match print_fields(self, 0, &mut out) {
            Ok(()) => f.write_str(&String::from_utf8_lossy(&out)),
            Err(_) => fmt::Debug::fmt(self, f),
        }
    }
}

impl Value {
    /// The text, unless it would be much longer than the value.
    pub(crate) fn printed(&self) -> Result<String, BoxError> {
        let mut out = BytesMut::new();
        Ok(match print(self, 0, &mut out)? {
            IsNull::Yes => "NULL".to_owned(),
            IsNull::No => String::from_utf8_lossy(&out).into_owned(),
        })
    }
}

/// A part of a value, and how many values it is within. Its text does not depend on a type: what was read of a type is printed.
struct Printed<'a>(&'a Value, u32);

impl ToSql for Printed<'_> {
    fn accepts(&self, _: &Type) -> bool {
        true
    }

    fn to_binary(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, BoxError> {
        Err(crate::impls::unsupported("it is only printed"))
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let start = out.len();
        let is_null = print(self.0, self.1, out)?;
        check_escapes(out.get(start..).unwrap_or_default(), self.1)?;
        Ok(is_null)
    }
}

/// Each value around a part puts an escape before every quote and every backslash in it: there are twice as many then. A few hundred bytes of
/// records within records would become as many as there is no memory for.
fn check_escapes(part: &[u8], level: u32) -> Result<(), BoxError> {
    const FEW: u32 = 4;
    const LONG: usize = 1024 * 1024;
    if level <= FEW {
        return Ok(());
    }
    let special = |byte: &&u8| matches!(byte, b'"' | b'\\');
    let escapes = part.iter().filter(special).count();
    let all = 1_usize
        .checked_shl(level)
        .and_then(|times| escapes.checked_mul(times));
    let most = part.len().saturating_mul(1 << FEW).saturating_add(LONG);
    if escapes > 0 && all.is_none_or(|all| all > most) {
        return Err(crate::impls::unsupported(
            "values within values are nested too deeply to be printed",
        ));
    }
    Ok(())
}

fn print(value: &Value, level: u32, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    // Whatever has a form of its own knows it; ranges of parts are asked through a type that nothing is known of.
    let part = Type::unknown(0);
    let below = level.saturating_add(1);
    match value {
        Value::Null => return Ok(IsNull::Yes),
        Value::Bool(value) => return value.to_text(&Type::BOOL, out),
        Value::Int2(value) => write!(out, "{value}")?,
        Value::Int4(value) => write!(out, "{value}")?,
        Value::Int8(value) => write!(out, "{value}")?,
        Value::Oid(value) => write!(out, "{value}")?,
        Value::Float4(value) => write!(out, "{}", Float4(*value))?,
        Value::Float8(value) => write!(out, "{}", Float8(*value))?,
        Value::Numeric(value) => write!(out, "{value}")?,
        Value::Date(value) => write!(out, "{value}")?,
        Value::Time(value) => write!(out, "{value}")?,
        Value::TimeTz(value) => write!(out, "{value}")?,
        Value::Timestamp(value) => write!(out, "{value}")?,
        Value::TimestampTz(value) => write!(out, "{value}")?,
        Value::Interval(value) => write!(out, "{value}")?,
        Value::Inet(value) => write!(out, "{value}")?,
        Value::Cidr(value) => write!(out, "{value}")?,
        Value::MacAddr(value) => write!(out, "{value}")?,
        Value::MacAddr8(value) => write!(out, "{value}")?,
        Value::Bits(value) => write!(out, "{value}")?,
        Value::Xid8(value) => write!(out, "{value}")?,
        Value::Lsn(value) => write!(out, "{value}")?,
        Value::Tid(value) => write!(out, "{value}")?,
        Value::Snapshot(value) => write!(out, "{value}")?,
        Value::Point(value) => write!(out, "{value}")?,
        Value::Line(value) => write!(out, "{value}")?,
        Value::Lseg(value) => write!(out, "{value}")?,
        Value::Box(value) => write!(out, "{value}")?,
        Value::Path(value) => write!(out, "{value}")?,
        Value::Polygon(value) => write!(out, "{value}")?,
        Value::Circle(value) => write!(out, "{value}")?,
        Value::Uuid(value) => return value.to_text(&Type::UUID, out),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) | Value::Binary(_, bytes) => {
            return bytes.to_text(&Type::BYTEA, out);
        }
        Value::Array(array) => {
            let elements = array.iter().map(|value| Printed(value, below));
            let elements: Vec<_> = elements.collect();
            let part = match array.delimiter() {
                Some(b',') => part,
                Some(delimiter) => part.with_delimiter(delimiter),
                // Nobody has said so, but there is only one type that has another.
                None if array.iter().any(|value| matches!(value, Value::Box(_))) => Type::BOX,
                None => part,
            };
            array_text::write(&elements, array.shape(), &part, out)?;
        }
        Value::Range(range) => return printed(range, below).to_text(&part, out),
        Value::Multirange(multirange) => {
            let ranges = multirange.ranges().iter();
            let ranges: Multirange<_> = ranges.map(|range| printed(range, below)).collect();
            return ranges.to_text(&part, out);
        }
        Value::Composite(composite) => print_fields(composite, level, out)?,
        Value::Hstore(map) => return print_hstore(map, out),
    }
    Ok(IsNull::No)
}

fn printed(range: &Range<Value>, level: u32) -> Range<Printed<'_>> {
    match range {
        Range::Empty => Range::Empty,
        Range::Bounds(lower, upper) => Range::Bounds(
            lower.as_ref().map(|value| Printed(value, level)),
            upper.as_ref().map(|value| Printed(value, level)),
        ),
    }
}

fn print_fields(composite: &Composite, level: u32, out: &mut BytesMut) -> Result<(), BoxError> {
    out.extend_from_slice(b"(");
    for (place, value) in composite.values().iter().enumerate() {
        out.extend_from_slice(if place > 0 { b"," } else { b"" });
        write_field(&Printed(value, level.saturating_add(1)), &Type::TEXT, out)?;
    }
    out.extend_from_slice(b")");
    Ok(())
}
