//! Arrays: `Vec`, boxed slices, arrays and slices of Rust for one dimension, [`Array`] for all; `int2vector` and `oidvector`.

mod binary;
pub(crate) mod text;

use bytes::BytesMut;

use super::invalid;
use crate::array::{Array, Shape};
use crate::column::Format;
use crate::error::BoxError;
use crate::ty::oids;
use crate::{FromSql, FromSqlOwned, IsNull, Kind, ToSql, Type};

/// The type of the elements; of a type of which nothing is known another such.
fn element(ty: &Type) -> Option<&Type> {
    match ty.kind() {
        Kind::Array => ty.part(),
        _ => ty.is_unknown().then_some(ty),
    }
}

fn accepts<T: FromSqlOwned>(ty: &Type) -> bool {
    element(ty).is_some_and(|element| T::accepts(element.underlying()))
}

/// The elements, and how they are arranged.
fn read_all<T: FromSqlOwned>(
    ty: &Type,
    raw: &[u8],
    format: Format,
) -> Result<(Vec<T>, Shape), BoxError> {
    let element = element(ty).ok_or_else(|| invalid("not an array"))?;
    match format {
        Format::Binary if ty.is_unknown() => Err(super::unsupported(
            "nothing is known of its type: ask for the text format",
        )),
        Format::Binary => binary::read(element, raw),
        Format::Text if is_vector(ty) => text::read_vector(element, raw),
        Format::Text => text::read(element, raw),
    }
}

fn read_one<T: FromSqlOwned>(ty: &Type, raw: &[u8], format: Format) -> Result<Vec<T>, BoxError> {
    let (elements, shape) = read_all(ty, raw, format)?;
    match shape.as_slice() {
        [] | [_] => Ok(elements),
        more => Err(invalid(format!(
            "an array of {} dimensions, which only an Array takes",
            more.len()
        ))),
    }
}

/// Arrays with a text form of their own, one dimension, and 0 for the first subscript.
fn is_vector(ty: &Type) -> bool {
    matches!(ty.oid(), oids::INT2VECTOR | oids::OIDVECTOR)
}

macro_rules! from_array {
    ($([$($generic:tt)*] $rust:ty: $read:expr;)*) => { $(
        impl<'a, T: FromSqlOwned, $($generic)*> FromSql<'a> for $rust {
            fn accepts(ty: &Type) -> bool {
                accepts::<T>(ty)
            }

            fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                $read(ty, raw, Format::Binary)
            }

            fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
                $read(ty, raw, Format::Text)
            }
        }
    )* };
}

from_array! {
    [] Vec<T>: read_one;
    [] Box<[T]>: |ty, raw, format| read_one(ty, raw, format).map(Vec::into_boxed_slice);
    [const N: usize] [T; N]: read_exactly;
    [] Array<T>: |ty, raw, format| {
        let delimiter = element(ty).map(Type::delimiter_byte);
        read_all(ty, raw, format).map(|(elements, shape)| Self::from_parts(elements, shape, delimiter))
    };
}

fn read_exactly<T: FromSqlOwned, const N: usize>(
    ty: &Type,
    raw: &[u8],
    format: Format,
) -> Result<[T; N], BoxError> {
    let elements = read_one(ty, raw, format)?;
    <[T; N]>::try_from(elements)
        .map_err(|elements| invalid(format!("{} elements instead of {N}", elements.len())))
}

fn writes<T: ToSql>(elements: &[T], shape: &Shape, ty: &Type) -> bool {
    ty.kind() == Kind::Array
        && (!is_vector(ty) || shape.as_slice().len() <= 1)
        && element(ty).is_some_and(|element| {
            let element = element.underlying();
            elements.iter().all(|value| value.accepts(element))
        })
}

fn writes_binary<T: ToSql>(elements: &[T], ty: &Type) -> bool {
    // There is no binary form of an empty vector that the server takes.
    let empty_vector = is_vector(ty) && elements.is_empty();
    !empty_vector
        && element(ty).is_some_and(|element| {
            let element = element.underlying();
            elements.iter().all(|value| value.supports_binary(element))
        })
}

fn write_all<T: ToSql>(
    elements: &[T],
    shape: &Shape,
    ty: &Type,
    format: Format,
    out: &mut BytesMut,
) -> Result<IsNull, BoxError> {
    let element = element(ty).ok_or_else(|| invalid("not an array"))?;
    let vector = is_vector(ty);
    match format {
        Format::Binary if vector => {
            let shape = Shape::of_one(elements.len(), 0);
            binary::write(elements, &shape, element, out)?;
        }
        Format::Binary => binary::write(elements, shape, element, out)?,
        Format::Text if vector => text::write_vector(elements, element, out)?,
        Format::Text => text::write(elements, shape, element, out)?,
    }
    Ok(IsNull::No)
}

macro_rules! to_array {
    ($([$($generic:tt)*] $rust:ty: $this:ident => $elements:expr, $shape:expr;)*) => { $(
        impl<T: ToSql, $($generic)*> ToSql for $rust {
            /// An empty one is an array of any type.
            fn accepts(&self, ty: &Type) -> bool {
                let $this = self;
                writes($elements, $shape, ty)
            }

            fn supports_binary(&self, ty: &Type) -> bool {
                let $this = self;
                writes_binary($elements, ty.underlying())
            }

            fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                let $this = self;
                write_all($elements, $shape, ty, Format::Binary, out)
            }

            fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                let $this = self;
                write_all($elements, $shape, ty, Format::Text, out)
            }
        }
    )* };
}

to_array! {
    [] [T]: this => this, &Shape::of_one(this.len(), 1);
    [] Vec<T>: this => this, &Shape::of_one(this.len(), 1);
    [const N: usize] [T; N]: this => this, &Shape::of_one(N, 1);
    [] Array<T>: this => this.elements(), this.shape();
}

#[cfg(test)]
mod tests;
