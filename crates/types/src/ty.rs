//! [`Type`]: what is known of a PostgreSQL type.

mod record;
mod user;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::builtin;
use crate::column::Format;

pub use record::RecordTypes;
pub(crate) use user::Other;
pub use user::TypeField;

/// The number that names a type (or any other object) inside one database.
pub type Oid = u32;

/// A PostgreSQL type.
///
/// The built-in ones are constants ([`Type::INT4`]) and cost nothing to clone; a type of the user's
/// own holds its facts behind one reference count. Two types are equal when their oids are.
///
/// ```
/// use purepg_types::{Kind, Type};
///
/// let ty = Type::from_oid(1007).unwrap_or_else(|| Type::unknown(1007));
/// assert_eq!(ty, Type::INT4_ARRAY);
/// assert_eq!(ty.kind(), Kind::Array);
/// assert_eq!(ty.element(), Some(Type::INT4));
/// assert_eq!(ty.to_string(), "int4[]");
/// ```
#[derive(Clone)]
pub struct Type {
    // Beside the facts rather than in them: it is what every conversion compares first.
    pub(crate) oid: Oid,
    pub(crate) facts: Facts,
}

/// What sort of type it is, as `pg_type.typtype` and `typcategory` tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// A type with an input and an output function of its own; also one of which nothing is known.
    Base,
    /// An array of another type.
    Array,
    /// A row type.
    Composite,
    /// A type that constrains another.
    Domain,
    /// A list of labels.
    Enum,
    /// A type that no column of a table can have, such as `record` or `void`.
    Pseudo,
    /// A range over another type.
    Range,
    /// A list of ranges.
    Multirange,
}

#[derive(Clone)]
pub(crate) enum Facts {
    Builtin(&'static Builtin),
    Other(Arc<Other>),
}

pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// 0 when there is none, as in the catalogue.
    pub(crate) element: Oid,
    pub(crate) array: Oid,
}

impl Type {
    /// The built-in type with this oid.
    pub fn from_oid(oid: Oid) -> Option<Self> {
        builtin::find(oid).cloned()
    }

    /// A type of which nothing but the oid is known; its name reads `oid 12345`.
    ///
    /// Its values are read as strings, in the text format.
    pub fn unknown(oid: Oid) -> Self {
        Self {
            oid,
            facts: Facts::Other(Arc::new(Other::unknown(oid))),
        }
    }

    /// A type that is not built in, as the catalogue of its database describes it.
    ///
    /// `part` is what [`Type::element`] returns, and what [`Type::base`] does for a domain.
    pub fn new(oid: Oid, name: impl Into<Box<str>>, kind: Kind, part: Option<Self>) -> Self {
        let other = Other::new(name.into(), kind, part);
        Self {
            oid,
            facts: Facts::Other(Arc::new(other)),
        }
    }

    /// The number of the type. That of a built-in type is the same in every database.
    #[inline]
    pub const fn oid(&self) -> Oid {
        self.oid
    }

    /// The name, as `pg_type.typname` has it: `int4`, and `_int4` for the array of it.
    ///
    /// [`Display`](fmt::Display) writes the array as `int4[]`, and `"char"` with its quotes.
    pub fn name(&self) -> &str {
        match &self.facts {
            Facts::Builtin(builtin) => builtin.name,
            Facts::Other(other) => &other.name,
        }
    }

    /// What sort of type it is.
    pub fn kind(&self) -> Kind {
        match &self.facts {
            Facts::Builtin(builtin) => builtin.kind,
            Facts::Other(other) => other.kind,
        }
    }

    /// The type of an array of these, where that is a built-in type as well.
    pub fn array(&self) -> Option<Self> {
        Self::from_oid(self.builtin()?.array)
    }

    /// The type of what an array, a range or a multirange consists of: the array's elements, the
    /// range's bounds, the multirange's ranges.
    pub fn element(&self) -> Option<Self> {
        self.part().cloned()
    }

    /// The format in which a result of this type is best asked for: binary where this crate reads it,
    /// text for all others.
    pub fn preferred_format(&self) -> Format {
        if self.is_read_in_binary() {
            Format::Binary
        } else {
            Format::Text
        }
    }

    fn is_read_in_binary(&self) -> bool {
        if let Some(converter) = self.converter() {
            return converter.format() == Format::Binary;
        }
        let whole = self.is_text_like()
            || matches!(
                self.oid,
                oids::BOOL
                    | oids::BYTEA
                    | oids::FLOAT4
                    | oids::FLOAT8
                    | oids::NUMERIC
                    | oids::DATE
                    | oids::TIME
                    | oids::TIMETZ
                    | oids::TIMESTAMP
                    | oids::TIMESTAMPTZ
                    | oids::INTERVAL
                    | oids::UUID
                    | oids::INET
                    | oids::CIDR
                    | oids::MACADDR
                    | oids::MACADDR8
                    | oids::JSONB
                    | oids::JSONPATH
                    | oids::BIT
                    | oids::VARBIT
                    | oids::PG_LSN
                    | oids::TID
                    | oids::PG_SNAPSHOT
                    | oids::TXID_SNAPSHOT
                    | oids::POINT
                    | oids::LINE
                    | oids::LSEG
                    | oids::BOX
                    | oids::PATH
                    | oids::POLYGON
                    | oids::CIRCLE
            )
            || crate::impls::is_integer(self)
            || self.oid == oids::RECORD
            || self.is_hstore();
        // What consists of others is read in binary if those are.
        whole || self.parts_are_binary()
    }

