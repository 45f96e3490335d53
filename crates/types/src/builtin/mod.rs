//! The built-in types: one constant each, and the lookup by oid.

use crate::ty::{Builtin, Facts, Kind, Oid, Type};

/// Finds a built-in type.
pub(crate) fn find(oid: Oid) -> Option<&'static Type> {
    let index = table::ALL.binary_search_by_key(&oid, Type::oid).ok()?;
    table::ALL.get(index)
}

macro_rules! builtin {
    ($($constant:ident = $oid:literal, $name:literal, $kind:ident, $element:literal, $array:literal;)*) => {
        use super::{Builtin, Facts, Kind, Type};

        /// The types that every PostgreSQL has, under the same oids.
        impl Type {
            $(
                #[doc = concat!("`", $name, "`, oid ", $oid, ".")]
                pub const $constant: Self = Self {
                    oid: $oid,
                    facts: Facts::Builtin(&Builtin {
                        name: $name,
                        kind: Kind::$kind,
                        element: $element,
                        array: $array,
                    }),
                };
            )*
        }

        /// Sorted by oid.
        pub(super) static ALL: &[Type] = &[$(Type::$constant),*];
    };
}

mod table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_constant_is_found() {
        assert!(table::ALL.is_sorted_by(|a, b| a.oid() < b.oid()));
        assert!(table::ALL.len() > 190);
        for ty in table::ALL {
            assert_eq!(Type::from_oid(ty.oid()).unwrap().name(), ty.name());
        }
        assert_eq!(Type::from_oid(20), Some(Type::INT8));
        for oid in [0, 1, 15, 9999, 10_000, 16_384, Oid::MAX] {
            assert_eq!(Type::from_oid(oid), None, "{oid}");
        }
    }

    #[test]
    fn arrays_and_elements_lead_to_each_other() {
        for ty in table::ALL {
            if let Some(array) = ty.array() {
                assert_eq!(array.kind(), Kind::Array, "{ty}");
                assert_eq!(array.element().as_ref(), Some(ty));
            }
            match ty.kind() {
                Kind::Array | Kind::Range | Kind::Multirange => {
                    assert!(ty.element().is_some(), "{ty}");
                }
                _ => assert_eq!(ty.element(), None, "{ty}"),
            }
        }
    }

    #[test]
    fn facts_of_some_types() {
        let facts = |ty: &Type| (ty.oid(), ty.kind(), ty.element(), ty.array());
        assert_eq!(
            facts(&Type::BOOL),
            (16, Kind::Base, None, Some(Type::BOOL_ARRAY))
        );
        assert_eq!(
            facts(&Type::INT4_ARRAY),
            (1007, Kind::Array, Some(Type::INT4), None)
        );
        assert_eq!(
            facts(&Type::INT2VECTOR),
            (
                22,
                Kind::Array,
                Some(Type::INT2),
                Some(Type::INT2VECTOR_ARRAY)
            )
        );
        assert_eq!(
            facts(&Type::POINT),
            (600, Kind::Base, None, Some(Type::POINT_ARRAY))
        );
        assert_eq!(
            facts(&Type::INT4RANGE),
            (
                3904,
                Kind::Range,
                Some(Type::INT4),
                Some(Type::INT4RANGE_ARRAY)
            )
        );
        assert_eq!(
            facts(&Type::INT4MULTIRANGE),
            (
                4451,
                Kind::Multirange,
                Some(Type::INT4RANGE),
                Some(Type::INT4MULTIRANGE_ARRAY)
            )
        );
        assert_eq!(
            facts(&Type::RECORD),
            (2249, Kind::Pseudo, None, Some(Type::RECORD_ARRAY))
        );
        assert_eq!(
            facts(&Type::PG_DATABASE),
            (1248, Kind::Composite, None, None)
        );
    }
}
