use alloc::string::ToString as _;
use alloc::vec;

use proptest::prelude::*;

use super::*;

mod server_final;
mod server_first;

const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
const VERIFIER: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn client(binding: Binding) -> ClientFirst {
    ClientFirst::new(&Nonce::from_printable(NONCE).unwrap(), binding)
}

/// What the client of RFC 7677's example makes of a server-first-message.
fn server_first(message: impl AsRef<[u8]>) -> Result<ServerFirst, ScramError> {
    let nonce = Nonce::from_printable(NONCE).unwrap();
    ClientFirst::for_user("user", &nonce, Binding::NotSupported)
        .server_first(message.as_ref(), &ScramLimits::default())
}

/// The server-first-message of RFC 7677's example with another iteration count.
fn with_iterations(iterations: &str) -> String {
    format!("r={SERVER_NONCE},s={SALT},i={iterations}")
}

/// RFC 7677's example, as far as the server-final-message.
fn server_final() -> ServerFinal {
    let state = server_first(with_iterations("4096")).unwrap();
    let keys = state.job(&Password::from("pencil")).unwrap().run();
    state.client_final(&keys).1
}

fn expected(attribute: char) -> ScramError {
    ScramError::ExpectedAttribute { attribute }
}

fn out_of_place(attribute: char) -> ScramError {
    ScramError::UnexpectedAttribute { attribute }
}

/// Bytes, half of them likely to get past the first check.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let attribute = prop_oneof![
        Just(format!("r={SERVER_NONCE}")),
        Just(format!("s={SALT}")),
        Just(VERIFIER.to_string()),
        "[a-z]=[!-~]{0,30}",
        "i=[0-9]{1,25}",
        ".{0,10}",
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(attribute, 0..6).prop_map(|it| it.join(",").into_bytes()),
        "i=[0-9+ -]{1,25}(,[a-z]=[!-~]{0,9}){0,3}"
            .prop_map(|tail| format!("r={SERVER_NONCE},s={SALT},{tail}").into_bytes()),
    ]
}

/// RFC 7677, section 3.
#[test]
fn rfc_7677_example() {
    let nonce = Nonce::from_printable(NONCE).unwrap();
    let state = ClientFirst::for_user("user", &nonce, Binding::NotSupported);
    assert_eq!(state.message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");

    let state = state
        .server_first(
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
              s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            &ScramLimits::default(),
        )
        .unwrap();
    assert_eq!(state.salt(), BASE64_STANDARD.decode(SALT).unwrap());
    assert_eq!(state.iterations(), 4096);

    let keys = state.job(&Password::from("pencil")).unwrap().run();
    assert!(keys.fits(state.salt(), state.iterations()));
    let (message, state) = state.client_final(&keys);
    assert_eq!(
        message,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert_eq!(
        state.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
        Ok(())
    );
}

/// Keys of the example that come from elsewhere answer the same.
#[test]
fn raw_keys_authenticate_without_the_password() {
    let state = server_first(with_iterations("4096")).unwrap();
    let derived = state.job(&Password::from("pencil")).unwrap().run();
    let raw = ScramKeys::new(*derived.client_key(), *derived.server_key());
    let (message, state) = state.client_final(&raw);
    assert!(message.ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
    assert_eq!(state.verify(VERIFIER.as_bytes()), Ok(()));
}

#[test]
fn the_user_name_is_left_to_the_startup_message() {
    let state = client(Binding::NotSupported);
    assert_eq!(state.message(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
    let state = ClientFirst::new(
        &Nonce::from_entropy(*b"eighteen random by"),
        Binding::NotSupported,
    );
    assert_eq!(state.message(), "n,,n=,r=ZWlnaHRlZW4gcmFuZG9tIGJ5");
}

/// The gs2 header goes out twice, the second time under the signature.
#[test]
fn security_11_gs2_header_is_repeated_in_the_signed_part() {
    let mut proofs = vec![];
    let hash = Binding::ServerEndPoint(b"\0hash\xff".to_vec());
    for (binding, header, encoded) in [
        (Binding::NotSupported, "n,,", "c=biws,"),
        (Binding::NotOffered, "y,,", "c=eSws,"),
        (
            hash,
            "p=tls-server-end-point,,",
            "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAGhhc2j/,",
        ),
    ] {
        let state = client(binding);
        assert_eq!(state.message(), format!("{header}n=,r={NONCE}"));
        let state = state
            .server_first(with_iterations("2").as_bytes(), &ScramLimits::default())
            .unwrap();
        let (message, _) = state.client_final(&ScramKeys::new([1; 32], [2; 32]));
        assert!(message.starts_with(encoded), "{message}");
        proofs.push(message.split_once(",p=").unwrap().1.to_owned());
    }
    assert_ne!(proofs[0], proofs[1]);
    assert_ne!(proofs[1], proofs[2]);
}

#[test]
fn debug_shows_no_secret() {
    let state = server_first(with_iterations("2")).unwrap();
    let keys = ScramKeys::new([1; 32], [2; 32]);
    assert_eq!(
        format!("{:?}", state.client_final(&keys).1),
        "ServerFinal(..)"
    );
}

/// RFC 5802, section 5.1: optional extensions that are not understood are ignored.
#[test]
fn unknown_extensions_are_ignored_and_signed() {
    let keys = ScramKeys::new([1; 32], [2; 32]);
    let plain = server_first(with_iterations("2")).unwrap();
    let extended = server_first(with_iterations("2,x=1,Y=a=b,k=\u{e4}")).unwrap();
    assert_eq!((extended.iterations(), extended.salt()), (2, plain.salt()));
    assert_ne!(
        extended.client_final(&keys).0,
        plain.client_final(&keys).0,
        "the AuthMessage has the server-first-message whole"
    );
    let message = format!("{VERIFIER},x=anything at all");
    assert_eq!(server_final().verify(message.as_bytes()), Ok(()));
}
