//! What a malicious or broken server may send first.

use alloc::string::ToString as _;
use alloc::vec;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn refused(message: impl AsRef<[u8]>, expected: &ScramError) {
    let message = message.as_ref();
    let error = server_first(message).err();
    assert_eq!(
        error.as_ref(),
        Some(expected),
        "{:?}",
        message.get(..200).unwrap_or(message).escape_ascii()
    );
}

/// Nothing is derived before the count has been found acceptable: there is no job until then.
#[test]
fn security_12_iteration_counts() {
    refused(with_iterations("0"), &ScramError::IterationsZero);
    for malformed in [
        "", "-1", "4096x", "+4096", " 4096", "4096 ", "04096", "00", "4 096", "0x1000", "4e3",
        "1.5", "\u{664}", "4096\0", "=4096",
    ] {
        refused(
            with_iterations(malformed),
            &ScramError::IterationsNotANumber,
        );
    }

    let limit = 1_000_000;
    for (text, requested) in [
        ("1000001", 1_000_001),
        ("2147483647", 2_147_483_647),
        ("2147483648", 2_147_483_648),
        ("4294967296", 1 << 32),
        ("4294967297", (1 << 32) + 1),
        ("9223372036854775808", 1 << 63),
        ("18446744073709551616", u64::MAX),
        ("99999999999999999999999999999999999999", u64::MAX),
    ] {
        refused(
            with_iterations(text),
            &ScramError::IterationsAboveLimit { requested, limit },
        );
    }

    let missing = format!("r={SERVER_NONCE},s={SALT}");
    for message in ["", ",", ",i", ",I=4096", ",ii=4096"] {
        refused(format!("{missing}{message}"), &expected('i'));
    }

    for (text, iterations) in [("1", 1), ("4096", 4096), ("1000000", 1_000_000)] {
        let state = server_first(with_iterations(text)).unwrap();
        assert_eq!(state.iterations(), iterations);
        let job = state.job(&Password::from("pencil")).unwrap();
        assert_eq!(job.remaining(), iterations);
    }
}

#[test]
fn security_12_the_limit_is_configurable() {
    let with = |max_iterations| {
        let limits = ScramLimits {
            max_iterations,
            ..ScramLimits::default()
        };
        let message = with_iterations("4096");
        let state = client(Binding::NotSupported).server_first(message.as_bytes(), &limits);
        state.map(|state| state.iterations())
    };
    assert_eq!(with(u32::MAX), Ok(4096));
    assert_eq!(with(4096), Ok(4096));
    let error = with(4095).unwrap_err();
    assert_eq!(
        error,
        ScramError::IterationsAboveLimit {
            requested: 4096,
            limit: 4095
        }
    );
    assert_eq!(
        error.to_string(),
        "the server asks for 4096 SCRAM iterations, the limit is 4095"
    );
}

#[test]
fn security_13_server_first_of_any_length_and_form() {
    let (length, limit) = (10 << 20, 2048);
    refused(
        vec![b'r'; length],
        &ScramError::MessageTooLong { length, limit },
    );
    refused(b"r=\xff", &ScramError::NotUtf8);

    let good = with_iterations("4096");
    for malformed in [
        "", "r", "=", ",", "r:x", "rr=x", "\0=x", "1=x", "\u{e4}=x", " x=1",
    ] {
        refused(malformed, &expected('r'));
        refused(
            format!("{good},{malformed}"),
            &ScramError::MalformedExtension,
        );
    }
    for malformed in ["x=", "x=a\0b"] {
        refused(
            format!("{good},{malformed}"),
            &ScramError::MalformedExtension,
        );
    }
    refused(format!("x=1,{good}"), &expected('r'));
}

