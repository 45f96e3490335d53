//! HMAC-SHA-256, the one primitive that SCRAM-SHA-256 is built from.

use hmac::digest::FixedOutput as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

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

/// HMACs of HMACs by one key, thousands of them: PBKDF2.
///
/// Such a message is always as long as SHA-256's output, so that each of the two hashes is one compression of one block whose padding stands
/// there already. The general form takes half as much time again, most of it to make states and to wipe them.
pub(super) struct Iterated {
    inner: Zeroizing<[u32; 8]>,
    outer: Zeroizing<[u32; 8]>,
    /// The message, and its padding.
    block: Zeroizing<[u8; 64]>,
}

impl Iterated {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut padded = Zeroizing::new([0; 64]);
        match padded.get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => {
                let hash: Block = Zeroizing::new(Sha256::digest(key).into());
                for (byte, hashed) in padded.iter_mut().zip(hash.iter()) {
                    *byte = *hashed;
                }
            }
        }
        let state = |pad: u8| {
            let mut state = Zeroizing::new(INITIAL);
            let mut key = padded.clone();
            key.iter_mut().for_each(|byte| *byte ^= pad);
            compress256(&mut state, core::slice::from_ref(&*key));
            state
        };
        let mut block = Zeroizing::new([0; 64]);
        let (_, padding) = block.split_at_mut(32);
        // FIPS 180-4, section 5.1.1: a bit, and the length in bits, of the key's block too.
        if let [first, .., high, low] = padding {
            [*first, *high, *low] = [0x80, 0x03, 0x00];
        }
        Self {
            inner: state(0x36),
            outer: state(0x5c),
            block,
        }
    }

    /// Replaces a message by its HMAC.
    pub(super) fn step(&mut self, message: &mut [u8; 32]) {
        for start in [&self.inner, &self.outer] {
            let mut state = **start;
            if let Some(space) = self.block.first_chunk_mut() {
                *space = *message;
            }
            compress256(&mut state, core::slice::from_ref(&*self.block));
            for (bytes, word) in message.chunks_exact_mut(4).zip(state) {
                bytes.copy_from_slice(&word.to_be_bytes());
            }
            state.zeroize();
        }
    }
}

/// FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterated_it_is_the_same() {
        for length in [0, 1, 31, 63, 64, 65, 200] {
            let key = alloc::vec![0xa7; length];
            let mut iterated = Iterated::new(&key);
            let mut message = [length.to_le_bytes()[0]; 32];
            for _ in 0..3 {
                let expected = Keyed::new(&key).update(&message).finish();
                iterated.step(&mut message);
                assert_eq!(message, *expected, "{length}");
            }
        }
    }

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
