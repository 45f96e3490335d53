//! `Decimal` of the crate `rust_decimal`.

use ::rust_decimal::Decimal;

use super::wire::through;
use super::{does_not_fit, out_of_range};
use crate::Numeric;

through! {
    Decimal = Numeric {
        from: |number| read(&number).ok_or_else(|| {
            // It may have very many digits.
            match number.scale() {
                Some(_) => out_of_range("the number"),
                None => does_not_fit(&number),
            }
        }),
        to: |value| {
            let scale = u16::try_from(value.scale())?;
            Numeric::from_scaled(value.mantissa(), scale).ok_or_else(|| out_of_range("the number"))
        },
    }
}

/// With the same scale, if it can be; or else with a smaller one, if that loses nothing.
fn read(number: &Numeric) -> Option<Decimal> {
    let most = u16::try_from(Decimal::MAX_SCALE).ok()?.min(number.scale()?);
    (0..=most).rev().find_map(|scale| {
        let value = number.to_scaled(scale)?;
        Decimal::try_from_i128_with_scale(value, scale.into()).ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{Column, DecodeErrorKind, Format, Type};

    #[test]
    fn exactly_or_not_at_all() {
        for raw in [
            "0",
            "-1.50",
            "79228162514264337593543950335",
            "0.0000000000000000000000000001",
            "-0.00",
        ] {
            let value: Decimal = read_as(raw);
            assert_eq!(
                value.to_string(),
                raw.trim_start_matches("-0.00").to_owned()
                    + if raw == "-0.00" { "0.00" } else { "" }
            );
        }
        // More zeros behind the point than it can have.
        assert_eq!(
            read_as(&format!("1.5{}", "0".repeat(40))).to_string(),
            "1.5000000000000000000000000000"
        );
        assert_eq!(
            read_as("79228162514264337593543950335.0").to_string(),
            "79228162514264337593543950335"
        );
        for raw in [
            "79228162514264337593543950336",
            "0.00000000000000000000000000001",
            "7922816251426433759354395033.55",
            "1e131071",
        ] {
            let (kind, message) = failure::<Decimal>(&text(Type::NUMERIC), raw.as_bytes());
            assert_eq!(kind, DecodeErrorKind::OutOfRange, "{raw}");
            assert!(message.ends_with("the number does not fit"));
        }
        for raw in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(
                failure::<Decimal>(&text(Type::NUMERIC), raw.as_bytes()).1,
                format!(r#"column "a" (numeric) cannot be read as Decimal: {raw} does not fit"#)
            );
        }
    }

    fn read_as(raw: &str) -> Decimal {
        super::super::testing::read(&text(Type::NUMERIC), raw.as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn any_decimal(value in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335, scale in 0_u32..=28) {
            let value = Decimal::from_i128_with_scale(value, scale);
            for format in FORMATS {
                let raw = write(&value, &Type::NUMERIC, format).unwrap().unwrap();
                let column = Column::new("a", Type::NUMERIC, format);
                let again: Decimal = super::super::testing::read(&column, &raw).unwrap();
                // To the digit, for equal ones can have different scales.
                prop_assert_eq!(again.to_string(), value.to_string());
            }
            let written = write(&value, &Type::NUMERIC, Format::Text).unwrap().unwrap();
            prop_assert_eq!(written, value.to_string().into_bytes());
        }
    }
}
