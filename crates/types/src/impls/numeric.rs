//! `numeric`.

use bytes::BytesMut;

use super::wire::{Wire, wire};
use crate::error::BoxError;
use crate::ty::oids;
use crate::{Numeric, Type};

wire!(Numeric);

impl Wire for Numeric {
    #[inline]
    fn reads(ty: &Type) -> bool {
        ty.oid() == oids::NUMERIC
    }

    fn read(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read_binary(raw)?)
    }

    fn write(&self, _: &Type, out: &mut BytesMut) -> Result<(), BoxError> {
        Ok(self.write_binary(out)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format};

    fn check(text: &str, raw: &[u8]) {
        let value: Numeric = text.parse().unwrap();
        let read: Numeric = read(&binary(Type::NUMERIC), raw).unwrap();
        // To the digit, for equal ones can be printed differently.
        assert_eq!(read.to_string(), value.to_string());
        let written = write(&value, &Type::NUMERIC, Format::Binary).unwrap();
        assert_eq!(written.unwrap(), raw, "{text}");
        round_trip(&value, &Type::NUMERIC);
    }

    #[test]
    fn the_bytes_are_those_of_numeric_send() {
        check("1.50", &[0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88]);
        check("0", &[0; 8]);
        check("0.00", &[0, 0, 0, 0, 0, 0, 0, 2]);
        check("NaN", &[0, 0, 0, 0, 0xc0, 0, 0, 0]);
        check("Infinity", &[0, 0, 0, 0, 0xd0, 0, 0, 0]);
        check("-Infinity", &[0, 0, 0, 0, 0xf0, 0, 0, 0]);
        check(
            "-12345678.0001",
            &[0, 3, 0, 1, 0x40, 0, 0, 4, 0x04, 0xd2, 0x16, 0x2e, 0, 1],
        );
        check("100000000000000000000", &[0, 1, 0, 5, 0, 0, 0, 0, 0, 1]);
        check("0.00001", &[0, 1, 0xff, 0xfe, 0, 0, 0, 5, 0x03, 0xe8]);
    }

    #[test]
    fn special_values_whatever_else_stands_there() {
        // PostgreSQL 15 sends infinity with a scale of 32.
        for (sign, value) in [
            (0xc0, Numeric::NAN),
            (0xd0, Numeric::INFINITY),
            (0xf0, Numeric::NEG_INFINITY),
        ] {
            let raw = [0, 0, 0, 0, sign, 0, 0, 0x20];
            assert_eq!(
                read::<Numeric>(&binary(Type::NUMERIC), &raw).unwrap(),
                value
            );
        }
    }

    #[test]
    fn digits_that_are_not_normal_are_made_so() {
        let column = binary(Type::NUMERIC);
        // 0000 0001 . 5000 0000 and -0, which no server sends.
        let raw = [0, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x13, 0x88, 0, 0];
        assert_eq!(read::<Numeric>(&column, &raw).unwrap().to_string(), "1.5");
        let raw = [0, 1, 0, 0, 0x40, 0, 0, 0, 0, 0];
        assert_eq!(read::<Numeric>(&column, &raw).unwrap().to_string(), "0");
        // A scale that hides a digit: the digit counts.
        let raw = [0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0x13, 0x88];
        assert_eq!(read::<Numeric>(&column, &raw).unwrap().to_string(), "1.5");
    }

    #[test]
    fn the_largest_one_takes_the_bytes_that_it_takes() {
        let text = format!("{}.{}", "9".repeat(131_072), "9".repeat(16_383));
        let value: Numeric = text.parse().unwrap();
        let raw = write(&value, &Type::NUMERIC, Format::Binary)
            .unwrap()
            .unwrap();
        assert_eq!(raw.len(), 8 + 2 * (32_768 + 4096));
        let read: Numeric = read(&binary(Type::NUMERIC), &raw).unwrap();
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn security_41_malformed_bytes_are_an_error() {
        for (raw, reason) in [
            (&[][..], "fewer bytes than a numeric has"),
            (&[0; 7], "fewer bytes than a numeric has"),
            (&[0; 9], "not as many digits as it says"),
            (
                &[0x7f, 0xff, 0, 0, 0, 0, 0, 0],
                "not as many digits as it says",
            ),
            (
                &[0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1],
                "not as many digits as it says",
            ),
            (
                &[0, 1, 0, 0, 0, 0, 0, 0, 0],
                "not as many digits as it says",
            ),
            (
                &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                "not as many digits as it says",
            ),
            (&[0, 0, 0, 0, 0x80, 0, 0, 0], "no such sign"),
            (&[0, 0, 0, 0, 0x00, 1, 0, 0], "no such sign"),
            (
                &[0, 0, 0, 0, 0, 0, 0x40, 0],
                "more digits behind the point than a numeric has",
            ),
            (&[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10], "no such digit"),
            (&[0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "no such digit"),
        ] {
            assert_eq!(
                failure::<Numeric>(&binary(Type::NUMERIC), raw),
                (
                    DecodeErrorKind::Invalid,
                    format!(r#"column "a" (numeric) cannot be read as Numeric: {reason}"#)
                ),
                "{raw:?}"
            );
        }
        // 10000^-32768 has digits that no numeric can have.
        let raw = [0, 1, 0x80, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(
            failure::<Numeric>(&binary(Type::NUMERIC), &raw),
            (
                DecodeErrorKind::OutOfRange,
                r#"column "a" (numeric) cannot be read as Numeric: a number of more digits than a numeric has does not fit"#.into()
            )
        );
        assert_eq!(
            failure::<Numeric>(&text(Type::NUMERIC), b"1,5").1,
            r#"column "a" (numeric) cannot be read as Numeric: not a number"#
        );
    }

    #[test]
    fn other_types_are_refused() {
        for format in FORMATS {
            for ty in [Type::INT8, Type::FLOAT8, Type::TEXT, Type::MONEY] {
                assert_ne!(
                    write_failure(&Numeric::NAN, &ty, format).0,
                    EncodeErrorKind::OutOfRange
                );
            }
        }
        assert_eq!(
            failure::<f64>(&binary(Type::NUMERIC), &[0; 8]).0,
            DecodeErrorKind::WrongType
        );
    }

    proptest! {
        #[test]
        fn any_number(text in "-?[0-9]{1,50}(\\.[0-9]{1,50})?") {
            let value: Numeric = text.parse().unwrap();
            let raw = write(&value, &Type::NUMERIC, Format::Binary).unwrap().unwrap();
            let again: Numeric = read(&binary(Type::NUMERIC), &raw).unwrap();
            prop_assert_eq!(again.to_string(), value.to_string());
            round_trip(&value, &Type::NUMERIC);
        }

        #[test]
        fn any_bytes_make_a_number_that_can_be_written(
            header in any::<[u8; 6]>(), digits in prop::collection::vec(0_u16..10_000, 0..8),
        ) {
            let mut raw = vec![0, u8::try_from(digits.len()).unwrap()];
            raw.extend(header);
            raw.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
            if let Ok(value) = read::<Numeric>(&binary(Type::NUMERIC), &raw) {
                let written = write(&value, &Type::NUMERIC, Format::Binary).unwrap().unwrap();
                let again: Numeric = read(&binary(Type::NUMERIC), &written).unwrap();
                prop_assert_eq!(again, value);
            }
        }
    }
}
