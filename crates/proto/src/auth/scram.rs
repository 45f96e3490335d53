//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side: one struct for each state.

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::attributes::Attributes;
use super::derive::{DeriveKey, ScramKeys};
use super::error::{NonAsciiPassword, ScramError};
use super::mac::{Block, Keyed};
use super::nonce::{self, Nonce};
use super::password::Password;
use super::saslprep::saslprep;

/// What the client says of channel binding. The server learns of it again in the signed part, so that
/// nobody can take the `-PLUS` mechanism off its list unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// The client cannot bind, or does not want to.
    NotSupported,
    /// The client could bind, but the server did not offer it.
    NotOffered,
    /// The exchange is bound to the certificate of the server, by its hash (`tls-server-end-point`, RFC 5929).
    ServerEndPoint(Vec<u8>),
}

impl Binding {
    pub(crate) fn is_bound(&self) -> bool {
        matches!(self, Self::ServerEndPoint(_))
    }

    fn gs2_header(&self) -> &'static str {
        match self {
            Self::NotSupported => "n,,",
            Self::NotOffered => "y,,",
            Self::ServerEndPoint(_) => "p=tls-server-end-point,,",
        }
    }

    /// `cbind-input` of the grammar: the header again, and what is bound to.
    fn input(&self) -> Vec<u8> {
        let mut input = self.gs2_header().as_bytes().to_vec();
        if let Self::ServerEndPoint(hash) = self {
            input.extend_from_slice(hash);
        }
        input
    }
}

/// What is accepted from a server that has not proved anything yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "the prefix says which way they limit"
)]
pub(crate) struct ScramLimits {
    /// Iterations of the key derivation. There is no minimum: PostgreSQL's `scram_iterations` may be 1.
    pub(crate) max_iterations: u32,
    /// Bytes of a message.
    pub(crate) max_message: usize,
    /// Bytes of the nonce. PostgreSQL takes SCRAM messages of 1,024 bytes at most, and the nonce has to
    /// go back in one.
    pub(crate) max_nonce: usize,
}

impl Default for ScramLimits {
    fn default() -> Self {
        Self {
            max_iterations: 1_000_000,
            max_message: 2048,
            max_nonce: 1024,
        }
    }
}

/// The client-first-message is made; the server-first-message is awaited.
#[derive(Debug)]
pub(crate) struct ClientFirst {
    binding: Binding,
    nonce: Nonce,
    bare: String,
}

impl ClientFirst {
    /// The user name stays empty: the server takes the one of the StartupMessage.
    pub(crate) fn new(nonce: &Nonce, binding: Binding) -> Self {
        Self::for_user("", nonce, binding)
    }

    fn for_user(user: &str, nonce: &Nonce, binding: Binding) -> Self {
        Self {
            binding,
            nonce: nonce.clone(),
            bare: format!("n={user},r={}", nonce.as_str()),
        }
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.binding.is_bound()
    }

    /// The client-first-message.
    pub(crate) fn message(&self) -> String {
        format!("{}{}", self.binding.gs2_header(), self.bare)
    }

    /// Takes the server-first-message.
    ///
    /// # Errors
    ///
    /// Any fault in it, before anything is computed from it.
    pub(crate) fn server_first(
        self,
        message: &[u8],
        limits: &ScramLimits,
    ) -> Result<ServerFirst, ScramError> {
        let (text, mut attributes) = Attributes::new(message, limits.max_message)?;
        let nonce = attributes.expect('r')?;
        check_nonce(nonce, self.nonce.as_str(), limits.max_nonce)?;
        let salt = parse_salt(attributes.expect('s')?)?;
        let iterations = parse_iterations(attributes.expect('i')?, limits.max_iterations)?;
        attributes.finish()?;

        Ok(ServerFirst {
            binding: self.binding,
            first_messages: format!("{},{text}", self.bare),
            nonce: nonce.to_owned(),
            salt,
            iterations,
            max_message: limits.max_message,
        })
    }
}

/// The server-first-message has come; the keys are needed for the answer.
#[derive(Debug)]
pub(crate) struct ServerFirst {
    binding: Binding,
    /// The beginning of the RFC's `AuthMessage`.
    first_messages: String,
    nonce: String,
    salt: Vec<u8>,
    iterations: NonZeroU32,
    max_message: usize,
}

impl ServerFirst {
    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(crate) fn iterations(&self) -> u32 {
        self.iterations.get()
    }

