//! Truth values, integers, oids, floating point numbers and `numeric`.

use std::sync::LazyLock;

use bigdecimal::BigDecimal;
use purepg_types::{Numeric, Type, Value};
use rust_decimal::Decimal;

use super::types::{AMOUNT, PRICE};
use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::BOOL => ["t", "f"];
    Type::INT2 => ["0", "-32768", "32767"];
    Type::INT4 => ["1", "-2147483648", "2147483647"];
    Type::INT8 => ["9", "-9223372036854775808", "9223372036854775807"];
    Type::OID => ["0", "4294967295"];
    Type::XID => ["3"];
    Type::CID => ["4"];
    Type::XID8 => ["18446744073709551615"];
    Type::REGTYPE => ["integer"];
    Type::CHAR => ["x", "", "\\200"];
    Type::FLOAT4 => ["1.5", "NaN", "-Infinity", "1e-45", "-0", "3.4028235e+38"];
    Type::FLOAT8 => ["0.1", "NaN", "Infinity", "5e-324", "-0", "1.7976931348623157e+308", "2.2250738585072014e-308"];
    Type::NUMERIC => [
        "0", "0.000", "-1.50", "NaN", "Infinity", "-Infinity", "99999999.0001", "79228162514264337593543950335", "0.00000000000000000001",
        "1000000000000000000000000000000000000000000000000",
    ];
    AMOUNT.clone() => ["12.50"];
    PRICE.clone() => ["-0.01"];
};

/// Numbers.
pub fn numbers(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        bool, i8, i16, i32, i64, u16, u32, u64, f32, f64, Numeric, Decimal, BigDecimal, String, Value, Option<i64>,
    }
    if let Some(numeric) = given.read_as::<Numeric>() {
        assert_eq!(numeric.cmp(&numeric.clone()), std::cmp::Ordering::Equal);
        let _ = (numeric.to_f64(), numeric.scale(), numeric.is_negative());
        let _ = (
            i64::try_from(&numeric),
            u64::try_from(&numeric),
            f64::try_from(&numeric),
        );
    }
}
