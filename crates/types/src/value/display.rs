//! The text that PostgreSQL would print.

use std::fmt::{self, Write as _};

use bytes::BytesMut;

use super::Value;
use crate::composite::write_field;
use crate::error::BoxError;
use crate::impls::array_text;
use crate::{Composite, IsNull, Multirange, Range, ToSql, Type};

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = BytesMut::new();
        match print(self, &mut out) {
            Ok(IsNull::Yes) => f.write_str("NULL"),
            Ok(IsNull::No) => f.write_str(&String::from_utf8_lossy(&out)),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = BytesMut::new();
        print_fields(self, &mut out).map_err(|_| fmt::Error)?;
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// A part of a value. Its text does not depend on a type: what was read of a type is printed.
struct Printed<'a>(&'a Value);

impl ToSql for Printed<'_> {
    fn accepts(&self, _: &Type) -> bool {
        true
    }

    fn to_binary(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, BoxError> {
        Err(crate::impls::unsupported("it is only printed"))
    }

    fn to_text(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        print(self.0, out)
    }
}

fn print(value: &Value, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    // Whatever has a form of its own knows it; ranges of parts are asked through a type that nothing is known of.
    let part = Type::unknown(0);
    match value {
        Value::Null => return Ok(IsNull::Yes),
        Value::Bool(value) => return value.to_text(&Type::BOOL, out),
        Value::Int2(value) => write!(out, "{value}")?,
        Value::Int4(value) => write!(out, "{value}")?,
        Value::Int8(value) => write!(out, "{value}")?,
        Value::Oid(value) => write!(out, "{value}")?,
        Value::Float4(value) => {
            let digits = format!("{value:e}");
            print_float(f64::from(*value), &digits, 6, out)?;
        }
        Value::Float8(value) => print_float(*value, &format!("{value:e}"), 15, out)?,
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) | Value::Binary(_, bytes) => {
            return bytes.to_text(&Type::BYTEA, out);
        }
        Value::Array(array) => {
            let elements: Vec<_> = array.iter().map(Printed).collect();
            array_text::write(&elements, array.shape(), &part, out)?;
        }
        Value::Range(range) => return printed(range).to_text(&part, out),
        Value::Multirange(multirange) => {
            let ranges: Multirange<_> = multirange.ranges().iter().map(printed).collect();
            return ranges.to_text(&part, out);
        }
        Value::Composite(composite) => print_fields(composite, out)?,
        Value::Hstore(map) => return map.to_text(&part, out),
    }
    Ok(IsNull::No)
}

fn printed(range: &Range<Value>) -> Range<Printed<'_>> {
    match range {
        Range::Empty => Range::Empty,
        Range::Bounds(lower, upper) => {
            Range::Bounds(lower.as_ref().map(Printed), upper.as_ref().map(Printed))
        }
    }
}

fn print_fields(composite: &Composite, out: &mut BytesMut) -> Result<(), BoxError> {
    out.extend_from_slice(b"(");
    for (place, value) in composite.values().iter().enumerate() {
        out.extend_from_slice(if place > 0 { b"," } else { b"" });
        write_field(&Printed(value), &Type::TEXT, out)?;
    }
    out.extend_from_slice(b")");
    Ok(())
}

/// The shortest digits that tell the number from its neighbours, as the server writes them: with an exponent when that is below -4, or as
/// large as the type has digits. `scientific` is Rust's form of the number: `1.5e-7`.
fn print_float(value: f64, scientific: &str, precise: i32, out: &mut BytesMut) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= precise {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    out.write_str(sign)?;
    let digits: String = digits.chars().filter(|c| *c != '.').collect();
    match usize::try_from(exponent) {
        Err(_) => {
            let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(1);
            write!(out, "0.{:0<1$}{digits}", "", zeros.saturating_sub(1))
        }
        Ok(exponent) => {
            let whole = exponent.saturating_add(1);
            match digits.split_at_checked(whole) {
                Some((whole, "")) => out.write_str(whole),
                Some((whole, fraction)) => write!(out, "{whole}.{fraction}"),
                None => write!(out, "{digits:0<whole$}"),
            }
        }
    }
}