    /// Whether the binary form of a value is its text. (Not so `xml`, which `xml_recv` reads in the
    /// encoding that the document declares.)
    pub(crate) fn is_text_like(&self) -> bool {
        match self.other() {
            Some(other) if other.builtin.is_none() => {
                // citext is an extension's, so its oid differs from database to database.
                other.kind == Kind::Enum || &*other.name == "citext"
            }
            _ => matches!(
                self.oid,
                oids::TEXT
                    | oids::VARCHAR
                    | oids::BPCHAR
                    | oids::NAME
                    | oids::CHAR
                    | oids::UNKNOWN
                    | oids::JSON
                    | oids::REFCURSOR
                    | oids::CSTRING
                    | oids::PG_NODE_TREE
            ),
        }
    }

    pub(crate) fn is_builtin(&self) -> bool {
        self.builtin().is_some()
    }
}

impl PartialEq for Type {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.oid == other.oid
    }
}

impl Eq for Type {}

impl Hash for Type {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.oid.hash(state);
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Type({self}, {})", self.oid)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.oid == oids::CHAR {
            return f.write_str("\"char\"");
        }
        match (self.kind(), self.element()) {
            // int2vector and oidvector are arrays with a name of their own.
            (Kind::Array, Some(element)) if self.name().starts_with('_') => {
                write!(f, "{element}[]")
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// Oids as patterns, which a [`Type`] cannot be.
pub(crate) mod oids {
    use super::{Oid, Type};

    macro_rules! oids {
        ($($name:ident)*) => { $(pub(crate) const $name: Oid = Type::$name.oid();)* };
    }

    oids! {
        BOOL BYTEA CHAR NAME INT8 INT2 INT4 TEXT OID XID CID JSON XML PG_NODE_TREE FLOAT4 FLOAT8
        UNKNOWN BPCHAR VARCHAR REFCURSOR CSTRING NUMERIC DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ INTERVAL
        UUID INET CIDR MACADDR MACADDR8 JSONB JSONPATH VOID MONEY XID8 REGPROC REGPROCEDURE REGOPER REGOPERATOR REGCLASS
        REGTYPE REGROLE REGNAMESPACE REGCONFIG REGDICTIONARY REGCOLLATION BIT VARBIT PG_LSN TID PG_SNAPSHOT TXID_SNAPSHOT
        POINT LINE LSEG BOX PATH POLYGON CIRCLE INT2VECTOR OIDVECTOR RECORD TSQUERY TSVECTOR ACLITEM GTSVECTOR
        PG_NDISTINCT PG_DEPENDENCIES PG_MCV_LIST PG_BRIN_BLOOM_SUMMARY PG_BRIN_MINMAX_MULTI_SUMMARY
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn equality_and_hash_are_by_oid() {
        let mine = Type::new(23, "mine", Kind::Domain, None);
        assert_eq!(mine, Type::INT4);
        assert_ne!(mine, Type::INT8);
        assert_eq!(
            HashSet::from([Type::INT4, mine, Type::unknown(23), Type::INT2]).len(),
            2
        );
    }

    #[test]
    fn names() {
        assert_eq!(Type::INT4.name(), "int4");
        assert_eq!(Type::INT4_ARRAY.name(), "_int4");
        assert_eq!(Type::INT4_ARRAY.to_string(), "int4[]");
        assert_eq!(Type::CHAR.to_string(), "\"char\"");
        assert_eq!(Type::CHAR_ARRAY.to_string(), "\"char\"[]");
        assert_eq!(Type::INT2VECTOR.to_string(), "int2vector");
        assert_eq!(Type::unknown(12_345).to_string(), "oid 12345");
        assert_eq!(Type::unknown(12_345).name(), "oid 12345");
        assert_eq!(format!("{:?}", Type::BOOL), "Type(bool, 16)");
        let mood = Type::new(70_001, "mood", Kind::Enum, None);
        let moods = Type::new(70_000, "_mood", Kind::Array, Some(mood.clone()));
        assert_eq!(moods.to_string(), "mood[]");
        assert_eq!(moods.element(), Some(mood));
        assert_eq!(moods.array(), None);
    }

    #[test]
    fn what_is_read_in_binary_is_asked_for_in_binary() {
        for ty in [
            Type::INT2,
            Type::INT8,
            Type::OID,
            Type::BOOL,
            Type::FLOAT4,
            Type::BYTEA,
            Type::VARCHAR,
            Type::CHAR,
            Type::NUMERIC,
            Type::JSONB,
            Type::XID8,
            Type::new(70_001, "mood", Kind::Enum, None),
            Type::new(70_002, "citext", Kind::Base, None),
        ] {
            assert_eq!(ty.preferred_format(), Format::Binary, "{ty}");
        }
        for ty in [
            Type::XML,
            Type::MONEY,
            Type::REGCLASS,
            Type::unknown(70_003),
        ] {
            assert_eq!(ty.preferred_format(), Format::Text, "{ty}");
        }
    }

    #[test]
    fn a_type_is_small_and_crosses_threads() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Type>();
        assert!(size_of::<Type>() <= 24);
    }
}
