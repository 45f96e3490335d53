//! [`ToSql`]: values of Rust to PostgreSQL, and [`encode`], which writes one parameter.

use bytes::BytesMut;

use crate::column::Format;
use crate::error::{BoxError, EncodeError, ValueError};
use crate::ty::Type;

/// A value that can be sent to PostgreSQL.
///
/// The trait is object safe, so that values of different types go into one list of `&dyn ToSql`.
/// An implementation returns [`ValueError`] for the failures that this names, so that the kind of the
/// resulting [`EncodeError`] tells them apart, or an error of its own. It appends to `out` and
/// touches nothing that is there already; what it has written before it fails is taken back by
/// [`encode`].
///
/// | Rust | PostgreSQL |
/// | --- | --- |
/// | `bool` | `bool` |
/// | `i8`, `i16`, `i32`, `i64`, `u16`, `u32`, `u64` | `int2`, `int4`, `int8`, `oid`, `xid`, `cid`, `xid8` and the `reg*` types, where the value fits; `numeric` |
/// | `i8` | `"char"`, too |
/// | `f32` | `float4`, `float8` |
/// | `f64` | `float8` |
/// | `str`, `String`, `char` | every type: where its binary form is not the text itself, the text format is used and the server parses |
/// | `[u8]`, `[u8; N]`, `Vec<u8>`, `Bytes` | `bytea` |
/// | `[T]`, `[T; N]`, `Vec<T>` | arrays of what `T` writes; `int2vector`, `oidvector` |
/// | [`Array<T>`](crate::Array) | the same of up to six dimensions |
/// | [`Range<T>`](crate::Range), [`Multirange<T>`](crate::Multirange) | ranges and multiranges of what `T` writes |
/// | [`CompositeFields`](crate::CompositeFields) | composite types with these fields |
/// | `HashMap<String, Option<String>>`, `BTreeMap` of the same | `hstore` |
/// | [`Value`](crate::Value) | what the value that it holds is written to |
/// | [`Composite`](crate::Composite) | composite types with as many fields |
/// | [`Numeric`](crate::Numeric) | `numeric` |
/// | [`Date`](crate::Date), [`Time`](crate::Time), [`TimeTz`](crate::TimeTz), [`Timestamp`](crate::Timestamp), [`TimestampTz`](crate::TimestampTz), [`Interval`](crate::Interval) | `date`, `time`, `timetz`, `timestamp`, `timestamptz`, `interval` |
/// | `SystemTime` | `timestamptz`; what is finer than a microsecond is cut off |
/// | `Duration` | `interval`, if it is of whole microseconds |
/// | `[u8; 16]` | `uuid` |
/// | [`Inet`](crate::Inet) | `inet` |
/// | [`Cidr`](crate::Cidr), `IpAddr` | `inet`, `cidr` |
/// | [`MacAddr`](crate::MacAddr), [`MacAddr8`](crate::MacAddr8) | `macaddr`, `macaddr8` |
/// | [`BitString`](crate::BitString) | `bit`, `varbit` |
/// | the types of [`geometry`](crate::geometry) | `point`, `line`, `lseg`, `box`, `path`, `polygon`, `circle` |
/// | [`PgLsn`](crate::PgLsn), [`Tid`](crate::Tid) | `pg_lsn`, `tid` |
/// | [`Snapshot`](crate::Snapshot) | `pg_snapshot`, `txid_snapshot` |
/// | `Option<T>` | what `T` writes; `None` is NULL of any type |
/// | `&T`, `Box<T>`, `Arc<T>`, `Cow<T>` | what `T` writes |
///
/// A domain is written as what it constrains.
pub trait ToSql: Send + Sync {
    /// Whether this value can be sent where that type is expected.
    fn accepts(&self, ty: &Type) -> bool;

    /// Whether the value can be sent in the binary format; if not, it has to be the text format.
    fn supports_binary(&self, ty: &Type) -> bool {
        let _ = ty;
        true
    }

