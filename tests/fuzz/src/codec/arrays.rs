//! Arrays of any elements, dimensions and bounds, and the vectors of the catalogue.

use std::sync::LazyLock;

use purepg_types::{
    Array, BitString, Composite, Inet, Interval, Numeric, Range, Time, TimestampTz, Type, Value,
    geometry,
};

use super::types::{
    CITEXTS, HSTORES, LOST, MOODS, NESTS, PAIRS, PRICES, SEMICOLONS, TEXT_RANGES, UNKNOWN, UNKNOWNS,
};
use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::INT4_ARRAY => ["{}", "{1,NULL,-3}", "[-1:0][2:3]={{1,2},{3,4}}", "{{{{{{1}}}}}}", "[2147483646:2147483646]={7}"];
    Type::TEXT_ARRAY => ["{a,\"b c\",\"\",\"NULL\",NULL,\"\\\"\\\\\"}", "{{a,b},{c,d}}"];
    Type::BYTEA_ARRAY => ["{\"\\\\x00ff\"}"];
    Type::BOX_ARRAY => ["{(3,4),(1,2);(7,8),(5,6)}"];
    Type::NUMERIC_ARRAY => ["{1.50,NaN}"];
    Type::BOOL_ARRAY => ["{t,f,NULL}"];
    Type::FLOAT8_ARRAY => ["{0.1,Infinity}"];
    Type::TIMESTAMPTZ_ARRAY => ["{\"2024-02-29 04:05:06+00\",infinity}"];
    Type::INTERVAL_ARRAY => ["{\"1 day\"}"];
    Type::TIME_ARRAY => ["{04:05:06}"];
    Type::INET_ARRAY => ["{192.0.2.7/24}"];
    Type::VARBIT_ARRAY => ["{101}"];
    Type::JSONB_ARRAY => ["{\"{\\\"a\\\": 1}\"}"];
    Type::UUID_ARRAY => ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"];
    Type::INT2VECTOR => ["1 2 3", ""];
    Type::OIDVECTOR => ["1 4294967295"];
    Type::INT4RANGE_ARRAY => ["{\"[1,5)\",empty}"];
    Type::INT4MULTIRANGE_ARRAY => ["{\"{[1,5),[7,9)}\"}"];
    Type::RECORD_ARRAY => [];
    MOODS.clone() => ["{sad,NULL,\"so so\"}"];
    PRICES.clone() => ["{12.50}"];
    PAIRS.clone() => ["{\"(1,a)\",\"(,\\\"b c\\\")\"}"];
    NESTS.clone() => [];
    HSTORES.clone() => ["{\"\\\"a\\\"=>NULL\"}"];
    CITEXTS.clone() => ["{a}"];
    TEXT_RANGES.clone() => ["{\"[a,b)\",empty}"];
    SEMICOLONS.clone() => ["{a;b}"];
    UNKNOWN.clone() => ["{a,NULL}"];
    UNKNOWNS.clone() => ["{a,NULL}"];
    LOST.clone() => ["{a}"];
};

/// Arrays.
pub fn arrays(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        Vec<i64>, Vec<Option<i32>>, Array<Option<i32>>, Array<Option<String>>, Vec<String>, Box<[String]>, [Option<i32>; 2],
        Vec<Option<Vec<u8>>>, Array<geometry::Box>, Vec<Option<bool>>, Vec<f64>, Array<Numeric>, Vec<Option<TimestampTz>>, Vec<Interval>,
        Array<Time>, Vec<Inet>, Vec<BitString>, Vec<serde_json::Value>, Vec<[u8; 16]>, Array<Range<i32>>, Vec<Composite>,
        Array<Option<Value>>, Value,
    }
}
