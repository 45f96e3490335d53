//! Composite types and records, read field by field, by a derive, and as they come.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use purepg_conn::{FromSql, ToSql};
use purepg_types::{
    Array, Composite, CompositeReader, Date, Format, Numeric, Range, Type, Value, geometry,
};

use super::types::{DEEP, EMPTY, NEST, NESTS, PAIR, PAIR_DOMAIN, PAIRS, RECORDS, UNKNOWN};
use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::RECORD => ["(1,\"a b\",)", "(\"(1,\"\"a b\"\")\")", "()"];
    PAIR.clone() => ["(1,a)", "(,)", "(-7,\"it\"\"s (\\\\)\")"];
    NEST.clone() => [
        "(,,,,,,)",
        "(\"(1,a)\",\"{\"\"(1,a)\"\",NULL}\",\"\"\"a\"\"=>\"\"1\"\"\",glad,12.50,\"[2024-02-29,infinity)\",\"{(3,4),(1,2);(7,8),(5,6)}\")",
    ];
    RECORDS.clone() => ["(\"(1)\",)"];
    EMPTY.clone() => ["()"];
    PAIRS.clone() => ["{\"(1,a)\"}"];
    NESTS.clone() => ["{\"(,,,,,,)\"}"];
    PAIR_DOMAIN.clone() => ["(1,a)"];
    DEEP.clone() => ["{empty}"];
    UNKNOWN.clone() => ["(a,b)"];
};

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
struct Pair {
    number: Option<i32>,
    label: Option<String>,
}

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
struct InOrder(Option<i64>, Option<String>);

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
#[purepg(rename_all = "lowercase")]
enum Mood {
    Sad,
    #[purepg(rename = "so so")]
    SoSo,
    Glad,
}

#[derive(Clone, PartialEq, Debug, FromSql, ToSql)]
struct Nest {
    pair: Option<Pair>,
    pairs: Option<Vec<Option<Pair>>>,
    map: Option<BTreeMap<String, Option<String>>>,
    mood: Option<Mood>,
    price: Option<Numeric>,
    days: Option<Range<Date>>,
    boxes: Option<Array<geometry::Box>>,
}

/// Composite values.
pub fn composites(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given; Pair, Nest, Composite, Vec<Option<Pair>>, Vec<Nest>, Array<Option<Composite>>, Value }
    // What stands in the text of a record has no type, and `accepts` cannot know.
    given.both::<InOrder>();
    let (text, raw) = (given.column.format() == Format::Text, given.raw);
    if let Ok(reader) = CompositeReader::new(given.ty(), raw, given.column.format()) {
        let mut fields = 0;
        for field in reader {
            let Ok(field) = field else { break };
            fields += 1;
            let _ = field.decode::<Option<String>>();
            let _ = field.decode::<Option<Value>>();
            assert!(!field.ty().name().is_empty());
        }
        let least = if text { 1 } else { 8 };
        assert!(fields * least <= raw.len() + 1, "{fields} fields");
    }
}
