//! The password as the caller gave it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

/// A password.
///
/// It is bytes, not text: PostgreSQL takes whatever bytes the role was given, in whatever encoding.
/// They are wiped from memory on drop, and `Debug` shows nothing of them, not even how many there are.
///
/// A password that contains a NUL is kept as it is. No role can have one, and libpq could not even
/// express it, so SCRAM and MD5 merely fail with it; a cleartext answer is a NUL-terminated string,
/// so whoever writes that one must refuse it.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self::from(password.as_bytes())
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self::from(password.into_bytes())
    }
}

impl From<&[u8]> for Password {
    fn from(password: &[u8]) -> Self {
        Self::from(password.to_vec())
    }
}

impl From<Vec<u8>> for Password {
    fn from(password: Vec<u8>) -> Self {
        Self(Zeroizing::new(password))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_source_gives_the_same_bytes() {
        let expected = b"p\xc3\xa4ss\0word";
        let text = "p\u{e4}ss\0word";
        assert_eq!(Password::from(text).as_bytes(), expected);
        assert_eq!(Password::from(text.to_string()).as_bytes(), expected);
        assert_eq!(Password::from(&expected[..]).as_bytes(), expected);
        assert_eq!(Password::from(expected.to_vec()).as_bytes(), expected);
        assert_eq!(Password::from(text).clone().as_bytes(), expected);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::from("swordfish")), "Password(..)");
        assert_eq!(format!("{:#?}", Password::from("")), "Password(..)");
    }
}
