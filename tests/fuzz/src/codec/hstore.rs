//! `hstore`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use purepg_types::Value;

use super::types::{HSTORE, HSTORES, UNKNOWN};
use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    HSTORE.clone() => ["", "\"a\"=>\"1\", \"b\"=>NULL", "\"\\\"\\\\\"=>\"\u{e4}\"", "\"a\"=>\"1\", \"a\"=>\"2\""];
    UNKNOWN.clone() => ["\"a\"=>\"1\""];
    HSTORES.clone() => ["{\"\\\"a\\\"=>\\\"1\\\"\",NULL}"];
};

type Map = BTreeMap<String, Option<String>>;

/// Keys and values.
pub fn hstore(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given; Map, Vec<Option<Map>>, Value }
    let hashed = given.read_as::<HashMap<String, Option<String>>>();
    assert_eq!(hashed.map(Map::from_iter), given.read_as::<Map>());
}
