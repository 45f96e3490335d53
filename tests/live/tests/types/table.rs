//! One way to check a type, whatever it is.

use std::fmt::{Debug, Display};

use bytes::BytesMut;
use purepg_conn::{
    BoxError, ByteStream, Connection, DecodeErrorKind, Error, Format, FromSql, IsNull, ToSql, Type,
};

/// The bytes of a value as they came, from which the server's own text can be told.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn accepts(_: &Type) -> bool {
        true
    }

    fn from_binary(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(raw.to_vec()))
    }

    fn from_text(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(raw.to_vec()))
    }
}

/// A value that is sent in the text format, though it could be sent in binary.
struct AsText<'a, T>(&'a T);

impl<T: ToSql> ToSql for AsText<'_, T> {
    fn accepts(&self, ty: &Type) -> bool {
        self.0.accepts(ty)
    }

    fn supports_binary(&self, _: &Type) -> bool {
        false
    }

    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.0.to_text(ty, out)
    }

    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.0.to_text(ty, out)
    }
}

/// Reads each literal as a `T` in both formats, which has to give one value, and sends that value in both formats, which has to be the literal
/// again to the server. `binary` is the format that results of the type are asked for in.
pub(crate) async fn check<T, S: ByteStream>(conn: &mut Connection<S>, ty: &str, literals: &[&str])
where
    T: for<'a> FromSql<'a> + ToSql + Debug,
{
    for literal in literals {
        check_one::<T, S>(conn, ty, literal).await;
    }
}

/// The same for a type whose text is the server's.
pub(crate) async fn check_printed<T, S: ByteStream>(
    conn: &mut Connection<S>,
    ty: &str,
    literals: &[&str],
) where
    T: for<'a> FromSql<'a> + ToSql + Debug + Display,
{
    for literal in literals {
        let (value, raw) = check_one::<T, S>(conn, ty, literal).await;
        assert_eq!(value.to_string(), raw, "{ty} {}", shown(literal));
    }
}

async fn check_one<T, S: ByteStream>(
    conn: &mut Connection<S>,
    ty: &str,
    literal: &str,
) -> (T, String)
where
    T: for<'a> FromSql<'a> + ToSql + Debug,
{
    let quoted = literal.replace('\'', "''");
    let what = format!("{ty} {}", shown(literal));
    // Without parameters: text.
    let row = conn
        .fetch_one(
            format!("select '{quoted}'::{ty}, '{quoted}'::{ty}::text"),
            (),
        )
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(row.columns()[0].format(), Format::Text);
    let Raw(raw) = row.get(0).unwrap();
    let from_text: T = row.get(0).unwrap();
    let cast: String = row.get(1).unwrap();
    // With one: binary.
    let row = conn
        .fetch_one(format!("select $1::text::{ty}"), (literal,))
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(row.columns()[0].format(), Format::Binary, "{what}");
    let from_binary: T = row.get(0).unwrap();
    // To the digit, and NaN is NaN: `==` would not see all of it.
    assert_eq!(
        format!("{from_text:?}"),
        format!("{from_binary:?}"),
        "{what}"
    );
    let echo = format!("select $1::{ty}::text");
    let back: String = conn
        .fetch_scalar(&echo, (&from_binary,))
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        back == cast,
        "{what} in binary: {} for {}",
        shown(&back),
        shown(&cast)
    );
    let back: String = conn
        .fetch_scalar(&echo, (AsText(&from_text),))
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        back == cast,
        "{what} in text: {} for {}",
        shown(&back),
        shown(&cast)
    );
    (from_text, String::from_utf8(raw).unwrap())
}

/// Some literals are very long.
fn shown(literal: &str) -> &str {
    literal.get(..100).unwrap_or(literal)
}

/// What an error of a value says.
pub(crate) fn decode<T: Debug>(result: Result<T, Error>) -> (DecodeErrorKind, String) {
    match result {
        Err(Error::Decode(error)) => (error.kind(), error.to_string()),
        other => panic!("{other:?}"),
    }
}