    /// Appends the value in the binary format. The type is one that `accepts` has said yes to.
    ///
    /// # Errors
    ///
    /// When the value has no such form, for instance because it does not fit.
    fn to_binary(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError>;

    /// Appends the value in the text format. The type is one that `accepts` has said yes to.
    ///
    /// # Errors
    ///
    /// When the value has no such form, for instance because it does not fit.
    fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError>;

    /// Appends the value in a format, once it is found to be one for the type: what [`encode`] asks of it, in one call. All that it says
    /// the other methods say; there is no need to write it.
    ///
    /// # Errors
    ///
    /// When the value is not one for that type, cannot be sent in that format, or has no such form.
    fn to_format(&self, ty: &Type, format: Format, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if !self.accepts(ty) {
            return Err(refusal(ty));
        }
        match format {
            Format::Text => self.to_text(ty, out),
            Format::Binary if self.supports_binary(ty) => self.to_binary(ty, out),
            Format::Binary => Err(text_only()),
        }
    }

    /// The name of the Rust type, for errors.
    fn rust_type(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

/// Whether a value is NULL, in which case nothing is written.
// Exhaustive: PostgreSQL has one NULL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use = "NULL and the empty value are written alike"]
pub enum IsNull {
    /// It is a value, and was written.
    No,
    /// It is NULL.
    Yes,
}

/// Appends one parameter to `out`, without its length.
///
/// `index` counts from 0; errors call it `$index + 1`, as the statement does. On an error, and for
/// NULL, `out` is left as it was.
///
/// ```
/// use bytes::BytesMut;
/// use purepg_types::{Format, IsNull, Type, encode};
///
/// let mut out = BytesMut::new();
/// assert_eq!(encode(0, &7_i64, &Type::INT2, Format::Binary, &mut out)?, IsNull::No);
/// assert_eq!(&out[..], [0, 7]);
///
/// let error = encode(1, &70_000_i64, &Type::INT2, Format::Binary, &mut out).unwrap_err();
/// assert_eq!(error.to_string(), "parameter $2 (int2) cannot be written from i64: the value does not fit");
/// # Ok::<(), purepg_types::EncodeError>(())
/// ```
///
/// # Errors
///
/// When the value is not one for that type (which is found out first), when it does not fit, when it cannot be
/// sent in that format, or when it is longer than a message can hold.
#[inline]
pub fn encode(
    index: usize,
    value: &dyn ToSql,
    ty: &Type,
    format: Format,
    out: &mut BytesMut,
) -> Result<IsNull, EncodeError> {
    let start = out.len();
    match value.to_format(ty.underlying(), format, out) {
        Ok(IsNull::No) if fits(out.len().saturating_sub(start)) => Ok(IsNull::No),
        written => {
            let length = out.len().saturating_sub(start);
            out.truncate(start);
            undone(written, length).map_err(|reason| failed(index, value, ty, reason))
        }
    }
}

/// What becomes of what was taken back: it is NULL, or it failed.
fn undone(written: Result<IsNull, BoxError>, length: usize) -> Result<IsNull, BoxError> {
    match written {
        Ok(IsNull::No) => Err(Box::new(too_long(length))),
        written => written,
    }
}

#[cold]
fn failed(index: usize, value: &dyn ToSql, ty: &Type, reason: BoxError) -> EncodeError {
    EncodeError::new(index, ty, value.rust_type(), reason)
}

#[cold]
fn refusal(ty: &Type) -> BoxError {
    Box::new(ValueError::refusal(ty))
}

#[cold]
fn text_only() -> BoxError {
    let reason = "it can only be sent in the text format";
    Box::new(ValueError::Unsupported(reason.into()))
}

/// Bind gives each parameter a signed 32-bit length.
#[inline]
fn fits(length: usize) -> bool {
    i32::try_from(length).is_ok()
}

#[cold]
fn too_long(length: usize) -> ValueError {
    ValueError::OutOfRange(format!("a value of {length} bytes").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EncodeErrorKind;

    /// Writes a byte, and then does as it is told.
    struct Odd(fn() -> Result<IsNull, BoxError>);

    impl ToSql for Odd {
        fn accepts(&self, _: &Type) -> bool {
            true
        }

        fn to_binary(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
            out.extend_from_slice(b"!");
            (self.0)()
        }

        fn to_text(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
            self.to_binary(ty, out)
        }
    }

    #[test]
    fn a_failed_value_and_null_leave_nothing_behind() {
        for format in [Format::Text, Format::Binary] {
            let mut out = BytesMut::from("before");
            let mut run = |odd| encode(2, &Odd(odd), &Type::BOOL, format, &mut out);

            let error = run(|| Err("no luck".into())).unwrap_err();
            assert_eq!(error.kind(), EncodeErrorKind::Invalid);
            assert_eq!(error.index(), 2);
            assert_eq!(error.type_name(), "bool");
            assert!(error.rust_type().ends_with("::Odd"));
            assert_eq!(error.reason().to_string(), "no luck");
            assert_eq!(
                error.to_string(),
                "parameter $3 (bool) cannot be written from Odd: no luck"
            );
            assert_eq!(run(|| Ok(IsNull::Yes)).unwrap(), IsNull::Yes);
            assert_eq!(run(|| Ok(IsNull::No)).unwrap(), IsNull::No);
            assert_eq!(&out[..], b"before!");
        }
    }

    #[test]
    fn security_26_a_length_that_bind_cannot_say_is_an_error() {
        const MAX: usize = 0x7fff_ffff;
        assert!(fits(0) && fits(MAX));
        for length in [MAX + 1, 0xffff_ffff, usize::MAX] {
            assert!(!fits(length));
            assert_eq!(
                undone(Ok(IsNull::No), length).unwrap_err().to_string(),
                format!("a value of {length} bytes does not fit")
            );
        }
    }

    #[test]
    fn the_number_of_a_parameter_does_not_wrap() {
        let mut out = BytesMut::new();
        let error = encode(usize::MAX, &1_i32, &Type::TEXT, Format::Text, &mut out).unwrap_err();
        assert!(error.to_string().starts_with("parameter $1844"), "{error}");
    }

    #[test]
    fn values_and_errors_cross_threads() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Box<dyn ToSql>>();
        assert_send_sync::<EncodeError>();
        assert_eq!(size_of::<EncodeError>(), size_of::<usize>());
    }
}