    /// What has to be computed to get the keys from the password.
    ///
    /// # Errors
    ///
    /// Without the feature `std`, for a password that is not ASCII.
    pub(crate) fn job(&self, password: &Password) -> Result<DeriveKey, NonAsciiPassword> {
        let password = saslprep(password)?;
        Ok(DeriveKey::new(&password, &self.salt, self.iterations))
    }

    /// The client-final-message, and what to expect after it.
    pub(crate) fn client_final(self, keys: &ScramKeys) -> (String, ServerFinal) {
        let without_proof = format!(
            "c={},r={}",
            BASE64_STANDARD.encode(self.binding.input()),
            self.nonce
        );
        let sign = |key: &[u8; 32]| {
            Keyed::new(key)
                .update(self.first_messages.as_bytes())
                .update(b",")
                .update(without_proof.as_bytes())
                .finish()
        };

        let stored_key = Zeroizing::new(Sha256::digest(keys.client_key()).into());
        let mut proof = sign(&stored_key);
        for (proof, key) in proof.iter_mut().zip(keys.client_key()) {
            *proof ^= key;
        }
        let server_final = ServerFinal {
            signature: sign(keys.server_key()),
            max_message: self.max_message,
        };

        let message = format!("{without_proof},p={}", BASE64_STANDARD.encode(*proof));
        (message, server_final)
    }
}

/// The client-final-message is made; the server has to prove that it knows the password too.
pub(crate) struct ServerFinal {
    signature: Block,
    max_message: usize,
}

impl ServerFinal {
    /// Takes the server-final-message. Only after this has the server been authenticated.
    ///
    /// # Errors
    ///
    /// Any fault in it, a wrong signature, and the error that it reports instead of a signature.
    pub(crate) fn verify(self, message: &[u8]) -> Result<(), ScramError> {
        let (_, mut attributes) = Attributes::new(message, self.max_message)?;
        if let Some(error) = attributes.accept('e') {
            let message = sanitize(error);
            return Err(ScramError::Server { message });
        }
        let verifier = BASE64_STANDARD
            .decode(attributes.expect('v')?)
            .ok()
            .and_then(|verifier| <[u8; 32]>::try_from(verifier).ok())
            .ok_or(ScramError::VerifierMalformed)?;
        attributes.finish()?;

        // In constant time: a server may be asked again and again.
        if bool::from(verifier.ct_eq(&*self.signature)) {
            Ok(())
        } else {
            Err(ScramError::VerifierMismatch)
        }
    }
}

impl fmt::Debug for ServerFinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerFinal(..)")
    }
}

fn check_nonce(nonce: &str, of_client: &str, limit: usize) -> Result<(), ScramError> {
    if nonce.len() > limit {
        return Err(ScramError::NonceTooLong {
            length: nonce.len(),
            limit,
        });
    }
    match nonce.strip_prefix(of_client) {
        Some("") | None => Err(ScramError::NonceMismatch),
        Some(of_server) if nonce::is_printable(of_server) => Ok(()),
        Some(_) => Err(ScramError::NonceNotPrintable),
    }
}

fn parse_salt(value: &str) -> Result<Vec<u8>, ScramError> {
    match BASE64_STANDARD.decode(value) {
        Ok(salt) if salt.is_empty() => Err(ScramError::SaltEmpty),
        Ok(salt) => Ok(salt),
        Err(_) => Err(ScramError::SaltNotBase64),
    }
}

/// `posit-number` of the grammar. libpq's `strtol` would also take a sign and leading blanks.
fn parse_iterations(value: &str, limit: u32) -> Result<NonZeroU32, ScramError> {
    if value == "0" {
        return Err(ScramError::IterationsZero);
    }
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || value.is_empty() || value.starts_with('0') {
        return Err(ScramError::IterationsNotANumber);
    }
    // Digits only, so that nothing but overflow can fail.
    let requested = value.parse().unwrap_or(u64::MAX);
    u32::try_from(requested)
        .ok()
        .filter(|&iterations| iterations <= limit)
        .and_then(NonZeroU32::new)
        .ok_or(ScramError::IterationsAboveLimit { requested, limit })
}

/// Text of a peer that has proved nothing: short, and with nothing in it that a terminal obeys.
fn sanitize(text: &str) -> Box<str> {
    const MAX_CHARS: usize = 128;
    text.chars()
        .take(MAX_CHARS)
        .map(|character| match character {
            ' '..='~' => character,
            _ => '?',
        })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests;
