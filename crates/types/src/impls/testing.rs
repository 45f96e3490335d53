//! What the tests of the conversions share.

use std::fmt::Debug;

use bytes::BytesMut;

use crate::{
    Column, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Field, Format, FromSql,
    IsNull, ToSql, Type, encode,
};

pub(crate) const FORMATS: [Format; 2] = [Format::Text, Format::Binary];

pub(crate) fn text(ty: Type) -> Column {
    Column::new("a", ty, Format::Text)
}

pub(crate) fn binary(ty: Type) -> Column {
    Column::new("a", ty, Format::Binary)
}

pub(crate) fn read<'r, T: FromSql<'r>>(
    column: &'r Column,
    raw: &'r [u8],
) -> Result<T, DecodeError> {
    Field::new(column, Some(raw)).decode()
}

/// How reading fails: the kind, and the text.
#[track_caller]
pub(crate) fn failure<'r, T: FromSql<'r> + Debug>(
    column: &'r Column,
    raw: &'r [u8],
) -> (DecodeErrorKind, String) {
    let error = read::<T>(column, raw).unwrap_err();
    (error.kind(), error.to_string())
}

/// What is written, `None` for NULL. Makes sure that what was there before is left alone.
#[track_caller]
pub(crate) fn write(
    value: &dyn ToSql,
    ty: &Type,
    format: Format,
) -> Result<Option<Vec<u8>>, EncodeError> {
    let mut out = BytesMut::from("before");
    let result = encode(0, value, ty, format, &mut out);
    let written = out.strip_prefix(b"before").unwrap().to_vec();
    if !matches!(result, Ok(IsNull::No)) {
        assert_eq!(written, b"", "left over");
    }
    Ok((result? == IsNull::No).then_some(written))
}

/// How writing fails: the kind, and the text.
#[track_caller]
pub(crate) fn write_failure(
    value: &dyn ToSql,
    ty: &Type,
    format: Format,
) -> (EncodeErrorKind, String) {
    let error = write(value, ty, format).unwrap_err();
    (error.kind(), error.to_string())
}

/// What is written in either format is read as the same value.
#[track_caller]
pub(crate) fn round_trip<T>(value: &T, ty: &Type)
where
    T: for<'a> FromSql<'a> + ToSql + PartialEq + Debug,
{
    for format in FORMATS {
        let raw = write(value, ty, format).unwrap().unwrap();
        let column = Column::new("a", ty.clone(), format);
        assert_eq!(
            &read::<T>(&column, &raw).unwrap(),
            value,
            "{ty} {format:?} {raw:?}"
        );
    }
}
