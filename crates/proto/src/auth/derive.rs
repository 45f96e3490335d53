//! From a password to SCRAM's keys: RFC 5802, sections 2.2 (`Hi`) and 3.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use super::mac::{Block, Iterated, Keyed};

/// The derivation of SCRAM keys from a password, as a job.
///
/// It is PBKDF2 with HMAC-SHA-256, and the server says how many iterations of it. By the thousand they
/// take milliseconds, so the job does not run by itself: take it to where computing does no harm, run
/// it there, whole ([`run`](Self::run)) or in slices ([`advance`](Self::advance)) between which a
/// timeout can have its say, and bring the keys back. Dropping it stops it.
pub struct DeriveKey {
    keyed: Keyed,
    iterated: Iterated,
    salt: Vec<u8>,
    iterations: NonZeroU32,
    remaining: u32,
    /// `U1`, `U2`, … of the RFC, the latest.
    latest: Block,
    /// Their sum, modulo 2: in the end `Hi`, the salted password.
    sum: Block,
}

impl DeriveKey {
    /// `password` is prepared already.
    pub(super) fn new(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Self {
        Self {
            keyed: Keyed::new(password),
            iterated: Iterated::new(password),
            salt: salt.to_vec(),
            iterations,
            remaining: iterations.get(),
            latest: Block::default(),
            sum: Block::default(),
        }
    }

    /// The salt that the server names.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// What this derivation is known by to whoever keeps its keys: the password, the salt and the number of iterations, hashed together with
    /// `secret`. It is the same for the same of these and the same secret, and for nothing else; it costs no iteration.
    ///
    /// The secret is random, and its owner's alone: with it a password can be guessed faster than by deriving keys, so who keeps both
    /// keeps them as the keys themselves.
    pub fn fingerprint(&self, secret: &[u8; 32]) -> [u8; 32] {
        let keyed = self.keyed.clone().update(secret);
        let keyed = keyed.update(&self.iterations().to_be_bytes());
        *keyed.update(&self.salt).finish()
    }

    /// How many iterations the server asks for.
    pub fn iterations(&self) -> u32 {
        self.iterations.get()
    }

    /// How many iterations are still to be run.
    pub fn remaining(&self) -> u32 {
        self.remaining
    }

    /// Runs at most `iterations` more.
    ///
    /// Returns the keys once none remains, and again whenever it is called after that.
    #[must_use = "the keys are what the derivation is for"]
    pub fn advance(&mut self, iterations: u32) -> Option<ScramKeys> {
        for _ in 0..iterations.min(self.remaining) {
            if self.remaining == self.iterations() {
                // SCRAM needs one block of PBKDF2's output, the one numbered 1.
                let first = self.keyed.clone().update(&self.salt);
                let first = first.update(&1_u32.to_be_bytes());
                first.finish_into(&mut self.latest);
            } else {
                self.iterated.step(&mut self.latest);
            }
            for (sum, latest) in self.sum.iter_mut().zip(self.latest.iter()) {
                *sum ^= latest;
            }
            self.remaining -= 1;
        }
        (self.remaining == 0).then(|| self.keys())
    }

    /// Runs all that remains.
    pub fn run(mut self) -> ScramKeys {
        loop {
            if let Some(keys) = self.advance(u32::MAX) {
                return keys;
            }
        }
    }

    fn keys(&self) -> ScramKeys {
        let salted_password = Keyed::new(&*self.sum);
        ScramKeys {
            client_key: salted_password.clone().update(b"Client Key").finish(),
            server_key: salted_password.update(b"Server Key").finish(),
            origin: Some(Origin {
                salt: self.salt.clone(),
                iterations: self.iterations(),
            }),
        }
    }
}

impl fmt::Debug for DeriveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeriveKey")
            .field("iterations", &self.iterations)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

/// What authenticates without the password, for one salt and iteration count.
///
/// Worth keeping: with it a later connection to the same server as the same role needs no derivation,
/// until the role's password changes. Whoever has it can log in as if they had the password, so it is
/// wiped on drop, and `Debug` shows nothing of it.
#[derive(Clone)]
pub struct ScramKeys {
    client_key: Block,
    server_key: Block,
    origin: Option<Origin>,
}

#[derive(Clone)]
struct Origin {
    salt: Vec<u8>,
    iterations: u32,
}

impl ScramKeys {
    /// Takes keys that were derived elsewhere: `ClientKey` and `ServerKey` of RFC 5802, section 3.
    ///
    /// With which salt and how many iterations is then not known, so they are used whatever the server
    /// asks for; with the wrong ones authentication fails.
    pub fn new(client_key: [u8; 32], server_key: [u8; 32]) -> Self {
        Self {
            client_key: client_key.into(),
            server_key: server_key.into(),
            origin: None,
        }
    }

    /// The salt that the keys were derived with, if known.
    pub fn salt(&self) -> Option<&[u8]> {
        self.origin.as_ref().map(|origin| origin.salt.as_slice())
    }

    /// How many iterations the keys were derived with, if known.
    pub fn iterations(&self) -> Option<u32> {
        self.origin.as_ref().map(|origin| origin.iterations)
    }

