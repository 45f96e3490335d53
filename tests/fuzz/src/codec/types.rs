//! Types that are not built in, of every kind and within each other.

use std::sync::LazyLock;

use purepg_types::{Kind, Type, TypeField};

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $ty:expr;)*) => {
        $($(#[$doc])* pub(crate) static $name: LazyLock<Type> = LazyLock::new(|| $ty);)*
    };
}

fn array(oid: u32, name: &str, element: &Type) -> Type {
    Type::new(oid, name, Kind::Array, Some(element.clone()))
}

fn composite(oid: u32, name: &str, fields: &[(&str, Type)]) -> Type {
    let fields = fields.iter();
    let fields: Vec<_> = fields
        .map(|(name, ty)| TypeField::new(*name, ty.clone()))
        .collect();
    Type::new(oid, name, Kind::Composite, None).with_fields(fields)
}

types! {
    HSTORE = Type::new(70_001, "hstore", Kind::Base, None);
    HSTORES = array(70_002, "_hstore", &HSTORE);
    CITEXT = Type::new(70_003, "citext", Kind::Base, None);
    CITEXTS = array(70_004, "_citext", &CITEXT);
    LTREE = Type::new(70_005, "ltree", Kind::Base, None);
    MOOD = Type::new(70_006, "mood", Kind::Enum, None).with_labels(["sad", "so so", "glad"].map(Box::from));
    MOODS = array(70_007, "_mood", &MOOD);
    AMOUNT = Type::new(70_008, "amount", Kind::Domain, Some(Type::NUMERIC));
    /// A domain over a domain.
    PRICE = Type::new(70_009, "price", Kind::Domain, Some(AMOUNT.clone()));
    PRICES = array(70_010, "_price", &PRICE);
    PAIR = composite(70_011, "pair", &[("number", Type::INT4), ("label", Type::TEXT)]);
    PAIRS = array(70_012, "_pair", &PAIR);
    NEST = composite(70_013, "nest", &[
        ("pair", PAIR.clone()),
        ("pairs", PAIRS.clone()),
        ("map", HSTORE.clone()),
        ("mood", MOOD.clone()),
        ("price", PRICE.clone()),
        ("days", Type::DATERANGE),
        ("boxes", Type::BOX_ARRAY),
    ]);
    NESTS = array(70_014, "_nest", &NEST);
    TEXT_RANGE = Type::new(70_015, "textrange", Kind::Range, Some(Type::TEXT));
    TEXT_MULTIRANGE = Type::new(70_016, "textmultirange", Kind::Multirange, Some(TEXT_RANGE.clone()));
    TEXT_RANGES = array(70_017, "_textrange", &TEXT_RANGE);
    PAIR_RANGE = Type::new(70_018, "pairrange", Kind::Range, Some(PAIR.clone()));
    PAIR_MULTIRANGE = Type::new(70_019, "pairmultirange", Kind::Multirange, Some(PAIR_RANGE.clone()));
    RECORDS = composite(70_020, "records", &[("a", Type::RECORD), ("b", Type::RECORD_ARRAY)]);
    EMPTY = composite(70_021, "nothing", &[]);
    /// Nothing but its oid is known.
    UNKNOWN = Type::unknown(70_022);
    UNKNOWNS = array(70_023, "_unknown", &UNKNOWN);
    /// What its elements are is not known.
    LOST = Type::new(70_024, "_lost", Kind::Array, None);
    PAIR_DOMAIN = Type::new(70_025, "pairdomain", Kind::Domain, Some(PAIR.clone()));
    /// Another delimiter, as the arrays of `box` have.
    SEMICOLONS = array(70_027, "_semicolon", &Type::new(70_026, "semicolon", Kind::Enum, None).with_delimiter(b';'));
    /// As deep as the driver lets types be.
    DEEP = (0..10).fold(Type::TEXT, |ty, level| {
        let oid = 71_000 + level * 3;
        let field = composite(oid, "level", &[("a", ty)]);
        let range = Type::new(oid + 1, "range", Kind::Range, Some(field));
        array(oid + 2, "_range", &range)
    });
}
