//! [`CompositeReader`]: the fields of a composite value, one after the other.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use crate::column::Format;
use crate::error::{BoxError, ValueError};
use crate::impls::parts::{self, Reader};
use crate::impls::quoting::{take_byte, take_quoted, take_until};
use crate::impls::{invalid, unsupported};
use crate::{FromSqlOwned, Kind, Type, TypeField};

/// The fields of a composite value, in the order in which the type has them.
///
/// ```
/// use purepg_types::{BoxError, CompositeReader, Format, FromSql, Kind, Type, TypeField};
///
/// #[derive(Debug, PartialEq)]
/// struct Point { x: i32, y: i32 }
///
/// impl Point {
///     fn read(ty: &Type, raw: &[u8], format: Format) -> Result<Self, BoxError> {
///         let mut fields = CompositeReader::new(ty, raw, format)?;
///         let (x, y) = (fields.field()?, fields.field()?);
///         fields.end()?;
///         Ok(Self { x, y })
///     }
/// }
///
/// let fields = [TypeField::new("x", Type::INT4), TypeField::new("y", Type::INT4)];
/// let ty = Type::new(70_000, "pixel", Kind::Composite, None).with_fields(fields);
/// assert_eq!(Point::read(&ty, b"(1,2)", Format::Text)?, Point { x: 1, y: 2 });
/// # Ok::<(), BoxError>(())
/// ```
pub struct CompositeReader<'a> {
    ty: &'a Type,
    rest: Rest<'a>,
    next: usize,
}

enum Rest<'a> {
    /// What is left, and of how many fields.
    Binary(Reader<'a>, usize),
    /// What is left behind the parenthesis or the last comma; nothing behind the end.
    Text(Option<&'a [u8]>),
}

/// A field of a composite value.
pub struct CompositeField<'a> {
    name: Option<&'a str>,
    ty: Cow<'a, Type>,
    value: Option<Cow<'a, [u8]>>,
    format: Format,
}

impl<'a> CompositeReader<'a> {
    /// The fields of a value in this format. The type is a composite type, `record`, or one that nothing is known of; or a domain over
    /// such a type.
    ///
    /// # Errors
    /// When the type is another, or when the value has more or fewer fields than the type. It has when the type was altered since it
    /// was looked up ([`Type::is_outdated`]).
    pub fn new(ty: &'a Type, raw: &'a [u8], format: Format) -> Result<Self, BoxError> {
        let ty = ty.underlying();
        if !can_be_composite(ty) {
            return Err(Box::new(ValueError::WrongType));
        }
        let rest = match format {
            Format::Binary if ty.is_unknown() => {
                return Err(unsupported(
                    "nothing is known of its type: ask for the text format",
                ));
            }
            Format::Binary => {
                let mut reader = Reader::new(raw);
                // Each has an oid and a length.
                let count = reader.count(8)?;
                if !ty.fields().is_empty() && ty.fields().len() != count {
                    return Err(outdated(ty));
                }
                Rest::Binary(reader, count)
            }
            Format::Text => Rest::Text(begin_text(ty, raw)?),
        };
        Ok(Self { ty, rest, next: 0 })
    }

    /// The next field, as a `T`.
    ///
    /// # Errors
    /// When there is none left, when it is not one of a type for `T`, or when it cannot be read.
    pub fn field<T: FromSqlOwned>(&mut self) -> Result<T, BoxError> {
        match self.next() {
            Some(field) => field?.decode(),
            None => Err(invalid(format!("it has no more than {} fields", self.next))),
        }
    }

