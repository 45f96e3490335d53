//! OAUTHBEARER (RFC 7628), the client's side.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::error::UsageError;

/// A bearer token (RFC 6750), which whoever has it can use. It is wiped from memory on drop, and `Debug` shows nothing of it.
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

/// What a server says to a client whose token it does not accept, or that has none.
///
/// It is the JSON object of RFC 7628, section 3.2.2, as the server wrote it, and no longer than
/// [`Limits::max_startup_message`](crate::Limits::max_startup_message): `status`, `openid-configuration` (the URL where the issuer of
/// tokens describes itself), `scope`. Nothing of it was checked. **Whoever gets a token with its help first compares the issuer with the one
/// that was configured**: a server could otherwise send its clients to an issuer of its own, and collect what they enter there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthChallenge(String);

/// A client that is not accepted says so, and the server may end the connection.
pub(crate) const DISMISSED: &[u8] = b"\x01";

impl BearerToken {
    /// The longest one, in bytes: a server takes 65,535 bytes for the whole message around it.
    pub const MAX_LEN: usize = 65_535 - 4 - "OAUTHBEARER\0".len() - 4 - AROUND;

    /// Takes a token.
    ///
    /// # Errors
    /// [`UsageError::BearerTokenMalformed`] for what RFC 6750 does not call one (`b64token`): anything but letters, digits, `-._~+/`, and `=`
    /// at its end. Anything else could say more than a token may. [`UsageError::BearerTokenTooLong`] beyond [`MAX_LEN`](Self::MAX_LEN).
    pub fn new(token: impl Into<String>) -> Result<Self, UsageError> {
        // Wiped also when it is refused.
        let token = Zeroizing::new(token.into());
        let length = token.len();
        if length > Self::MAX_LEN {
            return Err(UsageError::BearerTokenTooLong { length });
        }
        let unpadded = token.trim_end_matches('=');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if unpadded.is_empty() || !unpadded.bytes().all(allowed) {
            return Err(UsageError::BearerTokenMalformed);
        }
        Ok(Self(token))
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

impl OauthChallenge {
    /// `None` when it is no text: JSON is UTF-8.
    pub(crate) fn decode(data: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(data).ok()?;
        Some(Self(text.into()))
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is said first: the token, or that there is none.
pub(crate) fn initial_response(token: Option<&BearerToken>) -> Zeroizing<Vec<u8>> {
    let token = token.map_or("", |token| token.0.as_str());
    let [before, between, behind] = match token {
        "" => [FIRST, "", LAST],
        _ => [FIRST, SCHEME, LAST],
    };
    // Room for all of it at once: a vector that grows leaves copies behind.
    let mut message = Zeroizing::new(Vec::with_capacity(token.len() + AROUND));
    for part in [before, between, token, behind] {
        message.extend_from_slice(part.as_bytes());
    }
    message
}

/// The gs2 header, which says that no channel is bound, and the beginning of the first pair.
const FIRST: &str = "n,,\x01auth=";
const SCHEME: &str = "Bearer ";
const LAST: &str = "\x01\x01";
const AROUND: usize = FIRST.len() + SCHEME.len() + LAST.len();

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn the_messages_of_the_rfc() {
        let token = BearerToken::new("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==").unwrap();
        assert_eq!(
            &**initial_response(Some(&token)),
            b"n,,\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
        assert_eq!(&**initial_response(None), b"n,,\x01auth=\x01\x01");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for token in ["a", "abc.DEF-1_2~3+4/5", "a=", "a=="] {
            assert!(BearerToken::new(token).is_ok(), "{token:?}");
        }
        for token in [
            "", "=", "a=b", "a b", "Bearer a", "a\x01", "a\0", "a,", "a\n", "\u{e4}",
        ] {
            assert!(
                matches!(
                    BearerToken::new(token),
                    Err(UsageError::BearerTokenMalformed)
                ),
                "{token:?}"
            );
        }
        let longest = "x".repeat(BearerToken::MAX_LEN);
        assert!(BearerToken::new(longest.as_str()).is_ok());
        assert!(matches!(
            BearerToken::new(longest + "x"),
            Err(UsageError::BearerTokenTooLong { length: 65_498 })
        ));
    }

    #[test]
    fn security_20_debug_shows_nothing() {
        let token = BearerToken::new("swordfish").unwrap();
        assert_eq!(format!("{token:?}"), "BearerToken(..)");
    }

    #[test]
    fn a_challenge_is_text() {
        let challenge = OauthChallenge::decode(b"{\"status\":\"invalid_token\"}").unwrap();
        assert_eq!(challenge.as_str(), "{\"status\":\"invalid_token\"}");
        assert_eq!(OauthChallenge::decode(b"\xff"), None);
    }
}
