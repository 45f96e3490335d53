//! The server's side of authentication. Nothing here is constant in time or wiped: these passwords are no secrets.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// How a server lets somebody in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Without asking.
    #[default]
    Trust,
    /// With this password in the clear.
    Cleartext(String),
    /// With an MD5 digest of this password.
    Md5(String),
    /// With SCRAM-SHA-256 and this password.
    Scram {
        /// The password.
        password: String,
        /// Rounds of key derivation.
        iterations: u32,
    },
    /// With this bearer token.
    Oauth {
        /// The token.
        token: String,
        /// What it says to those who have another one, or none.
        challenge: String,
    },
}

/// What a client answers to a request for an MD5 digest, its NUL aside.
pub fn md5_answer(user: &str, password: &str, salt: [u8; 4]) -> Vec<u8> {
    let inner = hex(&Md5::digest([password, user].concat()));
    let outer = hex(&Md5::digest([inner.as_bytes(), &salt].concat()));
    ["md5", &outer].concat().into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A server in the middle of a SCRAM exchange (RFC 5802, RFC 7677), written from the RFC and not from the client.
#[derive(Clone, Debug)]
pub struct ScramServer {
    password: String,
    salt: Vec<u8>,
    iterations: u32,
    nonce: String,
    /// What a client can bind to.
    channel: Option<Vec<u8>>,
    /// What the client's last message has to begin with.
    binding: String,
    client_first_bare: String,
    server_first: String,
}

impl ScramServer {
    /// One that knows this password. `nonce` is the server's share.
    pub fn new(password: &str, salt: &[u8], iterations: u32, nonce: &str) -> Self {
        Self {
            password: password.to_owned(),
            salt: salt.to_vec(),
            iterations,
            nonce: nonce.to_owned(),
            channel: None,
            binding: String::new(),
            client_first_bare: String::new(),
            server_first: String::new(),
        }
    }

    /// The same, reached through TLS whose certificate has this hash: it offers SCRAM-SHA-256-PLUS too.
    #[must_use]
    pub fn offers_binding_to(mut self, certificate_hash: &[u8]) -> Self {
        self.channel = Some(certificate_hash.to_vec());
        self
    }

    /// Takes the mechanism and the client-first-message; gives the server-first-message.
    ///
    /// `None` when it is no such message, when the mechanism is none that is offered, when the message does not fit the mechanism, and when the
    /// client takes this for a server that cannot bind, though it can: then somebody stood between who took SCRAM-SHA-256-PLUS off the list.
    pub fn first(&mut self, mechanism: &str, client_first: &[u8]) -> Option<String> {
        let text = str::from_utf8(client_first).ok()?;
        let (header, channel, bare) = match (mechanism, &self.channel, text.split_at_checked(3)?) {
            ("SCRAM-SHA-256", _, (header @ "n,,", bare)) => (header, &[][..], bare),
            ("SCRAM-SHA-256", None, (header @ "y,,", bare)) => (header, &[][..], bare),
            ("SCRAM-SHA-256-PLUS", Some(hash), _) => {
                let header = "p=tls-server-end-point,,";
                (header, &hash[..], text.strip_prefix(header)?)
            }
            _ => return None,
        };
        let input = [header.as_bytes(), channel].concat();
        self.binding = format!("c={},", BASE64_STANDARD.encode(input));
        let client_nonce = bare.split(',').nth(1)?.strip_prefix("r=")?;
        self.nonce.insert_str(0, client_nonce);
        bare.clone_into(&mut self.client_first_bare);
        self.server_first = format!(
            "r={},s={},i={}",
            self.nonce,
            BASE64_STANDARD.encode(&self.salt),
            self.iterations
        );
        Some(self.server_first.clone())
    }

    /// Takes the client-final-message; gives the server-final-message. `None` when the proof is wrong.
    pub fn last(&self, client_final: &[u8]) -> Option<String> {
        let text = str::from_utf8(client_final).ok()?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let nonce = without_proof.split(',').nth(1)?.strip_prefix("r=")?;
        let proof = BASE64_STANDARD.decode(proof).ok()?;
        let message = format!(
            "{},{},{without_proof}",
            self.client_first_bare, self.server_first
        );
        let (client_key, server_key) = scram_keys(&self.password, &self.salt, self.iterations);
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        let signature = hmac(&stored_key, message.as_bytes());
        let expected: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(key, signature)| key ^ signature)
            .collect();
        let bound = without_proof.starts_with(&self.binding);
        if nonce != self.nonce || proof != expected || !bound {
            return None;
        }
        let verifier = hmac(&server_key, message.as_bytes());
        Some(format!("v={}", BASE64_STANDARD.encode(verifier)))
    }
}

