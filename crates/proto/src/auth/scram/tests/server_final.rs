//! What a malicious or broken server may send last.

use alloc::string::ToString as _;
use alloc::vec;

use proptest::prelude::*;

use super::*;

/// A state with a signature that is known here.
fn made_up() -> ServerFinal {
    ServerFinal {
        signature: [7; 32].into(),
        max_message: 2048,
    }
}

#[test]
fn security_13_server_final_of_any_length_and_form() {
    for malformed in ["", "v", "e", "6rriTRBi23WpRR/wtup", "V=AAAA", "x=1"] {
        let error = server_final().verify(malformed.as_bytes());
        assert_eq!(error, Err(expected('v')), "{malformed:?}");
    }
    let error = server_final().verify(b"v=\xff");
    assert_eq!(error, Err(ScramError::NotUtf8));
    let (length, limit) = (10 << 20, 2048);
    assert_eq!(
        server_final().verify(&vec![b'A'; length]),
        Err(ScramError::MessageTooLong { length, limit })
    );

    for cut in 2..VERIFIER.len() {
        let error = made_up().verify(&VERIFIER.as_bytes()[..cut]);
        assert_eq!(error, Err(ScramError::VerifierMalformed), "{cut}");
    }
    for length in [31, 33, 48, 64] {
        let message = format!("v={}", BASE64_STANDARD.encode(vec![7; length]));
        let error = made_up().verify(message.as_bytes());
        assert_eq!(error, Err(ScramError::VerifierMalformed), "{length}");
    }
    for (tail, error) in [
        (",", ScramError::MalformedExtension),
        (",v=AAAA", out_of_place('v')),
        (",e=other-error", out_of_place('e')),
    ] {
        let message = format!("{VERIFIER}{tail}");
        assert_eq!(server_final().verify(message.as_bytes()), Err(error));
    }
}

#[test]
fn security_15_wrong_signature() {
    // The signature of another password.
    let state = server_first(with_iterations("4096")).unwrap();
    let keys = state.job(&Password::from("Pencil")).unwrap().run();
    let (_, state) = state.client_final(&keys);
    assert_eq!(
        state.verify(VERIFIER.as_bytes()),
        Err(ScramError::VerifierMismatch)
    );
}

#[test]
fn security_15_error_of_the_server_is_surfaced() {
    let verify = |message: &str| made_up().verify(message.as_bytes()).unwrap_err();
    let server = |message: &str| ScramError::Server {
        message: message.into(),
    };
    assert_eq!(verify("e=other-error"), server("other-error"));
    assert_eq!(verify("e=invalid-proof,x=1"), server("invalid-proof"));
    assert_eq!(
        verify("e=other-error").to_string(),
        "the server reports a SCRAM error: other-error"
    );
    // Nothing in it that a terminal obeys, and not too much of it.
    assert_eq!(
        verify("e=a\x1b[2Jb\r\nc\0d\u{202e}\u{e4}"),
        server("a?[2Jb??c?d??")
    );
    assert_eq!(
        verify(&format!("e={:x<2000}", "")),
        server(&"x".repeat(128))
    );
}

/// `Block` is compared by `subtle` alone; here, that it looks at every bit.
#[test]
fn security_17_every_bit_of_the_signature_counts() {
    let verify = |signature: [u8; 32]| {
        let message = format!("v={}", BASE64_STANDARD.encode(signature));
        made_up().verify(message.as_bytes())
    };
    assert_eq!(verify([7; 32]), Ok(()));
    for bit in 0..256 {
        let mut signature = [7; 32];
        signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            verify(signature),
            Err(ScramError::VerifierMismatch),
            "{bit}"
        );
    }
}

#[test]
fn security_13_mandatory_extension_at_the_end() {
    for message in [format!("m=x,{VERIFIER}"), format!("{VERIFIER},m=x")] {
        assert_eq!(
            server_final().verify(message.as_bytes()),
            Err(ScramError::MandatoryExtension)
        );
    }
}

proptest! {
    #[test]
    fn no_server_final_message_panics(message in messages()) {
        prop_assert!(made_up().verify(&message).is_err());
    }
}
