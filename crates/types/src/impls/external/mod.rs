//! Types of other crates, each behind the feature of the crate's name.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
#[cfg(feature = "bit-vec")]
mod bit_vec;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "eui48")]
mod eui48;
#[cfg(feature = "geo-types")]
mod geo_types;
#[cfg(feature = "ipnet")]
mod ipnet;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "postgres-types")]
pub(crate) mod postgres_types;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
#[cfg(feature = "serde_json")]
pub(crate) mod serde_json;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

#[cfg(test)]
#[allow(
    unused_imports,
    reason = "which of these are used depends on the features"
)]
use super::testing;
#[allow(
    unused_imports,
    reason = "which of these are used depends on the features"
)]
use super::{invalid, out_of_range, unsupported, wire};

/// A value that was read does not fit into the type that it is to become.
#[cold]
#[allow(dead_code, reason = "whether it is used depends on the features")]
fn does_not_fit(value: &dyn std::fmt::Display) -> crate::error::BoxError {
    out_of_range(value.to_string())
}
