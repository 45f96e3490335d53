//! [`RecordTypes`]: what the members of anonymous records are.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{Oid, Type, oids};

/// The types that members of anonymous records have, as far as they are known to a connection.
///
/// A `record` says nothing of its members, but each value of one has the oids of theirs. What a driver puts here is known to every value of a
/// type that was made [`with`](Type::with_record_types) it, be it read before; and what values have that is neither here nor built in is
/// [noted](Self::take_missing), so that it can be looked up. Clones are one list.
#[derive(Clone, Default)]
pub struct RecordTypes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    known: RwLock<HashMap<Oid, Type>>,
    missing: Mutex<BTreeSet<Oid>>,
    has_missing: AtomicBool,
}

/// Nobody looks up more at a time. A server could make up as many as there are numbers.
const MAX_MISSING: usize = 256;

impl RecordTypes {
    /// These are known from now on, and no others.
    pub fn replace(&self, types: impl IntoIterator<Item = Type>) {
        let types = types.into_iter().map(|ty| (ty.oid(), ty)).collect();
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = types;
    }

    /// True when there is something to [take](Self::take_missing).
    pub fn has_missing(&self) -> bool {
        self.0.has_missing.load(Ordering::Relaxed)
    }

    /// The oids that values had of which nothing was known, once: they are noted again when they are met again.
    pub fn take_missing(&self) -> Vec<Oid> {
        if !self.has_missing() || !self.0.has_missing.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        let mut missing = self
            .0
            .missing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *missing).into_iter().collect()
    }

    fn find(&self, oid: Oid) -> Option<Type> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&oid).cloned()
    }

    fn note_missing(&self, oid: Oid) {
        let mut missing = self
            .0
            .missing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if missing.len() < MAX_MISSING {
            missing.insert(oid);
            self.0.has_missing.store(true, Ordering::Relaxed);
        }
    }
}

impl Type {
    /// The same type, `record`, with what is known of members. Any other type stays as it is.
    #[must_use]
    pub fn with_record_types(self, types: &RecordTypes) -> Self {
        if self.oid != oids::RECORD {
            return self;
        }
        self.into_other()
            .with(|facts| facts.record_types = Some(types.clone()))
    }

    /// What a member of an anonymous record is that has this oid.
    pub(crate) fn member(&self, oid: Oid) -> Self {
        let record_types = self.other().and_then(|other| other.record_types.as_ref());
        let Some(types) = record_types else {
            return Self::from_oid(oid).unwrap_or_else(|| Self::unknown(oid));
        };
        if oid == oids::RECORD {
            return self.clone();
        }
        if oid == Self::RECORD_ARRAY.oid {
            return Self::RECORD_ARRAY.with_element(self.clone());
        }
        let known = types.find(oid).or_else(|| Self::from_oid(oid));
        known.unwrap_or_else(|| {
            types.note_missing(oid);
            Self::unknown(oid)
        })
    }
}

/// How many there are.
impl fmt::Debug for RecordTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("RecordTypes")
            .field("known", &known.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut as _, BytesMut};

    use super::*;
    use crate::{Column, Field, Format, Kind, Value};

    const MOOD: Oid = 70_000;

    /// The binary form of a record.
    fn record(members: &[(Oid, &[u8])]) -> BytesMut {
        let mut out = BytesMut::new();
        out.put_i32(i32::try_from(members.len()).unwrap());
        for (oid, raw) in members {
            out.put_u32(*oid);
            out.put_i32(i32::try_from(raw.len()).unwrap());
            out.put_slice(raw);
        }
        out
    }

    fn shown(ty: &Type, raw: &[u8]) -> String {
        let column = Column::new("a", ty.clone(), Format::Binary);
        let value: Value = Field::new(&column, Some(raw)).decode().unwrap();
        value.to_string()
    }

    #[test]
    fn what_is_missing_is_noted_and_then_known() {
        let types = RecordTypes::default();
        let ty = Type::RECORD.with_record_types(&types);
        assert_eq!(
            (&ty, ty.preferred_format()),
            (&Type::RECORD, Format::Binary)
        );
        let inner = record(&[(MOOD, b"sad"), (Type::INT4.oid(), &[0, 0, 0, 7])]);
        let raw = record(&[(MOOD, b"glad"), (Type::RECORD.oid(), &inner)]);
        assert!(types.take_missing().is_empty());
        assert_eq!(shown(&ty, &raw), r#"("\\x676c6164","(""\\\\x736164"",7)")"#);
        assert_eq!(types.take_missing(), [MOOD]);
        assert!(types.take_missing().is_empty());
        // The same type, made before, knows it.
        types.replace([Type::new(MOOD, "mood", Kind::Enum, None)]);
        assert_eq!(shown(&ty, &raw), r#"(glad,"(sad,7)")"#);
        let array = Type::RECORD_ARRAY.with_element(ty);
        let mut list = BytesMut::new();
        for number in [1, 0, 2249, 1, 1, i32::try_from(raw.len()).unwrap()] {
            list.put_i32(number);
        }
        list.put_slice(&raw);
        assert_eq!(shown(&array, &list), r#"{"(glad,\"(sad,7)\")"}"#);
        assert!(types.take_missing().is_empty());
    }

    #[test]
    fn security_41_no_more_is_noted_than_is_looked_up() {
        let types = RecordTypes::default();
        let ty = Type::RECORD.with_record_types(&types);
        for oid in 70_000..80_000 {
            shown(&ty, &record(&[(oid, b"x")]));
        }
        assert_eq!(types.take_missing().len(), MAX_MISSING);
    }

    #[test]
    fn only_a_record_has_members() {
        let ty = Type::INT4.with_record_types(&RecordTypes::default());
        assert!(ty.other().is_none());
        assert_eq!(Type::RECORD.member(23), Type::INT4);
        assert!(Type::RECORD.member(MOOD).is_unknown());
    }
}
