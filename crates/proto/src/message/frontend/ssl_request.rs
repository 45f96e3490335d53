//! `SSLRequest`: no type byte, and a single byte for an answer.

/// The whole message: its length, and the code made of 1234 and 5679.
pub(crate) const SSL_REQUEST: &[u8; 8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_the_manual() {
        let code = SSL_REQUEST.last_chunk().copied().map(i32::from_be_bytes);
        assert_eq!(code, Some(80_877_103));
    }
}