#[test]
fn security_13_salt() {
    let with = |salt: &str| format!("r={SERVER_NONCE},s={salt},i=4096");
    refused(with(""), &ScramError::SaltEmpty);
    for malformed in [
        "W22ZaJ0SNY7soEsUEjb6g",
        "W22ZaJ0SNY7soEsUEjb6gQ",
        "W22ZaJ0SNY7soEsUEjb6gQ=",
        "W22ZaJ0SNY7soEsUEjb6gR==", // bits left over
        "W22Z aJ0S",
        "W22Z\naJ0S",
        "W22-aJ0_", // the alphabet for URLs
        "====",
        "\u{e4}AAA",
    ] {
        refused(with(malformed), &ScramError::SaltNotBase64);
    }
}

#[test]
fn security_13_repeated_and_misplaced_attributes() {
    let (r, s, i) = (format!("r={SERVER_NONCE}"), format!("s={SALT}"), "i=4096");
    refused(format!("{s},{r},{i}"), &expected('r'));
    refused(format!("{i},{s},{r}"), &expected('r'));
    refused(format!("{r},{i},{s}"), &expected('s'));
    refused(format!("{r},{r},{s},{i}"), &expected('s'));
    refused(format!("{r},{s},{s},{i}"), &expected('i'));
    refused(format!("{r},{s},x=1,{i}"), &expected('i'));
    refused(format!("{r},{s},{i},{i}"), &out_of_place('i'));
    refused(format!("{r},{s},{i},x=1,{r}"), &out_of_place('r'));
    refused(format!("{r},{s},{i},x=1,x=2"), &out_of_place('x'));
    refused(format!("{r},{s},{i},{VERIFIER}"), &out_of_place('v'));
    refused(format!("{r},{s},{i},e=other-error"), &out_of_place('e'));
}

#[test]
fn security_13_mandatory_extension() {
    let good = with_iterations("4096");
    for message in [
        format!("m=x,{good}"),
        format!("{good},m=x"),
        format!("{good},x=1,m="),
        format!("r={SERVER_NONCE},m=x,s={SALT},i=1"),
    ] {
        refused(message, &ScramError::MandatoryExtension);
    }
}

#[test]
fn security_14_long_nonces() {
    let with = |length| {
        let padding = "A".repeat(length - SERVER_NONCE.len());
        format!("r={SERVER_NONCE}{padding},s={SALT},i=1")
    };
    for length in [1025, 1500] {
        let limit = 1024;
        refused(with(length), &ScramError::NonceTooLong { length, limit });
    }
    let message = with(64 << 10);
    let (length, limit) = (message.len(), 2048);
    refused(message, &ScramError::MessageTooLong { length, limit });

    let state = server_first(with(1024)).unwrap();
    let (message, _) = state.client_final(&ScramKeys::new([1; 32], [2; 32]));
    assert_eq!(message.len(), "c=biws,r=,p=".len() + 1024 + 44);
}

#[test]
fn security_16_nonce_must_extend_ours() {
    let with = |nonce: &str| format!("r={nonce},s={SALT},i=4096");
    for nonce in [
        NONCE,
        "",
        "x",
        &NONCE[..19],
        &format!("x{SERVER_NONCE}"),
        &SERVER_NONCE.to_lowercase(),
    ] {
        refused(with(nonce), &ScramError::NonceMismatch);
    }
    for character in ["\0", " ", "\x7f", "\n", "\u{e4}"] {
        refused(
            with(&format!("{SERVER_NONCE}{character}")),
            &ScramError::NonceNotPrintable,
        );
    }
}

proptest! {
    #[test]
    fn no_server_first_message_panics(message in messages()) {
        if let Ok(state) = server_first(&message) {
            let extends_ours = message.starts_with(format!("r={NONCE}").as_bytes());
            prop_assert!(extends_ours);
            prop_assert!((1..=1_000_000).contains(&state.iterations()));
            let (answer, _) = state.client_final(&ScramKeys::new([1; 32], [2; 32]));
            prop_assert!(answer.len() < 2048);
        }
    }
}