/// `ClientKey` and `ServerKey` of RFC 5802, section 3, for a password that SASLprep leaves as it is.
pub fn scram_keys(password: &str, salt: &[u8], iterations: u32) -> ([u8; 32], [u8; 32]) {
    let salted = hi(password.as_bytes(), salt, iterations);
    (hmac(&salted, b"Client Key"), hmac(&salted, b"Server Key"))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// `Hi` of RFC 5802: PBKDF2 for one block.
fn hi(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let keyed = Hmac::<Sha256>::new_from_slice(password).expect("HMAC takes keys of any length");
    let sign = |message: &[u8]| -> [u8; 32] {
        let mut mac = keyed.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    };
    let mut block = sign(&[salt, &1_u32.to_be_bytes()].concat());
    let mut sum = block;
    for _ in 1..iterations {
        block = sign(&block);
        sum.iter_mut()
            .zip(block)
            .for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    #[test]
    fn the_exchange_of_the_rfc() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let mut server = ScramServer::new("pencil", &salt, 4096, nonce);
        let client_first = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
        let first = server.first("SCRAM-SHA-256", client_first).unwrap();
        assert_eq!(
            first,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let last = server.last(client_final.as_bytes());
        assert_eq!(
            last.as_deref(),
            Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        );
        assert_eq!(
            server.last(client_final.replace("dHz", "dHy").as_bytes()),
            None
        );
        assert_eq!(
            server.last(client_final.replace("r=rO", "r=rP").as_bytes()),
            None
        );
    }

    #[test]
    fn a_client_says_what_it_binds_to() {
        let offers = |hash: Option<&[u8]>, mechanism, header: &str| {
            let mut server = ScramServer::new("pencil", b"salt", 1, "x");
            if let Some(hash) = hash {
                server = server.offers_binding_to(hash);
            }
            let message = format!("{header}n=,r=y");
            let first = server.first(mechanism, message.as_bytes());
            first.map(|_| server.binding)
        };
        let (plain, plus) = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS");
        let p = "p=tls-server-end-point,,";
        assert_eq!(offers(None, plain, "n,,").unwrap(), "c=biws,");
        assert_eq!(offers(None, plain, "y,,").unwrap(), "c=eSws,");
        assert_eq!(offers(Some(b"h"), plain, "n,,").unwrap(), "c=biws,");
        let bound = "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsaA==,";
        assert_eq!(offers(Some(b"h"), plus, p).unwrap(), bound);
        for (hash, mechanism, header) in [
            (Some(&b"h"[..]), plain, "y,,"),
            (Some(b"h"), plain, p),
            (Some(b"h"), plus, "n,,"),
            (Some(b"h"), plus, "y,,"),
            (Some(b"h"), plus, "p=tls-unique,,"),
            (None, plus, p),
            (None, plain, p),
            (None, "PLAIN", "n,,"),
        ] {
            assert_eq!(offers(hash, mechanism, header), None);
        }
    }

    #[test]
    fn the_digest_of_libpq() {
        // What PostgreSQL says to `select 'md5' || md5(md5('pwme') || 'salt')`.
        let expected = b"md5652274be247bb9ae24bac7dc11fd7733";
        assert_eq!(md5_answer("me", "pw", *b"salt"), expected);
    }
}
