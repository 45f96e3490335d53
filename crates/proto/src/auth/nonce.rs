//! The client's share of the nonce of a SCRAM exchange.

use alloc::string::{String, ToString};

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// Randomness for one SCRAM exchange, drawn by the caller, since this crate has none.
///
/// A nonce is public, but it must be unpredictable and never be used twice: draw a new one for every
/// connection, from the operating system's source of randomness.
#[derive(Clone, Debug)]
pub struct Nonce(String);

impl Nonce {
    /// How many random bytes a nonce is made of: as many as libpq's (`SCRAM_RAW_NONCE_LEN`).
    pub const ENTROPY_LEN: usize = 18;

    /// Makes a nonce of random bytes.
    pub fn from_entropy(bytes: [u8; Self::ENTROPY_LEN]) -> Self {
        // A multiple of three, so that no `=` pads the 24 characters.
        Self(BASE64_STANDARD.encode(bytes))
    }

    /// Takes a nonce that is already text, as test vectors have it.
    ///
    /// `None` unless it has at least one character and all are what RFC 5802 calls printable: visible
    /// ASCII, no comma.
    pub fn from_printable(text: &str) -> Option<Self> {
        (!text.is_empty() && is_printable(text)).then(|| Self(text.to_string()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether all characters are `printable` in the grammar of RFC 5802, section 7.
pub(super) fn is_printable(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_becomes_24_printable_characters() {
        assert_eq!(
            Nonce::from_entropy([0; 18]).as_str(),
            "AAAAAAAAAAAAAAAAAAAAAAAA"
        );
        assert_eq!(
            Nonce::from_entropy([0xff; 18]).as_str(),
            "////////////////////////"
        );
        let nonce = Nonce::from_entropy(*b"eighteen random by");
        assert_eq!(nonce.as_str(), "ZWlnaHRlZW4gcmFuZG9tIGJ5");
        assert!(is_printable(nonce.as_str()));
    }

    #[test]
    fn only_printable_text_is_taken() {
        assert_eq!(
            Nonce::from_printable("rOprNGfwEbeRWgbNEkqO")
                .unwrap()
                .as_str(),
            "rOprNGfwEbeRWgbNEkqO"
        );
        assert!(Nonce::from_printable("!+-~%=").is_some());
        for text in ["", "a,b", "a b", "a\0", "a\x7f", "\u{e4}", "\n"] {
            assert!(Nonce::from_printable(text).is_none(), "{text:?}");
        }
    }
}
