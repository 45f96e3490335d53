//! Keys that were derived, for the next connection.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use purepg_proto::{DeriveKey, ScramKeys};
use zeroize::Zeroizing;

use crate::error::Error;

/// So many are kept: more users and passwords go through one configuration seldom.
const CAPACITY: usize = 64;

/// What passwords, salts and counts have come to, shared by the clones of a configuration. It is no setting: two are always equal.
///
/// Only what a server has accepted is kept. A key answers for the user, the password, the salt and the count that it was derived from and for
/// nothing else, so another password, be it wrong or right, is derived anew.
#[derive(Clone, Default)]
pub(crate) struct KeyCache(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// With which passwords are hashed, so that none is kept: drawn when it is needed first.
    secret: OnceLock<Zeroizing<[u8; 32]>>,
    /// The one that was used last comes last.
    kept: Mutex<VecDeque<(Name, ScramKeys)>>,
    derivations: AtomicU64,
}

/// What keys are known by.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Name {
    user: Box<str>,
    /// Of the password, the salt and the count.
    fingerprint: Zeroizing<[u8; 32]>,
}

impl KeyCache {
    pub(super) fn name(&self, user: &str, job: &DeriveKey) -> Result<Name, Error> {
        let secret = match self.0.secret.get() {
            Some(secret) => secret,
            None => {
                let mut drawn = Zeroizing::new([0; 32]);
                getrandom::fill(&mut *drawn)
                    .map_err(|error| Error::io("drawing a key", io::Error::other(error)))?;
                self.0.secret.get_or_init(|| drawn)
            }
        };
        Ok(Name {
            user: user.into(),
            fingerprint: Zeroizing::new(job.fingerprint(secret)),
        })
    }

    pub(super) fn get(&self, name: &Name) -> Option<ScramKeys> {
        let mut kept = self.kept();
        let place = kept.iter().position(|(known, _)| known == name)?;
        let entry = kept.remove(place)?;
        let keys = entry.1.clone();
        kept.push_back(entry);
        Some(keys)
    }

    pub(super) fn insert(&self, name: Name, keys: ScramKeys) {
        let mut kept = self.kept();
        kept.retain(|(known, _)| *known != name);
        if kept.len() >= CAPACITY {
            kept.pop_front();
        }
        kept.push_back((name, keys));
    }

    pub(super) fn remove(&self, name: &Name) {
        self.kept().retain(|(known, _)| known != name);
    }

    pub(super) fn count_derivation(&self) {
        self.0.derivations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn derivations(&self) -> u64 {
        self.0.derivations.load(Ordering::Relaxed)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Name, ScramKeys)>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for KeyCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KeyCache {}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache(..)")
    }
}
