//! SCRAM-SHA-256 up to the client's proof: all of it is one key derivation, unless the keys are known.

use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use purepg_proto::{Connection, Event, Limits, Nonce, ScramKeys, Startup, StartupEvent, Transport};

use crate::stream::message;

/// As many as PostgreSQL asks for unless told otherwise.
pub const ITERATIONS: u32 = 4_096;

const PASSWORD: &str = "a password of fair length";
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
/// As long as PostgreSQL makes it, in base64.
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

/// Through the core, from the `StartupMessage` on. Without keys it derives them, and gives them back.
pub fn core(keys: Option<&ScramKeys>) -> Option<ScramKeys> {
    exchange(keys).0
}

/// The same; gives the client's proof, too.
fn exchange(keys: Option<&ScramKeys>) -> (Option<ScramKeys>, Vec<u8>) {
    let mut startup = Startup::new("postgres", Transport::UnixSocket).password(PASSWORD);
    if let Some(keys) = keys {
        startup = startup.scram_keys(keys.clone());
    }
    let nonce = Nonce::from_printable(NONCE).expect("a printable nonce");
    let mut connection = Connection::new(startup, nonce, Limits::default());
    let event = tell(&mut connection, 10, b"SCRAM-SHA-256\0\0");
    assert!(event.is_none());
    let event = tell(&mut connection, 11, server_first(NONCE).as_bytes());
    let derived = match event {
        Some(Event::Startup(StartupEvent::DeriveKey(job))) => {
            let keys = job.run();
            connection
                .key_derived(keys.clone())
                .expect("keys are awaited");
            Some(keys)
        }
        _ => None,
    };
    assert!(connection.wants_write(), "the proof waits to be sent");
    (derived, connection.output().to_vec())
}

/// The iterations alone, by OpenSSL: what `SaltedPassword` of RFC 5802 is.
#[cfg(feature = "openssl")]
pub fn openssl() -> [u8; 32] {
    let salt = openssl::base64::decode_block(SALT).expect("the salt is base64");
    let iterations = usize::try_from(ITERATIONS).expect("a few thousand");
    let mut salted = [0; 32];
    let digest = openssl::hash::MessageDigest::sha256();
    openssl::pkcs5::pbkdf2_hmac(PASSWORD.as_bytes(), &salt, iterations, digest, &mut salted)
        .expect("OpenSSL knows SHA-256");
    salted
}

/// With `postgres-protocol`: its `update` derives the keys and makes the proof.
pub fn peer() {
    let mut exchange = ScramSha256::new(PASSWORD.as_bytes(), ChannelBinding::unsupported());
    let first = std::str::from_utf8(exchange.message()).expect("SASL messages are text");
    let (_, nonce) = first.split_once("r=").expect("a nonce");
    let server_first = server_first(nonce);
    let updated = exchange.update(server_first.as_bytes());
    updated.expect("the server's message is in order");
    assert!(exchange.message().starts_with(b"c="));
}

fn server_first(nonce: &str) -> String {
    format!("r={nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF,s={SALT},i={ITERATIONS}")
}

fn tell(connection: &mut Connection, code: u8, data: &[u8]) -> Option<Event> {
    let sent = connection.output().len();
    connection.output_sent(sent);
    let body = [&[0, 0, 0, code], data].concat();
    connection
        .recv_bytes(&message(b'R', &body))
        .expect("it waits for an answer");
    connection.next_event().expect("the exchange is in order")
}

#[cfg(all(test, feature = "openssl"))]
mod tests {
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::sign::Signer;

    use super::*;

    #[test]
    fn both_derive_the_same_keys() {
        let salted = PKey::hmac(&openssl()).unwrap();
        let key = |name: &[u8]| {
            let mut signer = Signer::new(MessageDigest::sha256(), &salted).unwrap();
            let key = signer.sign_oneshot_to_vec(name).unwrap();
            <[u8; 32]>::try_from(key).unwrap()
        };
        let keys = ScramKeys::new(key(b"Client Key"), key(b"Server Key"));
        assert_eq!(exchange(Some(&keys)).1, exchange(None).1);
    }
}
