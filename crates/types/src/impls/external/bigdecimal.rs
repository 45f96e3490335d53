//! `BigDecimal` of the crate `bigdecimal`.

use ::bigdecimal::BigDecimal;
use ::bigdecimal::num_bigint::BigInt;

use super::does_not_fit;
use super::wire::through;
use crate::Numeric;

through! {
    BigDecimal = Numeric {
        from: |number| match number.to_decimal_digits() {
            Some((digits, scale)) => Ok(BigDecimal::new(digits.parse::<BigInt>()?, scale)),
            None => Err(does_not_fit(&number)),
        },
        to: |value| {
            let (digits, scale) = value.as_bigint_and_exponent();
            // The exponent of ten is the other way round, and there is no negation of the smallest.
            Ok(format!("{digits}e{}", -i128::from(scale)).parse()?)
        },
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format, Type};

    fn written(value: &BigDecimal) -> String {
        String::from_utf8(write(value, &Type::NUMERIC, Format::Text).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn every_finite_number_with_its_scale() {
        for raw in [
            "0",
            "0.00",
            "-1.50",
            "1.500000",
            "123456789.987654321",
            "100000000000000000000",
            "0.0001",
            "10000.0001",
        ] {
            let value: BigDecimal = read(&text(Type::NUMERIC), raw.as_bytes()).unwrap();
            assert_eq!(value, BigDecimal::from_str(raw).unwrap());
            assert_eq!(written(&value), raw);
        }
        let largest = format!("{}.{}", "9".repeat(131_072), "9".repeat(16_383));
        let value: BigDecimal = read(&text(Type::NUMERIC), largest.as_bytes()).unwrap();
        assert_eq!(written(&value), largest);
        // Few digits stay few, however large the number.
        let value: BigDecimal = read(&text(Type::NUMERIC), b"1e131071").unwrap();
        assert_eq!(value.as_bigint_and_exponent().0, BigInt::from(1000));
        for raw in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(
                failure::<BigDecimal>(&text(Type::NUMERIC), raw.as_bytes()).0,
                DecodeErrorKind::OutOfRange
            );
        }
    }

    #[test]
    fn what_a_numeric_cannot_hold_is_an_error() {
        for (digits, scale) in [
            (1, 16_384),
            (1, -131_072),
            (1, i64::MAX),
            (1, i64::MIN),
            (0, i64::MAX),
        ] {
            let value = BigDecimal::new(BigInt::from(digits), scale);
            for format in FORMATS {
                assert_eq!(
                    write_failure(&value, &Type::NUMERIC, format).0,
                    EncodeErrorKind::OutOfRange
                );
            }
        }
    }

    proptest! {
        #[test]
        fn any_number(digits: i128, scale in -50_i64..50) {
            round_trip(&BigDecimal::new(BigInt::from(digits), scale), &Type::NUMERIC);
        }
    }
}
