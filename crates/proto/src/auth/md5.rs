//! The answer to `AuthenticationMD5Password`.

use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::password::Password;

/// What the `PasswordMessage` carries: `md5` and 32 hexadecimal digits, without the terminating NUL.
///
/// Protocol chapter, "Start-up": `concat('md5', md5(concat(md5(concat(password, username)), salt)))`.
pub(crate) fn md5_response(user: &str, password: &Password, salt: [u8; 4]) -> [u8; 35] {
    // What the server stores: it is as good as the password.
    let stored = Zeroizing::new(hex(Md5::new()
        .chain_update(password.as_bytes())
        .chain_update(user)
        .finalize()
        .into()));
    let salted = hex(Md5::new()
        .chain_update(stored.as_slice())
        .chain_update(salt)
        .finalize()
        .into());

    let mut response = *b"md500000000000000000000000000000000";
    for (to, from) in response.iter_mut().skip(3).zip(salted) {
        *to = from;
    }
    response
}

/// In lower case, as PostgreSQL writes and compares it.
fn hex(digest: [u8; 16]) -> [u8; 32] {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(digest) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0x0f]) {
            *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values were made with `md5sum`.
    #[track_caller]
    fn check(user: &str, password: impl Into<Password>, salt: [u8; 4], expected: &str) {
        let response = md5_response(user, &password.into(), salt);
        assert_eq!(core::str::from_utf8(&response), Ok(expected));
    }

    #[test]
    fn ascii() {
        check(
            "postgres",
            "secret",
            [1, 2, 3, 4],
            "md5bb41a296aab6baccb36ff243a562abff",
        );
    }

    #[test]
    fn nothing_at_all() {
        check("", "", [0; 4], "md591b86670dcd47857d222fa05653500aa");
    }

    #[test]
    fn not_ascii_and_not_prepared() {
        check(
            "j\u{fc}rgen",
            "p\u{e4}ss",
            [0xff, b',', 0, 0x80],
            "md5b760999fdb7e590767dcd055fe570f4a",
        );
    }

    #[test]
    fn not_utf_8_and_a_nul() {
        check(
            "alice",
            &b"p\0\xffw"[..],
            *b"salt",
            "md5134eae1b3d3a86b6bd335480acea91ed",
        );
    }
}
