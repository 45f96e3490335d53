//! Types that are read by the traits of `postgres-types`, beside ours.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::SystemTime;

use purepg_types::{Compat, FromSqlOwned, Type};

use super::types::{HSTORE, HSTORES, MOODS, PAIR, PAIRS};
use super::{Given, Table, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::BOOL => ["t"];
    Type::INT4 => ["7"];
    Type::FLOAT8 => ["0.1"];
    Type::TEXT => ["text"];
    Type::BYTEA => ["\\x00ff"];
    Type::INET => ["192.0.2.7"];
    Type::TIMESTAMPTZ => ["2024-02-29 04:05:06+00"];
    Type::INT4_ARRAY => ["{1,NULL}", "{}", "{{1},{2}}"];
    Type::INT8_ARRAY => ["{1,2}"];
    Type::TEXT_ARRAY => ["{a,\"b c\"}"];
    Type::BYTEA_ARRAY => ["{\"\\\\x00ff\"}"];
    Type::INT2VECTOR => ["1 2"];
    HSTORE.clone() => ["\"a\"=>\"1\", \"b\"=>NULL"];
    HSTORES.clone() => ["{\"\\\"a\\\"=>NULL\"}"];
    MOODS.clone() => ["{sad}"];
    PAIR.clone() => ["(1,a)"];
    PAIRS.clone() => ["{\"(1,a)\"}"];
};

type Map = HashMap<String, Option<String>>;

/// Values of the other crate's, through ours. What both read is the same.
pub fn compat(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    macro_rules! alike {
        ($($rust:ty),*) => { $( alike::<$rust, Compat<$rust>>(&given, |theirs| theirs.0); )* };
    }
    alike! {
        bool, i32, i64, f64, String, Vec<u8>, IpAddr, SystemTime, Vec<i32>, Vec<Option<i32>>, Vec<i64>, Vec<Option<String>>,
        Vec<Option<Vec<u8>>>
    }
    let sorted = |map: Map| BTreeMap::from_iter(map);
    let ours = given.read_as::<Map>().map(sorted);
    let theirs = given.read_as::<Compat<Map>>().map(|map| sorted(map.0));
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        assert_eq!(ours, theirs);
    }
    given.read_as::<Compat<Vec<Option<Map>>>>();
}

fn alike<Ours: FromSqlOwned + Debug, Theirs: FromSqlOwned>(
    given: &Given<'_>,
    unwrap: fn(Theirs) -> Ours,
) {
    let (ours, theirs) = (given.read_as::<Ours>(), given.read_as::<Theirs>());
    if let (Some(ours), Some(theirs)) = (ours, theirs.map(unwrap)) {
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
