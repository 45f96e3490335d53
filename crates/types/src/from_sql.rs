//! [`FromSql`]: values of PostgreSQL to Rust.

use crate::error::{BoxError, ValueError};
use crate::ty::Type;

/// A Rust type that values of some PostgreSQL types can be read as.
///
/// `'a` is the lifetime of the row, from which a value may borrow. An implementation returns
/// [`ValueError`] for the failures that this names, so that the kind of the resulting
/// [`DecodeError`](crate::DecodeError) tells them apart, or an error of its own.
///
/// | Rust | PostgreSQL |
/// | --- | --- |
/// | `bool` | `bool` |
/// | `i8`, `i16`, `i32`, `i64`, `u16`, `u32`, `u64` | `int2`, `int4`, `int8`, `oid`, `xid`, `cid`, `xid8`, where the value fits; the oid of a `reg*` type in the binary format |
/// | `i8` | `"char"`, too |
/// | `f32` | `float4` |
/// | `f64` | `float4`, `float8` |
/// | `&str`, `String`, `Box<str>`, `Arc<str>`, `Cow<str>`, `char` | `text`, `varchar`, `bpchar`, `name`, `"char"`, `unknown`, `json`, `jsonb`, `jsonpath`, `xml`, `void`, `refcursor`, `cstring`; `tsvector`, `tsquery`, `money`, `aclitem` and the `reg*` types in the text format; types that are not built in, in the text format, and enums and `citext` in binary too |
/// | `Vec<u8>`, `Box<[u8]>`, `Bytes`, `Cow<[u8]>` | `bytea` |
/// | `&[u8]` | `bytea` in the binary format |
/// | `Vec<T>`, `Box<[T]>`, `[T; N]` | arrays of what `T` reads, of one dimension, wherever they begin; `int2vector`, `oidvector`. `T` owns what it holds ([`FromSqlOwned`]) |
/// | [`Array<T>`](crate::Array) | the same of up to six dimensions |
/// | [`Range<T>`](crate::Range), [`Multirange<T>`](crate::Multirange) | ranges and multiranges of what `T` reads |
/// | `HashMap<String, Option<String>>`, `BTreeMap` of the same | `hstore` |
/// | `()` | `void` |
/// | [`Value`](crate::Value) | every type, and NULL |
/// | [`Composite`](crate::Composite) | composite types, `record` |
/// | [`Numeric`](crate::Numeric) | `numeric` |
/// | [`Date`](crate::Date), [`Time`](crate::Time), [`TimeTz`](crate::TimeTz), [`Timestamp`](crate::Timestamp), [`TimestampTz`](crate::TimestampTz), [`Interval`](crate::Interval) | `date`, `time`, `timetz`, `timestamp`, `timestamptz`, `interval` |
/// | `SystemTime` | `timestamptz`, except for the infinities |
/// | `Duration` | `interval` without months and days, unless it is negative |
/// | `[u8; 16]` | `uuid` |
/// | [`Inet`](crate::Inet) | `inet`, `cidr` |
/// | [`Cidr`](crate::Cidr) | `cidr` |
/// | `IpAddr` | `inet`, `cidr`, where it is an address without a network |
/// | [`MacAddr`](crate::MacAddr), [`MacAddr8`](crate::MacAddr8) | `macaddr`, `macaddr8` |
/// | [`BitString`](crate::BitString) | `bit`, `varbit` |
/// | the types of [`geometry`](crate::geometry) | `point`, `line`, `lseg`, `box`, `path`, `polygon`, `circle` |
/// | [`PgLsn`](crate::PgLsn), [`Tid`](crate::Tid) | `pg_lsn`, `tid` |
/// | [`Snapshot`](crate::Snapshot) | `pg_snapshot`, `txid_snapshot` |
/// | `Option<T>` | what `T` reads, and NULL |
///
/// A composite value, an array or a range of a type that is not built in, which comes in the binary format once its type is known, is printed
/// for a `String` and the other strings that own their text; a `&str` has nothing to borrow.
///
/// Composite types are read with a [`CompositeReader`](crate::CompositeReader).
///
/// A domain is read as what it constrains. A type that nothing but the oid is known of ([`Type::is_unknown`]) is read as a string, as
/// an array or a range of strings, or as an `hstore`, in the text format.
pub trait FromSql<'a>: Sized {
    /// Whether values of this type can be read as `Self` at all.
    fn accepts(ty: &Type) -> bool;

    /// Reads a value in the binary format. The type is one that `accepts` has said yes to.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a value, or when the value does not fit.
    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError>;

    /// Reads a value in the text format. The type is one that `accepts` has said yes to.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a value, or when the value does not fit.
    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError>;

    /// Reads NULL.
    ///
    /// # Errors
    ///
    /// Unless the type has a place for NULL, as `Option` does.
    #[inline]
    fn from_null(ty: &Type) -> Result<Self, BoxError> {
        let _ = ty;
        Err(null())
    }
}

#[cold]
fn null() -> BoxError {
    Box::new(ValueError::Null)
}

/// A type whose values hold all that they consist of, and borrow nothing from the row.
///
/// The elements of an array are such values, and the fields of a composite type: in the text format they have to be unescaped before
/// they are read. Every type that implements [`FromSql`] for any lifetime is one.
pub trait FromSqlOwned: for<'a> FromSql<'a> {}

impl<T: for<'a> FromSql<'a>> FromSqlOwned for T {}