    /// Whether the keys can be the ones that a server means that sent this salt and this count.
    pub(crate) fn fits(&self, salt: &[u8], iterations: u32) -> bool {
        match &self.origin {
            Some(origin) => origin.salt == salt && origin.iterations == iterations,
            None => true,
        }
    }

    pub(super) fn client_key(&self) -> &[u8; 32] {
        &self.client_key
    }

    pub(super) fn server_key(&self) -> &[u8; 32] {
        &self.server_key
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    const fn is_send_and_static<T: Send + Sync + 'static>() {}
    const _: () = {
        is_send_and_static::<DeriveKey>();
        is_send_and_static::<ScramKeys>();
    };

    fn job(iterations: u32) -> DeriveKey {
        derivation(b"pencil", b"a salt of any length", iterations)
    }

    fn derivation(password: &[u8], salt: &[u8], iterations: u32) -> DeriveKey {
        DeriveKey::new(password, salt, NonZeroU32::new(iterations).unwrap())
    }

    fn bytes(keys: &ScramKeys) -> ([u8; 32], [u8; 32]) {
        (*keys.client_key(), *keys.server_key())
    }

    /// The first is from RFC 7914, section 11; all three agree with Python's `hashlib`.
    #[test]
    fn pbkdf2_vectors() {
        let vectors: [(&[u8], u32, &str); 3] = [
            (
                b"passwd",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
            ),
            (
                b"password",
                2,
                "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43",
            ),
            (
                b"password",
                4096,
                "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a",
            ),
        ];
        for (password, iterations, expected) in vectors {
            let mut job = derivation(password, b"salt", iterations);
            let _ = job.advance(iterations);
            let half = |at: usize| u128::from_be_bytes(job.sum[at..at + 16].try_into().unwrap());
            let sum = format!("{:032x}{:032x}", half(0), half(16));
            assert_eq!(sum, expected, "{iterations} iterations");
        }
    }

    #[test]
    fn a_single_iteration_is_allowed() {
        let mut job = job(1);
        assert_eq!((job.iterations(), job.remaining()), (1, 1));
        assert!(job.advance(0).is_none());
        let keys = job.advance(1).unwrap();
        assert_eq!(job.remaining(), 0);
        assert_eq!(bytes(&keys), bytes(&job.advance(0).unwrap()));
        assert_eq!(bytes(&keys), bytes(&job.run()));
    }

    #[test]
    fn progress_is_reported() {
        let mut job = job(100);
        assert!(job.advance(30).is_none());
        assert_eq!((job.iterations(), job.remaining()), (100, 70));
        assert!(job.advance(69).is_none());
        assert_eq!(job.remaining(), 1);
        assert!(job.advance(u32::MAX).is_some());
        assert_eq!((job.iterations(), job.remaining()), (100, 0));
    }

    #[test]
    fn keys_know_where_they_come_from() {
        let keys = derivation(b"pencil", b"salt", 2).run();
        assert_eq!(
            (keys.salt(), keys.iterations()),
            (Some(&b"salt"[..]), Some(2))
        );
        assert!(keys.fits(b"salt", 2));
        assert!(!keys.fits(b"salt", 3));
        assert!(!keys.fits(b"salty", 2));

        let (client_key, server_key) = bytes(&keys);
        let keys = ScramKeys::new(client_key, server_key);
        assert_eq!(bytes(&keys), (client_key, server_key));
        assert_eq!((keys.salt(), keys.iterations()), (None, None));
        assert!(keys.fits(b"anything", 7));
    }

    #[test]
    fn a_fingerprint_is_that_of_one_password_salt_and_count() {
        let secret = [7; 32];
        let of = |password: &[u8], salt: &[u8], iterations| {
            derivation(password, salt, iterations).fingerprint(&secret)
        };
        let mine = of(b"pencil", b"salt", 4096);
        assert_eq!(mine, of(b"pencil", b"salt", 4096));
        let mut begun = derivation(b"pencil", b"salt", 4096);
        let _ = begun.advance(100);
        assert_eq!(mine, begun.fingerprint(&secret), "however far it has come");
        assert_eq!(begun.salt(), b"salt");
        for other in [
            of(b"Pencil", b"salt", 4096),
            of(b"", b"salt", 4096),
            of(b"pencil", b"salty", 4096),
            of(b"pencil", b"sal", 4096),
            of(b"pencil", b"salt", 4097),
            begun.fingerprint(&[8; 32]),
        ] {
            assert_ne!(mine, other);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut job = job(10);
        let _ = job.advance(4);
        assert_eq!(
            format!("{job:?}"),
            "DeriveKey { iterations: 10, remaining: 6, .. }"
        );
        assert_eq!(format!("{:?}", job.run()), "ScramKeys(..)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn slices_of_any_size_give_the_same_keys(
            iterations in 1_u32..200,
            slices in proptest::collection::vec(0_u32..50, 0..20),
        ) {
            let expected = bytes(&job(iterations).run());
            let mut job = job(iterations);
            for slice in slices {
                let before = job.remaining();
                let keys = job.advance(slice);
                prop_assert_eq!(job.remaining(), before.saturating_sub(slice));
                prop_assert_eq!(keys.is_some(), job.remaining() == 0);
                if let Some(keys) = keys {
                    prop_assert_eq!(bytes(&keys), expected);
                }
            }
            prop_assert_eq!(bytes(&job.run()), expected);
        }
    }
}
