//! HMAC-SHA-256, the one primitive that SCRAM-SHA-256 is built from.

use hmac::digest::FixedOutput as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A key, a signature or a proof: as long as SHA-256's output, and wiped on drop.
pub(super) type Block = Zeroizing<[u8; 32]>;

/// A state that has taken in the key. Cloning it is cheaper than making it again: two of the four
/// compressions of a short message.
#[derive(Clone)]
pub(super) struct Keyed(Hmac<Sha256>);

impl Keyed {
    pub(super) fn new(key: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "RFC 2104 takes keys of any length")]
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub(super) fn update(mut self, data: &[u8]) -> Self {
        self.0.update(data);
        self
    }

    /// Writes in place, so that no copy is left on the stack.
    pub(super) fn finish_into(self, block: &mut [u8; 32]) {
        self.0.finalize_into(block.into());
    }

    pub(super) fn finish(self) -> Block {
        let mut block = Block::default();
        self.finish_into(&mut block);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 2 (a short key) and 6 (a key longer than a block).
    #[test]
    fn hmac_sha_256_vectors() {
        let short = Keyed::new(b"Jefe")
            .update(b"what do ya want ")
            .update(b"for nothing?")
            .finish();
        assert_eq!(
            *short,
            [
                0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
                0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
                0x64, 0xec, 0x38, 0x43
            ]
        );
        let long = Keyed::new(&[0xaa; 131])
            .update(b"Test Using Larger Than Block-Size Key - Hash Key First")
            .finish();
        assert_eq!(
            *long,
            [
                0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5,
                0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f,
                0x0e, 0xe3, 0x7f, 0x54
            ]
        );
    }
}
