//! Ranges and multiranges.

use std::sync::LazyLock;

use purepg_types::{Date, Multirange, Numeric, Range, Timestamp, TimestampTz, Type, Value};

use super::types::{
    PAIR_MULTIRANGE, PAIR_RANGE, TEXT_MULTIRANGE, TEXT_RANGE, TEXT_RANGES, UNKNOWN,
};
use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::INT4RANGE => ["empty", "[1,5)", "(,5)", "[1,)", "(,)"];
    Type::INT8RANGE => ["[-9223372036854775808,9223372036854775807)"];
    Type::NUMRANGE => ["[1.5,2.50]", "(1,Infinity]"];
    Type::DATERANGE => ["[2024-02-29,infinity)"];
    Type::TSRANGE => ["[\"2024-02-29 04:05:06\",\"2024-03-01 00:00:00\")"];
    Type::TSTZRANGE => ["[\"2024-02-29 04:05:06+00\",)"];
    Type::INT4MULTIRANGE => ["{}", "{[1,5),[7,9)}"];
    Type::INT8MULTIRANGE => ["{(,)}"];
    Type::NUMMULTIRANGE => ["{[1.5,2]}"];
    Type::DATEMULTIRANGE => ["{[2024-02-29,2024-03-01)}"];
    Type::TSMULTIRANGE => ["{[\"2024-02-29 04:05:06\",)}"];
    Type::TSTZMULTIRANGE => ["{(,\"2024-02-29 04:05:06+00\")}"];
    Type::INT4RANGE_ARRAY => ["{\"[1,5)\",empty}"];
    TEXT_RANGE.clone() => ["[a,\"b c\")", "[\"\",\"\\\"\\\\\"]", "empty"];
    TEXT_MULTIRANGE.clone() => ["{[a,b),[c,\"d,e\"]}"];
    TEXT_RANGES.clone() => ["{\"[a,\\\"b c\\\")\"}"];
    PAIR_RANGE.clone() => ["[\"(1,a)\",\"(2,\\\"\\\"\\\"\\\")\")"];
    PAIR_MULTIRANGE.clone() => ["{[\"(1,a)\",\"(2,)\")}"];
    UNKNOWN.clone() => ["[a,b)", "{[a,b)}"];
};

/// Ranges.
pub fn ranges(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        Range<i32>, Range<i64>, Range<Numeric>, Range<Date>, Range<Timestamp>, Range<TimestampTz>, Range<String>, Range<Value>,
        Multirange<i32>, Multirange<i64>, Multirange<Numeric>, Multirange<Date>, Multirange<Timestamp>, Multirange<TimestampTz>,
        Multirange<String>, Multirange<Value>, Vec<Range<i64>>, Vec<Option<Range<String>>>, Value,
    }
}