    /// Makes sure that no field is left.
    ///
    /// # Errors
    /// When one is.
    pub fn end(mut self) -> Result<(), BoxError> {
        match self.next() {
            None => Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) => Err(invalid(format!(
                "it has more than {} fields",
                self.next.saturating_sub(1)
            ))),
        }
    }

    fn read_next(&mut self) -> Result<Option<CompositeField<'a>>, BoxError> {
        let known = self.ty.fields().get(self.next);
        let (ty, value, format) = match &mut self.rest {
            Rest::Binary(reader, 0) => return reader.end().map(|()| None),
            Rest::Binary(reader, left) => {
                *left = left.saturating_sub(1);
                let oid = reader.oid()?;
                let value = reader.value()?.map(Cow::Borrowed);
                let ty = match known {
                    Some(field) if field.ty().oid() == oid => Cow::Borrowed(field.ty()),
                    Some(_) => return Err(outdated(self.ty)),
                    None => Cow::Owned(self.ty.member(oid)),
                };
                (ty, value, Format::Binary)
            }
            Rest::Text(rest) => {
                let Some(text) = rest else {
                    return Ok(None);
                };
                let value = take_field(text)?;
                if take_byte(text, b')') {
                    if !text.is_empty() {
                        return Err(invalid("something behind its end"));
                    }
                    *rest = None;
                    let more = self.ty.fields().len() > self.next.saturating_add(1);
                    if more {
                        return Err(outdated(self.ty));
                    }
                } else if !take_byte(text, b',') {
                    return Err(invalid("neither a comma nor a parenthesis behind a field"));
                }
                let ty = match known {
                    Some(field) => Cow::Borrowed(field.ty()),
                    None if self.ty.fields().is_empty() => Cow::Borrowed(&*UNKNOWN),
                    None => return Err(outdated(self.ty)),
                };
                (ty, value, Format::Text)
            }
        };
        self.next = self.next.saturating_add(1);
        Ok(Some(CompositeField {
            name: known.map(TypeField::name),
            ty,
            value,
            format,
        }))
    }
}

/// The type of a field in the text of a record. It is one for all: a field may be a single byte.
static UNKNOWN: LazyLock<Type> = LazyLock::new(|| Type::unknown(0));

pub(crate) fn can_be_composite(ty: &Type) -> bool {
    ty.kind() == Kind::Composite || *ty == Type::RECORD || ty.is_unknown()
}

#[cold]
fn outdated(ty: &Type) -> BoxError {
    ty.note_outdated();
    invalid("its type has other fields than when it was looked up")
}

/// What stands behind the parenthesis; nothing for a value without fields. A single field that is NULL looks the same: only the type tells.
fn begin_text<'a>(ty: &Type, mut text: &'a [u8]) -> Result<Option<&'a [u8]>, BoxError> {
    if text == b"()" && ty.fields().is_empty() {
        return Ok(None);
    }
    if take_byte(&mut text, b'(') {
        Ok(Some(text))
    } else {
        Err(invalid("a composite value that does not begin with ("))
    }
}

/// Takes a field from the front of the text; an empty one is NULL.
fn take_field<'a>(text: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, BoxError> {
    if text.first() == Some(&b'"') {
        return take_quoted(text, true).map(Some);
    }
    let value = take_until(text, |byte| {
        matches!(byte, b',' | b'(' | b')' | b'"' | b'\\')
    });
    Ok((!value.is_empty()).then_some(Cow::Borrowed(value)))
}

/// It ends behind the first error.
impl<'a> Iterator for CompositeReader<'a> {
    type Item = Result<CompositeField<'a>, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.read_next();
        if result.is_err() {
            self.rest = Rest::Text(None);
        }
        result.transpose()
    }
}

impl CompositeField<'_> {
    /// Its name; `None` in a `record`, and when nothing is known of the type.
    pub fn name(&self) -> Option<&str> {
        self.name
    }

    /// Its type. In the text form of a `record`, or when nothing is known of the type, it is one that nothing is known of.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        self.value.is_none()
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }

    /// The value as a `T`.
    ///
    /// # Errors
    /// When it is not one of a type for `T`, or when it cannot be read.
    pub fn decode<T: FromSqlOwned>(&self) -> Result<T, BoxError> {
        if T::accepts(self.ty.underlying()) {
            return parts::read(&self.ty, self.value(), self.format);
        }
        if self.ty.is_unknown() {
            return Err(unsupported(
                "nothing is known of the types of its fields: prepare the statement first, and name a type in place of record",
            ));
        }
        Err(Box::new(ValueError::WrongType))
    }
}

impl fmt::Debug for CompositeReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompositeReader")
            .field("ty", &self.ty)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Shows how long the value is, not what it is.
impl fmt::Debug for CompositeField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompositeField")
            .field("name", &self.name)
            .field("ty", &self.ty)
            .field("length", &self.value().map(<[u8]>::len))
            .finish_non_exhaustive()
    }
}
